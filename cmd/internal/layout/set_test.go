package layout

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestBuild(t *testing.T) {
	labels := labelsOf("010-01")
	all, ones := lay(4, 2), []float32{1, 1}
	tests := []struct {
		name    string
		parts   []series.Range
		horizon int
		weights []float32
		x       []float32
		y, w    []float32
	}{
		{"as it is", all, 0, ones, counting(6), []float32{0, 1, 0, 0, 0, 1}, []float32{1, 1, 1, 0, 1, 1}},
		{"weights", all, 0, []float32{.5, 3}, counting(6), []float32{0, 1, 0, 0, 0, 1}, []float32{.5, 3, .5, 0, .5, 3}},
		{"one step ahead", all, 1, ones, counting(6), []float32{1, 0, 0, 0, 1, 0}, []float32{1, 1, 0, 0, 1, 0}},
		{"one step behind", all, -1, ones, counting(6), []float32{0, 0, 1, 0, 0, 0}, []float32{0, 1, 1, 1, 0, 1}},
		{"a part", all[1:], 0, ones, []float32{4, 5}, []float32{0, 1}, ones},
		{"two parts of a series", []series.Range{{Name: "a", End: 1}, {Name: "a", Start: 2, End: 3}}, 1, ones,
			[]float32{0, 2}, []float32{0, 0}, []float32{0, 0}},
		{"without the last row", []series.Range{{Name: "a", End: 4}, {Name: "b", Start: 4, End: 5}}, 0, ones,
			counting(5), []float32{0, 1, 0, 0, 0}, []float32{1, 1, 1, 0, 1}},
		{"horizon beyond everything", all, 9, ones, counting(6), make([]float32, 6), make([]float32, 6)},
		{"nothing", nil, 0, ones, nil, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := counting(6)
			s, err := Build(labels, test.parts, test.horizon, test.weights)
			if err != nil {
				t.Fatal(err)
			}
			s.Gather(x, 1)
			if !slices.Equal(s.X, test.x) || !slices.Equal(s.Y, test.y) || !slices.Equal(s.W, test.w) {
				t.Errorf("X %v Y %v W %v, want %v %v %v", s.X, s.Y, s.W, test.x, test.y, test.w)
			}
			clear(s.X)
			if !slices.Equal(x, counting(6)) {
				t.Errorf("x is %v afterwards", x)
			}
			at := 0
			for i, p := range s.Parts {
				if of := test.parts[i]; p.Start != at || p.Len() != of.Len() || p.Name != of.Name || s.Lengths[i] != of.Len() {
					t.Errorf("part %d is %v, of length %d, in place of %v", i, p, s.Lengths[i], of)
				}
				at = p.End
			}
			if at != len(s.Y) || len(s.Lengths) != len(s.Parts) || len(s.Parts) != len(test.parts) {
				t.Errorf("%d rows in parts %v of lengths %v, want %d", at, s.Parts, s.Lengths, len(s.Y))
			}
		})
	}
}

// Of three classes and two features, in an order of their own.
func TestBuildClasses(t *testing.T) {
	parts := []series.Range{{Name: "c", Start: 4, End: 6}, {Name: "a", Start: 0, End: 2}}
	s, err := Build(labelsOf("20x-12"), parts, 0, []float32{.5, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	s.Gather(counting(12), 2)
	x, y, w := []float32{8, 9, 10, 11, 0, 1, 2, 3}, []float32{1, 2, 2, 0}, []float32{1, 2, 2, .5}
	if !slices.Equal(s.X, x) || !slices.Equal(s.Y, y) || !slices.Equal(s.W, w) {
		t.Errorf("X %v Y %v W %v, want %v %v %v", s.X, s.Y, s.W, x, y, w)
	}
}

// A row of a class that weighs nothing is as one without a label.
func TestBuildWeightless(t *testing.T) {
	s, err := Build(labelsOf("0110"), lay(4), 0, []float32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	learns := s.learns()
	for start := range 4 {
		for end := start; end <= 4; end++ {
			if want := start < 3 && end > 1 && start < end; learns(start, end) != want {
				t.Errorf("rows %d to %d count: %v", start, end, !want)
			}
		}
	}
}

func TestBuildTooManyRows(t *testing.T) {
	parts := []series.Range{{End: 1 << 30}, {Start: 1 << 30, End: 1 << 31}}
	if _, err := Build(nil, parts, 0, nil); err == nil {
		t.Error("no error for more rows than an int32 can number")
	}
}
