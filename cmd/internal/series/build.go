package series

import (
	"fmt"
	"math"
)

// Set is what the engine keeps for a whole run: features, and for each row the
// label that the net is to give there and what it weighs in the loss.
type Set struct {
	X     []float32 // [N,F]
	Y     []float32 // [N] 0 or 1; 0 where W is 0
	W     []float32 // [N] class weight; 0 for unlabelled rows
	Parts []Range   // the parts given to Build, one behind the other, as rows of this set
}

// Layout says how Build lays parts of the data out.
type Layout struct {
	Horizon int // --horizon: row i learns the label of row i+Horizon
	Weight  ClassWeight
}

// Build lays the parts, which must not overlap, out for the engine. A label
// further away than the part's ends is not learned, so that training never sees
// a label of the validation part. When the parts cover the data in order, X is the
// data's own.
func Build(d *Data, parts []Range, l Layout) (*Set, error) {
	if d.Labels == nil {
		return nil, fmt.Errorf("the data has no labels")
	}
	s := &Set{X: d.X}
	n := s.place(parts)
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

// Lengths are the numbers of rows of the parts.
func (s *Set) Lengths() []int {
	lengths := make([]int, len(s.Parts))
	for i, p := range s.Parts {
		lengths[i] = p.Len()
	}
	return lengths
}

// place sets Parts and returns the number of rows.
func (s *Set) place(parts []Range) int {
	n := 0
	for _, p := range parts {
		at := Range{Name: p.Name, File: p.File, Start: n, End: n + p.Len()}
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
func (s *Set) label(labels []int16, start int, l Layout) {
	for i := range labels {
		j := i + l.Horizon
		if j < 0 || j >= len(labels) || labels[j] == Unlabelled {
			continue
		}
		s.Y[start+i] = float32(labels[j])
		s.W[start+i] = l.Weight[labels[j]]
	}
}

// Windows returns the first rows of windows of the given length over the parts of s:
// one every stride rows, and one more at the end of a part where the rest would be left
// out. A part shorter than a window is one short window. Windows in which nothing weighs
// are skipped.
func (s *Set) Windows(parts []Range, steps, stride int) ([]int32, error) {
	if stride < 1 || stride > steps {
		return nil, fmt.Errorf("--stride %d is not from 1 to --steps %d, so rows would be left out", stride, steps)
	}
	var starts []int32
	for _, p := range parts {
		last := max(p.Start, p.End-steps)
		for at := p.Start; ; at = min(at+stride, last) {
			if s.weighs(at, min(at+steps, p.End)) {
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
