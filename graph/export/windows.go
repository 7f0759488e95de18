package export

import (
	tf "github.com/wamuir/graft/tensorflow"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/internal/cut"
	"github.com/rnnbin/rnnbin/graph/label"
)

// kind is what labels by networks of one shape.
type kind struct {
	label.Kind
	cut.Cut
	network graph.Network
	members []map[string]tf.Output // the variables' resources
}

// answers are the probabilities [B,T,C] of each row of whole series, of columns x [B,T,F].
func (k kind) answers(b builder, g *tf.Graph, q sequences, x tf.Output) tf.Output {
	b = b.in("windows")
	c, block := k.Cut, b.int(k.Block)
	batch := b.size(q.x, 0)

	// The windows' rows, of the extended series. What a window lacks are repetitions, too.
	n := b.add(q.end, b.int(c.Lag)) // [B] positions
	last := k.windows(b, n)         // [B] number of the last window
	longest := b.add(q.steps, b.int(c.Lag))
	windows := b.add(k.windows(b, longest), b.int(1))
	starts := b.mul(b.count(windows), block) // [W]
	around := b.add(b.min(longest, b.int(c.Span)), b.int(c.Before+c.Behind))
	steps := b.reshape(b.sub(b.count(around), b.int(c.Before+c.Lead)), -1, 1, 1)
	rows := b.add(steps, b.reshape(starts, 1, 1, -1)) // [T',1,W]
	rows = b.clamp(rows, b.int(0), b.reshape(b.sub(q.end, b.int(1)), 1, -1, 1))
	rows = b.add(rows, b.reshape(b.mul(b.count(batch), q.steps), 1, -1, 1)) // [T',B,W] of all sequences' rows
	over := graph.Sequences{X: b.gather(b.reshape(x, -1, k.network.Features), b.reshape(rows, around, -1))}
	if c.Whole {
		lengths := b.clamp(b.sub(b.column(n), starts), b.int(0), b.int(c.Span))
		over.Lengths = b.reshape(lengths, -1)
	}
	p, _ := k.network.Assemble(g, b.s.SubScope("networks"), k.members, over)

	// Row i is position i+lag, which its window answers at the step that follows from its start.
	own := b.min(b.count(q.steps), b.column(b.sub(q.end, b.int(1)))) // [B,T]; rows past the end are as the last
	at := b.add(b.max(own, b.int(0)), b.int(c.Lag))
	window := b.clamp(b.floorDiv(b.sub(at, b.int(c.Warm)), block), b.int(0), b.column(last))
	step := b.sub(at, b.mul(window, block))
	all := b.add(b.mul(b.add(b.mul(step, batch), b.column(b.count(batch))), windows), window)
	return b.gather(p, all)
}

// windows is the number of the last window of n positions.
func (k kind) windows(b builder, n tf.Output) tf.Output {
	rest := b.add(b.sub(n, b.int(k.Span)), b.int(k.Block-1))
	return b.max(b.floorDiv(rest, b.int(k.Block)), b.int(0))
}
