package metrics

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// nameWidth is how much of a name is shown, and nameLeast where there is little space;
// tableSeries is how many series are, tableMistakes how many pairs of classes.
const (
	nameWidth     = 22
	nameLeast     = 8
	tableSeries   = 20
	tableMistakes = 20
)

// WriteTable writes the report for people: the metrics of all steps, for more
// than two classes those of each; the baselines; the confusion matrix; those of events, if
// there are any; and, if there are several series, a line for each of the first ones. To
// have lines of at most width characters, 0 for any, it shortens names, leaves out columns
// on the right and turns a confusion matrix into a list. Of two classes no line is wider
// than 100 anyway.
func (r *Report) WriteTable(w io.Writer, width int) error {
	confusion := r.confusionRows()
	if width > 0 && widthOf(confusion) > width {
		confusion = r.mistakeRows()
	}
	tables := [][][]string{r.overall(), r.baselineRows(), confusion}
	if len(r.Classes) > 2 {
		tables = [][][]string{r.overall(), r.classRows(), r.baselineRows(), confusion}
	}
	tables = append(tables, r.Events.tables()...)
	if len(r.Series) > 1 {
		tables = append(tables, r.seriesRows())
	}
	tables = slices.DeleteFunc(tables, func(t [][]string) bool { return len(t) == 0 })
	var text strings.Builder
	for i, t := range tables {
		if i > 0 {
			text.WriteByte('\n')
		}
		writeColumns(&text, narrow(t, width))
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
		{"rows", strconv.Itoa(r.Steps)},
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
		append([]string{"macro", steps, steps}, show(r.MacroPrecision, r.MacroRecall, r.MacroF1, r.ROCAUC, r.PRAUC)...),
		append([]string{"weighted", steps, steps}, show(r.WeightedPrecision, r.WeightedRecall, r.WeightedF1)...))
}

// baselineRows has the model's scores and below them what rivals reach.
func (r *Report) baselineRows() [][]string {
	rows := [][]string{{"compared with", "accuracy", "F1", "macro F1"}}
	for _, b := range append([]Baseline{{Name: "this model", Accuracy: r.Accuracy, F1: r.F1, MacroF1: r.MacroF1}}, r.Baselines...) {
		rows = append(rows, append([]string{b.Name}, show(b.Accuracy, b.F1, b.MacroF1)...))
	}
	if len(r.Classes) > 2 {
		for i, row := range rows {
			rows[i] = append(row[:2], row[3]) // there is no F1
		}
	}
	return rows
}

// mistakeRows has a line for each pair of a label and another answer to it, the most
// frequent first.
func (r *Report) mistakeRows() [][]string {
	type mistake struct{ label, answer, n int }
	var all []mistake
	for k, counts := range r.Confusion {
		for a, n := range counts {
			if a != k && n > 0 {
				all = append(all, mistake{k, a, n})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b mistake) int { return b.n - a.n })
	rows := [][]string{{"mistakes: label", "predicted", "rows"}}
	for _, m := range all[:min(len(all), tableMistakes)] {
		rows = append(rows, []string{short(r.Classes[m.label].Name), short(r.Classes[m.answer].Name), strconv.Itoa(m.n)})
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
	head := []string{"series", "rows", "accuracy", "macro F1", "PR AUC", "log loss"}
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
func short(name string) string { return shortTo(name, nameWidth) }

func shortTo(name string, width int) string {
	letters := []rune(name)
	if len(letters) <= width {
		return name
	}
	return "…" + string(letters[len(letters)-width+1:])
}

// narrow shortens what stands in the first column, and leaves out the last columns, of
// rows that are wider than width, unless that is 0.
func narrow(rows [][]string, width int) [][]string {
	if width == 0 {
		return rows
	}
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = slices.Clone(row)
	}
	if more := widthOf(out) - width; more > 0 {
		keep := max(nameLeast, widths(out)[0]-more)
		for i := range out {
			out[i][0] = shortTo(out[i][0], keep)
		}
	}
	for widthOf(out) > width && len(out[0]) > 2 {
		columns := len(out[0]) - 1
		for i, row := range out {
			out[i] = row[:min(len(row), columns)]
		}
	}
	return out
}

// widthOf is that of the lines of writeColumns.
func widthOf(rows [][]string) int {
	total := 0
	for _, w := range widths(rows) {
		total += 2 + w
	}
	return total
}

// widths are those of the columns.
func widths(rows [][]string) []int {
	var all []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(all) {
				all = append(all, 0)
			}
			all[i] = max(all[i], utf8.RuneCountInString(cell))
		}
	}
	return all
}

// writeColumns sets rows in columns, the first one aligned to the left and the
// others to the right.
func writeColumns(w *strings.Builder, rows [][]string) {
	widths := widths(rows)
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
