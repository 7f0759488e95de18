package label

// queue keeps rows in the order in which they came until they are answered and
// taken.
type queue struct {
	base   int // number of the first row
	ready  int // rows at the front that are answered
	rows   []queued
	padded []bool // scratch of take
	answer []float32
}

type queued struct {
	series      int32
	known       bool
	padded      bool
	probability float32
}

// push appends n rows of a series, n at least 1, and returns the number of the first.
func (q *queue) push(series int32, n int) int {
	number := q.base + len(q.rows)
	for range n {
		q.rows = append(q.rows, queued{series: series})
	}
	return number
}

// set answers the row of a number.
func (q *queue) set(number int, probability float32, padded bool) {
	r := &q.rows[number-q.base]
	r.known, r.probability, r.padded = true, probability, padded
	for q.ready < len(q.rows) && q.rows[q.ready].known {
		q.ready++
	}
}

// take removes n answered rows from the front. The slices are valid until the
// next call.
func (q *queue) take(n int) (probability []float32, padded []bool) {
	q.answer, q.padded = q.answer[:0], q.padded[:0]
	for _, r := range q.rows[:n] {
		q.answer, q.padded = append(q.answer, r.probability), append(q.padded, r.padded)
	}
	q.rows = q.rows[n:] // not moved: many may wait, and be taken one by one
	q.base += n
	q.ready -= n
	return q.answer, q.padded
}
