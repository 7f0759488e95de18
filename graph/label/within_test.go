package label

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

// narrow is the first feature of each row: with that scaled within its series a row has
// the two that the networks of these tests take.
func (in interleaved) narrow() interleaved {
	var x []float32
	for i := 0; i < len(in.x); i += 2 {
		x = append(x, in.x[i])
	}
	return interleaved{in.series, x}
}

// expanded has the columns that each row has in its series.
func (in interleaved) expanded(w inputs.Within) interleaved {
	wide := make([]float32, 2*len(in.x))
	for s := range slices.Max(in.series) + 1 {
		var rows []int
		var x []float32
		for i, of := range in.series {
			if of == s {
				rows, x = append(rows, i), append(x, in.x[i])
			}
		}
		all := inputs.Inputs{SeriesScale: w}.Expand(x, 1, []inputs.Range{{End: len(rows)}})
		for k, i := range rows {
			copy(wide[2*i:2*i+2], all[2*k:])
		}
	}
	return interleaved{in.series, wide}
}

// bare are the same rows in one series without a break.
func bare(r *rand.Rand, rows int) interleaved { return interleave(r, 1, rows).narrow() }

// whole gives the moments of the rows of each series.
func (in interleaved) whole(series int32) (*inputs.Moments, error) {
	m := inputs.NewMoments(1)
	for i, of := range in.series {
		if of == series {
			m.Add(in.x[i : i+1])
		}
	}
	return m, nil
}

// What a stream answers is what it answers to rows with all columns, to the bit, also
// when a series pauses so long that it seems to have ended.
func TestStreamsScaleWithinSeries(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for what, v := range variants() {
		for _, w := range []inputs.Within{inputs.Running, inputs.Whole} {
			in := interleave(r, 3, 300).narrow()
			wide := in.expanded(w)
			l, plain := modelOf(v.counter(), v.horizon, w), modelOf(v.counter(), v.horizon, inputs.None)
			l.engines[0].batch, plain.engines[0].batch = 3, 3
			what := fmt.Sprintf("%s, %s", what, w)
			probability, padded := wide.expected(v)
			a, b := in.stream(t, l.Streams(in.whole), r, 40)
			wantAnswers(t, what, a, b, probability, padded)
			a, b = in.stream(t, l.Follow(in.whole), r, 3)
			wantAnswers(t, what+", following", a, b, probability, padded)

			s, p := l.Streams(in.whole), plain.Streams(nil)
			s.strands[0].held, p.strands[0].held = 20, 20
			a, b = in.stream(t, s, rand.New(rand.NewPCG(1, 1)), 40)
			want, wantPadded := wide.stream(t, p, rand.New(rand.NewPCG(1, 1)), 40)
			wantAnswers(t, what+", few held", a, b, ones(want), wantPadded)
			if t.Failed() {
				return
			}
		}
	}
}

// A series that ended and begins anew begins with a running scale of its own.
func TestRunningScaleEndsWithItsSeries(t *testing.T) {
	in := bare(rand.New(rand.NewPCG(12, 12)), 40)
	s := modelOf(&counter{steps: 4}, 0, inputs.Running).Streams(nil)
	var got [2][]float32
	for i := range got {
		if err := s.Push(context.Background(), in.series, in.x); err != nil {
			t.Fatal(err)
		}
		if err := s.End(context.Background(), 0); err != nil {
			t.Fatal(err)
		}
		if err := s.strands[0].run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got[i], _ = take(s, s.Ready())
	}
	if len(got[0]) != 2*40 || !slices.Equal(got[0], got[1]) {
		t.Errorf("%v, then %v", got[0], got[1])
	}
	if len(s.strands[0].tracks) > 0 {
		t.Errorf("%d series are kept", len(s.strands[0].tracks))
	}
}

// A part of a series is labelled as in the whole, and scaled by the whole.
func TestPartsAreScaledWithinSeries(t *testing.T) {
	in := bare(rand.New(rand.NewPCG(13, 13)), 230)
	for _, w := range []inputs.Within{inputs.Running, inputs.Whole} {
		m := modelOf(&counter{steps: 8}, -2, w)
		want, err := m.Label(context.Background(), Series{Values: in.x})
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Label(context.Background(), Series{Values: in.x, From: 101, To: 150})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := got.Probability, want.Probability[2*101:2*150]; !slices.Equal(a, b) {
			t.Errorf("%s: %v, in the whole series %v", w, a, b)
		}
		wide := modelOf(&counter{steps: 8}, -2, inputs.None)
		x := inputs.Inputs{SeriesScale: w}.Expand(in.x, 1, []inputs.Range{{End: 230}})
		if by, err := wide.Label(context.Background(), Series{Values: x}); err != nil || !slices.Equal(by.Probability, want.Probability) {
			t.Errorf("%s: other bits than with columns that are scaled before; %v", w, err)
		}
	}
}
