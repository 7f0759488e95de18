package fit

import (
	"context"
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/graph"
)

// Validated is how an epoch's weights do on the validation data.
type Validated struct {
	Loss   float64 // as in training, but for what weights and noise do
	Report *metrics.Report
	Best   bool // so far
}

// validate judges a network that is being trained.
func (r *run) validate(ctx context.Context, s *graph.Session, t *task, weights []float32) (*Validated, error) {
	validation := rows{Data: r.validation.Data, fill: r.rowsOf(t.job).fill, pieces: r.validation.pieces}
	a, err := validation.answer(ctx, r.kindOf(t, s), r.spec.target(), r.validation.Series)
	if err != nil {
		return nil, err
	}
	in := r.validation.input(a, r.validation.Series, r.spec.Threshold.At, nil)
	report, err := metrics.Evaluate(in)
	if err != nil {
		return nil, err
	}
	return &Validated{Loss: lossOf(s.Config(), in, weights), Report: report}, nil
}

// lossOf is the mean of the rows' losses times what their classes weigh, as in training.
func lossOf(c graph.Config, in metrics.Input, weights []float32) float64 {
	C := len(weights)
	total, n := 0.0, 0
	for i, y := range in.Label {
		if y < 0 || !in.Include[i] || !(weights[y] > 0) {
			continue
		}
		total += float64(weights[y]) * rowLoss(c, float64(in.Probability[i*C+int(y)]))
		n++
	}
	return total / float64(n)
}

// rowLoss is the loss of a row whose label has probability p. It does not grow beyond what
// the smallest 32-bit float gives.
func rowLoss(c graph.Config, p float64) float64 {
	switch c.Loss {
	case graph.MSE:
		return (1 - p) * (1 - p)
	case graph.Focal:
		return -math.Pow(1-p, float64(c.FocalGamma)) * math.Log(max(p, math.SmallestNonzeroFloat32))
	}
	return -math.Log(max(p, math.SmallestNonzeroFloat32))
}

// keeper remembers the weights of the best epoch: that with the highest macro F1 on the
// validation data and, of those with the same, that with the least loss.
type keeper struct {
	session *graph.Session
	epoch   int
	best    *Validated
	state   []graph.Variable
}

// offer remembers the session's state if it is better than the best so far, and marks v.
func (k *keeper) offer(epoch int, v *Validated) error {
	if k.best != nil && !v.better(k.best) {
		return nil
	}
	state, err := k.session.Variables()
	if err != nil {
		return err
	}
	v.Best = true
	k.epoch, k.best, k.state = epoch, v, state
	return nil
}

func (v *Validated) better(than *Validated) bool {
	if a, b := v.Report.MacroF1, than.Report.MacroF1; a != b {
		return a > b
	}
	return v.Loss < than.Loss
}
