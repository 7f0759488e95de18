package inputs

import (
	"math"
	"slices"
)

// Within is how the features of a row are also scaled within its own series: a row of R
// features then has R more columns, each feature's (x - mean) / deviation, clipped to ±8 but
// where there are windows. They are 0 where the deviation is: in a series that is constant or
// has one row.
type Within string

// Ways to scale within a series.

const (
	None    Within = "none"    // not at all
	Running Within = "running" // by the rows of the series up to this one, and this one
	Whole   Within = "whole"   // by all rows of the series
)

// clip is the largest distance from the mean, in deviations, that a network without windows
// sees. The last of n rows is at most sqrt(n-1) deviations from the mean of all, so that the
// first rows of a running scale are not wild either.
const clip = 8

// Bound is the largest distance from the mean, in deviations, of what is scaled within a series.
func (in Inputs) Bound() float64 {
	if len(in.Rolling) > 0 {
		return math.Inf(1)
	}
	return clip
}

// Kinds lists all of them.
var Kinds = []Within{None, Running, Whole}

// Columns is the number of columns that a row of so many features has.
func (w Within) Columns(features int) int {
	if w == Running || w == Whole {
		return 2 * features
	}
	return features
}

// Moments are the mean and the deviation of each feature over rows of one series, updated
// row by row (Welford 1962), which stays exact where sums of squares cancel.
type Moments struct {
	Rows    float64
	Mean    []float64 // [R]
	Squares []float64 // [R] the sum of squared deviations from the mean
}

// NewMoments returns the moments of no row.
func NewMoments(features int) *Moments {
	return &Moments{Mean: make([]float64, features), Squares: make([]float64, features)}
}

// Add adds rows x [n,R].
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

// write writes the row x [R] with all columns, [2R], none further from 0 than bound. For Whole
// these are the moments of the whole series, for Running those of the rows before x, which is added.
func (m *Moments) write(to, x []float32, w Within, bound float64) {
	if w == Running {
		m.Add(x)
	}
	copy(to, x)
	for k, v := range x {
		to[len(x)+k] = float32(min(max(m.scaled(k, v), -bound), bound))
	}
}

// scaled is value v of feature k in deviations from the mean.
func (m *Moments) scaled(k int, v float32) float64 {
	if m.Squares[k] == 0 {
		return 0
	}
	return (float64(v) - m.Mean[k]) / math.Sqrt(m.Squares[k]/m.Rows)
}

// Fill returns x [N,R] with the values with [R] in the place of NaN; x itself if it has none.
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
