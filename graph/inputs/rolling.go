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
	block  []stats // [rows,E] of each row so far of the last block, then of all from each row to the end of the block before
	head   side    // the last block's rows
	tail   side    // the rows of the block before that are in the window
	none   []stats // [E] of no row
	weights
}

// side is what the rows to one side of the end of a block sum up to.
type side struct {
	rows int
	sums []stats   // [E]
	next []float64 // [E] the row next to the end of the block
}

// stats are what rows sum up to for one feature: d is the difference of its value from that of
// the row next to the end of the block, and t is how far from there the row is. That row is in
// each window which has rows of that side, so that nothing cancels but what is small in it.
type stats struct {
	d, dd, td   float64
	least, most float32
}

func newWindow(rows, behind, features int) *window {
	return &window{
		rows: rows, behind: behind,
		head: side{sums: make([]stats, features), next: make([]float64, features)},
		tail: side{next: make([]float64, features)},
		none: slices.Repeat([]stats{{least: math.MaxFloat32, most: -math.MaxFloat32}}, features),
	}
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
	slot := w.block[at : at+E]
	for k, x := range row {
		s := &slot[k]
		s.d, s.dd, s.td, s.least, s.most = 0, 0, 0, x, x
	}
	if w.filled == 0 {
		w.head.begin(w.head.sums, slot)
	} else {
		w.head.add(w.head.sums, slot)
	}
	w.filled++
}

// turn begins a block: of the last one, each row becomes the sums from it to the end.
func (w *window) turn() {
	E := len(w.none)
	at := len(w.block) - E
	w.tail.begin(w.block[at:], w.block[at:])
	for at -= E; at >= 0; at -= E {
		row := w.block[at : at+E]
		w.tail.add(row, row)
	}
	w.filled, w.full = 0, true
}

// begin makes sums, which become those of the side, of its first row.
func (s *side) begin(sums, row []stats) {
	copy(sums, row)
	for k := range row {
		s.next[k] = float64(row[k].least)
	}
	s.rows, s.sums = 1, sums
}

// add makes sums, which become those of the side, of them and the next row.
func (s *side) add(sums, row []stats) {
	t := float64(s.rows)
	was, next := s.sums[:len(row)], s.next[:len(row)]
	sums = sums[:len(row)]
	for k := range row {
		x, a, b := row[k].least, &was[k], &sums[k]
		b.least, b.most = min(a.least, x), max(a.most, x)
		d := float64(x) - next[k]
		b.d = a.d + d
		b.dd = a.dd + d*d
		b.td = a.td + t*d
	}
	s.rows, s.sums = s.rows+1, sums
}

// last writes the statistics [5,E] of the window that ends at the last row, or that would end
// so many rows behind it if there were more. It has rows of the block before, if that is full.
func (w *window) last(to []float32, n int) {
	w.tail.rows, w.tail.sums = 0, w.none
	if w.full && n > 0 {
		w.tail.rows, w.tail.sums = n, w.block[len(w.block)-n*len(w.none):]
	}
	w.merge(to, &w.tail, &w.head)
}

// weights are factors that statistics of n rows share.
type weights struct {
	n    int
	each float64 // 1/n
	rise float64 // makes the slope of a sum of products
}

func (w *weights) set(n int) {
	if w.n != n {
		f := float64(n)
		*w = weights{n, 1 / f, 12 / max(f*(f*f-1), 1)}
	}
}

// merge writes the statistics [5,E] of the rows to both sides of the end of a block.
func (w *weights) merge(to []float32, tail, head *side) {
	w.set(tail.rows + head.rows)
	p := float64(tail.rows)
	steps := p * (p + 1) / 2                 // the sum of the tail's distances from the head's first row
	middle := (float64(head.rows-1) - p) / 2 // the mean distance of all
	each, rise := w.each, w.rise
	E := len(head.sums)
	means, deviations, minima, maxima, slopes := to[:E], to[E:2*E], to[2*E:3*E], to[3*E:4*E], to[4*E:5*E]
	as, bs, first, second := tail.sums[:E], head.sums[:E], tail.next[:E], head.next[:E]
	for k := range bs {
		a, b := &as[k], &bs[k]
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
	ends := side{next: make([]float64, E)} // rows to the end of the last block so far
	none := side{sums: w.none, next: ends.next}
	sums := make([]stats, E)
	n := min(w.behind, len(to)/columns)
	for i := 1; i <= n; i++ { // the i-th row from the end
		out := to[len(to)-i*columns+from:]
		rows := w.rows - (w.behind + 1 - i) // of the window, were the series long enough at its beginning
		if rows >= w.filled {
			w.last(out, rows-w.filled)
			continue
		}
		for ends.rows < rows {
			row := w.block[(w.filled-1-ends.rows)*E:][:E]
			if ends.rows == 0 {
				ends.begin(sums, row)
			} else {
				ends.add(sums, row)
			}
		}
		w.merge(out, &ends, &none)
	}
}
