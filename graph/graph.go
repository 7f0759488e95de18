package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// model is the assembled graph and the places where a session feeds and
// fetches.
type model struct {
	cfg   Config
	graph *tf.Graph

	vars   []variable
	assign map[string]assignment
	value  map[string]tf.Output // by variable
	init   []*tf.Operation

	starts  tf.Output     // [K,B], fed to trained and report
	rates   tf.Output     // [K], likewise
	stopped tf.Output     // the step's number at which the training loop stopped
	report  tf.Output     // [K,2], of the loop
	keep    *tf.Operation // stores what the loop carries beyond it

	batch     tf.Output // [1,B], the starts fed to loss
	evaluated training

	predictors []predictor
	checkpoint checkpoint
}

// assignment sets one variable to what its placeholder is fed.
type assignment struct {
	feed tf.Output
	op   *tf.Operation
}

// assemble builds the whole graph of a valid configuration.
func assemble(c Config) (*model, error) {
	g := tf.NewGraph()
	s := op.NewScopeWithGraph(g)
	m := &model{cfg: c, graph: g, vars: c.variables(), assign: map[string]assignment{}, value: map[string]tf.Output{}}
	h := m.addVariables(s)
	m.addLoss(s, h)
	m.predictors = c.addPredictors(s.SubScope("predict"), h)
	m.checkpoint = m.addCheckpoint(s.SubScope("checkpoint"))
	if err := s.Err(); err != nil {
		return nil, err
	}
	if err := m.addTraining(s.SubScope("train"), h); err != nil {
		return nil, err
	}
	_, err := s.Finalize()
	return m, err
}

// addVariables makes every variable with the operations that initialise, set
// and read it.
func (m *model) addVariables(s *op.Scope) handles {
	h := handles{}
	for _, v := range m.vars {
		vs := s.SubScope(v.name)
		h[v.name] = v.handle(vs)
		m.value[v.name] = op.ReadVariableOp(vs.SubScope("value"), h[v.name], v.dtype)
		feed := op.Placeholder(vs.SubScope("feed"), v.dtype, op.PlaceholderShape(v.shape))
		m.assign[v.name] = assignment{feed, op.AssignVariableOp(vs.SubScope("set"), h[v.name], feed)}
		if v.init != nil {
			m.init = append(m.init, op.AssignVariableOp(vs.SubScope("assign"), h[v.name], v.init(vs.SubScope("init"))))
		}
	}
	return h
}

func (m *model) addTraining(s *op.Scope, h handles) error {
	m.starts = op.Placeholder(s.SubScope("starts"), tf.Int32, op.PlaceholderShape(tf.MakeShape(-1, -1)))
	m.rates = op.Placeholder(s.SubScope("rates"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1)))
	loop, err := m.cfg.addLoop(m.graph, s, h, m.cfg.planOf(s, h, m.starts, m.rates))
	if err != nil {
		return err
	}
	m.stopped, m.report = loop.at, loop.report
	m.keep = loop.store(s, h, m.cfg.optimizer().scalars())
	return nil
}

func (m *model) addLoss(s *op.Scope, h handles) {
	c, ls := m.cfg, s.SubScope("evaluate")
	m.batch = op.Placeholder(ls.SubScope("starts"), tf.Int32, op.PlaceholderShape(tf.MakeShape(1, -1)))
	p := c.planOf(ls, h, m.batch, op.Const(ls.SubScope("rates"), []float32{0}))
	m.evaluated = c.train(ls, h, p, op.Const(ls.SubScope("at"), int32(0)))
}
