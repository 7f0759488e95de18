package layout

import (
	"fmt"
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Set is what a network is trained on.
type Set struct {
	graph.Series                // the rows of the parts
	Parts        []series.Range // one behind the other, as rows of the set
}

// Build lays out the parts of x [N,F] with the labels [N]: row i learns the label of row
// i+horizon and counts what the label's class weighs. A label beyond the ends of the part
// is not learned, so that training never sees one of a row held back. When the parts cover
// all rows, X is x itself.
func Build(
	x []float32, features int, labels []int16, parts []series.Range, horizon int, weights []float32,
) (*Set, error) {
	s := new(Set)
	n := s.place(parts)
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are more than %d", n, math.MaxInt32)
	}
	s.X, s.Y, s.W = x, make([]float32, n), make([]float32, n)
	if !s.sameRows(parts, len(labels)) {
		s.X = make([]float32, n*features)
		for i, p := range parts {
			copy(s.X[s.Parts[i].Start*features:], x[p.Start*features:p.End*features])
		}
	}
	for i, p := range parts {
		s.label(labels[p.Start:p.End], s.Parts[i].Start, horizon, weights)
		s.Lengths = append(s.Lengths, p.Len())
	}
	return s, nil
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

// sameRows reports whether the parts cover n rows, so that each keeps its place.
func (s *Set) sameRows(parts []series.Range, n int) bool {
	end := 0
	for i, p := range parts {
		if p != s.Parts[i] {
			return false
		}
		end = p.End
	}
	return end == n
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
