package graph

import (
	"math"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// portable makes everything of TensorFlow's standard operations. It runs on any device.
type portable struct {
	cfg Config
}

func (p portable) windows(s *op.Scope, of plan, at tf.Output) batch {
	offsets := make([][]int32, p.cfg.Window) // [T,1]
	for t := range offsets {
		offsets[t] = []int32{int32(t)}
	}
	axis := op.Const(s.SubScope("axis"), int32(0))
	all := op.Unpack(s.SubScope("of_step"), op.GatherV2(s.SubScope("windows"), of.windows, at, axis), 3, op.UnpackAxis(1)) // 3 times [B]
	start, first, end := nth(all, 0), nth(all, 1), nth(all, 2)
	last := op.Sub(s.SubScope("last"), end, op.Const(s.SubScope("one"), int32(1)))
	within := func(s *op.Scope, rows tf.Output) tf.Output {
		return op.Maximum(s.SubScope("first"), op.Minimum(s.SubScope("last"), rows, last), first)
	}
	next := op.AddV2(s.SubScope("next"), start, op.Const(s.SubScope("offsets"), offsets)) // [B] + [T,1] -> [T,B]
	rows := within(s.SubScope("rows"), next)
	flat := reshape(s.SubScope("flat"), rows, -1)

	inside := op.Cast(s.SubScope("inside"), op.Less(s.SubScope("before_end"), next, end), tf.Float) // [T,B]
	w := op.Mul(s.SubScope("weight"), op.GatherV2(s.SubScope("w"), of.w, flat, axis), reshape(s.SubScope("flat_inside"), inside, -1))
	return batch{
		x:       p.inputs(s.SubScope("inputs"), of.x, next, within),
		labels:  op.GatherV2(s.SubScope("y"), of.y, flat, axis),
		weights: op.DivNoNan(s.SubScope("weights"), w, op.Sum(s.SubScope("count"), op.Sign(s.SubScope("weighted"), w), op.Const(s.SubScope("all"), []int32{0}))),
		lengths: op.Minimum(s.SubScope("lengths"), op.Sub(s.SubScope("left"), end, start), op.Const(s.SubScope("steps"), int32(p.cfg.Window))),
		rate:    op.GatherV2(s.SubScope("rate"), of.rates, at, axis),
	}
}

// inputs are the inputs [T,B,L*F] of steps whose rows [T,B] are in x [N,F].
func (p portable) inputs(s *op.Scope, x, rows tf.Output, within func(*op.Scope, tf.Output) tf.Output) tf.Output {
	axis := op.Const(s.SubScope("axis"), int32(0))
	var lagged []tf.Output
	for _, lag := range p.cfg.lags() {
		at := rows
		if lag != 0 {
			at = op.AddV2(s.SubScope("at"), rows, op.Const(s.SubScope("lag"), int32(lag)))
		}
		lagged = append(lagged, op.GatherV2(s.SubScope("x"), x, within(s.SubScope("within"), at), axis))
	}
	return joined(s.SubScope("all"), lagged, 2)
}

// recur runs each direction by itself. For training it unrolls the steps, as the original
// does, and leaves their differentiation to op.Gradients, which has none for a functional
// While; otherwise they are a loop.
func (p portable) recur(s *op.Scope, r recurrence) (tf.Output, []tf.Output, backward) {
	if r.initial == nil {
		zero := zeroState(s.SubScope("zeros"), r.x, r.units)
		r.initial = slices.Repeat([]tf.Output{zero}, r.directions*r.cell.states())
	}
	overTime := r.loop
	if r.training {
		overTime = r.unroll
	}
	var directions, last []tf.Output
	for d := range r.directions {
		inTime := func(v tf.Output) tf.Output { return v }
		if d == 1 {
			inTime = func(v tf.Output) tf.Output { return reversed(s.SubScope("reversed"), v, r.lengths) }
		}
		outputs, end := overTime(s.SubScope("over_time"), inTime(r.x), r.of(d, r.initial), r.of(d, r.w))
		directions, last = append(directions, inTime(outputs)), append(last, end...)
	}
	outputs := joined(s.SubScope("directions"), directions, 2)
	return outputs, last, func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
		if !r.dx {
			return tf.Output{}, gradients(s, outputs, r.w, dy)
		}
		d := gradients(s, outputs, append([]tf.Output{r.x}, r.w...), dy)
		return d[0], d[1:]
	}
}

// reversed is v [T,B,F] with each sequence's steps in reverse order, except those past its
// end.
func reversed(s *op.Scope, v, lengths tf.Output) tf.Output {
	if lengths == (tf.Output{}) {
		return op.ReverseV2(s, v, op.Const(s.SubScope("axis"), []int32{0}))
	}
	return op.ReverseSequence(s, v, lengths, 0, op.ReverseSequenceBatchDim(1))
}

// zeroState is a state of zeros [B,U], one for each sequence of x [T,B,F].
func zeroState(s *op.Scope, x tf.Output, units int) tf.Output {
	at := func(name string, value ...int32) tf.Output { return op.Const(s.SubScope(name), value) }
	batch := op.Slice(s, op.Shape(s.SubScope("shape"), x), at("second", 1), at("one", 1))
	dims := op.ConcatV2(s.SubScope("dims"), []tf.Output{batch, at("units", int32(units))}, op.Const(s.SubScope("axis"), int32(0)))
	return op.Fill(s, dims, op.Const(s.SubScope("zero"), float32(0)))
}

func (p portable) noise(s *op.Scope, x, seeds tf.Output) tf.Output {
	normal := op.StatelessRandomNormal(s, op.Shape(s, x), seeds)
	return op.AddV2(s, x, op.Mul(s.SubScope("noise"), normal, op.Const(s.SubScope("deviation"), p.cfg.InputNoise)))
}

func (p portable) dropout(s *op.Scope, x, seeds tf.Output) func(*op.Scope, tf.Output) tf.Output {
	drawn := op.StatelessRandomUniform(s, op.Shape(s, x), seeds)
	kept := op.Cast(s.SubScope("kept"), op.GreaterEqual(s, drawn, op.Const(s.SubScope("rate"), p.cfg.Dropout)), tf.Float)
	mask := op.Mul(s.SubScope("mask"), kept, op.Const(s.SubScope("scale"), 1/(1-p.cfg.Dropout)))
	return func(s *op.Scope, v tf.Output) tf.Output { return op.Mul(s, v, mask) }
}

func (p portable) crossEntropy(s *op.Scope, kind string, logits, labels tf.Output) (loss, slope tf.Output) {
	out := addOp(s, kind, 2, nil, logits, labels)
	return out[0], out[1]
}

// update leaves the state as it is when the loss or the norm is not finite: gradients and
// rate are zero then, see optimizer.
func (p portable) update(s *op.Scope, h handles, u update) updated {
	norm := globalNorm(s.SubScope("norm"), u.grads)
	finite := op.LogicalAnd(s.SubScope("both"), op.IsFinite(s.SubScope("loss"), u.loss), op.IsFinite(s.SubScope("bounded"), norm))
	none := op.Const(s.SubScope("none"), float32(0))
	scale := op.Select(s.SubScope("scale"), finite, p.cfg.clipScale(s.SubScope("clip"), norm), none)
	rate := op.Select(s.SubScope("rate"), finite, u.rate, none)

	move, next := p.cfg.optimizer().step(s.SubScope("step"), h, u.shared, rate, finite)
	done := updated{norm: norm, shared: next}
	for _, g := range u.grads {
		grad := op.MulNoNan(s.SubScope("gradient"), g.value, scale)
		done.done = append(done.done, move(s.SubScope("move"), g.of, grad))
	}
	return done
}

// globalNorm is the Euclidean norm of all gradients together. Squares are taken in
// float64, whose range their sum does not leave.
func globalNorm(s *op.Scope, grads []gradient) tf.Output {
	halves := make([]tf.Output, len(grads)) // of the squares' sums
	for i, g := range grads {
		halves[i] = op.L2Loss(s.SubScope("half"), op.Cast(s.SubScope("wide"), g.value, tf.Double))
	}
	squares := op.Mul(s.SubScope("squares"), op.AddN(s, halves), op.Const(s.SubScope("two"), float64(2)))
	return op.Cast(s, op.Sqrt(s, squares), tf.Float)
}

// clipScale is the factor by which tf.clip_by_global_norm scales gradients of a norm
// above ClipNorm down to it. It goes through the same roundings.
func (c Config) clipScale(s *op.Scope, norm tf.Output) tf.Output {
	one := op.Const(s.SubScope("one"), float32(1))
	if c.ClipNorm == 0 {
		return one
	}
	limit := op.Const(s.SubScope("limit"), c.ClipNorm)
	inverse := op.Minimum(s, op.RealDiv(s.SubScope("norm"), one, norm), op.RealDiv(s.SubScope("least"), one, limit))
	return op.Mul(s.SubScope("scale"), limit, inverse)
}

func (p portable) record(s *op.Scope, report, at, loss, norm tf.Output) tf.Output {
	line := op.Pack(s.SubScope("line"), []tf.Output{loss, norm})
	finite := op.All(s.SubScope("finite"), op.IsFinite(s, line), op.Const(s.SubScope("axis"), []int32{0}))
	written := op.ResourceScatterUpdate(s, report, at, line)
	more := op.AddV2(s.SubScope("more"), at, op.Const(s.SubScope("one"), int32(1)))
	return op.Select(s.WithControlDependencies(written), finite, more, op.Const(s.SubScope("diverged"), int32(math.MaxInt32)))
}
