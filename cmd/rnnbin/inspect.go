package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show what a model folder holds",
		Long: `Show what a model folder holds: the networks, the columns they were trained on and
what these were like, the threshold, how training went, how good the networks are by
rows that took no part in it, and the files:

  model.json        everything but the weights, which it names, with the settings of
                    the training run, for train --config
  weights-….index   the weights of each network, a checkpoint of TensorFlow; their
  weights-….data…   names have the beginning of the SHA-256 of their content
  history-….jsonl   an object for each epoch
  judged-….arrow    the answers that the networks were judged by, to rows that others of their
                    kind were not trained on: series, row, fold, label, probabilities

Other files in the folder are not shown.`,
		Example: `  rnnbin inspect runs/latest
  rnnbin inspect runs/3 --json`,
		Args: oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := model.Inspect(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return observe.WriteJSON(cmd.OutOrStdout(), "model", c)
			}
			return printContents(cmd.OutOrStdout(), c)
		},
	}
	addFlag(cmd.Flags(), "json", &asJSON, jsonUsage)
	return cmd
}

// printContents prints a line for each thing.
func printContents(out io.Writer, c *model.Contents) error {
	r, err := reportsOf(c.Folder, c.Model)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	m := c.Model
	fmt.Fprintf(w, "folder\t%s\n", c.Folder)
	fmt.Fprintf(w, "made\t%s by rnnbin %s\n", m.Created.Format(time.RFC3339), cmp.Or(m.Version, "(unknown)"))
	printKinds(w, m)
	for _, line := range [][2]string{
		{"members", membersText(m)},
		{"compared with", rivalText(m, r)},
		{"lookahead", lookaheadText(m)},
		{"threshold", thresholdText(m)},
		{"classes", table.List(m.Classes)},
		{"class weights", m.ClassWeight},
		{"columns", columnsText(m.Columns)},
		{"missing", m.Columns.Missing},
		{"training", trainingText(m.Run)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	printFeatures(w, m)
	printJudged(w, m.Classes, r)
	for i, f := range c.Files {
		fmt.Fprintf(w, "%s\t%s, %d bytes\n", first(i, "files"), f.Name, f.Size)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printRungs(out, scoresOf(len(m.Classes)), r)
}

func thresholdText(m *model.Model) string {
	if len(m.Classes) > 2 {
		return "none: the most probable class is predicted"
	}
	return fmt.Sprintf("%.4g", m.Threshold)
}

// first is a title for the first of several lines.
func first(i int, title string) string {
	if i > 0 {
		return ""
	}
	return title
}

// printKinds prints a line for each kind of network.
func printKinds(w io.Writer, m *model.Model) {
	for i, k := range m.Kinds {
		fmt.Fprintf(w, "%s\t%s\n", first(i, "networks"), kindText(k))
	}
}

// kindText describes a kind of network.
func kindText(k model.Kind) string {
	return fmt.Sprintf("%s, parameters %d; loss %s; %s; horizon %s; inputs %s", configText(graph.Config{Network: k.Network, Training: k.Training}),
		k.Network.Parameters(), k.Network.Loss, count(len(k.Weights), "member"), horizonText(k.Horizon), inputsText(k))
}

// inputsText says what a network gets of a row.
func inputsText(k model.Kind) string {
	in := k.Inputs
	text := "the features"
	if within := seriesScaleText[in.SeriesScale]; within != "" {
		text += ", the same " + within
	}
	if len(in.Rolling) > 0 {
		rows := strings.Trim(fmt.Sprint(in.Rolling), "[]")
		if last := strings.LastIndex(rows, " "); last > 0 {
			rows = strings.ReplaceAll(rows[:last], " ", ", ") + " and" + rows[last:]
		}
		text += fmt.Sprintf(", windows of %s rows", rows)
		switch {
		case in.Ahead == inputs.Centred:
			text += " around each"
		case in.Ahead > 0:
			text += fmt.Sprintf(" up to %s ahead", count(in.Ahead, "row"))
		}
	}
	switch {
	case in.Scale != nil && in.Scale.Center != nil:
		text += ", scaled by their asinh"
	case in.Scale != nil:
		text += ", scaled"
	}
	return text
}

// configText describes a network, and what is random in its training.
func configText(c graph.Config) string {
	return fmt.Sprintf("features %d, units %s, steps %d%s", c.Features, unitsText(c.Network), c.Window, extrasText(c))
}

// membersText counts the networks, and says so if a run ended before it had all.
func membersText(m *model.Model) string {
	n := 0
	for _, k := range m.Kinds {
		n += len(k.Weights)
	}
	text := "1 network"
	if n > 1 {
		text = fmt.Sprintf("%d networks, whose log-odds are averaged", n)
	}
	if m.Run.Partial != "" {
		text += fmt.Sprintf("; the run ended early, %s", cmp.Or(partialText[m.Run.Partial], m.Run.Partial))
	}
	return text
}

// partialText says what was kept of a run that ended early.
var partialText = map[string]string{
	string(fit.SomeFinal):  "these had been trained",
	string(fit.OfFolds):    "these were trained on the rows of folds",
	string(fit.Unfinished): "its training was not finished",
}

// rivalText says what there is to compare the networks with.
func rivalText(m *model.Model, r *reports) string {
	rivals := []string{"majority"}
	if m.Rival != nil {
		rivals = append(rivals, fmt.Sprintf("%s (%s)", fit.Rival, configText(graph.Config{Network: m.Rival.Network})))
	}
	if !r.Positions.IsZero() {
		rivals = append(rivals, fit.Position)
	}
	return strings.Join(rivals, ", ")
}

// seriesScaleText says how features are also scaled within their series.
var seriesScaleText = map[inputs.Within]string{
	inputs.Running: "scaled by the rows of their series so far",
	inputs.Whole:   "scaled by all rows of their series",
}

// lookaheadText says what the answers were allowed to rest on, and what they do.
func lookaheadText(m *model.Model) string {
	switch rows, finite := m.Wait(); {
	case m.Columns.Resample != "":
		return m.Lookahead + ": rows are resampled, so predict cannot --follow"
	case !finite:
		return m.Lookahead + ": labels depend on all later rows, so predict cannot --follow"
	case m.Kinds[0].Horizon > 0:
		return fmt.Sprintf("%s: a forecast, as the label of a row is predicted from the rows up to the one %d before it; predict writes it to the row itself", m.Lookahead, m.Kinds[0].Horizon)
	case rows > 0:
		return fmt.Sprintf("%s: labels depend on the next %s, so predict --follow labels each row that late", m.Lookahead, count(rows, "row"))
	}
	return m.Lookahead + ": labels depend on no later row, so predict --follow labels each at once"
}

// unitsText describes the layers, from the features up.
func unitsText(c graph.Network) string {
	var each []string
	for _, l := range c.Layers {
		each = append(each, fmt.Sprintf("%d (%s)", l.Units, kindOf(l)))
	}
	switch {
	case len(each) == 0:
		return "none"
	case c.Bidirectional:
		return strings.Join(each, ", ") + " in each direction"
	}
	return strings.Join(each, ", ")
}

func horizonText(h int) string {
	switch {
	case h > 0:
		return fmt.Sprintf("%d: the label of %s later", h, count(h, "row"))
	case h < 0:
		return fmt.Sprintf("%d: the label of %s earlier", h, count(-h, "row"))
	}
	return "0: the label of the same row"
}

func columnsText(c model.Columns) string {
	text := labelText(c)
	for _, role := range [][2]string{{"positive", c.Positive}, {"series", c.Series}, {"time", c.Time}, {"layout", c.Layout}, {"resampled", strings.TrimSpace(c.Resample + " " + c.ResampleBy)}, {"max gap", c.MaxGap}} {
		if role[1] != "" {
			text += fmt.Sprintf(", %s %q", role[0], role[1])
		}
	}
	return text
}

func labelText(c model.Columns) string {
	if c.Label == "" {
		return "labels of events"
	}
	return fmt.Sprintf("label %q", c.Label)
}

func trainingText(t model.Run) string {
	if t.Steps == 0 {
		return "elsewhere"
	}
	text := fmt.Sprintf("%s, %s, on %s, %.3g s", count(t.Epochs, "epoch"), count(t.Steps, "update"), count(t.Rows, "row"), t.Seconds)
	if len(t.Data) > 0 {
		text += ", from " + strings.Join(t.Data, ", ")
	}
	return text
}

// printFeatures prints a line for each feature.
func printFeatures(w io.Writer, m *model.Model) {
	p := m.Profile
	for k, name := range m.Columns.Features {
		text := fmt.Sprintf("%q", name)
		if p.Low != nil {
			r := rangeOf(m, k)
			text += fmt.Sprintf(", %s to %s in the training rows, mean %s", r[0], r[1], r[2])
		}
		fmt.Fprintf(w, "%s\t%s\n", first(k, "features"), text)
	}
}

// rangeOf are the least and the greatest value of a feature in the training rows, and their mean.
func rangeOf(m *model.Model, k int) []string {
	digits := 5
	if m.Columns.Shift != nil && m.Columns.Shift[k] != 0 {
		digits = 12
	}
	var all []string
	for _, v := range [][]float32{m.Profile.Low, m.Profile.High, m.Profile.Mean} {
		all = append(all, fmt.Sprintf("%.*g", digits, m.Columns.Measured(k, v[k])))
	}
	return all
}

// printJudged prints how good the networks are, and their rivals.
func printJudged(w io.Writer, classes []string, r *reports) {
	scores := scoresOf(len(classes))
	if j := r.Judged; j != nil {
		for i, s := range scores {
			fmt.Fprintf(w, "%s\t%s %s\n", first(i, "judged"), s.title, cell(s.of(&j.Mean), s.of(&j.Std)))
		}
		fmt.Fprintf(w, "\tmean and deviation over %s, %s\n", count(j.Folds, "fold"), cmp.Or(splitText[layout.SplitKind(j.Split)], j.Split))
		printRivals(w, scores, j.Report)
	}
	if t := r.Test; t != nil {
		fmt.Fprintf(w, "test\t%s, of %s\n", titled(scores, scoreCells(scores, t.Compared())), count(t.Steps, "row"))
		printRivals(w, scores, t)
	}
}

func printRivals(w io.Writer, scores []score, r *metrics.Report) {
	for _, b := range r.Baselines {
		fmt.Fprintf(w, "\t%s: %s\n", b.Name, titled(scores, rivalCells(scores, &b)))
	}
}

// titled are cells with the titles of the first scores.
func titled(scores []score, cells []string) string {
	var each []string
	for i, c := range cells {
		each = append(each, scores[i].title+" "+c)
	}
	return strings.Join(each, ", ")
}

// printRungs prints the networks that were compared.
func printRungs(out io.Writer, scores []score, r *reports) error {
	if len(r.Rungs) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nnetwork\t%s\tepochs\tseconds\n", strings.Join(titlesOf(scores), "\t"))
	for _, g := range r.Rungs {
		cells := slices.Repeat([]string{"-"}, len(scores))
		if g.FoldSpread != nil {
			cells = spreadCells(scores, *g.FoldSpread)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%.3g%s\n", g.Name, strings.Join(cells, "\t"), g.Epochs, g.Seconds, rungMark(g, r.folds()))
	}
	return w.Flush()
}

// folds is how many the network has labelled that has labelled the most.
func (r *reports) folds() int {
	most := 0
	for _, g := range r.Rungs {
		if g.FoldSpread != nil {
			most = max(most, g.Folds)
		}
	}
	return most
}

// rungMark is a cell that says what became of a network of a run of so many folds, if that needs saying.
func rungMark(r rungReport, folds int) string {
	switch {
	case r.Error != "":
		return "\tnot judged: " + r.Error
	case r.Chosen && r.FoldSpread == nil:
		return "\tchosen, not judged"
	case r.Chosen:
		return "\tchosen"
	case !r.Candidate:
		return "\tto compare with"
	case r.FoldSpread == nil:
		return "\tnot judged: the run ended before"
	case r.Folds < folds:
		return "\tstopped after " + count(r.Folds, "fold")
	}
	return ""
}
