package events

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// ReadAnnotations is Read of a file of annotations; nil for any other.
func ReadAnnotations(ctx context.Context, path string, data series.Options) (*List, error) {
	l := newList(path, data)
	if are, err := l.readAnnotations(ctx, path); err != nil || !are || len(l.events) == 0 {
		return nil, err
	}
	return l, nil
}

// readAnnotations reads annotations if these are what the files hold. With several each is about the recording that is called like
// it.
func (l *List) readAnnotations(ctx context.Context, pattern string) (done bool, err error) {
	paths, err := series.Expand([]string{pattern})
	if err != nil {
		return false, err
	}
	for _, path := range paths {
		all, end, are, err := table.ReadAnnotations(ctx, path)
		switch name := ""; {
		case err != nil:
			return false, err
		case !are && len(paths) > 1:
			return false, &table.Error{File: path, Err: errors.New("several files of events must all be annotations of recordings")}
		case !are:
			return false, nil
		case len(paths) > 1:
			if name, l.catalog = path, true; !strings.EqualFold(filepath.Ext(path), ".edf") && !strings.EqualFold(filepath.Ext(path), ".bdf") {
				name = strings.TrimSuffix(path, filepath.Ext(path))
			}
			l.addAnnotations(path, name, all, end)
		default:
			l.addAnnotations(path, name, all, end)
		}
	}
	return true, nil
}

// addAnnotations takes the annotations of a recording as events: beats if there are any, else changes of rhythm, which last up
// to the next one or the end, else all. What is not taken is told.
func (l *List) addAnnotations(path, name string, all []table.Annotation, end float64) {
	of := func(kind table.AnnotationKind) func(table.Annotation) bool {
		return func(a table.Annotation) bool { return a.Kind == kind }
	}
	kind := table.Remark
	for _, k := range []table.AnnotationKind{table.Rhythm, table.Beat} {
		if slices.ContainsFunc(all, of(k)) {
			kind = k
		}
	}
	var unread []string
	l.about(name, 0, "")
	l.endless = l.endless || len(l.events) == 0 && kind != table.Rhythm
	l.seconds = true
	from := len(l.events)
	for i, a := range all {
		if a.Kind != kind {
			text := a.Text
			if a.Kind == table.Rhythm { // whose names are those of beats, too
				text = "rhythm " + text
			}
			if !slices.Contains(unread, text) {
				unread = append(unread, text)
			}
			continue
		}
		if last := len(l.events) - 1; kind == table.Rhythm && last >= from {
			l.events[last].until(a.Onset)
		}
		e := listed{line: i + 1, Event: Event{Series: name, Start: a.Onset, End: a.Onset, Label: a.Text}, start: momentOf(a.Onset)}
		e.end = e.start
		if a.Duration > 0 {
			e.until(a.Onset + a.Duration)
		}
		if l.events = append(l.events, e); e.open {
			l.endless = false
		}
	}
	if kind == table.Rhythm {
		l.events[len(l.events)-1].until(end)
	}
	if what := map[table.AnnotationKind]string{table.Beat: "heartbeats", table.Rhythm: "changes of rhythm"}[kind]; unread != nil {
		l.Warnings = append(l.Warnings, table.Warning{File: path, Text: fmt.Sprintf("annotations that are not read, as they are no %s: %s", what, table.List(unread))})
	}
}

// until has an event end before a time.
func (e *listed) until(time float64) { e.End, e.end, e.open = time, momentOf(time), time > e.Start }

func momentOf(time float64) moment { return moment{time: time, text: series.TimeText(time, false)} }
