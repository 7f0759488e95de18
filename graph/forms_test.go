package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// randomSeries has values of about 1, labels of both kinds, and rows of no and
// of double weight.
func randomSeries(rows, features int) graph.Series {
	r := rand.New(rand.NewPCG(1, 2))
	var d graph.Series
	for range rows {
		for range features {
			d.X = append(d.X, float32(r.NormFloat64()))
		}
		d.Y = append(d.Y, float32(r.IntN(2)))
		d.W = append(d.W, float32(r.IntN(3)))
	}
	return d
}

// smallConfig is a network whose sizes are no multiples of a vector's.
func smallConfig(loss graph.Loss, activation graph.Activation, kernel graph.Kernel) graph.Config {
	c := graph.DefaultConfig()
	c.Steps, c.Features, c.Units = 7, 3, 13
	c.Loss, c.Activation, c.Kernel = loss, activation, kernel
	return c
}

var smallStarts = []int32{0, 5, 9, 31, 33}

func smallSession(t testing.TB, c graph.Config) *graph.Session {
	t.Helper()
	s := newSession(t, c)
	if err := s.SetSeries(randomSeries(40, c.Features)); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFormsAgree compares every form with the portable one on sizes of no
// particular kind, with weights, on more than one thread.
func TestFormsAgree(t *testing.T) {
	for _, loss := range graph.Losses {
		for _, activation := range []graph.Activation{graph.ReLU, graph.Tanh} {
			reference := smallSession(t, smallConfig(loss, activation, graph.KernelPortable))
			want, wantLoss := gradients(t, reference, smallStarts)
			for _, kernel := range forms()[1:] {
				for _, threads := range []int{1, 2} {
					t.Run(fmt.Sprintf("%s/%s/%s/%d", loss, activation, kernel, threads), func(t *testing.T) {
						c := smallConfig(loss, activation, kernel)
						c.Threads = threads
						got, gotLoss := gradients(t, smallSession(t, c), smallStarts)
						// Sums of 35 rows in another order, and tanh of another library.
						const rounding = 3e-6
						near(t, "loss", []float32{gotLoss}, []float32{wantLoss}, rounding)
						nearAll(t, "gradient", got, want, rounding)
					})
				}
			}
		}
	}
}

func gradients(t testing.TB, s *graph.Session, starts []int32) (map[string][]float32, float32) {
	t.Helper()
	grads, err := s.Gradients(starts)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := s.Loss(starts)
	if err != nil {
		t.Fatal(err)
	}
	return byName(grads), loss
}

// TestGradientsAreTheLosss compares with differences of the loss itself.
func TestGradientsAreTheLosss(t *testing.T) {
	for _, loss := range graph.Losses {
		for _, kernel := range forms() {
			t.Run(fmt.Sprintf("%s/%s", loss, kernel), func(t *testing.T) {
				// Tanh: ReLU's corners have no derivative.
				s := smallSession(t, smallConfig(loss, graph.Tanh, kernel))
				grads, err := s.Gradients(smallStarts)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range grads {
					for _, at := range []int{0, len(g.Value) / 2, len(g.Value) - 1} {
						// A step of 1e-2 leaves the third derivative, and 1e-7 of a loss
						// near 1, each about 1e-5.
						if want := slope(t, s, g.Name, at, 1e-2); math.Abs(float64(g.Value[at])-want) > 1e-4 {
							t.Errorf("%s[%d]: gradient %v, the loss has %v", g.Name, at, g.Value[at], want)
						}
					}
				}
			})
		}
	}
}

// slope is the loss's central difference by one value of a variable.
func slope(t testing.TB, s *graph.Session, name string, at int, step float32) float64 {
	t.Helper()
	vars, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	var losses [2]float32
	for _, v := range vars {
		if v.Name != name {
			continue
		}
		was := v.Value[at]
		for i, value := range []float32{was - step, was + step, was} {
			v.Value[at] = value
			if err := s.SetVariables([]graph.Variable{v}); err != nil {
				t.Fatal(err)
			}
			if i < 2 {
				if losses[i], err = s.Loss(smallStarts); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return float64(losses[1]-losses[0]) / (2 * float64(step))
}

// TestSameBitsRunAfterRun: for a number of threads, training has one result.
func TestSameBitsRunAfterRun(t *testing.T) {
	for _, kernel := range forms() {
		for _, threads := range []int{1, 2} {
			c := answer.config(5)
			c.Kernel, c.Threads = kernel, threads
			var want []float32
			for range 2 {
				s := newSession(t, c)
				if err := s.SetSeries(answer.series()); err != nil {
					t.Fatal(err)
				}
				steps(t, s, iterations(0, 20))
				got := state(t, s)[variables+"basic_rnn_cell/kernel"]
				if want == nil {
					want = got
				}
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("%s, %d threads: %v and %v", kernel, threads, got[i], want[i])
					}
				}
			}
		}
	}
}
