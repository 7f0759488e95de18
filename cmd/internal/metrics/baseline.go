package metrics

import "fmt"

// Baseline is how well a simple rival answers the same steps.
type Baseline struct {
	Name     string `json:"name"`
	Accuracy Number `json:"accuracy"`
	F1       Number `json:"f1"` // of the second of two classes, not defined for more
	MacroF1  Number `json:"macro_f1"`

	Folds *FoldComparison `json:"folds,omitempty"` // see Report.InFolds
}

// Baseline scores a rival's answers [N], classes from 0 to C-1, on the steps
// that Evaluate judges. Decide makes answers of probabilities.
func (in Input) Baseline(name string, answers []int16) (Baseline, error) {
	if err := in.check(); err != nil {
		return Baseline{}, err
	}
	if len(answers) != len(in.Label) {
		return Baseline{}, fmt.Errorf("%s: %d answers to %d steps", name, len(answers), len(in.Label))
	}
	c := newConfusion(len(in.Classes))
	for _, span := range in.spans() {
		for i := span.Start; i < span.End; i++ {
			if !in.counts(i) {
				continue
			}
			a, l := int(answers[i]), int(in.Label[i])
			if a < 0 || a >= len(c) || l >= len(c) {
				return Baseline{}, fmt.Errorf("%s: step %d of series %q: answer %d to label %d of %d classes", name, i-span.Start, span.Name, a, l, len(c))
			}
			c[l][a]++
		}
	}
	if c.steps() == 0 {
		return Baseline{}, errNothing
	}
	return c.baseline(name), nil
}

func (c Confusion) baseline(name string) Baseline {
	s := c.scores(make([]string, len(c)))
	return Baseline{Name: name, Accuracy: s.Accuracy, F1: s.F1, MacroF1: s.MacroF1}
}

// majority always answers with the class that most of the steps have.
func (c Confusion) majority() Baseline {
	support := make([]int, len(c))
	for k := range c {
		support[k] = c.support(k)
	}
	always, answer := newConfusion(len(c)), largest(support)
	for k, n := range support {
		always[k][answer] = n
	}
	return always.baseline("majority")
}
