package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// optimizer is one way to move weights against their gradients, in an operation
// of TensorFlow's for each weight.
type optimizer interface {
	// slots are what it keeps for the weight w. Names are those that TensorFlow 1's
	// optimizer gives them: the weight's with a suffix.
	slots(w variable) []variable

	// scalars are what it keeps for all weights together. The training loop carries
	// them from step to step by value.
	scalars() []variable

	// step prepares a step at the learning rate, with shared for the values of
	// scalars. It returns what moves one weight, and the next step's shared. Unless
	// finite, which is a bool, rate and gradients are zero and all of the state must stay
	// as it is.
	step(s *op.Scope, h handles, shared []tf.Output, rate, finite tf.Output) (move, []tf.Output)
}

// move adds the operation that moves w against its gradient.
type move func(s *op.Scope, w variable, grad tf.Output) *tf.Operation

func (c Config) optimizer() optimizer {
	switch c.Optimizer {
	case SGD:
		return sgd{}
	case RMSProp:
		return rmsProp{}
	case AdamW:
		return adamW{adam{c, "/AdamW", "/AdamW_1"}}
	default:
		return adam{c, firstMoment, secondMoment}
	}
}

// optimizerVariables are the optimizer's own: slots, weight by weight, and
// scalars.
func (c Config) optimizerVariables(weights []variable) []variable {
	o := c.optimizer()
	var own []variable
	for _, w := range weights {
		own = append(own, o.slots(w)...)
	}
	return append(own, o.scalars()...)
}

// Suffixes of Adam's moments.
const (
	firstMoment  = "/Adam"
	secondMoment = "/Adam_1"
)

// adam keeps two moments for each weight, and the powers of both betas. The
// powers are float32 and multiplied up step by step, as in TensorFlow 1;
// computing them afresh in float64 drifts away from the original's weights by
// 5e-6 within ten steps.
type adam struct {
	cfg           Config
	first, second string // moments' suffixes
}

func (a adam) slots(w variable) []variable {
	return []variable{filled(w.name+a.first, w.shape, 0), filled(w.name+a.second, w.shape, 0)}
}

func (a adam) scalars() []variable {
	return []variable{scalar("beta1_power", a.cfg.Beta1), scalar("beta2_power", a.cfg.Beta2)}
}

func (a adam) step(s *op.Scope, h handles, powers []tf.Output, rate, finite tf.Output) (move, []tf.Output) {
	beta1 := orOne(s.SubScope("beta1"), finite, a.cfg.Beta1)
	beta2 := orOne(s.SubScope("beta2"), finite, a.cfg.Beta2)
	epsilon := op.Const(s.SubScope("epsilon"), a.cfg.Epsilon)
	move := func(s *op.Scope, w variable, grad tf.Output) *tf.Operation {
		return op.ResourceApplyAdam(s, h[w.name], h[w.name+a.first], h[w.name+a.second],
			powers[0], powers[1], rate, beta1, beta2, epsilon, grad)
	}
	return move, []tf.Output{
		op.Mul(s.SubScope("next1"), powers[0], beta1),
		op.Mul(s.SubScope("next2"), powers[1], beta2),
	}
}

// adamW lets weight matrices decay by their own size before Adam's step, beside the
// gradient and its moments (Loshchilov and Hutter, Decoupled Weight Decay
// Regularization, 2019). As in Keras, the decay is times the learning rate; biases, which
// do not make a network overfit, keep theirs. TensorFlow 1's
// tf.contrib.opt.AdamWOptimizer, whose names these are, takes the product as its
// weight_decay.
type adamW struct{ adam }

func (a adamW) step(s *op.Scope, h handles, powers []tf.Output, rate, finite tf.Output) (move, []tf.Output) {
	decay := op.Mul(s.SubScope("fraction"), rate, op.Const(s.SubScope("decay"), a.cfg.WeightDecay))
	adam, next := a.adam.step(s, h, powers, rate, finite)
	return func(s *op.Scope, w variable, grad tf.Output) *tf.Operation {
		if len(dims(w.shape)) < 2 {
			return adam(s, w, grad)
		}
		// A weight's gradient comes of the step's one reading of it, which is over then.
		now := h.read(s.WithControlDependencies(grad.Op), w)
		decayed := op.AssignSubVariableOp(s, h[w.name], op.MulNoNan(s.SubScope("lost"), now, decay)) // 0 of a weight that is infinite is 0
		return adam(s.WithControlDependencies(decayed), w, grad)
	}, next
}

// rmsProp divides by the root of a running mean of squares (Hinton, lecture 6e of
// Neural Networks for Machine Learning, 2012), with the settings of TensorFlow
// 1's RMSPropOptimizer: the mean begins at 1, epsilon is under the root.
type rmsProp struct{}

// Suffixes of the mean of squares and of the last move.
const (
	meanSquare = "/RMSProp"
	lastMove   = "/RMSProp_1"
)

func (rmsProp) slots(w variable) []variable {
	return []variable{filled(w.name+meanSquare, w.shape, 1), filled(w.name+lastMove, w.shape, 0)}
}

func (rmsProp) scalars() []variable { return nil }

func (rmsProp) step(s *op.Scope, h handles, _ []tf.Output, rate, finite tf.Output) (move, []tf.Output) {
	decay := orOne(s.SubScope("decay"), finite, 0.9)
	momentum := op.Const(s.SubScope("momentum"), float32(0))
	epsilon := op.Const(s.SubScope("epsilon"), float32(1e-10))
	return func(s *op.Scope, w variable, grad tf.Output) *tf.Operation {
		last := filled(w.name+lastMove, w.shape, 0)
		before := h.read(s.SubScope("before"), last)
		moved := op.ResourceApplyRMSProp(s.WithControlDependencies(before.Op), h[w.name], h[w.name+meanSquare], h[last.name],
			rate, decay, momentum, epsilon, grad)
		after := h.read(s.SubScope("after").WithControlDependencies(moved), last)
		return op.AssignVariableOp(s, h[last.name], op.Select(s, finite, after, before))
	}, nil
}

// orOne is a decay, or 1 for a step that must leave what decays as it is.
func orOne(s *op.Scope, finite tf.Output, decay float32) tf.Output {
	return op.Select(s, finite, op.Const(s.SubScope("decay"), decay), op.Const(s.SubScope("one"), float32(1)))
}

// sgd moves weights by the gradient times the learning rate.
type sgd struct{}

func (sgd) slots(variable) []variable { return nil }
func (sgd) scalars() []variable       { return nil }

func (sgd) step(_ *op.Scope, h handles, _ []tf.Output, rate, _ tf.Output) (move, []tf.Output) {
	return func(s *op.Scope, w variable, grad tf.Output) *tf.Operation {
		return op.ResourceApplyGradientDescent(s, h[w.name], rate, grad)
	}, nil
}
