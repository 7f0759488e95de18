package layout

import (
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// setOf has series with the labels that digits are, each class weighing 1.
func setOf(t testing.TB, labels ...string) *Set {
	t.Helper()
	var lengths []int
	var all []int16
	for _, text := range labels {
		lengths, all = append(lengths, len(text)), append(all, labelsOf(text)...)
	}
	s, err := Build(all, lay(lengths...), 0, []float32{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGrid(t *testing.T) {
	s := setOf(t, "----010101", "010")
	tests := []struct {
		window, stride int
		want           []int32
	}{
		{4, 4, []int32{4, 6, 10}},    // 0 has no label; 6 and 10 end the parts
		{4, 2, []int32{2, 4, 6, 10}}, //
		{3, 3, []int32{3, 6, 7, 10}}, //
		{5, 5, []int32{0, 5, 10}},    // fits exactly
		{8, 8, []int32{0, 2, 10}},    // the second part is shorter
		{12, 12, []int32{0, 10}},     // both parts are
		{1, 1, []int32{4, 5, 6, 7, 8, 9, 10, 11, 12}},
	}
	for _, test := range tests {
		const batch = 2
		g := NewGrid(s, test.window, test.stride, batch, 1)
		if want := (len(test.want) + 1) / batch; g.Steps() != want {
			t.Errorf("window %d, stride %d: %d steps, want %d", test.window, test.stride, g.Steps(), want)
		}
		table := g.Epoch(0)
		for i, row := range table {
			if len(row) != batch && i < len(table)-1 {
				t.Errorf("window %d, stride %d: step %d of %d has %d windows", test.window, test.stride, i, len(table), len(row))
			}
		}
		if got := slices.Sorted(slices.Values(slices.Concat(table...))); len(table) != g.Steps() || !slices.Equal(got, test.want) {
			t.Errorf("window %d, stride %d: %v, want %v", test.window, test.stride, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := Table{{1, 2}, {3}, {4, 5}}
	if table.Steps() != 3 {
		t.Errorf("%d steps, want 3", table.Steps())
	}
	if got := table.Epoch(7); !reflect.DeepEqual(got, [][]int32(table)) {
		t.Errorf("epoch 7 is %v", got)
	}
}

// What an epoch has depends on seed and epoch alone, not on what was asked for before.
func TestEpochs(t *testing.T) {
	s := setOf(t, string(slices.Repeat([]byte("01"), 100)))
	for name, sampler := range map[string]func(seed int64) Sampler{
		"grid":    func(seed int64) Sampler { return NewGrid(s, 10, 5, 4, seed) },
		"scatter": func(seed int64) Sampler { return NewScatter(s, 10, 4, seed) },
	} {
		a, b := sampler(1), sampler(1)
		first, second := a.Epoch(0), a.Epoch(1)
		if reflect.DeepEqual(first, second) {
			t.Errorf("%s: both epochs are %v", name, first)
		}
		if got := b.Epoch(1); !reflect.DeepEqual(got, second) {
			t.Errorf("%s: with the same seed %v, then %v", name, second, got)
		}
		if got := a.Epoch(0); !reflect.DeepEqual(got, first) {
			t.Errorf("%s: the first epoch is %v, and later %v", name, first, got)
		}
		if other := sampler(2).Epoch(0); reflect.DeepEqual(other, first) {
			t.Errorf("%s: with another seed the same %v", name, first)
		}
	}
}

func TestNothingToLearn(t *testing.T) {
	s := setOf(t, "----", "--")
	for name, sampler := range map[string]Sampler{"grid": NewGrid(s, 2, 1, 1, 1), "scatter": NewScatter(s, 2, 1, 1)} {
		if sampler.Steps() != 0 || len(sampler.Epoch(0)) != 0 {
			t.Errorf("%s: %d steps, %v", name, sampler.Steps(), sampler.Epoch(0))
		}
	}
}

// draws are so many windows of a sampler, over epochs.
func draws(s Sampler, n int) []int32 {
	var all []int32
	for epoch := 0; len(all) < n; epoch++ {
		all = append(all, slices.Concat(s.Epoch(epoch)...)...)
	}
	return all[:n]
}

// Windows lie within parts, also short ones, and each has a row to learn, even if hardly
// any row has a label.
func TestScatterWindows(t *testing.T) {
	const window = 8
	unlabelled := string(slices.Repeat([]byte("-"), 100_000))
	s := setOf(t, "01010101010101", "1", "----", "01--01-", unlabelled+"1"+unlabelled, "--------0---------1-")
	hit := map[string]int{}
	for _, start := range draws(NewScatter(s, window, 16, 1), 20_000) {
		i := slices.IndexFunc(s.Parts, func(p series.Range) bool { return int(start) >= p.Start && int(start) < p.End })
		if i < 0 {
			t.Fatalf("%d is in no part", start)
		}
		p := s.Parts[i]
		if int(start) != p.Start && int(start)+window > p.End {
			t.Fatalf("a window at %d reaches beyond its part, %v", start, p)
		}
		if weights := s.W[start:min(int(start)+window, p.End)]; slices.Max(weights) == 0 {
			t.Fatalf("a window at %d has nothing to learn", start)
		}
		hit[p.Name]++
	}
	for _, p := range s.Parts {
		if (hit[p.Name] > 0) != (p.Name != "c") {
			t.Errorf("%d windows begin in part %s", hit[p.Name], p.Name)
		}
	}
}

// A part gets windows by its rows, and they begin at any of its rows alike, but for those
// of which the windows would have nothing to learn. Chi-square tests at one in 10,000.
func TestScatterIsUniform(t *testing.T) {
	const window, n = 5, 100_000
	s := setOf(t, "0101010101010101010101010", "01010", "010", "01---------01010101")
	weight := make([]float64, len(s.Y)) // of the windows that begin at each row
	for at := range 21 {
		weight[at] = 25. / 21
	}
	weight[25] = 5 // the one window of a part of as many rows
	weight[30] = 3 // and of a shorter one
	for at := range 19 - window + 1 {
		if at < 2 || at > 6 { // windows there have no label
			weight[33+at] = 19. / 15
		}
	}
	count := make([]float64, len(weight))
	for _, start := range draws(NewScatter(s, window, 4, 3), n) {
		count[start]++
	}
	var got, want []float64
	total := 0.0
	for _, w := range weight {
		total += w
	}
	for i, w := range weight {
		if w == 0 {
			if count[i] > 0 {
				t.Errorf("%v windows begin at %d, want none", count[i], i)
			}
			continue
		}
		got, want = append(got, count[i]), append(want, n*w/total)
	}
	limit := distuv.ChiSquared{K: float64(len(want) - 1)}.Quantile(1 - 1e-4)
	if x := stat.ChiSquare(got, want); !(x < limit) {
		t.Errorf("chi-square is %v, want less than %v; windows %v, want %v", x, limit, got, want)
	}
}

// An epoch has as many rows as the parts that can be learned from, and a step at least.
func TestScatterSteps(t *testing.T) {
	tests := []struct {
		labels        []string
		window, batch int
		want          int
	}{
		{[]string{"0101010101", "0101010101"}, 5, 2, 2},
		{[]string{"0101010101", "010101010"}, 5, 2, 1},
		{[]string{"0101010101", "----------"}, 5, 1, 2},
		{[]string{"01"}, 5, 2, 1},
	}
	for _, test := range tests {
		s := NewScatter(setOf(t, test.labels...), test.window, test.batch, 1)
		if s.Steps() != test.want || len(s.Epoch(0)) != test.want {
			t.Errorf("%v, %d windows of %d: %d steps, want %d", test.labels, test.batch, test.window, s.Steps(), test.want)
		}
		for _, row := range s.Epoch(0) {
			if len(row) != test.batch {
				t.Errorf("%v: a step has %d windows, want %d", test.labels, len(row), test.batch)
			}
		}
	}
}
