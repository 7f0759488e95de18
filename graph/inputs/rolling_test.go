package inputs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// rolled are the columns [N,E*(1+5*W)] of rows x [N,E] of one series, each window by itself.
func rolled(x []float32, features int, in Inputs) []float64 {
	var all []float64
	n := len(x) / features
	for i := range n {
		for _, v := range x[i*features : (i+1)*features] {
			all = append(all, float64(v))
		}
		for _, rows := range in.Rolling {
			end := i - rows/2 + rows
			if in.Ahead != Centred {
				end = min(end, i+in.Ahead+1)
			}
			start := max(end-rows, 0)
			end = min(end, n)
			columns := make([][]float64, statistics)
			for k := range features {
				var values []float64
				for j := start; j < end; j++ {
					values = append(values, float64(x[j*features+k]))
				}
				for s, v := range statisticsOf(values) {
					columns[s] = append(columns[s], v)
				}
			}
			all = append(all, slices.Concat(columns...)...)
		}
	}
	return all
}

// statisticsOf are the mean, deviation, least, greatest and slope of values, in two passes.
func statisticsOf(values []float64) [statistics]float64 {
	n := float64(len(values))
	mean, squares, products, times := 0.0, 0.0, 0.0, 0.0
	for _, v := range values {
		mean += (v - values[0]) / n
	}
	mean += values[0]
	for i, v := range values {
		t := float64(i) - (n-1)/2
		squares += (v - mean) * (v - mean)
		products += t * (v - mean)
		times += t * t
	}
	slope := 0.0
	if times > 0 {
		slope = products / times
	}
	return [statistics]float64{mean, math.Sqrt(squares / n), slices.Min(values), slices.Max(values), slope}
}

// near fails unless got is want, to the rounding of a number of 32 bits, and to that of the
// largest value of its column where values of both signs are summed.
func near(t *testing.T, got []float32, want []float64, largest float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i, g := range got {
		if !(math.Abs(float64(g)-want[i]) <= 1e-7*math.Abs(want[i])+1e-12*largest) {
			t.Fatalf("value %d is %v, want %v", i, g, want[i])
		}
	}
}

// walk is a series of rows of features that are alike in nothing.
func walk(rows, features int) []float32 {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(features)))
	x := make([]float32, rows*features)
	for i := range x {
		k := i % features
		x[i] = float32(r.NormFloat64() * math.Pow(10, float64(k-1)))
		if k%2 == 1 && i >= features {
			x[i] += x[i-features]
		}
	}
	return x
}

func TestRolling(t *testing.T) {
	for _, ahead := range []int{Centred, 0, 1, 3, 200} {
		for _, rolling := range [][]int{{2}, {3}, {8}, {2, 3, 8, 32, 128}, {5, 1000}} {
			for _, rows := range []int{1, 2, 3, 7, 8, 9, 64, 129, 600} {
				for _, features := range []int{1, 4} {
					in := Inputs{SeriesScale: None, Rolling: rolling, Ahead: ahead}
					x := walk(rows, features)
					t.Run(fmt.Sprint(ahead, rolling, rows, features), func(t *testing.T) {
						near(t, in.Expand(x, features, []Range{{End: rows}}), rolled(x, features, in), 1e3)
					})
				}
			}
		}
	}
}

// Where sums of squares would cancel, deviations are still those of the values.
func TestRollingFarFromZero(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 3000)
	for i := range x {
		x[i] = float32(1e6 + 0.1*r.NormFloat64())
	}
	in := Inputs{SeriesScale: None, Rolling: []int{8, 32, 1000}, Ahead: Centred}
	got, want := in.Expand(x, 1, []Range{{End: len(x)}}), rolled(x, 1, in)
	for i, g := range got {
		if !(math.Abs(float64(g)-want[i]) <= 1e-6*math.Abs(want[i])+1e-9) {
			t.Fatalf("value %d is %v, want %v", i, g, want[i])
		}
	}
}

// Windows do not know how many rows were before them, and nothing adds up.
func TestRollingDoesNotDrift(t *testing.T) {
	const rows, last, columns = 1 << 20, 400, 16
	r := rand.New(rand.NewPCG(1, 3))
	x := make([]float32, rows)
	for i := range x {
		x[i] = float32(1e6*r.ExpFloat64() - 1e3)
	}
	in := Inputs{SeriesScale: None, Rolling: []int{8, 32, 128}}
	s := in.NewStream(1, nil)
	got := make([]float32, 0, rows*columns)
	got = s.Append(got, x)
	near(t, got[(rows-last+127)*columns:], rolled(x[rows-last:], 1, in)[127*columns:], 1e6)
}

// Nothing of a level is left once it is outside of the window.
func TestRollingAfterAJump(t *testing.T) {
	for _, rows := range []int{2, 8, 32, 128} {
		for at := 300; at < 300+rows; at++ { // wherever in a block it is
			x := make([]float32, 700)
			for i := range at {
				x[i] = 1e9
			}
			in := Inputs{SeriesScale: None, Rolling: []int{rows}}
			got := in.Expand(x, 1, []Range{{End: len(x)}})
			for i := range x {
				var want []float32
				switch row := got[6*i : 6*i+6]; {
				case i < at:
					want = []float32{1e9, 1e9, 0, 1e9, 1e9, 0}
					fallthrough
				case i >= at+rows-1:
					if want == nil {
						want = make([]float32, 6)
					}
					if !slices.Equal(row, want) {
						t.Fatalf("%d rows: row %d is %v, want %v", rows, i-at, row, want)
					}
				}
			}
		}
	}
}

// Constants have no deviation and no slope at all.
func TestRollingOfConstants(t *testing.T) {
	for _, v := range []float32{7.1, -1e-30, 3e38} {
		in := Inputs{SeriesScale: Whole, Rolling: []int{3, 8, 50}, Ahead: 2}
		got := in.Expand(slices.Repeat([]float32{v}, 200), 1, []Range{{End: 200}})
		want := []float32{v, 0}
		for range in.Rolling {
			want = append(want, v, 0, 0, 0, v, 0, v, 0, 0, 0)
		}
		for row := range slices.Chunk(got, in.Columns(1)) {
			if !slices.Equal(row, want) {
				t.Fatalf("%v: %v", v, row)
			}
		}
	}
}

// Values as large as they can be have finite statistics.
func TestRollingIsFinite(t *testing.T) {
	x := []float32{-math.MaxFloat32, math.MaxFloat32, math.MaxFloat32, -math.MaxFloat32, 0, math.MaxFloat32}
	for _, w := range Kinds {
		in := Inputs{SeriesScale: w, Rolling: []int{2, 3, 4}, Ahead: Centred}
		for i, v := range in.Expand(x, 1, []Range{{End: len(x)}}) {
			if !(v >= -math.MaxFloat32 && v <= math.MaxFloat32) {
				t.Errorf("%s: value %d is %v", w, i, v)
			}
		}
	}
}

// Over windows, features that are scaled within their series are not clipped.
func TestRollingIsNotClipped(t *testing.T) {
	x := make([]float32, 1001)
	x[1000] = 1
	for _, w := range []Within{Running, Whole} {
		in := Inputs{SeriesScale: w, Rolling: []int{2}}
		row := in.Expand(x, 1, []Range{{End: len(x)}})[1000*in.Columns(1):]
		if !(math.Abs(float64(row[1])-math.Sqrt(1000)) < 1e-4) || row[9] != row[1] {
			t.Errorf("%s: %v", w, row)
		}
	}
}

// As of pandas 3.1.1: rolling(4, center=True, min_periods=1) and rolling(4, min_periods=1) with
// mean(), std(ddof=0), min(), max() and apply(lambda v: numpy.polyfit(range(len(v)), v, 1)[0]).
func TestRollingAsPandas(t *testing.T) {
	x := []float32{3, 1.5, 4, -1, 5, 9, 2.5, 6}
	behind := [][]float64{
		{3, 0, 3, 3, 0},
		{2.25, 0.75, 1.5, 3, -1.5},
		{2.8333333, 1.0274023, 1.5, 4, 0.5},
		{1.875, 1.8833149, -1, 4, -0.95},
		{2.375, 2.328492, -1, 5, 0.55},
		{4.25, 3.5619517, -1, 9, 2.1},
		{3.875, 3.646488, -1, 9, 1.45},
		{5.625, 2.328492, 2.5, 9, -0.35},
	}
	centred := append(slices.Clone(behind[1:]), []float64{5.8333333, 2.6562296, 2.5, 9, -1.5})
	for ahead, want := range map[int][][]float64{0: behind, Centred: centred} {
		got := Inputs{SeriesScale: None, Rolling: []int{4}, Ahead: ahead}.Expand(x, 1, []Range{{End: len(x)}})
		for i := range x {
			for k, w := range want[i] {
				if g := float64(got[6*i+1+k]); !(math.Abs(g-w) <= 1e-7*math.Abs(w)) {
					t.Errorf("%d ahead: statistic %d of row %d is %v, want %v", ahead, k, i, g, w)
				}
			}
		}
	}
}
