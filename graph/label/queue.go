package label

// queue keeps rows in the order in which they came until they are answered and
// taken.
type queue struct {
	classes     int       // C
	base        int       // number of the first row
	ready       int       // rows at the front that are answered
	series      []int32   // [n] number of the row's series
	known       []bool    // [n] the row is answered
	padded      []bool    // [n]
	probability []float32 // [n,C]
}

// len is the number of rows.
func (q *queue) len() int { return len(q.series) }

// end is the number of the next row to come.
func (q *queue) end() int { return q.base + q.len() }

// push appends n rows of a series, n at least 1, and returns the number of the first.
func (q *queue) push(series int32, n int) int {
	number := q.end()
	for range n {
		q.series = append(q.series, series)
	}
	q.known = append(q.known, make([]bool, n)...)
	q.padded = append(q.padded, make([]bool, n)...)
	q.probability = append(q.probability, make([]float32, n*q.classes)...)
	return number
}

// set answers the row of a number.
func (q *queue) set(number int, probability []float32, padded bool) {
	i := number - q.base
	q.known[i], q.padded[i] = true, padded
	for k, p := range probability { // too few to call copy for
		q.probability[i*q.classes+k] = p
	}
	for q.ready < len(q.known) && q.known[q.ready] {
		q.ready++
	}
}

// take removes n answered rows from the front.
func (q *queue) take(n int) (k known) {
	// Nothing is moved: many may wait, and be taken one by one.
	v := n * q.classes
	k.probability, q.probability = q.probability[:v:v], q.probability[v:]
	k.padded, q.padded = q.padded[:n:n], q.padded[n:]
	q.series, q.known = q.series[n:], q.known[n:]
	q.base += n
	q.ready -= n
	return k
}
