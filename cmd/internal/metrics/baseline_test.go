package metrics

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A rival's answers are scored as a model's that gives them are.
func TestBaseline(t *testing.T) {
	in := randomSteps(500, 4)
	in.Include = make([]bool, 500)
	for i := range in.Include {
		in.Include[i] = i%7 != 0
	}
	in.Label[3] = -1
	in.Series = []Span{{"a", 0, 200, 0}, {"b", 300, 500, 0}}
	r := evaluate(t, in)
	got, err := in.Baseline("rival", Decide(in.Probability, 4, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "rival" || got.Accuracy != r.Accuracy || got.MacroF1 != r.MacroF1 || got.F1 == got.F1 {
		t.Errorf("%+v, want %v, %v", got, r.Accuracy, r.MacroF1)
	}

	in.Label[1] = 2
	wrong := make([]int16, 500)
	wrong[1] = 4
	for _, test := range []struct {
		answers []int16
		want    string
	}{
		{wrong, `rival: step 1 of series "a": answer 4 to label 2 of 4 classes`},
		{wrong[:9], "rival: 9 answers to 500 steps"},
	} {
		if _, err := in.Baseline("rival", test.answers); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	in.Include = make([]bool, 500)
	if _, err := in.Baseline("rival", wrong); err != errNothing {
		t.Errorf("error %v without a step", err)
	}
}

func TestPositions(t *testing.T) {
	// rows 0-1, 2-3, 4: 0, 2, nothing; beyond them the most frequent, 2
	labels := []int16{0, 0, 2, 2, -1 /**/, 0, 1, 2, 2 /**/, -1, -1, -1, -1, -1, -1, -1}
	series := []Span{{"a", 0, 5, 0}, {"b", 5, 9, 0}, {"unlabelled", 9, 16, 0}}
	p := NewPositions(labels, series, 3)
	want := []int16{0, 0, 2, 2, 2, 2, 2}
	for row, w := range want {
		if got := p.Answer(row); got != w {
			t.Errorf("row %d: %d, want %d", row, got, w)
		}
	}
	if got, want := p.Answers(9, series[1:2]), []int16{0, 0, 0, 0, 0, 0, 0, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	text, err := json.Marshal(p)
	if want := `{"runs":[{"end":2,"class":0},{"end":5,"class":2}],"beyond":2}`; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
	if got := p.Answers(2, []Span{{"part", 0, 2, 1}}); !slices.Equal(got, []int16{0, 2}) {
		t.Errorf("answers %v to rows 1 and 2", got)
	}
	if got := NewPositions(labels, []Span{{"part", 1, 5, 1}, series[1]}, 3); fmt.Sprint(got) != fmt.Sprint(p) {
		t.Errorf("%v from a part, %v from all", got, p)
	}
	if p.IsZero() || !NewPositions(labels, series[1:], 3).IsZero() {
		t.Error("one labelled series is enough, or two are not")
	}
}

// Whatever the length, there are at most 512 bins, and each answers with a class
// that no other one outnumbers in it.
func TestPositionsOfLongSeries(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, longest := range []int{1, 2, 511, 512, 513, 1023, 1024, 5000, 100_001} {
		var labels []int16
		var series []Span
		for range 3 {
			n := max(1, longest-random.IntN(longest))
			if series == nil {
				n = longest
			}
			series = append(series, Span{Start: len(labels), End: len(labels) + n})
			for range n {
				labels = append(labels, int16(random.IntN(4)-1))
			}
			labels[len(labels)-1] = 1
		}
		p := NewPositions(labels, series, 3)
		if len(p.Runs) > positionBins || p.Runs[len(p.Runs)-1].End != longest {
			t.Errorf("%d rows: %d runs to %v", longest, len(p.Runs), p.Runs[len(p.Runs)-1])
		}
		checkRuns(t, p, labels, series)
	}
}

// checkRuns counts the classes of each run anew: the one answered may be outnumbered
// in no bin, so neither in a run of them.
func checkRuns(t *testing.T, p Positions, labels []int16, series []Span) {
	t.Helper()
	start := 0
	for _, run := range p.Runs {
		var count [3]int
		for _, s := range series {
			for row := start; row < min(run.End, s.End-s.Start); row++ {
				if l := labels[s.Start+row]; l >= 0 {
					count[l]++
				}
			}
		}
		if run.End <= start || slices.Max(count[:]) > count[run.Class] {
			t.Errorf("rows %d to %d: %v answered with %d", start, run.End, count, run.Class)
		}
		start = run.End
	}
}

// Labels that follow the clock are what position answers.
func TestPositionBaseline(t *testing.T) {
	in := randomSteps(3000, 2)
	for i := range in.Label {
		in.Label[i] = int16(min(i%1000/572, 1))
	}
	in.Series = []Span{{"a", 0, 1000, 0}, {"b", 1000, 2000, 0}, {"c", 2000, 3000, 0}}
	p := NewPositions(in.Label, in.Series[:2], 2)
	b, err := in.Baseline("position", p.Answers(len(in.Label), in.Series))
	if err != nil || b.Accuracy != 1 || b.F1 != 1 {
		t.Errorf("%+v, %v", b, err)
	}
}
