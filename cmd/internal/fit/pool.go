package fit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// task is a job with the rows it trains on, and what becomes of it.
type task struct {
	job  Job
	fold layout.Fold
	on   *rows          // whose rows it answers
	held []series.Range // these

	inputs  inputs.Inputs // what the network gets of a row
	digest  string        // of the result
	loaded  bool          // from the store
	epochs  int           // that there are to be
	ended   position      // of the training
	kept    *record       // how far the job had come, from the store; nil: it begins
	unkept  error         // why the store does not have it
	trained *Trained
	answers *answers
	err     error // why the network cannot be trained, which ends neither the others nor the run

	work   float64       // floating-point operations, about
	at     *graph.Server // where it is done; nil: here
	began  *JobBegan     // told
	events int           // of this task so far
	course *course
}

// course is what has been told of a task, which may be done several times, and even at a time.
// What it has to tell is the same each time.
type course struct {
	mu   sync.Mutex
	told int   // events
	by   *task // that told the last one
	done bool  // one has come to its end
}

// over reports whether the task has come to its end.
func (c *course) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// again is the task to be done at a server.
func (t *task) again(at *graph.Server) *task {
	return &task{job: t.job, fold: t.fold, on: t.on, held: t.held, at: at, course: t.course}
}

// turn waits until no other task trains where this one does; the function that it returns ends that.
func (t *task) turn() func() {
	if t.at == nil || t.at.Turn == nil {
		return func() {}
	}
	t.at.Turn.Lock()
	return t.at.Turn.Unlock
}

// tellOf tells an event of a task, unless it has been told. Observers know the session of the
// task that tells them something.
func (r *run) tellOf(ctx context.Context, t *task, e Event) error {
	c := t.course
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.events++; t.events <= c.told || c.done {
		return nil
	}
	c.told = t.events
	if c.by != t && c.by != nil && t.began != nil {
		if err := r.tell(ctx, *t.began); err != nil {
			return err
		}
	}
	c.by = t
	return r.tell(ctx, e)
}

// pool does tasks side by side.
func (r *run) pool(ctx context.Context, stage StageName, tasks []*task) error {
	steps := map[Job]int{}
	for _, t := range tasks {
		windows, _, _, err := r.lay(t.job, t.fold)
		if err != nil && !errors.Is(err, errNothing) {
			return err
		}
		if err == nil {
			recipe := r.rungs[t.job.Rung].Recipe
			n := recipe.epochs(windows.Steps()) * windows.Steps()
			t.work = float64(n) * r.config(recipe, t.job).StepWork(recipe.Batch)
			steps[t.job] = n
		}
	}
	if err := r.tell(ctx, Stage{stage, steps}); err != nil {
		return err
	}
	if !r.local() && r.spec.TimeLimit == 0 { // the longest first, so that none of many workers is late in the end
		tasks = slices.SortedStableFunc(slices.Values(tasks), func(a, b *task) int { return cmp.Compare(b.work, a.work) })
	}
	var jobs []Job
	for _, t := range tasks {
		t.course = new(course)
		jobs = append(jobs, t.job)
	}
	within, cancel := r.until(ctx, shares[stage])
	defer cancel()
	err := r.means.Runner.Run(within, jobs, func(ctx context.Context, i int, at *graph.Server) error {
		return r.do(ctx, tasks[i], at)
	})
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

// do does one of several tasks, at a server or here. Where the server fails it changes nothing.
func (r *run) do(ctx context.Context, of *task, at *graph.Server) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t := of.again(at)
	err := r.job(ctx, t)
	failed, told := new(graph.ServerError), new(observerError)
	if ctx.Err() == nil && errors.As(err, &failed) {
		return err
	}
	of.course.mu.Lock()
	defer of.course.mu.Unlock()
	if of.course.done {
		return nil
	}
	if err == nil {
		of.inputs, of.digest, of.loaded, of.unkept, of.trained, of.answers = t.inputs, t.digest, t.loaded, t.unkept, t.trained, t.answers
		of.course.done = true
		return r.ended(ctx, of)
	}
	if t.trained != nil {
		r.mu.Lock()
		r.unfinished = append(r.unfinished, t.trained)
		r.mu.Unlock()
	}
	if ctx.Err() != nil || errors.As(err, &told) {
		return err
	}
	of.err, of.course.done = err, true
	return nil
}

// ended reports that a task is done.
func (r *run) ended(ctx context.Context, t *task) error {
	digest := t.digest
	if t.unkept != nil {
		digest = ""
	}
	return r.tell(ctx, JobEnded{t.job, r.rungs[t.job.Rung].Name(), digest, t.loaded, len(t.trained.History), t.trained.Steps, t.trained.Seconds})
}
