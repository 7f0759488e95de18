package graph_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// randomConfigs are networks that draw in training.
func randomConfigs(f form) map[string]graph.Config {
	configs := map[string]graph.Config{}
	for _, bidirectional := range []bool{false, true} {
		c := deep(smallConfig(graph.OneHotXent, graph.Tanh, f))
		c.Bidirectional, c.Dropout, c.InputNoise = bidirectional, 0.3, 0.2
		c.Optimizer, c.LearningRate = graph.SGD, 1
		configs[fmt.Sprintf("dropout and noise, bidirectional %t", bidirectional)] = c
	}
	c := configs["dropout and noise, bidirectional false"]
	c.Layers = []graph.Layer{{Cell: graph.Dense, Units: 13, Activation: graph.Tanh}, {Cell: graph.Dense, Units: 9, Activation: graph.Tanh}}
	configs["dropout and noise, dense"] = c
	return configs
}

// randomPlan has steps on the same windows, which differ by what they draw.
func randomPlan(steps int) graph.Plan {
	return graph.Plan{Starts: slices.Repeat([][]int32{smallStarts}, steps)}
}

// stepsFrom makes n steps, the first of which has the given number.
func stepsFrom(t testing.TB, s *graph.Session, first int64, n int) graph.Report {
	t.Helper()
	if err := s.SetStep(first); err != nil {
		t.Fatal(err)
	}
	return steps(t, s, randomPlan(n))
}

// TestFormsDrawTheSame compares each step's loss with the portable form's.
func TestFormsDrawTheSame(t *testing.T) {
	for name, c := range randomConfigs(portable) {
		want := stepsFrom(t, smallSession(t, c), 1000, 3)
		for _, f := range fusedForms() {
			f.apply(&c)
			got := stepsFrom(t, smallSession(t, c), 1000, 3)
			near(t, fmt.Sprint(name, ", ", f, ": losses"), got.Losses, want.Losses, 1e-5)
			near(t, fmt.Sprint(name, ", ", f, ": norms"), got.Norms, want.Norms, 1e-5)
		}
	}
}

// TestDrawsDependOnSeedAndStepAlone: not on the calls that steps are divided into.
func TestDrawsDependOnSeedAndStepAlone(t *testing.T) {
	const total = 20
	for _, f := range []form{portable, {}} {
		for name, c := range randomConfigs(f) {
			whole := smallSession(t, c)
			want := stepsFrom(t, whole, 50, total)
			divided := smallSession(t, c)
			if err := divided.SetStep(50); err != nil {
				t.Fatal(err)
			}
			var got []float32
			for from := 0; from < total; from += 7 {
				got = append(got, steps(t, divided, randomPlan(min(7, total-from))).Losses...)
			}
			if !sameBits(got, want.Losses) {
				t.Errorf("%s, %s: losses %v in calls of 7, %v in one", name, f, got, want.Losses)
			}
			sameState(t, name, state(t, divided), state(t, whole))

			c.LearningRate = 1e-30 // changes no weight: losses differ by what is drawn
			s := smallSession(t, c)
			c.Seed++
			other := smallSession(t, c)
			vars, err := s.Variables()
			if err != nil {
				t.Fatal(err)
			}
			if err := other.SetVariables(vars); err != nil {
				t.Fatal(err)
			}
			first, second := steps(t, s, randomPlan(2)).Losses, steps(t, other, randomPlan(1)).Losses
			if first[0] == first[1] || first[0] == second[0] {
				t.Errorf("%s, %s: losses %v of two steps and %v of another seed do not differ", name, f, first, second)
			}
		}
	}
}

// TestGradientsOfWhatIsDrawn compares what a step of gradient descent takes from a
// weight with differences of the same step's loss.
func TestGradientsOfWhatIsDrawn(t *testing.T) {
	for _, f := range []form{portable, {}} {
		for name, c := range randomConfigs(f) {
			moved, still := smallSession(t, c), smallSession(t, c)
			before := weights(t, moved)
			stepsFrom(t, moved, 7, 1)
			after := weights(t, moved)
			for _, v := range c.Weights() {
				for _, at := range []int{0, v.Size() / 2, v.Size() - 1} {
					want := slopeOf(t, still, v.Name, at, 1e-2, func() float32 {
						p := randomPlan(1)
						p.Rates = []float32{1e-30}
						if err := still.SetStep(7); err != nil {
							t.Fatal(err)
						}
						return steps(t, still, p).Losses[0]
					})
					got := float64(before[v.Name][at] - after[v.Name][at])
					if d := math.Abs(got - want); !(d <= 1e-4) { // as in gradientsAreTheLosss
						t.Errorf("%s, %s: %s[%d]: gradient %v, the loss has %v", name, f, v.Name, at, got, want)
					}
				}
			}
		}
	}
}

// TestEvaluatingDrawsNothing: loss, gradients and predictions are those of a network
// without.
func TestEvaluatingDrawsNothing(t *testing.T) {
	for name, c := range randomConfigs(form{}) {
		s := smallSession(t, c)
		got, gotLoss := gradients(t, s, smallStarts)
		x := randoms(3 * c.Window * c.Features)
		p := predict(t, s.Predictor, x, 3, nil)
		c.Dropout, c.InputNoise = 0, 0
		s = smallSession(t, c)
		want, wantLoss := gradients(t, s, smallStarts)
		sameState(t, name, got, want)
		if q := predict(t, s.Predictor, x, 3, nil); gotLoss != wantLoss || !sameBits(p.Outputs, q.Outputs) {
			t.Errorf("%s: loss %v, want %v, or other outputs", name, gotLoss, wantLoss)
		}
	}
}

// TestSizeOfWhatIsDrawn has networks whose loss is the mean square of what is drawn.
func TestSizeOfWhatIsDrawn(t *testing.T) {
	const rows = 20000
	meanSquare := func(c graph.Config, weights map[string]float32) float64 {
		c.Window, c.Features, c.Loss, c.Classes = rows, 1, graph.MSE, 2
		s := newSession(t, c)
		if err := s.SetSeries(graph.Series{X: make([]float32, rows), Y: make([]float32, rows)}); err != nil {
			t.Fatal(err)
		}
		var vars []graph.Variable
		for _, v := range c.Weights() {
			v.Value = slices.Repeat([]float32{weights[v.Name]}, v.Size())
			vars = append(vars, v)
		}
		if err := s.SetVariables(vars); err != nil {
			t.Fatal(err)
		}
		return float64(steps(t, s, graph.Plan{Starts: [][]int32{{0}}}).Losses[0])
	}

	c := graph.DefaultConfig()
	c.Layers, c.InputNoise = nil, 0.1
	got, want := meanSquare(c, map[string]float32{"projection/kernel": 3}), math.Pow(3*0.1, 2)
	if d := math.Abs(got/want - 1); !(d < 0.05) { // the standard deviation is 0.01
		t.Errorf("noise: mean square %v, want %v", got, want)
	}

	c = graph.DefaultConfig() // whose one unit is always 1
	c.Layers[0].Units, c.Dropout = 1, 0.25
	got = meanSquare(c, map[string]float32{variables + "basic_rnn_cell/bias": 1, variables + "kernel": 3})
	want = 0.75 * math.Pow(3/0.75, 2)
	if d := math.Abs(got/want - 1); !(d < 0.025) { // the standard deviation is 0.004
		t.Errorf("dropout: mean square %v, want %v", got, want)
	}
}
