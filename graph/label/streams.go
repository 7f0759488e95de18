package label

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Streams labels the rows of any number of series as they arrive. The rows of each series are
// in order; the series may alternate. Answers come in the order of the rows.
//
// A row waits for what its answer rests on: with [Model.Follow] for the rows of its series
// after it that a horizon below 0 or lags above 0 ask for, otherwise also for a batch of
// windows to fill. What waits is bounded: when rows of other series keep too many waiting
// after it, a row is answered as if its series ended there. Unless it waits for rows after it
// that changes answers by rounding alone; see [Streams.Early].
//
// A Streams is for one goroutine at a time; a model may have many.
type Streams struct {
	m       *Model
	l       *engine
	carry   bool             // carry states from row to row
	batch   int              // windows in a call
	tracks  map[int32]*track // by the number of the series
	queue   queue
	moments func(series int32) (*inputs.Moments, error)
	held    int // rows that may wait
	early   int

	jobs []job     // windows that wait for a batch
	x    []float32 // [jobs,before+span+behind,F] their features
	wide []float32 // scratch of expand
}

// track is what is known of one series. Positions are those in the extended
// series.
type track struct {
	cursor
	count    int             // rows that arrived
	answered int             // of them
	early    int             // of these, those that are known to have come too early or not
	waiting  []stretch       // the others' places in the queue
	last     []float32       // [F] the row that arrived last
	moments  *inputs.Moments // nil unless rows are scaled within their series
}

// stretch is rows that follow each other in the queue.
type stretch struct{ number, n int }

// cursor is how far a series has been worked through.
type cursor struct {
	x     []float32 // [n,F] the extended series from position at on, and what is before it
	at    int       // where the next window begins or, carrying, the next position
	state []float32 // [2,S] of the two windows that a position is in, the one that answers first
}

// job is a window of a batch, which begins at the given position of a track
// and answers up to another.
type job struct {
	track      *track
	start, end int
}

// Streams labels rows many windows at once. Whole gives the moments of all rows of a series,
// with what is missing filled, before its first row is pushed; only models that scale by them,
// see [Task].SeriesScale, ask for it.
func (m *Model) Streams(whole func(series int32) (*inputs.Moments, error)) *Streams {
	l := m.engine
	// Windows that wait for a batch must not look like series that ended.
	s := &Streams{m: m, l: l, batch: l.batch, tracks: map[int32]*track{}, held: max(1<<18, 4*(l.batch*l.block+l.span+l.wait()))}
	s.queue.classes = l.classes
	s.moments = func(int32) (*inputs.Moments, error) { return inputs.NewMoments(l.raw), nil }
	if l.within == inputs.Whole {
		s.moments = whole
	}
	return s
}

// Follow is [Model.Streams] labelling each row as soon as it can be. Networks of two
// directions wait for a window to fill.
func (m *Model) Follow(whole func(series int32) (*inputs.Moments, error)) *Streams {
	s := m.Streams(whole)
	s.carry, s.batch = !s.l.whole, 1
	return s
}

// Push adds rows: the number of each one's series, [n], and their features as they were
// measured, [n,R]; NaN is a value that is missing. An infinite one is a *[RowError]. After an
// error, which may be that of ctx, the streams cannot be used any more.
func (s *Streams) Push(ctx context.Context, series []int32, x []float32) error {
	R := s.l.raw
	if len(x) != len(series)*R {
		return &graph.ShapeError{Name: "x", Want: fmt.Sprintf("%d rows of %d features", len(series), R), Got: fmt.Sprintf("%d values", len(x))}
	}
	if at := infinite(x); at >= 0 {
		return &RowError{int(series[at/R]), s.queue.end() + at/R, s.infinity(x, at)}
	}
	for at := 0; at < len(series); {
		end := at + 1
		for end < len(series) && series[end] == series[at] {
			end++
		}
		if err := s.pushSeries(ctx, series[at], x[at*R:end*R]); err != nil {
			return err
		}
		at = end
	}
	return s.limit(ctx)
}

// infinite is the place of the first infinite value, -1 if there is none.
func infinite(x []float32) int {
	return slices.IndexFunc(x, func(v float32) bool { return v > math.MaxFloat32 || v < -math.MaxFloat32 })
}

// infinity is the error of the infinite value at a place of rows x [n,R].
func (s *Streams) infinity(x []float32, at int) error {
	R := s.l.raw
	return &graph.ValueError{Name: "Values", Row: at / R, Column: at % R, Value: x[at], Want: "a finite number, or NaN"}
}

// pushSeries adds rows x [n,R] of one series, nothing infinite.
func (s *Streams) pushSeries(ctx context.Context, series int32, x []float32) error {
	t, err := s.track(series)
	if err != nil {
		return err
	}
	s.append(t, series, s.expanded(t, inputs.Fill(x, s.m.task.Fill)))
	return s.advance(ctx, t)
}

// expanded are rows x [n,R] of one series as the network takes them, [n,F].
func (s *Streams) expanded(t *track, x []float32) []float32 {
	if s.l.raw == s.l.features {
		return x
	}
	s.wide = t.moments.Append(s.wide[:0], x, s.l.within)
	return s.wide
}

// track is that of a series, a new one if need be.
func (s *Streams) track(series int32) (*track, error) {
	if t := s.tracks[series]; t != nil {
		return t, nil
	}
	t := new(track)
	if s.l.raw != s.l.features {
		var err error
		if t.moments, err = s.moments(series); err != nil {
			return nil, err
		}
	}
	if s.carry {
		t.state = make([]float32, 2*s.l.state)
	}
	s.tracks[series] = t
	return t, nil
}

func (s *Streams) append(t *track, series int32, x []float32) {
	F := s.l.features
	n := len(x) / F
	s.countEarly(t, n)
	if t.count == 0 {
		t.x = append(t.x, slices.Repeat(x[:F], s.l.before+s.l.lead)...)
	}
	t.x = append(t.x, x...)
	t.last = append(t.last[:0], x[len(x)-F:]...)
	t.waiting = append(t.waiting, stretch{s.queue.push(series, n), n})
	t.count += n
}

// countEarly counts answers that would have rested on some of the n rows that come now.
func (s *Streams) countEarly(t *track, n int) {
	l := s.l
	from, to := max(0, t.count-l.wait()), t.count+n-l.wait()
	if l.whole {
		from, to = max(t.early, l.first(t.at)-l.lag), t.answered
		if from < to {
			from = max(from, s.settled(t)-l.lag)
		}
	}
	s.early += max(0, min(t.answered, to)-from)
	t.early = t.answered
}

// settled is the first position whose answer rests on rows that have not come: windows
// that lack none give the others theirs, also where the series seems to end.
func (s *Streams) settled(t *track) int {
	l := s.l
	answered := l.first(t.at)
	have := t.at + len(t.x)/l.features - l.before - l.behind
	for at := t.at; at+l.span <= have; at += l.block {
		answered = at + l.reach
		if at+l.span >= t.count+l.lag { // the last
			break
		}
	}
	return answered
}

// advance works through what has arrived of a series.
func (s *Streams) advance(ctx context.Context, t *track) error {
	seen := t.count - s.l.late
	if s.carry {
		return s.walk(ctx, t, &t.cursor, seen)
	}
	from := t.at
	for t.at+s.l.span <= seen && !(s.l.whole && t.at+s.l.span == t.count+s.l.lag) { // which may be the last
		if err := s.enqueue(ctx, t, &t.cursor, t.at+s.l.reach); err != nil {
			return err
		}
	}
	if t.at > from {
		t.x = slices.Clone(t.x) // let go of what lies before it
	}
	return nil
}

// enqueue makes a job of the window at c, which answers up to a position, and moves c to
// the next. What the window lacks are zeros; or, where they would spoil it, it is short.
func (s *Streams) enqueue(ctx context.Context, t *track, c *cursor, to int) error {
	l := s.l
	full := (l.before + l.span + l.behind) * l.features
	n := min(full, len(c.x))
	short := n < full
	if short && l.whole { // of another length than those that wait
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	s.x = append(s.x, c.x[:n]...)
	if short && !l.whole {
		s.x = append(s.x, make([]float32, full-n)...)
	}
	s.jobs = append(s.jobs, job{t, c.at, to})
	c.x = c.x[min(l.block*l.features, len(c.x)):]
	c.at += l.block
	if len(s.jobs) == s.batch || short && l.whole {
		return s.run(ctx)
	}
	return nil
}

// run answers the windows that wait, which are of one length.
func (s *Streams) run(ctx context.Context) error {
	l := s.l
	if len(s.jobs) == 0 {
		return nil
	}
	p, err := l.network.Predict(ctx, s.x, len(s.jobs), nil)
	if err != nil {
		return s.atRow(err, func(sequence int) (*track, int) { return s.jobs[sequence].track, s.jobs[sequence].start })
	}
	each := len(p.Probability) / len(s.jobs)
	for i, j := range s.jobs {
		of := p.Probability[i*each : (i+1)*each]
		for at := l.first(j.start); at < j.end; at++ {
			s.answer(j.track, at, l.row(of, at-j.start))
		}
	}
	s.jobs, s.x = s.jobs[:0], s.x[:0]
	return nil
}

// walk carries the states on, position by position up to end.
func (s *Streams) walk(ctx context.Context, t *track, c *cursor, end int) error {
	l := s.l
	for c.at < end {
		if c.at%l.block == 0 {
			c.turn(l)
		}
		// The rest of the block, or as much of it as there is.
		n := min(l.block-c.at%l.block, end-c.at)
		x := c.x[:(l.before+n+l.behind)*l.features]
		p, err := l.network.Predict(ctx, slices.Concat(x, x), 2, c.state)
		if err != nil {
			return s.atRow(err, func(int) (*track, int) { return t, c.at })
		}
		for i := range n {
			s.answer(t, c.at+i, l.row(p.Probability, i))
		}
		c.x, c.at, c.state = c.x[n*l.features:], c.at+n, p.State
	}
	return nil
}

// turn enters a block: the window that warmed up answers from here on, and
// another one begins. Both are the first window in the first block.
func (c *cursor) turn(l *engine) {
	older, younger := c.state[:l.state], c.state[l.state:]
	if l.warm == 0 {
		clear(younger)
	}
	c.state = slices.Concat(younger, make([]float32, len(older)))
}

// answer gives the row that a position answers its probabilities [C], unless it has
// got them before: that of a series that only seemed to end.
func (s *Streams) answer(t *track, position int, probability []float32) {
	row := position - s.l.lag
	if row < t.answered {
		return
	}
	next := &t.waiting[0]
	s.queue.set(next.number, probability, row < s.l.lead || position >= t.count)
	t.answered++
	next.number, next.n = next.number+1, next.n-1
	if next.n == 0 {
		t.waiting = t.waiting[1:]
	}
}

// atRow names the row that is without an answer because of err, if it is about a number;
// where tells for each sequence of the call its track and its first position.
func (s *Streams) atRow(err error, where func(sequence int) (*track, int)) error {
	var nonFinite *graph.NonFiniteError
	if !errors.As(err, &nonFinite) {
		return err
	}
	t, position := where(nonFinite.Sequence)
	ahead := max(0, position+nonFinite.Step-s.l.lag-t.answered) // rows of the series that have no answer either
	for _, w := range t.waiting {
		if ahead < w.n {
			return &RowError{int(s.queue.series[w.number+ahead-s.queue.base]), w.number + ahead, nonFinite}
		}
		ahead -= w.n
	}
	return err // about a row that is answered already, or a repeated one
}

// End answers the rows of a series, which has no more, and forgets it.
func (s *Streams) End(ctx context.Context, series int32) error {
	t := s.tracks[series]
	if t == nil {
		return nil
	}
	delete(s.tracks, series)
	return s.end(ctx, t)
}

// end answers the rows of a series that still wait, as if it ended here. It may
// go on nevertheless.
func (s *Streams) end(ctx context.Context, t *track) error {
	l := s.l
	if t.answered == t.count {
		return nil
	}
	c, end := t.cursor, t.count+l.lag
	c.x, c.state = slices.Concat(c.x, slices.Repeat(t.last, l.lag+l.behind)), slices.Clone(c.state)
	if s.carry {
		return s.walk(ctx, t, &c, end)
	}
	for to := l.first(c.at); to < end; {
		if to = min(c.at+l.reach, end); l.whole && c.at+l.span >= end {
			to = end // what is behind the middle has no more rows behind it in the next window
		}
		if err := s.enqueue(ctx, t, &c, to); err != nil {
			return err
		}
	}
	return nil
}

// Flush answers all rows that wait, their series having ended.
func (s *Streams) Flush(ctx context.Context) error {
	for _, series := range slices.Sorted(maps.Keys(s.tracks)) {
		if err := s.end(ctx, s.tracks[series]); err != nil {
			return err
		}
	}
	return s.run(ctx)
}

// limit answers the older half of the rows when too many wait.
func (s *Streams) limit(ctx context.Context) error {
	q := &s.queue
	if q.len()-q.ready <= s.held {
		return nil
	}
	if err := s.run(ctx); err != nil { // which answers all rows of those that have ended
		return err
	}
	ended := map[int32]bool{}
	for i := q.ready; i < q.len()-s.held/2; i++ {
		if series := q.series[i]; !q.known[i] && !ended[series] {
			ended[series] = true
			if err := s.end(ctx, s.tracks[series]); err != nil {
				return err
			}
		}
	}
	return s.run(ctx)
}

// Ready is how many answers can be taken.
func (s *Streams) Ready() int { return s.queue.ready }

// Take returns the answers to the next n rows, at most Ready.
func (s *Streams) Take(n int) Answers { return s.m.of(s.queue.take(n)) }

// Open is how many series have not ended.
func (s *Streams) Open() int { return len(s.tracks) }

// Early is how many rows were answered, because too many waited after them, before the rows
// came that their answers should have rested on. It is 0 unless the horizon is below 0, a lag
// above 0 or the network of two directions, and a series pauses for hundreds of thousands of
// rows.
func (s *Streams) Early() int { return s.early }

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
