package series

import (
	"fmt"
	"math"
)

// Set is what the engine keeps for a whole run: features, and for each row the
// label that the net is to give there and what it weighs in the loss.
type Set struct {
	X     []float32 // [N,F]; zeros in padding
	Y     []float32 // [N] 0 or 1; 0 where W is 0
	W     []float32 // [N] class weight; 0 for unlabelled rows and padding
	Parts []Range   // the parts given to Build, in their order, as rows of this set
}

// Layout says how Build lays parts of the data out.
type Layout struct {
	Steps   int // --steps: a part shorter than a window is padded with zeros
	Horizon int // --horizon: row i learns the label of row i+Horizon
	Weight  ClassWeight
}

// Build lays the parts, which must not overlap, out for the engine. A label
// further away than the part's ends is not learned, so that training never sees
// a label of the validation part. When the parts cover the data in order and
// none needs padding, X is the data's own.
func Build(d *Data, parts []Range, l Layout) (*Set, error) {
	if l.Steps < 1 {
		return nil, fmt.Errorf("--steps %d is not positive", l.Steps)
	}
	if d.Labels == nil {
		return nil, fmt.Errorf("the data has no labels")
	}
	s := &Set{X: d.X}
	n := s.place(parts, l.Steps)
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are more than %d", n, math.MaxInt32)
	}
	s.Y, s.W = make([]float32, n), make([]float32, n)
	if !s.sameRows(d, parts) {
		s.copyRows(d, parts, n)
	}
	for i, p := range parts {
		s.label(d.Labels[p.Start:p.End], s.Parts[i].Start, l)
	}
	return s, nil
}

// place sets Parts and returns the number of rows.
func (s *Set) place(parts []Range, steps int) int {
	n := 0
	for _, p := range parts {
		at := Range{Name: p.Name, File: p.File, Start: n, End: n + max(p.Len(), steps)}
		s.Parts = append(s.Parts, at)
		n = at.End
	}
	return n
}

// sameRows reports whether every row of the data keeps its place.
func (s *Set) sameRows(d *Data, parts []Range) bool {
	end := 0
	for i, p := range parts {
		if p != s.Parts[i] {
			return false
		}
		end = p.End
	}
	return end == d.Len()
}

func (s *Set) copyRows(d *Data, parts []Range, n int) {
	F := len(d.Features)
	s.X = make([]float32, n*F)
	for i, p := range parts {
		copy(s.X[s.Parts[i].Start*F:], d.X[p.Start*F:p.End*F])
	}
}

// label sets Y and W of the part that begins at start and has these labels.
func (s *Set) label(labels []int8, start int, l Layout) {
	for i := range labels {
		j := i + l.Horizon
		if j < 0 || j >= len(labels) || labels[j] == Unlabelled {
			continue
		}
		s.Y[start+i] = float32(labels[j])
		s.W[start+i] = l.Weight[labels[j]]
	}
}

// Windows returns the first rows of windows of the given length over the parts
// of s: one every stride rows, and one more at the end of a part where the rest
// would be left out. Windows in which nothing weighs are skipped.
func (s *Set) Windows(parts []Range, steps, stride int) ([]int32, error) {
	if stride < 1 || stride > steps {
		return nil, fmt.Errorf("--stride %d is not from 1 to --steps %d, so rows would be left out", stride, steps)
	}
	var starts []int32
	for _, p := range parts {
		if p.Len() < steps {
			return nil, fmt.Errorf("series %q has %d rows, fewer than a window (--steps %d)", p.Name, p.Len(), steps)
		}
		last := p.End - steps
		for at := p.Start; ; at = min(at+stride, last) {
			if s.weighs(at, at+steps) {
				starts = append(starts, int32(at))
			}
			if at == last {
				break
			}
		}
	}
	return starts, nil
}

// weighs reports whether any of the rows does.
func (s *Set) weighs(start, end int) bool {
	for _, w := range s.W[start:end] {
		if w > 0 {
			return true
		}
	}
	return false
}
