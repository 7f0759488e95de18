// Package metrics measures how well probabilities fit the labels of time steps.
//
// Where scikit-learn has a metric of the same name, its definition is used and
// its numbers are reproduced (testdata/golden.py). A metric that is not defined,
// such as the recall of a class without a step, is NaN here, null in JSON and
// "n/a" in the table; scikit-learn warns and makes it 0.
package metrics

import (
	"errors"
	"fmt"
	"math"
)

// Span is the steps Start to End-1 of one series.
type Span struct {
	Name       string
	Start, End int
	First      int // the number of row Start in the series
}

// Input is what is to be judged: N steps, C classes.
type Input struct {
	Probability []float32 // [N,C] of each class
	Label       []int16   // [N] 0 to C-1; a step below 0 is unlabelled and does not count
	Classes     []string  // [C] names, two at least
	Include     []bool    // [N] steps that count, such as those that are no padding; nil: all
	Series      []Span    // nil: one series
	Threshold   float64   // see Decide
	Answer      []int16   // [N] classes answered, 0 to C-1, if each row has its own way of deciding; nil: those that Decide returns
}

// Decide returns the class that each row of probability [N,C] answers. Of two
// classes it is the second one if its probability is at least the threshold. Of
// more it is the most probable one, the lower of equals, whatever the threshold.
func Decide(probability []float32, classes int, threshold float64) []int16 {
	answers := make([]int16, len(probability)/classes)
	for i := range answers {
		answers[i] = decide(probability[i*classes:(i+1)*classes], threshold)
	}
	return answers
}

func decide(probability []float32, threshold float64) int16 {
	switch {
	case len(probability) > 2:
		return largest(probability)
	case float64(probability[1]) >= threshold:
		return 1
	}
	return 0
}

// largest is the index of the largest value, the lower one of equals.
func largest[T int | float32](values []T) int16 {
	best := 0
	for k, v := range values {
		if v > values[best] {
			best = k
		}
	}
	return int16(best)
}

// Scores are the metrics of some steps. Precision, Recall and F1 are those of
// the second class where there are two, and not defined for more.
//
// Macro means count each class once, weighted ones by its steps; classes that
// are neither a label nor an answer are left out, and a precision or recall that
// is not defined counts as 0. The areas under curves are one class against the
// rest, averaged over the classes that have one.
type Scores struct {
	Steps             int           `json:"rows"` // that count
	Accuracy          Number        `json:"accuracy"`
	BalancedAccuracy  Number        `json:"balanced_accuracy"` // mean recall of the classes labelled, two at least
	Precision         Number        `json:"precision"`
	Recall            Number        `json:"recall"`
	F1                Number        `json:"f1"`
	MacroPrecision    Number        `json:"macro_precision"`
	MacroRecall       Number        `json:"macro_recall"`
	MacroF1           Number        `json:"macro_f1"`
	WeightedPrecision Number        `json:"weighted_precision"`
	WeightedRecall    Number        `json:"weighted_recall"`
	WeightedF1        Number        `json:"weighted_f1"`
	ROCAUC            Number        `json:"roc_auc"`  // macro mean; equal for both of two classes
	PRAUC             Number        `json:"pr_auc"`   // average precision: of the second of two classes, the macro mean of more
	LogLoss           Number        `json:"log_loss"` // nats a step
	Brier             Number        `json:"brier"`    // 0 to 1 for two classes, 0 to 2 for more, see brier
	ECE               Number        `json:"ece"`      // expected calibration error, 15 bins, see calibrationError
	Classes           []ClassScores `json:"classes"`  // [C]
	Confusion         Confusion     `json:"confusion"`
	Segments          Segments      `json:"segments"`
}

// SeriesScores are the metrics of one series.
type SeriesScores struct {
	Name string `json:"name"`
	Scores
}

// Report is the metrics of all steps together and of each series.
type Report struct {
	Scores
	Threshold Number         `json:"threshold"`        // not defined for more than two classes
	Baselines []Baseline     `json:"baselines"`        // on all steps; Evaluate adds "majority", the caller what else it has
	Events    *Events        `json:"events,omitempty"` // of all steps, if the caller has compared them
	Series    []SeriesScores `json:"series"`
}

// Evaluate judges the steps of in that are labelled and included. A series
// without such a step is left out of the report; no step at all is an error.
func Evaluate(in Input) (*Report, error) {
	s, err := gather(in)
	if err != nil {
		return nil, err
	}
	r := &Report{Scores: s.score(in.Classes), Threshold: undefined}
	if s.classes == 2 {
		r.Threshold = Number(in.Threshold)
	}
	r.Baselines = []Baseline{r.Confusion.majority()}
	if len(s.series) == 1 {
		r.Series = []SeriesScores{{s.series[0].Name, r.Scores}}
		return r, nil
	}
	for _, p := range s.series {
		r.Series = append(r.Series, SeriesScores{p.Name, s.only(p).score(in.Classes)})
	}
	return r, nil
}

// check looks for what does not fit, but for the steps themselves.
func (in *Input) check() error {
	c, n := len(in.Classes), len(in.Label)
	if c < 2 || c > math.MaxInt16 {
		return fmt.Errorf("%d classes: there must be 2 to %d", c, math.MaxInt16)
	}
	if len(in.Probability) != n*c || in.Include != nil && len(in.Include) != n || in.Answer != nil && len(in.Answer) != n {
		return fmt.Errorf("%d probabilities of %d classes, %d labels, %d marks and %d answers do not match", len(in.Probability), c, n, len(in.Include), len(in.Answer))
	}
	for _, s := range in.Series {
		if s.Start < 0 || s.End > n || s.Start > s.End {
			return fmt.Errorf("series %q is steps %d to %d of %d", s.Name, s.Start, s.End, n)
		}
	}
	return nil
}

// spans are the series.
func (in *Input) spans() []Span {
	if in.Series == nil {
		return []Span{{Start: 0, End: len(in.Label)}}
	}
	return in.Series
}

func (in *Input) counts(i int) bool {
	return in.Label[i] >= 0 && (in.Include == nil || in.Include[i])
}

// errNothing is the error when no step counts.
var errNothing = errors.New("no row is labelled, so there is nothing to score")

// answer is the class answered to step i.
func (in *Input) answer(i int) int16 {
	if in.Answer != nil {
		return in.Answer[i]
	}
	c := len(in.Classes)
	return decide(in.Probability[i*c:(i+1)*c], in.Threshold)
}

func (s *steps) score(names []string) Scores {
	c := count(s.answer, s.label, s.classes)
	out := c.scores(names)
	s.rank(&out)
	out.LogLoss, out.Brier, out.ECE = s.logLoss(), s.brier(), s.calibrationError()
	out.Segments = compareSegments(s.answer, s.label, s.series, s.classes)
	return out
}
