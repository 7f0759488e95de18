package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// resource is the data type of a variable's handle, which graft does not name.
const resource = tf.DataType(20)

// Variables that hold a caller's series and the plan of a call. Their sizes are
// the caller's.
var (
	seriesX = variable{name: "series/x", dtype: tf.Float} // [N,F]
	seriesY = variable{name: "series/y"}                  // [N], of Loss.labelType
	seriesW = variable{name: "series/w", dtype: tf.Float} // [N]

	planStarts = variable{name: "plan/starts", dtype: tf.Int32} // [K,B]
	planRates  = variable{name: "plan/rates", dtype: tf.Float}  // [K]
	planLimit  = variable{name: "plan/limit", dtype: tf.Int32}  // scalar: the steps to do, 0 to stop
	planReport = variable{name: "plan/report", dtype: tf.Float} // [K,2]: loss and gradient norm
)

func (c Config) inputVariables() []variable {
	y := seriesY
	y.dtype = c.Loss.labelType()
	vars := []variable{seriesX, y, seriesW, planStarts, planRates, planLimit, planReport}
	for i := range vars {
		vars[i].shape = tf.Shape{} // of unknown rank
	}
	return vars
}

// batch is one batch of windows, time-major.
type batch struct {
	x      tf.Output // [T,B,F]
	labels tf.Output // [T*B]
	w      tf.Output // [T*B]
}

// gather takes from the series the windows that begin at the rows starts [B].
func (c Config) gather(s *op.Scope, h handles, starts tf.Output) batch {
	offsets := make([][]int32, c.Steps) // [T,1]
	for t := range offsets {
		offsets[t] = []int32{int32(t)}
	}
	rows := op.AddV2(s.SubScope("rows"), starts, op.Const(s.SubScope("offsets"), offsets)) // [B] + [T,1] -> [T,B]
	flat := reshape(s.SubScope("flat"), rows, -1)
	return batch{
		x:      op.ResourceGather(s.SubScope("x"), h[seriesX.name], rows, tf.Float),
		labels: op.ResourceGather(s.SubScope("y"), h[seriesY.name], flat, c.Loss.labelType()),
		w:      op.ResourceGather(s.SubScope("w"), h[seriesW.name], flat, tf.Float),
	}
}

// pass is one way of a batch through the network.
type pass struct {
	layer   unrolled
	flat    tf.Output   // the layer's states as [T*B,U]
	logits  tf.Output   // [T*B,O]
	weights []tf.Output // the values used, in the order of Config.weights
}

// forward runs the network over x [T,B,F] from the state h0 [B,U], or from zeros
// when h0 is not set.
func (c Config) forward(s *op.Scope, weights []tf.Output, x, h0 tf.Output) pass {
	p := pass{weights: weights}
	p.layer = c.recurrence().forward(s.SubScope("rnn"), x, h0, weights[0], weights[1])
	p.flat = reshape(s.SubScope("states"), p.layer.states, -1, int32(c.Units))
	p.logits = op.BiasAdd(s.SubScope("projection"),
		op.MatMul(s.SubScope("projection_product"), p.flat, weights[2]), weights[3])
	return p
}

// head is the projection and the loss behind a layer, and their gradients.
type head struct {
	mean    tf.Output   // scalar, the loss
	dstates tf.Output   // [T,B,U]
	grads   []tf.Output // of the projection's kernel and bias
}

// portableHead assembles the head from standard operations.
func (c Config) portableHead(s *op.Scope, p pass, b batch) head {
	mean, dlogits := c.Loss.score(s.SubScope("loss"), p.logits, b.labels, b.w)
	grads := op.Gradients(s.SubScope("projection"), []tf.Output{p.logits},
		[]tf.Output{p.flat, p.weights[2], p.weights[3]}, dlogits)
	dstates := reshape(s.SubScope("dstates"), grads[0], int32(c.Steps), -1, int32(c.Units))
	return head{mean, dstates, grads[1:]}
}

// lossOf is the loss of one batch and its gradients, in the order of
// Config.weights.
type lossOf struct {
	mean  tf.Output // scalar
	grads []tf.Output
}

// trainOn runs the windows at starts [B] through the network, forward and
// backward.
func (c Config) trainOn(s *op.Scope, h handles, starts tf.Output) lossOf {
	b := c.gather(s.SubScope("batch"), h, starts)
	p := c.forward(s.SubScope("forward"), h.readAll(s, c.weights()), b.x, tf.Output{})
	top := c.head(s.SubScope("head"), p, b)
	return lossOf{top.mean, append(p.layer.backward(s.SubScope("backward"), top.dstates), top.grads...)}
}

func (c Config) head(s *op.Scope, p pass, b batch) head {
	if c.Kernel == KernelPortable {
		return c.portableHead(s, p, b)
	}
	return fused{c}.head(s, p, b)
}

// variables are all of the graph's, the session's state first.
func (c Config) variables() []variable {
	return append(c.stateVariables(), c.inputVariables()...)
}

// stateVariables are what training changes: the weights, then Adam's own.
func (c Config) stateVariables() []variable {
	weights := c.weights()
	return append(weights, c.adamVariables(weights)...)
}
