package graph

import (
	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// score compares outputs [T*B,O] with a batch's labels. It returns the mean, over the
// rows with a weight, of each one's loss times its weight, 0 when there are none; and the
// mean's gradient with respect to the outputs.
//
// A row of weight 0 has no effect on the mean, even if its loss is infinite or not a
// number: hence MulNoNan, which gives 0 there, and a differentiation that starts at the
// terms, as the mean's gradient with respect to its terms is known to be the weights.
func (c Config) score(s *op.Scope, outputs tf.Output, b batch) (mean, doutputs tf.Output) {
	term, slope := c.terms(s, outputs, b.labels)
	mean = op.Sum(s.SubScope("mean"), op.MulNoNan(s.SubScope("weighted"), term, b.weights), op.Const(s.SubScope("all"), []int32{0}))
	return mean, op.MulNoNan(s.SubScope("doutputs"), slope, column(s.SubScope("column"), b.weights))
}

// terms gives every row's loss [T*B], and its gradient with respect to the outputs
// [T*B,O].
func (c Config) terms(s *op.Scope, outputs, labels tf.Output) (term, slope tf.Output) {
	switch c.Loss {
	case MSE:
		miss := op.Sub(s.SubScope("error"), reshape(s.SubScope("values"), outputs, -1), labels)
		twice := op.AddV2(s.SubScope("twice"), miss, miss)
		return op.Square(s, miss), column(s.SubScope("slope"), twice)
	case SparseXent:
		return c.backend().crossEntropy(s, kernels.SparseXent, outputs, labels)
	case Focal:
		xent, dxent := c.backend().crossEntropy(s, kernels.SparseXent, outputs, labels)
		term, slope := c.focal(s.SubScope("focal"), xent)
		return term, op.Mul(s.SubScope("slope"), dxent, column(s.SubScope("column"), slope))
	default:
		classes := op.OneHot(s.SubScope("one_hot"), labels, op.Const(s.SubScope("depth"), int32(c.Classes)),
			op.Const(s.SubScope("on"), float32(1)), op.Const(s.SubScope("off"), float32(0)))
		return c.backend().crossEntropy(s, kernels.Xent, outputs, classes)
	}
}

// column is [N] as [N,1].
func column(s *op.Scope, v tf.Output) tf.Output {
	return op.ExpandDims(s, v, op.Const(s.SubScope("axis"), int32(1)))
}

// focal turns cross-entropies into focal losses, and gives the gradient of the
// latter with respect to the former.
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
