package label

import (
	"context"
	"slices"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/internal/cut"
)

// Network is what a model needs of a [graph.Predictor]. Predict may be called by several
// goroutines at the same time.
type Network interface {
	Network() graph.Network
	Members() []*graph.Member
	StateSize() int
	Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error)
}

// engine knows how the rows of a series are cut into windows for the networks of a kind, and
// which of their answers count.
type engine struct {
	cut.Cut
	network  Network
	inputs   inputs.Inputs
	raw      int // R
	features int // F
	classes  int // C
	state    int // S
	history  int // rows before a row that its columns depend on
	ahead    int // rows after it that they depend on
	late     int // rows that have to arrive after a position for the network to see it: what lags and columns ask for but for those that lead has in hand
	batch    int // windows in a call
}

const (
	batchSteps  = 1 << 14 // steps of the windows in a call, about
	batchLeast  = 64      // windows in a call, unless they are very long
	batchValues = 1 << 24 // features and states in a call, at most
)

func newEngine(k Kind, features int) *engine {
	c := k.Networks.Network()
	l := &engine{
		Cut:      cut.Of(c, k.Horizon),
		network:  k.Networks,
		inputs:   k.Inputs,
		raw:      features,
		features: c.Features,
		classes:  c.Classes,
		state:    k.Networks.StateSize(),
	}
	l.history, l.ahead = k.Inputs.Context()
	l.late = max(0, l.Behind+l.ahead-l.Lead)
	l.batch = windowsOf(c, len(k.Networks.Members()))
	return l
}

// windowsOf is how many windows one call of so many networks labels.
func windowsOf(c graph.Network, members int) int {
	width := c.Inputs()
	for _, l := range c.Layers {
		width += members * l.Units
	}
	before, behind := c.Context()
	n := max(batchLeast, batchSteps/c.Window)
	return max(1, min(n, batchValues/(c.Window*width+(before+behind)*c.Features)))
}

// wait is how many rows of its series have to arrive after a position for it to be seen.
func (l *engine) wait() int { return l.Lag + l.late }

// sure is how many rows of a series lack nothing that their answers rest on when n have arrived.
// The repetitions before it rest on the first one's columns.
func (l *engine) sure(n int) int {
	if n <= l.ahead {
		return 0
	}
	return max(0, n-l.wait())
}

// extended puts the repetitions of the first row before the first rows [n,F] of a series.
func (l *engine) extended(x []float32) []float32 {
	return slices.Concat(slices.Repeat(x[:l.features], l.Before+l.Lead), x)
}

// needed are the rows start to end-1 of a series of n rows that have to be run so that the
// rows from to to-1 get, to rounding, the answers that they get in the whole series: it begins
// with a window and with the history that the first answer rests on, and ends with what the
// last one waits for.
func (l *engine) needed(n, from, to int) (start, end int) {
	start = max(0, from-l.Lead-l.Before-l.Span-l.history) / l.Block * l.Block
	after := l.wait()
	if l.Whole {
		after += l.Span
	}
	return start, min(n, to+after)
}

// row is that of a position in probabilities [T,C].
func (l *engine) row(probability []float32, position int) []float32 {
	return probability[position*l.classes : (position+1)*l.classes]
}
