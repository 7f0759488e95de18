package graph

import (
	"cmp"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// network is a list of stages, each of which takes the outputs of the one before: the
// layers, with what training adds between them, then the projection.
type network []stage

// stage is a part of a network.
type stage interface {
	weights() []variable
	traits() traits

	// forward runs the stage over x: the inputs [T,B,L*F] or the outputs of the stage
	// before. w are the values of weights.
	forward(s *op.Scope, x tf.Output, w []tf.Output, p *pass) (y tf.Output, back backward)
}

// traits are what the rest of the package has to know about a stage.
type traits struct {
	states   []int // the widths U of the arrays [B,U] that it hands from step to step
	whole    bool  // it needs whole sequences, whose steps cannot be divided into calls
	values   int   // about how many it holds for a row when predicting, outputs included
	threaded bool  // its matrix products are divided among Config.Threads
	pooled   bool  // TensorFlow's own threads take part in training it
}

// backward takes the loss's gradient with respect to a stage's outputs, and returns those
// with respect to its input, unset if not asked for, and to each of its weights.
type backward func(s *op.Scope, dy tf.Output) (dx tf.Output, dw []tf.Output)

// pass is one pass of a batch through the stages.
type pass struct {
	graph    *tf.Graph   // to add loops to; unused in training
	training bool        // backward will be asked for
	lengths  tf.Output   // [B], the steps of each sequence; unset when all have T
	keep     tf.Output   // [T,B,1], what states are multiplied with before each step; unset for 1
	draw     *draw       // of random numbers in training; nil for none
	states   []tf.Output // before the first step, [B,U] for each of the stages' states; nil for zeros
	last     []tf.Output // after the last step, likewise; each stage adds its own
}

// before are the n states that the next stage starts from, nil for zeros.
func (p *pass) before(n int) []tf.Output {
	if p.states == nil {
		return nil
	}
	return p.states[len(p.last):][:n]
}

// gradient is the loss's with respect to a weight.
type gradient struct {
	of    variable
	value tf.Output
}

func (c Config) network() network {
	var n network
	inputs := c.Inputs()
	if c.InputNoise > 0 {
		n = append(n, noise{c})
	}
	for i, l := range c.Layers {
		if l.Cell == Dense {
			n = append(n, denseLayer{c, i, inputs, l.Units, cmp.Or(l.Activation, ReLU), i > 0})
		} else {
			n = append(n, layer{c, i, l.cell(), inputs, l.Units, i > 0})
		}
		inputs = c.width(l)
		if c.Dropout > 0 {
			n = append(n, dropout{c, i})
		}
	}
	return append(n, projection{c, inputs})
}

// weights are the trained variables, in the order in which the original makes
// them.
func (n network) weights() []variable {
	var all []variable
	for _, st := range n {
		all = append(all, st.weights()...)
	}
	return all
}

// states are the widths of the arrays [B,U] that the stages hand from step to step. There
// are none where a stage needs whole sequences.
func (n network) states() []int {
	if n.whole() {
		return nil
	}
	var all []int
	for _, st := range n {
		all = append(all, st.traits().states...)
	}
	return all
}

func (n network) whole() bool  { return n.any(func(t traits) bool { return t.whole }) }
func (n network) pooled() bool { return n.any(func(t traits) bool { return t.pooled }) }

func (n network) any(has func(traits) bool) bool {
	return slices.ContainsFunc(n, func(st stage) bool { return has(st.traits()) })
}

// values is the sum of what all stages hold for a row when predicting.
func (n network) values() int {
	sum := 0
	for _, st := range n {
		sum += st.traits().values
	}
	return sum
}

// forward runs all stages over x [T,B,L*F], with the values of weights that read has. The
// function it returns takes the loss's gradient with respect to the outputs [T*B,O] back through
// all of them.
func (n network) forward(s *op.Scope, read reading, x tf.Output, p *pass) (outputs tf.Output, back func(*op.Scope, tf.Output) []gradient) {
	backs := make([]backward, len(n))
	for i, st := range n {
		ss := s.SubScope("stage")
		x, backs[i] = st.forward(ss, x, read(ss, st.weights()), p)
	}
	return x, func(s *op.Scope, d tf.Output) []gradient {
		var grads []gradient
		for i, st := range slices.Backward(n) {
			var dw []tf.Output
			d, dw = backs[i](s.SubScope("stage"), d)
			var own []gradient
			for k, w := range st.weights() {
				own = append(own, gradient{w, dw[k]})
			}
			grads = append(own, grads...)
		}
		return grads
	}
}

// layer runs a cell over time, in one direction or in two.
type layer struct {
	cfg    Config
	number int // from 0
	cell   cell
	inputs int  // columns of what comes before it
	units  int  // U
	dx     bool // backward gives the gradient with respect to the input, as there are weights before
}

// weights are the forward direction's, then the other's.
func (l layer) weights() []variable {
	var all []variable
	for d := range l.cfg.directions() {
		all = append(all, l.cell.weights(l.cfg.layerScope(l.number, d), l.inputs, l.cfg.layerSeeds(l.number, d))...)
	}
	return all
}

func (l layer) traits() traits {
	fused, directions := l.cfg.fuses(l.cell), l.cfg.directions()
	t := traits{whole: directions > 1, values: directions * l.units, threaded: true, pooled: !fused}
	if !t.whole {
		t.states = slices.Repeat([]int{l.units}, l.cell.states())
	}
	if !fused { // a loop holds its inputs and outputs as lists too
		t.values += directions * (l.inputs + l.units)
	}
	return t
}

// forward is [T,B,F] -> [T,B,D*U].
func (l layer) forward(s *op.Scope, x tf.Output, w []tf.Output, p *pass) (tf.Output, backward) {
	directions := l.cfg.directions()
	if c, plain := l.cell.(plainCell); plain {
		c.exact = !p.training
		l.cell = c
	}
	if p.keep != (tf.Output{}) {
		l.cell, l.inputs = resetting{l.cell, l.inputs}, l.inputs+1
		x = joined(s.SubScope("keep"), []tf.Output{x, p.keep}, 2)
	}
	outputs, last, back := l.cfg.backendOf(l.cell).recur(s, recurrence{
		graph:      p.graph,
		cell:       l.cell,
		steps:      l.cfg.Window,
		inputs:     l.inputs,
		units:      l.units,
		directions: directions,
		x:          x,
		lengths:    p.lengths,
		initial:    p.before(directions * l.cell.states()),
		w:          w,
		training:   p.training,
		dx:         l.dx,
	})
	p.last = append(p.last, last...)
	return outputs, back
}

// projection gives the outputs of each step from those of the stage before, by a matrix
// and a bias.
type projection struct {
	cfg    Config
	inputs int // columns of what comes before it
}

func (p projection) weights() []variable {
	in, out := int64(p.inputs), int64(p.cfg.Outputs())
	return []variable{
		glorot(p.cfg.projectionScope()+"kernel", p.cfg.seeds(projectionSeed), in, out),
		zeros(p.cfg.projectionScope()+"bias", out),
	}
}

// traits count the outputs as products, transposed, with the bias, and as probabilities; and
// inputs of 64 bits.
func (p projection) traits() traits {
	t := traits{values: 4 * p.cfg.Classes, pooled: p.cfg.Form == FormPortable}
	if p.alone() {
		t.values += 2 * p.inputs
	}
	return t
}

// alone reports whether there are no layers, as in logistic regression. Nothing bounds its
// inputs then, and those of rows close to each other have large weights of either sign: sums in
// float32 are off by several times what probabilities are rounded to. So predicting sums in float64.
func (p projection) alone() bool { return len(p.cfg.Layers) == 0 }

// forward is [T,B,U] -> [T*B,O].
//
// Both products with all the states give a result of a row for each output, which is
// then transposed: a MatMul that gives so few columns instead takes TensorFlow three to
// five times as long.
func (p projection) forward(s *op.Scope, x tf.Output, w []tf.Output, of *pass) (tf.Output, backward) {
	flat := reshape(s.SubScope("flat"), x, -1, int32(p.inputs)) // [T*B,U]
	wide := !of.training && p.alone()
	if wide {
		flat = op.Cast(s.SubScope("wide"), flat, tf.Double)
		w = []tf.Output{op.Cast(s.SubScope("wide"), w[0], tf.Double), op.Cast(s.SubScope("wide"), w[1], tf.Double)}
	}
	swap := op.Const(s.SubScope("swap"), []int32{1, 0})
	transposed := func(name string, v tf.Output) tf.Output { return op.Transpose(s.SubScope(name), v, swap) }

	rows := op.MatMul(s, transposed("kernel", w[0]), flat, op.MatMulTransposeB(true)) // [O,U] x [T*B,U]' -> [O,T*B]
	y := op.BiasAdd(s, transposed("outputs", rows), w[1])
	if wide {
		y = op.Cast(s, y, tf.Float)
	}
	return y, func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
		dflat := op.MatMul(s.SubScope("dstates"), dy, w[0], op.MatMulTransposeB(true))   // [T*B,O] x [U,O]' -> [T*B,U]
		dkernel := op.MatMul(s.SubScope("dkernel"), dy, flat, op.MatMulTransposeA(true)) // [T*B,O]' x [T*B,U] -> [O,U]
		dx := reshape(s.SubScope("dx"), dflat, int32(p.cfg.Window), -1, int32(p.inputs))
		return dx, []tf.Output{transposed("dkernel", dkernel), op.BiasAddGrad(s, dy)}
	}
}

// gradients is op.Gradients of one output, whose gradient is dy. After an error,
// which the scope holds, its results are unset.
func gradients(s *op.Scope, y tf.Output, x []tf.Output, dy tf.Output) []tf.Output {
	if s.Err() == nil {
		if d := op.Gradients(s, []tf.Output{y}, x, dy); len(d) == len(x) {
			return d
		}
	}
	return make([]tf.Output, len(x))
}

// nth is one of an operation's list of outputs, unset after an error, which the scope
// holds.
func nth(list []tf.Output, i int) tf.Output {
	if i >= len(list) {
		return tf.Output{}
	}
	return list[i]
}

// joined concatenates outputs along an axis.
func joined(s *op.Scope, list []tf.Output, axis int32) tf.Output {
	if len(list) == 1 {
		return list[0]
	}
	return op.ConcatV2(s, list, op.Const(s.SubScope("axis"), axis))
}

// reshape is op.Reshape to constant dimensions, -1 for the one that follows.
func reshape(s *op.Scope, v tf.Output, dims ...int32) tf.Output {
	return op.Reshape(s, v, op.Const(s.SubScope("shape"), dims))
}
