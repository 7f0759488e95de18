package fit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/scale"
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

// prepare decides which rows train and which networks are compared.
func (r *run) prepare(ctx context.Context, d Data) error {
	s := r.spec
	r.all = layout.Fold{Train: d.Train.Series}
	if s.TestFraction > 0 {
		r.all = layout.Tail(d.Train, s.TestFraction)
	}
	profile, err := layout.Describe(d.Train, r.all.Train)
	if err != nil {
		return err
	}
	within := s.within(len(layout.Groups(r.all.Train)))
	r.result.Profile, r.result.Rows, r.result.Within = profile, layout.Rows(r.all.Train), within
	r.rows = &rows{Data: d.Train, fill: profile.Mean, within: within}
	r.rows.x = r.rows.inputs()
	if d.Validation != nil {
		r.validation = &rows{Data: d.Validation, fill: profile.Mean, within: within}
	}
	switch {
	case d.Test != nil:
		r.test, r.tested = &rows{Data: d.Test, fill: profile.Mean, within: within}, d.Test.Series
		if err := r.seenBefore(ctx); err != nil {
			return err
		}
	case len(r.all.Held) > 0:
		r.test, r.tested = r.rows, r.all.Held
	}
	if r.test != nil && r.test.scored(r.tested, s.target()) == 0 {
		return errors.New("no test row has both a label and an answer, so there is nothing to test")
	}
	if err := r.fold(ctx); err != nil {
		return err
	}
	for _, f := range r.folds {
		r.filled = append(r.filled, r.rows.filledFrom(f.Train))
	}
	r.digestRows()
	if err := r.climb(ctx); err != nil {
		return err
	}
	return r.plan(ctx)
}

// within is how features are scaled within series of so many groups that train.
func (s *Spec) within(groups int) scale.Within {
	switch {
	case s.SeriesScale == SeriesScaleNone || groups < 3:
		return scale.None
	case s.Lookahead.Finite() || s.Split == layout.SplitForward:
		return scale.Running
	}
	return scale.Whole
}

// fold divides the rows that train.
func (r *run) fold(ctx context.Context) error {
	count := layout.Count(r.rows.Labels, r.all.Train, len(r.rows.Classes))
	if class := only(count); class >= 0 {
		if err := r.tell(ctx, Noticed{Kind: OneClass, Class: r.rows.Classes[class]}); err != nil {
			return err
		}
	}
	if r.spec.Folds == 0 {
		return nil
	}
	if alone := r.ofOneGroup(); len(alone) > 0 {
		if err := r.tell(ctx, Noticed{Kind: OneGroup, Class: series.List(alone)}); err != nil {
			return err
		}
	}
	var err error
	r.split = r.spec.Split.Resolve(r.rows.Group != "", len(layout.Groups(r.all.Train)), r.spec.Folds)
	r.folds, err = layout.Folds(r.split, r.rows.Data, r.all.Train, r.spec.Folds)
	switch n := len(r.folds); {
	case err != nil:
		return r.tell(ctx, Noticed{Kind: NotJudged, Err: err})
	case n < r.spec.Folds:
		err = r.tell(ctx, Noticed{Kind: FewerFolds, Number: n})
	}
	n := len(r.folds)
	r.folds = slices.DeleteFunc(r.folds, func(f layout.Fold) bool { return r.rows.scored(f.Held, r.spec.target()) == 0 })
	if left := n - len(r.folds); err == nil && left > 0 {
		err = r.tell(ctx, Noticed{Kind: EmptyFolds, Number: left})
	}
	if err == nil && r.split == layout.SplitForward && r.rows.Time == nil && len(r.all.Train) > 1 {
		err = r.tell(ctx, Noticed{Kind: NoClock})
	}
	return err
}

// ofOneGroup are the classes that occur in one of several groups only.
func (r *run) ofOneGroup() []string {
	groups, C := layout.Groups(r.all.Train), len(r.rows.Classes)
	in := make([]int, C)
	for _, g := range groups {
		for c, n := range layout.Count(r.rows.Labels, g, C) {
			in[c] += min(n, 1)
		}
	}
	var alone []string
	for c, n := range in {
		if n == 1 && len(groups) > 1 {
			alone = append(alone, r.rows.Classes[c])
		}
	}
	return alone
}

// only is the class of all rows, -1 if there are several.
func only(count []int) int {
	class := -1
	for c, n := range count {
		switch {
		case n == 0:
		case class >= 0:
			return -1
		default:
			class = c
		}
	}
	return class
}

// climb lists the rungs. Where no answers are compared it is one.
func (r *run) climb(ctx context.Context) error {
	s := r.spec
	recipes, err := s.Recipes()
	if err != nil {
		return err
	}
	for i := range recipes {
		r.rungs = append(r.rungs, r.rung(&recipes[i], true))
	}
	if simple(r.rungs) < 0 {
		return r.rungs[0].Err
	}
	compared := len(r.folds) > 0
	if !compared {
		r.rungs = r.rungs[simple(r.rungs):][:1]
	}
	if (compared || r.test != nil) && !slices.ContainsFunc(r.rungs, func(g *Rung) bool { return g.isRival() }) {
		rival := lagged(s.Lookahead)
		r.rungs = slices.Insert(r.rungs, 0, r.rung(&rival, false))
	}
	r.result.Rungs = r.rungs
	r.result.Chosen = simple(r.rungs) // until they are compared
	if m, local := r.means.Runner.(sideBySide); local && r.means.Memory > 0 {
		most := 1.0
		for _, g := range r.rungs {
			if g.Err == nil {
				most = max(most, r.memory(g.Recipe))
			}
		}
		r.means.Runner = sideBySide(max(1, min(float64(m), r.means.Memory/most)))
	}
	for _, g := range r.rungs {
		if err := r.leftOut(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// rung is one of the networks that are compared.
func (r *run) rung(recipe *Recipe, candidate bool) *Rung {
	return &Rung{Recipe: recipe, Candidate: candidate, Threshold: r.spec.Threshold.At, Err: r.possible(recipe)}
}

// possible finds what keeps the network of a recipe from being made for these rows.
func (r *run) possible(recipe *Recipe) error {
	n := len(r.rows.Classes)
	if recipe.Network.Loss == graph.MSE && n > 2 && recipe.Windows == nil {
		return wrong("Loss", "%s is for two classes, not %d", graph.MSE, n)
	}
	err := r.config(recipe, Job{}).Validate()
	var of *graph.ConfigError
	if errors.As(err, &of) && of.Field == "Lags" && r.spec.Recipe.Lags == nil && r.spec.Rungs == nil { // which nobody has set
		return fmt.Errorf("%d lags of %d features are too many inputs", len(recipe.Network.Lags), r.rows.columns())
	}
	if err != nil {
		return err
	}
	if needs := r.memory(recipe); r.means.Memory > 0 && needs > r.means.Memory {
		return &MemoryError{needs, r.means.Memory}
	}
	return nil
}

// memory is about what training the network of a recipe takes.
func (r *run) memory(recipe *Recipe) float64 {
	return r.config(recipe, Job{}).TrainingMemory(recipe.Batch, layout.Rows(r.all.Train))
}

// leftOut tells of a rung that cannot be made or trained.
func (r *run) leftOut(ctx context.Context, g *Rung) error {
	if g.Err == nil {
		return nil
	}
	return r.tell(ctx, Noticed{Kind: RungFailed, Rung: g.Name(), Err: g.Err})
}

// plan tells what is going to be done.
func (r *run) plan(ctx context.Context) error {
	p := Planned{
		Rows: layout.Rows(r.all.Train), Count: layout.Count(r.rows.Labels, r.all.Train, len(r.rows.Classes)),
		Split: r.split, Group: r.rows.Group, Folds: r.folds, Test: layout.Rows(r.tested), Within: r.result.Within,
	}
	for i, rung := range r.rungs {
		if rung.Err != nil {
			continue
		}
		windows, _, _, err := r.lay(Job{Rung: i}, r.all)
		if err != nil {
			return err
		}
		plan := Plan{
			Recipe: rung.Recipe, Candidate: rung.Candidate, Config: r.config(rung.Recipe, Job{Rung: i}),
			Epochs: rung.epochs(windows.Steps()), Steps: windows.Steps(), Memory: r.memory(rung.Recipe),
		}
		if r.preview {
			if plan.Seconds, err = r.estimate(ctx, i, plan.Epochs*plan.Steps); err != nil {
				return err
			}
		}
		p.Rungs = append(p.Rungs, plan)
		const few = 100
		if n := plan.Epochs * plan.Steps; n < few && rung.Windows == nil {
			if err := r.tell(ctx, Noticed{Kind: FewUpdates, Rung: rung.Name(), Number: n}); err != nil {
				return err
			}
		}
	}
	p.Seconds = r.seconds(p.Rungs)
	return r.tell(ctx, p)
}

// task is a job with the rows it trains on, and what becomes of it.
type task struct {
	job  Job
	fold layout.Fold
	on   *rows          // whose rows it answers
	held []series.Range // these

	digest  string // of the result
	loaded  bool   // from the store
	unkept  error  // why it is not there
	trained *Trained
	answers *answers
	err     error // why the network cannot be trained, which ends neither the others nor the run
}

// pool does tasks side by side.
func (r *run) pool(ctx context.Context, stage StageName, tasks []*task) error {
	steps := 0
	for _, t := range tasks {
		windows, _, _, err := r.lay(t.job, t.fold)
		if err != nil && !errors.Is(err, errNothing) {
			return err
		}
		if err == nil {
			steps += r.rungs[t.job.Rung].epochs(windows.Steps()) * windows.Steps()
		}
	}
	if err := r.tell(ctx, Stage{stage, len(tasks), steps}); err != nil {
		return err
	}
	var jobs []Job
	for _, t := range tasks {
		jobs = append(jobs, t.job)
	}
	within, cancel := r.until(ctx, shares[stage])
	defer cancel()
	err := r.means.Runner.Run(within, jobs, func(ctx context.Context, i int) error { return r.do(ctx, tasks[i]) })
	if errors.Is(context.Cause(within), errTimeUp) && ctx.Err() == nil && !errors.As(err, new(*observerError)) {
		r.late = true
		left := 0
		for _, t := range tasks {
			if t.trained == nil && t.err == nil {
				left++
			}
		}
		return r.tell(ctx, Noticed{Kind: TimeUp, Stage: stage, Number: left})
	}
	return err
}

// errTimeUp is the cause of a stage's end at its share of the time limit.
var errTimeUp = errors.New("the time limit is over")

// shares are the parts of the time limit at which the stages end, so that each has some.
var shares = map[StageName]float64{Compare: 0.5, JudgeIt: 0.6, Final: 1}

// until is ctx, but that it ends with errTimeUp when a share of the time limit is over.
func (r *run) until(ctx context.Context, share float64) (context.Context, func()) {
	if r.spec.TimeLimit == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(time.Until(r.begin.Add(time.Duration(share*float64(r.spec.TimeLimit)))), func() { cancel(errTimeUp) })
	return ctx, func() { timer.Stop(); cancel(nil) }
}

// do does one of several tasks.
func (r *run) do(ctx context.Context, t *task) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := r.job(ctx, t)
	if err == nil {
		return r.ended(ctx, t)
	}
	if t.trained != nil {
		r.mu.Lock()
		r.unfinished = append(r.unfinished, t.trained)
		r.mu.Unlock()
		t.trained = nil
	}
	var told *observerError
	if ctx.Err() != nil || errors.As(err, &told) {
		return err
	}
	t.err = err
	return nil
}

// ended tells that a task has come to its end.
func (r *run) ended(ctx context.Context, t *task) error {
	name := r.rungs[t.job.Rung].Name()
	if t.unkept != nil {
		if err := r.tell(ctx, Noticed{Kind: NotKept, Rung: name, Err: t.unkept}); err != nil {
			return err
		}
	}
	return r.tell(ctx, JobEnded{t.job, name, t.digest, t.loaded, len(t.trained.History), t.trained.Steps, t.trained.Seconds})
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

// simple is the rung to take where none can be judged: the first candidate that is recurrent,
// if one is; -1 if there is none at all.
func simple(rungs []*Rung) int {
	first := -1
	for i, g := range rungs {
		switch {
		case !g.Candidate || g.Err != nil && !errors.Is(g.Err, errNothing):
		case !g.isLogistic():
			return i
		case first < 0:
			first = i
		}
	}
	return first
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

// memberLeftOut tells of a member that cannot be trained.
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
		if g.Folds = nil; g.Candidate && g.racing() {
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
		if i != r.result.Chosen && g.Candidate && g.racing() && (len(g.Folds) == 0 || r.result.Partial == Unfinished) {
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
