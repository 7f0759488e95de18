package fit

import (
	"context"
	"errors"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// rows are data with the features that networks see.
type rows struct {
	*series.Data
	x        []float32 // [N,F'] the data's features, nothing missing, and those scaled within their series
	features int       // F'
	within   layout.Within
}

func newRows(d *series.Data, p *layout.Profile, w layout.Within) *rows {
	x := p.Fill(d.X)
	return &rows{d, layout.Expand(w, x, len(d.Features), d.Series), w.Columns(len(d.Features)), w}
}

// answers are the probabilities of the classes, [N,C], of those rows that are known.
type answers struct {
	probability []float32
	known       []bool // [N]
	members     int
}

// answer has a network answer the rows of the parts, each within the series that it is of.
func (r *rows) answer(ctx context.Context, network answer.Network, target int, parts []series.Range) (*answers, error) {
	labeler := answer.New(network, target, r.within)
	reaches := make([]series.Range, len(parts))
	for i, p := range parts {
		reaches[i] = labeler.Reach(r.whole(p), p)
	}
	a, err := labeler.Label(ctx, r.x, reaches)
	var at *answer.RowError
	if errors.As(err, &at) {
		return nil, r.At(at.Row, "", err)
	}
	if err != nil {
		return nil, err
	}
	known := make([]bool, len(a.Padded))
	for _, p := range parts {
		for i := p.Start; i < p.End; i++ {
			known[i] = !a.Padded[i]
		}
	}
	return &answers{a.Probability, known, 1}, nil
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
// is a series.
func (r *rows) input(a *answers, parts []series.Range, threshold float64) metrics.Input {
	return metrics.Input{
		Probability: a.probability, Label: r.Labels, Classes: r.Classes, Include: a.known, Series: spans(parts), Threshold: threshold,
	}
}
