package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/htmlreport"
	"github.com/rnnbin/rnnbin/cmd/internal/judged"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

func newReport() *cobra.Command {
	var out string
	var force, quiet bool
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Write a page about a model: how good it is, and where it is wrong",
		Long: `Write a page, one HTML file, about the model in a folder: what was trained on what, how
each network did in each fold, how good the chosen one is beside simple baselines, its
mistakes, curves of ROC, precision and calibration, how its training went, and how to use
it. The scores and curves are of rows that the networks which answered them had not seen.

The stretches with the most mistakes are drawn with the values of their features if the
files that the model was trained on are still where they were and have the same rows; the
page says so if not. They can be zoomed and moved.

The page asks for nothing from outside: it can be read offline, on a phone and in print.`,
		Example: `  rnnbin report runs/latest
  rnnbin report runs/3 -o report.html --force`,
		Args: oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReport(cmd.Context(), args[0], out, force, cmd.OutOrStdout(), unlessQuiet(quiet, cmd.ErrOrStderr()))
		},
	}
	addFlag(cmd.Flags(), "out", &out, "`file` to write, whole or not at all; - for standard output (default DIR/report.html)", "html")
	addFlag(cmd.Flags(), "force", &force, replaceUsage)
	addFlag(cmd.Flags(), "quiet", &quiet, quietUsage)
	return cmd
}

func runReport(ctx context.Context, dir, out string, force bool, stdout, errOut io.Writer) error {
	out = cmp.Or(out, filepath.Join(dir, "report.html"))
	if err := checkOut("out", out, force); err != nil {
		return err
	}
	r, err := readReported(ctx, dir)
	if err != nil {
		return err
	}
	if r.without != nil {
		fmt.Fprintf(errOut, "rnnbin: features are not drawn: %s\n", withFlags(r.without.Error()))
	}
	page := r.page()
	if out == table.Stdin {
		return page.Write(stdout)
	}
	file, err := outfile.Create(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer file.Discard()
	if err := page.Write(file); err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	fmt.Fprintf(errOut, "rnnbin: the report is in %s\n", out)
	return nil
}

// reported is what a report is about.
type reported struct {
	dir      string // as the user calls it
	folder   string
	model    *model.Model
	reports  *reports
	rows     *judged.Rows // nil without
	history  [][]observe.EpochLine
	settings []byte
	data     *series.Data // that the rows are of; nil if it is not there any more
	without  error        // why
}

func readReported(ctx context.Context, dir string) (*reported, error) {
	o, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	r := &reported{dir: dir, folder: o.Dir, model: o.Model, settings: o.Settings}
	if r.reports, err = reportsOf(o.Dir, o.Model); err != nil {
		return nil, err
	}
	if r.rows, err = judgedIn(ctx, o); err != nil {
		return nil, err
	}
	if r.history, err = historyIn(o); err != nil {
		return nil, err
	}
	if r.rows != nil {
		r.data, r.without = r.read(ctx)
	}
	return r, nil
}

// judgedIn are the rows that a model was judged by, nil if it was not.
func judgedIn(ctx context.Context, o *model.Opened) (*judged.Rows, error) {
	if o.Judged == "" {
		return nil, nil
	}
	content, err := o.Read(o.Judged)
	if err != nil {
		return nil, err
	}
	rows, err := judged.Read(ctx, content)
	if err == nil && !slices.Equal(rows.Classes, o.Classes) {
		err = errors.New("its classes are not the model's")
	}
	if err != nil {
		return nil, &model.Error{Path: filepath.Join(o.Dir, o.Judged), Err: err}
	}
	return rows, nil
}

// read reads the data that the model was trained on, if it is still what it was.
func (r *reported) read(ctx context.Context) (*series.Data, error) {
	if len(r.settings) == 0 {
		return nil, errors.New("the model does not tell where its data is")
	}
	s, err := settingsIn(r.folder, r.settings)
	if err != nil {
		return nil, err
	}
	if slices.Contains(s.Data.Files, table.Stdin) {
		return nil, errors.New("the data was read from standard input")
	}
	s.Data.Validation, s.Data.Test = nil, nil
	all, err := s.Data.read(ctx, io.Discard, newProgress(nil, io.Discard))
	if err != nil {
		return nil, err
	}
	return all.Train, sameRows(r.rows, all.Train, &r.model.Columns)
}

// sameRows reports in which way data is not what rows were judged of.
func sameRows(rows *judged.Rows, d *series.Data, c *model.Columns) error {
	if !slices.Equal(d.Features, c.Features) || !slices.Equal(d.Shifts(), c.Shift) || !slices.Equal(d.Classes, rows.Classes) {
		return errors.New("the data has other features or classes than the model")
	}
	for _, span := range rows.Series {
		at := slices.IndexFunc(d.Series, func(s series.Range) bool { return s.Name == span.Name })
		if at < 0 || d.Series[at].First+d.Series[at].Len() < span.End-span.Start {
			return fmt.Errorf("the data has changed: series %q is gone or shorter", span.Name)
		}
		for i := span.Start; i < span.End; i++ {
			now := d.Series[at].Start - d.Series[at].First + i - span.Start
			if rows.Fold[i] > 0 && (now < d.Series[at].Start || d.Labels[now] != rows.Label[i] || rows.Time != nil && (d.Time == nil || !sameTime(d.Time[now], rows.Time[i]))) {
				return fmt.Errorf("the data has changed: row %d (from 0) of series %q has another label or time", i-span.Start, span.Name)
			}
		}
	}
	return nil
}

// sameTime compares times, of which stamps are kept to the microsecond.
func sameTime(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 || a == b }

// page is all that there is to tell.
func (r *reported) page() *htmlreport.Page {
	m := r.model
	name := r.folder
	if filepath.IsAbs(name) {
		name = filepath.Base(name)
	}
	p := &htmlreport.Page{Title: fmt.Sprintf("%s: %s", name, labelText(m.Columns)), Lead: r.lead()}
	p.Sections = slices.DeleteFunc([]htmlreport.Section{r.good(), r.classes(), r.curves(), mistaken{r}.wrong(), r.compared(), r.trained(), r.training(), r.use(), r.again()},
		func(s htmlreport.Section) bool { return s.Title == "" })
	return p
}

// lead says in a sentence or two how good the model is.
func (r *reported) lead() []string {
	what := fmt.Sprintf("The model is %s (%s)", strings.Join(networkNames(r.model, r.reports), " and "), membersText(r.model))
	j := r.reports.Judged
	if j == nil {
		return []string{what + ". Nothing was judged by folds, so how good it is on other rows is not known."}
	}
	best := bestRival(j.Report.Baselines, inFolds)
	text := fmt.Sprintf("%s. On %s that the networks had not seen its macro F1 is %v, that of the best baseline, %s, %v.",
		what, count(j.Report.Steps, "row"), cell(j.Mean.MacroF1, j.Std.MacroF1), best.Name, rivalCells(scoresOf(len(r.model.Classes)), best)[0])
	if advice := judgedAdvice(j.Report); advice != "" {
		text += " " + strings.ToUpper(advice[:1]) + advice[1:] + "."
	}
	return []string{text}
}

// good compares the networks with their rivals.
func (r *reported) good() htmlreport.Section {
	scores := scoresOf(len(r.model.Classes))
	s := htmlreport.Section{Title: "How good it is"}
	head := append([]string{""}, titlesOf(scores)...)
	if j := r.reports.Judged; j != nil {
		s.Text = []string{fmt.Sprintf("Mean and deviation over %s (%s). Networks of the same kind, trained on the other rows, labelled each fold's.",
			count(j.Folds, "fold"), cmp.Or(splitText[layout.SplitKind(j.Split)], j.Split))}
		t := htmlreport.Table{Head: append(slices.Clone(head), "model ahead by (macro F1)"), Bold: 1}
		t.Rows = append(t.Rows, fill(append([]string{"this model"}, spreadCells(scores, j.FoldSpread)...), len(t.Head)))
		for _, b := range j.Report.Baselines {
			row := fill(append([]string{b.Name}, rivalCells(scores, &b)...), len(head))
			if b.Folds != nil {
				row = append(row, aheadText(b.Folds.Ahead.Mean.MacroF1, b.Folds.Ahead.StandardErrors().MacroF1))
			}
			t.Rows = append(t.Rows, row)
		}
		s.Tables = append(s.Tables, t, perFoldTable(head, scores, j.PerFold))
	} else {
		why := "There are no folds (--folds 0, a preset, or too few rows)"
		switch run := r.model.Run; {
		case run.Partial != "":
			why = "The run ended before the networks were compared and judged"
		case run.Steps == 0:
			why = "The network was trained elsewhere"
		}
		s.Text = []string{why + ", so there is no judgement to report: `rnnbin evaluate` judges the model by labelled rows that it has not seen."}
	}
	if t := r.reports.Test; t != nil {
		test := htmlreport.Table{Title: "Test rows, " + count(t.Steps, "row"), Head: head, Bold: 1}
		test.Rows = append(test.Rows, append([]string{"this model"}, scoreCells(scores, t.Compared())...))
		for _, b := range t.Baselines {
			test.Rows = append(test.Rows, fill(append([]string{b.Name}, rivalCells(scores, &b)...), len(head)))
		}
		s.Tables = append(s.Tables, test)
	}
	return s
}

// fill is a row with empty cells up to so many.
func fill(row []string, n int) []string {
	return append(row, slices.Repeat([]string{""}, max(0, n-len(row)))...)
}

func perFoldTable(head []string, scores []score, folds []metrics.FoldScores) htmlreport.Table {
	t := htmlreport.Table{Title: "Fold by fold", Head: head}
	for i, f := range folds {
		t.Rows = append(t.Rows, append([]string{fmt.Sprintf("fold %d", i+1)}, scoreCells(scores, f)...))
	}
	return t
}

// compared are the networks that were compared.
func (r *reported) compared() htmlreport.Section {
	if len(r.reports.Rungs) == 0 {
		return htmlreport.Section{}
	}
	scores := scoresOf(len(r.model.Classes))
	t := htmlreport.Table{Head: slices.Concat([]string{"network"}, titlesOf(scores), []string{"epochs", "seconds", ""})}
	folds := htmlreport.Table{Title: "Macro F1 fold by fold", Head: []string{"network"}}
	for i, g := range r.reports.Rungs {
		cells := slices.Repeat([]string{"-"}, len(scores))
		if g.FoldSpread != nil {
			cells = spreadCells(scores, *g.FoldSpread)
		}
		row := append([]string{g.Name}, cells...)
		t.Rows = append(t.Rows, append(row, fmt.Sprint(g.Epochs), fmt.Sprintf("%.3g", g.Seconds), strings.TrimSpace(rungMark(g, r.reports.folds()))))
		if g.Chosen {
			t.Bold = i + 1
		}
		row = []string{g.Name}
		for _, f := range g.PerFold {
			row = append(row, f.MacroF1.String())
		}
		if len(row) > 1 {
			folds.Rows = append(folds.Rows, row)
		}
	}
	s := htmlreport.Section{Title: "Networks that were compared", Tables: []htmlreport.Table{t},
		Text: []string{"One network of each kind. What is behind in each of the first folds is stopped."}}
	if len(folds.Rows) > 0 {
		for k := range len(slices.MaxFunc(folds.Rows, func(a, b []string) int { return len(a) - len(b) })) - 1 {
			folds.Head = append(folds.Head, fmt.Sprintf("fold %d", k+1))
		}
		s.Tables = append(s.Tables, folds)
	}
	return s
}

// trained is what was trained on what.
func (r *reported) trained() htmlreport.Section {
	m := r.model
	s := htmlreport.Section{Title: "What was trained on what", Facts: [][2]string{
		{"folder", r.folder},
		{"made", m.Created.Format(time.RFC3339) + " by rnnbin " + cmp.Or(m.Version, "(unknown)")},
		{"training", trainingText(m.Run)},
	}}
	for _, k := range m.Kinds {
		s.Facts = append(s.Facts, [2]string{"network", kindText(k)})
	}
	s.Facts = append(s.Facts, [][2]string{
		{"members", membersText(m)},
		{"compared with", rivalText(m, r.reports)},
		{"lookahead", lookaheadText(m)},
		{"threshold", thresholdText(m)},
		{"classes", table.List(m.Classes)},
		{"class weights", m.ClassWeight},
		{"columns", columnsText(m.Columns)},
		{"missing values", m.Columns.Missing},
	}...)
	t := htmlreport.Table{Title: "Features", Head: []string{"feature"}}
	if m.Profile.Low != nil {
		t.Head = append(t.Head, "least", "greatest", "mean")
	}
	for k, name := range m.Columns.Features {
		row := []string{name}
		if m.Profile.Low != nil {
			row = append(row, rangeOf(m, k)...)
		}
		t.Rows = append(t.Rows, row)
	}
	s.Tables = []htmlreport.Table{t}
	return s
}

// use is what to type next.
func (r *reported) use() htmlreport.Section {
	s := htmlreport.Section{Title: "How to use it"}
	for _, args := range nextCommands(r.model, r.dir) {
		s.Commands = append(s.Commands, "rnnbin "+quoteAll(args))
	}
	again := "--config"
	if run, err := model.ReadRun(r.folder); err == nil && run.State.Resumable() {
		again = "--resume"
	}
	if len(r.settings) > 0 {
		s.Commands = append(s.Commands, "rnnbin "+quoteAll([]string{"train", again, r.dir}))
	}
	return s
}

// again are the settings that make the run again.
func (r *reported) again() htmlreport.Section {
	if len(r.settings) == 0 {
		return htmlreport.Section{}
	}
	return htmlreport.Section{Title: "Settings of the run", Code: string(r.settings)}
}

// values are the features of a row of the data, filled as networks get them.
func (r *reported) values(x []float32, row int) []float32 {
	F := len(r.model.Columns.Features)
	return inputs.Fill(x[row*F:(row+1)*F], r.model.Profile.Mean)
}
