package label

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Streams labels the rows of any number of series as they arrive. The rows of each series are
// in order; the series may alternate. Answers come in the order of the rows.
//
// A row waits for what its answer rests on: with [Model.Follow] for the rows of its series
// after it that a horizon below 0, lags above 0 or windows of inputs ask for, otherwise also for
// a batch of windows to fill. What waits is bounded: when rows of other series keep too many
// waiting after it, a row is answered as if its series ended there. Unless it waits for rows
// after it that changes answers by rounding alone; see [Streams.Early].
//
// A Streams is for one goroutine at a time; a model may have many.
type Streams struct {
	m       *Model
	strands []*strand // of the kinds, each with all rows
}

// Streams labels rows many windows at once. Whole gives the moments of all rows of a series,
// with what is missing filled, before its first row is pushed; only models that scale by them,
// see [Model.ScalesWhole], ask for it, once for each kind that does.
func (m *Model) Streams(whole func(series int32) (*inputs.Moments, error)) *Streams {
	s := &Streams{m: m}
	for _, l := range m.engines {
		var moments func(int32) (*inputs.Moments, error)
		if l.inputs.SeriesScale == inputs.Whole {
			moments = whole
		}
		s.strands = append(s.strands, newStrand(m, l, moments))
	}
	return s
}

// Follow is [Model.Streams] labelling each row as soon as it can be. Networks of two
// directions wait for a window to fill.
func (m *Model) Follow(whole func(series int32) (*inputs.Moments, error)) *Streams {
	s := m.Streams(whole)
	for _, of := range s.strands {
		of.carry, of.batch = !of.l.Whole, 1
	}
	return s
}

// Push adds rows: the number of each one's series, [n], and their features as they were
// measured, [n,R], see [Model.Values]; NaN is a value that is missing. An infinite one is a *[RowError]. After an
// error, which may be that of ctx, the streams cannot be used any more.
func (s *Streams) Push(ctx context.Context, series []int32, x []float32) error {
	x, err := s.filled(series, x)
	if err != nil {
		return err
	}
	R := len(s.m.task.Features)
	for _, of := range s.strands {
		for at := 0; at < len(series); {
			end := at + 1
			for end < len(series) && series[end] == series[at] {
				end++
			}
			if err := of.push(ctx, series[at], x[at*R:end*R]); err != nil {
				return err
			}
			at = end
		}
		if err := of.limit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// filled are rows with what stands in for missing values, once they are checked.
func (s *Streams) filled(series []int32, x []float32) ([]float32, error) {
	R := len(s.m.task.Features)
	if len(x) != len(series)*R {
		return nil, &graph.ShapeError{Name: "x", Want: fmt.Sprintf("%d rows of %d features", len(series), R), Got: fmt.Sprintf("%d values", len(x))}
	}
	if at := infinite(x); at >= 0 {
		return nil, &RowError{int(series[at/R]), s.strands[0].queue.end() + at/R, infiniteError(x, R, at)}
	}
	return inputs.Fill(x, s.m.task.Fill), nil
}

// infinite is the place of the first infinite value, -1 if there is none.
func infinite(x []float32) int {
	return slices.IndexFunc(x, func(v float32) bool { return v > math.MaxFloat32 || v < -math.MaxFloat32 })
}

// infiniteError is the error of the infinite value at a place of rows x [n,R].
func infiniteError(x []float32, R, at int) error {
	return &graph.ValueError{Name: "Values", Row: at / R, Column: at % R, Value: x[at], Want: "a finite number, or NaN"}
}

// End answers the rows of a series, which has no more, and forgets it.
func (s *Streams) End(ctx context.Context, series int32) error {
	for _, of := range s.strands {
		if err := of.finish(ctx, series); err != nil {
			return err
		}
	}
	return nil
}

// Flush answers all rows that wait, their series having ended.
func (s *Streams) Flush(ctx context.Context) error {
	for _, of := range s.strands {
		if err := of.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ready is how many answers can be taken.
func (s *Streams) Ready() int {
	ready := s.strands[0].queue.ready
	for _, of := range s.strands[1:] {
		ready = min(ready, of.queue.ready)
	}
	return ready
}

// Take returns the answers to the next n rows, at most Ready.
func (s *Streams) Take(n int) Answers {
	kinds := make([]known, len(s.strands))
	for i, of := range s.strands {
		kinds[i] = of.queue.take(n)
	}
	return s.m.of(kinds)
}

// Open is how many series have not ended.
func (s *Streams) Open() int { return len(s.strands[0].tracks) }

// Early is how many rows were answered, because too many waited after them, before the rows
// came that their answers should have rested on. It is 0 unless the horizon is below 0, a lag
// above 0, the network of two directions or its inputs of windows that look ahead, and a series
// pauses for hundreds of thousands of rows. Of several kinds it is the most.
func (s *Streams) Early() int {
	early := 0
	for _, of := range s.strands {
		early = max(early, of.early)
	}
	return early
}

// RowError is returned for a row that cannot be labelled: a feature is infinite, or the
// network's answer is not a finite number.
type RowError struct {
	Series int // number of its series, as given
	Row    int // from 0, in its series for Model.Label, else of all that were pushed
	Err    error
}

func (e *RowError) Error() string {
	var nonFinite *graph.NonFiniteError
	if errors.As(e.Err, &nonFinite) {
		return fmt.Sprintf("the network's output is %v: this row or one near it is too far from the training rows", nonFinite.Value)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }
