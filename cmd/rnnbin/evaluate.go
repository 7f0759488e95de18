package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// evaluateOptions are the flags of evaluate.
type evaluateOptions struct {
	applyOptions
	data      files
	events    eventFlags
	labels    string // a file of events
	tolerance string
	rows      string
	json      bool
}

func (o *evaluateOptions) addFlags(f *pflag.FlagSet) {
	o.changed, o.events.changed = f.Changed, f.Changed // of all groups
	addGroup(f, "Model and data", o.addInputFlags)
	addGroup(f, "Scores", o.addScoreFlags)
	addGroup(f, "Events", o.events.addFlags)
	addGroup(f, "Running", o.addRunFlags)
}

func (o *evaluateOptions) addInputFlags(f *pflag.FlagSet) {
	o.addModelFlag(f)
	addFlag(f, "data", &o.data, "in place of FILE: `file` or pattern (*, ?) with labelled data, or - for standard input;\ncan be repeated", dataEndings...)
	addLabelEvents(f, &o.labels)
	addEventTolerance(f, &o.tolerance)
	f.Lookup("event-tolerance").Usage += ".\nEvents are then also compared by where they begin, within this time"
	o.addDataFlags(f)
}

func (o *evaluateOptions) addScoreFlags(f *pflag.FlagSet) {
	addFlag(f, "rows", &o.rows, "score only rows `FROM:TO` of each series, counted from 0 and without TO; either may\nbe empty, or negative to count from the end: -1000: is the last 1000")
	addFlag(f, "json", &o.json, jsonUsage)
	o.addResultFlags(f)
	f.Lookup("plot-rows").Usage += "\n(default those of --rows)"
}

func newEvaluate() *cobra.Command {
	var o evaluateOptions
	cmd := &cobra.Command{
		Use:   "evaluate MODEL FILE...",
		Short: "Compare a trained model's labels with those of the data",
		Long: `Label data that has labels as predict does, and report how good the result is:
over all rows, and for each series. Rows without a label are not scored, nor
those that --horizon would label from rows before the start or after the end of
their series. Labels are the model's classes; another one is an error.

With more than two classes there is a line for each, by itself against the others,
and precision, recall and F1 are means over them.

Metrics are those of scikit-learn; segments are runs of equal labels, those of the
first class included. Events are runs of any other class, and found as predict
--events-out finds them; one is right if it has a row in common with one of the labels
or, with --event-tolerance, if it begins within that of one, each with one other.
A row that is not scored cuts events off. Beside the
model's scores are those of simple baselines on the same rows:

  majority                       always the label that most of these rows have
  logistic regression with lags  trained on the same rows as the model, kept with it
  position                       what most training series have at the row's number

A model that does not beat them is not worth its trouble.`,
		Example: `  rnnbin evaluate runs/latest minute5.csv
  rnnbin evaluate runs/latest 'test/*.csv' --threshold 0.3 --json
  rnnbin evaluate runs/latest minute5.csv --rows -1000:     the last 1000 rows`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := takeModelAndFiles(cmd, args); err != nil {
				return err
			}
			return runEvaluate(cmd.Context(), o, cmd.OutOrStdout(), unlessQuiet(o.quiet, cmd.ErrOrStderr()))
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runEvaluate(ctx context.Context, o evaluateOptions, out, errOut io.Writer) error {
	rows, err := parseRows("rows", o.rows)
	if err != nil {
		return err
	}
	m, err := o.load(errOut)
	if err != nil {
		return err
	}
	defer o.opened.Close()
	o.picture.rows = cmp.Or(o.picture.rows, o.rows)
	picture, err := o.picture.begin(m, true)
	if err != nil {
		return err
	}
	compared, err := o.comparedEvents(m)
	if err != nil {
		return err
	}
	watch := newProgress(nil, errOut)
	data, err := o.read(ctx, m, watch)
	if err != nil {
		return err
	}
	printWarnings(errOut, data.Warnings)
	e, err := o.newEvaluation(m, data)
	if err != nil {
		return err
	}
	if e.events, err = compared.of(data); err != nil {
		return err
	}
	printFar(errOut, e.Far)
	err = o.answer(ctx, e, rows, watch)
	watch.end()
	if err != nil {
		return err
	}
	if err := o.print(e, out, errOut); err != nil {
		return err
	}
	picture.addAll(e.data, e.answers)
	return picture.write(errOut)
}

// read reads the data, and resamples it if the model does.
func (o *evaluateOptions) read(ctx context.Context, m *model.Model, watch *progress) (*series.Data, error) {
	options, err := o.options(m)
	if err != nil {
		return nil, err
	}
	data, err := o.readRows(ctx, options, watch)
	if err != nil {
		return nil, err
	}
	data.Warnings = append(data.Warnings, o.trainedOn(m)...)
	note, err := data.Resample(options)
	if note != "" {
		data.Warnings = append(data.Warnings, table.Warning{Text: note})
	}
	return data, err
}

// trainedOn warns of a file that the model was trained on, unless --rows says which of its rows count.
func (o *evaluateOptions) trainedOn(m *model.Model) []table.Warning {
	if o.rows != "" {
		return nil
	}
	s, err := settingsIn(o.opened.Dir, m.Settings)
	known, unknown := series.Expand(s.Data.Files)
	files, none := series.Expand(o.data)
	if err != nil || unknown != nil || none != nil { // the files may be gone
		return nil
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && info.ModTime().Before(m.Created) && sameFile(file, known) != "" {
			return []table.Warning{{File: file, Text: "the model was trained on this file, so its scores are too good; `rnnbin inspect` has those of rows that it had not seen"}}
		}
	}
	return nil
}

func (o *evaluateOptions) readRows(ctx context.Context, options series.Options, watch *progress) (*series.Data, error) {
	if len(o.data) == 0 {
		return nil, usageError{errors.New("--data is needed: name a file, or - for standard input")}
	}
	if err := checkStdin([]string{"data", "label-events"}, o.data, []string{o.labels}); err != nil {
		return nil, err
	}
	options.Rows = watch.addRead
	defer watch.end()
	switch {
	case o.labels != "":
		return o.readMarked(ctx, options)
	case options.Label == "":
		return nil, usageError{errors.New("the model learned from events, not from a column: --label-events names a file of them, or --label a column")}
	}
	data, err := series.Read(ctx, o.data, options)
	if err == nil && o.changed("positive") {
		err = data.NoPositive(o.positive)
	}
	return data, err
}

// readMarked reads data whose labels are events.
func (o *evaluateOptions) readMarked(ctx context.Context, options series.Options) (*series.Data, error) {
	if o.changed("label") {
		return nil, usagef("label-events", "cannot be used with --label: labels are events or a column")
	}
	list, tolerance, err := readEvents(ctx, o.labels, o.tolerance, options)
	if err != nil {
		return nil, err
	}
	options.Label, options.LabelOptional, options.Events = "", true, true
	data, err := series.Read(ctx, o.data, options)
	if err != nil {
		return nil, err
	}
	warnings, err := list.Mark(events.Options{Classes: options.Classes, Positive: options.Positive, Tolerance: tolerance, Divided: options.MaxGap != ""}, data)
	data.Warnings = slices.Concat(data.Warnings, list.Warnings, warnings)
	return data, err
}

// evaluation is what evaluate finds out about a model.
type evaluation struct {
	*metrics.Report
	Far []farColumn `json:"far_from_training,omitempty"`

	model   *model.Model
	reports *reports
	data    *series.Data
	answers label.Answers
	events  metrics.EventInput
}

func (o *evaluateOptions) newEvaluation(m *model.Model, data *series.Data) (*evaluation, error) {
	reports, err := reportsOf(o.opened.Dir, m)
	if err != nil {
		return nil, err
	}
	far := newRangeWatch(m)
	far.add(data.X)
	return &evaluation{Far: far.found(), model: m, reports: reports, data: data}, nil
}

// answer has the members answer the rows, and judges the answers to those that count beside
// its rivals'.
func (o *evaluateOptions) answer(ctx context.Context, e *evaluation, rows rowRange, watch *progress) error {
	members, err := o.start()
	if err != nil {
		return err
	}
	defer members.Close()
	if e.answers, err = e.label(ctx, members, watch); err != nil {
		return err
	}
	in := e.input()
	rows.restrict(in.Include, e.data.Series)
	if e.Report, err = metrics.Evaluate(in); err != nil {
		return err
	}
	if e.Events, err = metrics.CompareEvents(in, e.events); err != nil {
		return err
	}
	if e.model.Rival != nil {
		answers, err := o.rival(ctx, e, watch)
		if err != nil {
			return err
		}
		if err := e.compare(in, fit.Rival, answers); err != nil {
			return err
		}
	}
	p := e.reports.Positions
	if p.IsZero() {
		return nil
	}
	return e.compare(in, fit.Position, p.Answers(e.data.Len(), in.Series))
}

// label has networks answer all rows.
func (e *evaluation) label(ctx context.Context, networks *label.Model, watch *progress) (label.Answers, error) {
	R := len(e.data.Features)
	all := make([]label.Series, len(e.data.Series))
	for i, s := range e.data.Series {
		all[i].Values = e.data.X[s.Start*R : s.End*R]
	}
	answers, err := networks.WithProgress(watch.add).Label(ctx, all...)
	var at *label.RowError
	if errors.As(err, &at) {
		err = e.data.At(e.data.Series[at.Series].Start+at.Row, "", err)
	}
	return answers, err
}

// input is what the metrics judge: the answers that are not padded.
func (e *evaluation) input() metrics.Input {
	in := metrics.Input{
		Probability: e.answers.Probability, Label: e.data.Labels, Classes: e.model.Classes, Threshold: e.model.Threshold,
		Include: make([]bool, e.answers.Len()),
	}
	for i, padded := range e.answers.Padded {
		in.Include[i] = !padded
	}
	in.Series = fit.Spans(e.data.Series)
	return in
}

// rival has logistic regression answer all rows, [N].
func (o *evaluateOptions) rival(ctx context.Context, e *evaluation, watch *progress) ([]int16, error) {
	var network *label.Model
	err := tflib.Quietly(func() (err error) { network, err = label.LoadRival(o.opened, o.machine); return err })
	if err != nil {
		return nil, err
	}
	defer network.Close()
	answers, err := e.label(ctx, network, watch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fit.Rival, err)
	}
	return answers.Class, nil
}

// compare adds a rival's score on the rows of in.
func (e *evaluation) compare(in metrics.Input, name string, answers []int16) error {
	b, err := in.Baseline(name, answers)
	if err != nil {
		return err
	}
	e.Baselines = append(e.Baselines, b)
	return nil
}

// print prints the report, and a line if the networks are no better than a rival of theirs.
func (o *evaluateOptions) print(e *evaluation, out, errOut io.Writer) error {
	if o.json {
		return observe.WriteJSON(out, "evaluation", e)
	}
	if err := e.WriteTable(out, columnsOf(out)); err != nil {
		return err
	}
	var folds []metrics.Baseline
	if j := e.reports.Judged; j != nil {
		folds = j.Report.Baselines
	}
	if text := testedAdvice(e.Report, folds); text != "" {
		fmt.Fprintf(errOut, "rnnbin: %s\n", text)
	}
	return nil
}

// rowRange is a part of each series: rows from to to-1, or, where they are
// negative, that many before the end.
type rowRange struct {
	from, to int
	open     bool // to is the end
}

// parseRows reads the value of a flag.
func parseRows(flag, text string) (rowRange, error) {
	if text == "" {
		return rowRange{open: true}, nil
	}
	wrong := usagef(flag, "must be FROM:TO, two row numbers that may be empty, not %q", text)
	from, to, found := strings.Cut(text, ":")
	if !found {
		return rowRange{}, wrong
	}
	r := rowRange{open: to == ""}
	for _, n := range []struct {
		text string
		to   *int
	}{{from, &r.from}, {to, &r.to}} {
		if n.text == "" {
			continue
		}
		var err error
		if *n.to, err = strconv.Atoi(n.text); err != nil {
			return rowRange{}, wrong
		}
	}
	return r, nil
}

// of is the part of a series of n rows.
func (r rowRange) of(n int) (from, to int) {
	at := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	if r.open {
		return at(r.from), n
	}
	return at(r.from), at(r.to)
}

// restrict leaves the other rows of each series out of include.
func (r rowRange) restrict(include []bool, all []series.Range) {
	for _, s := range all {
		from, to := r.of(s.Len())
		clear(include[s.Start : s.Start+from])
		if to < s.Len() {
			clear(include[s.Start+max(from, to) : s.End])
		}
	}
}
