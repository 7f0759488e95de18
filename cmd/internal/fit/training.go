package fit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
)

// training is a task's in a session.
type training struct {
	*run
	*Trained
	task    *task
	session *graph.Session
	weights []float32 // of the classes
	loop    loop
	best    keeper
	begin   time.Time
	before  float64 // seconds that it took until it was interrupted
	storing *storing
}

// train trains a session's network.
func (r *run) train(ctx context.Context, s *graph.Session, of *task, windows layout.Sampler, weights []float32) (*Trained, error) {
	recipe := r.rungs[of.job.Rung].Recipe
	t := &training{
		run: r, task: of, session: s, weights: weights, best: keeper{session: s}, begin: time.Now(), storing: newStoring(r.means.Checkpoint),
		Trained: &Trained{Job: of.job, Config: s.Config(), Inputs: of.inputs, Horizon: recipe.horizon(r.spec)},
		loop:    loop{Session: s, Windows: windows, Epochs: of.epochs, First: recipe.First, LogEvery: recipe.LogEvery, Every: r.means.Checkpoint.Steps},
	}
	t.loop.EndEpoch = t.endEpoch
	if schedule := recipe.Rates(of.epochs, windows.Steps()); schedule.Decay != Constant || schedule.Warmup > 0 {
		t.loop.Rate = schedule.At
	}
	if recipe.LogEvery > 0 {
		t.loop.Log = func(line Line) error { return r.tellOf(ctx, of, Iterated{of.job, line}) }
	}
	t.loop.Progress = func(first int, p graph.Plan, made graph.Report) {
		_ = r.tellOf(ctx, of, Progress{of.job, len(made.Losses), first, p, made})
	}
	t.loop.EndCall = func(epoch bool) error {
		if !t.storing.due(t.made(), epoch) {
			return nil
		}
		return t.storing.do(func() error { return t.store(ctx) })
	}
	if of.kept != nil {
		if err := t.resume(ctx, of.kept); err != nil {
			return nil, err
		}
	}
	return t.do(ctx)
}

// resume goes on from what the store has.
func (t *training) resume(ctx context.Context, k *record) error {
	t.loop.At, t.before = k.At, k.Seconds
	t.History, t.Best, t.Steps = k.History, k.Best, k.Steps
	if err := t.session.SetVariables(k.State); err != nil {
		return err
	}
	if err := t.session.SetStep(int64(t.made())); err != nil {
		return err
	}
	if k.Best > 0 {
		at := slices.IndexFunc(k.History, func(e EpochEnded) bool { return e.Epoch.Epoch == k.Best })
		t.best.epoch, t.best.best, t.best.state = k.Best, k.History[at].Validated, k.best
	}
	t.task.events = max(t.task.events, k.Events-1)
	return t.tellOf(ctx, t.task, Progress{Job: t.Job, Steps: t.made()})
}

// made is the number of training steps made.
func (t *training) made() int { return t.loop.At.Epoch*t.loop.Windows.Steps() + t.loop.At.Iteration }

// store has the store keep how far it has come.
func (t *training) store(ctx context.Context) error {
	t.Best, t.Seconds = t.best.epoch, t.before+time.Since(t.begin).Seconds()
	return t.save(ctx, t.task, t.session, record{Trained: t.Trained, Epochs: t.task.epochs, At: t.loop.At, Events: t.task.events, best: t.best.state}, t.made())
}

// endEpoch judges the network by the validation data, if there are any, and reports the epoch.
func (t *training) endEpoch(ctx context.Context, e Epoch) (more bool, err error) {
	ended := EpochEnded{Job: t.Job, Epoch: e, Beside: t.Job.Fold == 0 && t.Job.Rung != t.result.Chosen[0]}
	more = true
	if t.validation != nil {
		if ended.Validated, err = t.validate(ctx, t.session, t.task, t.weights); err != nil {
			return false, err
		}
		if err := t.best.offer(e.Epoch, ended.Validated); err != nil {
			return false, err
		}
		more = t.spec.EarlyStopping == 0 || e.Epoch-t.best.epoch < t.spec.EarlyStopping
	}
	ended.Last = !more || e.Steps == t.task.epochs*t.loop.Windows.Steps()
	t.History, t.Steps = append(t.History, ended), e.Steps
	return more, t.tellOf(ctx, t.task, ended)
}

// do trains until the end. What is interrupted is stored as it is.
func (t *training) do(ctx context.Context) (*Trained, error) {
	err := t.loop.Do(ctx)
	t.task.ended, t.Best, t.Seconds = t.loop.At, t.best.epoch, t.before+time.Since(t.begin).Seconds()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.As(err, new(*observerError)) {
		err = cmp.Or(t.store(context.WithoutCancel(ctx)), err)
	}
	// Without an epoch the state is worth nothing, and copying a large one takes its time.
	if t.State = t.best.state; t.State == nil && len(t.History) > 0 {
		var unread error
		t.State, unread = t.session.Variables()
		err = cmp.Or(err, unread)
	}
	if err != nil {
		return t.worth(), err
	}
	if t.best.state != nil {
		err = t.session.SetVariables(t.best.state)
	}
	return t.Trained, err
}

// worth is t if it has made an epoch and its weights are known, and numbers, else nil.
func (t *Trained) worth() *Trained {
	if len(t.History) == 0 || len(t.State) == 0 {
		return nil
	}
	for _, v := range t.State {
		if slices.ContainsFunc(v.Value, func(x float32) bool { return x-x != 0 }) {
			return nil
		}
	}
	return t
}
