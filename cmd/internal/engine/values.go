package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/label"
)

// checked are the rows [n,R] of a request's series as the model takes them: less its shift, and what is missing, NaN,
// is filled as it was in the training data, where NaN is left for the mean. The last value of each
// feature in the series before them, [R], NaN for none, is replaced by that of these rows.
func (v *version) checked(number int, rows []float64, last []float32) ([]float32, error) {
	R := len(v.info.Features)
	if len(rows)%R != 0 {
		return nil, Errorf(Invalid, "series %d: %d values are not rows of %d features", number, len(rows), R)
	}
	fault := func(at int, format string, args ...any) error {
		return &Error{Kind: Invalid, Err: &PlaceError{number, at / R, v.info.Features[at%R], fmt.Errorf(format, args...)}}
	}
	missing := series.Missing(v.info.Model.Columns.Missing)
	x := v.model.Values(rows)
	for i, value := range x {
		switch {
		case value-value == 0:
			last[i%R] = value
		case value == value:
			return nil, fault(i, "%v is not a finite number of 32 bits", rows[i])
		case missing == series.MissingError || missing == series.MissingDrop:
			return nil, fault(i, "the value is missing, and the model was trained to fill none")
		case missing == series.MissingZero:
			x[i] = v.model.Values(make([]float64, R))[i%R]
		case missing == series.MissingForward:
			x[i] = last[i%R]
		}
	}
	return x, nil
}

// none is the last value of each feature before a series begins.
func (v *version) none() []float32 {
	return slices.Repeat([]float32{float32(math.NaN())}, len(v.info.Features))
}

// CheckRows refuses a request of too many rows.
func (h *Handle) CheckRows(rows int) error {
	if rows > h.options.MaxRows {
		return Errorf(Invalid, "%d rows are more than the %d that one request may have", rows, h.options.MaxRows)
	}
	return nil
}

// Lengths are how many steps of each of so many series count, as a client says it.
func Lengths(given []float64, series, steps int) ([]int, error) {
	if len(given) != series {
		return nil, Errorf(Invalid, "lengths: %d numbers of steps for %d series", len(given), series)
	}
	lengths := make([]int, series)
	for i, v := range given {
		if !(v >= 0 && v <= float64(steps)) || v != math.Trunc(v) {
			return nil, Errorf(Invalid, "lengths: %v is no number of steps from 0 to %d", v, steps)
		}
		lengths[i] = int(v)
	}
	return lengths, nil
}

// Pad makes the answers to series of these lengths ones to series of so many steps: of class -1 and
// with probabilities of 0 where a step does not count.
func (i *Info) Pad(a label.Answers, lengths []int, steps int) label.Answers {
	n, C := len(lengths)*steps, len(i.Classes)
	if a.Len() == n {
		return a
	}
	all := label.Answers{Class: slices.Repeat([]int16{-1}, n), Probability: make([]float32, n*C)}
	at := 0
	for b, rows := range lengths {
		copy(all.Class[b*steps:], a.Class[at:at+rows])
		copy(all.Probability[b*steps*C:], a.Probability[at*C:(at+rows)*C])
		at += rows
	}
	return all
}
