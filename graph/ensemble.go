package graph

import (
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
// returns the mean of the networks' probabilities, [T*B,C], and their states after the last
// step, [B,S], unset where they hand on none. Errors are the scope's.
func (n Network) Assemble(g *tf.Graph, s *op.Scope, networks []map[string]tf.Output, over Sequences) (probability, state tf.Output) {
	c := Config{Network: n.WithDefaults(), Machine: Machine{Form: FormPortable}}
	members := make([]handles, len(networks))
	for i, variables := range networks {
		members[i] = variables
	}
	_, probability, state = c.ensemble(g, s, members, over)
	return probability, state
}

// ensemble adds the members' forward passes. It returns the means of their outputs [T*B,O] and
// of their probabilities [T*B,C], and their states after the last step, [B,S], unset where
// there are none.
func (c Config) ensemble(g *tf.Graph, s *op.Scope, members []handles, over Sequences) (outputs, probability, last tf.Output) {
	inputs := c.lagged(s.SubScope("lagged"), over.X)
	var states []tf.Output
	if over.State != (tf.Output{}) {
		states = c.splitState(s.SubScope("states"), over.State, len(members))
	}
	var all, probabilities, lasts []tf.Output
	for i, h := range members {
		p := &pass{graph: g, lengths: over.Lengths, keep: over.Keep}
		if len(states) > 0 {
			n := len(states) / len(members)
			p.states = states[i*n : (i+1)*n]
		}
		y, _ := c.network().forward(s.SubScope("forward"), h.readAll, inputs, p)
		all, probabilities = append(all, y), append(probabilities, c.probability(s.SubScope("probability"), y))
		lasts = append(lasts, p.last...)
	}
	if len(states) > 0 {
		last = joined(s.SubScope("last"), lasts, 1)
	}
	return mean(s.SubScope("outputs"), all), mean(s.SubScope("probability"), probabilities), last
}
