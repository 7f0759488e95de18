package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// step is the loop's body, one step of training: it cuts the windows planned for the
// step out of the series, runs the network forward, the loss back through it, moves
// the weights, writes down the loss before the update and the gradient's norm, and
// returns what it was given for the next step.
func (c Config) step(s *op.Scope, in carried) []tf.Output {
	h := handles{}
	for _, v := range append(c.stateVariables(), planFirst, planReport) {
		h[v.name] = v.handle(s.SubScope("handle"))
	}
	backend := c.backend()
	b := backend.windows(s.SubScope("windows"), in.plan, in.at)
	p := &pass{training: true, draw: c.drawOf(s.SubScope("draw"), h, in.at)}
	loss, grads := c.lossOf(s, h, b, p)
	u := backend.update(s.SubScope("update"), h, update{b.rate, loss, grads(), in.shared})
	next := backend.record(s.SubScope("record").WithControlDependencies(u.done...), h[planReport.name], in.at, loss, u.norm)
	return carried{next, in.plan, u.shared}.list()
}

// lossOf runs a batch's windows through the network from zeros. The function it
// returns adds the way back, for a network that is training.
func (c Config) lossOf(s *op.Scope, h handles, b batch, p *pass) (loss tf.Output, grads func() []gradient) {
	p.lengths = b.lengths
	x := c.normalized(s.SubScope("normalize"), h, b.x)
	outputs, back := c.network().forward(s.SubScope("forward"), h, x, p)
	loss, doutputs := c.score(s.SubScope("loss"), outputs, b)
	return loss, func() []gradient { return back(s.SubScope("backward"), doutputs) }
}

// evaluation is the mean loss over windows, and its gradients.
type evaluation struct {
	windows tf.Output // [1,B,3], fed
	loss    tf.Output // scalar
	grads   []gradient
}

func (c Config) addEvaluation(g *tf.Graph, s *op.Scope, h handles) evaluation {
	windows := op.Placeholder(s.SubScope("windows"), tf.Int32, op.PlaceholderShape(windowsShape))
	p := c.planOf(s, h, windows, op.Const(s.SubScope("rates"), []float32{0}))
	b := c.backend().windows(s.SubScope("windows"), p, op.Const(s.SubScope("at"), int32(0)))
	loss, _ := c.lossOf(s.SubScope("loss"), h, b, &pass{graph: g})
	_, grads := c.lossOf(s.SubScope("gradients"), h, b, &pass{training: true})
	return evaluation{windows, loss, grads()}
}
