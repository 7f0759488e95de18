package fit

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
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
	within     inputs.Within // how recipes can have features scaled within series
	rungs      []*Rung
	preview    bool // nothing is trained but to see how long it takes
	taken      bool // one of them, by comparison
	begin      time.Time
	late       bool // a stage has ended at its share of the time limit
	workers    int
	means      Means
	digests    map[*rows]string // where there is a store
	scales     sync.Map         // by jobs, of their first members: what fits it
	observers
	result *Result

	unkept     atomic.Bool // something, as the store failed
	mu         sync.Mutex
	unfinished []*Trained // of jobs that ended early
}

func newRun(s *Spec, m Means, all []Observer) *run {
	r := &run{spec: s, begin: time.Now(), workers: s.Threads, means: m, digests: map[*rows]string{}, observers: observers{all: all}}
	r.result = &Result{Spec: *s, Threshold: s.Threshold.At}
	if r.workers == 0 {
		r.workers = cmp.Or(m.Processors, runtime.GOMAXPROCS(0))
	}
	if m.Runner == nil {
		r.means.Runner = sideBySide(r.workers)
	}
	return r
}

// compare trains one member of each rung for each fold, two folds at a time, or in a search one,
// and takes the best. Each time, those that can no longer be taken are stopped, and the worse half
// of the trials.
func (r *run) compare(ctx context.Context) error {
	at := 2
	if slices.ContainsFunc(r.rungs, (*Rung).drawn) {
		at = 1
	}
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
				g.finish(r, upTo(to))
			}
		}
		race(r.rungs)
		if to < len(r.folds) {
			halve(r.rungs)
		}
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
func (g *Rung) eligible() bool { return !g.Baseline && g.racing() }

// drawn reports whether the rung is a trial of a search.
func (g *Rung) drawn() bool { return g.Trial != "" }

// take tells how the rungs did, and which are taken.
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
	chosen, err := r.choose()
	if errors.Is(err, errNothing) { // there are too few rows for folds, not for training
		r.folds = nil
		return r.tell(ctx, Noticed{Kind: NotJudged, Err: err})
	}
	if err != nil {
		return err
	}
	r.result.Chosen, r.taken = chosen, true
	return r.tell(ctx, Taken{r.result.Taken()})
}

// foldTask is that of a member of a rung for a fold, from 0.
func (r *run) foldTask(rung, fold, member int) *task {
	f := r.folds[fold]
	return &task{job: Job{rung, fold + 1, member}, fold: f, on: r.filled[fold], held: f.Held}
}

// finish judges the rung by the answers to the rows that folds, numbers from 0, hold back.
func (g *Rung) finish(r *run, folds []int) {
	var tasks []*task
	var all []layout.Fold
	for _, fold := range folds {
		all = append(all, r.folds[fold])
		for _, t := range g.tasks {
			if t.job.Fold == fold+1 {
				tasks = append(tasks, t)
			}
		}
	}
	if g.answers, g.Err = joined(tasks); g.Err != nil {
		return
	}
	g.decided, g.Threshold = r.decide(g.answers)
	j, err := r.report(g.answers, g.decided, g.Threshold, all)
	if err != nil {
		g.Err = err
		return
	}
	g.Report, g.Folds, g.Spread = j.Report, j.Folds, j.Spread
}

// upTo are the numbers from 0 to n-1.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
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

// chosen reports whether a rung is taken.
func (r *run) chosen(rung int) bool { return slices.Contains(r.result.Chosen, rung) }

// members is how many networks the result is to have.
func (r *run) members() int {
	n := 0
	for _, g := range r.result.Taken() {
		n += g.members(r.spec)
	}
	return n
}

// judge trains the other members of the rungs that were taken for each fold, and judges them by
// the answers of all together.
func (r *run) judge(ctx context.Context) error {
	if len(r.folds) == 0 || r.late {
		return nil
	}
	var others []*task
	for _, i := range r.result.Chosen {
		for member := 1; member < r.rungs[i].members(r.spec); member++ {
			for fold := range r.folds {
				others = append(others, r.foldTask(i, fold, member))
			}
		}
	}
	if len(others) > 0 {
		if err := r.pool(ctx, JudgeIt, others); err != nil {
			return err
		}
	}
	answered := map[int][]*answers{}
	for member := range slices.Chunk(others, len(r.folds)) {
		job := member[0].job
		r.rungs[job.Rung].tasks = append(r.rungs[job.Rung].tasks, member...)
		if slices.ContainsFunc(member, func(t *task) bool { return t.answers == nil && t.err == nil }) {
			continue // there was no time for it
		}
		one, err := joined(member)
		if err == nil {
			answered[job.Rung] = append(answered[job.Rung], one)
			continue
		}
		if err := r.memberLeftOut(ctx, job, err); err != nil {
			return err
		}
	}
	var kinds []*answers
	members := 0
	for _, i := range r.result.Chosen {
		g := r.rungs[i]
		members += 1 + len(answered[i])
		kinds = append(kinds, mean(g.Network.Loss, append(answered[i], g.answers)...))
	}
	return r.judgeBy(together(kinds...), members)
}

// judgeBy judges the rungs that were taken by the answers of so many members.
func (r *run) judgeBy(all *answers, members int) error {
	decided, threshold := r.decide(all)
	r.result.Threshold = threshold
	j, err := r.report(all, decided, threshold, r.folds)
	if err != nil {
		return err
	}
	j.Members = members
	if j.Tuned, err = r.tuned(all); err != nil {
		return err
	}
	r.result.Judged = j
	return r.addRivals(all)
}

// final trains the members on all rows, and the rival.
func (r *run) final(ctx context.Context) error {
	var members []*task
	for _, i := range r.result.Chosen {
		for member := range r.rungs[i].members(r.spec) {
			members = append(members, r.finalTask(i, member))
		}
	}
	tasks := members
	var rival *task
	if at := slices.IndexFunc(r.rungs, func(g *Rung) bool { return g.isRival() && g.Err == nil }); at >= 0 && !r.chosen(at) {
		rival = r.finalTask(at, 0)
		tasks = append(slices.Clone(members), rival)
	}
	err := r.pool(ctx, Final, tasks)
	r.result.Members = trained(members)
	if err != nil {
		return err
	}
	if len(r.result.Members) == 0 && r.late {
		if r.rescue(ctx) == nil {
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
	if r.late && len(r.result.Members) < len(members) {
		r.result.Partial = SomeFinal
	}
	if rival != nil {
		r.result.Rival = rival.trained
	}
	if len(r.all.Held) == 0 { // else it is told how the series go on
		r.result.Positions = metrics.NewPositions(r.rows.Labels, Spans(r.all.Train), len(r.rows.Classes))
	}
	return r.try(members, rival)
}

// meanOfKinds is the mean of what the kinds of network answer, each of which is the mean of its
// members'; nil if none has answered.
func (r *run) meanOfKinds(members []*task) *answers {
	var kinds []*answers
	for _, i := range r.result.Chosen {
		var of []*answers
		for _, t := range members {
			if t.job.Rung == i && t.answers != nil {
				of = append(of, t.answers)
			}
		}
		if len(of) > 0 {
			kinds = append(kinds, mean(r.rungs[i].Network.Loss, of...))
		}
	}
	return together(kinds...)
}

// finalTask trains a member of a rung on all rows.
func (r *run) finalTask(rung, member int) *task {
	return &task{job: Job{Rung: rung, Member: member}, fold: r.all, on: r.test, held: r.tested}
}
