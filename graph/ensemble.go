package graph

import (
	"math"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Sequences are what networks in a graph run over: B sequences of T steps, time-major.
type Sequences struct {
	X       tf.Output // [T+before+behind,B,F], with the rows around that [Network.Context] asks for
	Lengths tf.Output // [B], the steps of each sequence, an int32; unset when all have T
	State   tf.Output // [B,S] before the first step, see [Predictor.StateSize]; unset for zeros
	Keep    tf.Output // [T,B,1], what the state is multiplied with before each step; unset for 1
}

// Assemble adds networks to a graph of the caller's, in TensorFlow's own operations alone. Each
// network's variables are the resources of the names and shapes of [Network.Weights]. It
// returns the networks' probabilities together, [T*B,C], see [Loss.Mean], and their states after the
// last step, [B,S], unset where they hand on none. Errors are the scope's.
func (n Network) Assemble(g *tf.Graph, s *op.Scope, networks []map[string]tf.Output, over Sequences) (probability, state tf.Output) {
	c := Config{Network: n.WithDefaults(), Machine: Machine{Form: FormPortable}}
	members := make([]handles, len(networks))
	for i, variables := range networks {
		members[i] = variables
	}
	_, probability, state = c.ensemble(g, s, members, over)
	return probability, state
}

// ensemble adds the members' forward passes. It returns the means of their outputs [T*B,O], their
// probabilities together [T*B,C], and their states after the last step, [B,S], unset where
// there are none.
func (c Config) ensemble(g *tf.Graph, s *op.Scope, members []handles, over Sequences) (outputs, probability, last tf.Output) {
	inputs := c.lagged(s.SubScope("lagged"), over.X)
	var states []tf.Output
	if over.State != (tf.Output{}) {
		states = c.splitState(s.SubScope("states"), over.State, len(members))
	}
	var all, lasts []tf.Output
	for i, h := range members {
		p := &pass{graph: g, lengths: over.Lengths, keep: over.Keep}
		if len(states) > 0 {
			n := len(states) / len(members)
			p.states = states[i*n : (i+1)*n]
		}
		y, _ := c.network().forward(s.SubScope("forward"), h.readAll, inputs, p)
		all, lasts = append(all, y), append(lasts, p.last...)
	}
	if len(states) > 0 {
		last = joined(s.SubScope("last"), lasts, 1)
	}
	outputs = mean(s.SubScope("outputs"), all)
	return outputs, c.together(s.SubScope("probability"), outputs, all), last
}

// together are the probabilities [T*B,C] that the members come to, see [Loss.Mean], for the mean
// of their outputs [T*B,O] and those of each.
func (c Config) together(s *op.Scope, outputs tf.Output, all []tf.Output) tf.Output {
	if c.Loss != MSE {
		return op.Softmax(s, outputs)
	}
	list := make([]tf.Output, len(all))
	for i, y := range all {
		list[i] = clipped(s, y)
	}
	return mean(s.SubScope("mean"), list)
}

// clipped are the probabilities [N,2] of outputs [N,1] that were trained with MSE.
func clipped(s *op.Scope, outputs tf.Output) tf.Output {
	zero, one := op.Const(s.SubScope("zero"), float32(0)), op.Const(s.SubScope("one"), float32(1))
	v := op.ClipByValue(s.SubScope("clip"), outputs, zero, one)
	return joined(s.SubScope("classes"), []tf.Output{op.Sub(s.SubScope("other"), one, v), v}, 1)
}

// LeastProbability stands in for smaller ones in a geometric mean, the smallest float32 of full
// precision: a network's zero is a number that float32 does not hold.
const LeastProbability = 0x1p-126

// Mean is what networks trained with the loss come to together, from the probabilities [N,C] of
// each, of the same rows: their geometric mean, made to sum to one, so that the mean of their
// log-odds decides and a network that is sure weighs more than one that is not. It is the
// softmax of the mean of their outputs. MSE has values for outputs, not log-odds, and its mean
// is the arithmetic one.
func (l Loss) Mean(classes int, all ...[]float32) []float32 {
	m := make([]float32, len(all[0]))
	if len(all) == 1 {
		copy(m, all[0])
		return m
	}
	sums := make([]float64, classes)
	for at := 0; at < len(m); at += classes {
		for k := range sums {
			sums[k] = 0
			for _, p := range all {
				if v := float64(p[at+k]); l == MSE {
					sums[k] += v
				} else {
					sums[k] += math.Log(max(v, LeastProbability))
				}
			}
			sums[k] /= float64(len(all))
		}
		if l != MSE {
			softmax(sums)
		}
		for k, v := range sums {
			m[at+k] = float32(v)
		}
	}
	return m
}

// softmax replaces logarithms of odds by probabilities.
func softmax(v []float64) {
	most, sum := slices.Max(v), 0.0
	for k := range v {
		v[k] = math.Exp(v[k] - most)
		sum += v[k]
	}
	for k := range v {
		v[k] /= sum
	}
}
