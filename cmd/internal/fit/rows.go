package fit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// rows are data, and how networks see its features.
type rows struct {
	*series.Data
	fill   []float32      // [F] stands in for missing values
	pieces []series.Range // the series, or of each what trains and what is held back until the end

	mu  sync.Mutex
	all map[string][]float32 // [N,F'] what networks get before it is scaled, by their inputs
}

// filledFrom are the rows with the means of the parts in place of missing values; r itself where
// none is missing.
func (r *rows) filledFrom(parts []series.Range) *rows {
	if !slices.ContainsFunc(r.X, func(v float32) bool { return v != v }) {
		return r
	}
	return &rows{Data: r.Data, fill: layout.Means(r.Data, parts), pieces: r.pieces}
}

// scored is how many rows of the parts have a label and an answer, which those lack whose label
// a row beyond their series would give.
func (r *rows) scored(parts []series.Range, target int) int {
	n := 0
	for _, p := range parts {
		w := around(r.Series, p)
		for i := max(p.Start, w.Start+target); i < min(p.End, w.End+target); i++ {
			if r.Labels[i] != series.Unlabelled {
				n++
			}
		}
	}
	return n
}

// inputs are what networks get of all rows before it is scaled, [N,F'], with nothing missing.
func (r *rows) inputs(in inputs.Inputs) []float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprint(in.SeriesScale, in.Rolling, in.Ahead)
	if r.all == nil {
		r.all = map[string][]float32{}
	}
	if r.all[key] == nil {
		var parts []inputs.Range
		for _, s := range r.scaledBy(in) {
			parts = append(parts, inputs.Range{Start: s.Start, End: s.End})
		}
		in.Scale = nil
		r.all[key] = in.Expand(inputs.Fill(r.X, r.fill), len(r.Features), parts)
	}
	return r.all[key]
}

// scaledBy are the ranges of rows that each make what networks train on: series; or pieces, where
// rows are scaled by all of them, so that those held back do not scale the others.
func (r *rows) scaledBy(in inputs.Inputs) []series.Range {
	if in.SeriesScale == inputs.Whole {
		return r.pieces
	}
	return r.Series
}

// answers are the probabilities of the classes, [N,C], of those rows that are known.
type answers struct {
	probability []float32 // [N,C]
	known       []bool    // [N]
}

// answer has networks answer the rows of the parts, each in the light of the whole series that
// it is of. Those are not known whose label a row beyond their series would give, target rows ahead
// of it, though networks that wait for no row may answer them.
func (r *rows) answer(ctx context.Context, kind label.Kind, target int, parts []series.Range) (*answers, error) {
	m, err := label.New(label.Task{Features: r.Features, Classes: r.Classes, Fill: r.fill}, kind)
	if err != nil {
		return nil, err
	}
	all := make([]label.Series, len(parts))
	for i, p := range parts {
		w := around(r.Series, p)
		all[i] = label.Series{Values: r.X[w.Start*len(r.Features) : w.End*len(r.Features)], From: p.Start - w.Start, To: p.End - w.Start}
	}
	got, err := m.Label(ctx, all...)
	var at *label.RowError
	if errors.As(err, &at) {
		return nil, r.At(around(r.Series, parts[at.Series]).Start+at.Row, "", err)
	}
	if err != nil {
		return nil, err
	}
	C := len(r.Classes)
	a := &answers{make([]float32, r.Len()*C), make([]bool, r.Len())}
	next := 0
	for _, p := range parts {
		copy(a.probability[p.Start*C:p.End*C], got.Probability[next*C:])
		last := around(r.Series, p).End + target
		for i := range p.Len() {
			a.known[p.Start+i] = !got.Padded[next+i] && p.Start+i < last
		}
		next += p.Len()
	}
	return a, nil
}

// around is the one of the ranges that a part is of.
func around(ranges []series.Range, p series.Range) series.Range {
	at, found := slices.BinarySearchFunc(ranges, p.Start, func(s series.Range, row int) int { return s.Start - row })
	if !found {
		at--
	}
	return ranges[at]
}

// merge adds the answers of another fold.
func (a *answers) merge(b *answers) *answers {
	if a == nil {
		return &answers{slices.Clone(b.probability), slices.Clone(b.known)}
	}
	C := len(a.probability) / len(a.known)
	for i, known := range b.known {
		if known {
			copy(a.probability[i*C:(i+1)*C], b.probability[i*C:(i+1)*C])
			a.known[i] = true
		}
	}
	return a
}

// mean is that of the answers of several networks, trained with the loss, to the same rows; nil of none.
// What one of them does not know is not known.
func mean(of graph.Loss, all ...*answers) *answers {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	known := slices.Clone(all[0].known)
	list := make([][]float32, len(all))
	for i, a := range all {
		list[i] = a.probability
		for i, k := range a.known {
			known[i] = known[i] && k
		}
	}
	return &answers{of.Mean(len(list[0])/len(known), list...), known}
}

// together are the answers that kinds of network come to.
func together(kinds ...*answers) *answers { return mean(graph.OneHotXent, kinds...) }

// input is what the metrics judge: the rows that are known and lie in the parts, each of which
// is a series. The classes decided [N] are those by the threshold unless they are given.
func (r *rows) input(a *answers, parts []series.Range, threshold float64, decided []int16) metrics.Input {
	return metrics.Input{
		Probability: a.probability, Label: r.Labels, Classes: r.Classes, Include: a.known, Series: Spans(parts), Threshold: threshold, Answer: decided,
	}
}
