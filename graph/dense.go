package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// denseLayer applies a matrix, a bias and an activation to each step by itself, as
// TensorFlow 1's tf.layers.dense: y = f(x kernel + bias). TensorFlow's own operations do so
// in both forms: such a layer is little but products.
type denseLayer struct {
	cfg        Config
	number     int // from 0, of all layers
	inputs     int // columns of what comes before it
	units      int // U
	activation Activation
	dx         bool // as a layer's
}

func (d denseLayer) weights() []variable {
	in, out, scope := int64(d.inputs), int64(d.units), d.cfg.denseScope(d.number)
	return []variable{glorot(scope+"kernel", d.cfg.layerSeeds(d.number, 0), in, out), zeros(scope+"bias", out)}
}

// traits count the sums and the outputs.
func (d denseLayer) traits() traits { return traits{values: 2 * d.units, threaded: true, pooled: true} }

// forward is [T,B,F] -> [T,B,U].
func (d denseLayer) forward(s *op.Scope, x tf.Output, w []tf.Output, _ *pass) (tf.Output, backward) {
	shape := op.Shape(s.SubScope("shape"), x)
	flat := reshape(s.SubScope("flat"), x, -1, int32(d.inputs)) // [T*B,F]
	y := d.activation.of(s, dense(s, flat, w[0], w[1]))
	return d.unflattened(s.SubScope("y"), y, shape), func(s *op.Scope, dy tf.Output) (dx tf.Output, dw []tf.Output) {
		dsum := d.activation.gradient(s, y, reshape(s.SubScope("flat"), dy, -1, int32(d.units)))
		dkernel := op.MatMul(s.SubScope("dkernel"), flat, dsum, op.MatMulTransposeA(true)) // [T*B,F]' x [T*B,U] -> [F,U]
		if d.dx {
			dx = op.Reshape(s.SubScope("dx"), op.MatMul(s.SubScope("dflat"), dsum, w[0], op.MatMulTransposeB(true)), shape)
		}
		return dx, []tf.Output{dkernel, op.BiasAddGrad(s, dsum)}
	}
}

// unflattened is y [T*B,U] as [T,B,U], of an input of shape [T,B,F].
func (d denseLayer) unflattened(s *op.Scope, y, shape tf.Output) tf.Output {
	at := func(name string, value int32) tf.Output { return op.Const(s.SubScope(name), []int32{value}) }
	steps := op.Slice(s, shape, at("first", 0), at("two", 2)) // T, B
	return op.Reshape(s, y, joined(s.SubScope("shape"), []tf.Output{steps, at("units", int32(d.units))}, 0))
}

// of is the activation of sums.
func (a Activation) of(s *op.Scope, sums tf.Output) tf.Output {
	if a == Tanh {
		return op.Tanh(s, sums)
	}
	return op.Relu(s, sums)
}

// gradient is the loss's with respect to sums whose activation is y.
func (a Activation) gradient(s *op.Scope, y, dy tf.Output) tf.Output {
	if a == Tanh {
		return op.TanhGrad(s, y, dy)
	}
	return op.ReluGrad(s, dy, y)
}
