package metrics

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// nameWidth is how much of a name is shown, tableSeries how many series are.
const (
	nameWidth   = 22
	tableSeries = 20
)

// WriteTable writes the report for people: the metrics of all steps, for more
// than two classes those of each; the baselines; the confusion matrix; and, if
// there are several series, a line for each of the first ones. For two classes
// no line is wider than 100 characters.
func (r *Report) WriteTable(w io.Writer) error {
	tables := [][][]string{r.overall(), r.baselineRows(), r.confusionRows()}
	if len(r.Classes) > 2 {
		tables = [][][]string{r.overall(), r.classRows(), r.baselineRows(), r.confusionRows()}
	}
	if len(r.Series) > 1 {
		tables = append(tables, r.seriesRows())
	}
	var text strings.Builder
	for i, t := range tables {
		if i > 0 {
			text.WriteByte('\n')
		}
		writeColumns(&text, t)
	}
	if more := len(r.Series) - tableSeries; more > 0 {
		fmt.Fprintf(&text, "  and %d more series\n", more)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// overall has a line for each metric.
func (r *Report) overall() [][]string {
	rows := [][]string{
		{"steps", strconv.Itoa(r.Steps)},
		{"accuracy", r.Accuracy.String()},
		{"balanced accuracy", r.BalancedAccuracy.String()},
	}
	if len(r.Classes) == 2 {
		rows = append([][]string{{"threshold", fmt.Sprintf("%.4g", float64(r.Threshold))}}, rows...)
		rows = append(rows,
			[]string{"precision", r.Precision.String()},
			[]string{"recall", r.Recall.String()},
			[]string{"F1", r.F1.String()},
			[]string{"macro F1", r.MacroF1.String()},
			[]string{"ROC AUC", r.ROCAUC.String()},
			[]string{"PR AUC", r.PRAUC.String()})
	}
	return append(rows,
		[]string{"log loss", r.LogLoss.String()},
		[]string{"Brier", r.Brier.String()},
		[]string{"ECE", r.ECE.String()},
		[]string{"segments: edit score", r.Segments.Edit.String()},
		[]string{"segments: F1@10", r.Segments.F110.String()},
		[]string{"segments: F1@25", r.Segments.F125.String()},
		[]string{"segments: F1@50", r.Segments.F150.String()})
}

// classRows has a line for each class, and one for each kind of mean.
func (r *Report) classRows() [][]string {
	rows := [][]string{{"class", "support", "predicted", "precision", "recall", "F1", "ROC AUC", "PR AUC"}}
	for _, c := range r.Classes {
		rows = append(rows, append([]string{short(c.Name), strconv.Itoa(c.Support), strconv.Itoa(c.Predicted)},
			show(c.Precision, c.Recall, c.F1, c.ROCAUC, c.PRAUC)...))
	}
	steps := strconv.Itoa(r.Steps)
	return append(rows,
		append([]string{"macro mean", steps, steps}, show(r.MacroPrecision, r.MacroRecall, r.MacroF1, r.ROCAUC, r.PRAUC)...),
		append([]string{"weighted mean", steps, steps}, show(r.WeightedPrecision, r.WeightedRecall, r.WeightedF1)...))
}

// baselineRows has the model's scores and below them what rivals reach.
func (r *Report) baselineRows() [][]string {
	rows := [][]string{{"compared with", "accuracy", "F1", "macro F1"}}
	for _, b := range append([]Baseline{{"this model", r.Accuracy, r.F1, r.MacroF1}}, r.Baselines...) {
		rows = append(rows, append([]string{b.Name}, show(b.Accuracy, b.F1, b.MacroF1)...))
	}
	if len(r.Classes) > 2 {
		for i, row := range rows {
			rows[i] = append(row[:2], row[3]) // there is no F1
		}
	}
	return rows
}

func (r *Report) confusionRows() [][]string {
	head := []string{"label / predicted"}
	var rows [][]string
	for k, counts := range r.Confusion {
		head = append(head, short(r.Classes[k].Name))
		row := []string{short(r.Classes[k].Name)}
		for _, n := range counts {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return append([][]string{head}, rows...)
}

// seriesRows has a line for each of the first series.
func (r *Report) seriesRows() [][]string {
	head := []string{"series", "steps", "accuracy", "macro F1", "PR AUC", "log loss"}
	if len(r.Classes) == 2 {
		head = slices.Insert(head, 3, "precision", "recall", "F1")
	}
	rows := [][]string{head}
	for _, s := range r.Series[:min(len(r.Series), tableSeries)] {
		row := append([]string{short(s.Name), strconv.Itoa(s.Steps)}, show(s.Accuracy, s.MacroF1, s.PRAUC, s.LogLoss)...)
		if len(r.Classes) == 2 {
			row = slices.Insert(row, 3, show(s.Precision, s.Recall, s.F1)...)
		}
		rows = append(rows, row)
	}
	return rows
}

func show(numbers ...Number) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, n.String())
	}
	return out
}

// short is a name or the end of it, where names of files differ.
func short(name string) string {
	letters := []rune(name)
	if len(letters) <= nameWidth {
		return name
	}
	return "…" + string(letters[len(letters)-nameWidth+1:])
}

// writeColumns sets rows in columns, the first one aligned to the left and the
// others to the right.
func writeColumns(w *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				w.WriteString("  " + cell + space)
			} else {
				w.WriteString("  " + space + cell)
			}
		}
		w.WriteByte('\n')
	}
}
