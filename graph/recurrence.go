package graph

import (
	"cmp"
	"path"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// recurrence is a layer that is to run over a batch of sequences.
type recurrence struct {
	graph      *tf.Graph   // to add it to
	cell       cell        // of each direction
	steps      int         // T, for training
	inputs     int         // F
	units      int         // U
	directions int         // D
	x          tf.Output   // [T,B,F]
	lengths    tf.Output   // [B], the steps of each sequence; unset when all have T
	initial    []tf.Output // [B,U] for each state of each direction; nil for zeros
	w          []tf.Output // the values of the layer's weights
	training   bool        // backward will be asked for
	dx         bool        // with the gradient with respect to x
}

// of is the part for one direction of a list for all.
func (r recurrence) of(direction int, list []tf.Output) []tf.Output {
	n := len(list) / r.directions
	return list[direction*n : (direction+1)*n]
}

// unroll runs the cell over windows x [T,B,F] in one direction, with a group of operations
// for each step. state are its states [B,U] before the first step, last those after the
// last one, and w the values of its weights.
func (r recurrence) unroll(s *op.Scope, x tf.Output, state, w []tf.Output) (outputs tf.Output, last []tf.Output) {
	steps := op.Unpack(s.SubScope("steps"), x, int64(r.steps)) // T times [B,F]
	all := make([]tf.Output, r.steps)
	for t := range all {
		all[t], state = r.cell.step(s.SubScope("step"), nth(steps, t), state, w)
	}
	return op.Pack(s.SubScope("states"), all), state
}

// loop is unroll with a functional While, for any number of steps of at least 1.
//
// Its variables have the order of tf.while_loop's, which converters to other formats
// expect: the step's number, the number of steps, the list of outputs straight from
// TensorListReserve, that of inputs, the states, and the weights, which stay the same. It is
// named after the cell where that has a name.
func (r recurrence) loop(s *op.Scope, x tf.Output, state, w []tf.Output) (outputs tf.Output, last []tf.Output) {
	row := func(s *op.Scope, width int) tf.Output { return op.Const(s.SubScope("row"), []int32{-1, int32(width)}) }
	steps := size(s.SubScope("steps"), x, 0)
	reserved := op.TensorListReserve(s, row(s, r.units), steps, tf.Float)
	rows := op.TensorListFromTensor(s, x, row(s, r.inputs))
	initial := slices.Concat([]tf.Output{op.Const(s.SubScope("first"), int32(0)), steps, reserved, rows}, state, w)
	if s.Err() != nil {
		return tf.Output{}, state
	}
	body := func(_ *tf.Graph, s *op.Scope, in []tf.Output) []tf.Output {
		at, states, w := in[0], in[4:4+len(state)], in[4+len(state):]
		h, next := r.cell.step(s.SubScope("cell"), op.TensorListGetItem(s, in[3], at, row(s, r.inputs), tf.Float), states, w)
		after := op.AddV2(s, at, op.Const(s.SubScope("one"), int32(1)))
		return slices.Concat([]tf.Output{after, in[1], op.TensorListSetItem(s, in[2], at, h), in[3]}, next, w)
	}
	more := func(_ *tf.Graph, s *op.Scope, in []tf.Output) []tf.Output {
		return []tf.Output{op.Less(s, in[0], in[1])}
	}
	name := path.Dir(reserved.Op.Name()) + "/" + cmp.Or(r.cell.kernel(), "While") // in s, whose name only its operations tell
	end, err := addWhile(r.graph, name, "", "", initial, more, body)
	if err != nil {
		s.UpdateErr("While", err)
		return tf.Output{}, state
	}
	return op.TensorListStack(s, end[2], row(s, r.units), tf.Float), end[4 : 4+len(state)]
}

// size is that of v along an axis, a scalar.
func size(s *op.Scope, v tf.Output, axis int32) tf.Output {
	return op.GatherV2(s, op.Shape(s, v), op.Const(s.SubScope("at"), axis), op.Const(s.SubScope("axis"), int32(0)))
}
