package series

import (
	"errors"
	"math"
)

// addFeatures appends the features of the current row, scaled. It reports false when
// the row is to be left out.
func (r *Reader) addFeatures(c *Chunk) (bool, error) {
	r.values, r.lacking = r.values[:0], r.lacking[:0]
	for k, i := range r.roles.features {
		x, err := r.row[i].feature()
		if err == nil && x != x {
			x, err = r.fill(k)
		}
		if err == errDrop {
			return false, nil
		}
		if err != nil {
			return false, r.fault(r.features[k], err)
		}
		r.values = append(r.values, x)
	}
	from := len(c.X)
	c.X = append(c.X, r.values...)
	if err := r.scale(c.X[from:]); err != nil {
		c.X = c.X[:from]
		return false, err
	}
	copy(r.state.last, r.values)
	for _, k := range r.lacking {
		r.filled[k]++
	}
	return true, nil
}

// scale scales the row x in place.
func (r *Reader) scale(x []float32) error {
	if r.options.Scaler == nil {
		return nil
	}
	err := r.options.Scaler.Apply(x)
	var overflow *OverflowError
	if errors.As(err, &overflow) {
		return r.fault(r.features[overflow.Feature], err)
	}
	return err
}

var errDrop = errors.New("row left out")

// fill is what stands in for a missing feature k.
func (r *Reader) fill(k int) (float32, error) {
	r.lacking = append(r.lacking, k)
	switch r.options.Missing {
	case MissingZero:
		return 0, nil
	case MissingForward:
		return r.state.last[k], nil
	case MissingMean:
		return float32(math.NaN()), nil
	case MissingDrop:
		return 0, errDrop
	}
	return 0, errors.New("the value is missing (--missing says what to put in its place)")
}
