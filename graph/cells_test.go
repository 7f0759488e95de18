package graph_test

import (
	"fmt"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// cells are one layer of each kind, of a width that is no multiple of a vector's.
func cells() []graph.Layer {
	var layers []graph.Layer
	for _, cell := range graph.Cells() {
		if cell != graph.Plain && cell != graph.Dense {
			layers = append(layers, graph.Layer{Cell: cell, Units: 13})
			continue
		}
		for _, a := range graph.Activations() {
			layers = append(layers, graph.Layer{Cell: cell, Units: 13, Activation: a})
		}
	}
	return layers
}

// cellConfigs are networks of every cell, in one direction and in two, of one layer and
// of two, some of dense and recurrent layers, and one of no layer.
func cellConfigs(f form) map[string]graph.Config {
	configs := map[string]graph.Config{}
	for _, l := range cells() {
		for _, bidirectional := range []bool{false, true} {
			if bidirectional && l.Cell == graph.Dense {
				continue
			}
			c := smallConfig(graph.OneHotXent, graph.Tanh, f)
			c.Layers, c.Bidirectional, c.Classes = []graph.Layer{l}, bidirectional, 3
			name := fmt.Sprint(l.Cell, l.Activation, map[bool]string{true: ", two directions"}[bidirectional])
			configs[name] = c
			l := l
			l.Units = 9
			c.Layers = append([]graph.Layer{c.Layers[0]}, l)
			configs[name+", two layers"] = c
		}
	}
	dense := graph.Layer{Cell: graph.Dense, Units: 11, Activation: graph.Tanh}
	for _, bidirectional := range []bool{false, true} {
		c := smallConfig(graph.OneHotXent, graph.Tanh, f)
		c.Layers, c.Bidirectional, c.Classes = []graph.Layer{dense, {Cell: graph.GRU, Units: 9}, dense, {Cell: graph.LSTM, Units: 5}, dense}, bidirectional, 3
		configs["mixed"+map[bool]string{true: ", two directions"}[bidirectional]] = c
	}
	none := smallConfig(graph.OneHotXent, graph.Tanh, f)
	none.Layers = nil
	configs["none"] = none
	return configs
}

// TestCellsAgree compares the fused form with the portable one.
func TestCellsAgree(t *testing.T) {
	for name, c := range cellConfigs(portable) {
		want, wantLoss := gradients(t, smallSession(t, c), smallStarts)
		for _, f := range fusedForms() {
			for _, threads := range []int{1, 2} {
				t.Run(fmt.Sprint(name, "/", f, "/", threads), func(t *testing.T) {
					f.apply(&c)
					c.Threads = threads
					got, gotLoss := gradients(t, smallSession(t, c), smallStarts)
					const rounding = 3e-6 // as in TestFormsAgree
					near(t, "loss", []float32{gotLoss}, []float32{wantLoss}, rounding)
					nearAll(t, "gradient", got, want, rounding)
				})
			}
		}
	}
}

// TestGradientsOfCells compares with differences of the loss itself.
func TestGradientsOfCells(t *testing.T) {
	for _, f := range []form{portable, {}} {
		for name, c := range cellConfigs(f) {
			if c.Layers != nil && c.Layers[0].Activation == graph.ReLU {
				continue // whose corners have no derivative
			}
			t.Run(fmt.Sprint(name, "/", f), func(t *testing.T) { gradientsAreTheLosss(t, c) })
		}
	}
}

func TestOneStepChangesEveryCell(t *testing.T) {
	for _, f := range []form{portable, {}} {
		for name, c := range cellConfigs(f) {
			if c.Layers != nil && c.Layers[0].Activation == graph.ReLU {
				continue // some of whose units are never active
			}
			everyValueChanges(t, fmt.Sprint(name, ", ", f), c)
		}
	}
}

// numbersOfSteps are fewer than a window, one, and more than several.
func numbersOfSteps(c graph.Config) []int { return []int{1, c.Window - 1, c.Window, 3*c.Window + 1} }

// TestFormsPredictTheSame: sequences of any number of steps get the same answer in both
// forms, from a state and from none.
func TestFormsPredictTheSame(t *testing.T) {
	const batch = 3
	for name, c := range cellConfigs(form{}) {
		t.Run(name, func(t *testing.T) {
			c.Lags = []int{-2, 0, 1}
			before, behind := c.Context()
			fused := newPredictor(t, c)
			c.Form = graph.FormPortable
			p := newPredictor(t, c)
			for _, steps := range numbersOfSteps(c) {
				x := randoms(batch * (before + steps + behind) * c.Features)
				for _, state := range [][]float32{nil, randoms(batch * c.StateSize())} {
					want := predict(t, fused, x, batch, state)
					got := predict(t, p, x, batch, state)
					samePrediction(t, fmt.Sprint(steps, " steps, portable"), portable, got, want)
				}
			}
		})
	}
}

// TestCellsPredictInCalls: the state goes from call to call, and the forms agree.
func TestCellsPredictInCalls(t *testing.T) {
	const batch, steps = 3, 50
	for name, c := range cellConfigs(form{}) {
		if c.Bidirectional {
			continue
		}
		t.Run(name, func(t *testing.T) {
			x := randoms(batch * steps * c.Features)
			s := newPredictor(t, c)
			want := predict(t, s, x, batch, nil)
			c.Form = graph.FormPortable
			samePrediction(t, "portable", portable, predict(t, newPredictor(t, c), x, batch, nil), want)
			for _, calls := range [][]int{{1}, {c.Window}, {1, 8, 3, 20}} {
				samePrediction(t, fmt.Sprint("calls of ", calls), portable, inCalls(t, s, x, batch, calls...), want)
			}
		})
	}
}
