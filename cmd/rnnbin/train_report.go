package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// reporter tells people, or with --json scripts, about a run.
type reporter struct {
	out, errOut io.Writer
	json        bool
	every       int // epochs with a line; 0: none
	progress    *observe.Progress
	folds       int // that there are
	scores      []score
	rungs       []*fit.Rung
	ranked      bool // the best of them are the first in the table
	columns     int  // that a line may have; 0: any number
	headed      bool
	oneClass    bool
	begin       time.Time
}

func newReporter(o *outputOptions, classes int, out, errOut io.Writer) *reporter {
	var columns func() int
	if isTerminal(errOut) {
		columns = func() int { return cmp.Or(columnsOf(errOut), 80) }
	}
	return &reporter{
		out: out, errOut: errOut, json: o.json, every: o.logEvery, columns: columnsOf(out), scores: scoresOf(classes), begin: time.Now(),
		progress: observe.NewProgress(errOut, columns),
	}
}

// observers are those of a run.
func (r *reporter) observers(e *ending) []fit.Observer {
	all := []fit.Observer{keepWhatIs{&e.keep}, r}
	if r.json {
		all = append(all, observe.NewJSON(r.out, r.every))
	}
	return append(all, r.progress)
}

// Observe implements fit.Observer.
func (r *reporter) Observe(_ context.Context, e fit.Event) error {
	switch e := e.(type) {
	case fit.Planned:
		r.folds = len(e.Folds)
		r.note("%s", plannedText(e))
	case fit.Noticed:
		if r.oneClass = r.oneClass || e.Kind == fit.OneClass; r.oneClass && e.Kind == fit.NotJudged {
			return nil // that has been said
		}
		r.note("warning: %s", noticeText(e))
	case fit.RungJudged:
		r.rungs = append(r.rungs, e.Rung)
	case fit.Taken:
		return r.table(e.Rungs)
	case fit.EpochEnded:
		if observe.Shown(e, r.every) && !r.json {
			return r.epoch(observe.NewEpochLine(e))
		}
	case fit.Ended:
		r.clear()
	}
	return nil
}

// note prints a remark beside the results.
func (r *reporter) note(format string, args ...any) {
	r.clear()
	fmt.Fprintf(r.errOut, "rnnbin: %s\n", fmt.Sprintf(format, args...))
}

// clear makes room for a line.
func (r *reporter) clear() {
	if r.progress != nil {
		r.progress.Clear()
	}
}

// plannedText describes a run that begins.
func plannedText(p fit.Planned) string {
	text := fmt.Sprintf("training on %s", count(p.Rows, "row"))
	if len(p.Folds) > 0 {
		text += fmt.Sprintf(", judged in %d folds (%s)", len(p.Folds), foldText(p))
	}
	if p.Test > 0 {
		text += fmt.Sprintf(", tested on %s", count(p.Test, "row"))
	}
	if p.Within != inputs.None {
		text += "; networks may have features scaled within their series, too"
	}
	return text
}

// foldText describes what the folds of a run hold back.
func foldText(p fit.Planned) string {
	if p.Split != layout.SplitSeries {
		return splitText[p.Split]
	}
	var held []series.Range
	for _, f := range p.Folds {
		held = append(held, f.Held...)
	}
	each, what, by := "", "series", ""
	if len(layout.Groups(held)) == len(p.Folds) {
		each = "one each of "
	}
	if p.Group != "" {
		what, by = "groups of series", ", by column "+p.Group
	}
	return each + "whole " + what + by
}

// splitText describes what a fold is.
var splitText = map[layout.SplitKind]string{
	layout.SplitSeries:  "whole series",
	layout.SplitBlocks:  "blocks of each series",
	layout.SplitForward: "blocks after those that train",
}

// noticeText words what is odd about a run.
func noticeText(n fit.Noticed) string {
	switch n.Kind {
	case fit.OneClass:
		return fmt.Sprintf("every label is %s, so the network can only learn to answer that, and nothing is judged", n.Class)
	case fit.RareClass:
		return fmt.Sprintf("the label %s is that of %s only: it may be a typing error", table.List([]string{n.Class}), count(n.Number, "row"))
	case fit.SaysLabel:
		return fmt.Sprintf("each value of the feature %q goes with one label only, in every row: if it is the label in another form, and is not known when a row is to be labelled, leave it out with --exclude %s",
			n.Class, table.ShellWord(n.Class))
	case fit.InBlocks:
		why := fmt.Sprintf("there are only %d series", n.Number)
		if n.Class != "" {
			why = "one series alone has the label " + n.Class
		}
		return fmt.Sprintf("%s, so blocks of each series are held back: a new series may get worse answers (--split series holds whole ones back)", why)
	case fit.OneGroup:
		return fmt.Sprintf("one series, or group of them, alone has the label %s: held back whole, no other teaches it", n.Class)
	case fit.Untaught:
		return fmt.Sprintf("a fold holds back rows with the label %s, and has none to train on: they cannot be found there, and the scores are too low (other --folds divide the rows elsewhere)", n.Class)
	case fit.TestUntaught:
		return fmt.Sprintf("test rows have the label %s, which no row that trains has: the network cannot find it", n.Class)
	case fit.NotJudged:
		return fmt.Sprintf("nothing is judged: %v (--split and --folds divide the rows differently)", n.Err)
	case fit.FewerFolds:
		return fmt.Sprintf("only %s: parts with a single label were merged with others", count(n.Number, "fold"))
	case fit.EmptyFolds:
		return fmt.Sprintf("%s left out of the judging: the horizon or lookahead leaves none of the rows held back an answer", count(n.Number, "fold"))
	case fit.NoClock:
		return "series have no clock in common (--time) or begin alike by it, so forward means forward in each series' own rows: those that train may be later than another series' rows held back"
	case fit.FewUpdates:
		return fmt.Sprintf("%s: its training has %s, too few to learn much (more --epochs, or a smaller --batch-size or --steps)", n.Rung, count(n.Number, "update"))
	case fit.RungFailed:
		return fmt.Sprintf("%s is left out: %v", n.Rung, n.Err)
	case fit.MemberFailed:
		return fmt.Sprintf("%s: network %d is left out: %v", n.Rung, n.Number, n.Err)
	case fit.TimeUp:
		return fmt.Sprintf("the time limit has left out %s (%s)", count(n.Number, "network"), n.Stage)
	case fit.NotCompared:
		return "there was no time to compare " + n.Rung
	case fit.NoThreshold:
		return fmt.Sprintf("--threshold auto has found none, as nothing is judged: the threshold is %v", fit.DefaultSpec().Threshold)
	case fit.FewerWindows:
		return fmt.Sprintf("%s: only %s, as its inputs would be too many (--rolling)", n.Rung, count(n.Number, "rolling window"))
	case fit.NotKept:
		return fmt.Sprintf("what is trained from now on may be lost if the run does not come to its end: %v", n.Err)
	case fit.Damaged:
		return fmt.Sprintf("%s: %v; going on from the state before it", n.Rung, n.Err)
	case fit.SeenBefore:
		return fmt.Sprintf("%s of the test data also occur in the training data, so the test may be too easy", count(n.Number, "row"))
	case fit.ValidationSeen:
		return fmt.Sprintf("%s of the validation data also occur in the training data, so the epoch may be chosen by what is learned by heart", count(n.Number, "row"))
	case fit.Copied:
		return fmt.Sprintf("%s that folds hold back also occur in rows that train (series %s): if they are copies, leave them out, as the scores are too good", count(n.Number, "row"), n.Class)
	}
	return ""
}

// score is a metric of the tables that compare networks.
type score struct {
	title string
	of    func(*metrics.FoldScores) metrics.Number
}

var scores = []score{
	{"macro F1", func(s *metrics.FoldScores) metrics.Number { return s.MacroF1 }},
	{"F1", func(s *metrics.FoldScores) metrics.Number { return s.F1 }},
	{"accuracy", func(s *metrics.FoldScores) metrics.Number { return s.Accuracy }},
	{"PR AUC", func(s *metrics.FoldScores) metrics.Number { return s.PRAUC }},
}

// scoresOf are those that are defined for so many classes: F1 is that of the second of two.
func scoresOf(classes int) []score {
	if classes == 2 {
		return scores
	}
	return slices.DeleteFunc(slices.Clone(scores), func(s score) bool { return s.title == "F1" })
}

// ofRivals are those that need no probabilities, which rivals may not have.
func ofRivals(scores []score) []score {
	return slices.DeleteFunc(slices.Clone(scores), func(s score) bool { return s.title == "PR AUC" })
}

// cell shows a mean and its deviation.
func cell(mean, std metrics.Number) string {
	if std != std {
		return mean.String()
	}
	return fmt.Sprintf("%v ± %.3f", mean, float64(std))
}

// row prints a line of a table: a title of a given width, as many cells as there is space
// for, and a mark.
func (r *reporter) row(width int, title string, cells []string, mark string) error {
	const cellWidth, markWidth = 3 + 14, 2 + len("stopped after 2 folds")
	if letters := []rune(title); len(letters) > width {
		title = string(letters[:width-1]) + "…"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%-*s", width, title)
	for i, c := range cells {
		if r.columns > 0 && i > 0 && width+(i+1)*cellWidth+markWidth > r.columns {
			break
		}
		fmt.Fprintf(&text, "   %-14s", c)
	}
	_, err := fmt.Fprintln(r.out, strings.TrimRight(text.String()+"  "+mark, " "))
	return err
}

// titlesOf are those of the columns of a table that compares networks.
func titlesOf(scores []score) []string {
	var all []string
	for _, s := range scores {
		all = append(all, s.title)
	}
	return all
}

// width is that of the first column of such a table.
func (r *reporter) width() int {
	widest := len(fit.Rival)
	for _, g := range r.rungs {
		widest = max(widest, len(g.Name()))
	}
	if r.columns > 0 {
		widest = min(widest, max(20, r.columns/3))
	}
	return widest
}

// table prints how the networks did that are compared.
func (r *reporter) table(taken []*fit.Rung) error {
	if r.json {
		return nil
	}
	r.clear()
	if err := r.row(r.width(), "network", titlesOf(r.scores), ""); err != nil {
		return err
	}
	rungs := r.rungs
	if r.ranked {
		rungs = slices.SortedStableFunc(slices.Values(rungs), func(a, b *fit.Rung) int {
			return cmp.Or(cmp.Compare(len(b.Folds), len(a.Folds)), cmp.Compare(b.Spread.Mean.MacroF1, a.Spread.Mean.MacroF1))
		})
	}
	for _, g := range rungs {
		mark := ""
		switch {
		case slices.Contains(taken, g):
			mark = "chosen"
		case g.Stopped:
			mark = fmt.Sprintf("stopped after %s", count(len(g.Folds), "fold"))
		}
		if n := len(g.Folds); n < r.folds && !g.Stopped { // for lack of time
			mark = strings.TrimSpace(fmt.Sprintf("%s by %s", mark, count(n, "fold")))
		}
		if err := r.row(r.width(), g.Name(), spreadCells(r.scores, g.Spread), mark); err != nil {
			return err
		}
	}
	return nil
}

func spreadCells(scores []score, f metrics.FoldSpread) []string {
	var cells []string
	for _, s := range scores {
		cells = append(cells, cell(s.of(&f.Mean), s.of(&f.Std)))
	}
	return cells
}

func scoreCells(scores []score, f metrics.FoldScores) []string {
	var cells []string
	for _, s := range scores {
		cells = append(cells, s.of(&f).String())
	}
	return cells
}

// rivalCells are means over folds where the model's are.
func rivalCells(scores []score, b *metrics.Baseline) []string {
	if b.Folds != nil {
		return spreadCells(ofRivals(scores), b.Folds.FoldSpread)
	}
	return scoreCells(ofRivals(scores), b.Compared())
}

// epoch prints the line of an epoch.
func (r *reporter) epoch(l observe.EpochLine) error {
	r.clear()
	titles, cells := []string{"loss"}, []string{metrics.Number(l.Epoch.Loss).String()}
	mark := ""
	if v := l.ValidationLine; v != nil {
		titles = append(titles, "validation loss", "macro F1", "accuracy")
		cells = append(cells, v.Loss.String(), v.MacroF1.String(), v.Accuracy.String())
		if v.Best {
			mark = "best"
		}
	}
	const width = len("epoch")
	if !r.headed {
		r.headed = true
		if len(r.rungs) > 0 { // there is a table above
			fmt.Fprintln(r.out)
		}
		if err := r.row(width, "epoch", titles, ""); err != nil {
			return err
		}
	}
	return r.row(width, fmt.Sprintf("%*d", width, l.Epoch.Epoch), cells, mark)
}

// result prints how good the networks are, which are in a folder.
func (r *reporter) result(result *fit.Result, folder string) error {
	if r.json {
		return observe.WriteJSON(r.out, "result", observe.NewResultLine(result, time.Since(r.begin).Seconds(), folder))
	}
	if j := result.Judged; j != nil {
		if err := r.compared("held back by folds", j.Members, spreadCells(r.scores, j.Spread), j.Report); err != nil {
			return err
		}
		if text := judgedAdvice(j.Report); text != "" {
			r.note("%s", text)
		}
		if t := j.Tuned; t != nil && t.F1 > max(j.Spread.Mean.F1, alwaysF1(j.Report)) {
			r.note("F1 is %s by folds with the threshold at %v; with that of the best F1 on the other folds, %.3g for all, it is %s: --threshold auto takes it",
				cell(j.Spread.Mean.F1, j.Spread.Std.F1), result.Threshold, t.Threshold, cell(t.F1, t.Std))
		}
	}
	if t := result.Test; t != nil {
		if err := r.compared(count(t.Steps, "test row"), len(result.Members), scoreCells(r.scores, t.Compared()), t); err != nil {
			return err
		}
	}
	r.note("trained on %s in %v", count(result.Rows, "row"), time.Since(r.begin).Round(100*time.Millisecond))
	return nil
}

// alwaysF1 is the F1 of predicting the second class in each row, which a low threshold comes to.
func alwaysF1(r *metrics.Report) metrics.Number {
	positives := metrics.Number(r.Classes[1].Support)
	return 2 * positives / (positives + metrics.Number(r.Steps))
}

// compared prints the scores of so many networks on some rows, and those of their rivals.
func (r *reporter) compared(rows string, members int, cells []string, report *metrics.Report) error {
	if _, err := fmt.Fprintln(r.out); err != nil {
		return err
	}
	if err := r.row(r.width(), rows, titlesOf(r.scores), ""); err != nil {
		return err
	}
	name := "network"
	if members > 1 {
		name = fmt.Sprintf("mean of %d networks", members)
	}
	if err := r.row(r.width(), name, cells, ""); err != nil {
		return err
	}
	for _, b := range report.Baselines {
		if err := r.row(r.width(), b.Name, rivalCells(r.scores, &b), ""); err != nil {
			return err
		}
	}
	return r.classes(report)
}

// classes prints how well each class is found.
func (r *reporter) classes(report *metrics.Report) error {
	if _, err := fmt.Fprintln(r.out); err != nil {
		return err
	}
	if err := r.row(r.width(), "class", []string{"F1", "precision", "recall", "rows"}, ""); err != nil {
		return err
	}
	for _, c := range report.Classes {
		cells := []string{c.F1.String(), c.Precision.String(), c.Recall.String(), strconv.Itoa(c.Support)}
		if err := r.row(r.width(), table.List([]string{c.Name}), cells, ""); err != nil {
			return err
		}
	}
	return nil
}

// judgedAdvice is what to think of a network that is not ahead of the best of its rivals, fold by
// fold, by more than a standard error; "" if it is.
func judgedAdvice(report *metrics.Report) string {
	best := bestRival(report.Baselines, inFolds)
	ahead := best.Folds.Ahead
	by, chance := float64(ahead.Mean.MacroF1), float64(ahead.StandardErrors().MacroF1)
	if by > 0 && !(by <= chance) { // one fold has no standard error
		return ""
	}
	return fmt.Sprintf("compared fold by fold, the network's macro F1 is not above that of %s by more than chance (%s); %s",
		best.Name, aheadText(ahead.Mean.MacroF1, ahead.StandardErrors().MacroF1), advice(best))
}

// aheadText is a mean difference with its standard error, if that is defined.
func aheadText(mean, chance metrics.Number) string {
	text := mean.String()
	if mean == mean {
		text = fmt.Sprintf("%+.4f", float64(mean))
	}
	if chance == chance {
		text += fmt.Sprintf(" ± %.4f", float64(chance))
	}
	return text
}

// testedAdvice is the same of other rows, where a difference varies as it did between the folds.
func testedAdvice(report *metrics.Report, folds []metrics.Baseline) string {
	best := bestRival(report.Baselines, func(b *metrics.Baseline) metrics.Number { return b.MacroF1 })
	chance := 0.0
	for _, b := range folds {
		if b.Name == best.Name && b.Folds != nil && b.Folds.Ahead.Folds > 1 {
			chance = float64(b.Folds.Ahead.Std.MacroF1)
		}
	}
	if float64(report.MacroF1-best.MacroF1) > chance {
		return ""
	}
	more := ""
	if chance > 0 {
		more = fmt.Sprintf(" by more than chance (%.4f, as between folds)", chance)
	}
	return fmt.Sprintf("the network's macro F1 (%v) is not above that of %s (%v)%s; %s", report.MacroF1, best.Name, best.MacroF1, more, advice(best))
}

// inFolds is the mean macro F1 over folds, where a rival has some.
func inFolds(b *metrics.Baseline) metrics.Number {
	if b.Folds == nil {
		return b.MacroF1
	}
	return b.Folds.Mean.MacroF1
}

// bestRival is the one of the highest macro F1.
func bestRival(all []metrics.Baseline, macroF1 func(*metrics.Baseline) metrics.Number) *metrics.Baseline {
	best := &all[0]
	for i := range all {
		if macroF1(&all[i]) > macroF1(best) {
			best = &all[i]
		}
	}
	return best
}

// advice is what to do about a rival that is as good as the network.
func advice(rival *metrics.Baseline) string {
	switch rival.Name {
	case fit.Position:
		return "labels that follow the clock look like skill: try it on series that begin elsewhere"
	case fit.Rival:
		return "`rnnbin train --network logistic` trains that one; more or other features, or more rows, may help"
	}
	return "more or other features, or more rows, may help"
}

// plotted is an epoch as a picture shows it.
func plotted(e fit.EpochEnded) plot.Epoch {
	p := plot.Epoch{Loss: e.Epoch.Loss, ValidationLoss: math.NaN(), F1: math.NaN()}
	if v := e.Validated; v != nil {
		p.ValidationLoss, p.F1 = v.Loss, float64(v.Report.MacroF1)
	}
	return p
}

// describeData describes what was read.
func describeData(d *series.Data) string {
	var labels []string
	labelled := 0
	for c, n := range d.Count() {
		labels = append(labels, fmt.Sprintf("%d are %s", n, d.Classes[c]))
		labelled += n
	}
	if n := d.Len() - labelled; n > 0 {
		labels = append(labels, fmt.Sprintf("%d are missing", n))
	}
	source := "labels of column " + d.Label
	if d.Events != "" {
		source = "labels of events in " + d.Events
		if d.Time == nil {
			source += ", whose times are rows"
		}
	}
	return fmt.Sprintf("%s in %d series; features %s; %s: %s",
		count(d.Len(), "row"), len(d.Series), table.List(d.Features), source, strings.Join(labels, ", "))
}

// count is n things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
