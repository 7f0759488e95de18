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
	SplitAuto    SplitKind = "auto"    // SplitSeries where there are two series a fold, else SplitBlocks
	SplitSeries  SplitKind = "series"  // each fold holds whole series back
	SplitBlocks  SplitKind = "blocks"  // each fold holds a block of each series back
	SplitForward SplitKind = "forward" // the same, and trains on the blocks before it alone
)

// SplitKinds lists all of them.
var SplitKinds = []SplitKind{SplitAuto, SplitSeries, SplitBlocks, SplitForward}

// Resolve is the split that SplitAuto stands for with so many series.
func (k SplitKind) Resolve(number, folds int) SplitKind {
	switch {
	case k != SplitAuto:
		return k
	case number >= 2*folds:
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

// Folds divides the parts, each of a series of its own, into n folds. In what each holds
// back, and with SplitForward in what it trains on, two classes occur: folds are merged
// until they do, so that there may be fewer. Fewer than two, of more than one, are an error.
func Folds(kind SplitKind, parts []series.Range, labels []int16, classes, n int) ([]Fold, error) {
	total := Count(labels, parts, classes)
	if !several(total) {
		return nil, errors.New("fewer than two classes occur in the labels")
	}
	var held [][]series.Range
	switch kind = kind.Resolve(len(parts), n); kind {
	case SplitSeries:
		if len(parts) < n {
			return nil, fmt.Errorf("there are %d series for %d folds", len(parts), n)
		}
		held = deal(parts, labels, rarest(total), n)
	case SplitBlocks:
		held = blocks(parts, n)
	case SplitForward:
		held = blocks(parts, n+1)
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

// blocks cuts each part into n blocks of, as far as that goes, the same number of rows,
// and returns the i-th of each part together.
func blocks(parts []series.Range, n int) [][]series.Range {
	held := make([][]series.Range, n)
	for i := range held {
		for _, p := range parts {
			held[i] = appendRange(held[i], p, p.Start+p.Len()*i/n, p.Start+p.Len()*(i+1)/n)
		}
	}
	return held
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

// load is how many rows a part or a fold has: of the rarest class, and in all.
type load struct{ rare, rows int }

// deal gives each of n folds whole parts: first those with rows of the rarest class, each
// to the fold that has the fewest of these so far and, of such folds, the fewest rows; then
// the others, to the fold of the fewest rows. Within both, the largest go first.
func deal(parts []series.Range, labels []int16, rarest int16, n int) [][]series.Range {
	type part struct {
		series.Range
		load
	}
	order := make([]part, len(parts))
	for i, p := range parts {
		order[i] = part{p, load{rows: p.Len()}}
		for _, l := range labels[p.Start:p.End] {
			if l == rarest {
				order[i].rare++
			}
		}
	}
	slices.SortStableFunc(order, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.rare, a.rare), cmp.Compare(b.rows, a.rows))
	})
	held, loads := make([][]series.Range, n), make([]load, n)
	for _, p := range order {
		to := 0
		for i, l := range loads {
			if l.lighter(loads[to], p.rare > 0) {
				to = i
			}
		}
		held[to] = append(held[to], p.Range)
		loads[to].rare += p.rare
		loads[to].rows += p.rows
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
// Where there are several series and a time, the cut is at the same time in all of them.
// Otherwise a series keeps at least one row to train on.
func Tail(d *series.Data, fraction float64) Fold {
	var f Fold
	at, timed := cutTime(d, fraction)
	for _, s := range d.Series {
		cut := max(s.End-share(s.Len(), fraction), s.Start+1)
		if timed {
			cut, _ = slices.BinarySearch(d.Time[s.Start:s.End], at)
			cut += s.Start
		}
		f.Train = appendRange(f.Train, s, s.Start, cut)
		f.Held = appendRange(f.Held, s, cut, s.End)
	}
	return f
}

// share is the fraction of n rows, rounded.
func share(n int, fraction float64) int { return int(float64(n)*fraction + 0.5) }

// cutTime is the time at which the last rows, the given fraction of all, begin: if there
// are several series, times of theirs, and any rows before it.
func cutTime(d *series.Data, fraction float64) (float64, bool) {
	if d.Time == nil || len(d.Series) < 2 {
		return 0, false
	}
	times := slices.Sorted(slices.Values(d.Time))
	n := len(times)
	at := times[max(0, min(n-1, n-share(n, fraction)))]
	return at, at > times[0]
}
