package graph_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

func predict(t testing.TB, s *graph.Predictor, x []float32, batch int, state []float32) graph.Prediction {
	t.Helper()
	p, err := s.Predict(context.Background(), x, batch, state)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func randoms(n int) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// partOf cuts the steps from, to out of each of the sequences x [B,T,F].
func partOf(x []float32, batch, features, from, to int) []float32 {
	var part []float32
	for sequence := range slices.Chunk(x, len(x)/batch) {
		part = append(part, sequence[from*features:to*features]...)
	}
	return part
}

// inCalls predicts x in calls of the given numbers of steps, the last one again
// and again.
func inCalls(t testing.TB, s *graph.Predictor, x []float32, batch int, calls ...int) graph.Prediction {
	t.Helper()
	c := s.Network()
	before, behind := c.Context()
	steps, outputs := len(x)/(batch*c.Features)-before-behind, c.Outputs()
	sequences := make([]graph.Prediction, batch)
	var state []float32
	for from := 0; from < steps; {
		to := min(from+calls[0], steps)
		p := predict(t, s, partOf(x, batch, c.Features, from, to+before+behind), batch, state)
		for b := range sequences {
			sequences[b].Outputs = append(sequences[b].Outputs, p.Outputs[b*(to-from)*outputs:(b+1)*(to-from)*outputs]...)
			sequences[b].Probability = append(sequences[b].Probability, p.Probability[b*(to-from)*c.Classes:(b+1)*(to-from)*c.Classes]...)
		}
		from, state = to, p.State
		if len(calls) > 1 {
			calls = calls[1:]
		}
	}
	whole := graph.Prediction{State: state}
	for _, p := range sequences {
		whole.Outputs = append(whole.Outputs, p.Outputs...)
		whole.Probability = append(whole.Probability, p.Probability...)
	}
	return whole
}

// samePrediction asks for what holds however sequences are divided into calls: the
// states of a fused layer are the same bits. Outputs are a product of TensorFlow's,
// which takes its sums in an order of its own for each number of rows; the portable
// form has such products in every step.
func samePrediction(t *testing.T, what string, f form, got, want graph.Prediction) {
	t.Helper()
	rounding := 1e-6
	if f == portable {
		rounding = 1e-5
	}
	near(t, what+": outputs", got.Outputs, want.Outputs, rounding)
	near(t, what+": probability", got.Probability, want.Probability, rounding)
	if f == portable {
		near(t, what+": state", got.State, want.State, rounding)
	} else if !sameBits(got.State, want.State) {
		t.Errorf("%s, %s: other states", f, what)
	}
}

// TestPredictionsDoNotDependOnCalls divides sequences of more steps than a
// window into calls.
func TestPredictionsDoNotDependOnCalls(t *testing.T) {
	const batch, steps = 3, 50
	for _, f := range forms() {
		for _, units := range []int{13, 100, 600} {
			for _, loss := range []graph.Loss{graph.OneHotXent, graph.MSE} {
				for _, threads := range []int{1, 2} {
					t.Run(fmt.Sprintf("%s/%s/%d/%d", f, loss, units, threads), func(t *testing.T) {
						c := deep(smallConfig(loss, graph.Tanh, f))
						c.Layers[0].Units, c.Threads = units, threads
						s := newPredictor(t, c)
						x := randoms(batch * steps * c.Features)
						want := predict(t, s, x, batch, nil)
						for _, calls := range [][]int{{1}, {2}, {c.Window}, {1, 8, 3, 20}, {49, 1}} {
							samePrediction(t, fmt.Sprintf("calls of %d", calls), f, inCalls(t, s, x, batch, calls...), want)
						}
						n := len(x) / batch
						alone := inCalls(t, s, x[:n], 1, 1)
						first := predict(t, s, x[:n], 1, nil)
						samePrediction(t, "a step alone", f, alone, first)
						samePrediction(t, "a sequence alone", f, first, graph.Prediction{
							Outputs: want.Outputs[:len(first.Outputs)], Probability: want.Probability[:len(first.Probability)], State: want.State[:c.StateSize()]})
					})
				}
			}
		}
	}
}

// TestLongSequences are more than a fused form takes at once.
func TestLongSequences(t *testing.T) {
	const batch, steps = 2, 2200
	for _, f := range forms() {
		c := smallConfig(graph.OneHotXent, graph.Tanh, f)
		c.Layers[0].Units = 300
		s := newPredictor(t, c)
		x := randoms(batch * steps * c.Features)
		samePrediction(t, "calls of 700", f, inCalls(t, s, x, batch, 700), predict(t, s, x, batch, nil))
	}
}

// TestPredictAtTheSameTime has several goroutines share a network.
func TestPredictAtTheSameTime(t *testing.T) {
	for _, f := range forms() {
		c := smallConfig(graph.OneHotXent, graph.Tanh, f)
		c.Threads = 2
		s := newPredictor(t, c)
		x := randoms(4 * 120 * c.Features) // enough for two threads
		want := predict(t, s, x, 4, nil)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 20 {
					got, err := s.Predict(context.Background(), x, 4, nil)
					if err != nil || !sameBits(got.Outputs, want.Outputs) || !sameBits(got.State, want.State) {
						t.Errorf("%s: other outputs, or error %v", f, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func TestPredictEndsWithItsContext(t *testing.T) {
	for _, f := range forms() {
		s := newPredictor(t, smallConfig(graph.OneHotXent, graph.Tanh, f))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Predict(ctx, randoms(30), 1, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", f, err)
		}
	}
}

func TestProbabilityIsTheSoftmaxs(t *testing.T) {
	inEachForm(t, func(t *testing.T, sys system) {
		s := newPredictor(t, sys.config(0))
		// Outputs from nearly nothing to more than float32's exponential can take.
		if err := only(s).SetVariables([]graph.Variable{{Name: variables + "kernel", Shape: []int{100, 2}, Value: randoms(200)}}); err != nil {
			t.Fatal(err)
		}
		for _, scale := range []float32{0, 0.1, 1, 10, 1000} {
			x := randoms(20)
			for i := range x {
				x[i] *= scale
			}
			p := predict(t, s, x, 1, nil)
			for i, got := range p.Probability {
				a, b := float64(p.Outputs[i^1]), float64(p.Outputs[i]) // the other class, and this one
				want := 1 / (1 + math.Exp(a-b))
				// The difference of two logits is rounded to 2^-24 of itself, which
				// multiplies what is e to its power.
				if !(math.Abs(float64(got)-want) <= 1e-6*max(1, math.Abs(a-b))*want+1e-37) { // 1e-37: denormals are 0
					t.Errorf("outputs %v and %v: probability %v, want %v", a, b, got, want)
				}
			}
		}
	}, answer)
}

func TestProbabilityOfOneOutputIsWithin0And1(t *testing.T) {
	inEachForm(t, func(t *testing.T, sys system) {
		p := predict(t, newPredictor(t, sys.config(0)), randoms(400), 20, nil)
		var cut int
		for i, v := range p.Outputs {
			want := min(max(v, 0), 1)
			if no, yes := p.Probability[2*i], p.Probability[2*i+1]; yes != want || no != 1-want {
				t.Errorf("output %v: probabilities %v and %v", v, no, yes)
			}
			if v != want {
				cut++
			}
		}
		if cut == 0 || cut == len(p.Outputs) {
			t.Errorf("%d of %d outputs are cut: the test shows nothing", cut, len(p.Outputs))
		}
	}, question)
}

// TestOutputsThatAreNotFinite: one row is so large that its product with the projection is
// beyond float32.
func TestOutputsThatAreNotFinite(t *testing.T) {
	inEachForm(t, func(t *testing.T, sys system) {
		c := sys.config(0)
		c.Layers = nil
		s := newPredictor(t, c)
		kernel := graph.Variable{Name: "projection/kernel", Shape: []int{1, c.Outputs()}, Value: slices.Repeat([]float32{10}, c.Outputs())}
		if err := only(s).SetVariables([]graph.Variable{kernel}); err != nil {
			t.Fatal(err)
		}
		x := randoms(3 * 25)
		x[25+22] = -math.MaxFloat32
		_, err := s.Predict(context.Background(), x, 3, nil)
		var nonFinite *graph.NonFiniteError
		if !errors.As(err, &nonFinite) || nonFinite.Sequence != 1 || nonFinite.Step != 22 || !math.IsInf(float64(nonFinite.Value), -1) {
			t.Errorf("step 22 of sequence 1: error %v", err)
		}
	}, answer, question)
}

func TestPredictRefusesInputsThatAreNotFinite(t *testing.T) {
	c := smallConfig(graph.OneHotXent, graph.ReLU, form{})
	c.Lags = []int{-1, 2}
	s := newPredictor(t, c)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, row := range []int{0, 4, 7} { // the first and the last are those around 5 steps
			x := randoms(3 * 8 * c.Features)
			x[(1*8+row)*c.Features+2] = float32(bad)
			_, err := s.Predict(t.Context(), x, 3, nil)
			var input *graph.ValueError
			if !errors.As(err, &input) || input.Row != row || input.Column != 2 || !strings.HasPrefix(err.Error(), "sequence 1: ") {
				t.Errorf("%v in feature 2 of row %d of sequence 1: error %v", bad, row, err)
			}
		}
	}
}

// TestBatchesOfManySequences are more than the graph runs at once.
func TestBatchesOfManySequences(t *testing.T) {
	const batch, steps = 1500000, 2
	for _, bidirectional := range []bool{false, true} {
		c := smallConfig(graph.MSE, graph.Tanh, form{})
		c.Features, c.Layers[0].Units, c.Bidirectional = 1, 1, bidirectional
		s := newPredictor(t, c)
		few := randoms(1000 * steps)
		got := predict(t, s, slices.Repeat(few, batch/1000), batch, nil)
		want := predict(t, s, few, 1000, nil)
		near(t, "outputs", got.Outputs, slices.Repeat(want.Outputs, batch/1000), 1e-6)
	}
}

func TestPredictErrors(t *testing.T) {
	s := newPredictor(t, smallConfig(graph.OneHotXent, graph.ReLU, form{}))
	for what, call := range map[string]struct{ values, batch, state int }{
		"no step":            {0, 1, 0},
		"no sequence":        {3, 0, 0},
		"part of a row":      {7, 1, 0},
		"uneven sequences":   {9, 2, 0},
		"state of one":       {6, 2, 13},
		"state of half":      {3, 1, 12},
		"fewer than a batch": {3, 2, 0},
	} {
		var state []float32
		if call.state > 0 {
			state = make([]float32, call.state)
		}
		var shape *graph.ShapeError
		if _, err := s.Predict(context.Background(), make([]float32, call.values), call.batch, state); !errors.As(err, &shape) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}
