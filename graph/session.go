package graph

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Session is a network with its weights, its optimizer's state and a series, ready to
// train. It has the methods of a [Predictor], and those of its only [Member], whose state
// includes the optimizer's variables. While one of its own methods runs, no other may be
// called.
type Session struct {
	*Predictor
	*Member
	handles   handles
	rows      int32 // of the series
	training  training
	evaluated evaluation
	shards    []*shard
	stopped   bool // planLimit is 0
}

// training is what a session feeds and fetches of the training loop.
type training struct {
	starts tf.Output // [K,B]
	rates  tf.Output // [K]
	loop   loop
}

// NewSession assembles the network of cfg and what trains it, and initialises the weights
// from cfg.Seed. Close it after use.
func NewSession(cfg Config) (*Session, error) { return newSession(nil, cfg) }

func newSession(at *Server, cfg Config) (*Session, error) {
	s := new(Session)
	p, err := start(at, cfg, 1, Config.stateVariables, cfg.inputVariables(), func(p *Predictor, scope *op.Scope, h handles) (err error) {
		w, err := p.cfg.workOf(p.in.graph, at)
		if err != nil {
			return err
		}
		s.handles, s.shards = h, p.addShards(scope, p.members[0], h)
		s.evaluated = p.cfg.addEvaluation(p.in.graph, scope.SubScope("evaluate"), h, at.tasks(), w)
		s.training, err = p.cfg.addTraining(p.in, scope.SubScope("train"), h, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Predictor, s.Member = p, p.members[0]
	return s, nil
}

// Config is what the session was made with, with the values that zeros stood for.
func (s *Session) Config() Config {
	return Config{s.cfg.Network.clone(), s.cfg.Training, s.cfg.Machine}
}

// GraphDef is the session's graph, as a serialized tensorflow.GraphDef.
func (s *Session) GraphDef() ([]byte, error) {
	var text bytes.Buffer
	if _, err := s.graph.WriteTo(&text); err != nil {
		return nil, fmt.Errorf("write the graph: %w", err)
	}
	return text.Bytes(), nil
}

// Step is the number of training steps that led to the state: those made, after those that
// a restored checkpoint has. Random numbers depend on it and on the seed alone.
func (s *Session) Step() (int64, error) {
	if err := s.known(); err != nil {
		return 0, err
	}
	got, err := s.run(nil, []tf.Output{s.vars[globalStep.name].value}, nil)
	if err != nil {
		return 0, fmt.Errorf("read the number of steps: %w", err)
	}
	return read[int64](got[0]), nil
}

// SetStep sets the number of training steps, which must be at least 0.
func (s *Session) SetStep(step int64) error {
	if step < 0 {
		return &ShapeError{globalStep.name, "a number of at least 0", fmt.Sprint(step)}
	}
	return s.change([]value{{globalStep.name, step, nil}})
}

func (c Config) addTraining(in *runner, s *op.Scope, h handles, w work) (training, error) {
	starts, windows := addWindows(s, h, in.at.tasks())
	t := training{starts: starts, rates: op.Placeholder(s.SubScope("rates"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1)))}
	var err error
	t.loop, err = c.addLoop(in.graph, s, in.at, w, h, c.planOf(s, h, windows, t.rates))
	return t, err
}

// stateVariables are the weights, then the optimizer's variables.
func (c Config) stateVariables() []variable {
	weights := c.network().weights()
	return append(weights, c.optimizerVariables(weights)...)
}

// Report is the loss and the gradient of each training step.
type Report struct {
	Losses []float32 // before each step's update
	Norms  []float32 // of each step's gradient, over all weights
}

// Train makes one training step for each row of the plan, in one call of TensorFlow.
// Results do not depend on how steps are divided into calls.
//
// When ctx ends, the loop stops after the current step: Train returns the report of the
// steps made and ctx's error. A loss or gradient that is not finite stops it too, with a
// *[DivergedError]; the state is then the one before that step.
//
// If TensorFlow fails in between, some of the steps have been made and the last one perhaps
// in part. From then on methods return [ErrUnknownState] until the state is restored or set.
func (s *Session) Train(ctx context.Context, p Plan) (Report, error) {
	if err := cmp.Or(s.known(), s.checkPlan(p)); err != nil || len(p.Starts) == 0 {
		return Report{}, err
	}
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	if s.stopped {
		if err := s.set(value{planLimit.name, int32(noLimit), nil}); err != nil {
			return Report{}, fmt.Errorf("lift the limit: %w", err)
		}
		s.stopped = false
	}
	stop := s.stopWhen(ctx)
	loop := s.training.loop
	got, err := s.run(s.feeds(p), []tf.Output{loop.report, loop.done, loop.total}, []*tf.Operation{loop.keep})
	stop()
	if err != nil {
		s.unknown = true
		return Report{}, fmt.Errorf("train: %w", err)
	}
	report, next := newReport(read[[][]float32](got[0]), int(read[int32](got[1])))
	if !finite(next.Loss) || !finite(next.Norm) {
		next.Step = read[int64](got[2])
		return report, &next
	}
	return report, ctx.Err()
}

func (s *Session) feeds(p Plan) []feed {
	steps := len(p.Starts)
	rates := p.Rates
	if rates == nil {
		rates = slices.Repeat([]float32{s.cfg.LearningRate}, steps)
	}
	return []feed{
		{s.training.starts, slices.Concat(p.Starts...), []int64{int64(steps), int64(len(p.Starts[0]))}},
		{s.training.rates, rates, []int64{int64(steps)}},
	}
}

// stopWhen sets the loop's limit to 0 when ctx ends. The function that it returns ends the
// watch; the limit does not change after that.
func (s *Session) stopWhen(ctx context.Context) func() {
	stopped := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = s.set(value{planLimit.name, int32(0), nil}) // if it fails, the loop runs to its end
	})
	return func() {
		if !cancel() {
			<-stopped
			s.stopped = true
		}
	}
}

// newReport divides a loop's report: into that of the steps done, and the line of the one
// after them, which is zeros if it was not tried.
func newReport(lines [][]float32, done int) (Report, DivergedError) {
	r := Report{make([]float32, done), make([]float32, done)}
	for i, line := range lines[:done] {
		r.Losses[i], r.Norms[i] = line[0], line[1]
	}
	if done == len(lines) {
		return r, DivergedError{}
	}
	return r, DivergedError{Loss: lines[done][0], Norm: lines[done][1]}
}

// Loss is the mean loss over the windows that begin at the given rows, without dropout and
// noise. It returns ctx's error if ctx has ended before.
func (s *Session) Loss(ctx context.Context, starts []int32) (float32, error) {
	got, err := s.overWindows(ctx, starts, s.evaluated.loss)
	if err != nil {
		return 0, err
	}
	return got[0][0], nil
}

// Gradients returns the gradient of [Session.Loss] with respect to each of the weights. The
// first call adds them to the graph.
func (s *Session) Gradients(ctx context.Context, starts []int32) ([]Variable, error) {
	if s.evaluated.grads == nil {
		scope := op.NewScopeWithGraph(s.graph).SubScope("gradients")
		if err := s.evaluated.addGradients(s.cfg, scope, s.handles); err != nil {
			return nil, err
		}
	}
	outputs := make([]tf.Output, len(s.evaluated.grads))
	for i, g := range s.evaluated.grads {
		outputs[i] = g.value
	}
	got, err := s.overWindows(ctx, starts, outputs...)
	if err != nil {
		return nil, err
	}
	grads := make([]Variable, len(got))
	for i, g := range s.evaluated.grads {
		grads[i] = Variable{g.of.name, dims(g.of.shape), got[i]}
	}
	return grads, nil
}

func (s *Session) overWindows(ctx context.Context, starts []int32, what ...tf.Output) ([][]float32, error) {
	if err := cmp.Or(ctx.Err(), s.known(), s.checkStarts(starts)); err != nil {
		return nil, err
	}
	got, err := s.fetch([]feed{{s.evaluated.starts, starts, []int64{1, int64(len(starts))}}}, what...)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return got, nil
}
