package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/htmlreport"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/model"
)

// How much a report shows.
const (
	reportedClasses   = 12 // in figures
	reportedSeries    = 12
	reportedStretches = 6
	reportedMistakes  = 10 // pairs of classes
)

// classes is how well each class is found.
func (r *reported) classes() htmlreport.Section {
	j := r.reports.Judged
	if j == nil {
		return htmlreport.Section{}
	}
	s := htmlreport.Section{Title: "By class", Text: []string{"Of the rows of a class, recall is the fraction that were found; of the rows predicted as the class, precision is the fraction that belong to it."}}
	t := htmlreport.Table{Head: []string{"class", "F1", "precision", "recall", "PR AUC", "ROC AUC", "rows", "predicted"}}
	var bars []plot.Bar
	var counts [][]int
	for k, c := range j.Report.Classes {
		t.Rows = append(t.Rows, []string{c.Name, c.F1.String(), c.Precision.String(), c.Recall.String(), c.PRAUC.String(), c.ROCAUC.String(), fmt.Sprint(c.Support), fmt.Sprint(c.Predicted)})
		bars = append(bars, plot.Bar{Name: c.Name, Values: []float64{float64(c.F1), float64(c.Precision), float64(c.Recall)}})
		if k < len(j.Report.Confusion) {
			counts = append(counts, j.Report.Confusion[k])
		}
	}
	s.Tables = []htmlreport.Table{t}
	if n := len(bars); n <= reportedClasses && n == len(counts) {
		s.Charts = []*plot.Figure{plot.Bars("F1, precision, recall", []string{"F1", "precision", "recall"}, bars), plot.Confusion(r.model.Classes, counts)}
	} else {
		s.Text = append(s.Text, fmt.Sprintf("Figures of more than %d classes are left out.", reportedClasses))
	}
	return s
}

// curves are those of each class, of two those of the second.
func (r *reported) curves() htmlreport.Section {
	if r.rows == nil {
		return htmlreport.Section{}
	}
	diagonal := plot.Line{Plain: true, Dash: true, X: []float64{0, 1}, Y: []float64{0, 1}}
	roc := plot.Chart{Title: "ROC", X: "false positive rate", Y: "true positive rate", Unit: true, Scale: plot.Times, Lines: []plot.Line{diagonal}}
	pr := plot.Chart{Title: "precision and recall", X: "recall", Y: "precision", Unit: true, Scale: plot.Times}
	calibration := plot.Chart{Title: "calibration", X: "probability", Y: "came true", Unit: true, Scale: plot.Times, Lines: []plot.Line{diagonal}}
	classes := r.model.Classes
	for k := min(len(classes), reportedClasses) - 1; k >= 0; k-- { // the first class, which often is the background, on top
		c, err := r.rows.Input().Curves(k)
		if err != nil || len(classes) == 2 && k == 0 {
			continue
		}
		line := plot.Line{Name: classes[k], Class: k}
		line.X, line.Y = c.FalsePositive, c.TruePositive
		roc.Lines = append(roc.Lines, line)
		line.X, line.Y = c.Recall, c.Precision
		pr.Lines = append(pr.Lines, line)
		line.X, line.Y, line.Dots = c.Probability, c.Share, true
		calibration.Lines = append(calibration.Lines, line)
	}
	text := "Of the answers that networks gave to rows they had not seen. Probabilities are well calibrated where what has a probability of 0.7 comes true 7 times of 10: on the broken line."
	if n := len(classes); n > reportedClasses {
		text += fmt.Sprintf(" These are the first %d of %d classes.", reportedClasses, n)
	}
	return htmlreport.Section{Title: "Curves", Charts: []*plot.Figure{roc.Figure(), pr.Figure(), calibration.Figure()},
		Text: []string{text}}
}

// mistaken is a report where it tells where the model is wrong.
type mistaken struct{ *reported }

// wrong is where the mistakes are.
func (r mistaken) wrong() htmlreport.Section {
	if r.rows == nil {
		return htmlreport.Section{}
	}
	s := htmlreport.Section{Title: "Where it is wrong", Classes: r.model.Classes}
	if t := r.mistakes(); len(t.Rows) > 0 {
		s.Tables = []htmlreport.Table{t}
	}
	wrong, known := r.sums()
	timelines, left := r.timelines(wrong, known)
	s.Figures = append(timelines, r.stretches(wrong, known)...)
	if left > 0 {
		s.Text = append(s.Text, fmt.Sprintf("Series by their mistakes, the %d with the most; %d more are not shown.", len(timelines), left))
	}
	if r.without != nil {
		s.Text = append(s.Text, "Features are not drawn: "+withFlags(r.without.Error())+".")
	}
	s.Text = append(s.Text, "Drag a figure to move it; its buttons, two fingers, or the wheel with Ctrl zoom. Rows that were not judged have no answer.")
	return s
}

// mistakes are pairs of a label and another answer to it, the most frequent first.
func (r mistaken) mistakes() htmlreport.Table {
	n := map[[2]int16]int{}
	of := map[int16]int{}
	for i, fold := range r.rows.Fold {
		if fold > 0 {
			n[[2]int16{r.rows.Label[i], r.rows.Answer[i]}]++
			of[r.rows.Label[i]]++
		}
	}
	var pairs [][2]int16
	for pair := range n {
		if pair[0] != pair[1] {
			pairs = append(pairs, pair)
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int16) int { return cmp.Or(n[b]-n[a], int(a[0]-b[0]), int(a[1]-b[1])) })
	t := htmlreport.Table{Head: []string{"label", "predicted", "rows", "of the label's"}}
	for _, p := range pairs[:min(len(pairs), reportedMistakes)] {
		t.Rows = append(t.Rows, []string{r.model.Classes[p[0]], r.model.Classes[p[1]], fmt.Sprint(n[p]), fmt.Sprintf("%.3g %%", 100*float64(n[p])/float64(of[p[0]]))})
	}
	return t
}

// picture is one of rows from to to-1, first showing only a part.
func (r mistaken) picture(span metrics.Span, from, to int, view [2]int, brief bool) *plot.Figure {
	shown := plot.Shown{Classes: r.model.Classes, Threshold: r.model.Threshold, Scale: plot.ScaleOf(r.rows.Time != nil, r.rows.Stamps), Brief: brief, Bare: true}
	var of *series.Range // the rows of the data, if they are shown
	start := 0           // what their numbers are more than those that were judged
	if r.data != nil && r.without == nil && !brief {
		shown.Features = featureNames(r.model)
		of = &r.data.Series[slices.IndexFunc(r.data.Series, func(s series.Range) bool { return s.Name == span.Name })]
		start = of.Start - of.First - span.Start
		from = max(from, of.Start-start)
		view[0] = max(view[0], from)
	}
	a := plot.NewAnswers(shown)
	a.Begin(0, span.Name)
	C, at := len(r.model.Classes), func(i int) float64 { return float64(i - span.Start) }
	switch {
	case r.rows.Time != nil && of != nil:
		at = func(i int) float64 { return r.data.Time[start+i] }
	case r.rows.Time != nil:
		at = func(i int) float64 { return r.rows.Time[i] }
	}
	for i := from; i < to; i++ {
		row := plot.Row{At: at(i), Answer: -1, Label: series.Unlabelled}
		if r.rows.Fold[i] > 0 {
			row.Answer, row.Label, row.Probability = r.rows.Answer[i], r.rows.Label[i], r.rows.Probability[i*C:(i+1)*C]
		}
		if of != nil {
			row.X = r.values(r.data.X, start+i)
		} else if row.Answer < 0 && r.rows.Time != nil {
			continue // not even its time is known
		}
		a.Add(0, row)
	}
	if view[1] > view[0] {
		a.View(0, at(view[0]), at(view[1]-1))
	}
	return a.Figures()[0]
}

// timelines show labels and answers of the series with the most mistakes.
func (r mistaken) timelines(wrong, known []int) (figures []htmlreport.Figure, left int) {
	spans := slices.Clone(r.rows.Series)
	of := func(sums []int, s metrics.Span) int { return sums[s.End] - sums[s.Start] }
	slices.SortStableFunc(spans, func(a, b metrics.Span) int { return of(wrong, b) - of(wrong, a) })
	left = max(0, len(spans)-reportedSeries)
	for _, s := range spans[:len(spans)-left] {
		caption := fmt.Sprintf("series %s: %d of %d rows wrong", s.Name, of(wrong, s), of(known, s))
		figures = append(figures, htmlreport.Figure{Figure: r.picture(s, s.Start, s.End, [2]int{}, true), Caption: caption})
	}
	return figures, left
}

// sums are how many of the first rows are wrong, and were judged, [N+1].
func (r mistaken) sums() (wrong, known []int) {
	wrong, known = make([]int, len(r.rows.Fold)+1), make([]int, len(r.rows.Fold)+1)
	for i, fold := range r.rows.Fold {
		wrong[i+1], known[i+1] = wrong[i], known[i]
		if fold > 0 {
			known[i+1]++
			if r.rows.Answer[i] != r.rows.Label[i] {
				wrong[i+1]++
			}
		}
	}
	return wrong, known
}

// stretches are the parts of series with the most mistakes, drawn with what is around them.
func (r mistaken) stretches(wrong, known []int) []htmlreport.Figure {
	longest := 0
	for _, s := range r.rows.Series {
		longest = max(longest, s.End-s.Start)
	}
	length := min(max(longest/20, 60), 600)
	type stretch struct {
		metrics.Span     // the series
		from, to, errors int
	}
	var all []stretch
	for _, s := range r.rows.Series {
		for from := s.Start; from < s.End; from += max(1, length/2) {
			to := min(from+length, s.End)
			if n := wrong[to] - wrong[from]; n > 0 {
				all = append(all, stretch{s, from, to, n})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b stretch) int { return b.errors - a.errors })
	var figures []htmlreport.Figure
	var taken []stretch
	for _, s := range all {
		if len(taken) == reportedStretches {
			break
		}
		if slices.ContainsFunc(taken, func(t stretch) bool { return s.from < t.to && t.from < s.to }) {
			continue
		}
		taken = append(taken, s)
		from, to := max(s.Start, s.from-length), min(s.End, s.to+length)
		caption := fmt.Sprintf("%d. series %s, rows %d to %d: %d of %d wrong", len(taken), s.Name, s.from-s.Start, s.to-1-s.Start, s.errors, known[s.to]-known[s.from])
		figures = append(figures, htmlreport.Figure{Figure: r.picture(s.Span, from, to, [2]int{max(s.Start, s.from-length/2), min(s.End, s.to+length/2)}, false), Caption: caption})
	}
	return figures
}

// historyIn are the epochs of each network that a model's history has.
func historyIn(o *model.Opened) ([][]observe.EpochLine, error) {
	if o.History == "" {
		return nil, nil
	}
	content, err := o.Read(o.History)
	if err != nil {
		return nil, err
	}
	var all [][]observe.EpochLine
	for d := json.NewDecoder(bytes.NewReader(content)); ; {
		var e observe.EpochLine
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, &model.Error{Path: filepath.Join(o.Dir, o.History), Err: fmt.Errorf("damaged: %w", err)}
		}
		if n := len(all); n == 0 || all[n-1][0].Job != e.Job {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], e)
	}
}

// training is how the training went of the networks that were kept.
func (r *reported) training() htmlreport.Section {
	if len(r.history) == 0 {
		return htmlreport.Section{}
	}
	var networks [][]plot.Epoch
	for _, epochs := range r.history {
		var one []plot.Epoch
		for _, e := range epochs {
			p := plot.Epoch{Loss: e.Epoch.Loss, ValidationLoss: math.NaN(), F1: math.NaN()}
			if v := e.ValidationLine; v != nil {
				p.ValidationLoss, p.F1 = float64(v.Loss), float64(v.MacroF1)
			}
			one = append(one, p)
		}
		networks = append(networks, one)
	}
	return htmlreport.Section{Title: "How training went", Charts: plot.History(networks...),
		Text: []string{fmt.Sprintf("The loss of %s, by epochs.", count(len(networks), "network"))}}
}
