package plot

// most is how many buckets a sequence is drawn from, at most: more than a
// picture has pixels across.
const most = 4096

// bucket is the least and the greatest of some values that follow each other.
type bucket struct{ min, max float32 }

// thinned is what can be seen of a sequence of any length. While it grows,
// buckets are joined in pairs, so that it stays within most of them.
type thinned struct {
	buckets []bucket
	width   int // values in a bucket
	n       int // values
}

func (t *thinned) add(v float32) {
	if t.n == len(t.buckets)*max(t.width, 1) {
		t.grow(v)
	}
	b := &t.buckets[len(t.buckets)-1]
	b.min, b.max = min(b.min, v), max(b.max, v)
	t.n++
}

// grow adds a bucket.
func (t *thinned) grow(v float32) {
	t.width = max(t.width, 1)
	if len(t.buckets) == most {
		for i := range most / 2 {
			a, b := t.buckets[2*i], t.buckets[2*i+1]
			t.buckets[i] = bucket{min(a.min, b.min), max(a.max, b.max)}
		}
		t.buckets = t.buckets[:most/2]
		t.width *= 2
	}
	t.buckets = append(t.buckets, bucket{v, v})
}

// runs are the stretches, first value and the one behind the last, in which any
// value is 1 as far as can be seen.
func (t *thinned) runs() [][2]int {
	var runs [][2]int
	for i, b := range t.buckets {
		if b.max != 1 {
			continue
		}
		start, end := i*t.width, min((i+1)*t.width, t.n)
		if n := len(runs); n > 0 && runs[n-1][1] == start {
			runs[n-1][1] = end
		} else {
			runs = append(runs, [2]int{start, end})
		}
	}
	return runs
}
