package serve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// tensor is numbers in lists of equal sizes.
type tensor struct {
	values []float64
	shape  []int
}

// What the levels of lists in each other are called.
var (
	levelsOfBatch  = []string{"series", "row", "feature"}
	levelsOfSeries = levelsOfBatch[1:]
)

// tensor takes a tensor of at most so many levels.
func (p *parser) tensor(levels []string) (t tensor, err error) {
	r := tensorReader{parser: p, levels: levels, place: make([]int, len(levels))}
	if err := r.read(0); err != nil {
		return t, err
	}
	if len(r.shape) == 0 {
		return t, engine.Errorf(engine.Invalid, "a list of numbers is missing")
	}
	return r.tensor, nil
}

// tensorReader reads a tensor. The shape is known when the first list of each level has ended.
type tensorReader struct {
	*parser
	tensor
	levels []string
	place  []int // of the current element, in each level
	deep   int   // level of the numbers, 0 before the first
}

// read reads a list of a level, or a number.
func (r *tensorReader) read(level int) error {
	if r.peek() != '[' {
		if r.deep == 0 {
			r.deep = level
		}
		if level != r.deep {
			return r.at(level, "a number where a list is wanted")
		}
		v, err := r.number()
		if err != nil {
			return r.at(level, err.Error())
		}
		r.values = append(r.values, v)
		return nil
	}
	if level == len(r.levels) || r.deep > 0 && level >= r.deep {
		return r.at(level, "a list where a number is wanted")
	}
	n := 0
	err := r.list('[', ']', func(i int) error {
		r.place[level], n = i, i+1
		return r.read(level + 1)
	})
	if err != nil {
		return err
	}
	for len(r.shape) <= level {
		r.shape = append(r.shape, -1)
	}
	switch r.shape[level] {
	case -1:
		r.shape[level] = n
	case n:
	default:
		return r.at(level, fmt.Sprintf("Expecting tensor size: %d but got: %d", r.shape[level], n))
	}
	return nil
}

// at tells where the fault is.
func (r *tensorReader) at(level int, what string) error {
	var where []string
	for i, name := range r.levels[:level] {
		where = append(where, fmt.Sprintf("%s %d", name, r.place[i]))
	}
	if len(where) > 0 {
		what = strings.Join(where, ", ") + ": " + what
	}
	return engine.Errorf(engine.Invalid, "%s", what)
}

// batch is series of equal lengths.
type batch struct {
	values        []float64 // [series,steps,R]
	series, steps int
	lengths       []int // steps of each that count; nil for all
}

// batch takes a tensor for series of so many features.
func (t tensor) batch(features int) (batch, error) {
	shape := t.shape
	if features == 1 && len(shape) == 2 {
		shape = append(slices.Clone(shape), 1)
	}
	if len(t.values) == 0 {
		return batch{}, engine.Errorf(engine.Invalid, "series: there is no value in a tensor of the shape %s", shapeText(t.shape))
	}
	if len(shape) != 3 || shape[2] != features {
		return batch{}, engine.Errorf(engine.Invalid, "series: wanted a tensor of the shape %s, got %s", wanted(features), shapeText(t.shape))
	}
	return batch{values: t.values, series: shape[0], steps: shape[1]}, nil
}

func wanted(features int) string {
	text := fmt.Sprintf("[batch,steps,%d]", features)
	if features == 1 {
		text += " or [batch,steps]"
	}
	return text
}

func shapeText(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ",")
}

// list are the series one by one.
func (b batch) list() [][]float64 {
	all := slices.Collect(slices.Chunk(b.values, len(b.values)/b.series))
	for i, n := range b.lengths {
		all[i] = all[i][:len(all[i])/b.steps*n]
	}
	return all
}
