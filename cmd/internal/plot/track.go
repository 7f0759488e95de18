package plot

import (
	"math"
	"slices"
)

// most is how many buckets a series is drawn from, at most: more than a picture has pixels
// across.
const most = 2048

// Row is a row of a series.
type Row struct {
	At          float64   // its time or, without one, its number
	X           []float32 // [F] features
	Probability []float32 // [C]; nil if nobody has answered
	Answer      int16     // below 0 for none
	Label       int16     // below 0 for none
}

// bucket is what can be seen of rows that follow each other.
type bucket struct {
	from, last    float64 // where the first and the last are
	low, high     []float32
	sum           []float64 // [C] of probabilities
	least, best   float32   // probability of the second class
	answered      int
	answer, label int16
	wrong         bool
}

func newBucket(r *Row) *bucket {
	b := &bucket{from: r.At, last: r.At, low: slices.Clone(r.X), high: slices.Clone(r.X), answer: r.Answer, label: r.Label}
	b.wrong = r.Label >= 0 && r.Answer >= 0 && r.Label != r.Answer
	if r.Probability != nil {
		b.answered = 1
		b.least, b.best = r.Probability[1], r.Probability[1]
		for _, p := range r.Probability {
			b.sum = append(b.sum, float64(p))
		}
	}
	return b
}

// join adds the bucket that follows.
func (b *bucket) join(c *bucket) {
	b.last = c.last
	for k := range b.low {
		b.low[k], b.high[k] = min(b.low[k], c.low[k]), max(b.high[k], c.high[k])
	}
	switch {
	case b.answered == 0:
		b.sum, b.least, b.best = c.sum, c.least, c.best
	case c.answered > 0:
		b.least, b.best = min(b.least, c.least), max(b.best, c.best)
		for k := range b.sum {
			b.sum[k] += c.sum[k]
		}
	}
	b.answered += c.answered
	b.answer, b.label, b.wrong = rarer(b.answer, c.answer), rarer(b.label, c.label), b.wrong || c.wrong
}

// rarer is the class to show of two: the first class is often the background, none is nothing
// to see.
func rarer(a, b int16) int16 {
	if a > 0 {
		return a
	}
	return max(a, b)
}

// track is a series of any length in limited memory. While it grows, buckets are joined in
// pairs, so that it stays within most of them.
type track struct {
	name    string
	buckets []*bucket
	width   int // rows in a bucket
	n       int
	wrong   int // rows
	known   int // rows with a label and an answer
	view    [2]float64
	steps   []float64 // from each of the first rows to the next
}

func (t *track) add(r *Row) {
	b := newBucket(r)
	if b.wrong {
		t.wrong++
	}
	if r.Label >= 0 && r.Answer >= 0 {
		t.known++
	}
	if n := len(t.buckets); n > 0 && len(t.steps) < most && r.At > t.buckets[n-1].last {
		t.steps = append(t.steps, r.At-t.buckets[n-1].last)
	}
	t.width = max(t.width, 1)
	if t.n < len(t.buckets)*t.width {
		t.buckets[len(t.buckets)-1].join(b)
		t.n++
		return
	}
	if len(t.buckets) == most {
		for i := range most / 2 {
			t.buckets[i] = t.buckets[2*i]
			t.buckets[i].join(t.buckets[2*i+1])
		}
		t.buckets, t.width = t.buckets[:most/2], 2*t.width
	}
	t.buckets = append(t.buckets, b)
	t.n++
}

// step is the usual distance of two rows, the median of the first ones.
func (t *track) step() float64 {
	if n := len(t.steps); n > 0 {
		if !slices.IsSorted(t.steps) { // no row follows
			slices.Sort(t.steps)
		}
		return t.steps[n/2]
	}
	return 1
}

// end is where a bucket ends: where the next begins, unless rows are missing between them.
func (t *track) end(i int) float64 {
	own := t.buckets[i].last + t.step()
	if i+1 < len(t.buckets) && !t.gap(i+1) {
		return t.buckets[i+1].from
	}
	return own
}

// gap reports whether rows are missing before a bucket.
func (t *track) gap(i int) bool {
	const times = 10
	return i > 0 && t.buckets[i].from-t.buckets[i-1].last > times*t.step()
}

// stretches are the buckets without gaps between them, as first and the one behind the last.
func (t *track) stretches(drawn func(*bucket) bool) [][2]int {
	var all [][2]int
	for i, b := range t.buckets {
		switch n := len(all); {
		case !drawn(b):
		case n > 0 && all[n-1][1] == i && !t.gap(i):
			all[n-1][1]++
		default:
			all = append(all, [2]int{i, i + 1})
		}
	}
	return all
}

// axis is that of the series.
func (t *track) axis(s Scale, width float64) *axis {
	a := &axis{scale: s, first: t.buckets[0].from, last: t.end(len(t.buckets) - 1), width: width}
	a.from, a.to = a.first, a.last
	if t.view[1] > t.view[0] {
		a.from, a.to = max(a.first, t.view[0]), min(a.last, t.view[1])
	}
	return a
}

// runs are the stretches of buckets with each class, of -1 to n-1, as rectangles.
func (t *track) runs(a *axis, height float64, class func(*bucket) int16) map[int16][][]point {
	const least = 0.7 // pixels, so that one row among millions is seen
	all := map[int16][][]point{}
	for i := 0; i < len(t.buckets); {
		k, j := class(t.buckets[i]), i+1
		for j < len(t.buckets) && class(t.buckets[j]) == k && !t.gap(j) {
			j++
		}
		left, right := a.x(t.buckets[i].from), a.x(t.end(j-1))
		all[k] = append(all[k], rect(left, 0, max(right, left+least), height))
		i = j
	}
	delete(all, -1)
	return all
}

// finite is a value to draw.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
