package label

import "github.com/rnnbin/rnnbin/graph/internal/pack"

// MarshalBinary returns what the stream knows, for [Model.Restore] of the same model, in this
// process or another. The stream goes on.
func (s *Stream) MarshalBinary() ([]byte, error) {
	c := new(pack.Coder)
	s.code(c)
	return c.Bytes(), c.Err()
}

// Restore returns the stream that state was taken from: the same bits answer the rows after it.
// State of another model is an error if that shows; it is as good as its source.
func (m *Model) Restore(state []byte) (*Stream, error) {
	s, c := m.Stream(), pack.NewReader(state)
	s.code(c)
	return s, c.Err()
}

func (s *Stream) code(c *pack.Coder) {
	pack.Slice(c, &s.kept, c.Float32)
	c.Want(len(s.kept)%len(s.s.m.task.Features) == 0)
	for _, of := range s.s.strands {
		of.code(c)
	}
}

// code is that of a strand of one series, without windows that wait for others.
func (s *strand) code(c *pack.Coder) {
	s.queue.code(c)
	t := s.tracks[0]
	begun := t != nil
	if c.Bool(&begun); !begun {
		return
	}
	if t == nil {
		var err error
		if t, err = s.track(0); err != nil {
			c.Want(false)
			return
		}
	}
	t.code(c, s)
}

func (q *queue) code(c *pack.Coder) {
	c.Int(&q.base)
	c.Int(&q.ready)
	pack.Slice(c, &q.known, c.Bool)
	pack.Slice(c, &q.padded, c.Bool)
	pack.Slice(c, &q.probability, c.Float32)
	n := len(q.known)
	c.Want(len(q.padded) == n && len(q.probability) == n*q.classes && q.ready <= n)
	q.series = make([]int32, n)
}

func (t *track) code(c *pack.Coder, s *strand) {
	l := s.l
	pack.Slice(c, &t.x, c.Float32)
	c.Int(&t.at)
	pack.Slice(c, &t.state, c.Float32)
	t.inputs.Code(c)
	for _, n := range []*int{&t.count, &t.made, &t.answered, &t.early} {
		c.Int(n)
	}
	pack.Slice(c, &t.waiting, func(w *stretch) {
		c.Int(&w.number)
		c.Int(&w.n)
		c.Want(w.n >= 1 && w.number >= s.queue.base && w.number+w.n <= s.queue.end())
	})
	pack.Slice(c, &t.last, c.Float32)
	wait := 0
	for _, w := range t.waiting {
		wait += w.n
	}
	c.Want(len(t.x)%l.features == 0 && (len(t.last) == l.features || t.made == 0 && len(t.last) == 0))
	c.Want(t.made <= t.count && t.answered+wait == t.count && t.early <= t.count)
	if s.carry {
		c.Want(len(t.state) == 2*l.state)
	} else {
		c.Want(len(t.state) == 0)
	}
	if t.made > 0 { // what is there is what was made, from before the position on
		c.Want(len(t.x)/l.features == l.Before+l.Lead+t.made-t.at)
	}
}
