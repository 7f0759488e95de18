package metrics

import (
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
)

// Events compare the events that a model finds with those of the labels: runs of any class
// but the first, the background. The rows that count are looked at stretch by stretch, as if
// a series began behind each row that does not, so that an event is cut off there.
//
// An event is right if there is one of the labels for it, of its class; each is paired once,
// and so that as many are right as can be. Unlike Segments they have no part in the
// background, and depend on the times of the rows where there are any.
type Events struct {
	Background string       `json:"background"`
	Tolerance  *Number      `json:"tolerance,omitempty"` // of Onset, in the units of the times; seconds for timestamps
	Unit       string       `json:"unit"`                // of lengths of time: "seconds", "time" for those of the time column, or "rows"
	Overlap    EventScores  `json:"overlap"`             // for those right that have a row in common with theirs
	Onset      *EventScores `json:"onset,omitempty"`     // for those that begin within Tolerance of theirs
}

// EventScores are the metrics of events. Errors are of those that are right, found less
// labelled: an onset error below 0 is early.
type EventScores struct {
	EventCounts
	OnsetError  EventError         `json:"onset_error"`
	OffsetError EventError         `json:"offset_error"`
	PerHour     Number             `json:"false_alarms_per_hour"` // not defined unless times are timestamps
	PerRows     Number             `json:"false_alarms_per_1000_rows"`
	Classes     []ClassEventCounts `json:"classes"` // all but the background
}

// EventCounts are numbers of events, and what follows from them alone.
type EventCounts struct {
	Labelled    int    `json:"labelled"`
	Found       int    `json:"found"`
	Right       int    `json:"right"`
	Sensitivity Number `json:"sensitivity"` // right of those labelled
	Precision   Number `json:"precision"`   // right of those found
	F1          Number `json:"f1"`
}

// ClassEventCounts are those of one class.
type ClassEventCounts struct {
	Name string `json:"name"`
	EventCounts
}

// EventError is how far off times are.
type EventError struct {
	Mean         Number `json:"mean"`
	MeanAbsolute Number `json:"mean_absolute"`
}

// EventInput says how events are found and compared.
type EventInput struct {
	Rules     events.Rules
	Time      []float64 // [N] of the steps, if Rules.Timed; else they are numbered within each series
	Stamps    bool      // times are timestamps
	Tolerance float64   // for Onset
	Onset     bool
}

// CompareEvents finds the events of in that are labelled and those that the rules find.
func CompareEvents(in Input, by EventInput) (*Events, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	c := eventComparison{in: &in, by: &by}
	for _, span := range in.spans() {
		if err := c.add(span); err != nil {
			return nil, err
		}
	}
	e := &Events{Background: in.Classes[0], Unit: by.unit(), Overlap: c.score(overlapping)}
	if by.Onset {
		tolerance, onset := Number(by.Tolerance), c.score(by.beginTogether)
		e.Tolerance, e.Onset = &tolerance, &onset
	}
	return e, nil
}

func (by *EventInput) unit() string {
	switch {
	case !by.Rules.Timed:
		return "rows"
	case by.Stamps:
		return "seconds"
	}
	return "time"
}

// eventComparison gathers the events of all stretches.
type eventComparison struct {
	in        *Input
	by        *EventInput
	stretches []eventStretch
	rows      int
	seconds   float64 // that the stretches last, if times are timestamps
}

// eventStretch is the events of a stretch by their classes, [C] each, in order of time.
type eventStretch struct{ labelled, found [][]events.Event }

// add adds the stretches of a series.
func (c *eventComparison) add(s Span) error {
	for start := s.Start; start < s.End; {
		end := start
		for end < s.End && c.in.counts(end) {
			end++
		}
		if end > start {
			if err := c.addStretch(s, start, end); err != nil {
				return err
			}
		}
		start = max(end, start) + 1
	}
	return nil
}

func (c *eventComparison) addStretch(s Span, start, end int) error {
	in, C := c.in, len(c.in.Classes)
	time := c.by.times(s, start, end)
	e := eventStretch{make([][]events.Event, C), make([][]events.Event, C)}
	for _, r := range runs(in.Label[start:end]) {
		if r.label > 0 {
			e.labelled[r.label] = append(e.labelled[r.label], events.Event{Start: time[r.start], End: time[r.end-1]})
		}
	}
	finder := events.NewFinder(c.by.Rules, func(f events.Found) error {
		k := slices.Index(in.Classes, f.Label)
		if !c.by.Rules.Timed { // numbered from 0
			f.Start, f.End = f.Start+time[0], f.End+time[0]
		}
		e.found[k] = append(e.found[k], f.Event)
		return nil
	})
	rows := events.Rows{Series: make([]int32, end-start), Time: time, Probability: in.Probability[start*C : end*C]}
	for i := start; i < end; i++ {
		rows.Label = append(rows.Label, in.answer(i))
	}
	if err := finder.Add(rows); err != nil {
		return err
	}
	c.stretches = append(c.stretches, e)
	c.rows += end - start
	if c.by.Stamps {
		c.seconds += time[len(time)-1] - time[0]
	}
	return finder.Flush()
}

// times are those of the steps start to end-1, which are in the series s.
func (by *EventInput) times(s Span, start, end int) []float64 {
	if by.Rules.Timed {
		return by.Time[start:end]
	}
	times := make([]float64, end-start)
	for i := range times {
		times[i] = float64(start - s.Start + i)
	}
	return times
}

// overlapping reports whether events have a time in common.
func overlapping(a, b events.Event) bool { return a.Start <= b.End && b.Start <= a.End }

func (by *EventInput) beginTogether(a, b events.Event) bool {
	return events.Within(a.Start, b.Start, by.Tolerance)
}

// score pairs the events of each stretch.
func (c *eventComparison) score(right func(a, b events.Event) bool) EventScores {
	var s EventScores
	var onset, offset errorSum
	for k, name := range c.in.Classes[1:] {
		class := ClassEventCounts{Name: name}
		for _, e := range c.stretches {
			labelled, found := e.labelled[k+1], e.found[k+1]
			class.Labelled, class.Found = class.Labelled+len(labelled), class.Found+len(found)
			pairEvents(labelled, found, right, func(l, f events.Event) {
				class.Right++
				onset.add(f.Start - l.Start)
				offset.add(f.End - l.End)
			})
		}
		class.derive()
		s.Classes = append(s.Classes, class)
		s.Labelled, s.Found, s.Right = s.Labelled+class.Labelled, s.Found+class.Found, s.Right+class.Right
	}
	s.derive()
	s.OnsetError, s.OffsetError = onset.mean(), offset.mean()
	alarms := float64(s.Found - s.Right)
	s.PerRows, s.PerHour = Number(alarms/float64(c.rows)*1000), undefined
	if c.seconds > 0 {
		s.PerHour = Number(alarms / c.seconds * 3600)
	}
	return s
}

func (c *EventCounts) derive() {
	c.Sensitivity, c.Precision = ratio(c.Right, c.Labelled), ratio(c.Right, c.Found)
	c.F1 = ratio(2*c.Right, c.Labelled+c.Found)
}

// pairEvents pairs events of two lists, each in order of time and without overlap. The
// first two that belong together are a pair in some largest set of pairs, so it takes them.
func pairEvents(labelled, found []events.Event, right func(a, b events.Event) bool, pair func(labelled, found events.Event)) {
	for len(labelled) > 0 && len(found) > 0 {
		l, f := labelled[0], found[0]
		switch {
		case right(l, f):
			pair(l, f)
			labelled, found = labelled[1:], found[1:]
		case l.Start < f.Start:
			labelled = labelled[1:]
		default:
			found = found[1:]
		}
	}
}

// errorSum adds up how far off times are.
type errorSum struct {
	n             int
	sum, absolute float64
}

func (e *errorSum) add(d float64) {
	e.n++
	e.sum += d
	e.absolute += math.Abs(d)
}

func (e *errorSum) mean() EventError {
	n := float64(e.n)
	return EventError{Number(e.sum / n), Number(e.absolute / n)} // undefined for none
}
