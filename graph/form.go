package graph

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// form makes the parts of a graph for which there is a choice between TensorFlow's
// operations and ours, see [Form]. Whatever it is, results agree to rounding.
type form interface {
	// windows cuts what the plan's step at works on.
	windows(s *op.Scope, p plan, at tf.Output) batch

	// recur runs a cell over time. It returns the outputs [T,B,D*U] of every step and
	// the states after step T. Behind a sequence's length neither means anything, and
	// the outputs must have no gradient there.
	recur(s *op.Scope, r recurrence) (outputs tf.Output, last []tf.Output, back backward)

	// crossEntropy adds TensorFlow's operation of a kind, kernels.Xent or SparseXent. It
	// returns each row's loss [N], and its gradient with respect to the logits [N,C].
	crossEntropy(s *op.Scope, kind string, logits, labels tf.Output) (loss, slope tf.Output)

	// update moves every weight against its gradient.
	update(s *op.Scope, h handles, u update) updated

	// record writes a step's loss and norm into the report. It returns the number of
	// the next step: at+1, or diverged when one of them is not finite.
	record(s *op.Scope, report, at, loss, norm tf.Output) (next tf.Output)
}

func (c Config) form() form {
	if c.Form == FormPortable {
		return portable{c}
	}
	return fused{portable{c}}
}

// formOf is the form for a layer of a cell: not all cells have operations of ours.
func (c Config) formOf(l cell) form {
	if l.kernel() == "" {
		return portable{c}
	}
	return c.form()
}

// unrolls reports whether the graph holds each step of a window on its own.
func (c Config) unrolls() bool {
	return c.Form == FormPortable || slices.ContainsFunc(c.Layers, func(l Layer) bool { return l.cell().kernel() == "" })
}

// recurrence is a layer that is to run over a batch of sequences.
type recurrence struct {
	cell       cell
	units      int         // U
	directions int         // D
	x          tf.Output   // [T,B,F]
	lengths    tf.Output   // [B], the steps of each sequence; unset when all have T
	initial    []tf.Output // [B,U] for each state of each direction; nil for zeros
	w          []tf.Output // the values of the layer's weights
	training   bool        // backward will be asked for
	dx         bool        // with the gradient with respect to x
}

// of is a direction's part of a list that holds one for each.
func (r recurrence) of(direction int, list []tf.Output) []tf.Output {
	n := len(list) / r.directions
	return list[direction*n : (direction+1)*n]
}

// plan is what training steps work on: the series, and for each step the windows
// and the learning rate.
type plan struct {
	x       tf.Output // [N,F]
	y       tf.Output // [N]
	w       tf.Output // [N]
	windows tf.Output // [K,B,3]: the first row of each, that of its series, and the row behind that
	rates   tf.Output // [K]
}

func (p plan) list() []tf.Output { return []tf.Output{p.x, p.y, p.w, p.windows, p.rates} }

// batch is what one step of a plan works on: windows, time-major.
type batch struct {
	x       tf.Output // [T,B,L*F]
	labels  tf.Output // [T*B]
	share   tf.Output // [T*B], its weight divided by the number of rows with one; zeros when there is none, and behind a window's end
	lengths tf.Output // [B], the windows' rows
	rate    tf.Output // scalar
}

// update is what a step's update goes by.
type update struct {
	rate   tf.Output   // scalar
	loss   tf.Output   // scalar
	grads  []gradient  // in the order of the network's weights
	shared []tf.Output // the optimizer's scalars
}

// updated is what comes of an update.
type updated struct {
	norm   tf.Output       // scalar, of all gradients together
	shared []tf.Output     // the optimizer's scalars for the next step
	done   []*tf.Operation // to wait for
}
