package events

import (
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Options say what events mean. Every field belongs to the flag that its comment names.
type Options struct {
	Classes   []string      // names of the classes, the first being that of the rows outside events; empty: those that there are
	Positive  string        // the label that is class 1, rows of all others being 0; "": Classes
	Tolerance series.Length // how far from an instant rows belong to it; needed where no column gives the end
	Divided   bool          // gaps in time may divide series
}

// Mark sets Labels and Classes of all data to what the events are. An event needs to have a row
// in some of the data.
func (l *List) Mark(o Options, all ...*series.Data) ([]table.Warning, error) {
	if err := l.checkEnds(o); err != nil {
		return nil, err
	}
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
	warnings []table.Warning
	joined   place // events of one label that overlap
	meeting  place // of different labels that share a row
	outside  place // annotations before or behind all rows
	beyond   place // events that go on behind the last row, for longer than before it
	days     place // that last until the end of a day, which changes their rows
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
		if (d.Time == nil || m.byRow(d)) && (d.Input > d.Len() || m.resampled) && !m.whole {
			return m.at(0, "", "cannot place events by row number: rows with missing features were dropped, or resampled; set Options.Time")
		}
		if err := m.checkUnits(d); err != nil {
			return err
		}
		if m.seconds && d.Time == nil {
			return m.at(0, "", "annotations are at so many seconds, and the data has no time column (Options.Time names one)")
		}
		if m.seconds && !d.Seconds && !d.Stamps {
			m.warnings = append(m.warnings, table.Warning{File: m.File, Text: fmt.Sprintf("annotations are at so many seconds; if the times of column %q are not, they are at wrong rows", d.TimeColumn)})
		}
		if err := m.options.Tolerance.Check(d.Time != nil && d.Stamps, d.Seconds); err != nil {
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
			if m.of[t] == nil {
				m.having = append(m.having, t)
				m.settle(t)
			}
			m.fit(&e, t)
			used = append(used, e)
			m.of[t] = append(m.of[t], e)
		}
	}
	m.classifier, err = m.newClassifier(used, m.options)
	if err == nil && m.positive != "" {
		err = m.checkPositive(used)
	}
	return err
}

// checkPositive is the error if no event is what Options.Positive means.
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
		return m.at(0, "", "events have no labels, so none is %q (Options.Positive)", m.positive)
	}
	return m.at(0, "", "no event is %q (Options.Positive); labels: %s", m.positive, table.List(labels))
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
