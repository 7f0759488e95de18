package events

import (
	"maps"
	"math"
	"slices"
)

// Found is an event that a model has found. What short gaps lie in it are part of it.
type Found struct {
	Event
	Rows            int
	MeanProbability float64 // of its class, over its rows
	PeakProbability float64 // of its class, the largest of a row

	StartText, EndText string // the times as the data has them, where they are timestamps
}

// Rules tell which rows make events. The first class is the background; the rows of every
// other one are events. Lengths are in the units of the times or, without any, in rows.
type Rules struct {
	Classes   []string // [C]
	Timed     bool     // rows have times
	Threshold float64  // of two classes: an event begins where the second one's probability is at least this
	Off       float64  // and lasts while it is at least this, which is not above Threshold
	MergeGap  float64  // events of one class that are this far apart, or less, are one, unless another is between them; 0: none
	MinLength float64  // shorter ones are left out
}

// Rows are consecutive rows of any series.
type Rows struct {
	Series      []int32              // [n] number of the row's series
	Time        []float64            // [n] never less than that of an earlier row of the series; not used where rows are numbered from 0
	Probability []float32            // [n,C]
	Label       []int16              // [n] the class; not used of two classes
	TimeText    func(row int) string // the time of row i as the data has it; nil: numbers
}

// Finder finds events in rows as they come, the series in any order. It hands each over as
// soon as no row to come can change it.
type Finder struct {
	rules  Rules
	found  func(Found) error
	tracks map[int32]*track

	current Rows     // of Add
	touched []*track // those whose events have their last row, so far, among the current ones
}

// NewFinder returns a Finder that calls found for each event. The error of found ends the work.
func NewFinder(r Rules, found func(Found) error) *Finder {
	return &Finder{rules: r, found: found, tracks: map[int32]*track{}}
}

// track is what is known of one series.
type track struct {
	name  string
	rows  int
	event *candidate // nil: none
}

// candidate is an event that may go on.
type candidate struct {
	Event
	startText, endText string
	class              int16
	lasts              bool  // its last row was the series' last
	own, gap           tally // of its rows, and of those behind it
	last               int   // its last row, among those of the current Add; -1: of an earlier one
}

// tally is what rows are worth to an event.
type tally struct {
	rows int
	sum  float64 // of the class's probabilities
	peak float64
}

func (t tally) and(o tally) tally { return tally{t.rows + o.rows, t.sum + o.sum, max(t.peak, o.peak)} }

// Begin names a series, which is "" otherwise.
func (f *Finder) Begin(series int32, name string) { f.track(series).name = name }

func (f *Finder) track(series int32) *track {
	t := f.tracks[series]
	if t == nil {
		t = new(track)
		f.tracks[series] = t
	}
	return t
}

// Add goes on with rows.
func (f *Finder) Add(r Rows) error {
	f.current = r
	C := len(f.rules.Classes)
	for i, series := range r.Series {
		t := f.track(series)
		if err := f.add(t, i, r.Probability[i*C:(i+1)*C]); err != nil {
			return err
		}
		t.rows++
	}
	for _, t := range f.touched {
		f.settle(t.event)
	}
	f.current, f.touched = Rows{}, f.touched[:0]
	return nil
}

// End ends a series, which has no more rows.
func (f *Finder) End(series int32) error {
	t := f.tracks[series]
	delete(f.tracks, series)
	if t == nil {
		return nil
	}
	return f.end(t)
}

// Flush ends all series.
func (f *Finder) Flush() error {
	for _, series := range slices.Sorted(maps.Keys(f.tracks)) {
		if err := f.End(series); err != nil {
			return err
		}
	}
	return nil
}

// settle takes the text of the last row while that is at hand.
func (f *Finder) settle(c *candidate) {
	if c != nil && c.last >= 0 {
		c.endText, c.last = f.text(c.last), -1
	}
}

// text is the time of row i as the data has it.
func (f *Finder) text(i int) string {
	if f.current.TimeText == nil {
		return ""
	}
	return f.current.TimeText(i)
}

// time is that of row i, the next one of t.
func (f *Finder) time(t *track, i int) float64 {
	if !f.rules.Timed {
		return float64(t.rows)
	}
	return f.current.Time[i]
}

// class is that of row i, the next one of t.
func (f *Finder) class(t *track, i int, probability []float32) int16 {
	if len(probability) > 2 {
		return f.current.Label[i]
	}
	least := f.rules.Threshold
	if t.event != nil && t.event.lasts {
		least = f.rules.Off
	}
	if float64(probability[1]) >= least {
		return 1
	}
	return 0
}

// add adds row i, the next one of t.
func (f *Finder) add(t *track, i int, probability []float32) error {
	class, time := f.class(t, i, probability), f.time(t, i)
	if c := t.event; c != nil {
		p := float64(probability[c.class])
		switch {
		case class == c.class && (c.lasts || f.near(c, f.before(time))):
			f.extend(t, i, time, p)
			return nil
		case class == 0 && f.near(c, time): // so that another could join it
			c.lasts, c.gap = false, c.gap.and(tally{1, p, p})
			return nil
		}
		if err := f.end(t); err != nil {
			return err
		}
	}
	if class > 0 {
		t.event = &candidate{Event: Event{Series: t.name, Start: time, Label: f.rules.Classes[class]},
			startText: f.text(i), class: class, last: -1}
		f.extend(t, i, time, float64(probability[class]))
	}
	return nil
}

// before is a time less the row that has it: of rows, those between two events count.
func (f *Finder) before(time float64) float64 {
	if f.rules.Timed {
		return time
	}
	return time - 1
}

// near reports whether a time is within the gap that is closed.
func (f *Finder) near(c *candidate, time float64) bool {
	return f.rules.MergeGap > 0 && Within(c.End, time, f.rules.MergeGap)
}

// extend makes row i the last of the event of t.
func (f *Finder) extend(t *track, i int, time, probability float64) {
	c := t.event
	c.own = c.own.and(c.gap).and(tally{1, probability, probability})
	c.gap, c.End, c.lasts = tally{}, time, true
	if c.last < 0 {
		f.touched = append(f.touched, t)
	}
	c.last = i
}

// end hands the event of t over, if it is long enough.
func (f *Finder) end(t *track) error {
	c := t.event
	t.event = nil
	if c == nil {
		return nil
	}
	f.settle(c)
	if !f.longEnough(c) {
		return nil
	}
	return f.found(Found{
		Event: c.Event, Rows: c.own.rows, MeanProbability: c.own.sum / float64(c.own.rows), PeakProbability: c.own.peak,
		StartText: c.startText, EndText: c.endText,
	})
}

func (f *Finder) longEnough(c *candidate) bool {
	if !f.rules.Timed {
		return float64(c.own.rows) >= f.rules.MinLength
	}
	return c.End-c.Start >= f.rules.MinLength || Within(c.Start+f.rules.MinLength, c.End, 0)
}

// Within reports whether two times are no further apart than a length, but for rounding.
func Within(a, b, length float64) bool {
	return math.Abs(b-a) <= length+slack(max(math.Abs(a), math.Abs(b)))
}
