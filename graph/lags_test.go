package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// lagged are the features of series X at the distances lags from each row, as a network
// without lags would be given them.
func lagged(d graph.Series, features int, lags []int) graph.Series {
	wide := d
	wide.X = nil
	first := 0
	for _, n := range d.Lengths {
		for row := first; row < first+n; row++ {
			for _, lag := range lags {
				at := max(first, min(row+lag, first+n-1))
				wide.X = append(wide.X, d.X[at*features:(at+1)*features]...)
			}
		}
		first += n
	}
	return wide
}

// TestLags compares with a network whose features were made of the lagged rows.
func TestLags(t *testing.T) {
	for _, lags := range [][]int{{0}, {-1}, {-4, 0, 2, 20}, {5, 3}} {
		for _, f := range []form{portable, {}} {
			for _, name := range []string{"none", "plaintanh, two directions", "gru, two layers", "densetanh, two layers", "mixed, two directions"} {
				c := cellConfigs(f)[name]
				c.Lags = lags
				d := randomSeries(40, c.Features, c.Classes)
				d.Lengths = smallLengths
				wide := c
				wide.Lags, wide.Features = nil, c.Features*len(lags)
				what := fmt.Sprint(name, ", ", f, ", lags ", lags)

				s, want := newSession(t, c), newSession(t, wide)
				if err := s.SetSeries(d); err != nil {
					t.Fatal(err)
				}
				if err := want.SetSeries(lagged(d, c.Features, lags)); err != nil {
					t.Fatal(err)
				}
				gotGrads, gotLoss := gradients(t, s, smallStarts)
				wantGrads, wantLoss := gradients(t, want, smallStarts)
				if gotLoss != wantLoss {
					t.Errorf("%s: loss %v, want %v", what, gotLoss, wantLoss)
				}
				sameState(t, what, gotGrads, wantGrads)

				before, behind := c.Context()
				const batch = 2
				x := randoms(batch * (before + c.Window + behind) * c.Features)
				var inputs []float32
				for sequence := range slices.Chunk(x, len(x)/batch) {
					whole := lagged(graph.Series{X: sequence, Lengths: []int{before + c.Window + behind}}, c.Features, lags)
					inputs = append(inputs, whole.X[before*wide.Features:][:c.Window*wide.Features]...)
				}
				got, exact := predict(t, s.Predictor, x, batch, nil), predict(t, want.Predictor, inputs, batch, nil)
				if !sameBits(got.Outputs, exact.Outputs) {
					t.Errorf("%s: outputs %v, want %v", what, got.Outputs, exact.Outputs)
				}
				if before+behind > 0 {
					if _, err := s.Predict(t.Context(), x[:(before+behind)*c.Features], 1, nil); err == nil {
						t.Errorf("%s: no error for a sequence of no step", what)
					}
				}
			}
		}
	}
}
