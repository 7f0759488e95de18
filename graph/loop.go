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
func (c Config) addLoop(g *tf.Graph, s *op.Scope, at *Server, w work, h handles, p plan) (loop, error) {
	begin := c.begin(s.SubScope("begin"), h, p).list()
	if err := s.Err(); err != nil {
		return loop{}, err
	}
	body := func(g *tf.Graph, s *op.Scope, in []tf.Output) []tf.Output { return c.step(g, s, w, carriedOf(in)) }
	end, err := addWhile(g, "train/While", at.device(0), at.executor(), begin, more, body)
	if err != nil {
		return loop{}, err
	}
	return c.end(s.SubScope("end"), h, carriedOf(end)), nil
}

// more is the training loop's condition.
func more(_ *tf.Graph, s *op.Scope, in []tf.Output) []tf.Output {
	c := carriedOf(in)
	limit := op.ReadVariableOp(s.SubScope("value"), planLimit.handle(s), tf.Int32)
	return []tf.Output{op.Less(s, c.at, op.Minimum(s, limit, op.Size(s, c.plan.rates)))}
}

// loop is what a session fetches and runs of the training loop.
type loop struct {
	report tf.Output     // [K,2]: loss before the update and gradient norm of each step
	done   tf.Output     // scalar, int32: the steps made, without one that diverged
	total  tf.Output     // scalar, int64: the session's steps after these
	keep   *tf.Operation // stores what a later call begins with
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
	done := stepsDone(s.SubScope("done"), out.at, report)
	last := op.AssignAddVariableOp(s.SubScope("count"), h[globalStep.name], op.Cast(s.SubScope("wide"), done, globalStep.dtype))
	total := h.read(s.SubScope("total").WithControlDependencies(last), globalStep)
	for i, v := range c.optimizer().scalars() {
		last = op.AssignVariableOp(s.SubScope("store").WithControlDependencies(last), h[v.name], out.shared[i])
	}
	return loop{report, done, total, last}
}

// stepsDone is the number of steps of a loop that stopped at a step: if that is diverged,
// those before the one whose line [2] of the report is not finite.
func stepsDone(s *op.Scope, at, report tf.Output) tf.Output {
	finite := op.All(s.SubScope("finite"), op.IsFinite(s, report), op.Const(s.SubScope("values"), []int32{1}))
	bad := op.Cast(s.SubScope("bad"), op.LogicalNot(s, finite), tf.Int32)
	first := op.ArgMax(s, bad, op.Const(s.SubScope("steps"), int32(0)), op.ArgMaxOutputType(tf.Int32))
	return op.Select(s, op.Equal(s, at, op.Const(s.SubScope("diverged"), int32(diverged))), first, at)
}
