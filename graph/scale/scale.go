// Package scale scales features within the series that they are of, beside what a network
// does to them by the training rows: see [Within].
//
// Comments give shapes in letters: N rows, F features.
package scale

import (
	"math"
	"slices"
)

// Within is how the features of a row are also scaled within its own series: a row of F
// features then has F more columns, each feature's (x - mean) / deviation, clipped to ±8.
// They are 0 where the deviation is: in a series that is constant or has one row.
type Within string

// Ways to scale within a series.

const (
	None    Within = "none"    // not at all
	Running Within = "running" // by the rows of the series up to this one, and this one
	Whole   Within = "whole"   // by all rows of the series
)

// clip is the largest distance from the mean, in deviations, that a network sees. The last of
// n rows is at most sqrt(n-1) deviations from the mean of all, so that the first rows of a
// running scale are not wild either.
const clip = 8

// Kinds lists all of them.
var Kinds = []Within{None, Running, Whole}

// Columns is the number of columns that a row of so many features has.
func (w Within) Columns(features int) int {
	if w == Running || w == Whole {
		return 2 * features
	}
	return features
}

// Range is the rows Start to End-1.
type Range struct{ Start, End int }

// Expand returns the rows x [N,F], which have no NaN, with all columns, [N,2F]; or x itself
// where there are no more. The parts are whole series; beyond them the added columns are 0.
// It gives the same bits as [Moments] row by row.
func Expand(w Within, x []float32, features int, parts []Range) []float32 {
	columns := w.Columns(features)
	if columns == features {
		return x
	}
	wide := make([]float32, len(x)/features*columns)
	for i := range len(x) / features {
		copy(wide[i*columns:], x[i*features:(i+1)*features])
	}
	for _, p := range parts {
		rows := x[p.Start*features : p.End*features]
		m := NewMoments(features)
		if w == Whole {
			m.Add(rows)
		}
		m.Append(wide[p.Start*columns:p.Start*columns], rows, w)
	}
	return wide
}

// Moments are the mean and the deviation of each feature over rows of one series, updated
// row by row (Welford 1962), which stays exact where sums of squares cancel.
type Moments struct {
	Rows    float64
	Mean    []float64 // [F]
	Squares []float64 // [F] the sum of squared deviations from the mean
}

// NewMoments returns the moments of no row.
func NewMoments(features int) *Moments {
	return &Moments{Mean: make([]float64, features), Squares: make([]float64, features)}
}

// Add adds rows x [n,F].
func (m *Moments) Add(x []float32) {
	for row := range slices.Chunk(x, len(m.Mean)) {
		m.Rows++
		for k, v := range row {
			delta := float64(v) - m.Mean[k]
			m.Mean[k] += delta / m.Rows
			m.Squares[k] += delta * (float64(v) - m.Mean[k])
		}
	}
}

// Append appends the rows x [n,F] with all columns, [n,2F], to to. For Whole these are the
// moments of the whole series, for Running those of the rows before x, which are added.
func (m *Moments) Append(to, x []float32, w Within) []float32 {
	for row := range slices.Chunk(x, len(m.Mean)) {
		if w == Running {
			m.Add(row)
		}
		to = append(to, row...)
		for k, v := range row {
			to = append(to, float32(m.scaled(k, v)))
		}
	}
	return to
}

// scaled is value v of feature k in deviations from the mean.
func (m *Moments) scaled(k int, v float32) float64 {
	if m.Squares[k] == 0 {
		return 0
	}
	z := (float64(v) - m.Mean[k]) / math.Sqrt(m.Squares[k]/m.Rows)
	return min(max(z, -clip), clip)
}

// Fill returns x [N,F] with the values with [F] in the place of NaN; x itself if it has none.
func Fill(x, with []float32) []float32 {
	copied := false
	for i, v := range x {
		if v == v {
			continue
		}
		if !copied {
			x, copied = slices.Clone(x), true
		}
		x[i] = with[i%len(with)]
	}
	return x
}
