package series

import (
	"errors"
	"math"
)

// addFeatures appends the features of the current row. It reports false when
// the row is to be left out.
func (r *Reader) addFeatures(c *Chunk, state *seriesState) (bool, error) {
	from := len(c.X)
	for k, i := range r.roles.features {
		x, err := r.row[i].feature()
		if err == nil && x != x {
			x, err = r.fill(k, state)
		}
		if err == errDrop {
			c.X = c.X[:from]
			r.dropped++
			return false, nil
		}
		if err != nil {
			return false, &Error{Line: r.record.line, Column: r.features[k], Err: err}
		}
		c.X = append(c.X, x)
	}
	if r.options.Missing == MissingForward {
		copy(state.last, c.X[from:])
	}
	return true, nil
}

var errDrop = errors.New("row left out")

// fill is what stands in for a missing feature k.
func (r *Reader) fill(k int, state *seriesState) (float32, error) {
	r.filled[k]++
	switch r.options.Missing {
	case MissingZero:
		return 0, nil
	case MissingForward:
		return state.last[k], nil
	case MissingMean:
		return float32(math.NaN()), nil
	case MissingDrop:
		return 0, errDrop
	}
	return 0, errors.New("the value is missing (--missing says what to put in its place)")
}
