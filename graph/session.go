package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	tf "github.com/wamuir/graft/tensorflow"
	configpb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// LibraryVersion is the minor version of libtensorflow that this package is
// built for. Operations change between minor versions, so others are refused.
const LibraryVersion = "2.18"

// CheckLibrary returns a *[VersionError] when the loaded libtensorflow is of
// another minor version than [LibraryVersion].
func CheckLibrary() error { return checkVersion(tf.Version()) }

func checkVersion(got string) error {
	if !strings.HasPrefix(got, LibraryVersion+".") {
		return &VersionError{Got: got}
	}
	return nil
}

// Session is a network with its weights and its optimizer's state, ready to
// train and to predict. Its methods are not to be called at the same time.
type Session struct {
	model  *model
	tf     *tf.Session
	rows   int // of the series, 0 before SetSeries
	closed sync.Once
}

// NewSession assembles the network of cfg and initialises its weights from
// cfg.Seed. Close it after use.
func NewSession(cfg Config) (*Session, error) {
	if err := CheckLibrary(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := kernels.Register(); err != nil {
		return nil, err
	}
	m, err := assemble(cfg)
	if err != nil {
		return nil, fmt.Errorf("assemble the graph: %w", err)
	}
	options, err := sessionOptions(cfg)
	if err != nil {
		return nil, err
	}
	sess, err := tf.NewSession(m.graph, options)
	if err != nil {
		return nil, fmt.Errorf("start the session: %w", err)
	}
	s := &Session{model: m, tf: sess}
	if _, err := s.runHere(nil, nil, m.init); err != nil {
		s.Close()
		return nil, fmt.Errorf("initialise the weights: %w", err)
	}
	return s, nil
}

// sessionOptions runs operations in the caller's thread, one after the other: a
// step is a chain, so that handing its operations to other threads only costs.
// It also lets a second call set planLimit while the training loop runs.
//
// The fused operations have threads of their own. TensorFlow's beside them, which
// would share out the few microseconds of an update, take the processors from them.
func sessionOptions(cfg Config) (*tf.SessionOptions, error) {
	threads := 1
	if cfg.unrolls() {
		threads = cfg.Threads
	}
	config, err := proto.Marshal(&configpb.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		InterOpParallelismThreads: -1,
		GraphOptions:              &configpb.GraphOptions{RewriteOptions: &configpb.RewriterConfig{DisableMetaOptimizer: true}},
		Experimental:              &configpb.ConfigProto_Experimental{ExecutorType: "SINGLE_THREADED_EXECUTOR"},
	})
	if err != nil {
		return nil, fmt.Errorf("write the session's settings: %w", err)
	}
	return &tf.SessionOptions{Config: config}, nil
}

// Close frees what the session holds in TensorFlow.
func (s *Session) Close() error {
	var err error
	s.closed.Do(func() { err = s.tf.Close() })
	return err
}

// Config is the configuration that the session was made with.
func (s *Session) Config() Config { return s.model.cfg }

// Series is a data set of N rows that stays in the session: windows are cut
// out of it by the number of their first row.
type Series struct {
	X []float32 // [N,F], row after row
	Y []float32 // [N]: any value for MSE, 0 or 1 for cross-entropy
	W []float32 // [N]: weight of each row in the loss, at least 0, 0 for none; nil for 1 everywhere
}

// SetSeries hands the session a copy of the rows that later calls refer to, in
// place of those before. It returns a *[ShapeError], a *[LabelError] or a
// *[WeightError] for rows that cannot be used, and nothing is changed.
func (s *Session) SetSeries(d Series) error {
	c := s.model.cfg
	rows := len(d.Y)
	if d.W == nil {
		d.W = slices.Repeat([]float32{1}, rows)
	}
	switch {
	case rows > math.MaxInt32:
		return &ShapeError{"Series", fmt.Sprintf("at most %d rows", math.MaxInt32), fmt.Sprint(rows)}
	case len(d.X) != rows*c.Features:
		return &ShapeError{"Series.X", fmt.Sprintf("%d rows of %d features, %d values", rows, c.Features, rows*c.Features), fmt.Sprint(len(d.X))}
	case len(d.W) != rows:
		return &ShapeError{"Series.W", fmt.Sprintf("%d values", rows), fmt.Sprint(len(d.W))}
	}
	for i, w := range d.W {
		if !finite(w) || w < 0 {
			return &WeightError{Row: i, Value: w}
		}
	}
	labels, err := c.Loss.labels(d.Y)
	if err != nil {
		return err
	}
	err = s.set(
		value{seriesX.name, d.X, []int64{int64(rows), int64(c.Features)}},
		value{seriesY.name, labels, []int64{int64(rows)}},
		value{seriesW.name, d.W, []int64{int64(rows)}})
	if err != nil {
		return fmt.Errorf("set the series: %w", err)
	}
	s.rows = rows
	return nil
}

// labels stores y as labelType says.
func (l Loss) labels(y []float32) (any, error) {
	if l == MSE {
		return y, nil
	}
	classes := make([]int32, len(y))
	for i, v := range y {
		if v != 0 && v != 1 {
			return nil, &LabelError{Row: i, Value: v}
		}
		classes[i] = int32(v)
	}
	return classes, nil
}

// Plan says what each of K training steps works on.
type Plan struct {
	Starts [][]int32 // [K][B]: the first rows of a step's windows, the same number for each step
	Rates  []float32 // [K]: learning rates; nil for Config.LearningRate
}

// Report is what training steps tell of themselves.
type Report struct {
	Losses []float32 // before the update of each step
	Norms  []float32 // of each step's gradient, over all weights
}

// Steps trains one step for each row of the plan, in one call of the runtime.
// How steps are divided into calls changes nothing in the results.
//
// When ctx ends, the loop stops after the step it is at: Steps returns the
// report of the steps done and ctx's error. A loss or gradient that is not
// finite stops it too, with a *[DivergedError].
func (s *Session) Steps(ctx context.Context, p Plan) (Report, error) {
	if err := s.checkPlan(p); err != nil || len(p.Starts) == 0 {
		return Report{}, err
	}
	if err := s.set(value{planLimit.name, int32(len(p.Starts)), nil}); err != nil {
		return Report{}, fmt.Errorf("set the plan: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	stop := s.stopWhen(ctx)
	got, err := s.run(s.feeds(p), []tf.Output{s.model.stopped, s.model.report}, []*tf.Operation{s.model.keep})
	stop()
	if err != nil {
		return Report{}, fmt.Errorf("train: %w", err)
	}
	report := newReport(got[1].Value().([][]float32))
	done := int(got[0].Value().(int32))
	if done == diverged {
		return report.untilNonFinite()
	}
	report.Losses, report.Norms = report.Losses[:done], report.Norms[:done]
	return report, ctx.Err()
}

func (s *Session) feeds(p Plan) []feed {
	steps := len(p.Starts)
	rates := p.Rates
	if rates == nil {
		rates = slices.Repeat([]float32{s.model.cfg.LearningRate}, steps)
	}
	return []feed{
		{s.model.starts, slices.Concat(p.Starts...), []int64{int64(steps), int64(len(p.Starts[0]))}},
		{s.model.rates, rates, []int64{int64(steps)}},
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

// untilNonFinite cuts the report before its first step that is not finite.
func (r Report) untilNonFinite() (Report, error) {
	for i, loss := range r.Losses {
		if !finite(loss) || !finite(loss+r.Norms[i]) {
			return Report{r.Losses[:i], r.Norms[:i]}, &DivergedError{Step: i, Loss: loss}
		}
	}
	return r, errors.New("train: the loop stopped without a step that is not finite")
}

func (s *Session) checkPlan(p Plan) error {
	if p.Rates != nil && len(p.Rates) != len(p.Starts) {
		return &ShapeError{"Plan.Rates", fmt.Sprintf("%d rates", len(p.Starts)), fmt.Sprint(len(p.Rates))}
	}
	for i, starts := range p.Starts {
		if len(starts) != len(p.Starts[0]) {
			return &ShapeError{fmt.Sprintf("Plan.Starts[%d]", i), fmt.Sprintf("%d windows as in the first step", len(p.Starts[0])), fmt.Sprint(len(starts))}
		}
		if err := s.checkStarts(starts); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) checkStarts(starts []int32) error {
	if len(starts) == 0 {
		return &ShapeError{"starts", "at least one window", "none"}
	}
	last := s.rows - s.model.cfg.Steps
	for _, at := range starts {
		if at < 0 || int(at) > last {
			return &ShapeError{"starts", fmt.Sprintf("windows of %d steps within %d rows", s.model.cfg.Steps, s.rows), fmt.Sprintf("a window at row %d", at)}
		}
	}
	return nil
}

// Loss is the mean loss over the windows that begin at the given rows.
func (s *Session) Loss(starts []int32) (float32, error) {
	got, err := s.overWindows(starts, s.model.evaluated.loss)
	if err != nil {
		return 0, err
	}
	return got[0][0], nil
}

// Gradients are the mean loss's, over the windows that begin at the given rows,
// by each of the weights.
func (s *Session) Gradients(starts []int32) ([]Variable, error) {
	got, err := s.overWindows(starts, s.model.evaluated.grads...)
	if err != nil {
		return nil, err
	}
	grads := make([]Variable, len(got))
	for i, w := range s.model.cfg.weights() {
		grads[i] = Variable{w.name, dims(w.shape), got[i]}
	}
	return grads, nil
}

func (s *Session) overWindows(starts []int32, what ...tf.Output) ([][]float32, error) {
	if err := s.checkStarts(starts); err != nil {
		return nil, err
	}
	got, err := s.fetch([]feed{{s.model.batch, starts, []int64{1, int64(len(starts))}}}, what...)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return got, nil
}

// Devices names the devices that TensorFlow runs the session on.
func (s *Session) Devices() ([]string, error) {
	devices, err := s.tf.ListDevices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = fmt.Sprintf("%s (%s)", d.Name, d.Type)
	}
	return names, nil
}
