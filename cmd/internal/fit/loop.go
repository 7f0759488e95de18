package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
)

// loop drives a session through the epochs of a training.
type loop struct {
	At      position // where the session stands: a training may begin amid an epoch
	Session *graph.Session
	Windows layout.Sampler // of at least one step
	Epochs  int
	First   int                    // the number of the first epoch, in all that is reported of epochs
	Rate    func(step int) float32 // learning rate of a step, from 0; nil: the session's

	// Log is called after every iteration of an epoch that LogEvery divides;
	// nil: never.
	LogEvery int
	Log      func(Line) error

	// Progress is called after every call of the session with the number of its first step,
	// from 0, its plan and what became of that; nil: never.
	Progress func(first int, p graph.Plan, r graph.Report)

	// EndEpoch is called after every epoch, and returns whether to go on; nil:
	// always.
	EndEpoch func(context.Context, Epoch) (bool, error)

	// EndCall is called after every call of the session, and after EndEpoch; nil: never. Calls
	// end where Every divides the number of steps made, if it is above 0.
	EndCall func(epoch bool) error
	Every   int

	batches [][]int32 // of the epoch
}

// position is how far a training has come.
type position struct {
	Epoch     int     `json:"epoch"`     // the number of epochs that have ended
	Iteration int     `json:"iteration"` // of the next step in its epoch
	Loss      float64 `json:"loss"`      // sum over the steps before it in the epoch
	Norm      float64 `json:"norm"`      // of the gradients, the same
	Over      bool    `json:"over"`      // EndEpoch had no more
	Unknown   int     `json:"unknown"`   // steps of the epoch that no sum has
}

// Line reports one iteration.
type Line struct {
	Epoch        int     `json:"epoch"`
	Iteration    int     `json:"iteration"`
	Loss         float32 `json:"loss"`          // on the iteration's batch, after its update
	GradientNorm float32 `json:"gradient_norm"` // of that update
}

// Epoch reports one epoch. Loss and GradientNorm are means over its steps.
type Epoch struct {
	Epoch        int     `json:"epoch"`
	Steps        int     `json:"step"` // made since the run began
	Loss         float64 `json:"loss"` // of each step's batch before its update
	GradientNorm float64 `json:"gradient_norm"`
	LearningRate float32 `json:"learning_rate"` // of the last step
}

// Error is returned when training fails at an iteration.
type Error struct {
	Epoch     int
	Iteration int    // from 0
	Updated   bool   // it showed in the loss after the iteration's update, of which there is no gradient
	Rows      string // which ones the iteration worked on; "" if that is not known
	Err       error

	starts []int32 // of its windows
}

func (e *Error) Error() string {
	text := e.Err.Error()
	if d := (*graph.DivergedError)(nil); errors.As(e.Err, &d) { // it counts steps from the run's first
		text = fmt.Sprintf("training diverged: loss %v, gradient norm %v", d.Loss, d.Norm)
		if e.Updated {
			text = fmt.Sprintf("training diverged: loss %v after the update", d.Loss)
		}
	}
	if e.Rows != "" {
		text += " (" + e.Rows + ")"
	}
	return fmt.Sprintf("epoch %d, iteration %d: %s", e.Epoch, e.Iteration, text)
}

func (e *Error) Unwrap() error { return e.Err }

// A call makes as many steps as take about half a second, so that there is progress to tell and a
// run on a server can be stopped, and not so many that their plan takes much memory.
const (
	workACall  = 1e9 // rows of windows times weights, each of which is some six floating-point operations
	stepsACall = 1000
)

// Do trains until the end, or until ctx ends, whose error it then returns. Weights
// that even the last update has spoiled are a *[graph.DivergedError].
func (r *loop) Do(ctx context.Context) error {
	r.batches = r.Windows.Epoch(r.First + max(0, r.At.Epoch-1))
	for r.At.Epoch < r.Epochs && !r.At.Over {
		if err := r.epoch(ctx); err != nil {
			return err
		}
	}
	// All steps are made: what they have come to is known even if ctx ends now.
	_, err := r.loss(context.WithoutCancel(ctx), r.At.Epoch-1, len(r.batches)-1)
	return err
}

// epoch makes the steps that the epoch still has.
func (r *loop) epoch(ctx context.Context) error {
	i := r.At.Epoch
	r.batches = r.Windows.Epoch(r.First + i)
	n := len(r.batches)
	for r.At.Iteration < n {
		if err := r.call(ctx); err != nil {
			return err
		}
		if r.At.Iteration < n && r.EndCall != nil {
			if err := r.EndCall(false); err != nil {
				return err
			}
		}
	}
	made := r.step(i+1, 0)
	more := true
	if r.EndEpoch != nil {
		var err error
		e := Epoch{r.First + i, made, r.At.Loss / float64(n-r.At.Unknown), r.At.Norm / float64(n-r.At.Unknown), r.rate(made - 1)}
		if more, err = r.EndEpoch(ctx, e); err != nil {
			return err
		}
	}
	r.At = position{Epoch: i + 1, Over: !more}
	if r.EndCall == nil {
		return nil
	}
	return r.EndCall(true)
}

// call makes the steps of one call of the session. Sums are taken step by step, so that they
// do not depend on where calls end.
func (r *loop) call(ctx context.Context) error {
	from := r.At.Iteration
	report, err := r.steps(ctx, r.At.Epoch, from, r.endOfCall(from))
	for i, loss := range report.Losses {
		r.At.Loss += float64(loss)
		r.At.Norm += float64(report.Norms[i])
	}
	r.At.Iteration += len(report.Losses)
	return err
}

// step is the number, in the whole run, of an iteration's step in epoch i, all from 0.
func (r *loop) step(i, iteration int) int { return i*len(r.batches) + iteration }

// endOfCall is where a call ends that begins at iteration at: behind the next
// one that has a line, or before a batch of another size.
func (r *loop) endOfCall(at int) int {
	c := r.Session.Config()
	rows := c.Window * len(r.batches[at])
	end := min(at+min(stepsACall, 1+workACall/(rows*c.Parameters())), len(r.batches))
	if r.Every > 0 {
		end = min(end, at+r.Every-r.step(r.At.Epoch, at)%r.Every)
	}
	if r.Log != nil {
		end = min(end, (at+r.LogEvery-1)/r.LogEvery*r.LogEvery+1)
	}
	for i, batch := range r.batches[at:end] {
		if len(batch) != len(r.batches[at]) {
			return at + i
		}
	}
	return end
}

// steps trains on the batches [from,to) of epoch i and logs the last one if it
// has a line.
func (r *loop) steps(ctx context.Context, i, from, to int) (graph.Report, error) {
	epoch := r.First + i
	plan := graph.Plan{Starts: r.batches[from:to]}
	if r.Rate != nil {
		for at := from; at < to; at++ {
			plan.Rates = append(plan.Rates, r.Rate(r.step(i, at)))
		}
	}
	report, err := r.Session.Train(ctx, plan)
	if r.Progress != nil && len(report.Losses) > 0 {
		r.Progress(r.step(i, from), plan, report)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		at := from + len(report.Losses)
		return report, &Error{Epoch: epoch, Iteration: at, Err: err, starts: r.batches[min(at, to-1)]}
	}
	last := from + len(report.Losses) - 1 // before the plan's if ctx has ended
	if r.Log == nil || last < from || last%r.LogEvery != 0 {
		return report, err
	}
	loss, failed := r.loss(context.WithoutCancel(ctx), i, last)
	if failed == nil {
		failed = r.Log(Line{epoch, last, loss, report.Norms[last-from]})
	}
	return report, cmp.Or(failed, err)
}

// loss is the loss on an iteration's batch in epoch i after its update.
func (r *loop) loss(ctx context.Context, i, iteration int) (float32, error) {
	loss, err := r.Session.Loss(ctx, r.batches[iteration])
	if v := float64(loss); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		nan := float32(math.NaN()) // what a gradient of such a loss is
		err = &graph.DivergedError{Step: int64(r.step(i, iteration)), Loss: loss, Norm: nan}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return loss, &Error{Epoch: r.First + i, Iteration: iteration, Updated: true, Err: err, starts: r.batches[iteration]}
	}
	return loss, err
}

// rate is the learning rate of a step.
func (r *loop) rate(step int) float32 {
	if r.Rate == nil {
		return r.Session.Config().LearningRate
	}
	return r.Rate(step)
}
