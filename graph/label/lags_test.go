package label

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// lagsTried reach over one or both ends of a block, or beyond all that arrives.
var lagsTried = [][]int{nil, {0}, {-3}, {2}, {-7, 0, 5}, {60, -1}}

// around is how many rows before and behind a sequence lags reach.
func around(lags []int) (before, behind int) { return graph.Network{Lags: lags}.Context() }

// seen are the two features that the networks of these tests make of rows x
// [B,before+T+behind,2]: the row itself or, with lags, a weighted sum over them.
func seen(x []float32, batch int, lags []int) []float32 {
	if len(lags) == 0 {
		return x
	}
	before, behind := around(lags)
	rows := len(x) / batch / 2
	var sums []float32
	for b := range batch {
		for at := b*rows + before; at < (b+1)*rows-behind; at++ {
			for k := range 2 {
				var sum float32
				for i, lag := range lags {
					sum += x[2*(at+lag)+k] / float32(i+1)
				}
				sums = append(sums, sum)
			}
		}
	}
	return sums
}

// extended is a series as the package comment describes it, each row what a network
// with these lags sees.
func extended(x []float32, horizon int, lags []int) []float32 {
	before, behind := around(lags)
	n := len(x) / 2
	if n == 0 {
		return nil
	}
	first := before + max(horizon, 0)
	var rows []float32
	for i := range first + n + max(-horizon, 0) + behind {
		at := min(max(i-first, 0), n-1)
		rows = append(rows, x[2*at:2*at+2]...)
	}
	return seen(rows, 1, lags)
}

// Inputs at many lags, and the rows that they reach to, count in what a call may hold.
func TestBatchCountsLags(t *testing.T) {
	c := graph.Network{Window: 1000, Features: 16}
	for i, want := range []int{64, 10, 1} {
		if got := windowsOf(c, 1); got != want {
			t.Errorf("%d lags: batches of %d, want %d", len(c.Lags), got, want)
		}
		c.Lags = slices.Repeat([]int{0}, 100) // [B,1000,1600]
		if i > 0 {
			c.Lags[0] = -1 << 20
		}
	}
}

// TestLagsAreWidenedFeatures compares with a network without lags and the same weights
// whose features are made of the lagged rows by hand.
func TestLagsAreWidenedFeatures(t *testing.T) {
	lags := []int{-6, 0, 3}
	r := rand.New(rand.NewPCG(9, 9))
	in := interleave(r, 3, 900)
	wide := in.widened(lags)
	for name, c := range map[string]graph.Network{
		"plain": {Layers: []graph.Layer{{Cell: graph.Plain, Units: 8, Activation: graph.Tanh}}},
		"none":  {},
		"both":  {Layers: []graph.Layer{{Cell: graph.GRU, Units: 8}}, Bidirectional: true},
	} {
		for _, form := range []graph.Form{graph.FormFused, graph.FormPortable} {
			newNetwork := func(features int, lags []int) *graph.Predictor {
				d := graph.DefaultConfig()
				d.Window, d.Features, d.Lags, d.Form = 20, features, lags, form
				d.Layers, d.Bidirectional = c.Layers, c.Bidirectional
				p, err := graph.NewPredictor(d.Network, d.Machine)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { p.Close() })
				return p
			}
			l, w := modelOf(newNetwork(2, lags), 0, inputs.None), modelOf(newNetwork(2*len(lags), nil), 0, inputs.None)
			what := fmt.Sprint(name, ", ", form)
			want, _ := wide.stream(t, w.Streams(nil), r, 100)
			got, _ := in.stream(t, l.Streams(nil), r, 100)
			if d := apart(got, want); !(d <= rounding) {
				t.Errorf("%s: %g apart", what, d)
			}
			if !c.Bidirectional {
				got, _ = in.stream(t, l.Follow(nil), r, 2)
				if d := apart(got, want); !(d <= rounding) {
					t.Errorf("%s, following: %g apart", what, d)
				}
			}
			one := interleaved{make([]int32, 900), in.x}
			parts := []inputs.Range{{End: 900}}
			whole, err := labelParts(context.Background(), l, in.x, parts)
			if err != nil {
				t.Fatal(err)
			}
			wholeWant, err := labelParts(context.Background(), w, one.widened(lags).x, parts)
			if err != nil {
				t.Fatal(err)
			}
			if d := apart(whole.Probability, wholeWant.Probability); !(d <= rounding) {
				t.Errorf("%s, in memory: %g apart", what, d)
			}
		}
	}
}

// widened has the features at all lags, the first and the last row of a series standing
// in beyond its ends.
func (in interleaved) widened(lags []int) interleaved {
	of := map[int32][]int{} // the rows of each series
	place := make([]int, len(in.series))
	for i, s := range in.series {
		place[i] = len(of[s])
		of[s] = append(of[s], i)
	}
	wide := interleaved{series: in.series}
	for i, s := range in.series {
		for _, lag := range lags {
			at := of[s][min(max(place[i]+lag, 0), len(of[s])-1)]
			wide.x = append(wide.x, in.x[2*at:2*at+2]...)
		}
	}
	return wide
}
