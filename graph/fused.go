package graph

import (
	"maps"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// fused is the form in which operations of our own do what is slow in TensorFlow:
// a layer runs as one operation forward and one backward, so that the graph does
// not grow with the steps, a window's rows are cut in one, noise is drawn and added
// in one, and Adam or AdamW moves all weights in one. Cross-entropies are TensorFlow's operations, but run by
// kernels of ours.
//
// On a processor with fused multiply-add a layer's sums are rounded as the
// original's are, step by step: see internal/kernels.
type fused struct {
	portable // for the optimizers that have no operation of ours
}

func (f fused) windows(s *op.Scope, p plan, at tf.Output) batch {
	out := addOp(s, kernels.Windows, 5, map[string]any{kernels.AttrSteps: int64(f.cfg.Window)},
		p.x, p.y, p.w, p.windows, p.rates, op.Const(s.SubScope("lags"), f.cfg.lags()), at)
	return batch{out[0], out[1], out[2], out[3], out[4]}
}

func (f fused) recur(s *op.Scope, r recurrence) (tf.Output, []tf.Output, backward) {
	states := r.directions * r.cell.states()
	none := slices.Repeat([]tf.Output{op.Const(s.SubScope("none"), noRows(r.units))}, states)
	if r.initial == nil {
		r.initial = none
	}
	attrs := map[string]any{
		kernels.AttrCell:       r.cell.kernel(),
		kernels.AttrDirections: int64(r.directions),
		kernels.AttrThreads:    int64(f.cfg.Threads),
		kernels.AttrISA:        f.cfg.InstructionSet,
	}
	if r.lengths == (tf.Output{}) {
		r.lengths = op.Const(s.SubScope("all"), []int32{}) // steps of every sequence
	}
	initial, w := tf.OutputList(r.initial), tf.OutputList(r.w)
	out := addOp(s, kernels.Forward, 2+states, with(attrs, kernels.AttrTraining, r.training), r.x, r.lengths, initial, w)
	outputs, last, saved := out[0], out[1:1+states], out[1+states]
	return outputs, last, func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
		d := addOp(s, kernels.Backward, 1+states+len(r.w), with(attrs, kernels.AttrInputGradient, r.dx),
			r.x, r.lengths, initial, w, outputs, saved, dy, tf.OutputList(none))
		return d[0], d[1+states:]
	}
}

// with is attrs with one more.
func with(attrs map[string]any, name string, value any) map[string]any {
	more := maps.Clone(attrs)
	more[name] = value
	return more
}

// noRows is a state of no row, [0,U], which the operations take for zeros.
func noRows(units int) *tf.Tensor {
	t, err := tf.ReadTensor(tf.Float, []int64{0, int64(units)}, strings.NewReader(""))
	if err != nil {
		panic(err) // nothing is read
	}
	return t
}

func (f fused) noise(s *op.Scope, x, seeds tf.Output) tf.Output {
	attrs := map[string]any{kernels.AttrDeviation: f.cfg.InputNoise, kernels.AttrISA: f.cfg.InstructionSet}
	return addOp(s, kernels.Noise, 1, attrs, x, seeds)[0]
}

func (f fused) dropout(_ *op.Scope, _, seeds tf.Output) func(*op.Scope, tf.Output) tf.Output {
	attrs := map[string]any{kernels.AttrRate: f.cfg.Dropout, kernels.AttrISA: f.cfg.InstructionSet}
	return func(s *op.Scope, v tf.Output) tf.Output { return addOp(s, kernels.Dropout, 1, attrs, v, seeds)[0] }
}

// crossEntropy is the portable form's operation, run by a kernel of ours.
func (f fused) crossEntropy(s *op.Scope, kind string, logits, labels tf.Output) (loss, slope tf.Output) {
	out := addOp(s, kind, 2, kernels.Labelled(f.cfg.InstructionSet), logits, labels)
	return out[0], out[1]
}

// update is one operation for Adam and AdamW, with the norm and clipping.
func (f fused) update(s *op.Scope, h handles, u update) updated {
	var a adam
	var decay float32
	switch o := f.cfg.optimizer().(type) {
	case adam:
		a = o
	case adamW:
		a, decay = o.adam, f.cfg.WeightDecay
	default:
		return f.portable.update(s, h, u)
	}
	var weights, first, second, grads tf.OutputList
	for _, g := range u.grads {
		weights, grads = append(weights, h[g.of.name]), append(grads, g.value)
		first, second = append(first, h[g.of.name+a.first]), append(second, h[g.of.name+a.second])
	}
	out := addOp(s, kernels.Adam, 3, map[string]any{
		kernels.AttrBeta1:       f.cfg.Beta1,
		kernels.AttrBeta2:       f.cfg.Beta2,
		kernels.AttrEpsilon:     f.cfg.Epsilon,
		kernels.AttrClipNorm:    f.cfg.ClipNorm,
		kernels.AttrWeightDecay: decay,
		kernels.AttrISA:         f.cfg.InstructionSet,
	}, weights, first, second, grads, u.shared[0], u.shared[1], u.rate, u.loss)
	return updated{norm: out[2], shared: out[:2]}
}

func (f fused) record(s *op.Scope, report, at, loss, norm tf.Output) tf.Output {
	return addOp(s, kernels.Record, 1, nil, report, at, loss, norm)[0]
}

// addOp adds an operation of any kind and returns its first outputs, unset after an
// error, which the scope holds.
func addOp(s *op.Scope, kind string, outputs int, attrs map[string]any, inputs ...tf.Input) []tf.Output {
	list := make([]tf.Output, outputs)
	if s.Err() != nil {
		return list
	}
	if added := s.AddOperation(tf.OpSpec{Type: kind, Attrs: attrs, Input: inputs}); added != nil {
		for i := range list {
			list[i] = added.Output(i)
		}
	}
	return list
}
