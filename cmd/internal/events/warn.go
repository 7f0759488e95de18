package events

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// warnOf notes what may not be meant.
func (m *marker) warnOf(targets []*target, all []*series.Data) {
	warn := func(line int, format string, args ...any) {
		m.warnings = append(m.warnings, table.Warning{File: m.File, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if outside := m.classes[0]; !m.whole && len(m.options.Classes) == 0 && m.positive == "" && outside != "none" && outside != "0" {
		warn(0, "rows outside events are %q, by its name, like the events of that label (Options.Classes with another one first says otherwise)", outside)
	}
	if d := all[0]; m.byRow(d) {
		warn(0, "column %q is taken for numbers of rows, from 0 in each series, and not for times (column %q of the data)", m.timeColumn, d.TimeColumn)
	}
	if d := all[0]; d.Stamps && d.TimeZone == "" && slices.ContainsFunc(m.events, func(e listed) bool { return e.start.stamp && zoned.MatchString(e.start.text) != d.Zoned }) {
		warn(0, "either events or the times of the data name no time zone, and are taken as UTC (Options.TimeZone names another)")
	}
	for _, t := range m.having {
		if m.early(t) {
			warn(m.of[t][0].line, "all events are in the first %d-th of series %q; if units differ, as seconds and milliseconds do, names of columns such as start_s and t_ms say so", earlyPart, t.name)
		}
	}
	if n := m.outside.count; n > 0 {
		warn(0, "annotations before or behind all rows, which are not used: %d", n)
	}
	if p := m.beyond; p.count > 0 {
		warn(p.line, "%d events go on behind the last row for longer than before it, and end there", p.count)
	}
	if p := m.days; p.count > 0 {
		warn(p.line, "an end that is a day alone is the end of that day (events: %d)", p.count)
	}
	if p := m.joined; p.count > 0 {
		warn(p.line, "%d events overlap with others of the same label, and count as one with them", p.count)
	}
	if p := m.meeting; p.count > 0 {
		warn(p.line, "%d events start on the last row of another; that row gets the later label", p.count)
	}
	if marked := slices.DeleteFunc(slices.Clone(targets), (*target).bare); len(marked) < len(targets) && len(targets) > 1 && !m.whole {
		warn(0, "%d of %d series have no event: all their rows are %q", len(targets)-len(marked), len(targets), m.classes[0])
	}
	var none []string
	for class, name := range m.classes {
		if !slices.ContainsFunc(all, func(d *series.Data) bool { return d.Count()[class] > 0 }) {
			none = append(none, name)
		}
	}
	if len(none) > 0 {
		warn(0, "no row is %s", table.List(none))
	}
}

// earlyPart of a series, at most, holds all events where its times are thousandths of theirs.
const earlyPart = 500

// early reports whether several events are all there, and units are not known.
func (m *marker) early(t *target) bool {
	d, last := t.parts[0].data, math.Inf(-1)
	for _, e := range m.of[t] {
		if last = max(last, e.End); e.start.unit > 0 && t.unit > 0 {
			return false
		}
	}
	from, to := t.span()
	return len(m.of[t]) > 1 && d.Time != nil && !d.Stamps && !t.parts[0].byRow && !m.whole && !m.seconds && earlyPart*(last-from) < to-from
}

// bare reports whether no row of t is of an event.
func (t *target) bare() bool {
	return !slices.ContainsFunc(t.parts, func(p part) bool {
		return slices.ContainsFunc(p.data.Labels[p.Start:p.End], func(label int16) bool { return label > 0 })
	})
}

// warnOfCopies warns of features that are the labels: as they would be of a column of labels
// that nobody has excluded.
func (m *marker) warnOfCopies(d *series.Data) {
	for k, name := range d.Features {
		if copies(d, k) {
			m.warnings = append(m.warnings, table.Warning{Column: name,
				Text: fmt.Sprintf("has the labels' numbers, so it would give them away; Options.Exclude %s leaves it out", table.ShellWord(name))})
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
