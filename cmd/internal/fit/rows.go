package fit

import (
	"context"
	"errors"
	"slices"

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
	fill   []float32 // [F] stands in for missing values
	within inputs.Within
	x      []float32 // [N,F'] what networks train on; nil of rows that only judge
}

// columns is how many features a network sees, F'.
func (r *rows) columns() int { return r.within.Columns(len(r.Features)) }

// filledFrom are the rows with the means of the parts in place of missing values; r itself where
// none is missing.
func (r *rows) filledFrom(parts []series.Range) *rows {
	if !slices.ContainsFunc(r.X, func(v float32) bool { return v != v }) {
		return r
	}
	other := rows{Data: r.Data, fill: layout.Means(r.Data, parts), within: r.within}
	other.x = other.inputs()
	return &other
}

// scored is how many rows of the parts have a label and an answer, which those lack whose label
// a row beyond their series would give.
func (r *rows) scored(parts []series.Range, target int) int {
	n := 0
	for _, p := range parts {
		w := r.whole(p)
		for i := max(p.Start, w.Start+target); i < min(p.End, w.End+target); i++ {
			if r.Labels[i] != series.Unlabelled {
				n++
			}
		}
	}
	return n
}

// inputs are the features of all rows that networks train on, [N,F']: nothing missing, and
// those scaled within their series.
func (r *rows) inputs() []float32 {
	var all []inputs.Range
	for _, s := range r.Series {
		all = append(all, inputs.Range{Start: s.Start, End: s.End})
	}
	return inputs.Inputs{SeriesScale: r.within}.Expand(inputs.Fill(r.X, r.fill), len(r.Features), all)
}

// answers are the probabilities of the classes, [N,C], of those rows that are known.
type answers struct {
	probability []float32
	known       []bool // [N]
	members     int
}

// answer has networks answer the rows of the parts, each in the light of the whole series that
// it is of.
func (r *rows) answer(ctx context.Context, networks *graph.Predictor, target int, parts []series.Range) (*answers, error) {
	kind := label.Kind{Networks: networks, Inputs: inputs.Inputs{SeriesScale: r.within}, Horizon: target}
	m, err := label.New(label.Task{Features: r.Features, Classes: r.Classes, Fill: r.fill}, kind)
	if err != nil {
		return nil, err
	}
	all := make([]label.Series, len(parts))
	for i, p := range parts {
		w := r.whole(p)
		all[i] = label.Series{Values: r.X[w.Start*len(r.Features) : w.End*len(r.Features)], From: p.Start - w.Start, To: p.End - w.Start}
	}
	got, err := m.Label(ctx, all...)
	var at *label.RowError
	if errors.As(err, &at) {
		return nil, r.At(r.whole(parts[at.Series]).Start+at.Row, "", err)
	}
	if err != nil {
		return nil, err
	}
	C := len(r.Classes)
	a := &answers{make([]float32, r.Len()*C), make([]bool, r.Len()), 1}
	next := 0
	for _, p := range parts {
		copy(a.probability[p.Start*C:p.End*C], got.Probability[next*C:])
		for i := range p.Len() {
			a.known[p.Start+i] = !got.Padded[next+i]
		}
		next += p.Len()
	}
	return a, nil
}

// whole is the series that a part is of.
func (r *rows) whole(p series.Range) series.Range {
	at, found := slices.BinarySearchFunc(r.Series, p.Start, func(s series.Range, row int) int { return s.Start - row })
	if !found {
		at--
	}
	return r.Series[at]
}

// merge adds the answers of another fold.
func (a *answers) merge(b *answers) *answers {
	if a == nil {
		return &answers{slices.Clone(b.probability), slices.Clone(b.known), b.members}
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

// average adds the answers of another member to the same rows.
func (a *answers) average(b *answers) *answers {
	if a == nil {
		return b
	}
	n := float32(a.members)
	for i, p := range b.probability {
		a.probability[i] = (a.probability[i]*n + p) / (n + 1)
	}
	a.members++
	return a
}

// input is what the metrics judge: the rows that are known and lie in the parts, each of which
// is a series. The classes decided [N] are those by the threshold unless they are given.
func (r *rows) input(a *answers, parts []series.Range, threshold float64, decided []int16) metrics.Input {
	return metrics.Input{
		Probability: a.probability, Label: r.Labels, Classes: r.Classes, Include: a.known, Series: spans(parts), Threshold: threshold, Answer: decided,
	}
}
