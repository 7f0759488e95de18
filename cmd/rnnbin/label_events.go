package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func addLabelEvents(f *pflag.FlagSet, file *string) {
	addFlag(f, "label-events", file, "in place of --label: labels are the events of `file`, or those of whole series, see rnnbin help events; it covers all data", eventEndings...)
}

func addEventTolerance(f *pflag.FlagSet, tolerance *string) {
	addFlag(f, "event-tolerance", tolerance, "rows up to this `time` from an event without an end belong to it: such as 50ms, a number if times\nare numbers, or of rows if there are no times. Needed where no column gives ends: 0 for the row itself")
}

// settleEvents has events and a column of labels exclude each other. On the command line either
// wins over the other in the settings of --config.
func (d *dataSettings) settleEvents(changed func(flag string) bool) error {
	column := changed("label")
	switch {
	case d.Events == "" && changed("event-tolerance"):
		return usagef("event-tolerance", "does nothing without --label-events")
	case d.Events == "":
		return nil
	case column && changed("label-events"):
		return usagef("label-events", "cannot be used with --label: labels are events or a column")
	case column:
		d.Events, d.Tolerance = "", ""
		return nil
	}
	d.Label = ""
	if _, err := series.ParseLength("--event-tolerance", d.Tolerance); err != nil {
		return usageError{err}
	}
	return nil
}

// readEvents reads a file of events, after the tolerance that belongs to it. The column of series may be
// called as in the data.
func readEvents(ctx context.Context, file, tolerance string, data series.Options) (*events.List, series.Length, error) {
	t, err := series.ParseLength("--event-tolerance", tolerance)
	if err != nil {
		return nil, t, usageError{err}
	}
	list, err := events.Read(ctx, file, data)
	return list, t, err
}

// mark makes the events labels of all data.
func (d *dataSettings) mark(ctx context.Context, errOut io.Writer, all fit.Data) error {
	list, tolerance, err := readEvents(ctx, d.Events, d.Tolerance, d.options())
	if err != nil {
		return err
	}
	o := d.options()
	parts := slices.DeleteFunc([]*series.Data{all.Train, all.Validation, all.Test}, func(part *series.Data) bool { return part == nil })
	warnings, err := list.Mark(events.Options{Classes: o.Classes, Positive: o.Positive, Tolerance: tolerance, Divided: o.MaxGap != ""}, parts...)
	if err != nil {
		return err
	}
	printWarnings(errOut, slices.Concat(list.Warnings, warnings))
	return nil
}
