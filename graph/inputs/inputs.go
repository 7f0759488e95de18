// Package inputs makes what a network gets of a row from what was measured: the features of a
// row, scaled within the series that it is of, with statistics over the rows around it, all
// columns brought to like sizes. See [Inputs].
//
// Comments give shapes in letters: N rows, R measured features, E of them with those scaled
// within the series, F columns.
package inputs

import (
	"fmt"
	"slices"
)

// Inputs are the columns that a network gets of a row of R features, none of them missing:
//
//   - The features, and with SeriesScale as many columns again: E.
//   - For each of the Rolling windows, the E means of these over the rows of the window, then
//     their E standard deviations, minima, maxima and slopes (of least squares, per row). A
//     window takes in the rows that there are at the ends of a series. The deviation and the
//     slope of one row are 0.
//   - All of these scaled by Scale.
type Inputs struct {
	SeriesScale Within `json:"series_scale"`
	Rolling     []int  `json:"rolling,omitempty"` // rows of each window, ascending, 2 to 1<<16
	Ahead       int    `json:"ahead,omitempty"`   // rows after a row that its windows take in at most, or [Centred]
	Scale       *Scale `json:"scale,omitempty"`   // of all F columns; nil leaves them as they are
}

// Centred is the [Inputs.Ahead] of windows that take in as many rows after a row as before
// it, one less if their number is even.
const Centred = -1

const (
	maxWindows = 16
	maxRows    = 1 << 16 // of a window
	statistics = 5       // of a window
)

// Columns is F, the number of columns made of so many features.
func (in Inputs) Columns(features int) int {
	return in.SeriesScale.Columns(features) * (1 + statistics*len(in.Rolling))
}

// Context is how many rows before a row, and behind it, its windows take in at most.
func (in Inputs) Context() (before, behind int) {
	for _, rows := range in.Rolling {
		b := in.Behind(rows)
		before, behind = max(before, rows-1-b), max(behind, b)
	}
	return before, behind
}

// Behind is how many rows behind a row a window of so many rows takes in.
func (in Inputs) Behind(rows int) int {
	half := (rows - 1) / 2
	if in.Ahead == Centred {
		return half
	}
	return min(in.Ahead, half)
}

// Validate returns an error that names the field that is wrong for so many features.
func (in Inputs) Validate(features int) error {
	if !slices.Contains(Kinds, in.SeriesScale) {
		return fmt.Errorf("series_scale %q is none of %q", in.SeriesScale, Kinds)
	}
	if n := len(in.Rolling); n > maxWindows {
		return fmt.Errorf("rolling: %d windows are more than %d", n, maxWindows)
	}
	for i, rows := range in.Rolling {
		switch {
		case rows < 2 || rows > maxRows:
			return fmt.Errorf("rolling: a window of %d rows is not of 2 to %d", rows, maxRows)
		case i > 0 && rows <= in.Rolling[i-1]:
			return fmt.Errorf("rolling: %d after %d is not ascending", rows, in.Rolling[i-1])
		}
	}
	if in.Ahead < Centred {
		return fmt.Errorf("ahead %d is neither a number of rows nor %d", in.Ahead, Centred)
	}
	if in.Scale == nil {
		return nil
	}
	if err := in.Scale.validate(in.Columns(features)); err != nil {
		return fmt.Errorf("scale: %w", err)
	}
	return nil
}

// Range is the rows Start to End-1.
type Range struct{ Start, End int }

// Expand returns the columns [N,F] of rows x [N,R], or x itself if that is the same. The parts
// are whole series; rows outside of them are 0. It gives the same bits as a [Stream] of each.
func (in Inputs) Expand(x []float32, features int, parts []Range) []float32 {
	columns := in.Columns(features)
	if columns == features && in.Scale == nil {
		return x
	}
	wide := make([]float32, len(x)/features*columns)
	for _, p := range parts {
		rows := x[p.Start*features : p.End*features]
		m := NewMoments(features)
		if in.SeriesScale == Whole {
			m.Add(rows)
		}
		s := in.NewStream(features, m)
		s.Rest(s.Append(wide[p.Start*columns:p.Start*columns], rows))
	}
	return wide
}
