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
		kind ScaleKind
		want Scale
		x    []float32 // scaled, but for what is missing
	}{
		{Standard, Scale{[]float32{2, .1}, []float32{1, 1}}, []float32{-1, 0, nan, 0, 1, 0, 98, 6.9}},
		{MinMax, Scale{[]float32{1, .1}, []float32{2, 1}}, []float32{0, 0, nan, 0, 1, 0, 49.5, 6.9}},
		{NoScale, Scale{[]float32{0, 0}, []float32{1, 1}}, x},
	}
	for _, test := range tests {
		s := FitScale(test.kind, x, 2, training)
		if !slices.Equal(s.Offset, test.want.Offset) || !slices.Equal(s.Divisor, test.want.Divisor) {
			t.Errorf("%s: %v, want %v", test.kind, s, test.want)
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
		{"the smallest values", append(repeated(0, 99), least), 0, 1, 0, least},
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
