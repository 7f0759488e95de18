package events

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Names of columns, as series.PlainName has them, the surest first.
var (
	momentNames   = []string{"time", "timestamp", "datetime", "sample"} // of an instant, which has no other time
	startNames    = append([]string{"start", "start_time", "start_sample", "onset", "begin", "begin_time", "from"}, momentNames...)
	endNames      = []string{"end", "end_time", "end_sample", "stop", "stop_time", "finish", "offset", "until", "to"}
	durationNames = []string{"duration", "dur", "length"}
	labelNames    = []string{"label", "labels", "trial_type", "symbol", "activity", "class", "event", "event_type", "type", "description", "annotation", "state", "category", "name"}
	seriesNames   = []string{"series", "file", "filename", "recording", "record"}

	likeEnd = regexp.MustCompile(`(^|_)(end|stop|finish|offset|until|dur|duration|length|last)(_|$)`)
)

// eventColumns says where a table has what makes an event; -1 is nowhere.
type eventColumns struct{ series, start, end, duration, label int }

// findColumns finds the columns by their names. That of the series may be called as in the data.
func findColumns(names []string, inData string) eventColumns {
	plain := make([]string, len(names))
	for i, name := range names {
		plain[i] = series.PlainName(name)
	}
	first := func(wanted []string) int {
		for _, name := range wanted {
			if i := slices.Index(plain, name); i >= 0 {
				return i
			}
		}
		return -1
	}
	c := eventColumns{series: slices.Index(names, inData), start: first(startNames), end: first(endNames), duration: -1, label: first(labelNames)}
	if c.series < 0 || inData == "" {
		c.series = first(seriesNames)
	}
	if c.end < 0 {
		c.duration = first(durationNames)
	}
	return c
}

// Holds reports whether a file looks like a list of events, with a start and an end or a duration in
// each row, rather than like a series.
func Holds(s *series.Survey) bool {
	var names []string
	for _, c := range s.Columns {
		names = append(names, c.Name)
	}
	c := findColumns(names, "")
	last := max(c.end, c.duration)
	if len(s.Files) != 1 || c.start < 0 || last < 0 || slices.Contains(momentNames, series.PlainName(names[c.start])) {
		return false
	}
	for _, i := range []int{c.start, last} {
		if t := s.Columns[i].Type; t != series.WholeNumbers && t != series.Numbers && t != series.Timestamps {
			return false
		}
	}
	return true
}

// readTable reads a table whose columns have usual names or, without a header, are start, end and label,
// as Audacity writes them.
func (l *List) readTable(file *table.File) error {
	all, err := series.NewTable(file, false)
	var c eventColumns
	if err == nil {
		c = findColumns(all.Columns, l.inData)
	}
	if err != nil || c.start < 0 {
		if bare, fault := series.NewTable(file, true); l.isBare(bare) {
			all, err, c = bare, fault, eventColumns{series: -1, start: 0, end: 1, duration: -1, label: len(bare.Columns) - 1}
			if c.label == c.end {
				c.label = -1
			}
		}
	}
	if err != nil {
		return err
	}
	l.Warnings = append(l.Warnings, all.Warnings...)
	if l.whole = c.start < 0 && c.end < 0 && c.duration < 0 && c.series >= 0 && c.label >= 0; l.whole {
		l.catalog = true // which may have files beside those at hand
	} else if c.start < 0 {
		return l.at(1, "", "a list of events has a column start (or onset, time, timestamp or sample) and, unless they are instants, end (or stop or duration); one of series or files has only these and label; columns: %s", table.List(all.Columns))
	}
	l.settleColumns(all.Columns, c)
	instants, first := 0, 0
	for _, r := range all.Rows {
		if r.Fields[0] == `\` { // the frequencies of Audacity's label before
			continue
		}
		if err := l.addRow(r, c); err != nil {
			return err
		}
		if last := max(c.end, c.duration); last >= 0 && table.IsMissing([]byte(r.Fields[last])) {
			first = cmp.Or(first, r.Line)
			instants++
		}
	}
	if instants > 0 {
		l.Warnings = append(l.Warnings, table.Warning{File: l.File, Line: first, Text: fmt.Sprintf("an event without an end is an instant, the row of its time (events: %d)", instants)})
	}
	return nil
}

// isBare reports whether the first row of a table that is read without a header has start, end and perhaps a label.
func (l *List) isBare(t *series.Table) bool {
	if t == nil || len(t.Rows) == 0 || len(t.Columns) < 2 || len(t.Columns) > 3 || t.Columns[0] != "1" { // which formats with names have not
		return false
	}
	_, start := parseMoment(t.Rows[0].Fields[0], l.times)
	_, end := parseMoment(t.Rows[0].Fields[1], l.times)
	return start == nil && end == nil
}

// settleColumns notes what columns are called, and which are not read.
func (l *List) settleColumns(names []string, c eventColumns) {
	if c.series >= 0 {
		l.seriesColumn = names[c.series]
	}
	if c.label >= 0 {
		l.labelColumn = names[c.label]
	}
	var unread []string
	for i, name := range names {
		if i == c.series || i == c.start || i == c.end || i == c.duration || i == c.label {
			continue
		}
		if !slices.Contains(Columns, name) { // else predict wrote it
			unread = append(unread, name)
		}
		if l.likeEnd == "" && likeEnd.MatchString(series.PlainName(name)) {
			l.likeEnd = name
		}
	}
	l.endless = c.end < 0 && c.duration < 0
	if len(unread) > 0 {
		l.Warnings = append(l.Warnings, table.Warning{File: l.File, Text: "columns that are not read: " + table.List(unread)})
	}
}

// addRow adds the event of a row.
func (l *List) addRow(r series.TableRow, c eventColumns) error {
	of := func(i int) string {
		if i < 0 {
			return ""
		}
		if i != c.series && i != c.label && table.IsMissing([]byte(r.Fields[i])) {
			return ""
		}
		return r.Fields[i]
	}
	name := of(c.series)
	l.about(name, r.Line, "")
	if d := of(c.duration); d != "" {
		return l.addLasting(r.Line, name, of(c.start), d, of(c.label))
	}
	return l.add(r.Line, name, of(c.start), of(c.end), of(c.label))
}

// addLasting adds an event that lasts for some time: seconds where times are timestamps, else in their units. What
// is so long after the start does not belong to it.
func (l *List) addLasting(line int, name, start, duration, label string) error {
	e := listed{line: line, Event: Event{Series: name, Label: label}}
	var err error
	if e.start, err = parseMoment(start, l.times); err != nil {
		return l.at(line, "", "start of an event: %w", err)
	}
	lasts, err := strconv.ParseFloat(duration, 64)
	if err != nil || !(lasts >= 0) || lasts > maxDuration {
		return l.at(line, "", "the duration of an event is %q, and not a number of seconds or of the times' units", duration)
	}
	e.end = moment{time: e.start.time + lasts, stamp: e.start.stamp}
	e.end.text = series.TimeText(e.end.time, e.end.stamp)
	e.Start, e.End, e.open = e.start.time, e.end.time, true
	l.events = append(l.events, e)
	return nil
}

// maxDuration is longer than any event.
const maxDuration = 1e15

// checkEnds is the error for events whose ends no column gives and nothing else makes up for.
func (l *List) checkEnds(o Options) error {
	if !l.endless || l.whole || o.Tolerance.Given() {
		return nil
	}
	like := ""
	if l.likeEnd != "" {
		like = fmt.Sprintf("; if %q does, call it end or duration", l.likeEnd)
	}
	return l.at(0, "", "no column gives the end of events (end, stop or duration)%s; if they are instants, Options.Tolerance says how far around each rows belong to it, 0 for the row itself", like)
}

// Endless reports whether no column gives the end of events.
func (l *List) Endless() bool { return l.endless && !l.whole }
