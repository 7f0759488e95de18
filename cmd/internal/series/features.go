package series

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// addFeatures appends the features of the current row. It reports false when
// the row is to be left out.
func (r *Reader) addFeatures(c *Chunk) (bool, error) {
	r.values, r.lacking = r.values[:0], r.lacking[:0]
	if r.losses != nil && r.state.exact == nil {
		r.state.exact = slices.Repeat([]float64{math.NaN()}, len(r.features))
	}
	for k, i := range r.roles.features {
		v := r.value(i)
		x, exact, err := v.feature(r.shift[k])
		switch {
		case err != nil:
		case x != x:
			x, err = r.standIn(k)
		case r.losses != nil:
			r.losses[k].add(&r.state.exact[k], exact)
		}
		if err == errDrop {
			return false, nil
		}
		if err != nil {
			if r.options.Skip == nil {
				err = hintNA(v, err)
			}
			return false, r.fault(r.features[k], err)
		}
		r.values = append(r.values, x)
	}
	c.X = append(c.X, r.values...)
	copy(r.state.last, r.values)
	for _, k := range r.lacking {
		r.filled[k]++
	}
	return true, nil
}

// hintNA adds to an error of a feature what reads it as a missing value.
func hintNA(v *value, err error) error {
	if v.isNumber() || v.kind == nullKind || v.missing() {
		return err
	}
	return fmt.Errorf("%w (Options.NAValues %s counts it as missing)", err, table.Excerpt(bytes.TrimSpace(v.text)))
}

var errDrop = errors.New("row left out")

// standIn is what stands in for a missing feature k.
func (r *Reader) standIn(k int) (float32, error) {
	r.lacking = append(r.lacking, k)
	switch r.options.Missing {
	case MissingZero:
		return float32(-r.shift[k]), nil
	case MissingForward:
		return r.state.last[k], nil
	case MissingMean:
		return float32(math.NaN()), nil
	case MissingDrop:
		return 0, errDrop
	}
	return 0, errors.New("the value is missing (Options.Missing says what to put in its place)")
}
