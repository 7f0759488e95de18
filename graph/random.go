package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// draw is what a training step's random numbers depend on, and nothing else: the session's
// seed and the step's number. So they are the same however steps are divided into calls, in
// both forms, and after a pause.
type draw struct {
	seed int64
	step tf.Output // scalar, int64
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
	return &draw{c.Seed, op.AddV2(s, before, op.Cast(s.SubScope("at"), at, globalStep.dtype))}
}

// seeds [2] are those of a stage. No two stages and steps have the same.
func (d draw) seeds(s *op.Scope, stage int) tf.Output {
	const apart = 2 * maxLayers // more than there are stages that draw
	return op.Pack(s, []tf.Output{op.Const(s.SubScope("stage"), d.seed*apart+int64(stage)), d.step})
}

// noise adds random numbers to the inputs in training: the network learns to give nearly
// equal inputs nearly equal outputs.
type noise struct{ deviation float32 }

func (n noise) weights() []variable { return nil }
func (n noise) traits() traits      { return traits{} }

func (n noise) forward(s *op.Scope, x tf.Output, _ []tf.Output, p *pass) (tf.Output, backward) {
	back := func(_ *op.Scope, dy tf.Output) (tf.Output, []tf.Output) { return dy, nil }
	if p.draw == nil {
		return x, back
	}
	normal := op.StatelessRandomNormal(s, op.Shape(s, x), p.draw.seeds(s.SubScope("seeds"), 0))
	return op.AddV2(s, x, op.Mul(s.SubScope("noise"), normal, op.Const(s.SubScope("deviation"), n.deviation))), back
}

// dropout sets a random part of a layer's outputs to 0 in training, and scales the others
// up (Srivastava and others, Dropout, 2014).
type dropout struct {
	rate  float32
	layer int // the number of the layer before it
}

func (d dropout) weights() []variable { return nil }
func (d dropout) traits() traits      { return traits{} }

func (d dropout) forward(s *op.Scope, x tf.Output, _ []tf.Output, p *pass) (tf.Output, backward) {
	if p.draw == nil {
		return x, func(_ *op.Scope, dy tf.Output) (tf.Output, []tf.Output) { return dy, nil }
	}
	drawn := op.StatelessRandomUniform(s, op.Shape(s, x), p.draw.seeds(s.SubScope("seeds"), 1+d.layer))
	kept := op.Cast(s.SubScope("kept"), op.GreaterEqual(s, drawn, op.Const(s.SubScope("rate"), d.rate)), tf.Float)
	mask := op.Mul(s.SubScope("mask"), kept, op.Const(s.SubScope("scale"), 1/(1-d.rate)))
	return op.Mul(s.SubScope("y"), x, mask), func(s *op.Scope, dy tf.Output) (tf.Output, []tf.Output) {
		return op.Mul(s, dy, mask), nil
	}
}
