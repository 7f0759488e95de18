package layout

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// SplitKind is how rows are divided into folds.
type SplitKind string

const (
	SplitAuto    SplitKind = "auto"    // SplitSeries where a column groups series, or three groups are known and no class is Alone; else SplitBlocks
	SplitSeries  SplitKind = "series"  // each fold holds whole groups of series back
	SplitBlocks  SplitKind = "blocks"  // each fold holds a block of each group back
	SplitForward SplitKind = "forward" // each fold holds a block of time back, and trains on the blocks before it alone
)

// SplitKinds lists all of them.
var SplitKinds = []SplitKind{SplitAuto, SplitSeries, SplitBlocks, SplitForward}

// FewestGroups is how many groups of series there must be to learn what they have in common.
const FewestGroups = 3

// Resolve is the split that SplitAuto stands for with parts of d.
func (k SplitKind) Resolve(d *series.Data, parts []series.Range) SplitKind {
	switch {
	case k != SplitAuto:
		return k
	case d.Group != "" || len(Groups(parts)) >= FewestGroups && len(Alone(d, parts)) == 0:
		return SplitSeries
	}
	return SplitBlocks
}

// Alone are the classes that occur in one of several groups of parts only: held back with it,
// they would be in no row that trains.
func Alone(d *series.Data, parts []series.Range) []string {
	groups := Groups(parts)
	in := make([]int, len(d.Classes))
	for _, g := range groups {
		for c, n := range Count(d.Labels, g, len(in)) {
			in[c] += min(n, 1)
		}
	}
	var alone []string
	for c, n := range in {
		if n == 1 && len(groups) > 1 {
			alone = append(alone, d.Classes[c])
		}
	}
	return alone
}

// Fold is rows to train on, and rows held back to judge by.
type Fold struct {
	Train []series.Range
	Held  []series.Range
}

// Pieces are the rows that train and those held back, by their place.
func (f Fold) Pieces() []series.Range {
	return slices.SortedFunc(slices.Values(slices.Concat(f.Train, f.Held)), func(a, b series.Range) int { return a.Start - b.Start })
}

// Untaught are the classes that occur in what a fold holds back of d, but in no row of those of
// train that train for it.
func Untaught(train, d *series.Data, folds ...Fold) []string {
	C := len(d.Classes)
	untaught := make([]bool, C)
	for _, f := range folds {
		taught := Count(train.Labels, f.Train, C)
		for c, n := range Count(d.Labels, f.Held, C) {
			untaught[c] = untaught[c] || n > 0 && taught[c] == 0
		}
	}
	var names []string
	for c, is := range untaught {
		if is {
			names = append(names, d.Classes[c])
		}
	}
	return names
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

// Folds divides parts of d, each of a series of its own, into n folds, with SplitSeries at
// most one a group. In what each holds back, and with SplitForward in what it trains on, two
// classes occur: folds are merged until they do, so that there may be fewer. Fewer than two,
// of more than one, are an error.
func Folds(kind SplitKind, d *series.Data, parts []series.Range, n int) ([]Fold, error) {
	labels, classes := d.Labels, len(d.Classes)
	total := Count(labels, parts, classes)
	if !several(total) {
		return nil, errors.New("fewer than two classes occur in the labels")
	}
	groups := Groups(parts)
	var held [][]series.Range
	switch kind = kind.Resolve(d, parts); kind {
	case SplitSeries:
		if len(groups) < 2 {
			return nil, fmt.Errorf("there is one %s only: held back whole, it leaves none to train on", groupText(d))
		}
		held = deal(groups, labels, total, min(n, len(groups)))
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

// groupText is what a group of d is.
func groupText(d *series.Data) string {
	if d.Group == "" {
		return "series"
	}
	return fmt.Sprintf("group (column %q)", d.Group)
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

// OneClock reports whether the times of several series are by one clock: timestamps, numbers since 1970, or numbers with which
// series do not all begin alike, as those do that count anew in each.
func OneClock(d *series.Data, parts []series.Range) bool {
	if d.Time == nil || len(parts) < 2 {
		return false
	}
	const alike = 0.01 // of the longest series
	first, last, longest := math.Inf(1), math.Inf(-1), 0.0
	for _, p := range parts {
		begin := d.Time[p.Start]
		first, last, longest = min(first, begin), max(last, begin), max(longest, d.Time[p.End-1]-begin)
	}
	return d.Stamps || series.EpochUnit(first) > 0 || last-first > alike*longest
}

// times are those of the parts' rows, in order; nil where there is no clock that several parts
// share.
func times(d *series.Data, parts []series.Range) []float64 {
	if !OneClock(d, parts) {
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

// load is how many rows a group or a fold has: of each class, and in all.
type load struct {
	count []int
	rows  int
}

func (l *load) add(o load) {
	for c, n := range o.count {
		l.count[c] += n
	}
	l.rows += o.rows
}

// deal gives each of n folds whole groups, so that as far as possible each class, of which
// there are so many rows, is spread over all of them: first the groups with rows of the rarest
// class, then those of the others with rows of the next one, each time the largest first. A
// group goes to the fold that has the least of its classes so far and, of such folds, the
// fewest rows.
func deal(groups [][]series.Range, labels []int16, total []int, n int) [][]series.Range {
	type group struct {
		parts []series.Range
		load
		rank int // of the rarest class that is dealt by
	}
	rare := rarest(total)
	order := make([]group, len(groups))
	for i, parts := range groups {
		g := group{parts: parts, load: load{Count(labels, parts, len(total)), Rows(parts)}}
		for g.rank < len(rare) && g.count[rare[g.rank]] == 0 {
			g.rank++
		}
		order[i] = g
	}
	of := func(g group) int {
		if g.rank == len(rare) {
			return 0
		}
		return g.count[rare[g.rank]]
	}
	slices.SortStableFunc(order, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(of(b), of(a)), cmp.Compare(b.rows, a.rows))
	})
	inCommon := func(a, b load) (sum float64) { // of each class, the fractions of its rows
		for c, n := range total {
			if n > 0 {
				sum += float64(float64(a.count[c]) / float64(n) * float64(b.count[c]) / float64(n)) // rounded, on every processor
			}
		}
		return sum
	}
	held, loads := make([][]series.Range, n), make([]load, n)
	for i := range loads {
		loads[i].count = make([]int, len(total))
	}
	for _, g := range order {
		to := 0
		for i, l := range loads {
			if cmp.Or(cmp.Compare(inCommon(g.load, l), inCommon(g.load, loads[to])), cmp.Compare(l.rows, loads[to].rows)) < 0 {
				to = i
			}
		}
		held[to] = append(held[to], g.parts...)
		loads[to].add(g.load)
	}
	return held
}

// rarest are the classes that occur from the rarest on, without the most frequent one.
func rarest(total []int) []int {
	var all []int
	for c, n := range total {
		if n > 0 {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(total[a], total[b]) })
	return all[:len(all)-1]
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
// Where several series have one clock, the cut is at the same time in all of them: one
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
