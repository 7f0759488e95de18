package events

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// span is the rows of an event in a part of a target, numbered as in its data.
type span struct {
	first, last int // both belong to it
	class       int16
	event       *listed
}

// place appends where an event is to the spans of the parts of its target.
func (m *marker) place(t *target, e *listed, spans [][]span) error {
	class, err := m.class(e.Label)
	if err != nil {
		return m.at(e.line, m.labelColumn, "%w", err)
	}
	from, to := e.Start, e.End
	switch {
	case e.instant():
		from, to = around(e.Start, m.options.Tolerance.Value)
	case e.open:
		to -= slack(max(math.Abs(from), math.Abs(to)))
	}
	found := false
	for i, p := range t.parts {
		if err := m.comparable(e, p); err != nil {
			return err
		}
		first, last := p.rows(from, to)
		if first > last {
			continue
		}
		found = true
		if _, midnight := p.rows(from, e.End-daySeconds); e.wholeDay && midnight < last {
			m.days.add(e.line)
		}
		if m.positive == "" || class == 1 {
			spans[i] = append(spans[i], span{first, last, class, e})
		}
	}
	if _, last := t.span(); found && !m.whole && !e.instant() && to-last > last-from && !math.IsInf(to, 1) {
		m.beyond.add(e.line)
	}
	if first, last := math.Inf(-1), math.Inf(1); !found {
		if m.seconds {
			first, last = t.span()
		}
		if to >= first && from <= last {
			return m.noRow(t, e)
		}
		m.outside.count++
	}
	return nil
}

// around is from when to when rows belong to an instant, with what rounding may add.
func around(instant, tolerance float64) (from, to float64) {
	if tolerance == 0 {
		return instant, instant
	}
	tolerance += slack(max(math.Abs(instant), tolerance))
	return instant - tolerance, instant + tolerance
}

// slack is what rounding may add to times of a size.
func slack(size float64) float64 {
	const ulps = 4
	return ulps * (math.Nextafter(size, math.Inf(1)) - size)
}

// comparable is the error if e cannot be found among the times of d.
func (m *marker) comparable(e *listed, p part) error {
	d, stamps := p.data, p.data.Time != nil && p.data.Stamps && !p.byRow
	switch {
	case stamps == e.start.stamp || m.whole:
		return nil
	case stamps:
		return m.at(e.line, "", "the event starts at %s, a number, and the times of the data are timestamps", e.start.text)
	case d.Time == nil:
		return m.at(e.line, "", "the event starts at %s, a timestamp, and the data has no time column (Options.Time names one)", e.start.text)
	}
	return m.at(e.line, "", "the event starts at %s, a timestamp, and the times of the data are numbers (column %q)", e.start.text, d.TimeColumn)
}

// rows are the first and the last row of p that are from from to to; none if first > last.
func (p *part) rows(from, to float64) (first, last int) {
	first = sort.Search(p.Len(), func(i int) bool { return p.at(i) >= from })
	last = sort.Search(p.Len(), func(i int) bool { return p.at(i) > to }) - 1
	return p.Start + first, p.Start + last
}

// noRow is the error for an event without a row.
func (m *marker) noRow(t *target, e *listed) error {
	what := fmt.Sprintf("from %s to %s", e.start.text, e.end.text)
	if e.instant() {
		what = "at " + e.start.text
	}
	low, high := t.parts[0], t.parts[len(t.parts)-1]
	first, last := t.span()
	if low.byRow {
		return m.at(e.line, "", "no row is %s: series %q has the rows 0 to %.0f, and column %q counts rows", what, t.name, last, m.timeColumn)
	}
	if low.data.Time == nil {
		return m.at(e.line, "", "no row is %s: series %q has the rows 0 to %.0f, as there is no time column (Options.Time names one)", what, t.name, last)
	}
	from, to := series.TimeText(first, low.data.Stamps), series.TimeText(last, high.data.Stamps)
	switch {
	case e.End < first || e.Start > last:
		const far = 100 // times the length of the series
		hint := ""
		if !low.data.Stamps && (e.start.unit == 0 || t.unit == 0) && e.Start-first > far*(last-first) {
			hint = " (units that differ are known by names of columns such as start_s and t_ms)"
		}
		return m.at(e.line, "", "no row is %s: the times of series %q are from %s to %s%s", what, t.name, from, to, hint)
	case e.instant():
		return m.at(e.line, "", "no row of series %q is %s, between two rows (Options.Tolerance takes those around it)", t.name, what)
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
