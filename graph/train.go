package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// training is what a step of training finds out: the loss of the step's windows,
// and where it leads.
type training struct {
	loss  tf.Output   // scalar, the mean
	norm  tf.Output   // scalar, of all gradients together
	rate  tf.Output   // scalar, the plan's
	grads []tf.Output // in the order of Config.weights
}

// train runs the windows of the plan's step at through the network, forward and
// backward: in one operation, or, where the recurrence is portable or the loss is
// not one of the original's, in several.
func (c Config) train(s *op.Scope, h handles, p plan, at tf.Output) training {
	weights := h.readAll(s, c.weights())
	if c.unrolls() || c.Loss == Focal {
		return c.assembleTraining(s, weights, p, at)
	}
	return fused{c}.train(s, weights, p, at)
}

// assembleTraining is train in standard operations around a recurrence in either
// form.
func (c Config) assembleTraining(s *op.Scope, weights []tf.Output, p plan, at tf.Output) training {
	b := c.batch(s.SubScope("batch"), p, at)
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

func (c Config) batch(s *op.Scope, p plan, at tf.Output) batch {
	offsets := make([][]int32, c.Steps) // [T,1]
	for t := range offsets {
		offsets[t] = []int32{int32(t)}
	}
	axis := op.Const(s.SubScope("axis"), int32(0))
	starts := op.GatherV2(s.SubScope("starts"), p.starts, at, axis)
	rows := op.AddV2(s.SubScope("rows"), starts, op.Const(s.SubScope("offsets"), offsets)) // [B] + [T,1] -> [T,B]
	flat := reshape(s.SubScope("flat"), rows, -1)
	return batch{
		x:      op.GatherV2(s.SubScope("x"), p.x, rows, axis),
		labels: op.GatherV2(s.SubScope("y"), p.y, flat, axis),
		w:      op.GatherV2(s.SubScope("w"), p.w, flat, axis),
		rate:   op.GatherV2(s.SubScope("rate"), p.rates, at, axis),
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
