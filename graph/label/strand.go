package label

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// strand labels the rows of any number of series with the networks of one kind.
type strand struct {
	m       *Model
	l       *engine
	moments func(series int32) (*inputs.Moments, error) // for the inputs of a series that begins, see [inputs.Inputs.NewStream]; nil for none
	carry   bool                                        // carry states from row to row
	batch   int                                         // windows in a call
	tracks  map[int32]*track                            // by the number of the series
	queue   queue
	held    int // rows that may wait
	early   int // see Streams.Early

	jobs []job     // windows that wait for a batch
	x    []float32 // [jobs,before+span+behind,F] their columns
}

func newStrand(m *Model, l *engine, moments func(series int32) (*inputs.Moments, error)) *strand {
	s := &strand{m: m, l: l, moments: moments, batch: l.batch, tracks: map[int32]*track{}}
	s.queue.classes = l.classes
	// Windows that wait for a batch must not look like series that ended.
	s.held = max(1<<18, 4*(l.batch*l.Block+l.Span+l.wait()))
	return s
}

// track is what is known of one series. Positions are those in the extended
// series.
type track struct {
	cursor
	inputs   *inputs.Stream
	count    int       // rows that arrived
	made     int       // of them, those whose columns are known
	answered int       // of those that arrived
	early    int       // of these, those that are known to have come too early or not
	waiting  []stretch // the others' places in the queue
	last     []float32 // [F] the last row that was made
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

// push adds rows x [n,R] of one series, all of them finite numbers.
func (s *strand) push(ctx context.Context, series int32, x []float32) error {
	t, err := s.track(series)
	if err != nil {
		return err
	}
	s.append(t, series, x)
	return s.advance(ctx, t)
}

// track is that of a series, a new one if need be.
func (s *strand) track(series int32) (*track, error) {
	if t := s.tracks[series]; t != nil {
		return t, nil
	}
	var moments *inputs.Moments
	if s.moments != nil {
		var err error
		if moments, err = s.moments(series); err != nil {
			return nil, err
		}
	}
	t := &track{inputs: s.l.inputs.NewStream(s.l.raw, moments)}
	if s.carry {
		t.state = make([]float32, 2*s.l.state)
	}
	s.tracks[series] = t
	return t, nil
}

func (s *strand) append(t *track, series int32, x []float32) {
	F, n := s.l.features, len(x)/s.l.raw
	s.countEarly(t, n)
	was := len(t.x)
	t.x = t.inputs.Append(t.x, x)
	if made := (len(t.x) - was) / F; made > 0 {
		t.last = append(t.last[:0], t.x[len(t.x)-F:]...)
		if t.made == 0 {
			t.x = s.l.extended(t.x)
		}
		t.made += made
	}
	t.waiting = append(t.waiting, stretch{s.queue.push(series, n), n})
	t.count += n
}

// countEarly counts answers that would have rested on some of the n rows that come now.
func (s *strand) countEarly(t *track, n int) {
	l := s.l
	from, to := l.sure(t.count), l.sure(t.count+n)
	if l.Whole {
		from, to = max(t.early, l.First(t.at)-l.Lag), t.answered
		if from < to {
			from = max(from, s.settled(t)-l.Lag)
		}
	}
	s.early += max(0, min(t.answered, to)-from)
	t.early = t.answered
}

// settled is the first position whose answer rests on rows that have not come: windows
// that lack none give the others theirs, also where the series seems to end.
func (s *strand) settled(t *track) int {
	l := s.l
	answered := l.First(t.at)
	have := t.at + len(t.x)/l.features - l.Before - l.Behind
	for at := t.at; at+l.Span <= have; at += l.Block {
		answered = at + l.Reach
		if at+l.Span >= t.count+l.Lag { // the last
			break
		}
	}
	return answered
}

// advance works through what has been made of a series.
func (s *strand) advance(ctx context.Context, t *track) error {
	l := s.l
	if t.made == 0 {
		return nil
	}
	seen := s.seen(t)
	if s.carry {
		return s.walk(ctx, t, &t.cursor, seen)
	}
	from := t.at
	for t.at+l.Span <= seen && !(l.Whole && t.at+l.Span == t.count+l.Lag) { // which may be the last
		if err := s.enqueue(ctx, t, &t.cursor, t.at+l.Reach); err != nil {
			return err
		}
	}
	if t.at > from {
		t.x = slices.Clone(t.x) // let go of what lies before it
	}
	return nil
}

// seen is the position up to which the networks have what they need of a series.
func (s *strand) seen(t *track) int { return min(t.count, t.made+s.l.Lead-s.l.Behind) }

// enqueue makes a job of the window at c, which answers up to a position, and moves c to
// the next. What the window lacks are zeros; or, where they would spoil it, it is short.
func (s *strand) enqueue(ctx context.Context, t *track, c *cursor, to int) error {
	l := s.l
	full := (l.Before + l.Span + l.Behind) * l.features
	n := min(full, len(c.x))
	if l.Whole && len(s.x) != len(s.jobs)*n { // of another length than those that wait
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	s.x = append(s.x, c.x[:n]...)
	if !l.Whole {
		s.x = append(s.x, make([]float32, full-n)...)
	}
	s.jobs = append(s.jobs, job{t, c.at, to})
	c.x = c.x[min(l.Block*l.features, len(c.x)):]
	c.at += l.Block
	if len(s.jobs) == s.batch {
		return s.run(ctx)
	}
	return nil
}

// run answers the windows that wait, which are of one length.
func (s *strand) run(ctx context.Context) error {
	l := s.l
	if len(s.jobs) == 0 {
		return nil
	}
	p, err := l.network.Predict(ctx, s.x, len(s.jobs), nil)
	if err != nil {
		return s.atRow(err, s.x, len(s.jobs), func(sequence int) (*track, int) { return s.jobs[sequence].track, s.jobs[sequence].start })
	}
	each := len(p.Probability) / len(s.jobs)
	for i, j := range s.jobs {
		of := p.Probability[i*each : (i+1)*each]
		for at := l.First(j.start); at < j.end; at++ {
			s.answer(j.track, at, l.row(of, at-j.start))
		}
	}
	s.jobs, s.x = s.jobs[:0], s.x[:0]
	return nil
}

// walk carries the states on, position by position up to end.
func (s *strand) walk(ctx context.Context, t *track, c *cursor, end int) error {
	w := &walk{s: s, t: t, c: c, end: end}
	s.l.walk(ctx, []*walk{w})
	return w.err
}

// answer gives the row that a position answers its probabilities [C], unless it has
// got them before: that of a series that only seemed to end.
func (s *strand) answer(t *track, position int, probability []float32) {
	row := position - s.l.Lag
	if row < t.answered {
		return
	}
	next := &t.waiting[0]
	s.queue.set(next.number, probability, row < s.l.Lead || position >= t.count)
	t.answered++
	next.number, next.n = next.number+1, next.n-1
	if next.n == 0 {
		t.waiting = t.waiting[1:]
	}
}

// errFar is the cause of a [RowError] about a value that is infinite once it is scaled.
var errFar = errors.New("a value is too far from those of the training rows")

// atRow names the row that is without an answer because of err, if it is about a number of a call
// for so many sequences x; where tells for each of these its track and its first position.
func (s *strand) atRow(err error, x []float32, sequences int, where func(sequence int) (*track, int)) error {
	var output *graph.NonFiniteError
	var sequence, step int
	switch {
	case errors.As(err, &output):
		sequence, step, err = output.Sequence, output.Step, output
	case errors.As(err, new(*graph.ValueError)):
		at, each := infinite(x), len(x)/sequences
		sequence, step, err = at/each, at%each/s.l.features-s.l.Before, errFar
	default:
		return err
	}
	t, position := where(sequence)
	ahead := max(0, position+step-s.l.Lag-t.answered) // rows of the series that have no answer either
	for _, w := range t.waiting {
		if ahead < w.n {
			return &RowError{int(s.queue.series[w.number+ahead-s.queue.base]), w.number + ahead, err}
		}
		ahead -= w.n
	}
	return err // about a row that is answered already, or a repeated one
}

// End answers the rows of a series, which has no more, and forgets it.
func (s *strand) finish(ctx context.Context, series int32) error {
	t := s.tracks[series]
	if t == nil {
		return nil
	}
	delete(s.tracks, series)
	return s.end(ctx, t)
}

// end answers the rows of a series that still wait, as if it ended here. It may
// go on nevertheless.
func (s *strand) end(ctx context.Context, t *track) error {
	l := s.l
	if t.answered == t.count {
		return nil
	}
	c, end := t.cursor, t.count+l.Lag
	c.x, c.state = l.ended(t), slices.Clone(c.state)
	if s.carry {
		return s.walk(ctx, t, &c, end)
	}
	for to := l.First(c.at); to < end; {
		if to = min(c.at+l.Reach, end); l.Whole && c.at+l.Span >= end {
			to = end // what is behind the middle has no more rows behind it in the next window
		}
		if err := s.enqueue(ctx, t, &c, to); err != nil {
			return err
		}
	}
	return nil
}

// ended is what a track has of the extended series, as if that ended here.
func (l *engine) ended(t *track) []float32 {
	x, last := t.inputs.Rest(slices.Clip(t.x)), t.last
	if t.made == 0 {
		x = l.extended(x)
	}
	if len(x) > 0 {
		last = x[len(x)-l.features:]
	}
	return append(slices.Clip(x), slices.Repeat(last, l.Lag+l.Behind)...)
}

// Flush answers all rows that wait, their series having ended.
func (s *strand) flush(ctx context.Context) error {
	for _, series := range slices.Sorted(maps.Keys(s.tracks)) {
		if err := s.end(ctx, s.tracks[series]); err != nil {
			return err
		}
	}
	return s.run(ctx)
}

// limit answers the older half of the rows when too many wait.
func (s *strand) limit(ctx context.Context) error {
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
