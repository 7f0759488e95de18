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

// train is Config.train in standard operations.
func (p portable) train(s *op.Scope, weights []tf.Output, plan plan, at tf.Output) training {
	c, b := p.cfg, p.batch(s.SubScope("batch"), plan, at)
	forward := c.forward(s.SubScope("forward"), weights, b.x, tf.Output{})
	mean, dlogits := c.score(s.SubScope("loss"), forward.logits, b.labels, b.w)
	above := op.Gradients(s.SubScope("projection"), []tf.Output{forward.logits},
		[]tf.Output{forward.flat, weights[2], weights[3]}, dlogits)
	dstates := reshape(s.SubScope("dstates"), above[0], int32(c.Steps), -1, int32(c.Units))
	grads := append(forward.layer.backward(s.SubScope("backward"), dstates), above[1:]...)
	return training{mean, globalNorm(s.SubScope("norm"), grads), b.rate, grads}
}

// batch is what one step of a plan works on: windows, time-major.
type batch struct {
	x      tf.Output // [T,B,F]
	labels tf.Output // [T*B]
	w      tf.Output // [T*B]
	rate   tf.Output // scalar
}

func (p portable) batch(s *op.Scope, plan plan, at tf.Output) batch {
	offsets := make([][]int32, p.cfg.Steps) // [T,1]
	for t := range offsets {
		offsets[t] = []int32{int32(t)}
	}
	axis := op.Const(s.SubScope("axis"), int32(0))
	starts := op.GatherV2(s.SubScope("starts"), plan.starts, at, axis)
	rows := op.AddV2(s.SubScope("rows"), starts, op.Const(s.SubScope("offsets"), offsets)) // [B] + [T,1] -> [T,B]
	flat := reshape(s.SubScope("flat"), rows, -1)
	return batch{
		x:      op.GatherV2(s.SubScope("x"), plan.x, rows, axis),
		labels: op.GatherV2(s.SubScope("y"), plan.y, flat, axis),
		w:      op.GatherV2(s.SubScope("w"), plan.w, flat, axis),
		rate:   op.GatherV2(s.SubScope("rate"), plan.rates, at, axis),
	}
}

// globalNorm is the Euclidean norm of all values together.
func globalNorm(s *op.Scope, values []tf.Output) tf.Output {
	halves := make([]tf.Output, len(values)) // of the squares' sums
	for i, v := range values {
		halves[i] = op.L2Loss(s.SubScope("half"), v)
	}
	return op.Sqrt(s, op.Mul(s.SubScope("squares"), op.AddN(s, halves), op.Const(s.SubScope("two"), float32(2))))
}
