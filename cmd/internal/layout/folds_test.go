package layout

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestResolve(t *testing.T) {
	for _, test := range []struct {
		kind   SplitKind
		group  string
		labels string // of series of four rows each
		want   SplitKind
	}{
		{SplitAuto, "", "0110" + "0110" + "0110", SplitSeries},
		{SplitAuto, "", "0000" + "0110" + "0110", SplitSeries},
		{SplitAuto, "", "0000" + "1111" + "0000" + "11--", SplitSeries},
		{SplitAuto, "", "0110" + "0110", SplitBlocks},
		{SplitAuto, "", "0110", SplitBlocks},
		{SplitAuto, "", "0110" + "0110" + "0210", SplitBlocks},
		{SplitAuto, "patient", "0110" + "0210", SplitSeries},
		{SplitBlocks, "patient", "0110" + "0110" + "0110", SplitBlocks},
		{SplitSeries, "", "0110", SplitSeries},
		{SplitForward, "", "0110" + "0110" + "0110", SplitForward},
	} {
		d := labelled(labelsOf(test.labels), 3)
		d.Group = test.group
		parts := lay(slices.Repeat([]int{4}, len(test.labels)/4)...)
		if got := test.kind.Resolve(d, parts); got != test.want {
			t.Errorf("%s of %s is %s, want %s", test.kind, test.labels, got, test.want)
		}
	}
	if got := Alone(&series.Data{Labels: labelsOf("01020122"), Classes: []string{"a", "b", "c", "d"}}, lay(2, 2, 2, 2)); !slices.Equal(got, []string(nil)) {
		t.Errorf("%v are alone", got)
	}
	if got := Alone(&series.Data{Labels: labelsOf("01010223"), Classes: []string{"a", "b", "c", "d"}}, lay(2, 2, 2, 2)); !slices.Equal(got, []string{"d"}) {
		t.Errorf("%v are alone", got)
	}
}

// Every row is held back once, unless only rows behind those of training are, and no fold
// trains on what it holds back. All that are left train, or all before.
func TestFoldsCoverTheRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var lengths []int
		for range 1 + r.IntN(12) {
			lengths = append(lengths, 1+r.IntN(50))
		}
		parts := lay(lengths...)
		n := parts[len(parts)-1].End
		labels := make([]int16, n)
		for i := range labels {
			labels[i] = int16(r.IntN(4) - 1)
		}
		for _, kind := range []SplitKind{SplitSeries, SplitBlocks, SplitForward} {
			folds, err := Folds(kind, labelled(labels, 3), parts, 2+r.IntN(4))
			if err != nil {
				continue // which ones are is tested elsewhere
			}
			checkFolds(t, fmt.Sprint(kind, " in round ", round), folds, labels)
			if kind == SplitForward {
				checkForward(t, folds, parts)
				continue
			}
			held := make([]int, n)
			for _, f := range folds {
				for i, times := range covered(f.Held, n) {
					held[i] += times
				}
				if Rows(f.Train)+Rows(f.Held) != n {
					t.Errorf("%s: %d and %d rows of %d", kind, Rows(f.Train), Rows(f.Held), n)
				}
			}
			if slices.Min(held) != 1 || slices.Max(held) != 1 {
				t.Errorf("%s, round %d: rows are held back %v times", kind, round, held)
			}
		}
	}
}

// checkFolds checks what all folds have in common.
func checkFolds(t *testing.T, name string, folds []Fold, labels []int16) {
	t.Helper()
	for _, f := range folds {
		train, held := covered(f.Train, len(labels)), covered(f.Held, len(labels))
		for i := range labels {
			if train[i]+held[i] > 1 {
				t.Fatalf("%s: row %d trains %d times and is held back %d times", name, i, train[i], held[i])
			}
		}
		for _, parts := range [][]series.Range{f.Train, f.Held} {
			if !slices.IsSortedFunc(parts, func(a, b series.Range) int { return a.Start - b.Start }) {
				t.Errorf("%s: %v is out of order", name, parts)
			}
			if !several(Count(labels, parts, 3)) {
				t.Errorf("%s: %v has one class", name, parts)
			}
		}
	}
}

// checkForward checks that each fold trains on all rows of the series before those that it
// holds back, which are the next fold's rows too, and so on to the last row.
func checkForward(t *testing.T, folds []Fold, parts []series.Range) {
	t.Helper()
	for i, f := range folds {
		all, want := union(f.Train, f.Held), parts
		if i+1 < len(folds) {
			want = folds[i+1].Train
		}
		if !slices.Equal(all, want) {
			t.Errorf("fold %d is %v in all, want %v", i, spans(all), spans(want))
		}
		for _, p := range f.Train {
			if !slices.ContainsFunc(parts, func(s series.Range) bool { return s.Name == p.Name && s.Start == p.Start }) {
				t.Errorf("fold %d: %v begins within a series", i, p)
			}
		}
	}
}

func TestFoldsOfSeries(t *testing.T) {
	tests := []struct {
		name, labels string
		lengths      []int
		folds        int
		held         []string
	}{
		{"most of the rare class first", "0001" + "0111" + "0000" + "0001" + "1100" + "0011", []int{4, 4, 4, 4, 4, 4}, 2,
			[]string{"abd", "cef"}}, // of the rare class 5 and 4 rows
		{"of as many the longer first", "10" + "1000" + "100" + "1", []int{2, 4, 3, 1}, 2, []string{"bd", "ac"}},
		{"those without it by their rows", "0011" + "01" + "00" + "00" + "00" + "00", []int{4, 2, 2, 2, 2, 2}, 2,
			[]string{"adf", "bce"}},
		{"the rarest of those that occur", "0020" + "2000" + "00" + "00", []int{4, 4, 2, 2}, 2, []string{"ac", "bd"}},
		{"each class in both folds", "00" + "11" + "22" + "11" + "00" + "22", []int{2, 2, 2, 2, 2, 2}, 2, []string{"abc", "def"}},
		{"series of nearly one class", strings.Repeat("11111110", 3) + strings.Repeat("00000001", 6), slices.Repeat([]int{8}, 9), 2, []string{"acegi", "bdfh"}},
		{"no more folds than series", "01" + "01" + "01", []int{2, 2, 2}, 4, []string{"a", "b", "c"}},
		{"unlabelled rows", "1---" + "1000" + "1000" + "100-", []int{4, 4, 4, 4}, 2, []string{"ac", "bd"}},
	}
	for _, test := range tests {
		folds, err := Folds(SplitSeries, labelled(labelsOf(test.labels), 3), lay(test.lengths...), test.folds)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := namesHeld(folds); !slices.Equal(got, test.held) {
			t.Errorf("%s: %v are held back, want %v", test.name, got, test.held)
		}
	}
}

// namesHeld are the names of the series that each fold holds back.
func namesHeld(folds []Fold) []string {
	var all []string
	for _, f := range folds {
		names := ""
		for _, h := range f.Held {
			names += h.Name
		}
		all = append(all, names)
	}
	return all
}

// No group is both held back and trained on: neither series of one patient, nor the parts of
// a recording.
func TestGroupsAreNotDivided(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		parts := lay(slices.Repeat([]int{4}, 40)...)
		for i := range parts {
			parts[i].Name, parts[i].Group = fmt.Sprint(i), fmt.Sprint(r.IntN(10))
		}
		d := labelled(slices.Repeat(labelsOf("0110"), 40), 2)
		folds, err := Folds(SplitAuto, d, parts, 2+r.IntN(2))
		if err != nil {
			t.Fatal(err)
		}
		for k, f := range folds {
			for _, h := range f.Held {
				if slices.ContainsFunc(f.Train, func(p series.Range) bool { return p.Group == h.Group }) {
					t.Fatalf("fold %d trains on group %s, which it holds back", k, h.Group)
				}
			}
		}
		checkFolds(t, "groups", folds, d.Labels)
		d.Group = "patient"
		for i := range parts {
			parts[i].Group = fmt.Sprint(i % 2)
		}
		if folds, err := Folds(SplitAuto, d, parts, 3); err != nil || len(folds) != 2 {
			t.Errorf("%d folds of two groups, %v", len(folds), err)
		}
		for i := range parts {
			parts[i].Group = "0"
		}
		if _, err := Folds(SplitAuto, d, parts, 3); err == nil || !strings.Contains(err.Error(), `there is one group (column "patient") only`) {
			t.Errorf("error %v", err)
		}
	}
}

// The parts of a recording are cut into blocks as if it were whole.
func TestBlocksOfPartsOfASeries(t *testing.T) {
	parts := lay(3, 8, 1, 4)
	for i := range parts[:3] {
		parts[i].Group = "a"
	}
	folds, err := Folds(SplitBlocks, labelled(labelsOf(strings.Repeat("01", 8)), 2), parts, 2)
	if err != nil || len(folds) != 2 {
		t.Fatalf("%d folds, %v", len(folds), err)
	}
	for i, want := range [][][2]int{{{0, 3}, {3, 6}, {12, 14}}, {{6, 11}, {11, 12}, {14, 16}}} {
		if got := spans(folds[i].Held); !slices.Equal(got, want) {
			t.Errorf("fold %d holds %v back, want %v", i, got, want)
		}
	}
}

// Many series without the rarest class do not all go to one fold.
func TestFoldsOfSeriesAreOfLikeSize(t *testing.T) {
	const n, length = 101, 10
	lengths := slices.Repeat([]int{length}, n)
	labels := slices.Repeat(labelsOf("0000000000"), n)
	for i := range 5 * length { // five series of the rare class
		labels[i] = int16(i % 2)
	}
	parts := lay(lengths...)
	for i := range parts {
		parts[i].Name = fmt.Sprint(i)
	}
	folds, err := Folds(SplitAuto, labelled(labels, 2), parts, 4)
	if err != nil || len(folds) != 4 {
		t.Fatalf("%d folds, %v", len(folds), err)
	}
	for i, f := range folds {
		rows, rare := Rows(f.Held), Count(labels, f.Held, 2)[1]
		if rows < n*length/4-length || rows > n*length/4+length || rare < 5 || rare > 10 {
			t.Errorf("fold %d holds %d rows back, %d of the rare class", i, rows, rare)
		}
	}
}

func TestFoldsOfBlocks(t *testing.T) {
	labels := labelsOf(strings.Repeat("01", 14))
	folds, err := Folds(SplitBlocks, labelled(labels, 2), lay(10, 8, 9), 4)
	if err != nil {
		t.Fatal(err)
	}
	want := [][][2]int{
		{{0, 2}, {10, 12}, {18, 20}}, {{2, 5}, {12, 14}, {20, 22}},
		{{5, 7}, {14, 16}, {22, 24}}, {{7, 10}, {16, 18}, {24, 27}},
	}
	for i, f := range folds {
		if got := spans(f.Held); !slices.Equal(got, want[i]) {
			t.Errorf("fold %d holds %v back, want %v", i, got, want[i])
		}
	}
	if got, want := spans(folds[1].Train), [][2]int{{0, 2}, {5, 10}, {10, 12}, {14, 18}, {18, 20}, {22, 27}}; !slices.Equal(got, want) {
		t.Errorf("fold 1 trains on %v, want %v", got, want)
	}
}

// The numbers are those of TimeSeriesSplit(3).split(range(12)) and of the same with
// range(8), the second series, and with gap=2, of scikit-learn 1.9.1.
func TestFoldsForward(t *testing.T) {
	labels := labelsOf(strings.Repeat("01", 10))
	folds, err := Folds(SplitForward, labelled(labels, 2), lay(12, 8), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ train, held, gap [][2]int }{
		{[][2]int{{0, 3}, {12, 14}}, [][2]int{{3, 6}, {14, 16}}, [][2]int{{0, 1}}},
		{[][2]int{{0, 6}, {12, 16}}, [][2]int{{6, 9}, {16, 18}}, [][2]int{{0, 4}, {12, 14}}},
		{[][2]int{{0, 9}, {12, 18}}, [][2]int{{9, 12}, {18, 20}}, [][2]int{{0, 7}, {12, 16}}},
	}
	if len(folds) != len(want) {
		t.Fatalf("%d folds, want %d", len(folds), len(want))
	}
	for i, f := range folds {
		train, held, gap := spans(f.Train), spans(f.Held), spans(f.Gap(2))
		if !slices.Equal(train, want[i].train) || !slices.Equal(held, want[i].held) || !slices.Equal(gap, want[i].gap) {
			t.Errorf("fold %d: %v, %v and with a gap %v, want %v", i, train, held, gap, want[i])
		}
	}
}

// With times no fold trains on a row that is later than one it holds back, of whichever series.
func TestFoldsForwardInTime(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		var lengths []int
		for range 1 + r.IntN(6) {
			lengths = append(lengths, 1+r.IntN(40))
		}
		parts := lay(append(lengths, 20)...)
		d := &series.Data{Classes: make([]string, 2)}
		for _, p := range parts {
			at := float64(r.IntN(100))
			for i := range p.Len() {
				d.Labels, d.Time = append(d.Labels, int16(i%2)), append(d.Time, at)
				at += float64(r.IntN(3))
			}
		}
		folds, err := Folds(SplitForward, d, parts, 3)
		if err != nil {
			continue
		}
		checkForward(t, folds, parts)
		for k, f := range folds {
			last, first := math.Inf(-1), math.Inf(1)
			for _, p := range f.Train {
				last = max(last, d.Time[p.End-1])
			}
			for _, h := range f.Held {
				first = min(first, d.Time[h.Start])
			}
			if !(last < first) {
				t.Fatalf("fold %d trains on time %v and holds %v back", k, last, first)
			}
		}
	}
	d := labelled(labelsOf(strings.Repeat("01", 8)), 2)
	d.Time = slices.Concat(hours(0, 8), hours(4, 8))
	folds, err := Folds(SplitForward, d, lay(8, 8), 1)
	if err != nil || !slices.Equal(spans(folds[0].Train), [][2]int{{0, 6}, {8, 10}}) || !slices.Equal(spans(folds[0].Held), [][2]int{{6, 8}, {10, 16}}) {
		t.Errorf("%v, %v", folds, err)
	}
}

// hours are n times, one after the other.
func hours(at float64, n int) []float64 {
	var all []float64
	for i := range n {
		all = append(all, at+float64(i))
	}
	return all
}

func TestFoldsAreMerged(t *testing.T) {
	tests := []struct {
		name, labels string
		kind         SplitKind
		lengths      []int
		folds        int
		held         [][][2]int
	}{
		{"with the next", "00000101", SplitBlocks, []int{8}, 4, [][][2]int{{{0, 6}}, {{6, 8}}}},
		{"at the end with the one before", "01010000", SplitBlocks, []int{8}, 4, [][][2]int{{{0, 2}}, {{2, 8}}}},
		{"where no row has a label", "01--01-1", SplitBlocks, []int{8}, 4, [][][2]int{{{0, 2}}, {{2, 8}}}},
		{"two of three classes will do", "01021221", SplitBlocks, []int{8}, 4, [][][2]int{{{0, 2}}, {{2, 4}}, {{4, 6}}, {{6, 8}}}},
		{"several series", "0001" + "0001", SplitBlocks, []int{4, 4}, 2, nil},
		{"several series, of other classes", "0001" + "1001", SplitBlocks, []int{4, 4}, 2, [][][2]int{{{0, 2}, {4, 6}}, {{2, 4}, {6, 8}}}},
		{"whole series", "01" + "00" + "01" + "00", SplitSeries, []int{2, 2, 2, 2}, 4,
			[][][2]int{{{0, 2}}, {{2, 4}, {4, 6}, {6, 8}}}},
		{"rows that only train", "0000010101", SplitForward, []int{10}, 4, [][][2]int{{{6, 8}}, {{8, 10}}}},
		{"forward, what is held back", "0100001001", SplitForward, []int{10}, 4, [][][2]int{{{2, 8}}, {{8, 10}}}},
	}
	for _, test := range tests {
		folds, err := Folds(test.kind, labelled(labelsOf(test.labels), 3), lay(test.lengths...), test.folds)
		if (err != nil) != (test.held == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		if len(folds) != len(test.held) {
			t.Errorf("%s: %d folds, want %d", test.name, len(folds), len(test.held))
			continue
		}
		for i, f := range folds {
			if got := spans(f.Held); !slices.Equal(got, test.held[i]) {
				t.Errorf("%s: fold %d holds %v back, want %v", test.name, i, got, test.held[i])
			}
		}
		checkFolds(t, test.name, folds, labelsOf(test.labels))
	}
}

func TestFoldsErrors(t *testing.T) {
	tests := []struct {
		name, labels string
		kind         SplitKind
		lengths      []int
		folds        int
		want         string
	}{
		{"one class", "00000000", SplitBlocks, []int{8}, 4, "fewer than two classes occur in the labels"},
		{"no label", "--------", SplitSeries, []int{2, 2, 2, 2}, 2, "fewer than two classes"},
		{"one series", "01010101", SplitSeries, []int{8}, 3, "there is one series only"},
		{"classes apart", "00001111", SplitBlocks, []int{8}, 4, "the rows cannot be divided so that two classes occur in each part"},
		{"one series has the rare class", "01" + "00" + "00", SplitSeries, []int{2, 2, 2}, 3, "cannot be divided"},
		{"nothing behind what trains", "00000001", SplitForward, []int{8}, 1, "cannot be divided"},
		{"one fold behind it", "01000001", SplitForward, []int{8}, 3, "cannot be divided"},
	}
	for _, test := range tests {
		folds, err := Folds(test.kind, labelled(labelsOf(test.labels), 2), lay(test.lengths...), test.folds)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v, want %q", test.name, folds, err, test.want)
		}
	}
	folds, err := Folds(SplitForward, labelled(labelsOf("01000001"), 2), lay(8), 1)
	if err != nil || len(folds) != 1 || !slices.Equal(spans(folds[0].Held), [][2]int{{4, 8}}) {
		t.Errorf("one fold that was asked for: %v, %v", folds, err)
	}
}

// With a gap no row that trains is n rows or less from one of its series that is held back,
// and all others train.
func TestGap(t *testing.T) {
	parts := lay(40, 7, 30, 1, 25)
	labels := slices.Repeat(labelsOf("01"), 52)[:103]
	series := func(row int) int { return slices.IndexFunc(parts, func(p series.Range) bool { return row < p.End }) }
	for _, kind := range []SplitKind{SplitSeries, SplitBlocks, SplitForward} {
		folds, err := Folds(kind, labelled(labels, 2), parts, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 5, 1000} {
			for k, f := range folds {
				want, held := covered(f.Train, len(labels)), covered(f.Held, len(labels))
				for h := range held {
					for i := max(0, h-n); held[h] > 0 && i <= min(h+n, len(want)-1); i++ {
						if series(i) == series(h) {
							want[i] = 0
						}
					}
				}
				gap := f.Gap(n)
				if got := covered(gap, len(labels)); !slices.Equal(got, want) {
					t.Errorf("%s, fold %d, %d rows: left are %v, want %v", kind, k, n, got, want)
				}
				if n == 0 && !slices.Equal(gap, f.Train) {
					t.Errorf("%s, fold %d, no gap: %v is not %v", kind, k, gap, f.Train)
				}
			}
		}
	}
	all := Fold{Train: parts}
	if got := all.Gap(10); !slices.Equal(got, parts) {
		t.Errorf("nothing is held back, but %v is left", got)
	}
}

func TestTail(t *testing.T) {
	tests := []struct {
		name        string
		lengths     []int
		time        []float64
		fraction    float64
		train, held [][2]int
	}{
		{"rows", []int{10, 5, 1}, nil, .2, [][2]int{{0, 8}, {10, 14}, {15, 16}}, [][2]int{{8, 10}, {14, 15}}},
		{"rounded", []int{8, 7}, nil, .2, [][2]int{{0, 6}, {8, 14}}, [][2]int{{6, 8}, {14, 15}}},
		{"nearly all rows", []int{10, 2}, nil, .99, [][2]int{{0, 1}, {10, 11}}, [][2]int{{1, 10}, {11, 12}}},
		{"too few for the fraction", []int{4}, nil, .1, [][2]int{{0, 4}}, nil},
		{"one series with a time", []int{10}, hours(0, 10), .3, [][2]int{{0, 7}}, [][2]int{{7, 10}}},
		{"one series with rows of one time", []int{4}, []float64{0, 1, 1, 1}, .5, [][2]int{{0, 2}}, [][2]int{{2, 4}}},
		{"the same hours", []int{10, 10}, append(hours(0, 10), hours(0, 10)...), .2,
			[][2]int{{0, 8}, {10, 18}}, [][2]int{{8, 10}, {18, 20}}},
		{"clocks that begin anew", []int{10, 5}, append(hours(0, 10), hours(0, 5)...), .2, [][2]int{{0, 8}, {10, 14}}, [][2]int{{8, 10}, {14, 15}}},
		{"since 1970", []int{10, 5}, append(hours(1.7e9, 10), hours(1.7e9, 5)...), .2, [][2]int{{0, 7}, {10, 15}}, [][2]int{{7, 10}}},
		{"a day later", []int{10, 10}, append(hours(0, 10), hours(5, 10)...), .3,
			[][2]int{{0, 9}, {10, 14}}, [][2]int{{9, 10}, {14, 20}}},
		{"one behind the other", []int{8, 2}, hours(0, 10), .2, [][2]int{{0, 8}}, [][2]int{{8, 10}}},
		{"most of the time", []int{5, 5}, hours(0, 10), .9, [][2]int{{0, 1}}, [][2]int{{1, 5}, {5, 10}}},
		{"rows of one time stay together", []int{3, 3}, []float64{0, 1, 1, 1, 1, 2}, .5,
			[][2]int{{0, 1}}, [][2]int{{1, 3}, {3, 6}}},
		{"one time alone", []int{4, 2}, []float64{3, 3, 3, 3, 3, 3}, .5, [][2]int{{0, 2}, {4, 5}}, [][2]int{{2, 4}, {5, 6}}},
	}
	for _, test := range tests {
		d := &series.Data{Series: lay(test.lengths...), Time: test.time}
		f := Tail(d, test.fraction)
		if !slices.Equal(spans(f.Train), test.train) || !slices.Equal(spans(f.Held), test.held) {
			t.Errorf("%s: %v and %v, want %v and %v", test.name, spans(f.Train), spans(f.Held), test.train, test.held)
		}
	}
}
