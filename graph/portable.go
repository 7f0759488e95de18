package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// portable assembles the layer from TensorFlow's standard operations as the
// original does, one group for each step, and leaves its differentiation to
// op.Gradients. It runs on any device.
type portable struct {
	cfg Config
}

func (p portable) forward(s *op.Scope, x, h0, kernel, bias tf.Output) unrolled {
	h := h0
	if h.Op == nil {
		h = p.zeroState(s.SubScope("zeros"), x)
	}
	states := make([]tf.Output, p.cfg.Steps)
	axis := op.Const(s.SubScope("axis"), int32(1))
	for t, xt := range op.Unpack(s.SubScope("steps"), x, int64(p.cfg.Steps)) { // [T,B,F] -> T times [B,F]
		step := s.SubScope("step")
		both := op.ConcatV2(step, []tf.Output{xt, h}, axis) // [B,F+U]
		h = p.activate(step, op.BiasAdd(step, op.MatMul(step, both, kernel), bias))
		states[t] = h
	}
	stacked := op.Pack(s.SubScope("states"), states)
	return unrolled{
		states: stacked,
		last:   h,
		backward: func(s *op.Scope, dstates tf.Output) []tf.Output {
			return op.Gradients(s, []tf.Output{stacked}, []tf.Output{kernel, bias}, dstates)
		},
	}
}

// zeroState is a state of zeros [B,U], one for each sequence of x [T,B,F].
func (p portable) zeroState(s *op.Scope, x tf.Output) tf.Output {
	at := func(name string, value ...int32) tf.Output { return op.Const(s.SubScope(name), value) }
	batch := op.Slice(s, op.Shape(s.SubScope("shape"), x), at("second", 1), at("one", 1))
	dims := op.ConcatV2(s.SubScope("dims"), []tf.Output{batch, at("units", int32(p.cfg.Units))}, op.Const(s.SubScope("axis"), int32(0)))
	return op.Fill(s, dims, op.Const(s.SubScope("zero"), float32(0)))
}

func (p portable) activate(s *op.Scope, a tf.Output) tf.Output {
	if p.cfg.Activation == Tanh {
		return op.Tanh(s, a)
	}
	return op.Relu(s, a)
}
