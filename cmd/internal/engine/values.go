package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
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
	x, zero := v.model.Values(rows), v.model.Values(make([]float64, R))
	for i, value := range x {
		switch {
		case value-value == 0:
			last[i%R] = value
		case value == value:
			return nil, fault(i, "%v is not a finite number of 32 bits", rows[i])
		case missing == series.MissingError || missing == series.MissingDrop:
			return nil, fault(i, "the value is missing, and the model was trained to fill none")
		case missing == series.MissingZero:
			x[i] = zero[i%R]
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
