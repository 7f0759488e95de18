package main

import (
	"context"
	"sync"
	"sync/atomic"
)

// ending decides when a signal may end the process: not while there is something worth
// keeping, and not amid a commit.
type ending struct {
	keep   atomic.Bool // weights that a commit is to come for
	commit sync.Mutex
}

type endingKey struct{}

// withEnding returns a context whose endingOf is e.
func withEnding(ctx context.Context, e *ending) context.Context {
	return context.WithValue(ctx, endingKey{}, e)
}

func endingOf(ctx context.Context) *ending {
	if e, ok := ctx.Value(endingKey{}).(*ending); ok {
		return e
	}
	return new(ending) // nobody ends the process
}

// begin comes before a commit: from then on the run ends by itself, and soon, so that
// it has the last word on what became of the model. Call it once.
func (e *ending) begin() { e.commit.Lock() }

// endedEarly is the error that ended a training, with what became of its weights.
type endedEarly struct {
	err  error
	kept string
}

func (e *endedEarly) Error() string { return e.err.Error() + "; " + e.kept }
func (e *endedEarly) Unwrap() error { return e.err }
