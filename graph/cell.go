package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// plainCell is one step of a recurrent layer, h' = f([x, h] kernel + bias).
type plainCell struct {
	Layer
	inputs int    // F
	scope  string // before the names of its variables
	seeds  seeds  // of the kernel's initial values
}

// weights are kernel [F+U,U], the input's rows above the state's, and bias [U].
func (p plainCell) weights() []variable {
	f, u := int64(p.inputs), int64(p.Units)
	return []variable{glorot(p.scope+cellKernel, p.seeds, f+u, u), zeros(p.scope+cellBias, u)}
}

// step is the state [B,U] after x [B,F], from the state h [B,U].
func (p plainCell) step(s *op.Scope, x, h tf.Output, w []tf.Output) tf.Output {
	both := op.ConcatV2(s, []tf.Output{x, h}, op.Const(s.SubScope("axis"), int32(1))) // [B,F+U]
	sum := op.BiasAdd(s, op.MatMul(s, both, w[0]), w[1])
	if p.Activation == Tanh {
		return op.Tanh(s, sum)
	}
	return op.Relu(s, sum)
}
