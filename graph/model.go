package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Variables that hold a caller's series, whose size is the caller's, and how far
// the training loop is to go.
var (
	seriesX = variable{name: "series/x", dtype: tf.Float} // [N,F]
	seriesY = variable{name: "series/y"}                  // [N], of Loss.labelType
	seriesW = variable{name: "series/w", dtype: tf.Float} // [N]

	planLimit = variable{name: "plan/limit", dtype: tf.Int32} // scalar: the steps to do, 0 to stop
)

func (c Config) inputVariables() []variable {
	y := seriesY
	y.dtype = c.Loss.labelType()
	vars := []variable{seriesX, y, seriesW, planLimit}
	for i := range vars {
		vars[i].shape = tf.Shape{} // of unknown rank
	}
	return vars
}

// plan is what training steps work on: the series, and for each step the windows
// and the learning rate.
type plan struct {
	x      tf.Output // [N,F]
	y      tf.Output // [N]
	w      tf.Output // [N]
	starts tf.Output // [K,B]
	rates  tf.Output // [K]
}

func (p plan) list() []tf.Output { return []tf.Output{p.x, p.y, p.w, p.starts, p.rates} }

// planOf is the plan of windows of the session's series.
func (c Config) planOf(s *op.Scope, h handles, starts, rates tf.Output) plan {
	return plan{
		x:      op.ReadVariableOp(s.SubScope("x"), h[seriesX.name], tf.Float),
		y:      op.ReadVariableOp(s.SubScope("y"), h[seriesY.name], c.Loss.labelType()),
		w:      op.ReadVariableOp(s.SubScope("w"), h[seriesW.name], tf.Float),
		starts: starts,
		rates:  rates,
	}
}

// pass is one way of a batch through the network.
type pass struct {
	layer  unrolled
	flat   tf.Output // the layer's states as [T*B,U]
	logits tf.Output // [T*B,O]
}

// forward runs the network over x [T,B,F] from the state h0 [B,U], or from zeros
// when h0 is not set.
func (c Config) forward(s *op.Scope, weights []tf.Output, x, h0 tf.Output) pass {
	p := pass{}
	p.layer = c.recurrence().forward(s.SubScope("rnn"), x, h0, weights[0], weights[1])
	p.flat = reshape(s.SubScope("states"), p.layer.states, -1, int32(c.Units))
	p.logits = op.BiasAdd(s.SubScope("projection"),
		op.MatMul(s.SubScope("projection_product"), p.flat, weights[2]), weights[3])
	return p
}

// variables are all of the graph's, the session's state first.
func (c Config) variables() []variable {
	return append(c.stateVariables(), c.inputVariables()...)
}

// stateVariables are what training changes: the weights, then the optimizer's own.
func (c Config) stateVariables() []variable {
	weights := c.weights()
	return append(weights, c.optimizerVariables(weights)...)
}
