package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// applyOptions are the flags of what applies a trained model to data: predict
// and evaluate. What they leave out is as the model has it.
type applyOptions struct {
	model     string
	label     string
	positive  string
	series    string
	time      string
	maxGap    string
	missing   string
	input     FormatSettings // how the data is written
	threshold float64
	picture   pictureFlags
	quiet     bool
	machine   graph.Machine

	changed func(flag string) bool // is it on the command line?
	opened  *model.Opened          // by load
}

func (o *applyOptions) addModelFlag(f *pflag.FlagSet) {
	addFlag(f, "model", &o.model, "in place of MODEL: `folder` of the model, as train made it; it is read once, at the\nstart")
}

// addDataFlags adds those that say what the data is like.
func (o *applyOptions) addDataFlags(f *pflag.FlagSet) {
	addFlag(f, "label", &o.label, "`column` of the labels (default the model's)")
	addFlag(f, "positive", &o.positive, "label `value` that means class 1, or several with commas between, for a model of the\nclasses 0 and 1; every other means 0 (default the model's)")
	addFlag(f, "series", &o.series, "`column` that names the series of a row, \"\" for none (default the model's)")
	addFlag(f, "time", &o.time, "`column` of times, which must not go back, \"\" for none (default the model's)")
	addFlag(f, "max-gap", &o.maxGap, "begin a new series, called NAME (2) and so on, where the time from one row to the\nnext is longer than this `time`, or goes back; 0 for none (default the model's)")
	addFlag(f, "missing", &o.missing, "`action` for an empty or NaN feature: error, forward, zero, mean or drop\n(default the model's)", names(series.MissingActions)...)
	o.input.addFlags(f)
}

// addResultFlags adds those that say what becomes of probabilities.
func (o *applyOptions) addResultFlags(f *pflag.FlagSet) {
	addFlag(f, "threshold", &o.threshold, "`probability` at which the positive class is predicted, such as 1 or yes (default the model's)")
	o.picture.addFlags(f)
}

// addRunFlags adds those that change no answer by more than rounding.
func (o *applyOptions) addRunFlags(f *pflag.FlagSet) {
	addFlag(f, "quiet", &o.quiet, quietUsage)
	addFlag(f, "threads", &o.machine.Threads, "`n` threads for the network; 0: by its size. Reading and writing have their own")
	o.machine.Form, o.machine.InstructionSet = graph.FormAuto, graph.InstructionSetAuto
	addFormFlags(f, &o.machine.Form, &o.machine.InstructionSet)
}

// quietUsage is the help of --quiet.
const quietUsage = "print results and errors alone: no progress, no notes and no warnings"

// Usage of flags that several commands have.
const (
	formatNames = "csv, tsv, jsonl, parquet, arrow (Feather) or arrows (its stream)"
	seriesUsage = "`column` that names the series of a row (default each file is one series)"
	maxGapUsage = "begin a new series where the time from one row to the next is longer than this `time`, such as\n5m, or 300 if times are numbers, or goes back (default none)"
)

// validate checks what nothing else will before the work begins.
func (o *applyOptions) validate() error {
	if o.model == "" {
		return usageError{errors.New("--model is needed: name a model folder")}
	}
	if o.changed("threshold") && !(o.threshold >= 0 && o.threshold <= 1) {
		return usagef("threshold", "must be between 0 and 1, not %v", o.threshold)
	}
	if err := asUsage(o.machine.Validate()); err != nil {
		return err
	}
	return o.picture.validate()
}

// load reads the model, with the threshold of --threshold if that is given, and warns of one
// whose run ended early. Close
// o.opened once its weights are in networks.
func (o *applyOptions) load(errOut io.Writer) (*model.Model, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var err error
	if o.opened, err = model.Open(o.model); err != nil {
		return nil, err
	}
	m := o.opened.Model
	if n := len(m.Classes); n > 2 && o.changed("threshold") {
		o.opened.Close()
		return nil, flagf("threshold", "cannot be used with this model: it predicts the most probable of its %d classes", n)
	}
	if o.changed("threshold") {
		m.Threshold = o.threshold
	}
	if how := m.Run.Partial; how != "" {
		fmt.Fprintf(errOut, "rnnbin: warning: %s: the run ended early, %s\n", o.model, cmp.Or(partialText[how], how))
	}
	return m, nil
}

// start starts the model's networks. o.opened may be closed then.
func (o *applyOptions) start() (m *label.Model, err error) {
	err = tflib.Quietly(func() error { m, err = label.Load(o.opened, o.machine); return err })
	return m, withFlag(err)
}

// columnRoles are the roles that o gives, with the features that were found in data.
func columnRoles(o series.Options, data *series.Data) model.Columns {
	return model.Columns{Label: o.Label, Features: data.Features, Shift: data.Shifts(), Series: o.Series, Time: cmp.Or(data.TimeColumn, o.Time), Times: model.Times(data.Times), Layout: string(o.Layout), Elapsed: o.Elapsed, Resample: o.Resample, ResampleBy: string(resampleBy(o)), MaxGap: o.MaxGap, Positive: o.Positive, Missing: string(o.Missing), NAValues: o.NAValues}
}

// resampleBy is "" unless rows are resampled.
func resampleBy(o series.Options) series.ResampleBy {
	if o.Resample == "" {
		return ""
	}
	return o.ResampleBy
}

// options are those to read the data with.
func (o *applyOptions) options(m *model.Model) (series.Options, error) {
	r := answer.OptionsOf(m)
	known := r
	o.input.set(&r)
	for flag, keep := range map[string]func(){
		"layout":      func() { r.SetLayout(known.Layout) },
		"na-values":   func() { r.NAValues = known.NAValues },
		"time-format": func() { r.TimeFormat = known.TimeFormat },
		"timezone":    func() { r.TimeZone = known.TimeZone },
	} {
		if !o.changed(flag) {
			keep()
		}
	}
	if o.changed("time-format") {
		r.DateOrder = ""
	}
	if o.changed("time") {
		r.TimeOptional, r.TimeKind, r.DateOrder = false, "", ""
		if o.time != known.Time && !o.changed("time-format") {
			r.TimeFormat = ""
		}
	}
	for flag, field := range map[string]struct {
		value string
		to    *string
	}{
		"label":    {o.label, &r.Label},
		"positive": {o.positive, &r.Positive},
		"series":   {o.series, &r.Series},
		"time":     {o.time, &r.Time},
		"max-gap":  {o.maxGap, &r.MaxGap},
		"missing":  {o.missing, (*string)(&r.Missing)},
	} {
		if o.changed(flag) {
			*field.to = field.value
		}
	}
	if r.Time == "" && !o.changed("max-gap") {
		r.MaxGap = ""
	}
	if r.Classes = m.Classes; r.Positive != "" {
		if !slices.Equal(m.Classes, []string{"0", "1"}) {
			return r, flagf("positive", "cannot be used with this model, whose classes are %s", table.List(m.Classes))
		}
		r.Classes = nil
	}
	r.LabelOptional = r.Label == "" // as in a model that learned from events
	if err := r.Validate(); err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// parseFormat reads the value of a flag; "" stands for none.
func parseFormat(flag, name string) (table.Format, error) {
	if f := table.Format(name); name == "" || slices.Contains(table.Formats, f) {
		return f, nil
	}
	return "", usagef(flag, "must be one of %v, not %q", table.Formats, name)
}

// printWarnings prints what is odd about the data.
func printWarnings(errOut io.Writer, warnings []table.Warning) {
	for _, w := range warnings {
		fmt.Fprintf(errOut, "rnnbin: warning: %s\n", withFlags(w.String()))
	}
}
