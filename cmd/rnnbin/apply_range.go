package main

import (
	"fmt"
	"io"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// rangeWatch looks for columns that are far from what the model was trained on: it
// answers them all the same.
type rangeWatch struct {
	model *model.Model
	seen  *layout.Outside // nil for a model that does not tell
}

func newRangeWatch(m *model.Model) rangeWatch {
	w := rangeWatch{model: m}
	if m.Profile.Low != nil {
		w.seen = layout.NewOutside((*layout.Profile)(&m.Profile))
	}
	return w
}

// add looks at rows [n,R].
func (w rangeWatch) add(x []float32) {
	if w.seen != nil {
		w.seen.Add(inputs.Fill(x, w.model.Profile.Mean))
	}
}

// farColumn is a column of which many rows lie far outside the training rows' range.
type farColumn struct {
	Column   string     `json:"column"`
	Share    float64    `json:"share"`    // of the rows
	Training [2]float64 `json:"training"` // the training rows' least and greatest value
	Here     [2]float64 `json:"here"`     // the least and the greatest of these rows
}

func (c farColumn) String() string {
	return fmt.Sprintf("column %q: %.3g %% of rows are far outside the training rows' %.4g to %.4g (%.4g to %.4g here), so the labels may mean nothing",
		c.Column, 100*c.Share, c.Training[0], c.Training[1], c.Here[0], c.Here[1])
}

// found are the columns.
func (w rangeWatch) found() []farColumn {
	const least = 0.01 // fewer are outliers, as there may be in training rows
	var found []farColumn
	if w.seen == nil || w.seen.Rows == 0 {
		return nil
	}
	p, c := w.model.Profile, w.model.Columns
	for k, n := range w.seen.Count {
		if share := float64(n) / float64(w.seen.Rows); share >= least {
			found = append(found, farColumn{c.Features[k], share,
				[2]float64{c.Measured(k, p.Low[k]), c.Measured(k, p.High[k])}, [2]float64{c.Measured(k, w.seen.Low[k]), c.Measured(k, w.seen.High[k])}})
		}
	}
	return found
}

// printFar warns of the columns, of the first few of them.
func printFar(errOut io.Writer, found []farColumn) {
	const named = 5
	for _, c := range found[:min(len(found), named)] {
		fmt.Fprintf(errOut, "rnnbin: warning: %v\n", c)
	}
	if more := len(found) - named; more > 0 {
		fmt.Fprintf(errOut, "rnnbin: warning: the same holds for %s\n", count(more, "other column"))
	}
}
