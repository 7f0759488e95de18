package fit

import (
	"context"
	"slices"
	"strings"
)

// takeEarly takes the best rungs by the folds that there was time for.
func (r *run) takeEarly(ctx context.Context) error {
	r.settle()
	r.judgeOne()
	r.result.Uncompared, r.taken = r.uncompared(), true
	if names := r.result.Uncompared; len(names) > 0 {
		if err := r.tell(ctx, Noticed{Kind: NotCompared, Rung: strings.Join(names, "; ")}); err != nil {
			return err
		}
	}
	return r.tellTaken(ctx)
}

// tellTaken reports the rungs that could be judged, and which were taken.
func (r *run) tellTaken(ctx context.Context) error {
	for _, g := range r.rungs {
		if len(g.Folds) > 0 {
			if err := r.tell(ctx, RungJudged{g}); err != nil {
				return err
			}
		}
	}
	return r.tell(ctx, Taken{r.result.Taken()})
}

// rescue makes what is worth keeping the result of a run that ended early; nil if there is
// nothing.
func (r *run) rescue(ctx context.Context) *Result {
	if n := len(r.result.Members); n > 0 {
		if n < r.members() {
			r.result.Partial = SomeFinal
		}
		return r.result
	}
	if !r.taken {
		r.settle()
		if len(r.result.Taken()[0].Folds) > 0 {
			_ = r.tellTaken(ctx) // it may have been an observer that has ended the run
		}
		defer func() { r.result.Uncompared = r.uncompared() }()
	}
	if r.result.Judged == nil {
		r.judgeOne()
	}
	r.result.Partial = OfFolds
	for _, g := range r.result.Taken() {
		r.result.Members = append(r.result.Members, trained(g.tasks)...)
	}
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
		if !r.rungs[t.Job.Rung].Baseline && (len(r.result.Members) == 0 || len(t.History) > len(r.result.Members[0].History)) {
			r.result.Chosen, r.result.Members = []int{t.Job.Rung}, []*Trained{t}
		}
	}
}

// settle takes the best rungs by the folds that all candidates have answered; where there is none, by
// those that all have answered that have answered any; else the one with the most networks.
func (r *run) settle() {
	var all, in []*Rung
	for _, g := range r.rungs {
		if g.Folds = nil; g.eligible() {
			all = append(all, g)
			if len(r.answered(g)) > 0 {
				in = append(in, g)
			}
		}
	}
	folds := r.answered(all...)
	if len(folds) == 0 {
		folds, all = r.answered(in...), in
	}
	for _, g := range all {
		g.finish(r, folds)
	}
	if chosen, err := r.choose(); err == nil && len(folds) > 0 {
		r.result.Chosen = chosen
		return
	}
	most := r.result.Chosen[0]
	for i, g := range r.rungs {
		if !g.Baseline && len(trained(g.tasks)) > len(trained(r.rungs[most].tasks)) {
			most = i
		}
	}
	r.result.Chosen = []int{most}
}

// uncompared are the names of the candidates that the one that is kept could not be compared
// with.
func (r *run) uncompared() (names []string) {
	for i, g := range r.rungs {
		if !r.chosen(i) && g.eligible() && (len(g.Folds) == 0 || r.result.Partial == Unfinished) {
			names = append(names, g.Name())
		}
	}
	return names
}

// judgeOne judges the rungs that were taken by a single member of each, if those have answered all
// folds.
func (r *run) judgeOne() {
	taken := r.result.Taken()
	if len(r.folds) == 0 || len(r.answered(taken...)) < len(r.folds) {
		return
	}
	var kinds []*answers
	for _, g := range taken {
		if g.finish(r, upTo(len(r.folds))); g.Err != nil {
			return
		}
		kinds = append(kinds, g.answers)
	}
	_ = r.judgeBy(together(kinds...), len(taken)) // what can be judged is
}

// answered are the numbers, from 0, of the folds whose rows all of the rungs have answered.
func (r *run) answered(rungs ...*Rung) []int {
	var all []int
	for i := range r.folds {
		if !slices.ContainsFunc(rungs, func(g *Rung) bool {
			return !slices.ContainsFunc(g.tasks, func(t *task) bool { return t.job.Fold == i+1 && t.answers != nil })
		}) {
			all = append(all, i)
		}
	}
	return all
}
