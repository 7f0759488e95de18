package metrics

import (
	"fmt"
	"sort"
)

// positionBins is how many bins of rows Positions has at most.
const positionBins = 512

// Positions is what a row's number in its series alone would answer: the class
// that most rows around that number have in the training series. Labels that
// follow the clock give it high scores, which a network has to beat.
//
// It needs several series; that of fewer is zero, IsZero, and answers nothing.
type Positions struct {
	Runs   []Run `json:"runs"`   // in order, from row 0
	Beyond int16 `json:"beyond"` // the most frequent class, for rows after the longest series
}

// Run is the answer to the rows before End that no run before it has.
type Run struct {
	End   int   `json:"end"`
	Class int16 `json:"class"`
}

// NewPositions learns from the labels [N] of series, or parts of these: 0 to
// classes-1, or below 0 where there is none or it is not to be learned from. Rows
// are taken together in at most 512 bins of equal width; the lower of equally
// frequent classes is taken, and the most frequent of all where no row has a
// label.
func NewPositions(labels []int16, series []Span, classes int) Positions {
	series = withLabels(labels, series)
	if len(series) < 2 {
		return Positions{}
	}
	longest := 0
	for _, s := range series {
		longest = max(longest, s.End-s.Start+s.First)
	}
	width := (longest + positionBins - 1) / positionBins
	bins := (longest + width - 1) / width
	count, all := make([]int, bins*classes), make([]int, classes)
	for _, s := range series {
		for row, l := range labels[s.Start:s.End] {
			if l >= 0 {
				count[(row+s.First)/width*classes+int(l)]++
				all[l]++
			}
		}
	}
	p := Positions{Beyond: largest(all)}
	for b := range bins {
		class := p.Beyond
		if bin := count[b*classes : (b+1)*classes]; bin[largest(bin)] > 0 {
			class = largest(bin)
		}
		p.add(Run{min((b+1)*width, longest), class})
	}
	return p
}

// withLabels leaves out the series without a label.
func withLabels(labels []int16, series []Span) []Span {
	var out []Span
	for _, s := range series {
		for _, l := range labels[s.Start:s.End] {
			if l >= 0 {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// add adds a run, to the last one where that has its class.
func (p *Positions) add(r Run) {
	if n := len(p.Runs); n > 0 && p.Runs[n-1].Class == r.Class {
		p.Runs[n-1].End = r.End
		return
	}
	p.Runs = append(p.Runs, r)
}

// IsZero reports whether there were too few series to learn from.
func (p Positions) IsZero() bool { return len(p.Runs) == 0 }

// Answer is the class of a row, counted from 0 within its series.
func (p Positions) Answer(row int) int16 {
	at := sort.Search(len(p.Runs), func(i int) bool { return row < p.Runs[i].End })
	if at == len(p.Runs) {
		return p.Beyond
	}
	return p.Runs[at].Class
}

// Answers are the classes [N] of all rows of the series.
func (p Positions) Answers(n int, series []Span) []int16 {
	out := make([]int16, n)
	for _, s := range series {
		for i := s.Start; i < s.End; i++ {
			out[i] = p.Answer(i - s.Start + s.First)
		}
	}
	return out
}

// Validate finds runs that are out of order, and classes that are not 0 to classes-1.
func (p Positions) Validate(classes int) error {
	check := func(class int16) error {
		if class < 0 || int(class) >= classes {
			return fmt.Errorf("class %d of %d", class, classes)
		}
		return nil
	}
	end := 0
	for _, run := range p.Runs {
		if run.End <= end {
			return fmt.Errorf("a run to row %d comes after one to row %d", run.End, end)
		}
		end = run.End
		if err := check(run.Class); err != nil {
			return err
		}
	}
	return check(p.Beyond)
}
