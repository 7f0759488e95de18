package layout

import (
	"math"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

var nan = float32(math.NaN())

func TestFitScale(t *testing.T) {
	x := []float32{1, .1, nan, .1, 3, .1, 100, 7}
	training := []series.Range{{Start: 0, End: 1}, {Start: 1, End: 3}}
	tests := []struct {
		kind            ScaleKind
		offset, divisor []float32
		x               []float32 // scaled, but for what is missing
	}{
		{Standard, []float32{2, .1}, []float32{1, 1}, []float32{-1, 0, nan, 0, 1, 0, 98, 6.9}},
		{MinMax, []float32{1, .1}, []float32{2, 1}, []float32{0, 0, nan, 0, 1, 0, 49.5, 6.9}},
		{NoScale, []float32{0, 0}, []float32{1, 1}, x},
	}
	for _, test := range tests {
		s := FitScale(test.kind, x, 2, training)
		if !slices.Equal(s.Offset, test.offset) || !slices.Equal(s.Divisor, test.divisor) || s.Center != nil {
			t.Errorf("%s: %v, want %v and %v", test.kind, s, test.offset, test.divisor)
		}
		for i, v := range x {
			got := (v - s.Offset[i%2]) / s.Divisor[i%2]
			if !(math.Abs(float64(got-test.x[i])) < 1e-6) && v == v {
				t.Errorf("%s: %v is scaled to %v, want %v", test.kind, v, got, test.x[i])
			}
		}
	}
}

// Offset and divisor are finite, and the divisor above 0, whatever the values.
func TestFitScaleIsFinite(t *testing.T) {
	const least, most = math.SmallestNonzeroFloat32, math.MaxFloat32
	tests := []struct {
		name             string
		x                []float32
		offset, standard float32 // the divisor of Standard
		low, minmax      float32
	}{
		{"constant", repeated(.1, 1000), .1, 1, .1, 1},
		{"the largest constant", repeated(most, 1000), most, 1, most, 1},
		{"one value", []float32{5, nan}, 5, 1, 5, 1},
		{"no value", []float32{nan, nan}, 0, 1, 0, 1},
		{"no rows", nil, 0, 1, 0, 1},
		{"the largest values", []float32{-most, most}, 0, most, -most, most},
		{"the smallest values", append(repeated(0, 99), least), 0, 1, 0, 1}, // not to be divided by
		{"far from 0", []float32{1e8, 1e8 + 16}, 1e8 + 8, 8, 1e8, 16},
	}
	for _, test := range tests {
		parts := []series.Range{{End: len(test.x)}}
		for kind, want := range map[ScaleKind][2]float32{
			Standard: {test.offset, test.standard}, MinMax: {test.low, test.minmax}, NoScale: {0, 1},
		} {
			s := FitScale(kind, test.x, 1, parts)
			if got := [2]float32{s.Offset[0], s.Divisor[0]}; got != want {
				t.Errorf("%s, %s: offset and divisor %v, want %v", test.name, kind, got, want)
			}
		}
	}
}

// An outlier takes the others no room, and stays in sight.
func TestFitRobust(t *testing.T) {
	var x []float32
	for i := range 1000 {
		x = append(x, float32(i%100), float32(i%2000/999), 7) // evenly from 0 to 99; 0 but for the last row; constant
	}
	x[0] = 1e6
	parts := []series.Range{{End: 400}, {Start: 400, End: 1000}}
	s := FitRobust(x, 3, parts)
	if s.Center[0] != 49 && s.Center[0] != 50 || !(s.Spread[0] >= 49 && s.Spread[0] <= 51) {
		t.Errorf("median %v, range %v", s.Center[0], s.Spread[0])
	}
	if s.Spread[2] != 1 || s.Divisor[2] != 1 || s.Center[2] != 7 || !(s.Spread[1] > 0.01 && s.Spread[1] < 0.1) {
		t.Errorf("center %v, spread %v, divisor %v", s.Center, s.Spread, s.Divisor)
	}
	s.Apply(x)
	for k := range 2 {
		var sum, squares, most float64
		for i := range 1000 {
			v := float64(x[3*i+k])
			sum, squares, most = sum+v, squares+v*v, max(most, v)
		}
		if !(math.Abs(sum/1000) < 1e-5 && math.Abs(squares/1000-1) < 1e-4) {
			t.Errorf("column %d: mean %v, mean square %v", k, sum/1000, squares/1000)
		}
		if k == 0 && !(most > 10 && most < 30) {
			t.Errorf("the outlier is at %v", most)
		}
	}
	if s := FitRobust(nil, 1, nil); s.Spread[0] != 1 || s.Divisor[0] != 1 {
		t.Errorf("of no rows: %+v", s)
	}
}

func TestDescribe(t *testing.T) {
	d := &series.Data{Features: []string{"a", "b"}, X: []float32{9, 9, 1, nan, nan, -2, 4, -4, 7, nan}}
	p, err := Describe(d, []series.Range{{Start: 1, End: 3}, {Start: 3, End: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Mean, []float32{2.5, -3}) || !slices.Equal(p.Low, []float32{1, -4}) || !slices.Equal(p.High, []float32{4, -2}) {
		t.Errorf("%+v", p)
	}
	const want = `column "b" has no value in the training rows`
	if _, err := Describe(d, []series.Range{{Start: 1, End: 2}, {Start: 4, End: 5}}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
