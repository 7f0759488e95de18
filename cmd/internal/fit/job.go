package fit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// Trained is a network with its weights.
type Trained struct {
	Job     Job              `json:"job"`
	Config  graph.Config     `json:"-"`
	Inputs  inputs.Inputs    `json:"inputs"`
	Horizon int              `json:"horizon"` // rows ahead of a row is the label that the network gives there
	State   []graph.Variable `json:"-"`       // all of it, the optimizer's too
	History []EpochEnded     `json:"history"`
	Best    int              `json:"best"` // epoch, from 1, that State is from; 0: the last
	Steps   int              `json:"steps"`
	Seconds float64          `json:"seconds"`
}

// errNothing is returned where no window has anything to learn.
var errNothing = errors.New("no training row has a label to learn")

// job trains one network, and has it answer rows that are held back, unless the store has the
// result. What it has trained is worth something even with an error, unless it is nil.
func (r *run) job(ctx context.Context, t *task) error {
	windows, set, weights, err := r.lay(t.job, t.fold)
	if err != nil {
		return err
	}
	if t.digest, err = r.digest(t, weights); err != nil {
		return err
	}
	t.epochs = r.rungs[t.job.Rung].epochs(windows.Steps())
	if t.loaded, err = r.load(ctx, t); err != nil {
		return err
	}
	if t.loaded {
		return r.tellOf(ctx, t, Progress{Job: t.job, Steps: t.trained.Steps})
	}
	s, err := r.session(t, set)
	if err != nil {
		return err
	}
	defer s.Close()
	t.began = &JobBegan{t.job, r.rungs[t.job.Rung].Recipe, windows.Steps(), s}
	if err := r.tellOf(ctx, t, *t.began); err != nil {
		return err
	}
	done := t.turn()
	t.trained, err = r.train(ctx, s, t, windows, weights)
	done()
	r.locate(err, set, r.parts(t.job, t.fold))
	if err == nil && t.on != nil {
		t.answers, err = t.on.answer(ctx, r.kindOf(t, s), r.spec.target(), t.held)
	}
	if err == nil {
		err = r.save(ctx, t, s, record{Trained: t.trained, Epochs: t.epochs, At: t.ended, Ended: true, Answers: t.answers}, Done)
	}
	return err
}

// locate adds to an error of training on a set of parts of the rows which rows these were.
func (r *run) locate(err error, set *layout.Set, parts []series.Range) {
	var e *Error
	if !errors.As(err, &e) || len(e.starts) == 0 {
		return
	}
	first := int(e.starts[0])
	part := slices.IndexFunc(set.Parts, func(p series.Range) bool { return first < p.End })
	row := parts[part].Start + first - set.Parts[part].Start
	of := r.rows.Series[slices.IndexFunc(r.rows.Series, func(s series.Range) bool { return row < s.End })]
	e.Rows = fmt.Sprintf("%d windows, the first from row %d of series %q", len(e.starts), row-of.Start+of.First, of.Name)
}

// kindOf is the network of a task, in a session.
func (r *run) kindOf(t *task, s *graph.Session) label.Kind {
	return label.Kind{Networks: s.Predictor, Inputs: t.inputs, Horizon: r.rungs[t.job.Rung].horizon(r.spec)}
}

// session starts one that has a task's rows, by which what the network gets is scaled.
func (r *run) session(t *task, set *layout.Set) (*graph.Session, error) {
	recipe := r.rungs[t.job.Rung].Recipe
	s, err := tflib.NewSession(t.at, r.config(recipe, t.job))
	if err != nil {
		return nil, err
	}
	t.inputs = r.inputs(recipe)
	x, columns := r.rowsOf(t.job).inputs(t.inputs), r.columns(recipe)
	t.inputs.Scale = r.scaleOf(t, x, columns)
	set.Gather(x, columns)
	if t.inputs.Scale != nil {
		t.inputs.Scale.Apply(set.X)
	}
	err = s.SetSeries(set.Series)
	set.X = nil // the session has its own
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// scaleOf is the scale of x for a task, which is that of other members on the same rows.
func (r *run) scaleOf(t *task, x []float32, columns int) *inputs.Scale {
	of := t.job
	of.Member = 0
	fit, _ := r.scales.LoadOrStore(of, sync.OnceValue(func() *inputs.Scale { return r.scale(t.inputs, x, columns, r.parts(t.job, t.fold)) }))
	return fit.(func() *inputs.Scale)()
}

// scale fits a scale to the parts of x [N,F']. Features that are scaled within their series are
// scaled already, unless they are rolled.
func (r *run) scale(in inputs.Inputs, x []float32, columns int, parts []series.Range) *inputs.Scale {
	if r.spec.Scale == layout.NoScale {
		return nil
	}
	if len(in.Rolling) > 0 && r.spec.Scale == layout.Standard {
		return layout.FitRobust(x, columns, parts)
	}
	s := layout.FitScale(r.spec.Scale, x, columns, parts)
	if len(in.Rolling) == 0 {
		for k := len(r.rows.Features); k < columns; k++ {
			s.Offset[k], s.Divisor[k] = 0, 1
		}
	}
	return s
}

// rowsOf are the rows as a job sees them.
func (r *run) rowsOf(j Job) *rows {
	if j.Fold == 0 {
		return r.rows
	}
	return r.filled[j.Fold-1]
}

// parts are those of the rows that a job trains on.
func (r *run) parts(j Job, f layout.Fold) []series.Range {
	return f.Gap(r.rungs[j.Rung].reach(r.spec))
}

// lay lays out what a job trains on.
func (r *run) lay(j Job, f layout.Fold) (layout.Sampler, *layout.Set, []float32, error) {
	recipe := r.rungs[j.Rung].Recipe
	parts := r.parts(j, f)
	count := layout.Count(r.rows.Labels, parts, len(r.rows.Classes))
	if slices.Max(count) == 0 {
		return nil, nil, nil, errNothing
	}
	weights, err := r.weigh(count)
	if err != nil {
		return nil, nil, nil, err
	}
	set, err := layout.Build(r.rows.Labels, parts, recipe.horizon(r.spec), weights)
	if err != nil {
		return nil, nil, nil, err
	}
	windows := recipe.sampler(set, seedOf(r.spec.Seed, j))
	if windows.Steps() == 0 {
		return nil, nil, nil, errNothing
	}
	return windows, set, weights, nil
}

// weigh is what the classes weigh, by how many rows of each train.
func (r *run) weigh(count []int) ([]float32, error) {
	w, err := layout.ParseClassWeight(string(r.spec.ClassWeight))
	if err != nil {
		return nil, err
	}
	return w.Weights(r.rows.Classes, count)
}

// sampler says where the windows of a set begin.
func (r *Recipe) sampler(set *layout.Set, seed int64) layout.Sampler {
	switch {
	case r.Windows != nil:
		return r.Windows
	case r.Stride > 0:
		return layout.NewGrid(set, r.Network.Window, r.Stride, r.Batch, seed)
	}
	return layout.NewScatter(set, r.Network.Window, r.Batch, seed)
}

// config is the network of a job.
func (r *run) config(recipe *Recipe, j Job) graph.Config {
	c := recipe.config(r.spec, r.columns(recipe), len(r.rows.Classes))
	c.Seed = seedOf(r.spec.Seed, j)
	c.Threads = r.threads(c, recipe.Batch)
	return c
}

// local reports whether this process trains.
func (r *run) local() bool { _, local := r.means.Runner.(sideBySide); return local }

// several reports whether several networks are trained.
func (r *run) several() bool { return len(r.folds) > 0 || r.spec.Members > 1 }

// threads is one where several networks are trained, or servers train them, so that how many of them
// are trained side by side changes nothing.
func (r *run) threads(c graph.Config, batch int) int {
	switch {
	case r.several() || !r.local():
		return 1
	case r.spec.Threads > 0:
		return r.spec.Threads
	}
	return c.SuggestThreads(batch, r.workers)
}

// seedOf is the seed of a job: for the first member on all rows that of the run, as the
// original's programs have it; for others a mix of the run's, the fold and the member, so that
// runs of different seeds have no network in common.
func seedOf(seed int64, j Job) int64 {
	if j.Fold == 0 && j.Member == 0 {
		return seed
	}
	return int64(splitMix(splitMix(splitMix(uint64(seed))+uint64(j.Fold)) + uint64(j.Member)))
}

// splitMix is a step of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number
// Generators, 2014): bits that differ in one place come out different in half of all.
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
