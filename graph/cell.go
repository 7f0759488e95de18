package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// recurrence is a layer of plain recurrent cells, h_t = f(x_t Wx + h_{t-1} Wh + b),
// in one of its forms.
type recurrence interface {
	// forward runs the layer over x [T,B,F] from the state h0 [B,U]. kernel
	// [F+U,U] holds Wx above Wh, bias is [U].
	forward(s *op.Scope, x, h0, kernel, bias tf.Output) unrolled
}

func (c Config) recurrence() recurrence { return portable{c} }

// unrolled is a layer that has run over a batch of sequences.
type unrolled struct {
	states tf.Output // [T,B,U], after every step
	last   tf.Output // [B,U], after the last step

	// backward takes the loss's gradient by states, [T,B,U], and returns that
	// by kernel and by bias.
	backward func(s *op.Scope, dstates tf.Output) []tf.Output
}

// portable assembles the layer from TensorFlow's standard operations, one group
// for each step, and leaves its differentiation to op.Gradients. It runs on any
// device.
type portable struct {
	cfg Config
}

func (p portable) forward(s *op.Scope, x, h0, kernel, bias tf.Output) unrolled {
	steps, features, units := int32(p.cfg.Steps), int32(p.cfg.Features), int32(p.cfg.Units)
	parts := op.SplitV(s.SubScope("split"), kernel,
		op.Const(s.SubScope("rows"), []int32{features, units}), op.Const(s.SubScope("axis"), int32(0)), 2)
	wx, wh := parts[0], parts[1]

	// The input's part does not wait for the state: one product for all steps.
	flat := reshape(s.SubScope("flat"), x, -1, features)                                                       // [T,B,F] -> [T*B,F]
	in := op.BiasAdd(s.SubScope("in"), op.MatMul(s.SubScope("in_product"), flat, wx), bias)                    // [T*B,U]
	each := op.Unpack(s.SubScope("each"), reshape(s.SubScope("in_steps"), in, steps, -1, units), int64(steps)) // T times [B,U]

	h := h0
	states := make([]tf.Output, steps)
	for t, a := range each {
		step := s.SubScope("step")
		h = p.activate(step, op.AddV2(step, a, op.MatMul(step, h, wh)))
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

func (p portable) activate(s *op.Scope, a tf.Output) tf.Output {
	if p.cfg.Activation == Tanh {
		return op.Tanh(s, a)
	}
	return op.Relu(s, a)
}

// reshape is op.Reshape to constant dimensions, -1 for the one that follows.
func reshape(s *op.Scope, v tf.Output, dims ...int32) tf.Output {
	return op.Reshape(s, v, op.Const(s.SubScope("shape"), dims))
}
