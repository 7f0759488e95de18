package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Names that TensorFlow 1's AdamOptimizer gives its variables: a weight's two
// moments carry the weight's name with a suffix.
const (
	firstMoment  = "/Adam"
	secondMoment = "/Adam_1"
	beta1Power   = "beta1_power"
	beta2Power   = "beta2_power"
)

// adamVariables are Adam's own: two moments for each weight, and the powers of
// both betas. The powers are float32 and multiplied up step by step, as in
// TensorFlow 1; computing them afresh in float64 drifts away from the
// original's weights by 5e-6 within ten steps.
func (c Config) adamVariables(weights []variable) []variable {
	var own []variable
	for _, w := range weights {
		shape, _ := w.shape.ToSlice()
		own = append(own, zeros(w.name+firstMoment, shape...), zeros(w.name+secondMoment, shape...))
	}
	return append(own, scalar(beta1Power, c.Beta1), scalar(beta2Power, c.Beta2))
}

// powers are Adam's two, as values.
type powers struct{ beta1, beta2 tf.Output }

func (h handles) readPowers(s *op.Scope) powers {
	return powers{
		op.ReadVariableOp(s.SubScope("power1"), h[beta1Power], tf.Float),
		op.ReadVariableOp(s.SubScope("power2"), h[beta2Power], tf.Float),
	}
}

// applyAdam moves every weight against its gradient. It returns the operations
// to wait for, and the next step's powers.
func (c Config) applyAdam(s *op.Scope, h handles, p powers, rate tf.Output, grads []tf.Output) ([]*tf.Operation, powers) {
	beta1 := op.Const(s.SubScope("beta1"), c.Beta1)
	beta2 := op.Const(s.SubScope("beta2"), c.Beta2)
	epsilon := op.Const(s.SubScope("epsilon"), c.Epsilon)
	var updates []*tf.Operation
	for i, w := range c.weights() {
		updates = append(updates, op.ResourceApplyAdam(s.SubScope("apply"),
			h[w.name], h[w.name+firstMoment], h[w.name+secondMoment],
			p.beta1, p.beta2, rate, beta1, beta2, epsilon, grads[i]))
	}
	return updates, powers{
		op.Mul(s.SubScope("next1"), p.beta1, beta1),
		op.Mul(s.SubScope("next2"), p.beta2, beta2),
	}
}
