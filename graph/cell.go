package graph

import (
	"cmp"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
)

// cell knows one step of a recurrent layer, in one direction.
type cell interface {
	// weights are its variables, in the order in which the fused operations take them.
	// scope stands before their names.
	weights(scope string, inputs int, from seeds) []variable

	// states is the number of arrays [B,U] that go from step to step.
	states() int

	// step is the output [B,U] after x [B,F], and the state for the next step.
	step(s *op.Scope, x tf.Output, state, w []tf.Output) (h tf.Output, next []tf.Output)

	// kernel is its name in the fused operations, "" where they do not know it.
	kernel() string
}

func (l Layer) cell() cell {
	switch l.Cell {
	case LSTM:
		return lstmCell{l.Units}
	case GRU:
		return gruCell{l.Units}
	case GRUResetBefore:
		return gruResetBefore{l.Units}
	default:
		return plainCell{units: l.Units, activation: cmp.Or(l.Activation, ReLU)}
	}
}

// dense is x [B,F] w + bias, [B,F] x [F,U] -> [B,U].
func dense(s *op.Scope, x, w, bias tf.Output) tf.Output {
	return op.BiasAdd(s, op.MatMul(s, x, w), bias)
}

// beside is [x, h], [B,F] and [B,U] -> [B,F+U].
func beside(s *op.Scope, x, h tf.Output) tf.Output { return joined(s, []tf.Output{x, h}, 1) }

// blocks divides [B,n*U] into n times [B,U].
func blocks(s *op.Scope, v tf.Output, n int) []tf.Output {
	parts := op.Split(s, op.Const(s.SubScope("axis"), int32(1)), v, int64(n))
	if len(parts) != n { // the scope holds why
		return make([]tf.Output, n)
	}
	return parts
}

// mix is u a + (1-u) b.
func mix(s *op.Scope, u, a, b tf.Output) tf.Output {
	rest := op.Sub(s.SubScope("rest"), op.Const(s.SubScope("one"), float32(1)), u)
	return op.AddV2(s, op.Mul(s.SubScope("old"), u, a), op.Mul(s.SubScope("new"), rest, b))
}

// resetAndUpdate are a GRU's gates r and u [B,U], the blocks of columns of sigmoid([x, h]
// w[0] + w[1]).
func resetAndUpdate(s *op.Scope, x, h tf.Output, w []tf.Output) (r, u tf.Output) {
	gates := blocks(s, op.Sigmoid(s, dense(s, beside(s, x, h), w[0], w[1])), 2)
	return gates[0], gates[1]
}

// plainCell is TensorFlow 1's BasicRNNCell, h' = f([x, h] kernel + bias).
type plainCell struct {
	units      int
	activation Activation
	exact      bool // tanh is not TensorFlow's own
}

// weights are kernel [F+U,U], the input's rows above the state's, and bias [U].
func (p plainCell) weights(scope string, inputs int, from seeds) []variable {
	f, u := int64(inputs), int64(p.units)
	scope += "basic_rnn_cell/"
	return []variable{glorot(scope+"kernel", from, f+u, u), zeros(scope+"bias", u)}
}

func (p plainCell) states() int    { return 1 }
func (p plainCell) kernel() string { return string(p.activation) }

func (p plainCell) step(s *op.Scope, x tf.Output, state, w []tf.Output) (tf.Output, []tf.Output) {
	sums := dense(s, beside(s, x, state[0]), w[0], w[1])
	if p.exact && p.activation == Tanh {
		h := exactTanh(s.SubScope("tanh"), sums)
		return h, []tf.Output{h}
	}
	h := p.activation.of(s, sums)
	return h, []tf.Output{h}
}

// exactTanh is tanh to 1e-7. TensorFlow's own is off by up to 4e-7 between 3 and 9, mostly to one
// side: units that are nearly 1 or -1 add up to more than 1e-6. The exponential is kept finite.
func exactTanh(s *op.Scope, x tf.Output) tf.Output {
	one := op.Const(s.SubScope("one"), float32(1))
	twice := op.Mul(s.SubScope("twice"), x, op.Const(s.SubScope("minus_two"), float32(-2)))
	e := op.Exp(s, op.Minimum(s, twice, op.Const(s.SubScope("most"), float32(60))))
	return op.RealDiv(s, op.Sub(s, one, e), op.AddV2(s, one, e))
}

// lstmCell is TensorFlow 1's BasicLSTMCell (Hochreiter and Schmidhuber, Long Short-Term
// Memory, 1997; Gers and others, Learning to Forget, 2000). With i, j, f and o the
// blocks of columns of [x, h] kernel + bias,
//
//	c' = c sigmoid(f + 1) + sigmoid(i) tanh(j)
//	h' = tanh(c') sigmoid(o)
type lstmCell struct{ units int }

// weights are kernel [F+U,4U], the input's rows above the state's, and bias [4U].
func (l lstmCell) weights(scope string, inputs int, from seeds) []variable {
	scope += "basic_lstm_cell/"
	return []variable{gates(scope+"kernel", from, inputs, l.units, 4), zeros(scope+"bias", 4*int64(l.units))}
}

func (l lstmCell) states() int    { return 2 } // c, h
func (l lstmCell) kernel() string { return kernels.CellLSTM }

func (l lstmCell) step(s *op.Scope, x tf.Output, state, w []tf.Output) (tf.Output, []tf.Output) {
	g := blocks(s, dense(s, beside(s, x, state[1]), w[0], w[1]), 4)
	i, j, o := op.Sigmoid(s.SubScope("i"), g[0]), op.Tanh(s.SubScope("j"), g[1]), op.Sigmoid(s.SubScope("o"), g[3])
	// 1 more keeps the memory until training has learned what to forget
	f := op.Sigmoid(s.SubScope("f"), op.AddV2(s.SubScope("forget"), g[2], op.Const(s.SubScope("one"), float32(1))))
	c := op.AddV2(s.SubScope("c"), op.Mul(s.SubScope("kept"), state[0], f), op.Mul(s.SubScope("added"), i, j))
	h := op.Mul(s.SubScope("h"), op.Tanh(s.SubScope("squashed"), c), o)
	return h, []tf.Output{c, h}
}

// gruCell is TensorFlow 1's CudnnCompatibleGRUCell and Keras's GRU, which resets after
// the product with the state (Cho and others, Learning Phrase Representations using RNN
// Encoder-Decoder, 2014, in cuDNN's form). With r and u the blocks of columns of
// sigmoid([x, h] gates + bias),
//
//	n  = tanh(x Wx + bx + r (h Wh + bh))
//	h' = u h + (1 - u) n
type gruCell struct{ units int }

// weights are the gates' [F+U,2U] and [2U], the input's projection [F,U] and [U], and
// the state's [U,U] and [U].
func (g gruCell) weights(scope string, inputs int, from seeds) []variable {
	scope += "cudnn_compatible_gru_cell/"
	u := int64(g.units)
	return []variable{
		gates(scope+"gates/kernel", from, inputs, g.units, 2), ones(scope+"gates/bias", 2*u),
		glorot(scope+"candidate/input_projection/kernel", from.next(2), int64(inputs), u), zeros(scope+"candidate/input_projection/bias", u),
		gates(scope+"candidate/hidden_projection/kernel", from.next(3), 0, g.units, 1), zeros(scope+"candidate/hidden_projection/bias", u),
	}
}

func (g gruCell) states() int    { return 1 }
func (g gruCell) kernel() string { return kernels.CellGRU }

func (g gruCell) step(s *op.Scope, x tf.Output, state, w []tf.Output) (tf.Output, []tf.Output) {
	h := state[0]
	r, u := resetAndUpdate(s, x, h, w)
	fromState := dense(s.SubScope("hidden"), h, w[4], w[5])
	sum := op.AddV2(s.SubScope("sum"), dense(s.SubScope("input"), x, w[2], w[3]), op.Mul(s.SubScope("reset"), r, fromState))
	next := mix(s.SubScope("mix"), u, h, op.Tanh(s.SubScope("n"), sum))
	return next, []tf.Output{next}
}

// gruResetBefore is TensorFlow 1's GRUCell, which resets the state before its product:
//
//	n  = tanh([x, r h] candidate + bias)
//	h' = u h + (1 - u) n
type gruResetBefore struct{ units int }

// weights are the gates' [F+U,2U] and [2U], and the candidate's [F+U,U] and [U].
func (g gruResetBefore) weights(scope string, inputs int, from seeds) []variable {
	scope += "gru_cell/"
	u := int64(g.units)
	return []variable{
		gates(scope+"gates/kernel", from, inputs, g.units, 2), ones(scope+"gates/bias", 2*u),
		gates(scope+"candidate/kernel", from.next(2), inputs, g.units, 1), zeros(scope+"candidate/bias", u),
	}
}

func (g gruResetBefore) states() int    { return 1 }
func (g gruResetBefore) kernel() string { return "" }

func (g gruResetBefore) step(s *op.Scope, x tf.Output, state, w []tf.Output) (tf.Output, []tf.Output) {
	h := state[0]
	r, u := resetAndUpdate(s, x, h, w)
	reset := beside(s.SubScope("reset"), x, op.Mul(s.SubScope("r"), r, h))
	next := mix(s.SubScope("mix"), u, h, op.Tanh(s.SubScope("n"), dense(s.SubScope("candidate"), reset, w[2], w[3])))
	return next, []tf.Output{next}
}

// resetting is a cell that begins anew in the middle of a sequence: the last of its input's
// columns, behind the other cell's, is what the state is multiplied with before the step.
type resetting struct {
	cell
	inputs int // of the other cell
}

func (r resetting) kernel() string { return "" }

func (r resetting) step(s *op.Scope, x tf.Output, state, w []tf.Output) (tf.Output, []tf.Output) {
	sizes := op.Const(s.SubScope("sizes"), []int32{int32(r.inputs), 1})
	parts := op.SplitV(s, x, sizes, op.Const(s.SubScope("axis"), int32(1)), 2)
	kept := make([]tf.Output, len(state))
	for i := range state {
		kept[i] = op.Mul(s.SubScope("kept"), state[i], nth(parts, 1))
	}
	return r.cell.step(s.SubScope("cell"), nth(parts, 0), kept, w)
}
