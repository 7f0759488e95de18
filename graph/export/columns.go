package export

import (
	"math"

	"github.com/rnnbin/rnnbin/graph/inputs"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// sequences are rows of B series: of each those from first to end-1 are its own, the others
// what pads it.
type sequences struct {
	x          tf.Output // [B,T,E]
	steps      tf.Output // T
	first, end tf.Output // [B]
	width      int       // E
}

// column is v [B] as [B,1].
func (b builder) column(v tf.Output) tf.Output { return b.reshape(v, -1, 1) }

// own is 1 where a row is one of the sequence's own: rows [n] -> [B,n,1].
func (q sequences) own(b builder, rows tf.Output) tf.Output {
	b = b.in("own")
	after := op.GreaterEqual(b.s.SubScope("after"), rows, b.column(q.first))
	inside := op.LogicalAnd(b.s.SubScope("inside"), after, b.less(rows, b.column(q.end)))
	return op.ExpandDims(b.s, b.double(inside), b.int(2))
}

// clamped are rows [n] of each sequence, those beyond its ends replaced by its first and its
// last: [B,n,E].
func (q sequences) clamped(b builder, rows tf.Output) tf.Output {
	b = b.in("clamped")
	last := b.sub(q.end, b.int(1))
	return b.rowsOf(q.x, b.clamp(rows, b.column(q.first), b.max(b.column(last), b.column(q.first))))
}

// fill puts values, [R] or [B,1,R], in the place of NaN.
func (b builder) fill(x, with tf.Output) tf.Output {
	b = b.in("fill")
	return b.choose(op.IsNan(b.s, x), with, x)
}

// forward is x [B,T,R] with the last value of the same feature in the place of NaN, and fill's
// before its first one.
func (b builder) forward(x, fill tf.Output, R int) tf.Output {
	b = b.in("forward")
	swap := b.constant([]int32{0, 2, 1})
	swapped := op.Transpose(b.s.SubScope("by_feature"), x, swap) // [B,R,T]
	steps := b.size(x, 1)
	flat := b.reshape(swapped, -1)
	known := op.Equal(b.s, flat, flat)
	places := b.cast(b.reshape(op.Where(b.s, known), -1), tf.Int32)
	soFar := op.Cumsum(b.s, b.cast(known, tf.Int32), b.int(0))
	last := b.gather(b.join(0, b.constant([]int32{-1}), places), soFar) // -1 for none so far
	place := b.count(b.size(flat, 0))
	begin := b.mul(b.floorDiv(place, steps), steps) // of the same series and feature
	back := func(v tf.Output) tf.Output {
		return op.Transpose(b.s.SubScope("by_row"), b.reshape(v, -1, R, steps), swap)
	}
	none := back(b.less(last, begin))
	return b.choose(none, fill, back(b.gather(flat, b.max(last, b.int(0)))))
}

// moments are sums over rows before the first one, as a stream hands them on.
type moments struct {
	rows          tf.Output // [B,1,1]
	mean, squares tf.Output // [B,1,R] the sum of squared deviations from the mean
}

// bound keeps values within the distance from the mean that networks see.
func bound(b builder, in inputs.Inputs, z tf.Output) tf.Output {
	if most := in.Bound(); !math.IsInf(most, 0) {
		return b.clamp(z, b.real(-most), b.real(most))
	}
	return z
}

// whole is x [B,T,R] with each feature scaled by all rows of its sequence, [B,T,2R]. The mean
// comes first, then deviations from it. The sequence's first row is taken off before, so that
// those of a constant are exactly 0.
func (q sequences) whole(b builder, in inputs.Inputs) sequences {
	b = b.in("whole")
	own := q.own(b, b.count(q.steps))
	n := b.reshape(b.double(b.max(q.end, b.int(1))), -1, 1, 1)
	axis := b.constant([]int32{1})
	mean := func(v tf.Output) tf.Output { // over the rows, [B,1,R]
		return b.div(op.Sum(b.s.SubScope("sum"), b.mul(v, own), axis, op.SumKeepDims(true)), n)
	}
	x := b.double(q.x)
	d := b.sub(x, b.slice(x, 1, 0, 1))
	d = b.sub(d, mean(d))
	z := b.divNoNan(d, b.sqrt(mean(b.mul(d, d))))
	return q.beside(b, bound(b, in, z))
}

// running is x [B,T,R] with each feature scaled by the rows up to its own, [B,T,2R], and the
// moments of all. Sums are of differences from the mean before or, where there are no rows
// before, from the first row.
func (q sequences) running(b builder, in inputs.Inputs, before *moments) (sequences, moments) {
	b = b.in("running")
	x := b.double(q.x)
	reference := b.slice(x, 1, 0, 1)
	rows := b.reshape(b.double(b.add(b.count(q.steps), b.int(1))), 1, -1, 1)
	if before != nil {
		none := b.less(before.rows, b.real(0.5))
		reference = b.choose(none, reference, before.mean)
		rows = b.add(rows, before.rows)
	}
	axis := b.int(1)
	d := b.sub(x, reference)
	squares := op.Cumsum(b.s.SubScope("squares"), b.mul(d, d), axis)
	if before != nil {
		squares = b.add(squares, before.squares)
	}
	mean := b.div(op.Cumsum(b.s.SubScope("sum"), d, axis), rows)
	variance := b.max(b.sub(b.div(squares, rows), b.mul(mean, mean)), b.real(0))
	z := b.divNoNan(b.sub(d, mean), b.sqrt(variance))
	last := func(v tf.Output) tf.Output { return b.slice(v, 1, b.sub(q.steps, b.int(1)), 1) }
	after := moments{last(rows), b.add(reference, last(mean)), last(b.mul(variance, rows))}
	return q.beside(b, bound(b, in, z)), after
}

// beside is q with further columns.
func (q sequences) beside(b builder, z tf.Output) sequences {
	q.x = b.join(2, q.x, b.float(z))
	q.width *= 2
	return q
}

// rolled is q with the statistics of rolling windows, all of it scaled: [B,T,F].
func (q sequences) rolled(b builder, in inputs.Inputs) tf.Output {
	all := []tf.Output{q.x}
	for _, rows := range in.Rolling {
		w := b.in("window")
		behind := in.Behind(rows)
		least, most := q.extremes(w, rows, behind)
		mean, deviation, slope := q.sums(w, rows, behind)
		all = append(all, mean, deviation, least, most, slope)
	}
	return scaled(b.in("scale"), b.join(2, all...), in.Scale)
}

// extremes are the least and the greatest value over the rows of each row's window, of which
// so many come after it, [B,T,E]. They are found by windows of twice as many rows each time.
// Rows beyond the ends are the ends', which are in those windows anyway.
func (q sequences) extremes(b builder, rows, behind int) (least, most tf.Output) {
	b = b.in("extremes")
	n := b.add(q.steps, b.int(rows-1))
	v := q.clamped(b, b.sub(b.count(n), b.int(rows-1-behind)))
	v = b.join(2, v, op.Neg(b.s, v))
	have := 1
	for have < rows {
		step := min(have, rows-have)
		n = b.sub(n, b.int(step))
		v = b.max(b.slice(v, 1, 0, n), b.slice(v, 1, step, n))
		have += step
	}
	return op.Neg(b.s.SubScope("least"), b.slice(v, 2, q.width, q.width)), b.slice(v, 2, 0, q.width)
}

// sums are the means, the standard deviations and the slopes over the rows of each row's
// window, [B,T,E]. As package inputs has it, rows are cut into blocks as long as the window:
// that consists of the last rows of one, the tail, and the first rows of the next, the head.
// Each is summed up from the end of the block on, as differences from the row that is next to
// it, so that nothing cancels but what is small in the window.
func (q sequences) sums(b builder, rows, behind int) (mean, deviation, slope tf.Output) {
	b = b.in("sums")
	E := q.width
	// Windows end at the rows behind to T-1+behind.
	blocks := b.floorDiv(b.add(q.steps, b.int(behind+rows-1)), b.int(rows))
	every := b.count(b.mul(blocks, b.int(rows)))
	inBlocks := func(v tf.Output, width int) tf.Output { return b.reshape(v, -1, blocks, rows, width) }
	x := inBlocks(b.double(q.clamped(b, every)), E)
	own := inBlocks(q.own(b, every), 1)
	at := func(v tf.Output, row int) tf.Output { return b.slice(v, 2, row, 1) }
	side := func(b builder, reference tf.Output, far []float64, reverse bool) (sums, references tf.Output) {
		d := b.mul(b.sub(x, reference), own)
		all := b.join(3, d, b.mul(d, d), b.mul(d, b.reshape(b.constant(far), 1, 1, rows, 1)))
		sums = op.Cumsum(b.s, all, b.int(2), op.CumsumReverse(reverse))
		references = b.broadcast(reference, b.size(x, 0), blocks, rows, E)
		return b.reshape(sums, -1, b.size(every, 0), 3*E), b.reshape(references, -1, b.size(every, 0), E)
	}
	near, far := make([]float64, rows), make([]float64, rows) // rows from the end of the block
	for i := range rows {
		near[i], far[rows-1-i] = float64(i), float64(i)
	}
	heads, seconds := side(b.in("head"), at(x, 0), near, false)
	tails, firsts := side(b.in("tail"), at(x, rows-1), far, true)

	// Of the window that ends at row e: the head up to it, the tail from e-rows+1 on.
	head := func(v tf.Output) tf.Output { return b.slice(v, 1, behind, q.steps) }
	tail := func(v tf.Output) tf.Output {
		before := b.constant([][]int32{{0, 0}, {int32(rows - 1 - behind), 0}, {0, 0}})
		return b.slice(op.Pad(b.s.SubScope("pad"), v, before), 1, 0, q.steps)
	}
	e := b.reshape(b.add(b.count(q.steps), b.int(behind)), 1, -1) // [1,T]
	begin := b.mul(b.floorDiv(e, b.int(rows)), b.int(rows))       // of the head's block
	has := b.double(b.less(b.floorMod(e, b.int(rows)), b.int(rows-1)))
	a, d := b.mul(tail(tails), b.reshape(has, 1, -1, 1)), head(heads)

	// The window's own rows, [B,T]: from low to high-1, the head's from middle on.
	first, end := b.column(q.first), b.column(q.end)
	low, high := b.max(b.sub(e, b.int(rows-1)), first), b.min(b.add(e, b.int(1)), end)
	middle := b.min(begin, high)
	wide := func(v tf.Output) tf.Output { return op.ExpandDims(b.s.SubScope("wide"), b.double(v), b.int(2)) }
	p := wide(b.max(b.sub(middle, low), b.int(0)))
	n := wide(b.max(b.sub(high, low), b.int(1)))
	center := b.sub(b.mul(b.add(wide(low), b.sub(wide(high), b.real(1))), b.real(0.5)), wide(begin)) // the mean distance from the head's first row
	steps := b.mul(p, b.mul(b.add(wide(b.sub(begin, low)), b.add(wide(b.sub(begin, middle)), b.real(1))), b.real(0.5)))

	part := func(v tf.Output, i int) tf.Output { return b.slice(v, 2, i*E, E) }
	second := head(seconds)
	D := b.sub(tail(firsts), second)
	pD := b.mul(p, D)
	sum := b.add(b.add(part(a, 0), part(d, 0)), pD)
	squares := b.add(b.add(part(a, 1), part(d, 1)), b.mul(b.add(b.mul(b.real(2), part(a, 0)), pD), D))
	products := b.sub(b.sub(part(d, 2), b.add(part(a, 2), part(a, 0))), b.mul(steps, D))
	m := b.div(sum, n)
	variance := b.sub(b.div(squares, n), b.mul(m, m))
	rise := b.div(b.real(12), b.max(b.mul(n, b.sub(b.mul(n, n), b.real(1))), b.real(1)))
	s := b.mul(b.sub(products, b.mul(center, sum)), rise)
	s = b.clamp(s, b.real(-math.MaxFloat32), b.real(math.MaxFloat32))
	return b.float(b.add(second, m)), b.float(b.sqrt(b.max(variance, b.real(0)))), b.float(s)
}

// scaled brings columns to like sizes, see [inputs.Scale].
func scaled(b builder, x tf.Output, by *inputs.Scale) tf.Output {
	if by == nil {
		return x
	}
	if by.Center == nil {
		return b.div(b.sub(x, b.constant(by.Offset)), b.constant(by.Divisor))
	}
	v := b.div(b.sub(b.double(x), b.constant(wide(by.Center))), b.constant(wide(by.Spread)))
	far := op.Abs(b.s.SubScope("far"), v)
	root := b.sqrt(b.add(b.mul(v, v), b.real(1)))
	asinh := b.mul(op.Sign(b.s.SubScope("sign"), v), op.Log(b.s.SubScope("log"), b.add(far, root)))
	return b.float(b.div(b.sub(asinh, b.constant(wide(by.Offset))), b.constant(wide(by.Divisor))))
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
