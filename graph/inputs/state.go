package inputs

import "github.com/rnnbin/rnnbin/graph/internal/pack"

// Code writes or reads what the stream knows of its series. The stream that reads is a new one of
// the same inputs.
func (s *Stream) Code(c *pack.Coder) {
	if m := s.moments; m != nil {
		c.Float64(&m.Rows)
		pack.Slice(c, &m.Mean, c.Float64)
		pack.Slice(c, &m.Squares, c.Float64)
		c.Want(len(m.Mean) == s.features && len(m.Squares) == s.features)
	}
	for _, w := range s.windows {
		w.code(c)
	}
	waiting := s.waiting[s.head:]
	pack.Slice(c, &waiting, c.Float32)
	c.Want(len(waiting)%s.columns == 0 && len(waiting) <= s.behind*s.columns)
	s.waiting, s.head = waiting, 0
}

// code leaves out the tail's sums, which are found anew for each row.
func (w *window) code(c *pack.Coder) {
	E := len(w.none)
	c.Int(&w.filled)
	c.Bool(&w.full)
	pack.Slice(c, &w.block, func(s *stats) { s.code(c) })
	c.Int(&w.head.rows)
	pack.Slice(c, &w.head.sums, func(s *stats) { s.code(c) })
	pack.Slice(c, &w.head.next, c.Float64)
	pack.Slice(c, &w.tail.next, c.Float64)
	c.Want(len(w.head.sums) == E && len(w.head.next) == E && len(w.tail.next) == E)
	c.Want(w.filled <= w.rows && w.head.rows == w.filled && len(w.block) <= w.rows*E)
	c.Want(len(w.block) == w.rows*E || !w.full && len(w.block) == w.filled*E)
}

func (s *stats) code(c *pack.Coder) {
	for _, v := range []*float64{&s.d, &s.dd, &s.td} {
		c.Float64(v)
	}
	c.Float32(&s.least)
	c.Float32(&s.most)
}
