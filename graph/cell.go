package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// recurrence is a layer of plain recurrent cells, h_t = f(x_t Wx + h_{t-1} Wh + b),
// in one of its forms.
type recurrence interface {
	// forward runs the layer over x [T,B,F] from the state h0 [B,U], or from zeros
	// when h0 is not set. kernel [F+U,U] holds Wx above Wh, bias is [U].
	forward(s *op.Scope, x, h0, kernel, bias tf.Output) unrolled
}

// unrolls says that the graph holds each of Config.Steps on its own.
func (c Config) unrolls() bool { return c.Kernel == KernelPortable }

func (c Config) recurrence() recurrence {
	if c.unrolls() {
		return portable{c}
	}
	return fused{c}
}

// unrolled is a layer that has run over a batch of sequences.
type unrolled struct {
	states tf.Output // [T,B,U], after every step
	last   tf.Output // [B,U], after the last step

	// backward takes the loss's gradient by states, [T,B,U], and returns that
	// by kernel and by bias.
	backward func(s *op.Scope, dstates tf.Output) []tf.Output
}

// reshape is op.Reshape to constant dimensions, -1 for the one that follows.
func reshape(s *op.Scope, v tf.Output, dims ...int32) tf.Output {
	return op.Reshape(s, v, op.Const(s.SubScope("shape"), dims))
}
