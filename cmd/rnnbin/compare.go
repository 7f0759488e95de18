package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/judged"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/model"
)

// compareOptions are the flags of compare.
type compareOptions struct {
	evaluateOptions
	dirs []string
}

func (o *compareOptions) addFlags(f *pflag.FlagSet) {
	o.changed, o.events.changed = f.Changed, f.Changed
	addGroup(f, "Data", func(f *pflag.FlagSet) {
		addFlag(f, "data", &o.data, "`file` or pattern (*, ?) with labelled data, which each model labels; can be repeated\n(default the rows by which all were judged)", dataEndings...)
		addLabelEvents(f, &o.labels)
		addEventTolerance(f, &o.tolerance)
		o.addDataFlags(f)
	})
	addGroup(f, "Running", func(f *pflag.FlagSet) {
		addFlag(f, "json", &o.json, jsonUsage)
		o.addRunFlags(f)
	})
}

func newCompare() *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare DIR DIR...",
		Short: "Compare trained models on the same rows",
		Long: `Compare models on the same rows: those that networks of each were judged by and had not
seen, as train has kept them, or with --data those of a file, which each model labels.
It is refused if the rows are not the same, that is, if a row that is in its place in the
same series has another label.

After the scores of each on all rows come differences to the first model, fold by fold
(the first model's folds; with --data blocks of rows, whole series where there are several),
with their mean's standard error. A difference of less than two of these may be chance.
Last are the rows on which models disagree, the longest stretches first.`,
		Example: `  rnnbin compare runs/1 runs/2
  rnnbin compare runs/1 runs/2 runs/3 --data minute5.csv
  rnnbin compare runs/1 runs/2 --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{fmt.Errorf("%s takes two model folders at least, got %d", cmd.CommandPath(), len(args))}
			}
			o.dirs = args
			return runCompare(cmd.Context(), &o, cmd.OutOrStdout(), unlessQuiet(o.quiet, cmd.ErrOrStderr()))
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runCompare(ctx context.Context, o *compareOptions, out, errOut io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	c := comparison{Groups: "folds"}
	if len(o.data) > 0 {
		c.Groups = "blocks"
	}
	for _, dir := range o.dirs {
		rows, err := o.rows(ctx, dir, errOut)
		if err != nil {
			return err
		}
		c.Models = append(c.Models, &comparedModel{Folder: dir, rows: rows})
	}
	if err := c.align(); err != nil {
		return err
	}
	if err := c.judge(); err != nil {
		return err
	}
	if o.json {
		return observe.WriteJSON(out, "comparison", &c)
	}
	return c.write(out)
}

// check checks the flags.
func (o *compareOptions) check() error {
	for i, dir := range o.dirs {
		if slices.Contains(o.dirs[:i], dir) {
			return usageError{fmt.Errorf("%s is named twice", dir)}
		}
	}
	if slices.Contains(o.data, table.Stdin) {
		return usagef("data", "cannot be standard input here, which can be read only once")
	}
	for _, flag := range []string{"label", "label-events", "event-tolerance", "positive", "series", "time", "max-gap", "missing",
		"input-format", "delimiter", "no-header", "time-format", "skip-rows", "na-values"} {
		if len(o.data) == 0 && o.changed(flag) {
			return usagef(flag, "does nothing without --data")
		}
	}
	return nil
}

// rows are those that a model was judged by, or the answers that it gives to those of --data.
func (o *compareOptions) rows(ctx context.Context, dir string, errOut io.Writer) (*judged.Rows, error) {
	one := o.evaluateOptions
	one.model = dir
	const onData = "--data FILE has each model label a file"
	m, err := one.load(errOut)
	if info, _ := os.Stat(dir); err != nil && info != nil && info.Mode().IsRegular() {
		return nil, hinted{err, onData}
	}
	if err != nil {
		return nil, err
	}
	defer one.opened.Close()
	if len(o.data) == 0 {
		rows, err := judgedIn(ctx, one.opened)
		if err == nil && rows == nil {
			err = hinted{fmt.Errorf("%s: the model was not judged by folds, so there are no rows to compare by", dir), onData}
		}
		return rows, err
	}
	return one.answered(ctx, m, errOut)
}

// answered are the model's answers to the rows of --data.
func (o *evaluateOptions) answered(ctx context.Context, m *model.Model, errOut io.Writer) (*judged.Rows, error) {
	watch := newProgress(nil, errOut)
	defer watch.end()
	data, err := o.read(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	printWarnings(errOut, data.Warnings)
	e, err := o.newEvaluation(m, data)
	if err != nil {
		return nil, err
	}
	members, err := o.start()
	if err != nil {
		return nil, err
	}
	defer members.Close()
	if e.answers, err = e.label(ctx, members, watch); err != nil {
		return nil, err
	}
	in := e.input()
	rows := &judged.Rows{Classes: m.Classes, Series: in.Series, Time: data.Time, Stamps: data.Stamps, Fold: blocks(data),
		Label: data.Labels, Answer: e.answers.Class, Probability: in.Probability}
	for i, include := range in.Include {
		if !include || data.Labels[i] == series.Unlabelled {
			rows.Fold[i] = 0
		}
	}
	return rows, nil
}

// blocks are numbers, from 1, of the parts of data that are compared by themselves: whole series, some
// of them together where there are many; of few series parts.
func blocks(d *series.Data) []int16 {
	const few, parts, many = 4, 8, 20
	all := make([]int16, d.Len())
	n := len(d.Series)
	for k, s := range d.Series {
		block := k * min(n, many) / n
		for i := s.Start; i < s.End; i++ {
			if n < few {
				block = k*parts + (i-s.Start)*parts/s.Len()
			}
			all[i] = int16(block + 1)
		}
	}
	return all
}

// comparison is what compare finds out.
type comparison struct {
	Rows      int                `json:"rows"`   // that all have answered
	Groups    string             `json:"groups"` // folds or blocks, by which differences are taken
	Models    []*comparedModel   `json:"models"`
	Disagreed int                `json:"disagreed"`           // rows to which they have different answers
	Stretches []disagreedStretch `json:"disagreed_stretches"` // the longest

	names  []string // classes
	groups []int16
}

// comparedModel is one of the models.
type comparedModel struct {
	Folder string               `json:"folder"`
	Judged int                  `json:"rows"` // that it has answered
	Right  int                  `json:"right_where_disagreed"`
	Scores metrics.Scores       `json:"scores"`
	Groups []metrics.FoldScores `json:"per_group"`
	Ahead  *aheadOf             `json:"ahead,omitempty"` // of the first; nil for that

	rows *judged.Rows
	in   metrics.Input
}

// aheadOf is by how much scores are higher, group by group.
type aheadOf struct {
	metrics.FoldSpread
	Error metrics.FoldScores `json:"standard_error"` // of the mean
}

// disagreedStretch is rows with one label and different answers to it.
type disagreedStretch struct {
	Series  string   `json:"series"`
	From    int      `json:"from"` // numbers in the series, from 0
	To      int      `json:"to"`
	Label   string   `json:"label"`
	Answers []string `json:"predicted"` // of each model
}

// align brings the rows of all models in the order of the first's, and leaves those out that not all
// have.
func (c *comparison) align() error {
	first := c.Models[0]
	base := first.rows
	c.names, c.groups = base.Classes, base.Fold
	include := base.Input().Include
	for _, m := range c.Models {
		if !slices.Equal(m.rows.Classes, c.names) {
			return fmt.Errorf("%s and %s have different classes: %s, and %s", first.Folder, m.Folder, table.List(c.names), table.List(m.rows.Classes))
		}
		for _, fold := range m.rows.Fold {
			if fold > 0 {
				m.Judged++
			}
		}
		at, err := first.same(m)
		if err != nil {
			return err
		}
		C, n := len(c.names), 0
		m.in = metrics.Input{Label: base.Label, Classes: c.names, Series: base.Series, Include: include, Answer: make([]int16, len(at)), Probability: make([]float32, len(at)*C)}
		for i, k := range at {
			if include[i] = include[i] && k >= 0; !include[i] {
				continue
			}
			n++
			m.in.Answer[i] = m.rows.Answer[k]
			copy(m.in.Probability[i*C:(i+1)*C], m.rows.Probability[k*C:(k+1)*C])
		}
		if c.Rows = n; n == 0 {
			return fmt.Errorf("no row is judged in %s that is in those before; series: %s, and %s", m.Folder, seriesNames(base), seriesNames(m.rows))
		}
	}
	return nil
}

func seriesNames(r *judged.Rows) string {
	var names []string
	for _, s := range r.Series {
		names = append(names, s.Name)
	}
	return table.List(names)
}

// same are the places [N] in another model's rows of those of m, -1 for those that it has not judged.
// Rows at the same place in a series of the same name must be the same.
func (m *comparedModel) same(o *comparedModel) ([]int, error) {
	at := make([]int, len(m.rows.Fold))
	for i := range at {
		at[i] = -1
	}
	for _, s := range m.rows.Series {
		k := slices.IndexFunc(o.rows.Series, func(t metrics.Span) bool { return t.Name == s.Name })
		if k < 0 {
			continue
		}
		t := o.rows.Series[k]
		for n := range min(s.End-s.Start, t.End-t.Start) {
			a, b := s.Start+n, t.Start+n
			if m.rows.Fold[a] == 0 || o.rows.Fold[b] == 0 {
				continue
			}
			if x, y := m.rows.Label[a], o.rows.Label[b]; x != y {
				return nil, notSame(m, o, s.Name, n, fmt.Sprintf("is labelled %s in one and %s in the other", m.rows.Classes[x], m.rows.Classes[y]))
			}
			if m.rows.Time != nil && o.rows.Time != nil && !sameTime(m.rows.Time[a], o.rows.Time[b]) {
				return nil, notSame(m, o, s.Name, n, "has another time")
			}
			at[a] = b
		}
	}
	return at, nil
}

func notSame(m, o *comparedModel, series string, row int, how string) error {
	return hinted{fmt.Errorf("%s and %s were not judged by the same data: row %d (from 0) of series %q %s", m.Folder, o.Folder, row, series, how),
		"--data FILE has each model label a file"}
}

// judge scores the models, and finds where they disagree.
func (c *comparison) judge() error {
	for _, m := range c.Models {
		report, err := metrics.Evaluate(m.in)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Folder, err)
		}
		m.Scores = report.Scores
		if m.Groups, err = c.perGroup(m.in); err != nil {
			return fmt.Errorf("%s: %w", m.Folder, err)
		}
		if first := c.Models[0]; m != first {
			ahead := metrics.Ahead(m.Groups, first.Groups)
			m.Ahead = &aheadOf{ahead, ahead.StandardErrors()}
		}
	}
	c.disagree()
	return nil
}

// perGroup are the scores of each group of rows.
func (c *comparison) perGroup(in metrics.Input) ([]metrics.FoldScores, error) {
	members := map[int16]bool{}
	for i, include := range in.Include {
		if include {
			members[c.groups[i]] = true
		}
	}
	var all []metrics.FoldScores
	for g := int16(1); g <= slices.Max(c.groups); g++ {
		if !members[g] {
			continue
		}
		one := in
		one.Include = make([]bool, len(in.Include))
		for i, include := range in.Include {
			one.Include[i] = include && c.groups[i] == g
		}
		report, err := metrics.Evaluate(one)
		if err != nil {
			return nil, err
		}
		all = append(all, report.Compared())
	}
	return all, nil
}

// disagree counts the rows with different answers, and lists the longest stretches of them.
func (c *comparison) disagree() {
	const listed = 10
	base := c.Models[0].in
	answers := func(i int) []int16 {
		var all []int16
		for _, m := range c.Models {
			all = append(all, m.in.Answer[i])
		}
		return all
	}
	for _, s := range base.Series {
		var last []int16 // of the row before, where models disagree
		for i := s.Start; i < s.End; i++ {
			now := answers(i)
			if !base.Include[i] || len(slices.Compact(slices.Clone(now))) == 1 {
				last = nil
				continue
			}
			c.Disagreed++
			for k, m := range c.Models {
				if now[k] == base.Label[i] {
					m.Right++
				}
			}
			if n := len(c.Stretches); last != nil && slices.Equal(last, now) && base.Label[i] == base.Label[i-1] {
				c.Stretches[n-1].To++
			} else {
				stretch := disagreedStretch{Series: s.Name, From: i - s.Start, To: i - s.Start, Label: c.names[base.Label[i]]}
				for _, a := range now {
					stretch.Answers = append(stretch.Answers, c.names[a])
				}
				c.Stretches = append(c.Stretches, stretch)
			}
			last = now
		}
	}
	slices.SortStableFunc(c.Stretches, func(a, b disagreedStretch) int { return cmp.Compare(b.To-b.From, a.To-a.From) })
	c.Stretches = c.Stretches[:min(len(c.Stretches), listed)]
}

// write prints tables for people.
func (c *comparison) write(out io.Writer) error {
	first, scores := c.Models[0], scoresOf(len(c.names))
	titles := titlesOf(scores)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "of %s together\t%s\n", count(c.Rows, "row"), strings.Join(titles, "\t"))
	for _, m := range c.Models {
		fmt.Fprintf(w, "%s\t%s", m.Folder, strings.Join(scoreCells(scores, m.Scores.Compared()), "\t"))
		if m.Judged > c.Rows {
			fmt.Fprintf(w, "\tof its %d rows", m.Judged)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\nahead of %s in %d %s\t%s\n", first.Folder, len(first.Groups), c.Groups, strings.Join(titles, "\t"))
	for _, m := range c.Models[1:] {
		fmt.Fprintf(w, "%s\t%s\n", m.Folder, strings.Join(aheadCells(scores, m.Ahead), "\t"))
	}
	fmt.Fprintf(w, "\nthey disagree on %s, %.3g %%", count(c.Disagreed, "row"), 100*float64(c.Disagreed)/float64(c.Rows))
	for _, m := range c.Models {
		fmt.Fprintf(w, "; %s is right in %d", m.Folder, m.Right)
	}
	fmt.Fprintln(w)
	if len(c.Stretches) > 0 {
		fmt.Fprint(w, "\nseries\trows (from 0)\tlabel")
		for _, m := range c.Models {
			fmt.Fprintf(w, "\t%s", m.Folder)
		}
		fmt.Fprintln(w)
	}
	for _, s := range c.Stretches {
		fmt.Fprintf(w, "%s\t%d to %d\t%s\t%s\n", s.Series, s.From, s.To, s.Label, strings.Join(s.Answers, "\t"))
	}
	return w.Flush()
}

// aheadCells show differences with their standard errors.
func aheadCells(scores []score, a *aheadOf) []string {
	var cells []string
	for _, s := range scores {
		cells = append(cells, aheadText(s.of(&a.Mean), s.of(&a.Error)))
	}
	return cells
}
