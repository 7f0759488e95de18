package graph

import (
	"context"
	"fmt"
	"slices"
	"sync"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Predictor is one network with its weights, or several of one shape, ready to predict.
// Predict may be called by several goroutines at the same time, as long as none calls
// another method.
type Predictor struct {
	*Member // the first

	cfg     Config
	members []*Member
	ways    []way
}

// NewPredictor assembles the network of cfg without what trains it, so that its
// variables are the weights alone, and offset and scale with cfg.Normalize. The weights
// are initialised from cfg.Seed. Close it after use.
func NewPredictor(cfg Config) (*Predictor, error) { return NewEnsemble(cfg, 1) }

// NewEnsemble is NewPredictor for several networks, initialised from cfg.Seed,
// cfg.Seed+1 and so on. [Predictor.Predict] runs all of them and averages their
// probabilities.
func NewEnsemble(cfg Config, members int) (*Predictor, error) {
	if members < 1 || members > maxMembers {
		return nil, &ShapeError{"members", fmt.Sprintf("1 to %d", maxMembers), fmt.Sprint(members)}
	}
	none := func(*tf.Graph, *op.Scope, handles) error { return nil }
	return start(cfg, members, Config.predictorVariables, nil, none)
}

// predictorVariables are what predicting takes: the weights, then offset and scale.
func (c Config) predictorVariables() []variable {
	return append(c.network().weights(), c.normalization()...)
}

// Close frees what the networks hold in TensorFlow.
func (p *Predictor) Close() error { return p.in.close() }

// Config is the configuration that the networks were made with.
func (p *Predictor) Config() Config { return p.cfg }

// Members are the networks.
func (p *Predictor) Members() []*Member { return p.members }

// StateSize is the number of values that the networks hand from step to step, S: see
// [Config.StateSize].
func (p *Predictor) StateSize() int { return len(p.members) * p.cfg.StateSize() }

// Devices names the devices that TensorFlow runs the networks on.
func (p *Predictor) Devices() ([]string, error) {
	devices, err := p.in.tf.ListDevices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = fmt.Sprintf("%s (%s)", d.Name, d.Type)
	}
	return names, nil
}

// Prediction is what a Predictor gives for a batch of sequences.
type Prediction struct {
	Outputs []float32 // [B,T,O], the projection's values; of several networks their mean

	// Probability [B,T,C] is that of each class: the outputs' softmax; for MSE 1-v and
	// v, v the single output's value within 0 and 1. Of several networks it is the mean.
	Probability []float32

	State []float32 // [B,S], after the last step
}

// Predict runs the network over x, batch sequences of any number of steps T
// ([B,T,F], a sequence after the other), from the states state [B,S], see
// [Predictor.StateSize]; nil for zeros. T is what the size of x makes it, at least 1.
// With [Config.Lags] each sequence has besides, before its first row and behind its
// last one, the rows that [Config.Context] asks for.
//
// Sequences can be divided into calls that hand on the state, but for networks of two
// directions, for which a call has whole sequences. Results agree to
// rounding however that is done and whichever other sequences are in the call; the
// states of a fused layer are the same bits. Memory does not grow with T, but for x
// and the prediction.
//
// An output that is not finite is a *[NonFiniteError]. When ctx ends, its error is
// returned soon after.
func (p *Predictor) Predict(ctx context.Context, x []float32, batch int, state []float32) (Prediction, error) {
	c := p.cfg
	steps, err := c.stepsOf(x, batch)
	if err != nil {
		return Prediction{}, err
	}
	if state == nil {
		state = make([]float32, batch*p.StateSize())
	}
	if len(state) != batch*p.StateSize() {
		return Prediction{}, &ShapeError{"state", fmt.Sprintf("%d x %d values", batch, p.StateSize()), fmt.Sprint(len(state))}
	}
	all := Prediction{
		Outputs:     make([]float32, batch*steps*c.Outputs()),
		Probability: make([]float32, batch*steps*c.Classes),
		State:       slices.Clone(state),
	}
	n := c.sides(batch)
	errs := make([]error, n)
	var sides sync.WaitGroup
	for i := range n {
		from, to := i*batch/n, (i+1)*batch/n
		sides.Go(func() {
			errs[i] = p.predictSequences(ctx, share(x, batch, from, to), to-from, all.of(batch, from, to))
		})
	}
	sides.Wait()
	if err := firstError(errs...); err != nil {
		return Prediction{}, err
	}
	if err := all.check(batch, steps); err != nil {
		return Prediction{}, err
	}
	return all, nil
}

// sides is how many parts of a batch are predicted side by side, each by one thread. An
// unrolled network's operations have the threads.
func (c Config) sides(batch int) int {
	if c.unrolls() {
		return 1
	}
	return min(c.Threads, batch)
}

// share is what sequences from, to have of values for a batch.
func share(values []float32, batch, from, to int) []float32 {
	each := len(values) / batch
	return values[from*each : to*each]
}

// of is the part of sequences from, to of the batch.
func (p Prediction) of(batch, from, to int) Prediction {
	return Prediction{share(p.Outputs, batch, from, to), share(p.Probability, batch, from, to), share(p.State, batch, from, to)}
}

// predictSequences predicts batch sequences x into a prediction, whose state is where
// they begin.
func (p *Predictor) predictSequences(ctx context.Context, x []float32, batch int, into Prediction) error {
	c := p.cfg
	before, behind := c.Context()
	steps := len(x)/(batch*c.Features) - before - behind
	for from, to := 0, 0; from < steps; from = to {
		if err := ctx.Err(); err != nil {
			return err
		}
		way, n := p.wayFor(batch, steps-from)
		to = from + n
		got, err := p.predictPart(way, timeMajor(x, batch, from, to+before+behind, c.Features), batch, n, into.State)
		if err != nil {
			return fmt.Errorf("predict: %w", err)
		}
		toBatchMajor(into.Outputs, got.Outputs, batch, from, c.Outputs())
		toBatchMajor(into.Probability, got.Probability, batch, from, c.Classes)
		copy(into.State, got.State)
	}
	return nil
}

// stepsOf is the number of steps of the batch sequences x, without the rows around them.
func (c Config) stepsOf(x []float32, batch int) (int, error) {
	before, behind := c.Context()
	around := before + behind
	row := batch * c.Features
	if batch < 1 || len(x)%row != 0 || len(x)/row <= around {
		steps := "steps"
		if around > 0 {
			steps = fmt.Sprintf("(steps + %d)", around)
		}
		return 0, &ShapeError{"x", fmt.Sprintf("%d x %s x %d values", batch, steps, c.Features), fmt.Sprint(len(x))}
	}
	steps := len(x)/row - around
	if c.Bidirectional && c.unrolls() && steps > c.Window {
		return 0, &ShapeError{"x", fmt.Sprintf("sequences of at most %d steps, to which two directions are unrolled here", c.Window), fmt.Sprint(steps)}
	}
	return steps, nil
}

// check finds an output that is not finite.
func (p Prediction) check(batch, steps int) error {
	for i, v := range p.Outputs {
		if !finite(v) {
			row := i / (len(p.Outputs) / (batch * steps))
			return &NonFiniteError{Sequence: row / steps, Step: row % steps, Value: v}
		}
	}
	return nil
}

// predictPart runs so many steps x, with the rows around them, one way. What it takes
// and returns is time-major.
func (p *Predictor) predictPart(w way, x []float32, batch, steps int, state []float32) (Prediction, error) {
	c := p.cfg
	feeds := []feed{{w.state, state, []int64{int64(batch), int64(p.StateSize())}}}
	if w.lengths != (tf.Output{}) {
		feeds = append(feeds, feed{w.lengths, slices.Repeat([]int32{int32(steps)}, batch), []int64{int64(batch)}})
		x = append(x, make([]float32, (c.Window-steps)*batch*c.Features)...)
	}
	rows := len(x) / (batch * c.Features)
	feeds = append(feeds, feed{w.input, x, []int64{int64(rows), int64(batch), int64(c.Features)}})
	got, err := p.in.fetch(feeds, w.outputs, w.probability, w.last)
	if err != nil {
		return Prediction{}, err
	}
	return Prediction{got[0][:steps*batch*c.Outputs()], got[1][:steps*batch*c.Classes], got[2]}, nil
}

// timeMajor is the steps from, to of x [B,T,F] as [to-from,B,F].
func timeMajor(x []float32, batch, from, to, features int) []float32 {
	part := make([]float32, (to-from)*batch*features)
	row := len(x) / batch
	for t := from; t < to; t++ {
		for b := range batch {
			copyRow(part[((t-from)*batch+b)*features:], x[b*row+t*features:], features)
		}
	}
	return part
}

// toBatchMajor puts part [n,B,O] into whole [B,T,O], from step from on.
func toBatchMajor(whole, part []float32, batch, from, outputs int) {
	row := len(whole) / batch
	for t := range len(part) / (batch * outputs) {
		for b := range batch {
			copyRow(whole[b*row+(from+t)*outputs:], part[(t*batch+b)*outputs:], outputs)
		}
	}
}

// copyRow is copy of n values, which are mostly too few to call it for.
func copyRow(to, from []float32, n int) {
	if n > 16 {
		copy(to[:n], from)
		return
	}
	for i := range n {
		to[i] = from[i]
	}
}

// way is a part of the graph that runs the network over sequences.
type way struct {
	input   tf.Output // [T,B,F], with the rows around
	state   tf.Output // [B,S]
	lengths tf.Output // [B], the steps of each sequence; unset where all have T

	outputs     tf.Output // [T*B,O]
	probability tf.Output // [T*B,C]
	last        tf.Output // [B,S]
}

// partValues limits the states [T,B,S] of one run, a megabyte or a few that stay in
// the processor's cache until they are projected.
const partValues = 1 << 20

// wayFor chooses the way for the next steps of batch sequences, and how many of those
// left it takes.
func (p *Predictor) wayFor(batch, left int) (way, int) {
	switch c := p.cfg; {
	case c.Bidirectional:
		return p.ways[0], left
	case !c.unrolls():
		return p.ways[0], min(left, max(1, partValues/(batch*max(1, p.StateSize()))))
	case left >= c.Window:
		return p.ways[0], c.Window
	default:
		return p.ways[1], 1
	}
}

// addWays makes the way for any number of steps; or, where layers are unrolled, one
// for a window and one for a step. Two directions need the steps behind, so that fewer
// than a window are a part of one.
func (c Config) addWays(s *op.Scope, members []handles) []way {
	if !c.unrolls() {
		c.Threads = 1 // see sides
	}
	list := []way{c.addWay(s.SubScope("steps"), members)}
	if c.unrolls() && !c.Bidirectional {
		c.Window = 1
		list = append(list, c.addWay(s.SubScope("step"), members))
	}
	return list
}

func (c Config) addWay(s *op.Scope, members []handles) way {
	size := len(members) * c.StateSize()
	w := way{
		input: op.Placeholder(s.SubScope("input"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, -1, int64(c.Features)))),
		state: op.Placeholder(s.SubScope("state"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(size)))),
	}
	if c.unrolls() && c.Bidirectional {
		w.lengths = op.Placeholder(s.SubScope("lengths"), tf.Int32, op.PlaceholderShape(tf.MakeShape(-1)))
	}
	inputs := c.lagged(s.SubScope("lagged"), w.input)
	states := c.splitState(s.SubScope("layers"), w.state, len(members))
	var outputs, probability, last []tf.Output
	for i, h := range members {
		r := &run{lengths: w.lengths}
		if len(states) > 0 {
			n := len(states) / len(members)
			r.states = states[i*n : (i+1)*n]
		}
		x := c.normalized(s.SubScope("normalize"), h, inputs)
		y, _ := c.network().forward(s.SubScope("forward"), h, x, r)
		outputs, probability = append(outputs, y), append(probability, c.probability(s.SubScope("probability"), y))
		last = append(last, r.last...)
	}
	w.outputs, w.probability = mean(s.SubScope("outputs"), outputs), mean(s.SubScope("probability"), probability)
	w.last = op.Identity(s.SubScope("last"), w.state) // of no columns
	if len(states) > 0 {
		w.last = joined(s.SubScope("last"), last, 1)
	}
	return w
}

// mean is that of outputs of one shape.
func mean(s *op.Scope, list []tf.Output) tf.Output {
	if len(list) == 1 {
		return list[0]
	}
	return op.RealDiv(s, op.AddN(s, list), op.Const(s.SubScope("count"), float32(len(list))))
}

// lagged are the inputs [T,B,L*F] of sequences x [T,B,F] with the rows around them.
func (c Config) lagged(s *op.Scope, x tf.Output) tf.Output {
	if len(c.Lags) == 0 {
		return x
	}
	before, behind := c.Context()
	size := op.Sub(s, op.Shape(s, x), op.Const(s.SubScope("around"), []int32{int32(before + behind), 0, 0}))
	var list []tf.Output
	for _, lag := range c.Lags {
		list = append(list, op.Slice(s.SubScope("lag"), x, op.Const(s.SubScope("from"), []int32{int32(before + lag), 0, 0}), size))
	}
	return joined(s, list, 2)
}

// splitState divides states [B,S] among the layers' states, [B,U] each, of so many
// networks. There are none where nothing is handed on.
func (c Config) splitState(s *op.Scope, state tf.Output, members int) []tf.Output {
	if c.StateSize() == 0 {
		return nil
	}
	var sizes []int32
	for _, l := range c.Layers {
		sizes = append(sizes, slices.Repeat([]int32{int32(l.Units)}, l.cell().states())...)
	}
	sizes = slices.Repeat(sizes, members)
	if len(sizes) == 1 {
		return []tf.Output{state}
	}
	parts := op.SplitV(s, state, op.Const(s.SubScope("sizes"), sizes), op.Const(s.SubScope("axis"), int32(1)), int64(len(sizes)))
	if len(parts) != len(sizes) { // the scope holds why
		return make([]tf.Output, len(sizes))
	}
	return parts
}

// probability is that of each class, [T*B,C], for outputs [T*B,O].
func (c Config) probability(s *op.Scope, outputs tf.Output) tf.Output {
	if c.Loss != MSE {
		return op.Softmax(s, outputs)
	}
	zero, one := op.Const(s.SubScope("zero"), float32(0)), op.Const(s.SubScope("one"), float32(1))
	v := op.ClipByValue(s, outputs, zero, one)
	return joined(s, []tf.Output{op.Sub(s.SubScope("other"), one, v), v}, 1)
}
