package graph_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// moments are what the formulas keep for a value: Adam's two, or RMSProp's mean
// of squares as the second.
type moments struct{ first, second float64 }

// formulas move a weight by its gradient g in step t, from 1, in float64.
var formulas = map[graph.Optimizer]func(c graph.Config, m *moments, w, g float64, t int) float64{
	graph.SGD:  func(c graph.Config, _ *moments, w, g float64, _ int) float64 { return w - float64(c.LearningRate)*g },
	graph.Adam: adamFormula,
	graph.AdamW: func(c graph.Config, m *moments, w, g float64, t int) float64 {
		return adamFormula(c, m, w-float64(c.LearningRate)*float64(c.WeightDecay)*w, g, t)
	},
	graph.RMSProp: func(c graph.Config, m *moments, w, g float64, t int) float64 {
		if t == 1 {
			m.second = 1
		}
		m.second = 0.9*m.second + 0.1*g*g
		return w - float64(c.LearningRate)*g/math.Sqrt(m.second+1e-10)
	},
}

// adamFormula is TensorFlow 1's, with epsilon outside of the bias correction.
func adamFormula(c graph.Config, m *moments, w, g float64, t int) float64 {
	beta1, beta2 := float64(c.Beta1), float64(c.Beta2)
	m.first = beta1*m.first + (1-beta1)*g
	m.second = beta2*m.second + (1-beta2)*g*g
	rate := float64(c.LearningRate) * math.Sqrt(1-math.Pow(beta2, float64(t))) / (1 - math.Pow(beta1, float64(t)))
	return w - rate*m.first/(math.Sqrt(m.second)+float64(c.Epsilon))
}

// Three steps of each optimizer are those of its formula, from the gradients that
// the session tells, with and without clipping.
//
// Adam's powers of beta are float32, which leaves 1-beta2^t five digits.
func TestOptimizersAreTheirFormulas(t *testing.T) {
	for _, optimizer := range graph.Optimizers() {
		for _, clip := range []float32{0, 0.05} {
			for _, f := range forms() {
				name := fmt.Sprint(optimizer, "/", f, map[bool]string{true: "/clipped"}[clip > 0])
				t.Run(name, func(t *testing.T) { threeSteps(t, optimizer, clip, f) })
			}
		}
	}
}

func threeSteps(t *testing.T, optimizer graph.Optimizer, clip float32, f form) {
	c := smallConfig(graph.OneHotXent, graph.Tanh, f)
	c.Optimizer, c.ClipNorm, c.LearningRate = optimizer, clip, 0.05
	if optimizer == graph.AdamW {
		c.WeightDecay = 0.1
	}
	s := smallSession(t, c)
	c = s.Config()
	kept := map[string][]moments{}
	for step := 1; step <= 3; step++ {
		before := state(t, s)
		grads, err := s.Gradients(t.Context(), smallStarts)
		if err != nil {
			t.Fatal(err)
		}
		norm := steps(t, s, graph.Plan{Starts: [][]int32{smallStarts}}).Norms[0]
		scale := 1.0
		if clip > 0 && norm > clip {
			scale = float64(clip / norm)
		}
		if (scale < 1) != (clip > 0) {
			t.Errorf("step %d: a norm of %v, clipped to %v", step, norm, clip)
		}
		after := state(t, s)
		for _, g := range grads {
			if kept[g.Name] == nil {
				kept[g.Name] = make([]moments, len(g.Value))
			}
			want := make([]float32, len(g.Value))
			of := c
			if len(g.Shape) < 2 {
				of.WeightDecay = 0 // of a bias
			}
			for i, v := range g.Value {
				want[i] = float32(formulas[optimizer](of, &kept[g.Name][i], float64(before[g.Name][i]), scale*float64(v), step))
			}
			near(t, g.Name, after[g.Name], want, 5e-5)
		}
	}
}

// The rates of a plan take the place of the configuration's.
func TestRatesOfAPlan(t *testing.T) {
	for _, optimizer := range graph.Optimizers() {
		t.Run(string(optimizer), func(t *testing.T) {
			c := smallConfig(graph.MSE, graph.ReLU, form{})
			c.Optimizer = optimizer
			plan := graph.Plan{Starts: [][]int32{smallStarts}, Rates: []float32{0.01}}
			planned := smallSession(t, c)
			steps(t, planned, plan)
			c.LearningRate = 0.01
			configured := smallSession(t, c)
			steps(t, configured, graph.Plan{Starts: plan.Starts})
			sameState(t, "planned", state(t, planned), state(t, configured))
		})
	}
}
