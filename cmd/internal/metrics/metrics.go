// Package metrics says how well probabilities fit the labels of time steps.
//
// Where scikit-learn has a metric of the same name, its definition is used and
// its numbers are reproduced (testdata/golden.py). A metric that is not defined,
// such as the recall without a positive step, is NaN here, null in JSON and
// "n/a" in the table; scikit-learn warns and makes it 0.
package metrics

import (
	"errors"
	"fmt"
)

// Span is the steps Start to End-1 of one series.
type Span struct {
	Name       string
	Start, End int
}

// Input is what is to be judged. N is the number of steps.
type Input struct {
	Probability []float32 // [N] of the label being 1
	Label       []int16   // [N] 0 or 1; any other step is unlabelled and does not count
	Include     []bool    // [N] steps that count, such as those that are no padding; nil: all
	Series      []Span    // nil: one series
	Threshold   float64   // a step is taken as 1 when its probability is at least this
}

// Scores are the metrics of some steps.
type Scores struct {
	Steps            int       `json:"steps"` // steps that count
	Accuracy         Number    `json:"accuracy"`
	BalancedAccuracy Number    `json:"balanced_accuracy"` // mean recall of both classes
	Precision        Number    `json:"precision"`
	Recall           Number    `json:"recall"`
	F1               Number    `json:"f1"`
	ROCAUC           Number    `json:"roc_auc"`
	PRAUC            Number    `json:"pr_auc"`   // average precision
	LogLoss          Number    `json:"log_loss"` // nats a step
	Brier            Number    `json:"brier"`
	ECE              Number    `json:"ece"` // expected calibration error, 15 bins
	Confusion        Confusion `json:"confusion"`
	Segments         Segments  `json:"segments"`
	Baseline         Baseline  `json:"baseline"`
}

// SeriesScores are the metrics of one series.
type SeriesScores struct {
	Name string `json:"name"`
	Scores
}

// Report is the metrics of all steps together and of each series.
type Report struct {
	Scores
	Threshold float64        `json:"threshold"`
	Series    []SeriesScores `json:"series"`
}

// Evaluate judges the steps of in that are labelled and included. A series
// without such a step is left out of the report; no step at all is an error.
func Evaluate(in Input) (*Report, error) {
	s, err := gather(in)
	if err != nil {
		return nil, err
	}
	r := &Report{Scores: s.score(in.Threshold), Threshold: in.Threshold}
	if len(s.spans) == 1 {
		r.Series = []SeriesScores{{s.spans[0].Name, r.Scores}}
		return r, nil
	}
	for _, span := range s.spans {
		r.Series = append(r.Series, SeriesScores{span.Name, s.only(span).score(in.Threshold)})
	}
	return r, nil
}

// steps are the steps that count, one after the other.
type steps struct {
	probability []float32
	label       []int16 // 0 or 1
	spans       []Span  // cover them
}

// gather picks the steps that count.
func gather(in Input) (*steps, error) {
	n := len(in.Probability)
	if len(in.Label) != n || in.Include != nil && len(in.Include) != n {
		return nil, fmt.Errorf("%d probabilities, %d labels and %d marks do not match", n, len(in.Label), len(in.Include))
	}
	series := in.Series
	if series == nil {
		series = []Span{{Start: 0, End: n}}
	}
	s := &steps{probability: make([]float32, 0, n), label: make([]int16, 0, n)}
	for _, span := range series {
		if span.Start < 0 || span.End > n || span.Start > span.End {
			return nil, fmt.Errorf("series %q is steps %d to %d of %d", span.Name, span.Start, span.End, n)
		}
		if err := s.add(in, span); err != nil {
			return nil, err
		}
	}
	if len(s.label) == 0 {
		return nil, errors.New("no step is labelled, so there is nothing to compare with")
	}
	return s, nil
}

func (s *steps) add(in Input, span Span) error {
	start := len(s.label)
	for i := span.Start; i < span.End; i++ {
		if in.Label[i]&^1 != 0 || in.Include != nil && !in.Include[i] {
			continue
		}
		if p := in.Probability[i]; !(p >= 0 && p <= 1) {
			return fmt.Errorf("step %d of series %q: %v is not a probability", i-span.Start, span.Name, p)
		}
		s.probability = append(s.probability, in.Probability[i])
		s.label = append(s.label, in.Label[i])
	}
	if len(s.label) > start {
		s.spans = append(s.spans, Span{span.Name, start, len(s.label)})
	}
	return nil
}

// only returns the steps of one series.
func (s *steps) only(span Span) *steps {
	return &steps{
		probability: s.probability[span.Start:span.End],
		label:       s.label[span.Start:span.End],
		spans:       []Span{{span.Name, 0, span.End - span.Start}},
	}
}

func (s *steps) score(threshold float64) Scores {
	predicted := make([]int16, len(s.probability))
	for i, p := range s.probability {
		if float64(p) >= threshold {
			predicted[i] = 1
		}
	}
	c := count(predicted, s.label)
	curve := s.curve()
	return Scores{
		Steps:            len(s.label),
		Accuracy:         c.accuracy(),
		BalancedAccuracy: c.balancedAccuracy(),
		Precision:        c.precision(),
		Recall:           c.recall(),
		F1:               c.f1(),
		ROCAUC:           curve.rocAUC(),
		PRAUC:            curve.averagePrecision(),
		LogLoss:          s.logLoss(),
		Brier:            s.brier(),
		ECE:              s.calibrationError(),
		Confusion:        c,
		Segments:         compareSegments(predicted, s.label, s.spans),
		Baseline:         s.baseline(),
	}
}
