package graph_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// TestFocalLossIsTheFormulas gives the network logits through its last bias and
// compares with a computation in float64, from labels that are nearly certain to
// labels that are all but excluded.
func TestFocalLossIsTheFormulas(t *testing.T) {
	const rounding = 3e-6 // of differences of logits up to 40, whose exponential is taken
	for _, gamma := range []float32{0, 0.5, 1, 2, 5} {
		c := smallConfig(graph.Focal, graph.ReLU, graph.KernelAuto)
		c.FocalGamma = gamma
		s := newSession(t, c)
		d := graph.Series{X: make([]float32, c.Steps*c.Features), Y: slices.Repeat([]float32{1}, c.Steps)}
		if err := s.SetSeries(d); err != nil {
			t.Fatal(err)
		}
		for _, logits := range [][2]float32{{0, 0}, {1, -2}, {-3, 0.5}, {10, -10}, {-4, 4}, {0, 20}, {20, 0}, {-1e3, 1e3}, {1e3, -1e3}, {1e30, -1e30}, {-1e30, 1e30}} {
			bias := graph.Variable{Name: variables + "bias", Shape: []int{2}, Value: logits[:]}
			if err := s.SetVariables([]graph.Variable{bias}); err != nil {
				t.Fatal(err)
			}
			grads, loss := gradients(t, s, []int32{0})
			wantLoss, wantSlope := focal(float64(gamma), float64(logits[0])-float64(logits[1]))
			what := fmt.Sprintf("gamma %v, logits %v", gamma, logits)
			if d := math.Abs(float64(loss) - wantLoss); !(d <= rounding*wantLoss+1e-7) {
				t.Errorf("%s: loss %v, want %v", what, loss, wantLoss)
			}
			got := grads[variables+"bias"]
			for i, want := range []float64{wantSlope, -wantSlope} {
				if d := math.Abs(float64(got[i]) - want); !(d <= rounding*math.Abs(want)+1e-7) {
					t.Errorf("%s: gradient %v by logit %d, want %v", what, got[i], i, want)
				}
			}
		}
	}
}

// focal is the loss when the other label's logit is higher by d, and its
// derivative by d.
func focal(gamma, d float64) (loss, slope float64) {
	xent := max(d, 0) + math.Log1p(math.Exp(-math.Abs(d)))
	q := 1 / (1 + math.Exp(-d))
	power := math.Pow(q, gamma)
	return power * xent, power * (q + gamma*(1-q)*xent)
}

func TestFocalLossOfGamma0IsCrossEntropy(t *testing.T) {
	for _, kernel := range forms() {
		c := smallConfig(graph.Focal, graph.ReLU, kernel)
		c.FocalGamma = 0
		got, gotLoss := gradients(t, smallSession(t, c), smallStarts)
		c.Loss = graph.SparseXent
		want, wantLoss := gradients(t, smallSession(t, c), smallStarts)
		near(t, "loss", []float32{gotLoss}, []float32{wantLoss}, 1e-6)
		nearAll(t, "gradient", got, want, 3e-6) // as between forms, see TestFormsAgree
	}
}

func TestNoWeightAtAllChangesNothing(t *testing.T) {
	for _, kernel := range forms() {
		for _, loss := range graph.Losses {
			c := smallConfig(loss, graph.ReLU, kernel)
			s := newSession(t, c)
			d := randomSeries(40, c.Features)
			clear(d.W)
			if err := s.SetSeries(d); err != nil {
				t.Fatal(err)
			}
			before := state(t, s)
			r := steps(t, s, graph.Plan{Starts: [][]int32{smallStarts}})
			if r.Losses[0] != 0 || r.Norms[0] != 0 {
				t.Errorf("%s, %s: loss %v and norm %v without a labelled row", kernel, loss, r.Losses[0], r.Norms[0])
			}
			for _, name := range []string{"basic_rnn_cell/kernel", "kernel"} {
				if !slices.Equal(state(t, s)[variables+name], before[variables+name]) {
					t.Errorf("%s, %s: %s has changed", kernel, loss, name)
				}
			}
		}
	}
}
