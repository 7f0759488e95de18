package train

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/label"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Validation is rows held back from training, to judge a network on.
//
// Each row gets, to rounding, the answer that it gets when its whole series is labelled: the
// features of training rows before it are its history, as they will be known
// when the network is used. Rows without a label, and those whose answer rests
// on repeated rows, do not count.
type Validation struct {
	X      []float32      // [N,F] scaled
	Labels []int16        // [N]
	Series []series.Range // whole series, in order
	Parts  []series.Range // the rows held back, each part within a series

	Horizon int // of the network

	Threshold float64 // a probability of at least this is label 1; see Auto
	Auto      bool    // take the threshold with the best F1 instead

	// What the loss is, for one that can be compared with training's.
	Loss   graph.Loss
	Gamma  float32 // of the focal loss
	Weight series.ClassWeight
}

// Judgement is how well a network did.
type Judgement struct {
	Loss float64
	*metrics.Report
}

// Count is how many of the rows count.
func (v *Validation) Count() int {
	count := v.Classes()
	return count[0] + count[1]
}

// Classes is how many of the rows that count are labelled 0, and how many 1.
func (v *Validation) Classes() (count [2]int) {
	for i, p := range v.Parts {
		whole := v.whole(i)
		from, to := max(p.Start, whole.Start+v.Horizon), min(p.End, whole.End+v.Horizon)
		for at := from; at < to; at++ {
			if l := v.Labels[at]; l != series.Unlabelled {
				count[l]++
			}
		}
	}
	return count
}

// whole is the series that part i is from.
func (v *Validation) whole(i int) series.Range {
	at, found := slices.BinarySearchFunc(v.Series, v.Parts[i].Start, func(s series.Range, row int) int { return s.Start - row })
	if !found {
		at--
	}
	return v.Series[at]
}

// Judge judges a network.
func (v *Validation) Judge(ctx context.Context, network label.Network) (*Judgement, error) {
	labeler := label.New(network, v.Horizon)
	reaches := make([]series.Range, len(v.Parts))
	for i, p := range v.Parts {
		reaches[i] = labeler.Reach(v.whole(i), p)
	}
	answers, err := labeler.Label(ctx, v.X, reaches)
	if err != nil {
		return nil, err
	}
	in := answers.Input(v.Labels, v.Parts, v.Threshold)
	if v.Auto {
		if in.Threshold, _, err = metrics.BestThreshold(in); err != nil {
			return nil, err
		}
	}
	report, err := metrics.Evaluate(in)
	if err != nil {
		return nil, err
	}
	return &Judgement{v.loss(in), report}, nil
}

// loss is the mean of the steps' losses times their weights, as in training.
func (v *Validation) loss(in metrics.Input) float64 {
	total, count := 0.0, 0
	for _, p := range v.Parts {
		for i := p.Start; i < p.End; i++ {
			y := in.Label[i]
			if y == series.Unlabelled || !in.Include[i] {
				continue
			}
			w := float64(v.Weight[y])
			if w > 0 {
				total += w * v.stepLoss(float64(in.Probability[2*i+1]), y)
				count++
			}
		}
	}
	return total / float64(count)
}

// stepLoss is the loss of a step with label y and probability p. It does not
// grow beyond what the smallest 32-bit float gives.
func (v *Validation) stepLoss(p float64, y int16) float64 {
	if y == 0 {
		p = 1 - p
	}
	switch v.Loss {
	case graph.MSE:
		return (1 - p) * (1 - p)
	case graph.Focal:
		return -math.Pow(1-p, float64(v.Gamma)) * math.Log(max(p, math.SmallestNonzeroFloat32))
	}
	return -math.Log(max(p, math.SmallestNonzeroFloat32))
}

// Best remembers the weights of the best epoch: that with the highest F1 on the
// rows held back and, of those with the same or where there is no F1, that with
// the least loss.
type Best struct {
	Epoch     int
	Judgement *Judgement
	weights   []graph.Variable
}

// Offer remembers the session's state if it is better than the best so far.
func (b *Best) Offer(s *graph.Session, epoch int, j *Judgement) (better bool, err error) {
	if b.Judgement != nil && !j.better(b.Judgement) {
		return false, nil
	}
	state, err := s.Variables()
	if err != nil {
		return false, err
	}
	*b = Best{epoch, j, state}
	return true, nil
}

// Restore gives the session the state of the best epoch.
func (b *Best) Restore(s *graph.Session) error {
	if b.weights == nil {
		return errors.New("no epoch has been judged")
	}
	return s.SetVariables(b.weights)
}

func (j *Judgement) better(than *Judgement) bool {
	a, b := score(j.F1), score(than.F1)
	if a != b {
		return a > b
	}
	return j.Loss < than.Loss
}

// score is an F1, the worst where there is none.
func score(f1 metrics.Number) float64 {
	if math.IsNaN(float64(f1)) {
		return 0
	}
	return float64(f1)
}
