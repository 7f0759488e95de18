package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/train"
)

// epochLine is what is printed of an epoch, and kept in the history.
type epochLine struct {
	Fold         int     `json:"fold,omitempty"`
	Epoch        int     `json:"epoch"` // from 1
	Step         int     `json:"step"`  // batches made so far
	Loss         float64 `json:"loss"`  // mean over the epoch's batches, each before its update
	GradientNorm float64 `json:"gradient_norm"`
	LearningRate float32 `json:"learning_rate"` // of the last step
	*heldScores          // nil without validation
	Best         bool    `json:"best"` // so far
}

// heldScores are those on the rows held back.
type heldScores struct {
	Loss             metrics.Number `json:"validation_loss"`
	F1               metrics.Number `json:"f1"`
	Precision        metrics.Number `json:"precision"`
	Recall           metrics.Number `json:"recall"`
	Accuracy         metrics.Number `json:"accuracy"`
	BalancedAccuracy metrics.Number `json:"balanced_accuracy"`
	ROCAUC           metrics.Number `json:"roc_auc"`
	PRAUC            metrics.Number `json:"pr_auc"`
	Threshold        metrics.Number `json:"threshold"`
}

func newHeldScores(j *train.Judgement) *heldScores {
	return &heldScores{
		Loss: metrics.Number(j.Loss),
		F1:   j.F1, Precision: j.Precision, Recall: j.Recall,
		Accuracy: j.Accuracy, BalancedAccuracy: j.BalancedAccuracy,
		ROCAUC: j.ROCAUC, PRAUC: j.PRAUC,
		Threshold: j.Threshold,
	}
}

func newEpochLine(e train.Epoch) epochLine {
	return epochLine{Epoch: e.Epoch, Step: e.Steps, Loss: e.Loss, GradientNorm: e.GradientNorm, LearningRate: e.LearningRate, Best: true}
}

func (l *epochLine) judge(j *train.Judgement, better bool) {
	l.heldScores, l.Best = newHeldScores(j), better
}

// plot is the epoch as a picture shows it.
func (l epochLine) plot() plot.Epoch {
	e := plot.Epoch{Loss: l.Loss, ValidationLoss: math.NaN(), F1: math.NaN()}
	if l.heldScores != nil {
		e.ValidationLoss, e.F1 = float64(l.heldScores.Loss), float64(l.F1)
	}
	return e
}

// foldLine is what is printed of a fold: how the weights do that it keeps.
type foldLine struct {
	Fold           int `json:"fold"`
	Rows           int `json:"rows"`
	ValidationRows int `json:"validation_rows"` // those that count
	Epochs         int `json:"epochs"`
	Best           int `json:"best"` // epoch
	*heldScores
}

func newFoldLine(r *foldResult) foldLine {
	return foldLine{
		Fold: r.fold.number, Rows: series.Rows(r.fold.train), ValidationRows: r.best.Judgement.Steps,
		Epochs: len(r.history), Best: r.best.Epoch, heldScores: newHeldScores(r.best.Judgement),
	}
}

// printer prints what happens on the way: a line for each epoch or, with
// --walk-forward, for each fold.
type printer struct {
	out, errOut io.Writer
	encoder     *json.Encoder // nil: a table
	every       int
	walk        bool
	headed      bool
	bar         *progressbar.ProgressBar // nil: none
}

func (o *trainOptions) newPrinter(out, errOut io.Writer) *printer {
	p := &printer{out: out, errOut: errOut, every: o.logEvery, walk: o.walkForward > 0}
	if o.json {
		p.encoder = json.NewEncoder(out)
	}
	return p
}

// epoch prints the line of an epoch, if it has one.
func (p *printer) epoch(l epochLine, last bool) error {
	if p.walk || l.Epoch%p.every != 0 && !last {
		return nil
	}
	if p.encoder != nil {
		return p.encoder.Encode(l)
	}
	p.clearProgress()
	titles := []string{"epoch", "loss"}
	cells := []string{strconv.Itoa(l.Epoch), number(l.Loss)}
	if l.heldScores != nil {
		titles = append(titles, heldTitles...)
		cells = append(cells, l.heldScores.cells()...)
		if l.Best {
			cells = append(cells, "*")
		}
	}
	return p.row(titles, cells)
}

// heldTitles are those of heldScores.cells.
var heldTitles = []string{"val loss", "F1", "precision", "recall", "accuracy", "PR AUC"}

func (s *heldScores) cells() []string {
	var cells []string
	for _, n := range []metrics.Number{s.Loss, s.F1, s.Precision, s.Recall, s.Accuracy, s.PRAUC} {
		cells = append(cells, n.String())
	}
	return cells
}

// fold prints the line of a fold.
func (p *printer) fold(r *foldResult) error {
	if !p.walk {
		return nil
	}
	l := newFoldLine(r)
	if p.encoder != nil {
		return p.encoder.Encode(l)
	}
	return p.row(append([]string{"fold", "rows", "held", "epochs", "best"}, heldTitles...),
		append([]string{strconv.Itoa(l.Fold), strconv.Itoa(l.Rows), strconv.Itoa(l.ValidationRows), strconv.Itoa(l.Epochs), strconv.Itoa(l.Best)}, l.cells()...))
}

// folds prints mean and standard deviation of the folds.
func (p *printer) folds(results []*foldResult) error {
	if !p.walk {
		return nil
	}
	s := summarise(results)
	if p.encoder != nil {
		return p.encoder.Encode(s)
	}
	for _, row := range []struct {
		name   string
		scores heldScores
	}{{"mean", s.Mean}, {"std", s.Std}} {
		if err := p.row(nil, append([]string{row.name, "", "", "", ""}, row.scores.cells()...)); err != nil {
			return err
		}
	}
	return nil
}

// row prints cells in columns, before the first ones their titles.
func (p *printer) row(titles, cells []string) error {
	if !p.headed {
		p.headed = true
		if _, err := fmt.Fprintln(p.out, columns(titles)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(p.out, columns(cells))
	return err
}

// columns sets cells in columns, the first one narrow, and a mark behind them.
func columns(cells []string) string {
	var text strings.Builder
	for i, cell := range cells {
		switch {
		case i == 0:
			fmt.Fprintf(&text, "%5s", cell)
		case cell == "*":
			text.WriteString("  *")
		default:
			fmt.Fprintf(&text, "%11s", cell)
		}
	}
	return text.String()
}

// number shows a loss with four decimals.
func number(v float64) string { return metrics.Number(v).String() }

// foldSummary is mean and standard deviation over the folds, by n-1.
type foldSummary struct {
	Mean heldScores `json:"mean"`
	Std  heldScores `json:"std"`
}

func summarise(results []*foldResult) foldSummary {
	var s foldSummary
	var all []*heldScores
	for _, r := range results {
		all = append(all, newHeldScores(r.best.Judgement))
	}
	for i, mean := range s.Mean.fields() {
		var values []float64
		for _, scores := range all {
			values = append(values, float64(*scores.fields()[i]))
		}
		m, d := meanStd(values)
		*mean, *s.Std.fields()[i] = metrics.Number(m), metrics.Number(d)
	}
	return s
}

func (s *heldScores) fields() []*metrics.Number {
	return []*metrics.Number{&s.Loss, &s.F1, &s.Precision, &s.Recall, &s.Accuracy, &s.BalancedAccuracy, &s.ROCAUC, &s.PRAUC, &s.Threshold}
}

// meanStd is mean and standard deviation (by n-1), NaN where a value or the
// number of values does not allow one.
func meanStd(values []float64) (mean, std float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		std += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, math.Sqrt(std)
}

// progress returns what draws a progress bar for so many steps, nil unless a
// person is watching.
func (p *printer) progress(steps int) func(int) {
	if !isTerminal(p.errOut) {
		return nil
	}
	p.bar = progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(p.errOut),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	return func(done int) { _ = p.bar.Set(done) }
}

// clearProgress makes room for a line.
func (p *printer) clearProgress() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

func (p *printer) endProgress() {
	p.clearProgress()
	p.bar = nil
}
