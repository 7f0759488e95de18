package label

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// predictors are networks with initial weights, in every form that there is.
func predictors(t *testing.T, steps int) map[graph.Form]*graph.Predictor {
	t.Helper()
	all := map[graph.Form]*graph.Predictor{}
	for _, form := range []graph.Form{graph.FormFused, graph.FormPortable} {
		c := graph.DefaultConfig()
		c.Window, c.Features, c.Form = steps, 2, form
		p, err := graph.NewPredictor(c.Network, c.Machine)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		all[form] = p
	}
	return all
}

// apart is the largest difference between a and b, relative to the largest value of b.
func apart(a, b []float32) float64 {
	most, largest := 0.0, 0.0
	for i := range b {
		most = max(most, math.Abs(float64(a[i]-b[i])))
		largest = max(largest, math.Abs(float64(b[i])))
	}
	return most / largest
}

// rounding is how far answers may be apart: a product of matrices may add in
// another order when it has another number of rows.
const rounding = 1e-6

func TestTheWaysAgreeOnARealNetwork(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, steps := range []int{1, 7, 20} {
		for form, predictor := range predictors(t, steps) {
			for _, horizon := range []int{0, 4, -4} {
				what := fmt.Sprintf("%s, %d steps, horizon %d", form, steps, horizon)
				l := modelOf(predictor, horizon, inputs.None)
				in := interleave(r, 3, 1000)
				stream, _ := in.stream(t, l.Streams(nil), r, 400)
				rows, _ := in.stream(t, l.Follow(nil), r, 2)
				if d := apart(stream, rows); !(d <= rounding) {
					t.Errorf("%s: row by row %g apart", what, d)
				}
				whole, err := labelParts(context.Background(), l, in.x, []inputs.Range{{End: 1000}})
				if err != nil {
					t.Fatal(err)
				}
				one := interleaved{make([]int32, 1000), in.x}
				stream, _ = one.stream(t, l.Streams(nil), r, 400)
				if d := apart(stream, whole.Probability); !(d <= rounding) {
					t.Errorf("%s: in memory %g apart", what, d)
				}
			}
		}
	}
}

// The default network on long series.
func BenchmarkLabel(b *testing.B) {
	predictor, err := graph.NewPredictor(graph.DefaultConfig().Network, graph.Machine{})
	if err != nil {
		b.Fatal(err)
	}
	defer predictor.Close()
	const rows = 100000
	x := make([]float32, rows)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) / 50))
	}
	l := modelOf(predictor, 0, inputs.None)
	for b.Loop() {
		if _, err := labelParts(context.Background(), l, x, []inputs.Range{{End: rows}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
