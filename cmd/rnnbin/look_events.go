package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// annotations are those of the recording that is looked at, if it has any, and whether they are all that there is.
func (o *lookOptions) annotations(ctx context.Context, files []string) (list *events.List, only bool, err error) {
	if len(files) > 1 || o.events != "" || files[0] == table.Stdin {
		return nil, false, nil
	}
	path := files[0]
	format, _ := table.FormatOf(path)
	if format == table.WFDB {
		path = strings.TrimSuffix(path, filepath.Ext(path)) + ".atr"
		if _, err := os.Stat(path); err != nil {
			return nil, false, nil
		}
	}
	list, err = events.ReadAnnotations(ctx, path, o.data)
	if err != nil && format == table.EDF {
		return nil, false, nil // it has none
	}
	return list, list != nil && format != table.WFDB && !table.HasSignals(ctx, path), err
}

// takeAnnotations takes annotations for the labels.
func (o *lookOptions) takeAnnotations(list *events.List, s *series.Survey) {
	o.events = list.File
	if o.tolerance == "" && slices.ContainsFunc(list.Events(), func(e events.Event) bool { return e.Start == e.End }) {
		near := 50 * time.Millisecond
		if s.Gaps != nil { // so that each has a row
			near = max(near, time.Duration(s.Gaps.Usual*float64(time.Second)/2).Round(time.Millisecond))
		}
		o.tolerance = near.String()
	}
	s.DropLabel()
	s.Guess.Notes = append(s.Guess.Notes, fmt.Sprintf("the annotations of %s are taken for labels (--label-events)", list.File))
}

// markSurvey takes labels from a file of events in place of a column, and counts them.
func (o *lookOptions) markSurvey(ctx context.Context, files []string, s *series.Survey) ([]series.ValueSurvey, error) {
	read := o.data
	read.Series = s.Guess.Series
	list, tolerance, err := readEvents(ctx, o.events, o.tolerance, read)
	if err != nil {
		return nil, err
	}
	s.DropLabel()
	read.Events = true
	read.Features, read.Time, read.MaxGap = s.Guess.Features, s.Guess.Time, s.Guess.MaxGap
	read.NAValues = slices.Concat(read.NAValues, s.Guess.NAValues)
	if s.Guess.Missing != "" {
		read.Missing = s.Guess.Missing
	}
	data, err := series.Read(ctx, files, read)
	if err != nil {
		return nil, err
	}
	warnings, err := list.Mark(events.Options{Tolerance: tolerance, Divided: read.MaxGap != ""}, data)
	if err != nil {
		return nil, err
	}
	s.Warnings = slices.Concat(s.Warnings, list.Warnings, warnings)
	return classRuns(data), nil
}

// classRuns counts the classes, and the runs of each within series.
func classRuns(d *series.Data) []series.ValueSurvey {
	all := make([]series.ValueSurvey, len(d.Classes))
	for c, name := range d.Classes {
		all[c].Value = name
	}
	for _, r := range d.Series {
		from := r.Start
		for row := r.Start + 1; row <= r.End; row++ {
			if row == r.End || d.Labels[row] != d.Labels[from] {
				all[d.Labels[from]].AddRun(row - from)
				from = row
			}
		}
	}
	return all
}

// eventsSummary is what a file of events holds.
type eventsSummary struct {
	File   string         `json:"file"`
	Events int            `json:"events"`
	Series []string       `json:"series,omitempty"` // that it is about, with events or without
	Labels map[string]int `json:"labels,omitempty"` // events of each; none if they have none

	endless bool // they are instants
}

// showEvents shows what is in a file of events.
func (o *lookOptions) showEvents(list *events.List, out, errOut io.Writer) error {
	printWarnings(errOut, list.Warnings)
	s := eventsSummary{File: list.File, Labels: map[string]int{}, endless: list.Endless()}
	for _, e := range list.Events() {
		s.Events++
		if e.Label != "" {
			s.Labels[e.Label]++
		}
	}
	s.Series = slices.DeleteFunc(list.Subjects(), func(name string) bool { return name == "" })
	if o.json {
		return observe.WriteJSON(out, "events", s)
	}
	return s.write(out)
}

func (s *eventsSummary) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "file\t%s: labels as events, not rows\n", table.List([]string{s.File}))
	fmt.Fprintf(w, "events\t%d\n", s.Events)
	if len(s.Series) > 0 {
		fmt.Fprintf(w, "series\t%d: %s\n", len(s.Series), table.List(s.Series))
	}
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		fmt.Fprintf(w, "label\t%s: %s\n", table.List([]string{label}), count(s.Labels[label], "event"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	command := []string{"rnnbin", "look", "DATA", "--label-events", s.File}
	if s.endless {
		command = append(command, "--event-tolerance", "0")
	}
	_, err := fmt.Fprintf(out, "\nTo see what they are in data of yours, and how to train on it:\n\n  %s\n", quoteAll(command))
	return err
}
