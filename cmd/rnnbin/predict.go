package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/model"
)

// predictOptions are the flags of predict.
type predictOptions struct {
	applyOptions
	data   files
	output string
	outDir string
	format string // of the output
	force  bool
	json   bool
	follow bool

	probabilities bool
	onError       string
	events        eventOutput
}

func (o *predictOptions) addFlags(f *pflag.FlagSet) {
	o.changed, o.events.changed = f.Changed, f.Changed // of all groups
	addGroup(f, "Model and data", o.addInputFlags)
	addGroup(f, "Answers", o.addAnswerFlags)
	addGroup(f, "Events", o.events.addFlags)
	addGroup(f, "Running", o.addRunFlags)
}

func (o *predictOptions) addInputFlags(f *pflag.FlagSet) {
	o.addModelFlag(f)
	addFlag(f, "data", &o.data, "in place of FILE: `file` with the columns of the training data, a pattern such as 'days/*.csv',\nor - for standard input; can be repeated", dataEndings...)
	o.addDataFlags(f)
}

func (o *predictOptions) addAnswerFlags(f *pflag.FlagSet) {
	o.output, o.onError = table.Stdin, onErrorStop
	addFlag(f, "out", &o.output, "`file` to write, whole or not at all; - for standard output")
	addFlag(f, "force", &o.force, replaceUsage)
	addFlag(f, "out-dir", &o.outDir, "write the answers to each file to one of its name in `folder`, which is made if need be;\nwith --format the names end in that")
	addFlag(f, "format", &o.format, "`format` of the output: "+formatNames+"\n(default by the output's name, else that of the data)", names(table.Formats)...)
	addFlag(f, "probabilities", &o.probabilities, "write the probability of each class, too, as probability_NAME")
	addFlag(f, "json", &o.json, "print one JSON object at the end: the files, and how many rows got which label")
	addFlag(f, "follow", &o.follow, "label line by line, each row as soon as it can be")
	addFlag(f, "on-error", &o.onError, "`action` for a row that cannot be read: stop, when the rows before it are labelled,\nor skip, which reports it, leaves it out and goes on", onErrorStop, onErrorSkip)
	o.addResultFlags(f)
}

// Values of --on-error.
const (
	onErrorStop = "stop"
	onErrorSkip = "skip"
)

func newPredict() *cobra.Command {
	var o predictOptions
	cmd := &cobra.Command{
		Use:   "predict MODEL FILE...",
		Short: "Label the rows of a file or a stream with a trained model",
		Long: `Write the rows of the data with two more columns: predicted_label, the name of the
most probable class, and predicted_probability, how probable that is. Of two classes
the second one, such as 1 or yes, is predicted where its probability is at least the
threshold. With --probabilities each class has a column, such as probability_walking.
Where the data has one of these columns already, all of them end in _2, or the next number
that is free. Every row is labelled, in order, and the other columns stay as they are.
Rows that are series (--layout wide) get the class of the mean probabilities of their steps.

The columns' roles come from the model. The data needs its features, and its
series and time columns unless --series "" or --time "" says otherwise; labels
are not needed, and only drawn.

Data of any length is labelled in little memory, many rows at a time. A model that
scales features within whole series reads the data twice; what is no file, such as
standard input, is then first copied to a temporary one.

Each file is a series of its own, or several. Answers to several files follow each other
in one output, for which their columns must be the same, or go to a file each with
--out-dir. When one file fails, the run ends there and has failed: what --out-dir has for
files before it is complete and stays; a file of --out stays as it was before the run.
Files that exist are replaced only with --force.

With --follow each row is labelled as soon as it can be; the probabilities agree to
rounding (a millionth of the largest). A model trained with --lookahead 0 labels a row
at once; one with --lookahead N labels it when the N rows after it have arrived, and the
last N rows of a series at the end of the data, for which rows of other series wait. Any
other model of one direction that does not scale within whole series can follow, too.

--events-out writes events: runs of rows of any class but the first, each with its series,
first and last time (or row, counted from 0, where there is no time column), number of
rows, label, and the mean and largest probability of that. --threshold-off, --merge-gap
and --min-length act on events alone, in this order; the rows' labels stay as they are.
Events come in the order in which they become certain: when the series has gone on for
longer than --merge-gap, or ends. A task for Label Studio has them as predictions for the
file, whose name is to be replaced by an address that Label Studio can read, in a project
with <TimeSeriesLabels name="label" toName="ts"> and <TimeSeries name="ts" value="$csv">.

A warning at the end names columns with values far outside those of the training rows:
the answers there may mean nothing.

When a row cannot be read, those before it are labelled as if the data ended there, and
the run has failed: a file of the output's name stays as it was. --on-error skip leaves
such rows out. A fault that hides where rows begin, as in cut off or damaged compression,
a Parquet file's pages or a quote left open, ends the run nevertheless.

At most ` + strconv.Itoa(series.MaxOpen) + ` series are open at a time: one more closes the least recently seen,
which restarts if it reappears.`,
		Example: `  rnnbin predict runs/latest minute5.csv | head
  rnnbin predict runs/latest 'days/*.csv' --out-dir labelled
  rnnbin predict runs/latest minute5.csv -o labelled.parquet --plot labelled.svg
  tail -n +1 -f sensor.csv | rnnbin predict runs/latest - --follow
  rnnbin predict runs/latest minute5.csv --events-out events.csv --merge-gap 20 --min-length 10
  rnnbin predict runs/latest minute5.csv --out minute5.jsonl --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := takeModelAndFiles(cmd, args); err != nil {
				return err
			}
			return runPredict(cmd.Context(), o, cmd.OutOrStdout(), unlessQuiet(o.quiet, cmd.ErrOrStderr()))
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runPredict(ctx context.Context, o predictOptions, out, errOut io.Writer) error {
	if err := cmp.Or(o.events.validate(&o), o.checkJSON(out)); err != nil {
		return err
	}
	m, err := o.load(errOut)
	if err != nil {
		return err
	}
	defer o.opened.Close()
	if o.follow {
		if err := checkFollow(m); err != nil {
			return err
		}
	}
	targets, err := o.targets()
	if err != nil {
		return err
	}
	picture, err := o.picture.begin(m, false)
	if err != nil {
		return err
	}
	skipped := skippedRows{out: errOut}
	options, err := o.readOptions(m, &skipped)
	if err != nil {
		return err
	}
	l := labelling{predictOptions: &o, model: m, options: options, out: out, errOut: errOut,
		watch: newProgress(o.linesOut(out), errOut), far: newRangeWatch(m), picture: picture,
		summary: summary{Classes: map[string]int{}}}
	defer l.close()
	if o.outDir == "" && len(targets) > 1 {
		if err := l.checkColumns(ctx, targets); err != nil {
			return err
		}
	}
	for i, t := range targets {
		if err = l.label(ctx, t); err != nil {
			err = l.failed(err, i, len(targets))
			break
		}
	}
	err = l.found.end(ctx, err)
	skipped.end()
	printFar(errOut, l.far.found())
	if err != nil {
		return err
	}
	if l.early > 0 {
		fmt.Fprintf(errOut, "rnnbin: warning: more than %d series were open; rows labelled as the last of one that reappeared later: %d\n", series.MaxOpen, l.early)
	}
	if err := l.picture.write(errOut); err != nil {
		return err
	}
	return l.print(skipped.n)
}

// linesOut is standard output if rows or events go there, else nil.
func (o *predictOptions) linesOut(out io.Writer) io.Writer {
	if (o.output != table.Stdin || o.outDir != "") && !o.events.toStdout() {
		return nil
	}
	return out
}

// checkFollow refuses a model that has to see what comes behind a row first.
func checkFollow(m *model.Model) error {
	if _, finite := m.Wait(); finite {
		return nil
	}
	why := "whose network is of two directions"
	if m.ScalesWhole() {
		why = "which scales features within whole series"
	}
	return hinted{flagf("follow", "cannot be used with this model, %s, so labels depend on later rows", why),
		"`rnnbin train --lookahead 0` makes one that labels each row at once, --lookahead N one that labels it N rows later"}
}

// readOptions are those to read each file with.
func (o *predictOptions) readOptions(m *model.Model, skipped *skippedRows) (series.Options, error) {
	options, err := o.options(m)
	if err != nil {
		return options, err
	}
	switch {
	case o.follow && options.Layout == series.WideLayout:
		return options, usagef("follow", "cannot be used with --layout wide: a row is a whole series")
	case o.follow && options.Resample != "":
		return options, flagf("follow", "cannot be used with this model, which answers rows by intervals of %s (--resample)", options.Resample)
	}
	options.LabelOptional, options.Follow = true, o.follow
	options.Events = o.events.path != "" && !o.follow // so that training on them finds the same time column
	options.Twice = m.ScalesWhole() || options.Resample != "" || options.Layout == series.WideLayout
	switch o.onError {
	case onErrorStop:
	case onErrorSkip:
		options.Skip = skipped.add
	default:
		return options, usagef("on-error", "must be %s or %s, not %q", onErrorStop, onErrorSkip, o.onError)
	}
	if o.picture.path == "" {
		options.Label = "" // nobody asks, so that a fault in it is no hindrance
	}
	return options, nil
}

// create begins an output of rows, nil if events take its place.
func (o *predictOptions) create(output string, out io.Writer, r *series.Reader, a series.Answers) (*series.Writer, error) {
	if output == table.Stdin && o.events.toStdout() {
		return nil, nil
	}
	format, err := parseFormat("format", o.format)
	if err != nil {
		return nil, err
	}
	if format == "" && output != table.Stdin && o.outDir == "" {
		if format, err = formatOf(output); err != nil {
			return nil, err
		}
	}
	if format == "" {
		format = r.Format().Output()
	}
	if o.follow && !format.ByRow() {
		return nil, hinted{usagef("follow", "cannot write %s, which takes many rows at a time", format), "--format sets another format"}
	}
	if output == table.Stdin {
		if f, ok := out.(*os.File); ok && r.Reads(f) { // which would not end
			return nil, hinted{errors.New("standard output is the input file"), "--out with --force replaces it once all rows are labelled"}
		}
		return series.NewWriter(out, format, r, a)
	}
	w, err := series.Create(output, format, r, a)
	if err != nil && o.outDir != "" {
		return nil, fmt.Errorf("--out-dir: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return w, nil
}

// formatOf is the format that an output's name ends in, "" if its name has no ending.
func formatOf(output string) (table.Format, error) {
	format, compression := table.FormatOf(output)
	name := output
	if compression != table.Plain {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	if ending := filepath.Ext(name); format == "" && ending != "" {
		return "", usagef("out", "%s: the format of %q is not known: --format names it, one of %v", output, ending, table.Formats)
	}
	return format, nil
}

// skippedRows names rows that are left out, the first few of them.
type skippedRows struct {
	out io.Writer
	n   int
}

func (s *skippedRows) add(fault *table.Error) {
	const named = 10
	if s.n++; s.n <= named {
		fmt.Fprintf(s.out, "rnnbin: skipped: %s\n", withFlags(fault.Error()))
	}
}

func (s *skippedRows) end() {
	if s.n > 0 {
		fmt.Fprintf(s.out, "rnnbin: warning: %s could not be read and are left out\n", count(s.n, "row"))
	}
}
