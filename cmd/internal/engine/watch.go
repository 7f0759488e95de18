package engine

import (
	"math"
	"sync/atomic"
	"time"
)

// Watch notices what takes too long. What is watched begins and ends with every row of a stream, so that a timer that is set
// for each would cost more than the rest.
type Watch struct {
	limit time.Duration
	late  func()
	since atomic.Int64 // when it began, never while nothing is watched
	timer *time.Timer
}

const (
	never   = math.MaxInt64
	stopped = math.MinInt64
)

// began is what a Watch counts from.
var began = time.Now()

// NewWatch returns a Watch that calls late, once, if something takes longer than a limit. Stop it after use.
func NewWatch(limit time.Duration, late func()) *Watch {
	w := &Watch{limit: limit, late: late}
	w.End()
	w.timer = time.AfterFunc(math.MaxInt64, w.look)
	w.timer.Reset(limit)
	return w
}

// Begin begins to watch, or begins anew.
func (w *Watch) Begin() { w.since.Store(int64(time.Since(began))) }

// End ends that.
func (w *Watch) End() { w.since.Store(never) }

// Stop has late never be called again.
func (w *Watch) Stop() {
	w.since.Store(stopped)
	w.timer.Stop()
}

// look looks whether it is late, and looks again when it may be.
func (w *Watch) look() {
	left := w.limit
	switch since := w.since.Load(); since {
	case never:
	case stopped:
		return
	default:
		left -= time.Since(began) - time.Duration(since)
	}
	if left <= 0 {
		w.late()
		return
	}
	w.timer.Reset(left)
}
