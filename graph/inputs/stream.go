package inputs

import "slices"

// Stream makes the columns of the rows of one series as they come, see [Inputs.NewStream].
type Stream struct {
	in       Inputs
	features int      // R
	values   int      // E
	columns  int      // F
	behind   int      // rows that a row waits for
	moments  *Moments // nil unless rows are scaled within their series
	windows  []*window
	waiting  []float32 // [n,F] rows that wait for later ones, not scaled, from head on
	head     int
}

// chunk is how many values [Stream.Append] makes at a time, so that they stay in the cache.
const chunk = 1 << 14

// NewStream begins a series of rows of so many features, which must be valid. The moments are
// those of the whole series for [Whole] and of the rows before the first one for [Running], nil
// if there are none; they are the stream's from then on.
func (in Inputs) NewStream(features int, m *Moments) *Stream {
	s := &Stream{in: in, features: features, values: in.SeriesScale.Columns(features), columns: in.Columns(features)}
	if s.values > features {
		s.moments = m
		if m == nil {
			s.moments = NewMoments(features)
		}
	}
	_, s.behind = in.Context()
	for _, rows := range in.Rolling {
		s.windows = append(s.windows, newWindow(rows, in.Behind(rows), s.values))
	}
	return s
}

// Append adds rows x [n,R] of the series and appends to dst the rows [m,F] that need no later
// ones any more.
func (s *Stream) Append(dst, x []float32) []float32 {
	rows := max(chunk/s.columns, 1)
	for part := range slices.Chunk(x, rows*s.features) {
		s.push(part)
		n := max(len(s.waiting)-s.head-s.behind*s.columns, 0)
		dst = s.scaled(append(dst, s.waiting[s.head:s.head+n]...), n)
		s.head += n
	}
	return dst
}

// Rest appends to dst the rows [m,F] that wait for later ones, as if the series ended here. It
// does not: the stream goes on as if Rest had not been called.
func (s *Stream) Rest(dst []float32) []float32 {
	rest := s.waiting[s.head:]
	dst = append(dst, rest...)
	for i, w := range s.windows {
		w.rest(dst[len(dst)-len(rest):], s.columns, s.place(i))
	}
	return s.scaled(dst, len(rest))
}

// place is the column where the statistics of window i begin.
func (s *Stream) place(i int) int { return s.values * (1 + statistics*i) }

// scaled scales the last n values of rows.
func (s *Stream) scaled(rows []float32, n int) []float32 {
	if s.in.Scale != nil {
		s.in.Scale.Apply(rows[len(rows)-n:])
	}
	return rows
}

// push adds rows x [n,R] to those that wait.
func (s *Stream) push(x []float32) {
	if rest := len(s.waiting) - s.head; s.head >= rest { // seldom, so that a row alone costs no more
		copy(s.waiting, s.waiting[s.head:])
		s.waiting, s.head = s.waiting[:rest], 0
	}
	base := len(s.waiting)
	n := len(x) / s.features * s.columns
	s.waiting = slices.Grow(s.waiting, n)[:base+n]
	for at := base; at < len(s.waiting); at += s.columns {
		s.write(s.waiting[at:at+s.values], x[:s.features])
		x = x[s.features:]
	}
	for i, w := range s.windows {
		for at := base; at < len(s.waiting); at += s.columns {
			w.push(s.waiting[at : at+s.values])
			if of := at - w.behind*s.columns; of >= s.head {
				w.last(s.waiting[of+s.place(i):], w.rows-w.filled)
			}
		}
	}
}

// write writes the values [E] of row x [R].
func (s *Stream) write(to, x []float32) {
	if s.moments == nil {
		copy(to, x)
		return
	}
	s.moments.write(to, x, s.in.SeriesScale, s.in.Bound())
}
