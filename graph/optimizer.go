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

// applyAdam moves every weight against its gradient and returns the operations
// to wait for. Variables are read in s, which orders the reads within a loop.
func (c Config) applyAdam(s *op.Scope, h handles, weights []variable, rate tf.Output, grads []tf.Output) []*tf.Operation {
	beta1 := op.Const(s.SubScope("beta1"), c.Beta1)
	beta2 := op.Const(s.SubScope("beta2"), c.Beta2)
	epsilon := op.Const(s.SubScope("epsilon"), c.Epsilon)
	power1 := op.ReadVariableOp(s.SubScope("power1"), h[beta1Power], tf.Float)
	power2 := op.ReadVariableOp(s.SubScope("power2"), h[beta2Power], tf.Float)

	var updates []*tf.Operation
	for i, w := range weights {
		updates = append(updates, op.ResourceApplyAdam(s.SubScope("apply"),
			h[w.name], h[w.name+firstMoment], h[w.name+secondMoment],
			power1, power2, rate, beta1, beta2, epsilon, grads[i]))
	}
	after := s.WithControlDependencies(updates...)
	return append(updates,
		op.AssignVariableOp(after.SubScope("next1"), h[beta1Power], op.Mul(s.SubScope("product1"), power1, beta1)),
		op.AssignVariableOp(after.SubScope("next2"), h[beta2Power], op.Mul(s.SubScope("product2"), power2, beta2)))
}
