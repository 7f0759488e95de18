package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// draw is what a training step's random numbers depend on, and nothing else: the session's
// seed and the step's number. So they are the same however steps are divided into calls, in
// both forms to rounding, and after a pause.
type draw struct {
	seed int64
	step tf.Output // scalar, int64
	of   *among    // which of the step's sequences these are; nil: all
}

// among says which of a step's sequences are worked on.
type among struct {
	numbers tf.Output // [B'], from 0
	all     tf.Output // scalar, B
}

// drawn is what change, which draws random numbers, makes of neutral values as large as v
// [T,B',F] would be with all sequences of the step, for those that are there: the same as where
// all are.
func (a *among) drawn(s *op.Scope, v tf.Output, neutral float32, change func(tf.Output) tf.Output) tf.Output {
	dims := op.Pack(s.SubScope("dims"), []tf.Output{size(s.SubScope("steps"), v, 0), a.all, size(s.SubScope("width"), v, 2)})
	all := change(op.Fill(s, dims, op.Const(s.SubScope("neutral"), neutral)))
	return op.GatherV2(s.SubScope("own"), all, a.numbers, op.Const(s.SubScope("axis"), int32(1)))
}

// random reports whether training steps draw anything.
func (c Config) random() bool { return c.Dropout > 0 || c.InputNoise > 0 }

// drawOf is the draw of the plan's step at. The session counts the steps of a plan when it
// is done.
func (c Config) drawOf(s *op.Scope, h handles, at tf.Output) *draw {
	if !c.random() {
		return nil
	}
	before := h.read(s.SubScope("before"), globalStep)
	return &draw{seed: c.Seed, step: op.AddV2(s, before, op.Cast(s.SubScope("at"), at, globalStep.dtype))}
}

// seeds [2] are those of a stage. No two stages and steps have the same.
func (d draw) seeds(s *op.Scope, stage int) tf.Output {
	const apart = 2 * maxLayers // more than there are stages that draw
	return op.Pack(s, []tf.Output{op.Const(s.SubScope("stage"), d.seed*apart+int64(stage)), d.step})
}

// noise adds random numbers to the inputs in training: the network learns to give nearly
// equal inputs nearly equal outputs.
type noise struct{ cfg Config }

func (n noise) weights() []variable { return nil }
func (n noise) traits() traits      { return traits{} }

func (n noise) forward(s *op.Scope, x tf.Output, _ []tf.Output, p *pass) (tf.Output, backward) {
	back := func(_ *op.Scope, dy tf.Output) (tf.Output, []tf.Output) { return dy, nil }
	if p.draw == nil {
		return x, back
	}
	noisy := func(x tf.Output) tf.Output { return n.cfg.backend().noise(s, x, p.draw.seeds(s.SubScope("seeds"), 0)) }
	if of := p.draw.of; of != nil {
		return op.AddV2(s.SubScope("add"), x, of.drawn(s.SubScope("all"), x, 0, noisy)), back
	}
	return noisy(x), back
}

// dropout sets a random part of a layer's outputs to 0 in training, and scales the others
// up (Srivastava and others, Dropout, 2014).
type dropout struct {
	cfg   Config
	layer int // the number of the layer before it
}

func (d dropout) weights() []variable { return nil }
func (d dropout) traits() traits      { return traits{} }

func (d dropout) forward(s *op.Scope, x tf.Output, _ []tf.Output, p *pass) (tf.Output, backward) {
	if p.draw == nil {
		return x, func(_ *op.Scope, dy tf.Output) (tf.Output, []tf.Output) { return dy, nil }
	}
	seeds := p.draw.seeds(s.SubScope("seeds"), 1+d.layer)
	if of := p.draw.of; of != nil {
		mask := of.drawn(s.SubScope("all"), x, 1, func(all tf.Output) tf.Output { return d.cfg.backend().dropout(s, all, seeds)(s, all) })
		return op.Mul(s.SubScope("y"), x, mask), func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
			return op.Mul(s, dy, mask), nil
		}
	}
	drop := d.cfg.backend().dropout(s, x, seeds)
	return drop(s.SubScope("y"), x), func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
		return drop(s, dy), nil
	}
}
