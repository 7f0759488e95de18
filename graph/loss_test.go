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
	for _, gamma := range []float32{0.5, 1, 2, 5} {
		c := smallConfig(graph.Focal, graph.ReLU, form{})
		c.FocalGamma = gamma
		s := newSession(t, c)
		d := graph.Series{X: make([]float32, c.Window*c.Features), Y: slices.Repeat([]float32{1}, c.Window)}
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

func TestFocalLossOfGammaNear0IsCrossEntropy(t *testing.T) {
	for _, f := range forms() {
		c := deep(smallConfig(graph.Focal, graph.ReLU, f))
		c.FocalGamma = 1e-30
		got, gotLoss := gradients(t, smallSession(t, c), smallStarts)
		c.Loss, c.FocalGamma = graph.SparseXent, 0
		want, wantLoss := gradients(t, smallSession(t, c), smallStarts)
		near(t, "loss", []float32{gotLoss}, []float32{wantLoss}, 1e-6)
		nearAll(t, "gradient", got, want, 3e-6) // as between forms, see TestFormsAgree
	}
}

func TestNoWeightAtAllChangesNothing(t *testing.T) {
	for _, f := range forms() {
		for _, loss := range graph.Losses() {
			c := smallConfig(loss, graph.ReLU, f)
			s := newSession(t, c)
			d := randomSeries(40, c.Features, c.Classes)
			clear(d.W)
			if err := s.SetSeries(d); err != nil {
				t.Fatal(err)
			}
			before := weights(t, s)
			r := steps(t, s, graph.Plan{Starts: [][]int32{smallStarts}})
			if r.Losses[0] != 0 || r.Norms[0] != 0 {
				t.Errorf("%s, %s: loss %v and norm %v without a labelled row", f, loss, r.Losses[0], r.Norms[0])
			}
			sameState(t, fmt.Sprint(f, ", ", loss), weights(t, s), before)
		}
	}
}

// TestRowsWithoutWeightCountNothing: neither a label that is not a number, nor a loss
// that is infinite.
func TestRowsWithoutWeightCountNothing(t *testing.T) {
	for _, f := range forms() {
		for _, loss := range graph.Losses() {
			c := smallConfig(loss, graph.ReLU, f)
			s := newSession(t, c)
			d := randomSeries(40, c.Features, c.Classes)
			if err := s.SetSeries(d); err != nil {
				t.Fatal(err)
			}
			want, wantLoss := gradients(t, s, smallStarts)

			unknown := []float32{float32(math.NaN()), float32(math.Inf(1)), -1, 1e30}
			for i, w := range d.W {
				if w == 0 {
					d.Y[i] = unknown[i%len(unknown)]
				}
			}
			if err := s.SetSeries(d); err != nil {
				t.Fatalf("%s, %s: labels of rows without weight: %v", f, loss, err)
			}
			got, gotLoss := gradients(t, s, smallStarts)
			if gotLoss != wantLoss {
				t.Errorf("%s, %s: loss %v, with other labels %v", f, loss, gotLoss, wantLoss)
			}
			sameState(t, fmt.Sprint(f, ", ", loss), got, want)
		}
	}
}

// TestInfiniteLossWithoutWeight has rows whose outputs are infinite, as their states
// are not zero and the projection's weights are huge. The one row that has a weight is
// not among them: its state is zero.
func TestInfiniteLossWithoutWeight(t *testing.T) {
	const row = 5
	want := map[graph.Loss]float64{graph.MSE: 1, graph.SparseXent: math.Ln2, graph.OneHotXent: math.Ln2, graph.Focal: math.Ln2 / 4}
	for _, f := range forms() {
		for _, loss := range graph.Losses() {
			c := smallConfig(loss, graph.ReLU, f)
			s := newSession(t, c)
			d := graph.Series{X: slices.Repeat([]float32{1}, 40*c.Features), Y: make([]float32, 40), W: make([]float32, 40)}
			clear(d.X[row*c.Features : (row+1)*c.Features])
			d.Y[row], d.W[row] = 1, 1
			if err := s.SetSeries(d); err != nil {
				t.Fatal(err)
			}
			vars, err := s.Variables()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vars {
				switch v.Name {
				case variables + "basic_rnn_cell/kernel": // a state is the sum of the row's inputs
					for i := range v.Value {
						v.Value[i] = 0
						if i < c.Features*v.Shape[1] {
							v.Value[i] = 1
						}
					}
				case variables + "kernel":
					for i := range v.Value {
						v.Value[i] = []float32{1e38, -1e38}[i%v.Shape[1]]
					}
				}
			}
			if err := s.SetVariables(vars); err != nil {
				t.Fatal(err)
			}
			grads, got := gradients(t, s, smallStarts[:1])
			if d := math.Abs(float64(got) - want[loss]); !(d <= 1e-6) {
				t.Errorf("%s, %s: loss %v, want %v", f, loss, got, want[loss])
			}
			for name, v := range grads {
				for i, g := range v {
					if !(math.Abs(float64(g)) < math.MaxFloat32) {
						t.Fatalf("%s, %s: gradient of %s[%d] is %v", f, loss, name, i, g)
					}
				}
			}
			if bias := grads[variables+"bias"]; bias[0] == 0 {
				t.Errorf("%s, %s: the row with a weight has no gradient", f, loss)
			}
		}
	}
}
