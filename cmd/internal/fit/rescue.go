package fit

import (
	"context"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
)

// takeEarly takes a rung by the folds that there was time for.
func (r *run) takeEarly(ctx context.Context) error {
	r.settle()
	r.judgeOne()
	r.result.Uncompared, r.taken = r.uncompared(), true
	if names := r.result.Uncompared; len(names) > 0 {
		if err := r.tell(ctx, Noticed{Kind: NotCompared, Rung: strings.Join(names, "; ")}); err != nil {
			return err
		}
	}
	for _, g := range r.rungs {
		if len(g.Folds) > 0 {
			if err := r.tell(ctx, RungJudged{g}); err != nil {
				return err
			}
		}
	}
	return r.tell(ctx, Taken{r.rungs[r.result.Chosen]})
}

// rescue makes what is worth keeping the result of a run that ended early; nil if there is
// nothing.
func (r *run) rescue() *Result {
	if n := len(r.result.Members); n > 0 {
		if n < r.members() {
			r.result.Partial = SomeFinal
		}
		return r.result
	}
	if !r.taken {
		r.settle()
		defer func() { r.result.Uncompared = r.uncompared() }()
	}
	if r.result.Judged == nil {
		r.judgeOne()
	}
	r.result.Partial, r.result.Members = OfFolds, trained(r.rungs[r.result.Chosen].tasks)
	if len(r.result.Members) == 0 {
		r.unended()
	}
	if len(r.result.Members) == 0 {
		return nil
	}
	return r.result
}

// unended makes the result the network whose training came furthest.
func (r *run) unended() {
	r.result.Partial = Unfinished
	for _, t := range r.unfinished {
		if r.rungs[t.Job.Rung].Candidate && (len(r.result.Members) == 0 || len(t.History) > len(r.result.Members[0].History)) {
			r.result.Chosen, r.result.Members = t.Job.Rung, []*Trained{t}
		}
	}
}

// settle takes a rung by the folds that all candidates have answered; where there is none, by
// those that all have answered that have answered any; else the one with the most networks.
func (r *run) settle() {
	var all, in []*Rung
	for _, g := range r.rungs {
		if g.Folds = nil; g.eligible() {
			all = append(all, g)
			if len(answered(r.folds, g)) > 0 {
				in = append(in, g)
			}
		}
	}
	folds := answered(r.folds, all...)
	if len(folds) == 0 {
		folds, all = answered(r.folds, in...), in
	}
	for _, g := range all {
		g.finish(r, folds)
	}
	chosen, err := choose(r.rungs)
	if err != nil || len(folds) == 0 {
		chosen = r.result.Chosen
		for i, g := range r.rungs {
			if g.Candidate && len(trained(g.tasks)) > len(trained(r.rungs[chosen].tasks)) {
				chosen = i
			}
		}
	}
	r.result.Chosen = chosen
}

// uncompared are the names of the candidates that the one that is kept could not be compared
// with.
func (r *run) uncompared() (names []string) {
	for i, g := range r.rungs {
		if i != r.result.Chosen && g.eligible() && (len(g.Folds) == 0 || r.result.Partial == Unfinished) {
			names = append(names, g.Name())
		}
	}
	return names
}

// judgeOne judges the rung that was taken by a single member, if that has answered all folds.
func (r *run) judgeOne() {
	g := r.rungs[r.result.Chosen]
	if len(r.folds) == 0 || len(answered(r.folds, g)) < len(r.folds) {
		return
	}
	if g.finish(r, r.folds); g.Err == nil {
		r.result.Threshold = g.Threshold
		r.result.Judged = &Judged{Split: r.split, Folds: g.Folds, Report: g.Report, Spread: g.Spread}
		_ = r.addRivals(g.answers) // without them the report is as good
	}
}

// answered are the folds whose rows all of the rungs have answered.
func answered(folds []layout.Fold, rungs ...*Rung) []layout.Fold {
	var all []layout.Fold
	for i, f := range folds {
		if !slices.ContainsFunc(rungs, func(g *Rung) bool {
			return !slices.ContainsFunc(g.tasks, func(t *task) bool { return t.job.Fold == i+1 && t.answers != nil })
		}) {
			all = append(all, f)
		}
	}
	return all
}
