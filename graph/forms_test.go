package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/internal/kernels"
)

// randomSeries has values of about 1, labels of all classes, and rows of no and
// of double weight.
func randomSeries(rows, features, classes int) graph.Series {
	r := rand.New(rand.NewPCG(1, 2))
	var d graph.Series
	for range rows {
		for range features {
			d.X = append(d.X, float32(r.NormFloat64()))
		}
		d.Y = append(d.Y, float32(r.IntN(classes)))
		d.W = append(d.W, float32(r.IntN(3)))
	}
	return d
}

// smallConfig is a network whose sizes are no multiples of a vector's.
func smallConfig(loss graph.Loss, activation graph.Activation, f form) graph.Config {
	c := graph.DefaultConfig()
	c.Window, c.Features, c.Loss = 7, 3, loss
	c.Layers = []graph.Layer{{Cell: graph.Plain, Units: 13, Activation: activation}}
	f.apply(&c)
	return c
}

// smallStarts are windows of which the second and the third are short.
var (
	smallLengths = []int{11, 4, 25}
	smallStarts  = []int32{0, 5, 9, 31, 33}
)

func smallSession(t testing.TB, c graph.Config) *graph.Session {
	t.Helper()
	s := newSession(t, c)
	d := randomSeries(40, c.Features, c.Classes)
	d.Lengths = smallLengths
	if err := s.SetSeries(d); err != nil {
		t.Fatal(err)
	}
	return s
}

// deep has a second layer, and a third class where the loss knows classes.
func deep(c graph.Config) graph.Config {
	c.Layers = append(c.Layers, graph.Layer{Cell: graph.Plain, Units: 9, Activation: c.Layers[0].Activation})
	if c.Loss != graph.MSE {
		c.Classes = 3
	}
	return c
}

// TestFormsAgree compares every form with the portable one on sizes of no
// particular kind, with weights, on more than one thread.
func TestFormsAgree(t *testing.T) {
	same := func(c graph.Config) graph.Config { return c }
	for name, shape := range map[string]func(graph.Config) graph.Config{"plain": same, "deep": deep} {
		for _, loss := range graph.Losses() {
			for _, activation := range graph.Activations() {
				want, wantLoss := gradients(t, smallSession(t, shape(smallConfig(loss, activation, portable))), smallStarts)
				for _, f := range fusedForms() {
					for _, threads := range []int{1, 2} {
						t.Run(fmt.Sprintf("%s/%s/%s/%s/%d", name, loss, activation, f, threads), func(t *testing.T) {
							c := shape(smallConfig(loss, activation, f))
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
}

// TestWhichCrossEntropyRuns asks the kernels: nodes are the same operations in each form.
func TestWhichCrossEntropyRuns(t *testing.T) {
	const trained = 3
	for _, loss := range graph.Losses() {
		for _, f := range forms() {
			want := uint64(0)
			if f.form == graph.FormFused && loss != graph.MSE {
				want = trained
			}
			s := smallSession(t, smallConfig(loss, graph.Tanh, f))
			before := kernels.XentRuns()
			steps(t, s, graph.Plan{Starts: slices.Repeat([][]int32{smallStarts}, trained)})
			if n := kernels.XentRuns() - before; n != want {
				t.Errorf("%s, %s: %d steps have run our kernel %d times, want %d", loss, f, trained, n, want)
			}
		}
	}
}

func gradients(t testing.TB, s *graph.Session, starts []int32) (map[string][]float32, float32) {
	t.Helper()
	grads, err := s.Gradients(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := s.Loss(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	return byName(grads), loss
}

// TestGradientsAreTheLosss compares with differences of the loss itself.
func TestGradientsAreTheLosss(t *testing.T) {
	for _, loss := range graph.Losses() {
		for _, f := range forms() {
			t.Run(fmt.Sprintf("%s/%s", loss, f), func(t *testing.T) {
				// Tanh: ReLU's corners have no derivative.
				gradientsAreTheLosss(t, deep(smallConfig(loss, graph.Tanh, f)))
			})
		}
	}
}

func gradientsAreTheLosss(t *testing.T, c graph.Config) {
	t.Helper()
	s := smallSession(t, c)
	grads, err := s.Gradients(t.Context(), smallStarts)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grads {
		for _, at := range []int{0, len(g.Value) / 2, len(g.Value) - 1} {
			// A step of 1e-2 leaves the third derivative, and 1e-7 of a loss
			// near 1, each about 1e-5.
			want := slopeOf(t, s, g.Name, at, 1e-2, func() float32 {
				loss, err := s.Loss(t.Context(), smallStarts)
				if err != nil {
					t.Fatal(err)
				}
				return loss
			})
			if d := math.Abs(float64(g.Value[at]) - want); !(d <= 1e-4) {
				t.Errorf("%s[%d]: gradient %v, the loss has %v", g.Name, at, g.Value[at], want)
			}
		}
	}
}

// slopeOf is a loss's central difference by one value of a variable.
func slopeOf(t testing.TB, s *graph.Session, name string, at int, step float32, loss func() float32) float64 {
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
				losses[i] = loss()
			}
		}
	}
	return float64(losses[1]-losses[0]) / (2 * float64(step))
}

// TestSameBitsRunAfterRun: for a number of threads, training has one result.
func TestSameBitsRunAfterRun(t *testing.T) {
	for _, f := range forms() {
		for _, threads := range []int{1, 2} {
			sys := answer
			sys.form = f
			c := sys.config(5)
			c.Threads = threads
			sameBitsRunAfterRun(t, c, answer.series(), iterations(0, 20))

			// products so large that TensorFlow divides them among threads
			c.Window, c.Features, c.Layers = 1, 1400, []graph.Layer{{Cell: graph.Dense, Units: 64}, {Cell: graph.Dense, Units: 32}}
			c.InputNoise = 0.1
			starts := make([]int32, 512)
			for i := range starts {
				starts[i] = int32(i)
			}
			sameBitsRunAfterRun(t, c, randomSeries(len(starts), c.Features, c.Classes), graph.Plan{Starts: [][]int32{starts, starts, starts}})
		}
	}
}

func sameBitsRunAfterRun(t *testing.T, c graph.Config, d graph.Series, p graph.Plan) {
	t.Helper()
	var want map[string][]float32
	for range 2 {
		s := newSession(t, c)
		if err := s.SetSeries(d); err != nil {
			t.Fatal(err)
		}
		steps(t, s, p)
		got := state(t, s)
		if want == nil {
			want = got
		}
		sameState(t, fmt.Sprintf("%s, %s, %d threads, %s", c.Form, c.InstructionSet, c.Threads, c.Layers[0].Cell), got, want)
	}
}
