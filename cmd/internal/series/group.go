package series

import "slices"

// finish brings the rows in order of their series.
func (l *loader) finish() {
	d := l.data
	position := make([]int, len(l.begun))
	for _, r := range l.runs {
		position[r.series] += r.end - r.start
	}
	start := 0
	for i, n := range position {
		position[i] = start
		if n > 0 {
			s := l.begun[i]
			s.Start, s.End = start, start+n
			d.Series = append(d.Series, s)
		}
		start += n
	}
	if !slices.IsSortedFunc(l.runs, func(a, b run) int { return int(a.series - b.series) }) {
		l.group(position, start)
	}
}

// group moves the rows of each series together, series i beginning at
// position[i].
func (l *loader) group(position []int, n int) {
	d := l.data
	order := make([]int32, n) // order[new] = old
	for _, r := range l.runs {
		for i := r.start; i < r.end; i++ {
			order[position[r.series]] = int32(i)
			position[r.series]++
		}
	}
	d.X = permute(d.X, len(d.Features), order)
	if d.Labels != nil {
		d.Labels = permute(d.Labels, 1, order)
	}
	if d.Time != nil {
		d.Time = permute(d.Time, 1, order)
	}
}

// permute returns the rows of s, width values each, in the given order.
func permute[T any](s []T, width int, order []int32) []T {
	out := make([]T, 0, len(s))
	for _, i := range order {
		out = append(out, s[int(i)*width:(int(i)+1)*width]...)
	}
	return out
}
