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

// both is a network of two directions, and of two features, whose probability tells
// what rows are on either side.
type both struct {
	single
	steps int
	lags  []int
}

func (b both) Network() graph.Network {
	return graph.Network{Window: b.steps, Features: 2, Classes: 2, Lags: b.lags, Bidirectional: true, Layers: []graph.Layer{{Units: 1}}}
}

func (b both) Predict(_ context.Context, x []float32, batch int, _ []float32) (graph.Prediction, error) {
	var p graph.Prediction
	x = seen(x, batch, b.lags)
	steps := len(x) / batch / 2
	for n := range batch {
		rows := x[n*steps*2 : (n+1)*steps*2]
		for i := range steps {
			var sum float32
			for j := range steps {
				sum += (rows[2*j] + 0.1*rows[2*j+1]) / float32(1+(i-j)*(i-j))
			}
			v := sum / (1 + sum)
			p.Probability = append(p.Probability, 1-v, v)
		}
	}
	return p, nil
}

// expectedBoth answers a series row by row, as the package comment describes it.
func expectedBoth(x []float32, steps, horizon int, lags []int) (probability []float32, padded []bool) {
	n := len(x) / 2
	lead, lag := max(horizon, 0), max(-horizon, 0)
	rows := extended(x, horizon, lags)
	block := max(1, steps/2)
	warm := (steps - block) / 2
	last := 0 // the first window that reaches the end
	for last*block+steps < n+lag {
		last++
	}
	for row := range n {
		position := row + lag
		k := min(max(position-warm, 0)/block, last)
		window := rows[2*k*block : 2*min(k*block+steps, lead+n+lag)]
		got, _ := both{}.Predict(context.Background(), window, 1, nil)
		probability = append(probability, got.Probability[2*(position-k*block)+1])
		padded = append(padded, row < lead || position >= n)
	}
	return probability, padded
}

func TestTwoDirections(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for what, v := range variants() {
		for _, n := range []int{1, 2, 6, 7, 8, 19, 20, 21, 30, 40, 101} {
			x := randomRows(r, n)
			probability, padded := expectedBoth(x, v.steps, v.horizon, v.lags)
			what := fmt.Sprintf("%s, %d rows", what, n)
			l := modelOf(both{steps: v.steps, lags: v.lags}, v.horizon, inputs.None)
			got, err := labelParts(context.Background(), l, x, []inputs.Range{{Start: 0, End: n}})
			if err != nil {
				t.Fatal(err)
			}
			wantAnswers(t, what, got.Probability, got.Padded, probability, padded)

			s := l.Streams(nil)
			for i := range n {
				if err := s.Push(context.Background(), []int32{0}, x[2*i:2*i+2]); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			p, pad := take(s, s.Ready())
			wantAnswers(t, what+", row by row", p, pad, probability, padded)
			if t.Failed() {
				return
			}
		}
	}
}

// TestReachOfTwoDirections: a part of a series is answered as in the whole.
func TestReachOfTwoDirections(t *testing.T) {
	const n = 200
	x := randomRows(rand.New(rand.NewPCG(8, 8)), n)
	for what, v := range variants() {
		l := modelOf(both{steps: v.steps, lags: v.lags}, v.horizon, inputs.None)
		whole := inputs.Range{Start: 0, End: n}
		want, err := labelParts(context.Background(), l, x, []inputs.Range{whole})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []inputs.Range{{Start: 0, End: 50}, {Start: 61, End: 120}, {Start: 150, End: n}} {
			got, err := l.Label(context.Background(), Series{Values: x, From: part.Start, To: part.End})
			if err != nil {
				t.Fatal(err)
			}
			if want := want.Probability[2*part.Start : 2*part.End]; !slices.Equal(got.Probability, want) {
				t.Fatalf("%s, rows %d to %d: %v, in the whole series %v", what, part.Start, part.End, got.Probability, want)
			}
		}
	}
}

// Answers that lack what comes behind a long pause are counted; the others are as without.
func TestTwoDirectionsAfterAPause(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for what, v := range variants() {
		for range 2 {
			in := interleave(r, 3, 2000)
			from, to := 60+r.IntN(60), 1800+r.IntN(100)
			for i := from; i < to; i++ { // series 0 pauses
				if in.series[i] == 0 {
					in.series[i] = 1 + r.Int32N(2)
				}
			}
			l := modelOf(both{steps: v.steps, lags: v.lags}, v.horizon, inputs.None)
			l.engines[0].batch = 2
			whole := l.Streams(nil)
			want, wantPadded := in.stream(t, whole, r, 20)
			s := l.Streams(nil)
			s.strands[0].held = 1000
			got, padded := in.stream(t, s, r, 20)
			early := 0
			for i := range padded {
				if got[2*i+1] == want[2*i+1] && padded[i] == wantPadded[i] {
					continue
				}
				early++
				if in.series[i] != 0 || i >= from {
					t.Errorf("%s: row %d of series %d: %v, want %v", what, i, in.series[i], got[2*i+1], want[2*i+1])
				}
			}
			// Where it sees only rows before its own, or repeated ones, it may give the same answer.
			exact := v.horizon < 50 && (len(v.lags) == 0 || slices.Max(v.lags) >= 0)
			if whole.Early() != 0 || s.Early() < early || exact && s.Early() > early {
				t.Errorf("%s: %d answers differ, %d are early, without a pause %d", what, early, s.Early(), whole.Early())
			}
			if t.Failed() {
				return
			}
		}
	}
}
