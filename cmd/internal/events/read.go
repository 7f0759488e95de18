package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// List is the events of a file.
type List struct {
	File     string // for messages
	Warnings []table.Warning

	events   []listed
	subjects []subject
	known    map[string]int // where a name is among the subjects
	catalog  bool           // it is about many sets of data, of which not all need be at hand
	hashed   bool           // names of files may begin with eight digits of a hash and a hyphen
	seconds  bool           // they are annotations, some of which may be outside the rows
	millis   bool           // a number stands for a timestamp as the milliseconds since 1970

	unit       float64 // seconds of a unit of their times, as the column's name says; 0: it does not
	lasting    float64 // likewise, of durations
	counts     bool    // times are numbers of rows
	resampled  bool    // the data has other rows than its file
	timeColumn string  // as the file calls it

	inData       string       // the column of series in the data
	times        series.Times // of the data
	seriesColumn string       // as the file calls it
	labelColumn  string       // likewise
	endless      bool         // no column gives the end of events
	whole        bool         // events have no times: each is a whole series
	likeEnd      string       // a column that is not read, though its name looks like that of an end
}

// listed is an event as a file has it.
type listed struct {
	Event
	line       int
	start, end moment
	lasting    float64 // seconds of a unit of its duration; 0: not known, or it has none
	open       bool    // the end does not belong to it
	wholeDay   bool    // the end is a day without a time of the day, that belongs to it
}

// moment is a time as a file has it.
type moment struct {
	time  float64
	stamp bool    // it is a timestamp
	unit  float64 // seconds; 0: not known
	text  string
}

// zoned is a timestamp that names its zone.
var zoned = regexp.MustCompile(`(?i):[0-9.,]+ ?(Z|[A-Z]{3,5}|\[?[A-Z]\w+/\S+|[-+][0-9]{2}(:?[0-9]{2})?)$`)

// instant reports whether an event has no length.
func (e *listed) instant() bool { return e.Start == e.End }

// subject is a series that a file names, with events or without.
type subject struct {
	name  string
	line  int
	fault string // why nothing can be learned of it; "" if something can
}

// Read reads a file of events, or standard input for table.Stdin: a table with columns start, end
// and the like, of which that of the series may be called as in the data, as may timestamps be written, NAB's JSON of windows,
// Label Studio's JSON of time series, or the annotations of a recording, of which a pattern may name several.
func Read(ctx context.Context, path string, data series.Options) (*List, error) {
	l := newList(path, data)
	if done, err := l.readAnnotations(ctx, path); err != nil {
		return nil, err
	} else if !done {
		file, err := table.ReadFile(ctx, path)
		if err != nil {
			return nil, err
		}
		l.File, l.Warnings = file.Name, file.Warnings
		if err := l.read(file); err != nil {
			return nil, err
		}
	}
	if len(l.events) == 0 && !l.catalog {
		return nil, l.at(0, "", "there is no event")
	}
	return l, nil
}

func newList(path string, data series.Options) *List {
	return &List{File: path, known: map[string]int{}, inData: data.Series, times: data.Times, resampled: data.Resample != "", seriesColumn: "series", labelColumn: "label"}
}

func (l *List) read(file *table.File) error {
	document := gjson.ParseBytes(file.Content)
	switch {
	case !document.IsObject() && !document.IsArray() || !json.Valid(file.Content):
	case isWindows(document):
		return l.readWindows(document, newLines(file.Content))
	case document.IsArray() && !isEventObject(document.Get("0")):
		return l.readTasks(document, newLines(file.Content))
	}
	return l.readTable(file)
}

// at is an error of a place in the file.
func (l *List) at(line int, column, format string, args ...any) error {
	return &table.Error{File: l.File, Line: line, Column: column, Err: fmt.Errorf(format, args...)}
}

// add adds an event, which ends where it starts if end is "".
func (l *List) add(line int, name, start, end, label string) error {
	e := listed{line: line, Event: Event{Series: name, Label: label}}
	if l.whole {
		e.Start, e.start.text, e.End, e.end.text = math.Inf(-1), "the first row", math.Inf(1), "the last"
		l.events = append(l.events, e)
		return nil
	}
	var err error
	if e.start, err = parseMoment(start, l.times); err != nil {
		return l.at(line, "", "start of an event: %w", err)
	}
	if e.end = e.start; ongoing.MatchString(end) {
		e.end = moment{time: math.Inf(1), stamp: e.start.stamp, text: end}
	} else if end != "" {
		if e.end, err = parseMoment(end, l.times); err != nil {
			return l.at(line, "", "end of an event: %w; one that is empty makes an instant, and now is the last row", err)
		}
	}
	e.start.unit = cmp.Or(e.start.unit, l.unit)
	switch {
	case e.start.stamp != e.end.stamp:
		return l.at(line, "", "start %s and end %s must both be timestamps or both numbers", start, end)
	case e.start.time > e.end.time:
		return l.at(line, "", "the event ends before it starts: from %s to %s", start, end)
	}
	if e.end.stamp && l.times.TimeFormat == "" && dayOnly.MatchString(end) {
		e.end.time, e.open, e.wholeDay = e.end.time+daySeconds, true, true
	}
	e.Start, e.End = e.start.time, e.end.time
	l.events = append(l.events, e)
	return nil
}

// about notes that the file is about a series, of which nothing can be learned if there is a
// fault wherever it is named.
func (l *List) about(name string, line int, fault string) {
	i, known := l.known[name]
	if !known {
		l.known[name] = len(l.subjects)
		l.subjects = append(l.subjects, subject{name, line, fault})
	} else if fault == "" {
		l.subjects[i].fault = ""
	}
}

// ongoing are words for an end that has not come yet.
var ongoing = regexp.MustCompile(`(?i)^(now|ongoing|open|present|today|current|infinity|jetzt|heute|offen)$`)

const daySeconds = 24 * 60 * 60

// dayOnly is a day without a time of the day.
var dayOnly = regexp.MustCompile(`^[0-9]+[-/. ]([0-9]+|[A-Za-z]{3})[-/. ][0-9]+$`)

// parseMoment reads a time, in the form of the data's or in a usual one.
func parseMoment(text string, times series.Times) (m moment, err error) {
	m.text = text
	if m.time, m.stamp, err = series.ParseTime(text, times); err != nil && times.TimeFormat != "" {
		usual := times
		usual.TimeFormat = ""
		if t, stamp, fault := series.ParseTime(text, usual); fault == nil {
			m.time, m.stamp, err = t, stamp, nil
		}
	}
	if err == nil && math.IsInf(m.time, 0) {
		err = errors.New("it is not finite")
	}
	if m.stamp || strings.ContainsAny(text, ":PT") { // a clock, or a duration such as PT1S
		m.unit = 1
	}
	return m, err
}

// lines counts the lines of a text as ever later places in it are asked for.
type lines struct {
	text []byte
	at   int // bytes counted
	line int // that byte at is in, from 1
}

func newLines(content []byte) *lines { return &lines{text: content, line: 1} }

// of is the line of a value of the document.
func (l *lines) of(v gjson.Result) int {
	for ; l.at < min(v.Index, len(l.text)); l.at++ {
		if l.text[l.at] == '\n' {
			l.line++
		}
	}
	return l.line
}

// Events are all of them, in the file's order.
func (l *List) Events() []Event {
	var all []Event
	for _, e := range l.events {
		all = append(all, e.Event)
	}
	return all
}

// Subjects are the names of the series that the file is about, with events or without; "" is
// that of events which name none.
func (l *List) Subjects() []string { return l.names() }

// Catalog reports whether the file is about many sets of data, which it names: NAB's or Label
// Studio's.
func (l *List) Catalog() bool { return l.catalog }
