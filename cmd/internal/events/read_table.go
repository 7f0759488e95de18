package events

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// What columns are called, without words for times, the surest first; labels and series with all words.
var (
	startNames    = []string{"start", "onset", "begin", "from", "beginn", "anfang", "von", "debut", "début", "inicio", "tmin", "xmin", "t0", "first", "opened", "started"}
	endNames      = []string{"end", "stop", "finish", "offset", "until", "to", "ende", "bis", "fin", "tmax", "xmax", "t1", "last", "closed", "ended", "finished", "stopped"}
	durationNames = []string{"duration", "dur", "length", "dauer", "durée", "duracion", "duración", "durata"}
	labelNames    = []string{"label", "labels", "trial_type", "symbol", "activity", "class", "event", "event_type", "type", "description", "annotation", "state", "category", "behavior", "behaviour", "name", "text", "species"}
	seriesNames   = []string{"series", "file", "filename", "file_name", "recording", "record"}

	likeEnd = regexp.MustCompile(`(^|_)(end|stop|finish|offset|until|dur|duration|length|last)(_|$)`)
)

// eventColumns says where a table has what makes an event; -1 is nowhere.
type eventColumns struct{ series, start, end, duration, label, date int }

// findColumns finds the columns by their names. That of the series may be called as in the data.
func findColumns(names []string, inData string) eventColumns {
	var plain, rest []string
	var parsed []series.Name
	for _, name := range names {
		n := series.ParseName(name)
		parsed, plain, rest = append(parsed, n), append(plain, n.Plain), append(rest, n.Rest)
	}
	first := func(of, wanted []string) int {
		for _, name := range wanted {
			if i := slices.Index(of, name); i >= 0 {
				return i
			}
		}
		return -1
	}
	moment := func(rows bool) int {
		return slices.IndexFunc(parsed, func(n series.Name) bool { return n.Rest == "" && (n.Time && !rows || n.Rows && rows) })
	}
	c := eventColumns{start: first(rest, startNames), end: first(rest, endNames), duration: -1, label: first(plain, labelNames), date: slices.Index(plain, "date")}
	if c.series = slices.Index(names, inData); c.series < 0 && inData != "" {
		c.series = slices.Index(plain, series.ParseName(inData).Plain)
	}
	if c.series < 0 || inData == "" {
		c.series = first(plain, seriesNames)
	}
	for _, rows := range []bool{false, true} {
		if c.start < 0 {
			c.start = moment(rows)
		}
	}
	if c.end < 0 {
		c.duration = first(rest, durationNames)
	}
	if c.date == c.start {
		c.date = -1
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
	if len(s.Files) != 1 || s.Wide || c.start < 0 || last < 0 || slices.Contains([]string{"", "t0"}, series.ParseName(names[c.start]).Rest) { // t0 may be a step
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
			all, err, c = bare, fault, eventColumns{series: -1, start: 0, end: 1, duration: -1, label: 2, date: -1}
			for _, i := range []*int{&c.end, &c.label} {
				if *i >= len(bare.Columns) {
					*i = -1
				}
			}
		}
	}
	if err != nil {
		return err
	}
	if export := minimal(all); export != nil {
		return l.readTasks(gjson.ParseBytes(export), newLines(export))
	}
	l.Warnings = append(l.Warnings, all.Warnings...)
	if l.whole = c.start < 0 && c.end < 0 && c.duration < 0 && c.series >= 0 && c.label >= 0; l.whole {
		l.catalog = true // which may have files beside those at hand
	} else if c.start < 0 {
		return l.at(1, "", "a list of events has a column start (or onset, time, timestamp or sample) and, unless they are instants, end (or stop or duration); one of series or files has only these and label; columns: %s", table.List(all.Columns))
	}
	l.settleColumns(all.Columns, c)
	if err := l.checkPhases(all, c); err != nil {
		return err
	}
	for _, r := range all.Rows {
		for _, i := range []int{c.start, c.end} {
			if i >= 0 {
				l.times = l.times.Learn(r.Fields[i])
			}
		}
	}
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
		l.Warnings = append(l.Warnings, table.Warning{File: l.File, Line: first, Text: fmt.Sprintf("an event without an end is an instant, the row of its time (events: %d; an end called now is the last row)", instants)})
	}
	return nil
}

// isBare reports whether the first row of a table that is read without a header has start, end and perhaps a label.
func (l *List) isBare(t *series.Table) bool {
	if t == nil || len(t.Rows) == 0 || len(t.Columns) == 0 || len(t.Columns) > 3 || t.Columns[0] != "1" { // which formats with names have not
		return false
	}
	return !slices.ContainsFunc(t.Rows[0].Fields[:min(len(t.Columns), 2)], func(text string) bool {
		_, err := parseMoment(text, l.times)
		return err != nil
	})
}

// phases are words for the start and for the stop of an event.
var phases = [][]string{{"start", "begin", "on", "onset", "state start"}, {"stop", "end", "off", "offset", "state stop"}}

// checkPhases is the error for rows of which some say where events start, and others where they stop.
func (l *List) checkPhases(t *series.Table, c eventColumns) error {
	for i, name := range t.Columns {
		var found [2]bool
		others := slices.ContainsFunc(t.Rows, func(r series.TableRow) bool {
			for k, words := range phases {
				if slices.Contains(words, strings.ToLower(r.Fields[i])) {
					found[k] = true
					return false
				}
			}
			return r.Fields[i] != ""
		})
		if found[0] && found[1] && !others && c.end < 0 {
			return l.at(t.Rows[0].Line, name, "rows say where events start, and where they stop: a row for each event is needed, with start and end")
		}
	}
	return nil
}

// settleColumns notes what columns are called, and which are not read.
func (l *List) settleColumns(names []string, c eventColumns) {
	if c.series >= 0 {
		l.seriesColumn = names[c.series]
	}
	if c.label >= 0 {
		l.labelColumn = names[c.label]
	}
	for _, i := range []int{c.start, c.end, c.duration} {
		if i < 0 {
			continue
		}
		name := series.ParseName(names[i])
		if l.timeColumn == "" || l.unit+l.lasting == 0 && name.Unit > 0 {
			l.timeColumn = names[i]
		}
		if i == c.duration {
			l.lasting = name.Unit
		} else {
			l.unit, l.counts = cmp.Or(l.unit, name.Unit), l.counts || name.Rows && !name.Time
		}
	}
	var unread []string
	for i, name := range names {
		if i == c.series || i == c.start || i == c.end || i == c.duration || i == c.label || i == c.date {
			continue
		}
		if !slices.Contains(Columns, name) { // else predict wrote it
			unread = append(unread, name)
		}
		if l.likeEnd == "" && likeEnd.MatchString(series.ParseName(name).Plain) {
			l.likeEnd = name
		}
	}
	l.endless = c.end < 0 && c.duration < 0
	if len(unread) > 0 {
		text := "columns that are not read: " + table.List(unread)
		if c.label < 0 {
			text += "; none is called label, so events have none"
		}
		l.Warnings = append(l.Warnings, table.Warning{File: l.File, Text: text})
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
	name, start, end := of(c.series), of(c.start), of(c.end)
	l.about(name, r.Line, "")
	if c.date >= 0 {
		for _, text := range []*string{&start, &end} {
			if _, stamp, err := series.ParseTime(*text, l.times); err == nil && !stamp && strings.Contains(*text, ":") {
				*text = r.Fields[c.date] + " " + *text
			}
		}
	}
	if d := of(c.duration); d != "" {
		return l.addLasting(r.Line, name, start, d, of(c.label))
	}
	return l.add(r.Line, name, start, end, of(c.label))
}

// addLasting adds an event that lasts for some time: seconds where times are timestamps, else in their units. What
// is so long after the start does not belong to it.
func (l *List) addLasting(line int, name, start, duration, label string) error {
	e := listed{line: line, Event: Event{Series: name, Label: label}, lasting: l.lasting}
	var err error
	if e.start, err = parseMoment(start, l.times); err != nil {
		return l.at(line, "", "start of an event: %w", err)
	}
	e.start.unit = cmp.Or(e.start.unit, l.unit)
	lasts, stamp, err := series.ParseTime(duration, series.Times{})
	if d, fault := time.ParseDuration(duration); fault == nil && err != nil {
		lasts, err = d.Seconds(), nil
	}
	if err != nil || stamp || !(lasts >= 0) || lasts > maxDuration {
		return l.at(line, "", "the duration of an event is %q, and not a number of seconds or of the times' units", duration)
	}
	if strings.ContainsAny(strings.ToLower(duration), ":smhd") {
		e.lasting = 1
	}
	if e.start.stamp {
		lasts, e.lasting = lasts*cmp.Or(e.lasting, 1), 1
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
