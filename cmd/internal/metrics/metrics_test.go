package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var noYes = []string{"no", "yes"}

// pairs are the probabilities of both classes, from those of the second one.
func pairs(second ...float32) []float32 {
	var out []float32
	for _, p := range second {
		out = append(out, 1-p, p)
	}
	return out
}

func evaluate(t testing.TB, in Input) *Report {
	t.Helper()
	r, err := Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvaluateErrors(t *testing.T) {
	nan := float32(math.NaN())
	three := []string{"a", "b", "c"}
	tests := []struct {
		name string
		in   Input
		want string
	}{
		{"lengths", Input{Probability: []float32{0, 1}, Classes: noYes}, "do not match"},
		{"one class's", Input{Probability: []float32{1}, Label: []int16{1}, Classes: noYes}, "do not match"},
		{"no classes", Input{}, "0 classes"},
		{"no labels", Input{Probability: pairs(1), Label: []int16{-1}, Classes: noYes}, "no row is labelled"},
		{"none included", Input{Probability: pairs(1), Label: []int16{1}, Classes: noYes, Include: []bool{false}}, "no row is labelled"},
		{"NaN", Input{Probability: pairs(0, nan), Label: []int16{1, 1}, Classes: noYes}, `step 1 of series "": NaN is not a probability`},
		{"logit", Input{Probability: []float32{0, 1.5}, Label: []int16{1}, Classes: noYes}, "1.5 is not a probability"},
		{"sum", Input{Probability: []float32{.5, .25, .5}, Label: []int16{1}, Classes: three}, "add up to 1.25, not to 1"},
		{"label", Input{Probability: []float32{1, 0, 0}, Label: []int16{3}, Classes: three}, "label 3, answer 0: there are 3 classes"},
		{"answer", Input{Probability: pairs(1), Label: []int16{1}, Classes: noYes, Answer: []int16{2}}, "label 1, answer 2: there are 2 classes"},
		{"answers", Input{Probability: pairs(1), Label: []int16{1}, Classes: noYes, Answer: []int16{0, 1}}, "do not match"},
		{"series", Input{Probability: pairs(1), Label: []int16{1}, Classes: noYes, Series: []Span{{"s", 0, 2, 0}}}, `series "s" is steps 0 to 2 of 1`},
	}
	for _, test := range tests {
		if _, err := Evaluate(test.in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		probability []float32
		classes     int
		threshold   float64
		want        []int16
	}{
		{pairs(.25, .5, .75), 2, .5, []int16{0, 1, 1}},
		{pairs(.25, .5, .75), 2, .75, []int16{0, 0, 1}},
		{[]float32{.25, .5, .25, .375, .25, .375, .25, .375, .375}, 3, .9, []int16{1, 0, 1}},
	} {
		if got := Decide(test.probability, test.classes, test.threshold); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.probability, got, test.want)
		}
	}
}

// Answers that are given take the place of those by a threshold.
func TestAnswersOfTheirOwn(t *testing.T) {
	in := Input{Probability: pairs(.9, .2, .6, .4), Label: []int16{1, 0, 0, 1}, Classes: noYes, Threshold: .5}
	want := evaluate(t, in)
	in.Answer, in.Threshold = Decide(in.Probability, 2, .5), .7
	got := evaluate(t, in)
	if got.Threshold != .7 {
		t.Errorf("threshold %v", got.Threshold)
	}
	got.Threshold = want.Threshold
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	in.Answer = []int16{1, 0, 0, 1}
	if got := evaluate(t, in); got.Accuracy != 1 || got.Segments.F150 != 1 || got.LogLoss != want.LogLoss {
		t.Errorf("accuracy %v, segments %v, log loss %v", got.Accuracy, got.Segments, got.LogLoss)
	}
}

// Steps that do not count change nothing but segments, whatever their probability.
func TestIncludeAndUnlabelled(t *testing.T) {
	want := evaluate(t, Input{Probability: pairs(.9, .2, .6, .4), Label: []int16{1, 0, 0, 1}, Classes: noYes, Threshold: .5})
	nan := float32(math.NaN())
	got := evaluate(t, Input{
		Probability: pairs(nan, .9, .2, nan, .6, .4, 7),
		Label:       []int16{-7, 1, 0, -1, 0, 1, 1},
		Classes:     noYes,
		Include:     []bool{true, true, true, true, true, true, false},
		Threshold:   .5,
	})
	// 1 0 | 0 1 by label, 1 0 | 1 0 by answer
	if s := (Segments{.5, .5, .5, .5}); got.Segments != s {
		t.Errorf("segments %v, want %v", got.Segments, s)
	}
	got.Segments, got.Series[0].Segments = want.Segments, want.Series[0].Segments
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Two classes are scored as three are, the third being impossible.
func TestTwoClassesAsOfMore(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 1 + random.IntN(150)
		two := Input{Label: make([]int16, n), Classes: noYes, Threshold: math.Nextafter(.5, 1)} // equal probabilities are a no
		three := Input{Label: two.Label, Classes: []string{"no", "yes", "never"}}
		for i := range n {
			two.Label[i] = int16(random.IntN(5) / 2 % 3)
			if two.Label[i] == 2 {
				two.Label[i] = -1
			}
			p := float32(random.IntN(17)) / 16
			two.Probability = append(two.Probability, 1-p, p)
			three.Probability = append(three.Probability, 1-p, p, 0)
		}
		two.Label[0] = 1
		cut := random.IntN(n + 1)
		two.Series = []Span{{"a", 0, cut, 0}, {"b", cut, n, 0}}
		three.Series = two.Series
		a, b := evaluate(t, two), evaluate(t, three)
		sameScores(t, &a.Scores, &b.Scores)
		for i := range a.Series {
			sameScores(t, &a.Series[i].Scores, &b.Series[i].Scores)
		}
		if x, y := a.Baselines[0], b.Baselines[0]; x.Accuracy != y.Accuracy || !near(x.MacroF1, y.MacroF1) {
			t.Errorf("baseline %v, %v", x, y)
		}
	}
}

func sameScores(t *testing.T, two, three *Scores) {
	t.Helper()
	for _, n := range []struct {
		name       string
		two, three Number
	}{
		{"accuracy", two.Accuracy, three.Accuracy},
		{"balanced accuracy", two.BalancedAccuracy, three.BalancedAccuracy},
		{"macro precision", two.MacroPrecision, three.MacroPrecision},
		{"macro recall", two.MacroRecall, three.MacroRecall},
		{"macro F1", two.MacroF1, three.MacroF1},
		{"weighted precision", two.WeightedPrecision, three.WeightedPrecision},
		{"weighted recall", two.WeightedRecall, three.WeightedRecall},
		{"weighted F1", two.WeightedF1, three.WeightedF1},
		{"precision", two.Precision, three.Classes[1].Precision},
		{"F1", two.F1, three.Classes[1].F1},
		{"PR AUC", two.PRAUC, three.Classes[1].PRAUC},
		{"ROC AUC", two.ROCAUC, three.ROCAUC},
		{"PR AUC of the first", two.Classes[0].PRAUC, three.Classes[0].PRAUC},
		{"log loss", two.LogLoss, three.LogLoss},
		{"Brier", two.Brier, three.Brier / 2},
		{"edit score", two.Segments.Edit, three.Segments.Edit},
		{"F1@10", two.Segments.F110, three.Segments.F110},
		{"F1@50", two.Segments.F150, three.Segments.F150},
	} {
		if !near(n.two, n.three) {
			t.Errorf("%s: %v of two classes, %v of three", n.name, n.two, n.three)
		}
	}
	if three.F1 == three.F1 || three.Classes[2].Support != 0 || three.Confusion[1][0] != two.Confusion[1][0] {
		t.Errorf("%+v, %+v", two, three)
	}
}

// near also holds of two that are not defined.
func near(a, b Number) bool {
	return math.Abs(float64(a-b)) <= 1e-12 || a != a && b != b
}

func TestJSON(t *testing.T) {
	for _, classes := range [][]string{noYes, {"a", "b", "c"}} {
		in := Input{Probability: []float32{.75, .25, 0}[:len(classes)], Label: []int16{0}, Classes: classes, Threshold: .5}
		text, err := json.Marshal(evaluate(t, in))
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields("accuracy balanced_accuracy precision recall f1 macro_precision macro_recall macro_f1 " +
			"weighted_precision weighted_recall weighted_f1 roc_auc pr_auc log_loss " +
			"brier ece classes confusion segments baselines rows series threshold") {
			if _, there := fields[name]; !there {
				t.Errorf("no field %s in %s", name, text)
			}
			delete(fields, name)
		}
		if len(fields) > 0 {
			t.Errorf("unexpected fields %v", fields)
		}
		if want := `"precision":null,"recall":null,"f1":null,"macro_precision":1,`; !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, classes := range []int{2, 5} {
		b.Run(fmt.Sprintf("classes=%d", classes), func(b *testing.B) {
			in := randomSteps(1_000_000, classes)
			b.ReportAllocs()
			for b.Loop() {
				evaluate(b, in)
			}
			b.ReportMetric(float64(len(in.Label)*b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

// randomSteps are in segments of about 20 steps, and answers that are mostly right.
func randomSteps(n, classes int) Input {
	random := rand.New(rand.NewPCG(1, 2))
	in := Input{Probability: make([]float32, n*classes), Label: make([]int16, n), Classes: make([]string, classes), Threshold: .5}
	label := int16(0)
	for i := range n {
		if random.IntN(20) == 0 {
			label = int16(random.IntN(classes))
		}
		in.Label[i] = label
		row := in.Probability[i*classes : (i+1)*classes]
		sum := float32(0)
		for k := range row {
			row[k] = random.Float32()
			sum += row[k]
		}
		row[label]++
		sum++
		for k := range row {
			row[k] /= sum
		}
	}
	return in
}

// The example of scikit-learn's roc_curve and precision_recall_curve.
func TestCurves(t *testing.T) {
	in := Input{Classes: []string{"0", "1"}, Label: []int16{0, 0, 1, 1, -1}, Probability: []float32{.9, .1, .6, .4, .65, .35, .2, .8, 0, 1}}
	for class := range 2 { // of two classes the curves are those of the second
		c, err := in.Curves(class)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name      string
			got, want []float64
		}{
			{"false positive rate", c.FalsePositive, []float64{0, 0, 0.5, 0.5, 1}},
			{"true positive rate", c.TruePositive, []float64{0, 0.5, 0.5, 1, 1}},
			{"recall", c.Recall, []float64{0.5, 0.5, 1, 1}},
			{"precision", c.Precision, []float64{1, 0.5, 2. / 3, 0.5}},
			{"share", c.Share, []float64{0, 1, 0, 1}},
		} {
			if !slices.Equal(test.got, test.want) {
				t.Errorf("%s %v, want %v", test.name, test.got, test.want)
			}
		}
	}
	in.Label = []int16{0, 0, 0, 0, -1}
	if c, err := in.Curves(1); err != nil || c.Recall != nil || c.TruePositive != nil || len(c.Share) != 4 {
		t.Errorf("of a class that does not occur: %+v, %v", c, err)
	}
}

// Many points are drawn by few, without losing their ends.
func TestCurvesOfManySteps(t *testing.T) {
	n := 100_000
	in := Input{Classes: []string{"a", "b", "c"}}
	for i := range n {
		p := float32(i) / float32(n)
		in.Label = append(in.Label, int16(i*7%3))
		in.Probability = append(in.Probability, (1-p)/2, p, (1-p)/2)
	}
	c, err := in.Curves(1)
	if err != nil {
		t.Fatal(err)
	}
	if k := len(c.TruePositive); k > 1000 || c.TruePositive[k-1] != 1 || c.FalsePositive[k-1] != 1 || len(c.Recall) > 1000 || c.Recall[len(c.Recall)-1] != 1 {
		t.Errorf("%d points of ROC, %d of precision", k, len(c.Recall))
	}
	if len(c.Probability) != bins {
		t.Errorf("%d bins", len(c.Probability))
	}
}
