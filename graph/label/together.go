package label

import (
	"context"
	"math"
	"slices"
	"sync"
)

// Push is rows that a stream gets in a call of [Model.PushAll], and what comes of them.
type Push struct {
	Stream  *Stream
	Rows    []float32 // [n,R]
	Answers Answers   // that are known then, as [Stream.Push] returns them
	Err     error
}

// PushAll is [Stream.Push] for many streams of the model, each once at most. Their rows are run
// together, which takes much less time than one after the other, and agrees with it to rounding.
// An error is that of one stream, and no fault of the others.
func (m *Model) PushAll(ctx context.Context, all []*Push) {
	if m.ScalesWhole() {
		for _, p := range all {
			p.Answers, p.Err = p.Stream.Push(p.Rows)
		}
		return
	}
	for _, p := range all {
		p.Rows, p.Err = p.Stream.s.filled(make([]int32, len(p.Rows)/len(m.task.Features)), p.Rows)
	}
	for kind := range m.engines {
		m.engines[kind].pushAll(ctx, kind, all)
	}
	for _, p := range all {
		if p.Err == nil {
			p.Answers = p.Stream.s.Take(p.Stream.s.Ready())
		}
	}
}

// pushAll has the networks of a kind label rows.
func (l *engine) pushAll(ctx context.Context, kind int, all []*Push) {
	var walks []*walk
	var of []*Push
	for _, p := range all {
		if p.Err != nil || len(p.Rows) == 0 {
			continue
		}
		s := p.Stream.s.strands[kind]
		var t *track
		if t, p.Err = s.track(0); p.Err != nil {
			continue
		}
		s.append(t, 0, p.Rows)
		if !s.carry {
			p.Err = s.advance(ctx, t)
		} else if t.made > 0 {
			walks, of = append(walks, &walk{s: s, t: t, c: &t.cursor, end: s.seen(t)}), append(of, p)
		}
	}
	l.walk(ctx, slices.Clone(walks))
	for i, w := range walks {
		of[i].Err = w.err
	}
	for _, p := range all {
		if p.Err == nil {
			p.Err = p.Stream.s.strands[kind].limit(ctx)
		}
	}
}

// walk is a series whose states are carried on to a position.
type walk struct {
	s   *strand
	t   *track
	c   *cursor
	end int
	err error
}

// walk carries the states of series on, all of them in each call of the networks.
func (l *engine) walk(ctx context.Context, all []*walk) {
	for {
		all = slices.DeleteFunc(all, func(w *walk) bool { return w.err != nil || w.c.at >= w.end })
		if len(all) == 0 {
			return
		}
		l.stride(ctx, all)
	}
}

// memory is what calls of networks are made of. It is used again, as there are a thousand calls a second, each with the states of a
// hundred streams.
type memory struct{ x, state []float32 }

var memories = sync.Pool{New: func() any { return new(memory) }}

// stride takes as many positions as all have left, each in its block.
func (l *engine) stride(ctx context.Context, all []*walk) {
	n := math.MaxInt
	for _, w := range all {
		n = min(n, l.Block-w.c.at%l.Block, w.end-w.c.at)
	}
	rows := (l.Before + n + l.Behind) * l.features
	m := memories.Get().(*memory)
	defer memories.Put(m)
	x, state := m.x[:0], m.state[:0]
	for _, w := range all {
		x = append(append(x, w.c.x[:rows]...), w.c.x[:rows]...)
		state = w.c.enter(state, l)
	}
	m.x, m.state = x, state
	p, err := l.network.Predict(ctx, x, 2*len(all), state)
	if err != nil && len(all) > 1 { // the fault of one of them, maybe
		for _, w := range all {
			l.stride(ctx, []*walk{w})
		}
		return
	}
	if err != nil {
		w := all[0]
		w.err = w.s.atRow(err, x, 2, func(int) (*track, int) { return w.t, w.c.at })
		return
	}
	each := len(p.Probability) / len(all)
	for i, w := range all {
		for row := range n {
			w.s.answer(w.t, w.c.at+row, l.row(p.Probability[i*each:], row))
		}
		w.c.x, w.c.at = w.c.x[n*l.features:], w.c.at+n
		copy(w.c.state, p.State[2*i*l.state:])
	}
}

// enter appends the state at a position. Where a block begins, the window that warmed up answers from
// there on, and another one begins. Both are the first window in the first block.
func (c *cursor) enter(state []float32, l *engine) []float32 {
	if c.at%l.Block != 0 {
		return append(state, c.state...)
	}
	if l.Warm == 0 {
		return append(state, make([]float32, 2*l.state)...)
	}
	return append(append(state, c.state[l.state:]...), make([]float32, l.state)...)
}
