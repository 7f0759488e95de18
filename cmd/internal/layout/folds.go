package layout

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// SplitKind is how rows are divided into folds.
type SplitKind string

const (
	SplitAuto    SplitKind = "auto"    // SplitSeries where a column groups series or there are two groups a fold, else SplitBlocks
	SplitSeries  SplitKind = "series"  // each fold holds whole groups of series back
	SplitBlocks  SplitKind = "blocks"  // each fold holds a block of each group back
	SplitForward SplitKind = "forward" // each fold holds a block of time back, and trains on the blocks before it alone
)

// SplitKinds lists all of them.
var SplitKinds = []SplitKind{SplitAuto, SplitSeries, SplitBlocks, SplitForward}

// Resolve is the split that SplitAuto stands for with so many groups, which a column names or
// which are series.
func (k SplitKind) Resolve(named bool, groups, folds int) SplitKind {
	switch {
	case k != SplitAuto:
		return k
	case named || groups >= 2*folds:
		return SplitSeries
	}
	return SplitBlocks
}

// Fold is rows to train on, and rows held back to judge by.
type Fold struct {
	Train []series.Range
	Held  []series.Range
}

// Gap is the rows to train on without the n rows before and the n behind each one that is
// held back and of the same series.
func (f Fold) Gap(n int) []series.Range {
	wider := slices.Clone(f.Held)
	for i := range wider {
		wider[i].Start -= n
		wider[i].End += n
	}
	return subtract(f.Train, wider)
}

// Folds divides parts of d, each of a series of its own, into n folds. In what each holds
// back, and with SplitForward in what it trains on, two classes occur: folds are merged
// until they do, so that there may be fewer. Fewer than two, of more than one, are an error.
func Folds(kind SplitKind, d *series.Data, parts []series.Range, n int) ([]Fold, error) {
	labels, classes := d.Labels, len(d.Classes)
	total := Count(labels, parts, classes)
	if !several(total) {
		return nil, errors.New("fewer than two classes occur in the labels")
	}
	groups := Groups(parts)
	var held [][]series.Range
	switch kind = kind.Resolve(d.Group != "", len(groups), n); kind {
	case SplitSeries:
		if len(groups) < n {
			return nil, fmt.Errorf("there are %s for %d folds", groupsText(d, len(groups)), n)
		}
		held = deal(groups, labels, rarest(total), n)
	case SplitBlocks:
		held = blocks(groups, n)
	case SplitForward:
		held = forward(d, parts, n+1)
	}
	held = merge(held, labels, classes)
	var before []series.Range
	if kind == SplitForward && len(held) > 0 {
		before, held = held[0], held[1:]
	}
	if len(held) < min(n, 2) {
		return nil, errors.New("the rows cannot be divided so that two classes occur in each part")
	}
	folds := make([]Fold, len(held))
	for i, h := range held {
		folds[i] = Fold{Train: subtract(parts, h), Held: h}
		if kind == SplitForward {
			folds[i].Train = before
			before = union(before, h)
		}
	}
	return folds, nil
}

// Groups brings parts of one group together, in the order of their first ones.
func Groups(parts []series.Range) [][]series.Range {
	var all [][]series.Range
	place := map[string]int{}
	for _, p := range parts {
		key := cmp.Or(p.Group, p.Name)
		at, known := place[key]
		if !known {
			at, all = len(all), append(all, nil)
			place[key] = at
		}
		all[at] = append(all[at], p)
	}
	return all
}

// groupsText is so many groups of d.
func groupsText(d *series.Data, n int) string {
	if d.Group == "" {
		return fmt.Sprintf("%d series", n)
	}
	return fmt.Sprintf("%d groups (column %q)", n, d.Group)
}

// blocks cuts each group into n blocks of, as far as that goes, the same number of rows,
// and returns the i-th of each group together.
func blocks(groups [][]series.Range, n int) [][]series.Range {
	held := make([][]series.Range, n)
	for _, g := range groups {
		rows, first := Rows(g), 0 // of all rows of the group, that with which the part begins
		for _, p := range g {
			begin := func(i int) int { return p.Start + min(max(rows*i/n-first, 0), p.Len()) }
			for i := range held {
				held[i] = appendRange(held[i], p, begin(i), begin(i+1))
			}
			first += p.Len()
		}
	}
	return held
}

// forward cuts the parts into n blocks of, as far as that goes, the same number of rows, all
// at the same times where that is known, else each group by itself.
func forward(d *series.Data, parts []series.Range, n int) [][]series.Range {
	times := times(d, parts)
	if times == nil {
		return blocks(Groups(parts), n)
	}
	held := make([][]series.Range, n)
	for _, p := range parts {
		start := p.Start
		for i := range held {
			end := p.End
			if i+1 < n {
				end = rowAt(d, p, times[len(times)*(i+1)/n])
			}
			held[i] = appendRange(held[i], p, start, end)
			start = end
		}
	}
	return held
}

// times are those of the parts' rows, in order; nil where there is no clock that several parts
// share.
func times(d *series.Data, parts []series.Range) []float64 {
	if d.Time == nil || len(parts) < 2 {
		return nil
	}
	var all []float64
	for _, p := range parts {
		all = append(all, d.Time[p.Start:p.End]...)
	}
	slices.Sort(all)
	return all
}

// rowAt is the first row of p that is not before a time.
func rowAt(d *series.Data, p series.Range, at float64) int {
	i, _ := slices.BinarySearch(d.Time[p.Start:p.End], at)
	return p.Start + i
}

// rarest is the class of the fewest rows, of those that occur.
func rarest(count []int) int16 {
	least := -1
	for c, n := range count {
		if n > 0 && (least < 0 || n < count[least]) {
			least = c
		}
	}
	return int16(least)
}

// load is how many rows a group or a fold has: of the rarest class, and in all.
type load struct{ rare, rows int }

// deal gives each of n folds whole groups: first those with rows of the rarest class, each
// to the fold that has the fewest of these so far and, of such folds, the fewest rows; then
// the others, to the fold of the fewest rows. Within both, the largest go first.
func deal(groups [][]series.Range, labels []int16, rarest int16, n int) [][]series.Range {
	type group struct {
		parts []series.Range
		load
	}
	order := make([]group, len(groups))
	for i, parts := range groups {
		order[i] = group{parts, load{rows: Rows(parts)}}
		for _, p := range parts {
			for _, l := range labels[p.Start:p.End] {
				if l == rarest {
					order[i].rare++
				}
			}
		}
	}
	slices.SortStableFunc(order, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.rare, a.rare), cmp.Compare(b.rows, a.rows))
	})
	held, loads := make([][]series.Range, n), make([]load, n)
	for _, g := range order {
		to := 0
		for i, l := range loads {
			if l.lighter(loads[to], g.rare > 0) {
				to = i
			}
		}
		held[to] = append(held[to], g.parts...)
		loads[to].rare += g.rare
		loads[to].rows += g.rows
	}
	return held
}

// lighter compares by rows of the rarest class first, if so asked, then by all rows.
func (l load) lighter(than load, byRare bool) bool {
	if byRare && l.rare != than.rare {
		return l.rare < than.rare
	}
	return l.rows < than.rows
}

// merge brings together what folds hold back until two classes occur in each, with that of
// the next fold or, at the end, the one before.
func merge(held [][]series.Range, labels []int16, classes int) [][]series.Range {
	var merged [][]series.Range
	var open []series.Range
	for _, h := range held {
		open = union(open, h)
		if several(Count(labels, open, classes)) {
			merged, open = append(merged, open), nil
		}
	}
	if n := len(merged); n > 0 {
		merged[n-1] = union(merged[n-1], open)
	}
	return merged
}

// several reports whether two classes or more occur.
func several(count []int) bool {
	occur := 0
	for _, n := range count {
		if n > 0 {
			occur++
		}
	}
	return occur >= 2
}

// Tail divides each of d's series: its last rows, the given fraction of all, are held back.
// Where there are several series and a time, the cut is at the same time in all of them: one
// that any rows are before. Otherwise a series keeps at least one row to train on.
func Tail(d *series.Data, fraction float64) Fold {
	var f Fold
	times := times(d, d.Series)
	at := 0.0
	if n := len(times); n > 0 {
		if at = times[max(0, min(n-1, n-share(n, fraction)))]; at == times[0] {
			times = nil
		}
	}
	for _, s := range d.Series {
		cut := max(s.End-share(s.Len(), fraction), s.Start+1)
		if times != nil {
			cut = rowAt(d, s, at)
		}
		f.Train = appendRange(f.Train, s, s.Start, cut)
		f.Held = appendRange(f.Held, s, cut, s.End)
	}
	return f
}

// share is the fraction of n rows, rounded.
func share(n int, fraction float64) int { return int(float64(n)*fraction + 0.5) }
