package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// backend makes the parts of a graph that [Form] chooses operations for: TensorFlow's or
// ours. Results agree to rounding.
type backend interface {
	// windows cuts out of the series what the plan's step number at works on.
	windows(s *op.Scope, p plan, at tf.Output) batch

	// recur runs a layer over time. It returns the outputs [T,B,D*U] of every step and
	// the states after step T. Past a sequence's end both are undefined, and the outputs
	// must have no gradient there.
	recur(s *op.Scope, r recurrence) (outputs tf.Output, last []tf.Output, back backward)

	// noise adds InputNoise times normal numbers to x, which seeds [2] decide.
	noise(s *op.Scope, x, seeds tf.Output) tf.Output

	// dropout sets values of arrays as large as x to 0 and scales the others up: the same
	// ones in each array, which seeds [2] decide.
	dropout(s *op.Scope, x, seeds tf.Output) func(s *op.Scope, v tf.Output) tf.Output

	// crossEntropy adds TensorFlow's operation of a kind, kernels.Xent or SparseXent. It
	// returns each row's loss [N], and its gradient with respect to the logits [N,C].
	crossEntropy(s *op.Scope, kind string, logits, labels tf.Output) (loss, slope tf.Output)

	// update moves all weights against their gradients. If the loss or the norm is not
	// finite, all of the state keeps its values.
	update(s *op.Scope, h handles, u update) updated

	// record writes a step's loss and norm into the report. It returns the number of
	// the next step: at+1, or diverged when one of them is not finite.
	record(s *op.Scope, report, at, loss, norm tf.Output) (next tf.Output)
}

func (c Config) backend() backend {
	if c.Form == FormPortable {
		return portable{c}
	}
	return fused{portable{c}}
}

// backendOf is the backend of a layer of a cell.
func (c Config) backendOf(l cell) backend {
	if c.fuses(l) {
		return c.backend()
	}
	return portable{c}
}

// fuses reports whether operations of ours run a cell. Not every cell has them.
func (c Config) fuses(l cell) bool { return c.Form != FormPortable && l.kernel() != "" }

// plan is what the training steps of a call work on: the series, and for each step the
// windows and the learning rate.
type plan struct {
	x       tf.Output // [N,F]
	y       tf.Output // [N]
	w       tf.Output // [N]
	windows tf.Output // [K,B,3]: the first row of each, the first row of its series, and the row after the series
	rates   tf.Output // [K]
}

func (p plan) list() []tf.Output { return []tf.Output{p.x, p.y, p.w, p.windows, p.rates} }

// batch is what one step of a plan works on: windows, time-major.
type batch struct {
	x       tf.Output // [T,B,L*F]
	labels  tf.Output // [T*B]
	weights tf.Output // [T*B], of each row's loss in the mean: the row's divided by the number of rows with one; 0 if there are none, and past a window's end
	lengths tf.Output // [B], the number of rows in each window
	rate    tf.Output // scalar
}

// update is what a step's update is made from.
type update struct {
	rate   tf.Output   // scalar
	loss   tf.Output   // scalar
	grads  []gradient  // in the order of the network's weights
	shared []tf.Output // the optimizer's scalars
}

// updated is what an update gives.
type updated struct {
	norm   tf.Output       // scalar, of all gradients together
	shared []tf.Output     // the optimizer's scalars for the next step
	done   []*tf.Operation // to wait for
}
