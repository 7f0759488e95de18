package inputs

import (
	"math"
	"slices"
)

// window has the statistics of the last rows that came in. Blocks of that many rows follow
// each other, and the rows of a window are the last ones of a block and the first ones of the
// next (van Herk 1992, Gil and Werman 1993): what the rows from each one to the block's end sum
// up to is found once the block is full, what its first rows sum up to as they come. So the
// time that a row takes does not depend on the window's length.
type window struct {
	rows   int     // of the window, and of a block
	behind int     // rows that it takes in after the one that it is of
	filled int     // rows of the last block
	full   bool    // there is a block before that
	head   side    // of the last block's first rows
	tail   side    // of the last rows of the block before; its sums are in block
	none   []stats // [E] of no rows
	block  []stats // [rows,E] of each row so far of the last block; then of each row to the end of the block before
}

// side is what n rows to one side of the end of a block sum up to.
type side struct {
	n     int
	sums  []stats   // [E]
	first []float64 // [E] the row next to the end of the block, which the sums are relative to
}

// stats are what rows sum up to for one feature: d is the difference of its value from that of
// one of the rows, so that sums of squares do not cancel, and t is the distance from that row.
type stats struct {
	d, dd, td   float64
	least, most float32
}

func newWindow(rows, behind, features int) *window {
	w := &window{rows: rows, behind: behind, head: newSide(features), tail: newSide(features)}
	w.none = slices.Repeat([]stats{{least: math.MaxFloat32, most: -math.MaxFloat32}}, features)
	return w
}

func newSide(features int) side {
	return side{sums: make([]stats, features), first: make([]float64, features)}
}

// add adds the next row away from the end of the block, of so many sums.
func (s *side) add(row []stats) {
	if s.n == 0 {
		for k, r := range row {
			s.first[k] = float64(r.least)
		}
		copy(s.sums, row)
		s.n = 1
		return
	}
	t := float64(s.n)
	for k := range row {
		a, x := &s.sums[k], row[k].least
		d := float64(x) - s.first[k]
		a.d += d
		a.dd += d * d
		a.td += t * d
		a.least, a.most = min(a.least, x), max(a.most, x)
	}
	s.n++
}

// push adds a row [E].
func (w *window) push(row []float32) {
	if w.filled == w.rows {
		w.turn()
	}
	E := len(row)
	at := w.filled * E
	if len(w.block) == at { // the first block grows with the series, which may be short
		w.block = append(w.block, make([]stats, E)...)
	}
	single := w.block[at : at+E]
	for k, x := range row {
		single[k] = stats{least: x, most: x}
	}
	w.head.add(single)
	w.filled++
}

// turn begins a block: each row of the last one becomes the sums from it to the block's end.
func (w *window) turn() {
	E := len(w.none)
	w.tail.n = 0
	for at := len(w.block) - E; at >= 0; at -= E {
		row := w.block[at : at+E]
		w.tail.add(row)
		copy(row, w.tail.sums)
	}
	w.filled, w.head.n, w.full = 0, 0, true
}

// last writes the statistics [5,E] of the window that ends at the last row.
func (w *window) last(to []float32) { w.write(to, w.rows-w.filled) }

// write writes the statistics [5,E] of all rows of the last block and n of the one before.
func (w *window) write(to []float32, n int) {
	tail := side{0, w.none, w.tail.first}
	if n > 0 && w.full {
		at := len(w.block) - n*len(w.none)
		tail = side{n, w.block[at : at+len(w.none)], w.tail.first}
	}
	merge(to, tail, w.head)
}

// merge writes the statistics [5,E] of the rows to both sides of the end of a block.
func merge(to []float32, tail, head side) {
	E := len(tail.sums)
	p, n := float64(tail.n), float64(tail.n+head.n)
	each := 1 / n
	steps := p * (p + 1) / 2              // the sum of the tail's distances from the head's first row
	middle := (float64(head.n-1) - p) / 2 // the mean distance of all
	rise := 0.0                           // what makes of a sum of products a slope
	if n > 1 {
		rise = 12 / (n * (n*n - 1))
	}
	means, deviations, minima, maxima, slopes := to[:E], to[E:2*E], to[2*E:3*E], to[3*E:4*E], to[4*E:5*E]
	a, b, first, second := tail.sums[:E], head.sums[:E], tail.first[:E], head.first[:E]
	for k := range E {
		a, b := &a[k], &b[k]
		D := first[k] - second[k]
		d := a.d + b.d + p*D
		dd := a.dd + b.dd + (2*a.d+p*D)*D
		td := b.td - a.td - a.d - steps*D
		mean := d * each
		means[k] = float32(second[k] + mean)
		deviations[k] = float32(math.Sqrt(max(dd*each-mean*mean, 0)))
		minima[k] = min(a.least, b.least)
		maxima[k] = max(a.most, b.most)
		slopes[k] = float32(min(max((td-middle*d)*rise, -math.MaxFloat32), math.MaxFloat32))
	}
}

// rest writes the statistics [5,E] of the rows whose windows reach beyond the last row, as if
// the series ended there, to the end of rows to [n,F], from the given column on.
func (w *window) rest(to []float32, columns, from int) {
	E := len(w.none)
	reached := newSide(E) // the rows to the end of the last block so far
	n := min(w.behind, len(to)/columns)
	for i := 1; i <= n; i++ { // the i-th row from the end
		out := to[len(to)-i*columns+from:]
		gone := w.behind + 1 - i // rows that the window reaches beyond the last one
		rows := w.rows - gone
		if rows >= w.filled {
			w.write(out, rows-w.filled)
			continue
		}
		for reached.n < rows {
			at := (w.filled - 1 - reached.n) * E
			reached.add(w.block[at : at+E])
		}
		merge(out, reached, side{0, w.none, reached.first})
	}
}
