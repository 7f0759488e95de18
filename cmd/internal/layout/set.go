package layout

import (
	"fmt"
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Set is what a network is trained on.
type Set struct {
	graph.Series                // the rows of the parts; X by Gather
	Parts        []series.Range // one after the other, as rows of the set

	from []series.Range // the parts as rows of the data
}

// Build lays out the parts of rows with the labels [N]: row i learns the label of row
// i+horizon and counts what the label's class weighs. A label beyond the ends of the part is
// not learned, so that training never sees one of a row held back.
func Build(labels []int16, parts []series.Range, horizon int, weights []float32) (*Set, error) {
	s := &Set{from: parts}
	n := s.place(parts)
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are more than %d", n, math.MaxInt32)
	}
	s.Y, s.W = make([]float32, n), make([]float32, n)
	for i, p := range parts {
		s.label(labels[p.Start:p.End], s.Parts[i].Start, horizon, weights)
		s.Lengths = append(s.Lengths, p.Len())
	}
	return s, nil
}

// Gather sets X, a copy of the parts of x [N,F].
func (s *Set) Gather(x []float32, features int) {
	s.X = make([]float32, 0, len(s.Y)*features)
	for _, p := range s.from {
		s.X = append(s.X, x[p.Start*features:p.End*features]...)
	}
}

// place sets Parts and returns the number of rows.
func (s *Set) place(parts []series.Range) int {
	n := 0
	for _, p := range parts {
		at := p
		at.Start, at.End = n, n+p.Len()
		s.Parts = append(s.Parts, at)
		n = at.End
	}
	return n
}

// label sets Y and W of the part that begins at start and has these labels.
func (s *Set) label(labels []int16, start, horizon int, weights []float32) {
	for i := range labels {
		j := i + horizon
		if j < 0 || j >= len(labels) || labels[j] == series.Unlabelled {
			continue
		}
		s.Y[start+i] = float32(labels[j])
		s.W[start+i] = weights[labels[j]]
	}
}

// learns returns a function that reports whether any of the rows start to end-1 counts.
func (s *Set) learns() func(start, end int) bool {
	before := make([]int32, len(s.W)+1) // rows that count before each row
	for i, w := range s.W {
		before[i+1] = before[i]
		if w > 0 {
			before[i+1]++
		}
	}
	return func(start, end int) bool { return before[end] > before[start] }
}
