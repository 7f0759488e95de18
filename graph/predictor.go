package graph

import (
	"cmp"
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Predictor is one network with its weights, or several of one shape, ready to predict.
// Its [Members] have the weights. Predict may be called by several goroutines at the same
// time, as long as none calls another method.
type Predictor struct {
	in      *runner
	cfg     Config // of a Session; otherwise without Training
	members []*Member

	predicting predicting
}

// NewPredictor assembles a network without what trains it: its variables are the weights. It
// starts with those of a [Session] of seed 0. Close it after use.
func NewPredictor(n Network, m Machine) (*Predictor, error) { return NewEnsemble(n, 1, m) }

// NewEnsemble is NewPredictor for several networks, which start with the weights of sessions
// of the seeds 0, 1 and so on. [Predictor.Predict] runs all of them and gives the mean of their
// outputs, and their probabilities together, see [Loss.Mean].
func NewEnsemble(n Network, members int, m Machine) (*Predictor, error) {
	if members < 1 || members > maxMembers {
		return nil, &ShapeError{"members", fmt.Sprintf("1 to %d", maxMembers), fmt.Sprint(members)}
	}
	weights := func(c Config) []variable { return c.network().weights() }
	none := func(*Predictor, *op.Scope, handles) error { return nil }
	return start(nil, Config{Network: n, Machine: m}, members, weights, nil, none)
}

// Close frees what the networks hold in TensorFlow.
func (p *Predictor) Close() error {
	err := p.in.close()
	for _, m := range p.members {
		if in := m.checkpoint.in; in != nil {
			err = cmp.Or(err, in.close())
		}
	}
	return err
}

// Network describes each of the networks, with the values that zeros stood for.
func (p *Predictor) Network() Network { return p.cfg.Network.clone() }

// Machine describes how they are computed, with the values that zeros stood for.
func (p *Predictor) Machine() Machine { return p.cfg.Machine }

// Members are the networks.
func (p *Predictor) Members() []*Member { return slices.Clone(p.members) }

// statesKnown returns ErrUnknownState unless the state of every network is known.
func (p *Predictor) statesKnown() error {
	for _, m := range p.members {
		if err := m.known(); err != nil {
			return err
		}
	}
	return nil
}

// StateSize is the number of values that the networks hand from step to step, S: see
// [Network.StateSize].
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

// predicting is where a predictor feeds and fetches its graph.
type predicting struct {
	input tf.Output // [T,B,F], with the rows around
	state tf.Output // [B,S]

	outputs     tf.Output // [T*B,O]
	probability tf.Output // [T*B,C]
	last        tf.Output // [B,S]
}

// addPredicting adds the members, whose variables are given, as they predict: each on one
// thread, as Predict divides the batch among threads.
func (c Config) addPredicting(g *tf.Graph, s *op.Scope, members []handles) predicting {
	c.Threads = 1
	width := len(members) * c.StateSize()
	w := predicting{
		input: op.Placeholder(s.SubScope("input"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, -1, int64(c.Features)))),
		state: op.Placeholder(s.SubScope("state"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(width)))),
	}
	w.outputs, w.probability, w.last = c.ensemble(g, s, members, Sequences{X: w.input, State: w.state})
	if w.last == (tf.Output{}) {
		w.last = op.Identity(s.SubScope("last"), w.state) // of no columns
	}
	return w
}

// mean is the mean of outputs of one shape.
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

// splitState divides states [B,S] into those of the members' stages, [B,U] each, none
// where nothing is handed on.
func (c Config) splitState(s *op.Scope, state tf.Output, members int) []tf.Output {
	var sizes []int32
	for _, units := range slices.Repeat(c.network().states(), members) {
		sizes = append(sizes, int32(units))
	}
	switch len(sizes) {
	case 0:
		return nil
	case 1:
		return []tf.Output{state}
	}
	parts := op.SplitV(s, state, op.Const(s.SubScope("sizes"), sizes), op.Const(s.SubScope("axis"), int32(1)), int64(len(sizes)))
	if len(parts) != len(sizes) { // the scope holds why
		return make([]tf.Output, len(sizes))
	}
	return parts
}
