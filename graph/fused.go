package graph

import (
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// fused runs the layer as one operation of our own forward and one backward, so
// that the graph does not grow with the steps, and a whole training step but for
// the update as one too.
//
// On a processor with fused multiply-add its sums are rounded as the original's
// are, step by step: see internal/kernels.
type fused struct {
	cfg Config
}

func (f fused) forward(s *op.Scope, x, h0, kernel, bias tf.Output) unrolled {
	none := op.Const(s.SubScope("none"), noRows(f.cfg.Units))
	if h0.Op == nil {
		h0 = none
	}
	out := ourOp(s, kernels.Forward, 2, f.attrs(), x, kernel, bias, h0)
	states, last := out[0], out[1]
	return unrolled{
		states: states,
		last:   last,
		backward: func(s *op.Scope, dstates tf.Output) []tf.Output {
			attrs := f.attrs()
			attrs[kernels.AttrInputGradient] = false // the series is not trained
			return ourOp(s, kernels.Backward, 2, attrs, x, kernel, h0, states, dstates, none)
		},
	}
}

// noRows is a state of no row, [0,U], which the operations take for zeros.
func noRows(units int) *tf.Tensor {
	t, err := tf.ReadTensor(tf.Float, []int64{0, int64(units)}, strings.NewReader(""))
	if err != nil {
		panic(err) // nothing is read
	}
	return t
}

// train is Config.train, as one operation.
func (f fused) train(s *op.Scope, weights []tf.Output, p plan, at tf.Output) training {
	attrs := f.attrs()
	attrs[kernels.AttrSteps] = int64(f.cfg.Steps)
	var inputs []tf.Input
	for _, in := range slices.Concat(p.list(), []tf.Output{at}, weights) {
		inputs = append(inputs, in)
	}
	out := ourOp(s.SubScope("train"), kernels.Train, 7, attrs, inputs...)
	return training{out[0], out[1], out[2], out[3:]}
}

// adam is Config.update for Adam, as one operation with clipping.
func (f fused) adam(s *op.Scope, h handles, powers []tf.Output, rate, norm tf.Output, grads []tf.Output) ([]*tf.Operation, []tf.Output) {
	var weights, first, second tf.OutputList
	for _, w := range f.cfg.weights() {
		weights = append(weights, h[w.name])
		first, second = append(first, h[w.name+firstMoment]), append(second, h[w.name+secondMoment])
	}
	next := ourOp(s, kernels.Adam, 2, map[string]any{
		kernels.AttrBeta1:    f.cfg.Beta1,
		kernels.AttrBeta2:    f.cfg.Beta2,
		kernels.AttrEpsilon:  f.cfg.Epsilon,
		kernels.AttrClipNorm: f.cfg.ClipNorm,
		kernels.AttrISA:      f.cfg.Kernel.isa(),
	}, weights, first, second, tf.OutputList(grads), powers[0], powers[1], rate, norm)
	return []*tf.Operation{next[0].Op}, next
}

// ourOp adds one of our operations and returns its first outputs.
func ourOp(s *op.Scope, kind string, outputs int, attrs map[string]any, inputs ...tf.Input) []tf.Output {
	list := make([]tf.Output, outputs)
	if added := s.AddOperation(tf.OpSpec{Type: kind, Attrs: attrs, Input: inputs}); added != nil { // else the scope holds the error
		for i := range list {
			list[i] = added.Output(i)
		}
	}
	return list
}

func (f fused) attrs() map[string]any {
	return map[string]any{
		kernels.AttrActivation: string(f.cfg.Activation),
		kernels.AttrThreads:    int64(f.cfg.Threads),
		kernels.AttrISA:        f.cfg.Kernel.isa(),
	}
}
