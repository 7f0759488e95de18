package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// draw is where a training step's random numbers come from: the session's seed and the
// step's number in the whole run, so that how steps are divided into calls changes
// nothing. Nothing else is drawn from, so that both forms draw the same.
type draw struct {
	seed int64
	step tf.Output // scalar, int64
}

// random reports whether training steps draw anything.
func (c Config) random() bool { return c.Dropout > 0 || c.InputNoise > 0 }

// drawOf is what the plan's step at draws from.
func (c Config) drawOf(s *op.Scope, h handles, at tf.Output) *draw {
	if !c.random() {
		return nil
	}
	first := op.ReadVariableOp(s.SubScope("first"), h[planFirst.name], planFirst.dtype)
	return &draw{c.Seed, op.AddV2(s, first, op.Cast(s.SubScope("at"), at, planFirst.dtype))}
}

// seeds [2] are those of the stage of a number, in which no two are alike.
func (d draw) seeds(s *op.Scope, stage int) tf.Output {
	const apart = 2 * maxLayers // more than there are stages that draw
	return op.Pack(s, []tf.Output{op.Const(s.SubScope("stage"), d.seed*apart+int64(stage)), d.step})
}

// noise adds random numbers to the features when it is trained: it makes a network
// answer the same for features that are nearly the same.
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

// dropout leaves a random part of a layer's outputs out when it is trained, and scales
// the others up (Srivastava and others, Dropout, 2014).
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
