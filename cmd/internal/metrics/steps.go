package metrics

import "fmt"

// steps are the steps that count, one after the other.
type steps struct {
	classes     int
	probability []float32 // [N] of the second of two classes, the first has the rest, or [N,C] of more
	label       []int16   // [N] 0 to C-1
	answer      []int16   // [N] 0 to C-1
	series      []part    // cover them
}

// part is one series among the steps.
type part struct {
	Span
	gaps []int // numbers of its steps that have steps that don't count right before them, but for the first
}

// width is how many probabilities are kept of a step.
func width(classes int) int {
	if classes == 2 {
		return 1
	}
	return classes
}

// gather picks the steps that count.
func gather(in Input) (*steps, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	n, c := len(in.Label), len(in.Classes)
	s := &steps{classes: c, probability: make([]float32, 0, n*width(c)), label: make([]int16, 0, n), answer: make([]int16, 0, n)}
	for _, span := range in.spans() {
		if err := s.add(&in, span); err != nil {
			return nil, err
		}
	}
	if len(s.label) == 0 {
		return nil, errNothing
	}
	return s, nil
}

func (s *steps) add(in *Input, span Span) error {
	p := part{Span: Span{Name: span.Name, Start: len(s.label)}}
	next := span.Start // the step that continues the stretch
	for i := span.Start; i < span.End; i++ {
		if !in.counts(i) {
			continue
		}
		row, answer := in.Probability[i*s.classes:(i+1)*s.classes], in.answer(i)
		if err := checkStep(row, in.Label[i], answer); err != nil {
			return fmt.Errorf("step %d of series %q: %w", i-span.Start, span.Name, err)
		}
		if at := len(s.label) - p.Start; i != next && at > 0 {
			p.gaps = append(p.gaps, at)
		}
		next = i + 1
		s.probability = append(s.probability, row[s.classes-width(s.classes):]...)
		s.label, s.answer = append(s.label, in.Label[i]), append(s.answer, answer)
	}
	p.End = len(s.label)
	if p.End > p.Start {
		s.series = append(s.series, p)
	}
	return nil
}

// checkStep checks the probabilities, the label and the answer of a step. Those of 32 bits add
// up to 1 but for rounding; what is further off is something else.
func checkStep(row []float32, label, answer int16) error {
	if int(label) >= len(row) || answer < 0 || int(answer) >= len(row) {
		return fmt.Errorf("label %d, answer %d: there are %d classes, counted from 0", label, answer, len(row))
	}
	sum := 0.0
	for _, p := range row {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("%v is not a probability", p)
		}
		sum += float64(p)
	}
	if !(sum >= 0.999 && sum <= 1.001) {
		return fmt.Errorf("the probabilities of the classes add up to %.4g, not to 1", sum)
	}
	return nil
}

// only returns the steps of one series.
func (s *steps) only(p part) *steps {
	w := width(s.classes)
	return &steps{
		classes:     s.classes,
		probability: s.probability[p.Start*w : p.End*w],
		label:       s.label[p.Start:p.End],
		answer:      s.answer[p.Start:p.End],
		series:      []part{{Span{Name: p.Name, End: p.End - p.Start}, p.gaps}},
	}
}

// of is the probability of a class in step i.
func (s *steps) of(i int, class int16) float64 {
	switch {
	case s.classes > 2:
		return float64(s.probability[i*s.classes+int(class)])
	case class == 0:
		return 1 - float64(s.probability[i])
	}
	return float64(s.probability[i])
}
