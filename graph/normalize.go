package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Names of the variables of a network with [Network].Normalize, [F] each.
const (
	NormalizationOffset = "normalization/offset" // starts as zeros; finite
	NormalizationScale  = "normalization/scale"  // starts as ones; finite and not 0
)

// normalization are the variables that normalize the features. They are a part of the state
// that training does not change.
func (c Config) normalization() []variable {
	if !c.Normalize {
		return nil
	}
	features := int64(c.Features)
	return []variable{zeros(NormalizationOffset, features), ones(NormalizationScale, features)}
}

// checkNormalization returns a *[ValueError] for a value that an offset or a scale cannot
// have. Other variables may have any.
func checkNormalization(v Variable) error {
	if v.Name != NormalizationOffset && v.Name != NormalizationScale {
		return nil
	}
	want, least := "a finite number", float32(0)
	if v.Name == NormalizationScale {
		want, least = "a finite number that is not 0, nor closer to 0 than 1.2e-38", leastScale
	}
	for i, x := range v.Value {
		if !finite(x) || max(x, -x) < least {
			return &ValueError{v.Name, i, -1, x, want}
		}
	}
	return nil
}

// leastScale is float32's smallest normal number. The graph treats smaller ones as 0, see
// internal/denormal.
const leastScale = 0x1p-126

// normalized are the inputs x [T,B,L*F] of the first stage: (x - offset) / scale, feature by
// feature and for every lag alike, if the network normalizes.
func (c Config) normalized(s *op.Scope, h handles, x tf.Output) tf.Output {
	if !c.Normalize {
		return x
	}
	values := h.readAll(s, c.normalization())
	if c.Features > 1 {
		values = c.laidOut(s.SubScope("laid_out"), x, values)
	}
	return op.RealDiv(s, op.Sub(s, x, values[0]), values[1])
}

// laidOut repeats values [F] for all inputs of a batch x [T,B,L*F], [B,L*F]. TensorFlow
// broadcasts such long rows several times faster than rows of a few features.
func (c Config) laidOut(s *op.Scope, x tf.Output, values []tf.Output) []tf.Output {
	at := func(name string, value int32) tf.Output { return op.Const(s.SubScope(name), []int32{value}) }
	row := op.Slice(s, op.Shape(s, x), at("second", 1), at("two", 2)) // B, L*F
	lags := at("lags", int32(len(c.lags())))
	laid := make([]tf.Output, len(values))
	for i, v := range values {
		laid[i] = op.BroadcastTo(s.SubScope("batch"), op.Tile(s.SubScope("lags"), v, lags), row)
	}
	return laid
}
