package label

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// counter is a network of two features whose probability depends on all of its
// history: the state is a sum that forgets little.
type counter struct {
	single
	steps int
	lags  []int
	loss  graph.Loss
	calls int
}

func (c *counter) Network() graph.Network {
	return graph.Network{Window: c.steps, Features: 2, Classes: 2, Lags: c.lags, Loss: c.loss, Layers: []graph.Layer{{Units: 1}}}
}

// single is what networks of these tests have in common: they are one each, with one
// value of state.
type single struct{}

func (single) Members() []*graph.Member { return make([]*graph.Member, 1) }
func (single) StateSize() int           { return 1 }

func (c *counter) Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return graph.Prediction{}, err
	}
	c.calls++
	if state == nil {
		state = make([]float32, batch)
	}
	p := graph.Prediction{State: slices.Clone(state)}
	x = seen(x, batch, c.lags)
	steps := len(x) / batch / 2
	for b := range batch {
		for i := range steps {
			row := x[(b*steps+i)*2:]
			p.State[b] = p.State[b]*0.97 + row[0] + 0.1*row[1]
			one := p.State[b] / (1 + p.State[b])
			p.Probability = append(p.Probability, 1-one, one)
		}
	}
	return p, nil
}

// expected answers a series row by row, as the package comment describes it.
func expected(x []float32, steps, horizon int, lags []int) (probability []float32, padded []bool) {
	n, H := len(x)/2, max(1, steps/2)
	rows := extended(x, horizon, lags)
	for row := range n {
		position := row + max(-horizon, 0)
		start := max(0, position/H-1) * H
		if steps == 1 {
			start = position
		}
		got, _ := new(counter).Predict(context.Background(), rows[2*start:2*position+2], 1, nil)
		probability = append(probability, got.Probability[2*(position-start)+1])
		padded = append(padded, row < horizon || row-horizon >= n)
	}
	return probability, padded
}

func randomRows(r *rand.Rand, n int) []float32 {
	x := make([]float32, 2*n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}

func wantAnswers(t *testing.T, what string, probability []float32, padded []bool, wantProbability []float32, wantPadded []bool) {
	t.Helper()
	if diff := cmp.Diff(wantProbability, ones(probability)); diff != "" {
		t.Errorf("%s: probability (-want +got):\n%s", what, diff)
	}
	if diff := cmp.Diff(wantPadded, padded); diff != "" {
		t.Errorf("%s: padded (-want +got):\n%s", what, diff)
	}
}

// ones are the probabilities of class 1 among those of two classes.
func ones(probability []float32) []float32 {
	var list []float32
	for i := 1; i < len(probability); i += 2 {
		list = append(list, probability[i])
	}
	return list
}

var (
	stepsTried    = []int{1, 2, 3, 7, 8, 20}
	horizonsTried = []int{0, 1, 5, 50, -1, -5, -50}
)

// variant is a way to use a network.
type variant struct {
	steps, horizon int
	lags           []int
}

// variants are all that are tried, with their names.
func variants() iter.Seq2[string, variant] {
	return func(yield func(string, variant) bool) {
		for _, steps := range stepsTried {
			for _, horizon := range horizonsTried {
				for _, lags := range lagsTried {
					if !yield(fmt.Sprintf("steps %d, horizon %d, lags %v", steps, horizon, lags), variant{steps, horizon, lags}) {
						return
					}
				}
			}
		}
	}
}

func (v variant) counter() *counter { return &counter{steps: v.steps, lags: v.lags} }

func TestLabelAnswersEachPartByItself(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	lengths := []int{1, 0, 2, 3, 6, 7, 19, 20, 21, 30, 101}
	total := 5
	var parts []inputs.Range
	for _, n := range lengths {
		parts = append(parts, inputs.Range{Start: total, End: total + n})
		total += n + 1
	}
	parts[3], parts[9] = parts[9], parts[3] // in any order
	x := randomRows(r, total)
	for what, v := range variants() {
		probability, padded := make([]float32, total), slices.Repeat([]bool{true}, total)
		for _, p := range parts {
			a, b := expected(x[2*p.Start:2*p.End], v.steps, v.horizon, v.lags)
			copy(probability[p.Start:], a)
			copy(padded[p.Start:], b)
		}
		net := v.counter()
		got, err := labelParts(context.Background(), modelOf(net, v.horizon, inputs.None), x, parts)
		if err != nil {
			t.Fatal(err)
		}
		wantAnswers(t, what, got.Probability, got.Padded, probability, padded)
		if net.calls != 1 {
			t.Errorf("%s: %d calls for a single batch", what, net.calls)
		}
	}
}

func TestLabelManyBatches(t *testing.T) {
	x := randomRows(rand.New(rand.NewPCG(2, 2)), 40000)
	for _, steps := range []int{1, 20, 501} {
		probability, padded := expected(x, steps, -30, nil)
		net := &counter{steps: steps}
		got, err := labelParts(context.Background(), modelOf(net, -30, inputs.None), x, []inputs.Range{{Start: 0, End: 40000}})
		if err != nil {
			t.Fatal(err)
		}
		wantAnswers(t, fmt.Sprint(steps), got.Probability, got.Padded, probability, padded)
		if net.calls < 2 || net.calls > 6 {
			t.Errorf("%d steps: %d calls", steps, net.calls)
		}
	}
}

// interleaved is rows of several series in random order.
type interleaved struct {
	series []int32
	x      []float32
}

// interleave mixes runs of up to 5 rows of n series, rows in total.
func interleave(r *rand.Rand, n, rows int) interleaved {
	in := interleaved{x: randomRows(r, rows)}
	for len(in.series) < rows {
		s, run := r.Int32N(int32(n)), 1+r.IntN(5)
		in.series = append(in.series, slices.Repeat([]int32{s}, min(run, rows-len(in.series)))...)
	}
	return in
}

// expected answers each series by itself and puts the answers in place.
func (in interleaved) expected(v variant) (probability []float32, padded []bool) {
	probability, padded = make([]float32, len(in.series)), make([]bool, len(in.series))
	for s := range slices.Max(in.series) + 1 {
		var rows []int
		var x []float32
		for i, of := range in.series {
			if of == s {
				rows, x = append(rows, i), append(x, in.x[2*i:2*i+2]...)
			}
		}
		a, b := expected(x, v.steps, v.horizon, v.lags)
		for k, i := range rows {
			probability[i], padded[i] = a[k], b[k]
		}
	}
	return probability, padded
}

// stream answers all rows, handed over in chunks of random lengths up to most.
func (in interleaved) stream(t *testing.T, s *Streams, r *rand.Rand, most int) (probability []float32, padded []bool) {
	t.Helper()
	take := func() {
		n := s.Ready()
		a, b := take(s, n/2) // in two parts, as any number may be taken
		probability, padded = append(probability, a...), append(padded, b...)
		a, b = take(s, n-n/2)
		probability, padded = append(probability, a...), append(padded, b...)
	}
	F := len(in.x) / len(in.series)
	for at := 0; at < len(in.series); {
		n := min(1+r.IntN(most), len(in.series)-at)
		if err := s.Push(context.Background(), in.series[at:at+n], in.x[F*at:F*(at+n)]); err != nil {
			t.Fatal(err)
		}
		take()
		at += n
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	take()
	return probability, padded
}

func TestStreamsGiveTheSameAnswers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for what, v := range variants() {
		for _, n := range []int{1, 4} {
			in := interleave(r, n, 300)
			l := modelOf(v.counter(), v.horizon, inputs.None)
			l.engines[0].batch = 3
			probability, padded := in.expected(v)
			what := fmt.Sprintf("%s, %d series", what, n)
			a, b := in.stream(t, l.Streams(nil), r, 40)
			wantAnswers(t, what, a, b, probability, padded)
			a, b = in.stream(t, l.Follow(nil), r, 3)
			wantAnswers(t, what+", following", a, b, probability, padded)
		}
	}
}

func TestFollowAnswersAtOnce(t *testing.T) {
	x := randomRows(rand.New(rand.NewPCG(4, 4)), 100)
	for what, v := range variants() {
		s := modelOf(v.counter(), v.horizon, inputs.None).Follow(nil)
		wait := max(0, slices.Max(append(v.lags, 0))-v.horizon)
		answersAsRowsCome(t, what, s, x, func(rows int) int { return max(0, rows-wait) })
	}
}

func TestAPausingSeriesDoesNotFillTheMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	in := interleave(r, 3, 2000)
	for i := range in.series { // series 0 pauses
		if in.series[i] == 0 && i > 50 && i < 1800 {
			in.series[i] = 1 + r.Int32N(2)
		}
	}
	for _, test := range []struct {
		variant
		early int
	}{
		{variant{8, 0, nil}, 0},
		{variant{8, 4, nil}, 0},
		{variant{8, -4, nil}, 4},
		{variant{8, 0, []int{-9, 3}}, 3},
		{variant{8, 4, []int{3}}, 0},
		{variant{8, -2, []int{3}}, 5},
	} {
		for _, carry := range []bool{false, true} {
			l := modelOf(test.counter(), test.horizon, inputs.None)
			l.engines[0].batch = 2
			s := l.Streams(nil)
			s.strands[0].carry, s.strands[0].held = carry, 200
			what := fmt.Sprintf("horizon %d, lags %v, carry %v", test.horizon, test.lags, carry)
			probability, padded := in.expected(test.variant)
			a, b := in.stream(t, s, r, 20)
			if test.early == 0 {
				wantAnswers(t, what, a, b, probability, padded)
				if s.Early() != 0 {
					t.Errorf("%s: %d early answers", what, s.Early())
				}
				continue
			}
			var differ []int
			for i := range b {
				if a[2*i+1] != probability[i] || b[i] != padded[i] {
					differ = append(differ, i)
					if in.series[i] != 0 || i > 50 || test.lags == nil && !b[i] {
						t.Errorf("%s: row %d of series %d: %v %v, want %v %v", what, i, in.series[i], a[2*i+1], b[i], probability[i], padded[i])
					}
				}
			}
			if len(differ) != test.early || s.Early() != test.early {
				t.Errorf("%s: %d answers differ, %d early ones, want %d", what, len(differ), s.Early(), test.early)
			}
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := modelOf(&counter{steps: 20}, -5, inputs.None).Streams(nil)
	x := randomRows(rand.New(rand.NewPCG(6, 6)), chunk)
	for i := range 200 {
		if err := s.Push(context.Background(), slices.Repeat([]int32{int32(i / 60)}, chunk), x); err != nil {
			t.Fatal(err)
		}
		s.Take(s.Ready())
		if n := s.strands[0].queue.len(); n > 2*s.strands[0].held {
			t.Fatalf("%d rows wait", n)
		}
		for _, track := range s.strands[0].tracks {
			if cap(track.x) > 4*chunk {
				t.Fatalf("a series keeps %d values", cap(track.x))
			}
		}
	}
}

func TestPushChecksItsSlices(t *testing.T) {
	s := modelOf(&counter{steps: 20}, 0, inputs.None).Streams(nil)
	if err := s.Push(context.Background(), []int32{0}, make([]float32, 3)); err == nil {
		t.Error("three values for a row of two features are taken")
	}
}

func TestLabelEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := modelOf(&counter{steps: 20}, 0, inputs.None).Label(ctx, Series{Values: make([]float32, 20)})
	if err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

func TestStreamsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := modelOf(&counter{steps: 20}, 0, inputs.None)
	if err := l.Follow(nil).Push(ctx, []int32{0}, make([]float32, 2)); err != context.Canceled {
		t.Errorf("following: error %v", err)
	}
	s := l.Streams(nil)
	if err := s.Push(context.Background(), []int32{0}, make([]float32, 2)); err != nil { // waits for a batch
		t.Fatal(err)
	}
	if err := s.Flush(ctx); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}
