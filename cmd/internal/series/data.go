package series

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Data is labelled series in memory, one after the other.
type Data struct {
	Features   []string  // [F] names
	Label      string    // name of the label column; "" when it is absent
	Events     string    // file of the events that labels are made of, in place of a column; "" without one
	Classes    []string  // [C] names of the labels, two at least
	Group      string    // name of the column that groups series; "" without one
	TimeColumn string    // name of the time column, given or found out; "" without one
	Shift      []float64 // [F] what has been taken off the features, which 32-bit floats would not tell apart; mostly 0
	X          []float32 // [N,F] row by row; NaN where one is missing and Options.Missing is mean; never written to
	Labels     []int16   // [N] 0 to C-1 or Unlabelled; nil when the column is absent
	Time       []float64 // [N] numbers, or seconds since 1970; nil without a time column
	Stamps     bool      // times are timestamps
	Zoned      bool      // timestamps name their zone
	Seconds    bool      // they are numbers of seconds, as the first file says
	Times                // how they are written
	Series     []Range   // cover the rows from 0 to N in order
	Input      int       // number of input rows, those left out included
	Warnings   []table.Warning

	negative []string // the first few values that Options.Positive made 0
}

// Len is N, the number of rows.
func (d *Data) Len() int {
	if len(d.Series) == 0 {
		return 0
	}
	return d.Series[len(d.Series)-1].End
}

// Count is the number of rows of each class, [C].
func (d *Data) Count() []int {
	count := make([]int, len(d.Classes))
	for _, l := range d.Labels {
		if l != Unlabelled {
			count[l]++
		}
	}
	return count
}

// Cut leaves a part of each series, and nothing of one of which that is empty.
func (d *Data) Cut(part func(rows int) (from, to int)) error {
	F, all := len(d.Features), *d
	d.X, d.Labels, d.Time, d.Series = nil, nil, nil, nil
	for _, r := range all.Series {
		from, to := part(r.Len())
		if from >= to {
			continue
		}
		from, to = r.Start+from, r.Start+to
		r.First += from - r.Start
		r.Start = len(d.X) / F
		r.End = r.Start + to - from
		d.Series = append(d.Series, r)
		d.X = append(d.X, all.X[from*F:to*F]...)
		if all.Labels != nil {
			d.Labels = append(d.Labels, all.Labels[from:to]...)
		}
		if all.Time != nil {
			d.Time = append(d.Time, all.Time[from:to]...)
		}
	}
	if d.Input -= all.Len() - d.Len(); d.Len() == 0 {
		return errors.New("no series has such rows (Options.Cut)")
	}
	return nil
}

// NoPositive is the error for data in which no label is Options.Positive, nil if one is
// or none was asked for; it lists the labels there are.
func (d *Data) NoPositive(positive string) error {
	if positive == "" || d.Count()[1] > 0 {
		return nil
	}
	text := fmt.Sprintf("no label is %q (Options.Positive); labels: %s", positive, table.List(d.negative))
	if similar := table.Closest(d.negative, positive); similar != "" {
		text += fmt.Sprintf("; did you mean %q?", similar)
	}
	return &table.Error{Column: d.Label, Err: errors.New(text)}
}

// warn adds a warning of the labels.
func (d *Data) warn(text string) {
	d.Warnings = append(d.Warnings, table.Warning{Column: d.Label, Text: text})
}

// At is err with the place of a row, and of a column unless that is "".
func (d *Data) At(row int, column string, err error) error {
	of := d.Series[slices.IndexFunc(d.Series, func(r Range) bool { return row < r.End })]
	return &table.Error{File: of.File, Column: column,
		Err: fmt.Errorf("row %d (from 0) of series %q: %w", row-of.Start+of.First, of.Name, err)}
}

// Range is the rows Start to End-1 of one series, or of a part of it.
type Range struct {
	Name  string // of the series
	Group string // of series that are not to be divided; "": the series is one by itself
	File  string // where the series begins
	Start int
	End   int
	First int // the number of row Start in the series
}

// Len is the number of rows.
func (r Range) Len() int { return r.End - r.Start }
