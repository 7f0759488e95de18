package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Session is a network with its weights, its optimizer's state and a series, ready to
// train. It predicts too: see [Predictor], whose variables are the whole state here,
// what a predictor has and then the optimizer's own. While one of its own methods runs no
// other may be called.
type Session struct {
	*Predictor
	ends      []int32 // the row behind each series; none before SetSeries
	training  training
	evaluated evaluation
}

// training is where a session feeds and fetches the training loop.
type training struct {
	windows tf.Output // [K,B,3]
	rates   tf.Output // [K]
	loop    loop
}

// NewSession assembles the network of cfg and what trains it, and initialises the
// weights from cfg.Seed. Close it after use.
func NewSession(cfg Config) (*Session, error) {
	s := new(Session)
	p, err := start(cfg, 1, Config.stateVariables, cfg.inputVariables(), func(g *tf.Graph, scope *op.Scope, h handles) (err error) {
		s.evaluated = cfg.addEvaluation(g, scope.SubScope("evaluate"), h)
		s.training, err = cfg.addTraining(g, scope.SubScope("train"), h)
		return err
	})
	s.Predictor = p
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c Config) addTraining(g *tf.Graph, s *op.Scope, h handles) (training, error) {
	t := training{
		windows: op.Placeholder(s.SubScope("windows"), tf.Int32, op.PlaceholderShape(windowsShape)),
		rates:   op.Placeholder(s.SubScope("rates"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1))),
	}
	var err error
	t.loop, err = c.addLoop(g, s, h, c.planOf(s, h, t.windows, t.rates))
	return t, err
}

// stateVariables are a predictor's, then the optimizer's own.
func (c Config) stateVariables() []variable {
	return append(c.predictorVariables(), c.optimizerVariables(c.network().weights())...)
}

// Report is what training steps tell of themselves.
type Report struct {
	Losses []float32 // before the update of each step
	Norms  []float32 // of each step's gradient, over all weights
}

// Train makes one training step for each row of the plan, in one call of the runtime.
// How steps are divided into calls changes nothing in the results.
//
// When ctx ends, the loop stops after the step it is at: Train returns the
// report of the steps done and ctx's error. A loss or gradient that is not
// finite stops it too, with a *[DivergedError]; that step changes no weight.
func (s *Session) Train(ctx context.Context, p Plan) (Report, error) {
	if err := s.checkPlan(p); err != nil || len(p.Starts) == 0 {
		return Report{}, err
	}
	if err := s.set(value{planFirst.name, p.First, nil}, value{planLimit.name, int32(len(p.Starts)), nil}); err != nil {
		return Report{}, fmt.Errorf("set the plan: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	stop := s.stopWhen(ctx)
	loop := s.training.loop
	got, err := s.in.run(s.feeds(p), []tf.Output{loop.stopped, loop.report}, []*tf.Operation{loop.keep})
	stop()
	if err != nil {
		return Report{}, fmt.Errorf("train: %w", err)
	}
	report := newReport(valueOf(got[1]).([][]float32))
	done := int(valueOf(got[0]).(int32))
	if done == diverged {
		return report.untilNotFinite(p.First)
	}
	report.Losses, report.Norms = report.Losses[:done], report.Norms[:done]
	return report, ctx.Err()
}

func (s *Session) feeds(p Plan) []feed {
	steps := len(p.Starts)
	rates := p.Rates
	if rates == nil {
		rates = slices.Repeat([]float32{s.cfg.LearningRate}, steps)
	}
	return []feed{
		{s.training.windows, s.windows(slices.Concat(p.Starts...)), []int64{int64(steps), int64(len(p.Starts[0])), 3}},
		{s.training.rates, rates, []int64{int64(steps)}},
	}
}

// stopWhen lowers the loop's limit to 0 when ctx ends. The function it returns
// ends the watch; the limit is not touched after that.
func (s *Session) stopWhen(ctx context.Context) func() {
	stopped := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = s.set(value{planLimit.name, int32(0), nil}) // failing, it leaves the loop to its end
	})
	return func() {
		if !cancel() {
			<-stopped
		}
	}
}

func newReport(lines [][]float32) Report {
	r := Report{make([]float32, len(lines)), make([]float32, len(lines))}
	for i, line := range lines {
		r.Losses[i], r.Norms[i] = line[0], line[1]
	}
	return r
}

// untilNotFinite cuts the report before its first step that is not finite. The
// report's first step is the run's step first.
func (r Report) untilNotFinite(first int64) (Report, error) {
	for i, loss := range r.Losses {
		if norm := r.Norms[i]; !finite(loss) || !finite(norm) {
			return Report{r.Losses[:i], r.Norms[:i]}, &DivergedError{Step: first + int64(i), Loss: loss, Norm: norm}
		}
	}
	return r, errors.New("train: the loop stopped without a step that is not finite")
}

// Loss is the mean loss over the windows that begin at the given rows, without dropout
// and noise.
func (s *Session) Loss(starts []int32) (float32, error) {
	got, err := s.overWindows(starts, s.evaluated.loss)
	if err != nil {
		return 0, err
	}
	return got[0][0], nil
}

// Gradients are those of the mean loss over the windows that begin at the given rows,
// with respect to each of the weights, without dropout and noise.
func (s *Session) Gradients(starts []int32) ([]Variable, error) {
	outputs := make([]tf.Output, len(s.evaluated.grads))
	for i, g := range s.evaluated.grads {
		outputs[i] = g.value
	}
	got, err := s.overWindows(starts, outputs...)
	if err != nil {
		return nil, err
	}
	grads := make([]Variable, len(got))
	for i, g := range s.evaluated.grads {
		grads[i] = Variable{g.of.name, dims(g.of.shape), got[i]}
	}
	return grads, nil
}

func (s *Session) overWindows(starts []int32, what ...tf.Output) ([][]float32, error) {
	if err := s.checkStarts(starts); err != nil {
		return nil, err
	}
	got, err := s.in.fetch([]feed{{s.evaluated.windows, s.windows(starts), []int64{1, int64(len(starts)), 3}}}, what...)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return got, nil
}
