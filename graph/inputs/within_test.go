package inputs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
)

const features = 3

// testRows are rows far from 0, of features of unlike deviations, the last one constant.
func testRows(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 1))
	var x []float32
	for range n {
		x = append(x, float32(1e6+10*r.NormFloat64()), float32(1e-3*r.ExpFloat64()), 7.1)
	}
	return x
}

// scaledBy is value i of feature k scaled by all of the rows, from sums by another library.
func scaledBy(rows []float32, i, k int) float64 {
	var column []float64
	for at := k; at < len(rows); at += features {
		column = append(column, float64(rows[at]))
	}
	mean, deviation := stat.PopMeanStdDev(column, nil)
	if deviation == 0 || slices.Min(column) == slices.Max(column) {
		return 0
	}
	return min(max((column[i]-mean)/deviation, -clip), clip)
}

func expand(w Within, x []float32, features int, parts []Range) []float32 {
	return Inputs{SeriesScale: w}.Expand(x, features, parts)
}

func TestExpand(t *testing.T) {
	parts := []Range{{Start: 2, End: 102}, {Start: 102, End: 103}, {Start: 103, End: 103}, {Start: 105, End: 300}}
	x := testRows(301)
	was := slices.Clone(x)
	for _, w := range []Within{Running, Whole} {
		wide := expand(w, x, features, parts)
		if len(wide) != 2*len(x) || !slices.Equal(x, was) {
			t.Fatalf("%s: %d values for %d, x changed: %v", w, len(wide), len(x), !slices.Equal(x, was))
		}
		values, want := make([]float32, len(x)), make([]float64, len(x)) // 0 beyond the parts
		for _, p := range parts {
			copy(values[p.Start*features:p.End*features], x[p.Start*features:])
			for i := p.Start; i < p.End; i++ {
				end := p.End
				if w == Running {
					end = i + 1
				}
				for k := range features {
					want[i*features+k] = scaledBy(x[p.Start*features:end*features], i-p.Start, k)
				}
			}
		}
		for i := range len(x) / features {
			row := wide[2*features*i : 2*features*(i+1)]
			if !slices.Equal(row[:features], values[i*features:(i+1)*features]) {
				t.Errorf("%s: row %d begins with %v", w, i, row[:features])
			}
			for k, got := range row[features:] {
				if !(math.Abs(float64(got)-want[i*features+k]) <= 1e-6) {
					t.Errorf("%s: row %d, feature %d: %v, want %v", w, i, k, got, want[i*features+k])
				}
			}
		}
	}
}

func TestExpandByNone(t *testing.T) {
	x := testRows(2)
	if got := expand(None, x, features, []Range{{End: 2}}); &got[0] != &x[0] || len(got) != len(x) {
		t.Errorf("%v", got)
	}
	for w, want := range map[Within]int{None: 3, "": 3, Running: 6, Whole: 6} {
		if got := w.Columns(3); got != want {
			t.Errorf("%q: %d columns", w, got)
		}
	}
}

func TestScaledIsClipped(t *testing.T) {
	x := make([]float32, 1000)
	x[998], x[999] = 1, -1e30
	for _, w := range []Within{Running, Whole} {
		if got := expand(w, x, 1, []Range{{End: 999}}); got[2*998+1] != clip {
			t.Errorf("%s: %v", w, got[2*998+1])
		}
		if got := expand(w, x, 1, []Range{{End: 1000}}); got[2*999+1] != -clip {
			t.Errorf("%s: %v", w, got[2*999+1])
		}
	}
}

// Values as large as they can be, and as small, give finite columns.
func TestScaledIsFinite(t *testing.T) {
	for _, largest := range []float32{math.MaxFloat32, math.SmallestNonzeroFloat32} {
		x := []float32{largest, -largest, largest, 0, largest, largest}
		for _, w := range []Within{Running, Whole} {
			for i, v := range expand(w, x, 1, []Range{{End: 6}}) {
				if i%2 == 1 && !(v >= -clip && v <= clip && (v != 0 || i == 1)) {
					t.Errorf("%s of %v: value %d is %v", w, largest, i, v)
				}
			}
		}
	}
}

// Row by row, and as many as come, is as in memory.
func TestMomentsAsInMemory(t *testing.T) {
	const rows = 500
	x := testRows(rows)
	for _, w := range []Within{Running, Whole} {
		want := expand(w, x, features, []Range{{End: rows}})
		m := NewMoments(features)
		if w == Whole {
			for at := 0; at < rows; at += 5 {
				m.Add(x[at*features : (at+5)*features])
			}
		}
		s := Inputs{SeriesScale: w}.NewStream(features, m)
		var got []float32
		for at, n := 0, 1; at < rows; at, n = at+n, n%7+1 {
			n = min(n, rows-at)
			got = s.Append(got, x[at*features:(at+n)*features])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: other bits than in memory", w)
		}
	}
}

func TestFill(t *testing.T) {
	nan := float32(math.NaN())
	means, x := []float32{5, 6}, []float32{1, nan, nan, 4}
	got := Fill(x, means)
	if !slices.Equal(got, []float32{1, 6, 5, 4}) {
		t.Errorf("filled %v", got)
	}
	if x[0] != 1 || x[1] == x[1] || x[2] == x[2] || x[3] != 4 {
		t.Errorf("x is %v afterwards", x)
	}
	if again := Fill(got, means); &again[0] != &got[0] {
		t.Error("x without NaN is copied")
	}
}

func BenchmarkExpand(b *testing.B) {
	const rows = 100000
	x := testRows(rows)
	for _, w := range []Within{Running, Whole} {
		b.Run(string(w), func(b *testing.B) {
			for b.Loop() {
				expand(w, x, features, []Range{{End: rows}})
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
