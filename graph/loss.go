package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// labelType is how the labels are stored for a loss: values for MSE, class
// indices otherwise.
func (l Loss) labelType() tf.DataType {
	if l == MSE {
		return tf.Float
	}
	return tf.Int32
}

// score compares logits [T*B,O] with labels [T*B], each step weighing w [T*B]. It
// returns the weighted mean of the steps' losses, 0 when no step has a weight,
// and the mean's gradient by the logits.
//
// The gradient of a weighted mean by its terms is known, w/sum(w), so that
// differentiation starts at the terms.
func (c Config) score(s *op.Scope, logits, labels, w tf.Output) (mean, dlogits tf.Output) {
	all := op.Const(s.SubScope("all"), []int32{0})
	share := op.DivNoNan(s.SubScope("share"), w, op.Sum(s.SubScope("total"), w, all))
	term, backprop := c.terms(s, logits, labels)
	mean = op.Sum(s.SubScope("mean"), op.Mul(s.SubScope("weighted"), term, share), all)
	if c.Loss == MSE {
		return mean, op.Gradients(s.SubScope("dlogits"), []tf.Output{term}, []tf.Output{logits}, share)[0]
	}
	// The cross-entropies' second output is their gradient; for the sparse one
	// TensorFlow's C++ gradients know no other.
	column := op.ExpandDims(s.SubScope("column"), share, op.Const(s.SubScope("axis"), int32(1)))
	return mean, op.Mul(s.SubScope("dlogits"), backprop, column)
}

// terms gives every step's loss, [T*B], and but for MSE its gradient by the
// logits, [T*B,O].
func (c Config) terms(s *op.Scope, logits, labels tf.Output) (term, backprop tf.Output) {
	switch c.Loss {
	case MSE:
		values := reshape(s.SubScope("values"), logits, -1)
		return op.Square(s, op.Sub(s.SubScope("error"), values, labels)), tf.Output{}
	case SparseXent:
		return op.SparseSoftmaxCrossEntropyWithLogits(s, logits, labels)
	case Focal:
		xent, dlogits := op.SparseSoftmaxCrossEntropyWithLogits(s, logits, labels)
		term, dxent := c.focal(s.SubScope("focal"), xent)
		column := op.ExpandDims(s.SubScope("column"), dxent, op.Const(s.SubScope("axis"), int32(1)))
		return term, op.Mul(s.SubScope("backprop"), dlogits, column)
	default:
		classes := op.OneHot(s.SubScope("one_hot"), labels,
			op.Const(s.SubScope("depth"), int32(c.Loss.Outputs())),
			op.Const(s.SubScope("on"), float32(1)), op.Const(s.SubScope("off"), float32(0)))
		return op.SoftmaxCrossEntropyWithLogits(s, logits, classes)
	}
}

// focal makes focal losses of cross-entropies, and gives their gradient by them.
// With p = exp(-xent), the label's probability, and q = 1-p,
//
//	focal = q^gamma xent
//	dfocal/dxent = q^gamma (1 + gamma p xent/q)
//
// whose last quotient goes to 1 where q goes to 0.
func (c Config) focal(s *op.Scope, xent tf.Output) (focal, gradient tf.Output) {
	gamma, one := op.Const(s.SubScope("gamma"), c.FocalGamma), op.Const(s.SubScope("one"), float32(1))
	minus := op.Neg(s.SubScope("minus"), xent)
	p := op.Exp(s.SubScope("p"), minus)
	q := op.Neg(s.SubScope("q"), op.Expm1(s.SubScope("minus_q"), minus))
	power := op.Pow(s.SubScope("power"), q, gamma)
	quotient := op.Mul(s.SubScope("numerator"), p, op.DivNoNan(s.SubScope("quotient"), xent, q))
	slope := op.AddV2(s.SubScope("slope"), one, op.Mul(s.SubScope("times_gamma"), gamma, quotient))
	return op.Mul(s.SubScope("focal"), power, xent), op.Mul(s.SubScope("gradient"), power, slope)
}
