package series

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// ElapsedFeature is the feature that Options.Elapsed adds.
const ElapsedFeature = "elapsed"

// addElapsed adds the name of that feature.
func (r *Reader) addElapsed() error {
	switch {
	case !r.options.Elapsed:
		return nil
	case r.roles.time < 0:
		return &table.Error{File: r.Name(), Err: errors.New("Options.Elapsed needs Options.Time")}
	case slices.Contains(r.Columns(), ElapsedFeature):
		return &table.Error{File: r.Name(), Column: ElapsedFeature, Err: errors.New("there is a column of that name, which Options.Elapsed gives a feature")}
	}
	r.features = append(r.features, ElapsedFeature)
	return nil
}

// addFeatures appends the features of the current row, which is of a time. It reports false when
// the row is to be left out.
func (r *Reader) addFeatures(c *Chunk, time float64) (bool, error) {
	r.values, r.lacking = r.values[:0], r.lacking[:0]
	if r.losses != nil && r.state.exact == nil {
		r.state.exact = slices.Repeat([]float64{math.NaN()}, len(r.features))
	}
	for k, i := range r.roles.features {
		v := r.value(i)
		x, exact, err := v.feature(r.shift[k])
		if isRounded(exact) && r.rounded[k] == 0 && !v.holds(exact) {
			r.rounded[k] = r.line()
		}
		if x != 0 && x != 1 {
			r.words[k].numbers = r.words[k].numbers || x == x
		} else if r.words[k].line == 0 && err == nil && v.isWord() {
			r.words[k].line = r.line()
		}
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
				err = r.hint(v, err)
			}
			return false, r.fault(r.features[k], err)
		}
		r.values = append(r.values, x)
	}
	if r.options.Elapsed {
		elapsed := 0.
		if before := r.state.time; !math.IsInf(before, -1) {
			elapsed = time - before
		}
		r.values = append(r.values, float32(elapsed))
	}
	c.X = append(c.X, r.values...)
	copy(r.state.last, r.values)
	for _, k := range r.lacking {
		r.filled[k]++
	}
	return true, nil
}

// words is whether a feature has true and false, in text, from some line on, and numbers other than 1 and 0.
type words struct {
	line    int
	numbers bool
}

// hint adds to an error of a feature what reads it as a missing value.
func (r *Reader) hint(v *value, err error) error {
	text := bytes.TrimSpace(v.text)
	x, _ := v.float()
	switch {
	case v.isNumber() && !math.IsInf(x, 0) || v.kind == nullKind || v.missing():
		return err
	case slices.Contains(r.Columns(), string(text)):
		return fmt.Errorf("%w (names of columns come again, perhaps in another order, as where files have been put together)", err)
	}
	return fmt.Errorf("%w (Options.NAValues %s counts it as missing)", err, table.Excerpt(text))
}

var errDrop = errors.New("row left out")

// standIn is what stands in for a missing feature k.
func (r *Reader) standIn(k int) (float32, error) {
	r.lacking = append(r.lacking, k)
	switch r.options.Missing {
	case MissingZero:
		return float32(0 - r.shift[k]), nil
	case MissingForward:
		return r.state.last[k], nil
	case MissingMean:
		return float32(math.NaN()), nil
	case MissingDrop:
		return 0, errDrop
	}
	return 0, errors.New("the value is missing (Options.Missing says what to put in its place)")
}
