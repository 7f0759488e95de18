package events

import (
	"math"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// byRow reports whether events are by numbers of rows, which the times of d are not.
func (l *List) byRow(d *series.Data) bool {
	if !l.counts || len(d.Time) < 2 {
		return false
	}
	name, first := series.ParseName(d.TimeColumn), d.Time[0]
	same := name.Rows || !d.Stamps && !d.Seconds && name.Unit == 0 && series.EpochUnit(first) == 0 && first == math.Trunc(first) && d.Time[1]-first == 1
	return !same
}

// unitOf is how many seconds a unit of the times of d is, and whether these are since 1970; 0 if nothing tells.
func unitOf(d *series.Data) (unit float64, since bool) {
	switch {
	case len(d.Time) == 0:
		return 0, false
	case d.Stamps:
		return 1, true
	case series.EpochUnit(d.Time[0]) > 0:
		return series.EpochUnit(d.Time[0]), true
	case d.Seconds:
		return 1, false
	}
	return series.ParseName(d.TimeColumn).Unit, false
}

// fit puts the times of an event in the units of its data's. Where both are times since 1970, timestamps and numbers are the same.
func (m *marker) fit(e *listed, t *target) {
	d := t.parts[0].data
	if t.parts[0].byRow || m.whole {
		return
	}
	own, number := e.start.unit, !e.start.stamp
	switch at := series.EpochUnit(e.Start); {
	case m.millis && d.Stamps && number:
		own, e.start.stamp = 1e-3, true
	case t.since && (!number || at > 0):
		if e.start.stamp = d.Stamps; number {
			own = at
		}
	}
	start := scaled(e.Start, own, t.unit)
	if e.lasting > 0 {
		e.End = start + scaled(e.End-e.Start, e.lasting, t.unit)
	} else {
		e.End = scaled(e.End, own, t.unit)
	}
	e.Start = start
}

// scaled is a time in other units; the same if one is not known.
func scaled(t, from, to float64) float64 {
	switch {
	case from == 0 || to == 0:
		return t
	case from < to:
		return t / math.Round(to/from)
	}
	return t * math.Round(from/to)
}

// checkUnits is the error for times of events that have a unit, where it is not known which those of the data have.
func (l *List) checkUnits(d *series.Data) error {
	other := func(unit float64) bool { return unit != 0 && unit != 1 }
	if unit, _ := unitOf(d); unit != 0 || d.Time == nil || l.byRow(d) || !other(l.unit) && !other(l.lasting) {
		return nil
	}
	return l.at(0, l.timeColumn, "it has a unit, and column %q of the data has none: a name without one, such as start or duration, is for times of the same unit", d.TimeColumn)
}
