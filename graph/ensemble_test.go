package graph_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

func newEnsemble(t *testing.T, c graph.Config, members int) *graph.Predictor {
	t.Helper()
	p, err := graph.NewEnsemble(c.Network, members, c.Machine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// copied is a predictor with the state of a member of another.
func copied(t *testing.T, c graph.Config, m *graph.Member) *graph.Predictor {
	t.Helper()
	vars, err := m.Variables()
	if err != nil {
		t.Fatal(err)
	}
	p := newPredictor(t, c)
	if err := only(p).SetVariables(vars); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEnsembleIsTheMean compares with each network by itself.
func TestEnsembleIsTheMean(t *testing.T) {
	const members, batch, steps = 3, 2, 7
	for _, f := range []form{portable, {}} {
		for name, c := range cellConfigs(f) {
			c.Lags = []int{-1, 0}
			x := randoms(batch * (1 + steps) * c.Features)
			all := newEnsemble(t, c, members)
			got := predict(t, all, x, batch, nil)
			want := graph.Prediction{Outputs: make([]float32, len(got.Outputs))}
			var probabilities [][]float32
			states := make([][]float32, batch)
			for _, m := range all.Members() {
				p := predict(t, copied(t, c, m), x, batch, nil)
				for i, v := range p.Outputs {
					want.Outputs[i] += v / members
				}
				probabilities = append(probabilities, p.Probability)
				for b := range states {
					states[b] = append(states[b], p.State[b*c.StateSize():(b+1)*c.StateSize()]...)
				}
			}
			for _, s := range states {
				want.State = append(want.State, s...)
			}
			want.Probability = c.Loss.Mean(c.Classes, probabilities...)
			what := fmt.Sprint(name, ", ", f)
			near(t, what+": outputs", got.Outputs, want.Outputs, 1e-6)
			near(t, what+": probability", got.Probability, want.Probability, 1e-6)
			if !sameBits(got.State, want.State) {
				t.Errorf("%s: states %v, want %v", what, got.State, want.State)
			}
			if !c.Bidirectional {
				samePrediction(t, what+", in calls", portable, inCalls(t, all, x, batch, 1, 2, 4), got)
			}
		}
	}
}

// TestMeanOfProbabilities: odds of 9 and 1 are 3 together, as are 81, 3 and 1/9; a zero outweighs what
// float32 can hold against it, and leaves a number. Values of MSE are added.
func TestMeanOfProbabilities(t *testing.T) {
	for _, c := range []struct {
		loss    graph.Loss
		classes int
		all     [][]float32
		want    []float32
	}{
		{graph.OneHotXent, 2, [][]float32{{0.1, 0.9, 0.5, 0.5}, {0.5, 0.5, 0.9, 0.1}}, []float32{0.25, 0.75, 0.75, 0.25}},
		{graph.Focal, 2, [][]float32{{1 / 82., 81 / 82.}, {0.25, 0.75}, {0.9, 0.1}}, []float32{0.25, 0.75}},
		{graph.SparseXent, 3, [][]float32{{0.8, 0.1, 0.1}, {0.2, 0.4, 0.4}}, []float32{0.5, 0.25, 0.25}},
		{graph.OneHotXent, 2, [][]float32{{0, 1}, {0, 1}}, []float32{0, 1}},
		{graph.OneHotXent, 2, [][]float32{{0, 1}, {0.5, 0.5}}, []float32{0, 1}},
		{graph.OneHotXent, 2, [][]float32{{0, 1}, {1, 0}}, []float32{0.5, 0.5}},
		{graph.MSE, 2, [][]float32{{0, 1}, {0.5, 0.5}}, []float32{0.25, 0.75}},
		{graph.OneHotXent, 2, [][]float32{{0.3, 0.7}}, []float32{0.3, 0.7}},
	} {
		near(t, fmt.Sprint(c.loss, c.all), c.loss.Mean(c.classes, c.all...), c.want, 1e-7)
	}
}

// TestMembersOfAnEnsemble: each has its weights, under the names of a single network,
// and its checkpoint.
func TestMembersOfAnEnsemble(t *testing.T) {
	c := smallConfig(graph.OneHotXent, graph.Tanh, form{})
	all := newEnsemble(t, c, 2)
	first, second := all.Members()[0], all.Members()[1]
	was := state(t, first)
	prefix := filepath.Join(t.TempDir(), "weights")
	if err := second.Save(prefix); err != nil {
		t.Fatal(err)
	}
	single := newPredictor(t, c)
	if err := only(single).Restore(prefix); err != nil {
		t.Fatal(err)
	}
	sameState(t, "the second's checkpoint", state(t, only(single)), state(t, second))
	if sameBits(state(t, only(single))[variables+"kernel"], was[variables+"kernel"]) {
		t.Error("two members have the same weights")
	}

	vars, err := first.Variables()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.SetVariables(vars); err != nil {
		t.Fatal(err)
	}
	sameState(t, "the second", state(t, second), was)

	var shape *graph.ShapeError
	if _, err := graph.NewEnsemble(c.Network, 0, c.Machine); !errors.As(err, &shape) {
		t.Errorf("no member: error %v", err)
	}
}
