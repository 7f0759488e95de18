package fit

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// choose returns the rungs to take, the best first: one or two. Of each kind of network that is the
// one with the better scale, and the second kind is taken too unless the mean of both kinds' answers is
// clearly worse than what the best answers alone.
func (r *run) choose() ([]int, error) {
	best := r.bestOfKinds()
	if len(best) == 0 {
		return nil, reason(r.rungs)
	}
	if len(best) == 1 {
		return best, nil
	}
	alone := r.rungs[best[0]].answers
	if r.clearlyWorse(together(alone, r.rungs[best[1]].answers), alone) {
		return best[:1], nil
	}
	return best[:2], nil
}

// clearlyWorse reports whether answers score less than others by more than two standard errors of the
// difference, fold by fold: less than that may be chance, and two kinds together err less on rows
// unlike any of the folds'. The same score in every fold is no gain, and with a single fold any
// difference counts.
func (r *run) clearlyWorse(a, than *answers) bool {
	var less []float64
	scores, others := r.inFolds(a), r.inFolds(than)
	for i, v := range others {
		if d := v - scores[i]; d == d { // else the fold has not been answered
			less = append(less, d)
		}
	}
	mean, deviation := stat.MeanStdDev(less, nil)
	return !(mean < 0) && !(mean < 2*stat.StdErr(deviation, float64(len(less))))
}

// inFolds are the scores of answers in each fold, NaN in one that has not been answered.
func (r *run) inFolds(a *answers) []float64 {
	decided, threshold := r.decide(a)
	all := make([]float64, len(r.folds))
	for i, f := range r.folds {
		all[i] = math.NaN()
		if report, err := metrics.Evaluate(r.rows.input(a, f.Held, threshold, decided)); err == nil {
			all[i] = score(&report.Scores)
		}
	}
	return all
}

// bestOfKinds are the rungs that have answered best, one of each kind, the best first.
func (r *run) bestOfKinds() []int {
	var best []int
	for i, g := range r.rungs {
		if !g.eligible() || len(g.Folds) == 0 {
			continue
		}
		at := slices.IndexFunc(best, func(b int) bool { return r.rungs[b].kind() == g.kind() })
		switch {
		case at < 0:
			best = append(best, i)
		case g.score() > r.rungs[best[at]].score():
			best[at] = i
		}
	}
	slices.SortStableFunc(best, func(a, b int) int { return cmp.Compare(r.rungs[b].score(), r.rungs[a].score()) })
	return best
}

// score is what networks are chosen by: whether classes are told apart by the threshold, and how
// well rows are ranked, which shows what the threshold hides where a class is rare.
func score(s *metrics.Scores) float64 {
	total := 0.0
	for _, v := range []metrics.Number{s.MacroF1, s.PRAUC} {
		if v == v {
			total += float64(v)
		}
	}
	return total
}

// score is that of the answers to all rows held back.
func (g *Rung) score() float64 { return score(&g.Report.Scores) }

// race stops the candidates that are behind: in each fold so far, two other kinds of network have
// done at least as well, or the same kind with another scale. The rival goes on, as what is
// taken is compared with it. Trials of a search stop no other candidate, so that it comes to no
// less than a comparison without them.
func race(rungs []*Rung) {
	for i, g := range rungs {
		if !g.eligible() || g.drawn() {
			continue
		}
		ahead := map[string]bool{}
		for k, s := range rungs {
			if k != i && s.eligible() && !s.drawn() && s.asGood(g) && (k < i || !g.asGood(s)) {
				ahead[s.kind()] = true
			}
		}
		g.Stopped = ahead[g.kind()] || len(ahead) > 1
	}
}

// halve stops the worse half of the trials of a search. Two go on, as the mean of both may be taken.
func halve(rungs []*Rung) {
	var all []*Rung
	for _, g := range rungs {
		if g.eligible() && g.drawn() {
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b *Rung) int { return cmp.Compare(b.score(), a.score()) })
	for _, g := range all[min(len(all), max(2, (len(all)+1)/2)):] {
		g.Stopped = true
	}
}

// asGood reports whether g has done at least as well as h in each fold, of at least two.
func (g *Rung) asGood(h *Rung) bool {
	for i := range g.Folds {
		if score(&g.Folds[i].Scores) < score(&h.Folds[i].Scores) {
			return false
		}
	}
	return len(g.Folds) > 1
}

// reason is why no candidate can be judged: that there is too little to learn, if that is so of
// any, as all rows together may have enough.
func reason(rungs []*Rung) (first error) {
	for _, g := range rungs {
		if !g.Baseline && (first == nil || errors.Is(g.Err, errNothing)) {
			first = g.Err
		}
	}
	return cmp.Or(first, errNothing)
}

// report judges the answers to the rows that folds hold back, and the classes decided by them.
func (r *run) report(a *answers, decided []int16, threshold float64, folds []layout.Fold) (*Judged, error) {
	j := &Judged{Split: r.split}
	var err error
	if j.Report, err = metrics.Evaluate(r.rows.input(a, r.all.Train, threshold, decided)); err != nil {
		return nil, err
	}
	for _, f := range folds {
		one, err := metrics.Evaluate(r.rows.input(a, f.Held, threshold, decided))
		if err != nil {
			return nil, err
		}
		j.Folds = append(j.Folds, one)
	}
	j.Spread = j.Report.InFolds(j.Folds)
	j.Fold, j.Probability, j.Answer = r.judgedBy(a, folds), a.probability, decided
	return j, nil
}

// judgedBy are the folds [N], from 1, that the rows were judged in; 0 for those that were not.
func (r *run) judgedBy(a *answers, folds []layout.Fold) []int16 {
	all := make([]int16, r.rows.Len())
	for k, f := range folds {
		for _, h := range f.Held {
			for i := h.Start; i < h.End; i++ {
				if a.known[i] && r.rows.Labels[i] != series.Unlabelled {
					all[i] = int16(k + 1)
				}
			}
		}
	}
	return all
}

// decide returns the classes [N] that answers to the rows held back come to, and the threshold
// for other rows.
func (r *run) decide(a *answers) (decided []int16, threshold float64) {
	if r.spec.Threshold.Auto && r.tunable() {
		return r.tune(a)
	}
	threshold = r.spec.Threshold.At
	return metrics.Decide(a.probability, len(r.rows.Classes), threshold), threshold
}

// tunable reports whether a threshold can be found and judged.
func (r *run) tunable() bool { return len(r.rows.Classes) == 2 && len(r.folds) > 1 }

// tune is decide by the threshold with the best F1 on all rows held back, but that a fold's rows
// are decided by the best one on the other folds', or those before it where these alone train, as
// rows that choose a threshold do not tell how good it is.
func (r *run) tune(a *answers) (decided []int16, threshold float64) {
	C := len(r.rows.Classes)
	decided = metrics.Decide(a.probability, C, r.spec.Threshold.At)
	var all []series.Range
	for i, f := range r.folds {
		all = append(all, f.Held...)
		choosing := slices.Concat(r.folds[:i], r.folds[i+1:])
		if r.split == layout.SplitForward {
			choosing = r.folds[:i]
		}
		var others []series.Range
		for _, o := range choosing {
			others = append(others, o.Held...)
		}
		at := r.bestThreshold(a, others)
		for _, h := range f.Held {
			copy(decided[h.Start:h.End], metrics.Decide(a.probability[h.Start*C:h.End*C], C, at))
		}
	}
	return decided, r.bestThreshold(a, all)
}

// tuned is what --threshold auto would have come to.
func (r *run) tuned(a *answers) (*Tuned, error) {
	if r.spec.Threshold.Auto || !r.tunable() {
		return nil, nil
	}
	decided, threshold := r.tune(a)
	j, err := r.report(a, decided, threshold, r.folds)
	if err != nil {
		return nil, err
	}
	return &Tuned{threshold, j.Spread.Mean.F1, j.Spread.Std.F1}, nil
}

// bestThreshold is the one with the best F1 of the answers to the parts. Where none of their
// rows is of the second class, no threshold is better than another.
func (r *run) bestThreshold(a *answers, parts []series.Range) float64 {
	at := r.spec.Threshold.At
	if best, _, err := metrics.BestThreshold(r.rows.input(a, parts, at, nil)); err == nil {
		at = best
	}
	return at
}

// addRivals compares the report, and that of each fold, with what logistic regression and the
// rows' numbers alone answer to the same rows.
func (r *run) addRivals(a *answers) error {
	j := r.result.Judged
	addAll := func(name string, decided []int16) error {
		err := add(j.Report, r.rows.input(a, r.all.Train, 0, nil), name, decided)
		for i, f := range r.folds {
			err = errors.Join(err, add(j.Folds[i], r.rows.input(a, f.Held, 0, nil), name, decided))
		}
		return err
	}
	for i, g := range r.rungs {
		if g.isLogistic() && !r.chosen(i) && len(g.Folds) == len(r.folds) {
			if err := addAll(g.Name(), g.decided); err != nil {
				return err
			}
		}
	}
	if r.split == layout.SplitSeries {
		if err := addAll(Position, r.positionsOutOfFold()); err != nil {
			return err
		}
	}
	j.Spread = j.Report.InFolds(j.Folds)
	return nil
}

// Names of rivals, as reports have them.
const (
	Rival    = "logistic regression with lags"
	Position = "position" // what a row's number in its series alone would answer
)

// add scores a rival's answers [N] for a report on the same rows.
func add(report *metrics.Report, in metrics.Input, name string, answers []int16) error {
	b, err := in.Baseline(name, answers)
	if err != nil {
		return err
	}
	report.Baselines = append(report.Baselines, b)
	return nil
}

// positionsOutOfFold are the answers [N] that rows' numbers alone give, learned from other series.
func (r *run) positionsOutOfFold() []int16 {
	all := make([]int16, r.rows.Len())
	for _, f := range r.folds {
		learned := metrics.NewPositions(r.rows.Labels, Spans(f.Train), len(r.rows.Classes))
		for _, h := range f.Held {
			for i := h.Start; i < h.End; i++ {
				all[i] = learned.Answer(i - h.Start + h.First)
			}
		}
	}
	return all
}

// try judges the members by the test rows.
func (r *run) try(members []*task, rival *task) error {
	if r.test == nil {
		return nil
	}
	all := r.meanOfKinds(members)
	in := r.test.input(all, r.tested, r.result.Threshold, nil)
	report, err := metrics.Evaluate(in)
	if err != nil {
		return err
	}
	if r.result.Rival != nil {
		g := r.rungs[rival.job.Rung]
		if err := add(report, in, g.Name(), metrics.Decide(rival.answers.probability, len(in.Classes), g.Threshold)); err != nil {
			return err
		}
	}
	if r.test != r.rows && !r.result.Positions.IsZero() {
		if err := add(report, in, Position, r.result.Positions.Answers(r.test.Len(), Spans(r.tested))); err != nil {
			return err
		}
	}
	r.result.Test = report
	return nil
}

// Spans are ranges as the metrics take them.
func Spans(parts []series.Range) []metrics.Span {
	all := make([]metrics.Span, len(parts))
	for i, p := range parts {
		all[i] = metrics.Span{Name: p.Name, Start: p.Start, End: p.End, First: p.First}
	}
	return all
}

// Seconds is how long the trainings of the rung took that are known.
func (g *Rung) Seconds() float64 {
	total := 0.0
	for _, t := range trained(g.tasks) {
		total += t.Seconds
	}
	return total
}

// Made is how many epochs a training of the rung made, the most of the folds'.
func (g *Rung) Made() int {
	most := 0
	for _, t := range trained(g.tasks) {
		most = max(most, len(t.History))
	}
	return most
}
