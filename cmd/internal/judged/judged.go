// Package judged keeps answers to rows that the networks which gave them were not trained on,
// as an Arrow file, so that how good a model is can be looked at again, row by row.
package judged

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Rows are answers to the rows of series. N is the number of rows, C that of classes.
type Rows struct {
	Classes     []string       // [C]
	Series      []metrics.Span // cover the rows from 0 to N in order
	Time        []float64      // [N] numbers, or seconds since 1970; nil where only the row is known
	Stamps      bool           // times are timestamps
	Fold        []int16        // [N] that held the row back, from 1; 0 for a row that was not judged
	Label       []int16        // [N]
	Answer      []int16        // [N] the class predicted
	Probability []float32      // [N,C]
}

// Input is what the metrics judge.
func (r *Rows) Input() metrics.Input {
	in := metrics.Input{Probability: r.Probability, Label: r.Label, Classes: r.Classes, Series: r.Series, Answer: r.Answer, Include: make([]bool, len(r.Fold))}
	for i, fold := range r.Fold {
		in.Include[i] = fold > 0
	}
	return in
}

// grow appends rows that were not judged, until there are n.
func (r *Rows) grow(n int, timed bool) {
	more := n - len(r.Fold)
	r.Fold, r.Answer = append(r.Fold, make([]int16, more)...), append(r.Answer, make([]int16, more)...)
	r.Label = append(r.Label, slices.Repeat([]int16{-1}, more)...)
	r.Probability = append(r.Probability, make([]float32, more*len(r.Classes))...)
	if timed {
		r.Time = append(r.Time, make([]float64, more)...)
	}
}

// Write writes the rows that were judged, each with its number in its series.
func (r *Rows) Write(w io.Writer) error {
	e, err := newEncoder(w, r)
	if err != nil {
		return err
	}
	for s, span := range r.Series {
		for i := span.Start; i < span.End; i++ {
			if r.Fold[i] == 0 {
				continue
			}
			if err := e.add(s, i-span.Start+span.First, i); err != nil {
				return err
			}
		}
	}
	return e.close()
}

// Read reads what Write has written. Of each series there are the rows from number 0 up to the last that was
// judged.
func Read(ctx context.Context, content []byte) (*Rows, error) {
	d := decoder{rows: &Rows{}, of: map[string]int16{}}
	err := d.read(ctx, content)
	var at *table.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if err == nil && len(d.rows.Series) == 0 {
		err = errors.New("it has no row")
	}
	if err != nil {
		return nil, fmt.Errorf("not a file of judged rows: %w", err)
	}
	return d.rows, nil
}

func (d *decoder) read(ctx context.Context, content []byte) error {
	r, err := table.Open(ctx, table.Stdin, bytes.NewReader(content), table.Options{Format: table.Arrow})
	if err != nil {
		return err
	}
	defer r.Close()
	if err := d.begin(r); err != nil {
		return err
	}
	for b := new(table.Batch); ; {
		if err := r.Next(b, 1<<12); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for i := range b.Len() {
			if err := d.add(b, i); err != nil {
				return err
			}
		}
	}
}
