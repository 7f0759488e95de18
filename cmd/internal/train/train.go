// Package train drives a session through epochs and tells what happens on the
// way.
package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/rnnbin/rnnbin/graph"
)

// Run is a training run: every epoch makes one step for each of its batches.
type Run struct {
	Session *graph.Session
	Epochs  int
	Batches [][]int32 // the starts of each batch's windows, as graph.Plan takes them

	// Log is called after every iteration of an epoch that LogEvery divides.
	LogEvery int
	Log      func(Line) error
}

// Line tells of one iteration.
type Line struct {
	Epoch        int     `json:"epoch"`
	Iteration    int     `json:"iteration"`
	Loss         float32 `json:"loss"`          // on the iteration's batch, after its update
	GradientNorm float32 `json:"gradient_norm"` // of that update
}

// Error says where in a run training failed.
type Error struct {
	Epoch, Iteration int
	Err              error
}

func (e *Error) Error() string {
	return fmt.Sprintf("epoch %d, iteration %d: %v", e.Epoch, e.Iteration, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// stepsACall bounds the memory that a call's plan takes. Larger calls are not
// faster.
const stepsACall = 1000

// Do trains until the end or until ctx ends, whose error it then returns.
func (r Run) Do(ctx context.Context) error {
	for epoch := range r.Epochs {
		for at := 0; at < len(r.Batches); {
			next := min(r.nextLine(at)+1, at+stepsACall, len(r.Batches))
			if err := r.steps(ctx, epoch, at, next); err != nil {
				return err
			}
			at = next
		}
	}
	return nil
}

// nextLine is the first iteration from at on that has a line.
func (r Run) nextLine(at int) int {
	return (at + r.LogEvery - 1) / r.LogEvery * r.LogEvery
}

// steps trains on the batches [from,to) and logs the last one if it has a line.
func (r Run) steps(ctx context.Context, epoch, from, to int) error {
	report, err := r.Session.Steps(ctx, graph.Plan{Starts: r.Batches[from:to]})
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return &Error{epoch, from + len(report.Losses), err}
	}
	last := to - 1
	if last%r.LogEvery != 0 {
		return nil
	}
	loss, err := r.Session.Loss(r.Batches[last])
	if err != nil {
		return &Error{epoch, last, err}
	}
	return r.Log(Line{epoch, last, loss, report.Norms[len(report.Norms)-1]})
}

// Steps is how many training steps the run makes.
func (r Run) Steps() int { return r.Epochs * len(r.Batches) }
