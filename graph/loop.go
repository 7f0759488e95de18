package graph

import (
	"math"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// diverged is the number of the step after one whose loss or gradient is not finite.
const diverged = math.MaxInt32

// carried is what goes from step to step by value. The weights, the optimizer's
// slots and the report are in variables.
type carried struct {
	at     tf.Output   // scalar, the step's number in the plan
	plan   plan        // goes through unchanged
	shared []tf.Output // the optimizer's scalars
}

func (c carried) list() []tf.Output {
	return slices.Concat([]tf.Output{c.at}, c.plan.list(), c.shared)
}

// carriedOf is the carried whose list is given.
func carriedOf(list []tf.Output) carried {
	return carried{list[0], plan{list[1], list[2], list[3], list[4], list[5]}, list[6:]}
}

// addLoop adds the loop that trains on p from step 0 on, and stops at the limit or
// at diverged. Its body is one training step.
func (c Config) addLoop(g *tf.Graph, s *op.Scope, h handles, p plan) (loop, error) {
	begin := c.begin(s.SubScope("begin"), h, p).list()
	if err := s.Err(); err != nil {
		return loop{}, err
	}
	body := func(s *op.Scope, in []tf.Output) []tf.Output { return c.step(s, carriedOf(in)) }
	end, err := addWhile(g, "train/While", begin, more, body)
	if err != nil {
		return loop{}, err
	}
	return c.end(s.SubScope("end"), h, carriedOf(end)), nil
}

// more is the training loop's condition.
func more(s *op.Scope, in []tf.Output) []tf.Output {
	limit := op.ReadVariableOp(s.SubScope("value"), planLimit.handle(s), tf.Int32)
	return []tf.Output{op.Less(s, carriedOf(in).at, limit)}
}

// loop is what a session fetches and runs of the training loop.
type loop struct {
	stopped tf.Output     // the step's number at which it stopped
	report  tf.Output     // [K,2]: loss before the update and gradient norm of each step
	keep    *tf.Operation // stores what a later call begins with
}

// begin is what the loop's first step is given. The report has been cleared by then.
func (c Config) begin(s *op.Scope, h handles, p plan) carried {
	lines := op.Pack(s.SubScope("lines"), []tf.Output{op.Size(s, p.rates), op.Const(s.SubScope("values"), int32(2))})
	empty := op.Fill(s.SubScope("report"), lines, op.Const(s.SubScope("zero"), float32(0)))
	cleared := op.AssignVariableOp(s.SubScope("clear"), h[planReport.name], empty)
	return carried{
		at:     op.Const(s.SubScope("at").WithControlDependencies(cleared), int32(0)),
		plan:   p,
		shared: h.readAll(s, c.optimizer().scalars()),
	}
}

// end follows the loop, whose variables' last values are out.
func (c Config) end(s *op.Scope, h handles, out carried) loop {
	report := op.ReadVariableOp(s.SubScope("report").WithControlDependencies(out.at.Op), h[planReport.name], tf.Float)
	last := out.at.Op
	for i, v := range c.optimizer().scalars() {
		last = op.AssignVariableOp(s.SubScope("store").WithControlDependencies(last), h[v.name], out.shared[i])
	}
	return loop{out.at, report, last}
}
