package events

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Options say what events mean. Every field belongs to the flag that its comment names.
type Options struct {
	Classes   []string      // --classes: names of the classes, the first being that of the rows outside events; empty: those that there are
	Positive  string        // --positive: the label that is class 1, rows of all others being 0; "": Classes
	Tolerance series.Length // --event-tolerance: how far from an instant rows belong to it
	Divided   bool          // --max-gap: gaps in time may divide series
}

// span is the rows of an event in a part of a target, numbered as in its data.
type span struct {
	first, last int // both belong to it
	class       int16
	event       *listed
}

// Mark sets Labels and Classes of all data to what the events are. An event needs to have a row
// in some of the data.
func (l *List) Mark(o Options, all ...*series.Data) ([]series.Warning, error) {
	m := marker{List: l, options: o}
	if err := m.checkData(all); err != nil {
		return nil, err
	}
	targets := targetsOf(all, o.Divided)
	if err := m.find(targets); err != nil {
		return nil, err
	}
	for _, d := range all {
		d.Label, d.Events = "", l.File
		d.Classes, d.Labels = m.classes, make([]int16, d.Len())
	}
	if err := m.mark(); err != nil {
		return nil, err
	}
	m.warnOf(targets, all)
	m.warnOfCopies(all[0])
	return m.warnings, nil
}

// marker makes labels of events.
type marker struct {
	*List
	*classifier
	options  Options
	having   []*target // of which there are events
	of       map[*target][]listed
	warnings []series.Warning
	joined   place // events of one label that overlap
	meeting  place // of different labels that share a row
}

// place is where something was seen first, and how often.
type place struct{ line, count int }

func (p *place) add(line int) {
	if p.count == 0 || line < p.line {
		p.line = line
	}
	p.count++
}

// checkData refuses data of which events cannot be found.
func (m *marker) checkData(all []*series.Data) error {
	for _, d := range all {
		if d.Time == nil && d.Input > d.Len() {
			return m.at(0, "", "events are counted in rows, and rows that lack a feature were left out: --time names a column of times, or --missing another way")
		}
		if err := m.options.Tolerance.Check(d.Time != nil && d.Stamps); err != nil {
			return err
		}
	}
	return nil
}

// find finds out which events are at hand, and which classes they have.
func (m *marker) find(targets []*target) error {
	assigned, err := m.assign(targets)
	if err != nil {
		return err
	}
	var used []listed
	m.of = map[*target][]listed{}
	for _, e := range m.events {
		if t := assigned[e.Series]; t != nil {
			if d := t.parts[0].data; m.millis && d.Time != nil && d.Stamps && !e.start.stamp {
				e.Start, e.End, e.start.stamp = e.Start/1000, e.End/1000, true
			}
			used = append(used, e)
			if m.of[t] == nil {
				m.having = append(m.having, t)
			}
			m.of[t] = append(m.of[t], e)
		}
	}
	m.classifier, err = m.newClassifier(used, m.options)
	if err == nil && m.positive != "" {
		err = m.checkPositive(used)
	}
	return err
}

// checkPositive is the error if no event is what --positive means.
func (m *marker) checkPositive(used []listed) error {
	var labels []string
	for _, e := range used {
		if class, err := m.class(e.Label); err == nil && class == 1 {
			return nil
		}
		if e.Label != "" && !slices.Contains(labels, e.Label) && len(labels) < mostClasses {
			labels = append(labels, e.Label)
		}
	}
	if len(labels) == 0 {
		return m.at(0, "", "events have no labels, so none is %q (--positive)", m.positive)
	}
	return m.at(0, "", "no event is %q (--positive); labels: %s", m.positive, series.List(labels))
}

// mark labels the rows of the events.
func (m *marker) mark() error {
	for _, t := range m.having {
		events, spans := m.of[t], make([][]span, len(t.parts))
		for i := range events {
			if err := m.place(t, &events[i], spans); err != nil {
				return err
			}
		}
		for i, p := range t.parts {
			if err := m.label(p.data, spans[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// place appends where an event is to the spans of the parts of its target.
func (m *marker) place(t *target, e *listed, spans [][]span) error {
	class, err := m.class(e.Label)
	if err != nil {
		return m.at(e.line, labelColumn, "%w", err)
	}
	from, to := e.Start, e.End
	if e.instant() {
		from, to = around(e.Start, m.options.Tolerance.Value)
	}
	found := false
	for i, p := range t.parts {
		if err := m.comparable(e, p.data); err != nil {
			return err
		}
		first, last := p.rows(from, to)
		if first > last {
			continue
		}
		found = true
		if m.positive == "" || class == 1 {
			spans[i] = append(spans[i], span{first, last, class, e})
		}
	}
	if !found {
		return m.noRow(t, e)
	}
	return nil
}

// around is from when to when rows belong to an instant, with what rounding may add.
func around(instant, tolerance float64) (from, to float64) {
	if tolerance == 0 {
		return instant, instant
	}
	const ulps = 4
	size := max(math.Abs(instant), tolerance)
	slack := ulps * (math.Nextafter(size, math.Inf(1)) - size)
	return instant - tolerance - slack, instant + tolerance + slack
}

// comparable is the error if e cannot be found among the times of d.
func (m *marker) comparable(e *listed, d *series.Data) error {
	stamps := d.Time != nil && d.Stamps
	switch {
	case stamps == e.start.stamp:
		return nil
	case stamps:
		return m.at(e.line, "", "the event starts at %s, a number, and the times of the data are timestamps", e.start.text)
	case d.Time == nil:
		return m.at(e.line, "", "the event starts at %s, a timestamp, and the data has no time column (--time names one)", e.start.text)
	}
	return m.at(e.line, "", "the event starts at %s, a timestamp, and the times of the data are numbers (column %q)", e.start.text, d.TimeColumn)
}

// rows are the first and the last row of p that are from from to to; none if first > last.
func (p *part) rows(from, to float64) (first, last int) {
	at := func(i int) float64 { return float64(i) }
	if t := p.data.Time; t != nil {
		at = func(i int) float64 { return t[p.Start+i] }
	}
	first = sort.Search(p.Len(), func(i int) bool { return at(i) >= from })
	last = sort.Search(p.Len(), func(i int) bool { return at(i) > to }) - 1
	return p.Start + first, p.Start + last
}

// noRow is the error for an event without a row.
func (m *marker) noRow(t *target, e *listed) error {
	what := fmt.Sprintf("from %s to %s", e.start.text, e.end.text)
	if e.instant() {
		what = "at " + e.start.text
	}
	low, high := t.parts[0], t.parts[len(t.parts)-1]
	if low.data.Time == nil {
		return m.at(e.line, "", "no row is %s: series %q has the rows 0 to %d, as there is no time column (--time names one)", what, t.name, low.Len()-1)
	}
	first, last := t.span()
	from, to := clockText(first, low.data.Stamps), clockText(last, high.data.Stamps)
	switch {
	case e.End < first || e.Start > last:
		return m.at(e.line, "", "no row is %s: the times of series %q are from %s to %s", what, t.name, from, to)
	case e.instant():
		return m.at(e.line, "", "no row of series %q is %s, between two rows (--event-tolerance takes those around it)", t.name, what)
	}
	return m.at(e.line, "", "no row of series %q is %s, between two rows", t.name, what)
}

// label labels the rows of spans, which must not contradict each other.
func (m *marker) label(d *series.Data, spans []span) error {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
	})
	for i, s := range spans {
		if i > 0 && s.first <= spans[i-1].last {
			before := spans[i-1] // which reaches the furthest
			switch {
			case s.class == before.class:
				m.joined.add(s.event.line)
			case s.first == before.last && before.first < before.last:
				m.meeting.add(s.event.line)
			default:
				return m.at(s.event.line, "", "the event (%s) overlaps with that of line %d (%s), which has another label",
					m.describe(s), before.event.line, m.describe(before))
			}
		}
		for row := s.first; row <= s.last; row++ {
			d.Labels[row] = s.class
		}
		if i > 0 && spans[i-1].last > s.last {
			spans[i] = spans[i-1]
		}
	}
	return nil
}

func (m *marker) describe(s span) string {
	return fmt.Sprintf("%s from %s to %s", m.classes[s.class], s.event.start.text, s.event.end.text)
}

// warnOf notes what may not be meant.
func (m *marker) warnOf(targets []*target, all []*series.Data) {
	warn := func(line int, format string, args ...any) {
		m.warnings = append(m.warnings, series.Warning{File: m.File, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if p := m.joined; p.count > 0 {
		warn(p.line, "events of the same label overlap and are taken as one (%d in all)", p.count)
	}
	if p := m.meeting; p.count > 0 {
		warn(p.line, "events begin in the last row of others, which is taken as theirs (%d in all)", p.count)
	}
	if n := countOf(targets, (*target).bare); n > 0 && len(targets) > 1 {
		warn(0, "%d of %d series have no event: all their rows are %q", n, len(targets), m.classes[0])
	}
	var none []string
	for class, name := range m.classes {
		if !slices.ContainsFunc(all, func(d *series.Data) bool { return d.Count()[class] > 0 }) {
			none = append(none, name)
		}
	}
	if len(none) > 0 {
		warn(0, "no row is %s", series.List(none))
	}
}

// bare reports whether no row of t is of an event.
func (t *target) bare() bool {
	return !slices.ContainsFunc(t.parts, func(p part) bool {
		return slices.ContainsFunc(p.data.Labels[p.Start:p.End], func(label int16) bool { return label > 0 })
	})
}

func countOf[T any](all []T, is func(T) bool) int {
	n := 0
	for _, v := range all {
		if is(v) {
			n++
		}
	}
	return n
}

// warnOfCopies warns of features that are the labels: as they would be of a column of labels
// that nobody has excluded.
func (m *marker) warnOfCopies(d *series.Data) {
	for k, name := range d.Features {
		if copies(d, k) {
			m.warnings = append(m.warnings, series.Warning{Column: name,
				Text: fmt.Sprintf("has the labels' numbers, so it would give them away; --exclude %s leaves it out", name)})
		}
	}
}

// copies reports whether feature k is the number of the class on nearly all rows, both those of
// events and those outside.
func copies(d *series.Data, k int) bool {
	var rows, same [2]int
	for i, label := range d.Labels {
		in := min(label, 1)
		rows[in]++
		if d.X[i*len(d.Features)+k] == float32(label) {
			same[in]++
		}
	}
	return rows[1] > 0 && 100*same[0] >= 99*rows[0] && 100*same[1] >= 99*rows[1]
}

// clockText is a time as a file might have it.
func clockText(t float64, stamp bool) string {
	if stamp {
		return series.Stamp(t)
	}
	return strconv.FormatFloat(t, 'f', -1, 64)
}
