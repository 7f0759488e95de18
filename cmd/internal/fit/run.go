package fit

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// run is a run of Fit.
type run struct {
	spec       *Spec
	rows       *rows
	filled     []*rows // the same for each fold: what is missing is filled from the rows that train there
	validation *rows   // nil without
	test       *rows   // may be rows itself; nil without
	tested     []series.Range
	all        layout.Fold // what trains in the end; held back are test rows, if they are of the same data
	folds      []layout.Fold
	split      layout.SplitKind
	rungs      []*Rung
	preview    bool // nothing is trained but to see how long it takes
	taken      bool // one of them, by comparison
	begin      time.Time
	late       bool // a stage has ended at its share of the time limit
	workers    int
	means      Means
	digests    map[*rows]string // where there is a store
	observers
	result *Result

	mu         sync.Mutex
	unfinished []*Trained // of jobs that ended early
}

func newRun(s *Spec, m Means, all []Observer) *run {
	r := &run{spec: s, begin: time.Now(), workers: s.Threads, means: m, digests: map[*rows]string{}, observers: observers{all: all}}
	r.result = &Result{Spec: *s, Target: s.target(), Threshold: s.Threshold.At}
	if r.workers == 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	if m.Runner == nil {
		r.means.Runner = sideBySide(r.workers)
	}
	return r
}

// compare trains one member of each rung for each fold, two folds at a time, and takes a rung.
// After each two, those that can no longer be taken are stopped.
func (r *run) compare(ctx context.Context) error {
	const at = 2
	for from := 0; from < len(r.folds); from += at {
		to := min(from+at, len(r.folds))
		if err := r.pool(ctx, Compare, r.round(from, to)); err != nil {
			return err
		}
		if r.late {
			return r.takeEarly(ctx)
		}
		for _, g := range r.rungs {
			if g.racing() {
				g.finish(r, r.folds[:to])
			}
		}
		race(r.rungs)
	}
	return r.take(ctx)
}

// round are the tasks of the folds [from,to) for the rungs that may still be taken, and for the
// rival, which the one that is taken is compared with.
func (r *run) round(from, to int) []*task {
	var tasks []*task
	for fold := from; fold < to; fold++ {
		for i, g := range r.rungs {
			if g.racing() {
				t := r.foldTask(i, fold, 0)
				g.tasks, tasks = append(g.tasks, t), append(tasks, t)
			}
		}
	}
	return tasks
}

// racing reports whether the rung is to be trained on further folds.
func (g *Rung) racing() bool { return g.Err == nil && !g.Stopped }

// eligible reports whether the rung may still be chosen.
func (g *Rung) eligible() bool { return g.Candidate && g.racing() }

// take tells how the rungs did, and which one is taken.
func (r *run) take(ctx context.Context) error {
	if len(r.folds) == 0 {
		return nil
	}
	for _, g := range r.rungs {
		if len(g.tasks) == 0 {
			continue
		}
		if err := r.leftOut(ctx, g); err != nil {
			return err
		}
		if g.Err == nil {
			if err := r.tell(ctx, RungJudged{g}); err != nil {
				return err
			}
		}
	}
	chosen, err := choose(r.rungs)
	if errors.Is(err, errNothing) { // there are too few rows for folds, not for training
		r.folds = nil
		return r.tell(ctx, Noticed{Kind: NotJudged, Err: err})
	}
	if err != nil {
		return err
	}
	r.result.Chosen, r.taken = chosen, true
	return r.tell(ctx, Taken{r.rungs[chosen]})
}

// foldTask is that of a member of a rung for a fold, from 0.
func (r *run) foldTask(rung, fold, member int) *task {
	f := r.folds[fold]
	return &task{job: Job{rung, fold + 1, member}, fold: f, on: r.filled[fold], held: f.Held}
}

// finish judges the rung by the answers to the rows that folds hold back.
func (g *Rung) finish(r *run, folds []layout.Fold) {
	if g.answers, g.Err = joined(g.tasks); g.Err != nil {
		return
	}
	g.decided, g.Threshold = r.decide(g.answers)
	j, err := r.report(g.answers, g.decided, g.Threshold, folds)
	if err != nil {
		g.Err = err
		return
	}
	g.Report, g.Folds, g.Spread = j.Report, j.Folds, j.Spread
}

// joined are the answers of a member to the rows that the tasks hold back.
func joined(tasks []*task) (all *answers, err error) {
	for _, t := range tasks {
		switch {
		case t.err != nil:
			return nil, t.err
		case t.answers != nil:
			all = all.merge(t.answers)
		}
	}
	return all, nil
}

// trained are the networks that tasks have trained.
func trained(tasks []*task) []*Trained {
	var all []*Trained
	for _, t := range tasks {
		if t.trained != nil {
			all = append(all, t.trained)
		}
	}
	return all
}

// memberLeftOut reports a member that cannot be trained.
func (r *run) memberLeftOut(ctx context.Context, j Job, err error) error {
	return r.tell(ctx, Noticed{Kind: MemberFailed, Rung: r.rungs[j.Rung].Name(), Number: j.Member + 1, Err: err})
}

// members is how many networks the result has.
func (r *run) members() int { return r.rungs[r.result.Chosen].members(r.spec) }

// judge trains the other members of the rung that was taken for each fold, and judges it by
// the answers of all of them.
func (r *run) judge(ctx context.Context) error {
	if len(r.folds) == 0 || r.late {
		return nil
	}
	chosen := r.rungs[r.result.Chosen]
	all, first := chosen.answers, len(chosen.tasks)
	for member := 1; member < r.members(); member++ {
		for fold := range r.folds {
			chosen.tasks = append(chosen.tasks, r.foldTask(r.result.Chosen, fold, member))
		}
	}
	if others := chosen.tasks[first:]; len(others) > 0 {
		if err := r.pool(ctx, JudgeIt, others); err != nil {
			return err
		}
		for member := range slices.Chunk(others, len(r.folds)) {
			if slices.ContainsFunc(member, func(t *task) bool { return t.answers == nil && t.err == nil }) {
				continue // there was no time for it
			}
			one, err := joined(member)
			if err != nil {
				if err := r.memberLeftOut(ctx, member[0].job, err); err != nil {
					return err
				}
				continue
			}
			all = all.average(one)
		}
	}
	decided, threshold := r.decide(all)
	r.result.Threshold = threshold
	var err error
	if r.result.Judged, err = r.report(all, decided, threshold, r.folds); err != nil {
		return err
	}
	return r.addRivals(all)
}

// final trains the members on all rows, and the rival.
func (r *run) final(ctx context.Context) error {
	var tasks []*task
	members := r.members()
	for member := range members {
		tasks = append(tasks, r.finalTask(r.result.Chosen, member))
	}
	rival := slices.IndexFunc(r.rungs, func(g *Rung) bool { return g.isRival() && g.Err == nil })
	if rival >= 0 && rival != r.result.Chosen {
		tasks = append(tasks, r.finalTask(rival, 0))
	}
	err := r.pool(ctx, Final, tasks)
	r.result.Members = trained(tasks[:members])
	if err != nil {
		return err
	}
	if len(r.result.Members) == 0 && r.late {
		if r.rescue() == nil {
			return errTimeUp
		}
		return nil
	}
	for _, t := range tasks {
		if t.err != nil {
			if len(r.result.Members) == 0 {
				return t.err
			}
			if err := r.memberLeftOut(ctx, t.job, t.err); err != nil {
				return err
			}
		}
	}
	if r.late && len(r.result.Members) < members {
		r.result.Partial = SomeFinal
	}
	if len(tasks) > members {
		r.result.Rival = tasks[members].trained
	}
	if len(r.all.Held) == 0 { // else it is told how the series go on
		r.result.Positions = metrics.NewPositions(r.rows.Labels, spans(r.all.Train), len(r.rows.Classes))
	}
	return r.try(tasks)
}

// finalTask trains a member of a rung on all rows.
func (r *run) finalTask(rung, member int) *task {
	return &task{job: Job{Rung: rung, Member: member}, fold: r.all, on: r.test, held: r.tested}
}
