package label

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// folding is a network that takes rows of more columns than the two of the one that it has.
type folding struct {
	single
	of      Network
	columns int
}

func (f folding) Network() graph.Network {
	c := f.of.Network()
	c.Features = f.columns
	return c
}

func (f folding) Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error) {
	var two []float32
	for row := range slices.Chunk(x, f.columns) {
		var sums [2]float64
		for k, v := range row {
			sums[k%2] += math.Tanh(float64(v)) / float64(1+k%5)
		}
		for _, sum := range sums {
			two = append(two, float32(1/(1+math.Exp(-sum))))
		}
	}
	return f.of.Predict(ctx, two, batch, state)
}

// scaled are inputs with a scale of the columns of two features.
func scaled(in inputs.Inputs, center bool) inputs.Inputs {
	F := in.Columns(2)
	in.Scale = &inputs.Scale{Offset: slices.Repeat([]float32{0.5}, F), Divisor: slices.Repeat([]float32{2}, F)}
	if center {
		in.Scale.Center, in.Scale.Spread = slices.Repeat([]float32{0.25}, F), slices.Repeat([]float32{0.5}, F)
	}
	return in
}

// kindsTried are kinds of two features that differ in all that they can.
var kindsTried = func() map[string]Kind {
	all := map[string]Kind{
		"as measured":    {&counter{steps: 8}, inputs.Inputs{SeriesScale: inputs.None}, -2},
		"rolled":         {&counter{steps: 1}, scaled(inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{2, 30}}, true), 0},
		"rolled ahead":   {&counter{steps: 7, lags: []int{-3, 2}}, scaled(inputs.Inputs{SeriesScale: inputs.Running, Rolling: []int{5, 16}, Ahead: 3}, false), 0},
		"forecast":       {&counter{steps: 20}, inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{5, 16}, Ahead: 3}, 5},
		"late":           {&counter{steps: 3}, inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{9}, Ahead: 3}, -4},
		"centred":        {&counter{steps: 8}, inputs.Inputs{SeriesScale: inputs.Running, Rolling: []int{3, 40}, Ahead: inputs.Centred}, 2},
		"both":           {both{steps: 20}, scaled(inputs.Inputs{SeriesScale: inputs.Whole, Rolling: []int{3, 8}, Ahead: inputs.Centred}, true), 0},
		"both and whole": {both{steps: 7, lags: []int{-1, 0, 4}}, inputs.Inputs{SeriesScale: inputs.Whole}, -1},
	}
	for name, k := range all {
		k.Networks = folding{of: k.Networks, columns: k.Inputs.Columns(2)}
		all[name] = k
	}
	return all
}()

// mixtures are the kinds of a model, one and several, with their names.
func mixtures() iter.Seq2[string, []Kind] {
	return func(yield func(string, []Kind) bool) {
		var all []Kind
		names := slices.Sorted(maps.Keys(kindsTried))
		for i, name := range names {
			k, other := kindsTried[name], names[(i+1)%len(names)]
			if !yield(name, []Kind{k}) || !yield(name+"; "+other, []Kind{k, kindsTried[other]}) {
				return
			}
			all = append(all, k)
		}
		yield("all", all)
	}
}

// alone are the answers of a kind to the rows of a whole series whose columns are made
// beforehand.
func (k Kind) alone(t *testing.T, x []float32) known {
	t.Helper()
	wide := k.Inputs.Expand(x, 2, []inputs.Range{{End: len(x) / 2}})
	a := labelled(t, modelOf(k.Networks, k.Horizon, inputs.None), wide)
	return known{a.Probability, a.Padded}
}

// rowsOf are the rows of a series, and where they are.
func (in interleaved) rowsOf(series int32) (x []float32, at []int) {
	for i, of := range in.series {
		if of == series {
			x, at = append(x, in.x[2*i:2*i+2]...), append(at, i)
		}
	}
	return x, at
}

// moments are those of a whole series.
func (in interleaved) moments(series int32) (*inputs.Moments, error) {
	x, _ := in.rowsOf(series)
	m := inputs.NewMoments(2)
	m.Add(x)
	return m, nil
}

// mean are the answers of kinds to all rows, each series and each kind by itself.
func (in interleaved) mean(t *testing.T, kinds []Kind) known {
	t.Helper()
	all := known{make([]float32, len(in.x)), make([]bool, len(in.series))}
	for s := range slices.Max(in.series) + 1 {
		x, at := in.rowsOf(s)
		var probabilities [][]float32
		for _, k := range kinds {
			got := k.alone(t, x)
			probabilities = append(probabilities, got.probability)
			for row, i := range at {
				all.padded[i] = all.padded[i] || got.padded[row]
			}
		}
		mean := graph.OneHotXent.Mean(2, probabilities...)
		for row, i := range at {
			copy(all.probability[2*i:2*i+2], mean[2*row:])
		}
	}
	return all
}

// wantKnown compares answers, in which columns that are made from another row on differ by
// rounding.
func wantKnown(t *testing.T, what string, probability []float32, padded []bool, want known) {
	t.Helper()
	if len(probability) != len(want.probability) || !slices.Equal(padded, want.padded) {
		t.Errorf("%s: %d probabilities, want %d; padded\n%v, want\n%v", what, len(probability), len(want.probability), padded, want.padded)
		return
	}
	for i, p := range probability {
		if d := math.Abs(float64(p - want.probability[i])); !(d <= rounding) {
			t.Errorf("%s: row %d: %v, want %v", what, i/2, p, want.probability[i])
			return
		}
	}
}

// Kinds that differ in windows, horizon, directions and inputs answer their mean, in every way.
func TestKindsAnswerTheirMean(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 41))
	for what, kinds := range mixtures() {
		m := modelOfKinds(kinds...)
		for _, n := range []int{1, 4} {
			in := interleave(r, n, 400)
			want := in.mean(t, kinds)
			what := fmt.Sprintf("%s, %d series", what, n)
			for _, l := range m.engines {
				l.batch = 3
			}
			a, b := in.stream(t, m.Streams(in.moments), r, 40)
			wantKnown(t, what, a, b, want)
			a, b = in.stream(t, m.Follow(in.moments), r, 3)
			wantKnown(t, what+", following", a, b, want)
		}
		in := interleave(r, 1, 300)
		want := in.mean(t, kinds)
		for _, rows := range []int{1, 7, 300} {
			a := streamed(t, m, in.x, rows)
			wantKnown(t, fmt.Sprintf("%s, %d rows at a time", what, rows), a.Probability, a.Padded, want)
		}
		a := labelled(t, m, in.x)
		wantKnown(t, what+", in memory", a.Probability, a.Padded, want)
		for i, class := range a.Class {
			if a.Score[i] != a.Probability[2*i+int(class)] || (class == 1) != (a.Probability[2*i+1] >= 0.5) {
				t.Fatalf("%s: row %d is of class %d, score %v of %v", what, i, class, a.Score[i], a.Probability[2*i:2*i+2])
			}
		}
	}
}

// A part of a series is answered as in the whole, in the light of no more rows than that takes.
func TestPartsOfKinds(t *testing.T) {
	const rows = 400
	r := rand.New(rand.NewPCG(42, 42))
	in := interleave(r, 1, rows)
	for what, kinds := range mixtures() {
		m := modelOfKinds(kinds...)
		want := in.mean(t, kinds)
		for _, p := range []inputs.Range{{Start: 0, End: 50}, {Start: 61, End: 120}, {Start: 200, End: 201}, {Start: 330, End: rows}} {
			a, err := m.Label(context.Background(), Series{Values: in.x[:20]}, Series{Values: in.x, From: p.Start, To: p.End})
			if err != nil {
				t.Fatal(err)
			}
			part := known{want.probability[2*p.Start : 2*p.End], want.padded[p.Start:p.End]}
			wantKnown(t, fmt.Sprintf("%s, rows %d to %d", what, p.Start, p.End), a.Probability[20:], a.Padded[10:], part)
		}
		for _, l := range m.engines {
			start, end := l.needed(rows, 200, 201)
			before, behind := l.inputs.Context()
			if most := 1 + 4*l.Span + l.Lead + l.Lag + l.Before + l.Behind + before + behind; end-start > most {
				t.Errorf("%s: more than %d rows", what, most)
			}
		}
	}
}

// Rows are answered when those that their windows look ahead to have come; the first rows of a
// forecast rest on repetitions of the first, so that they wait for what that looks ahead to.
func TestFollowAnswersRolledRowsAtOnce(t *testing.T) {
	x := randomRows(rand.New(rand.NewPCG(43, 43)), 100)
	for name, wait := range map[string]int{"as measured": 2, "rolled": 0, "rolled ahead": 5, "forecast": 0, "late": 7, "centred": 17} {
		m := modelOfKinds(kindsTried[name], kindsTried["rolled"])
		s := m.Follow(nil)
		answersAsRowsCome(t, name, s, x, func(rows int) int {
			if _, behind := kindsTried[name].Inputs.Context(); rows <= behind {
				return 0
			}
			return max(0, rows-wait)
		})
	}
}

// A series that only seems to end goes on as if it had not: the answers that lacked what came
// are counted, the others are as without a pause.
func TestKindsAfterAPause(t *testing.T) {
	r := rand.New(rand.NewPCG(44, 44))
	for what, kinds := range mixtures() {
		for _, follow := range []bool{false, true} {
			what := fmt.Sprintf("%s, following %v", what, follow)
			in := interleave(r, 3, 1200)
			from, to := 30+r.IntN(90), 1000+r.IntN(100)
			for i := from; i < to; i++ { // series 0 pauses
				if in.series[i] == 0 {
					in.series[i] = 1 + r.Int32N(2)
				}
			}
			m := modelOfKinds(kinds...)
			s := m.Streams(in.moments)
			if follow {
				s = m.Follow(in.moments)
			}
			for _, of := range s.strands {
				of.held, of.batch = 500, min(of.batch, 2)
			}
			want := in.mean(t, kinds)
			got, padded := in.stream(t, s, r, 20)
			early := 0
			for i := range padded {
				if math.Abs(float64(got[2*i+1]-want.probability[2*i+1])) <= rounding && padded[i] == want.padded[i] {
					continue
				}
				early++
				if in.series[i] != 0 || i >= from {
					t.Fatalf("%s: row %d of series %d: %v, want %v", what, i, in.series[i], got[2*i+1], want.probability[2*i+1])
				}
			}
			all := 0
			for _, of := range s.strands {
				all += of.early
			}
			if early > all || all > 0 && early == 0 || s.Early() > all {
				t.Errorf("%s: %d answers differ, %d are early, %d of all kinds", what, early, s.Early(), all)
			}
		}
	}
}

// What many open series keep is bounded by their windows, those of the network and those of its
// inputs, however long they get.
func TestMemoryOfManySeries(t *testing.T) {
	const series, window = 500, 64
	in := inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{8, 32, 128}, Ahead: inputs.Centred}
	F := in.Columns(2)
	s := modelOfKinds(Kind{folding{of: &counter{steps: window}, columns: F}, in, 0}).Streams(nil)
	r := rand.New(rand.NewPCG(45, 45))
	numbers, x := make([]int32, 0, 20*series), randomRows(r, 20*series)
	for i := range series {
		numbers = append(numbers, slices.Repeat([]int32{int32(i)}, 20)...)
	}
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	var after [2]int
	for i := range 20 {
		if err := s.Push(context.Background(), numbers, x); err != nil {
			t.Fatal(err)
		}
		s.Take(s.Ready())
		if i == 9 || i == 19 {
			after[i/10] = (heap() - before) / series
		}
	}
	runtime.KeepAlive(s)
	t.Logf("%d, then %d bytes a series", after[0], after[1])
	// Twice the rows of the network's window and those that wait; two blocks of each of the inputs'.
	if most := 2*4*F*(window+128) + 2*(8+32+128)*2*64; after[1] > most || after[1] > after[0]*5/4 {
		t.Errorf("%d, then %d bytes a series, more than %d", after[0], after[1], most)
	}
}
