package export

import (
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Stream takes the next rows of each series, one or several, with the state after those before,
// state [B,S], which is zeros before the first row; and also gives the state after them,
// next_state. It is missing where labels rest on later rows.
const Stream = "stream"

// streams reports whether rows are answered as they arrive.
func (k kind) streams() bool {
	_, ahead := k.Inputs.Context()
	return !k.Whole && k.Inputs.SeriesScale != inputs.Whole && k.Lag == 0 && ahead == 0 && k.Behind <= k.Lead
}

func (e *exporter) streams() bool {
	for _, k := range e.kinds {
		if !k.streams() {
			return false
		}
	}
	return true
}

// kept is how many rows of a series a kind keeps: those that the columns of the rows are made
// of which the next answer rests on.
func (k kind) kept() int {
	before, _ := k.Inputs.Context()
	return before + k.Before + k.Lead
}

// width is E, the values of a row that is kept.
func (k kind) width(features int) int { return k.Inputs.SeriesScale.Columns(features) }

// hands is the number of values that the networks hand on, for one window.
func (k kind) hands() int { return k.Networks.StateSize() }

// state divides what a stream hands on, and gathers what it is after the rows. It has the
// number of rows so far, the last values of the features if these are filled with them, the
// moments of the features if a kind scales by them, and for each kind the rows that it keeps and the states of the two windows that a row is in.
type state struct {
	b    builder
	of   tf.Output // [B,S]
	at   int
	next []tf.Output // [B,n]
}

// take is the next n values [B,n].
func (s *state) take(n int) tf.Output {
	s.at += n
	return s.b.slice(s.of, 1, s.at-n, n)
}

// stateSize is S.
func (e *exporter) stateSize() int {
	R, size := len(e.task.Features), 1
	if e.missing == Forward {
		size += R
	}
	if e.scalesRunning() {
		size += 2 * R
	}
	for _, k := range e.kinds {
		size += k.kept()*k.width(R) + 2*k.hands()
	}
	return size
}

func (e *exporter) scalesRunning() bool {
	for _, k := range e.kinds {
		if k.Inputs.SeriesScale == inputs.Running {
			return true
		}
	}
	return false
}

// stream adds the model as it labels rows as they arrive. Numbers are of 64 bits, so that
// neither counting nor the moments lose anything.
func (e *exporter) stream() signature {
	R := len(e.task.Features)
	b := builder{e.s.SubScope("follow")}
	series, x := e.series(b, "stream/series")
	of := e.placeholder("stream/state", tf.Double, -1, int64(e.stateSize()))
	s := &state{b: b.in("state"), of: of}
	steps := b.size(series, 1)
	rows := s.take(1)
	s.next = append(s.next, b.add(rows, b.double(steps)))
	last := e.standIn(b)
	if e.missing == Forward {
		none := b.reshape(b.less(rows, b.real(0.5)), -1, 1, 1)
		last = b.choose(none, last, b.reshape(b.float(s.take(R)), -1, 1, R))
	}
	q := sequences{x: e.filled(b, x, last), steps: steps, width: R}
	if e.missing == Forward {
		s.next = append(s.next, b.double(b.reshape(b.slice(q.x, 1, b.sub(steps, b.int(1)), 1), -1, R)))
	}
	var before *moments
	if e.scalesRunning() {
		feature := func() tf.Output { return b.reshape(s.take(R), -1, 1, R) }
		before = &moments{b.reshape(rows, -1, 1, 1), feature(), feature()}
		_, after := q.running(b, inputs.Inputs{}, before)
		s.next = append(s.next, b.reshape(after.mean, -1, R), b.reshape(after.squares, -1, R))
	}
	var list []tf.Output
	for _, k := range e.kinds {
		list = append(list, k.follow(b.in("kind"), e.g, q, rows, before, s))
	}
	outputs := append(e.labelled("stream/", b, together(b, list)), tensor{"next_state", e.named("stream/next_state", "Identity", nil, b.reshape(b.join(1, s.next...), -1, e.stateSize()))})
	return signature{Stream, []tensor{{SeriesInput, series}, {"state", of}}, outputs}
}

// follow are the probabilities [B,T,C] of the rows q, which come after so many others, [B,1].
func (k kind) follow(b builder, g *tf.Graph, q sequences, rows tf.Output, before *moments, s *state) tf.Output {
	if k.Inputs.SeriesScale == inputs.Running {
		q, _ = q.running(b, k.Inputs, before)
	}
	steps, kept := q.steps, k.kept()
	if kept > 0 {
		q.x = b.join(1, b.float(b.reshape(s.take(kept*q.width), -1, kept, q.width)), q.x)
		q.steps = b.add(steps, b.int(kept))
		s.next = append(s.next, b.double(b.reshape(b.slice(q.x, 1, steps, kept), -1, kept*q.width)))
	}
	// Of what is kept, the rows that the series has had are the last.
	had := b.cast(b.min(rows, b.real(float64(kept))), tf.Int32)
	q.first = b.reshape(b.sub(b.int(kept), had), -1)
	q.end = b.add(b.mul(q.first, b.int(0)), q.steps)
	columns := q.rolled(b.in("columns"), k.Inputs)

	positions := b.add(steps, b.int(k.Before+k.Behind))
	at := b.add(b.count(positions), b.int(kept-k.Before-k.Lead))
	x := b.transpose(b.rowsOf(columns, b.max(at, b.column(q.first)))) // [T',B,F]
	if k.hands() == 0 {
		p, _ := k.network.Assemble(g, b.s.SubScope("networks"), k.members, graph.Sequences{X: x})
		return b.transpose(b.reshape(p, steps, -1, k.network.Classes))
	}
	return k.lanes(b.in("lanes"), g, x, rows, steps, s)
}

// lanes runs the networks over columns x [T',B,F] in the two windows that each row is in. They
// take turns: those of even numbers are one lane, the others the second, and each lane begins
// anew where its next window does.
func (k kind) lanes(b builder, g *tf.Graph, x, rows, steps tf.Output, s *state) tf.Output {
	S := k.hands()
	span, block := b.real(float64(k.Span)), b.real(float64(k.Block))
	row := b.double(b.count(steps))
	position := b.add(rows, row)                                                   // [B,T]
	turned := b.add(b.reshape(row, -1, 1), b.reshape(rows, 1, -1))                 // [T,B]
	starts := b.join(1, turned, b.sub(turned, b.real(float64(k.Block%k.Span))))    // [T,2B]
	keep := op.NotEqual(b.s.SubScope("keep"), b.floorMod(starts, span), b.real(0)) // a position in a lane
	both := b.float(s.take(2 * S))
	p, last := k.network.Assemble(g, b.s.SubScope("networks"), k.members, graph.Sequences{
		X:     b.join(1, x, x),
		State: b.join(0, b.slice(both, 1, 0, S), b.slice(both, 1, S, S)), // [2B,S]
		Keep:  op.ExpandDims(b.s.SubScope("keep"), b.float(keep), b.int(2)),
	})
	batch := b.size(x, 1)
	s.next = append(s.next, b.double(b.join(1, b.slice(last, 0, 0, batch), b.slice(last, 0, batch, batch))))

	// The window before the one that begins last answers, if there is one.
	window := b.max(b.sub(b.floorDiv(position, block), b.real(1)), b.real(0))
	lane := b.cast(b.floorMod(window, b.real(2)), tf.Int32)
	at := b.add(b.mul(b.add(b.mul(b.count(steps), b.int(2)), lane), batch), b.column(b.count(batch)))
	return b.gather(p, at)
}
