package graph

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// step is the loop's body, one step of training: it cuts the step's windows out of the
// series, runs the network forward and the loss backward, updates the weights, records the
// loss before the update and the gradient's norm, and returns what the next step takes.
func (c Config) step(g *tf.Graph, s *op.Scope, w work, in carried) []tf.Output {
	h := handles{}
	for _, v := range append(c.stateVariables(), globalStep, planReport) {
		h[v.name] = v.handle(s.SubScope("handle"))
	}
	backend := c.backend()
	u := w(g, s, h, in.plan, in.at, c.drawOf(s.SubScope("draw"), h, in.at))
	u.shared = in.shared
	done := backend.update(s.SubScope("update"), h, u)
	next := backend.record(s.SubScope("record").WithControlDependencies(done.done...), h[planReport.name], in.at, u.loss, done.norm)
	return carried{next, in.plan, done.shared}.list()
}

// lossOf runs the network over a batch's windows from states of zeros. The function that it
// returns adds the backward pass, if p is training.
func (c Config) lossOf(s *op.Scope, read reading, b batch, p *pass) (loss tf.Output, grads func() []gradient) {
	p.lengths = b.lengths
	outputs, back := c.network().forward(s.SubScope("forward"), read, b.x, p)
	loss, doutputs := c.score(s.SubScope("loss"), outputs, b)
	return loss, func() []gradient { return back(s.SubScope("backward"), doutputs) }
}

// evaluation is the mean loss over windows, and its gradients.
type evaluation struct {
	starts tf.Output // [1,B], fed
	batch  batch
	loss   tf.Output  // scalar
	grads  []gradient // nil until they are asked for
}

// addEvaluation adds the loss, and where that is divided among servers its gradients.
func (c Config) addEvaluation(g *tf.Graph, s *op.Scope, h handles, tasks int, w work) evaluation {
	starts, windows := addWindows(s, h, tasks)
	p := c.planOf(s, h, windows, op.Const(s.SubScope("rates"), []float32{0}))
	at := op.Const(s.SubScope("at"), int32(0))
	if tasks > 1 {
		u := w(g, s, h, p, at, nil)
		return evaluation{starts: starts, loss: u.loss, grads: u.grads}
	}
	b := c.backend().windows(s.SubScope("windows"), p, at)
	loss, _ := c.lossOf(s.SubScope("loss"), h.readAll, b, &pass{graph: g})
	return evaluation{starts, b, loss, nil}
}

// addGradients adds a forward pass that keeps what the backward pass needs, and that one.
func (e *evaluation) addGradients(c Config, s *op.Scope, h handles) error {
	_, back := c.lossOf(s, h.readAll, e.batch, &pass{training: true})
	grads := back()
	if err := s.Err(); err != nil {
		return fmt.Errorf("add the gradients to the graph: %w", err)
	}
	e.grads = grads
	return nil
}
