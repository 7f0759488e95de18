package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rnnbin/rnnbin/graph/label"
)

// Stream labels the rows of one series as they arrive, each as soon as it can be, those of other
// streams with it, as `rnnbin predict --follow` labels them. It stays with its version of the
// model. Any number of goroutines may use it; Close it after use.
type Stream struct {
	handle   *Handle
	registry *Registry

	turn   chan struct{} // holds one thing when nobody pushes
	failed error         // after which there are no more answers
	job    streamJob     // of whose turn it is
	streamState

	closing sync.Once
}

// streamJob is rows that a stream gets, or its end.
type streamJob struct {
	ctx   context.Context
	push  label.Push // the rows as the model takes them
	n     int        // of them, 0 for the end
	since time.Time
	done  chan seriesAnswer // takes one
}

func (j *streamJob) context() context.Context { return j.ctx }
func (j *streamJob) size() (series, rows int) { return 1, max(1, j.n) }
func (j *streamJob) fail(err error)           { j.answer(label.Answers{}, err) }

func (j *streamJob) answer(a label.Answers, err error) {
	select {
	case j.done <- seriesAnswer{a, err}:
	default:
	}
}

// Stream begins a series. A model that needs all later rows to label one has no streams.
func (h *Handle) Stream() (*Stream, error) { return h.begin(h.newState) }

// begin opens a stream in a state.
func (h *Handle) begin(state func() (*streamState, error)) (*Stream, error) {
	if h.info.Wait == nil {
		why := "its network is of two directions"
		if h.info.Model.ScalesWhole() {
			why = "it scales features within whole series"
		}
		return nil, Errorf(Invalid, "model %s has no streams: %s, so labels depend on all later rows", h.name, why)
	}
	begun, err := state()
	if err != nil {
		return nil, err
	}
	if err := h.registry.addStream(); err != nil {
		return nil, err
	}
	s := &Stream{handle: h.again(), registry: h.registry, turn: make(chan struct{}, 1), streamState: *begun}
	s.job = streamJob{push: label.Push{Stream: s.stream}, done: make(chan seriesAnswer, 1)}
	s.turn <- struct{}{}
	return s, nil
}

// Handle is the version that the stream is of.
func (s *Stream) Handle() *Handle { return s.handle }

// Push adds rows, [n,R] as they were measured, and returns the answers that are known now, to these rows or to earlier
// ones, and the number of the first of them in the series, from 0. A value that is not finite
// changes nothing, and neither do rows that ctx ends before; a row without an answer ends the stream.
func (s *Stream) Push(ctx context.Context, rows []float64) (first int, a label.Answers, err error) {
	if len(rows) == 0 { // which would end the series
		return 0, a, nil
	}
	n := len(rows) / len(s.handle.info.Features)
	if err := s.handle.CheckRows(n); err != nil {
		return 0, a, err
	}
	return s.do(ctx, rows, n)
}

// Flush ends the series, and returns the answers to the rows that have none yet as Push does. The
// next row begins another series.
func (s *Stream) Flush(ctx context.Context) (first int, a label.Answers, err error) {
	return s.do(ctx, nil, 0)
}

// PushUntil is Push, and Flush after it if the series ends with these rows, of which there may then
// be none.
func (s *Stream) PushUntil(ctx context.Context, rows []float64, end bool) (first int, a label.Answers, err error) {
	first, a, err = s.Push(ctx, rows)
	if err != nil || !end {
		return first, a, err
	}
	from, rest, err := s.Flush(ctx)
	if a.Len() == 0 {
		return from, rest, err
	}
	a.Class, a.Score = append(a.Class, rest.Class...), append(a.Score, rest.Score...)
	a.Probability, a.Padded = append(a.Probability, rest.Probability...), append(a.Padded, rest.Padded...)
	return first, a, err
}

// do has n rows run, of which there are none if the series ends, when it is the caller's turn.
func (s *Stream) do(ctx context.Context, rows []float64, n int) (first int, a label.Answers, err error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return 0, a, reason(ctx)
	}
	defer func() { s.turn <- struct{}{} }()
	if s.failed != nil {
		return 0, a, s.failed
	}
	last, j := slices.Clone(s.last), &s.job
	if j.push.Rows, err = s.handle.checked(0, rows, last); err != nil {
		return 0, a, err
	}
	j.ctx, j.n, j.since = ctx, n, time.Now()
	if err := s.handle.streams.put(j); err != nil {
		return 0, a, err
	}
	answered := <-j.done
	switch {
	case answered.err != nil && ctx.Err() != nil && errors.Is(answered.err, ctx.Err()): // it was not run
		return 0, a, answered.err
	case answered.err != nil:
		s.failed = placed(answered.err, s.handle.info.Features, 0, s.before)
		return 0, a, s.failed
	}
	first, s.last = s.given, last
	s.rows, s.given = s.rows+n, s.given+answered.answers.Len()
	if n == 0 {
		s.before, s.rows, s.given, s.last = s.before+s.rows, 0, 0, s.handle.none()
	}
	return first, answered.answers, nil
}

// Rows is how many rows the series has, and how many of them are answered.
func (s *Stream) Rows() (all, answered int) {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	return s.rows, s.given
}

// Close lets the stream go when what it has begun with is answered. More than one call does what
// one does.
func (s *Stream) Close() {
	s.closing.Do(func() {
		<-s.turn
		s.failed = Errorf(NotFound, "the stream has been closed")
		s.turn <- struct{}{}
		s.handle.Release()
		s.registry.removeStream()
	})
}

// runStreams runs rows of several streams, of each one job at most. A job is its stream's again when it is answered.
func (v *version) runStreams(jobs []*streamJob) {
	r := v.newRun(true, len(jobs), jobs[0].since)
	pushes := make([]*label.Push, len(jobs))
	for i, j := range jobs {
		pushes[i] = &j.push
	}
	v.model.PushAll(context.Background(), pushes)
	for _, j := range jobs {
		p := &j.push
		if j.n == 0 {
			p.Answers, p.Err = p.Stream.Flush()
		} else if p.Err == nil {
			v.drift.add(p.Rows)
		}
		if p.Err != nil {
			r.Err = p.Err
		}
		r.Series, r.Rows = r.Series+1, r.Rows+j.n
	}
	v.ran(r)
	for _, j := range jobs {
		j.answer(j.push.Answers, j.push.Err)
	}
}
