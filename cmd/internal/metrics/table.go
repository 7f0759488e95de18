package metrics

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is a line of the table: a title and what to show of each Scores.
type row struct {
	title string
	value func(s *Scores) any
}

var rows = []row{
	{"steps", func(s *Scores) any { return s.Steps }},
	{"positive", func(s *Scores) any { return s.Confusion.positives() }},
	{"accuracy", func(s *Scores) any { return s.Accuracy }},
	{"balanced accuracy", func(s *Scores) any { return s.BalancedAccuracy }},
	{"precision", func(s *Scores) any { return s.Precision }},
	{"recall", func(s *Scores) any { return s.Recall }},
	{"F1", func(s *Scores) any { return s.F1 }},
	{"ROC AUC", func(s *Scores) any { return s.ROCAUC }},
	{"PR AUC", func(s *Scores) any { return s.PRAUC }},
	{"log loss", func(s *Scores) any { return s.LogLoss }},
	{"Brier", func(s *Scores) any { return s.Brier }},
	{"ECE", func(s *Scores) any { return s.ECE }},
	{"segments: edit score", func(s *Scores) any { return s.Segments.Edit }},
	{"segments: F1@10", func(s *Scores) any { return s.Segments.F110 }},
	{"segments: F1@25", func(s *Scores) any { return s.Segments.F125 }},
	{"segments: F1@50", func(s *Scores) any { return s.Segments.F150 }},
	{"majority: accuracy", func(s *Scores) any { return s.Baseline.Majority.Accuracy }},
	{"majority: F1", func(s *Scores) any { return s.Baseline.Majority.F1 }},
	{"last label: accuracy", func(s *Scores) any { return s.Baseline.LastLabel.Accuracy }},
	{"last label: F1", func(s *Scores) any { return s.Baseline.LastLabel.F1 }},
}

// titleFormat aligns the first column to the left, the others being aligned to
// the right.
const titleFormat = "%-20s\t"

// tableSeries is how many series still get a column of their own.
const tableSeries = 8

// WriteTable writes the report for people: a line for each metric, a column for
// all steps and, if there are several, one for each of the first series; then
// the confusion matrix.
func (r *Report) WriteTable(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := []SeriesScores{{"all", r.Scores}}
	if len(r.Series) > 1 {
		columns = append(columns, r.Series[:min(len(r.Series), tableSeries)]...)
	}
	fmt.Fprintf(out, titleFormat, "series")
	for _, c := range columns {
		fmt.Fprintf(out, "%s\t", c.Name)
	}
	fmt.Fprintln(out)
	for _, row := range rows {
		fmt.Fprintf(out, titleFormat, row.title)
		for i := range columns {
			fmt.Fprintf(out, "%v\t", row.value(&columns[i].Scores))
		}
		fmt.Fprintln(out)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if more := len(r.Series) - tableSeries; more > 0 {
		fmt.Fprintf(w, "and %d more series\n", more)
	}
	return r.writeConfusion(w)
}

func (r *Report) writeConfusion(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	c := r.Confusion
	fmt.Fprintf(out, "\n"+titleFormat+"predicted 0\tpredicted 1\t\n", fmt.Sprintf("threshold %.4g", r.Threshold))
	fmt.Fprintf(out, titleFormat+"%d\t%d\t\n", "label 0", c.TrueNegative, c.FalsePositive)
	fmt.Fprintf(out, titleFormat+"%d\t%d\t\n", "label 1", c.FalseNegative, c.TruePositive)
	return out.Flush()
}
