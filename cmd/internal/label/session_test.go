package label

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// sessions are networks with initial weights, in every form that there is.
func sessions(t *testing.T, steps int) map[graph.Kernel]*graph.Session {
	t.Helper()
	all := map[graph.Kernel]*graph.Session{}
	for _, kernel := range []graph.Kernel{graph.KernelFused, graph.KernelPortable} {
		c := graph.DefaultConfig()
		c.Steps, c.Features, c.Kernel = steps, 2, kernel
		s, err := graph.NewSession(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		all[kernel] = s
	}
	return all
}

func apart(a, b []float32) float64 {
	most := 0.0
	for i := range a {
		most = max(most, math.Abs(float64(a[i]-b[i])))
	}
	return most
}

// rounding is how far answers may be apart: a product of matrices may add in
// another order when it has another number of rows. On the processors tried
// they are the same bits.
const rounding = 1e-6

func TestTheWaysAgreeOnARealNetwork(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, steps := range []int{1, 7, 20} {
		for kernel, session := range sessions(t, steps) {
			for _, horizon := range []int{0, 4, -4} {
				what := fmt.Sprintf("%s, %d steps, horizon %d", kernel, steps, horizon)
				l := New(session, horizon)
				in := interleave(r, 3, 1000)
				stream, _ := in.stream(t, l.Stream(), r, 400)
				rows, _ := in.stream(t, l.Follow(), r, 2)
				if d := apart(stream, rows); d > rounding {
					t.Errorf("%s: row by row %g apart", what, d)
				}
				whole, err := l.Label(context.Background(), in.x, []series.Range{{End: 1000}})
				if err != nil {
					t.Fatal(err)
				}
				one := interleaved{make([]int32, 1000), in.x}
				stream, _ = one.stream(t, l.Stream(), r, 400)
				if d := apart(stream, whole.Probability); d > rounding {
					t.Errorf("%s: in memory %g apart", what, d)
				}
			}
		}
	}
}

// The default network on long series.
func BenchmarkLabel(b *testing.B) {
	session, err := graph.NewSession(graph.DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	const rows = 100000
	x := make([]float32, rows)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) / 50))
	}
	l := New(session, 0)
	for b.Loop() {
		if _, err := l.Label(context.Background(), x, []series.Range{{End: rows}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
