package layout

import (
	"slices"
	"testing"
)

func TestOutside(t *testing.T) {
	// the second feature is constant
	o := NewOutside(&Profile{Mean: []float32{12, 3}, Low: []float32{10, 3}, High: []float32{14, 3}})
	o.Add([]float32{12, 3, 6, 3, 18, 3})                     // at most as far as the range is wide
	o.Add([]float32{5.99, 3, 18.01, 3.001, 20, 3, 14, 2.99}) // of three farther
	o.Add(nil)
	if o.Rows != 7 || !slices.Equal(o.Count, []int{3, 2}) {
		t.Errorf("%v of %d rows lie outside, want [3 2] of 7", o.Count, o.Rows)
	}
	if !slices.Equal(o.Low, []float32{5.99, 2.99}) || !slices.Equal(o.High, []float32{20, 3.001}) {
		t.Errorf("from %v to %v", o.Low, o.High)
	}
}

// The range of rows that all lie on one side of 0 does not reach to it.
func TestOutsideRange(t *testing.T) {
	for _, x := range [][]float32{{3, 5, 4}, {-3, -5, -4}} {
		o := NewOutside(&Profile{Mean: []float32{0}, Low: []float32{-1}, High: []float32{1}})
		o.Add(x)
		if o.Low[0] != slices.Min(x) || o.High[0] != slices.Max(x) || o.Count[0] != 2 {
			t.Errorf("%v: from %v to %v, %d outside", x, o.Low[0], o.High[0], o.Count[0])
		}
	}
}
