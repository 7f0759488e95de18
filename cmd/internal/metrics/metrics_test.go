package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func TestEvaluateErrors(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name string
		in   Input
		want string
	}{
		{"lengths", Input{Probability: []float32{1}}, "do not match"},
		{"no labels", Input{Probability: []float32{1}, Label: []int16{-1}}, "no step is labelled"},
		{"none included", Input{Probability: []float32{1}, Label: []int16{1}, Include: []bool{false}}, "no step is labelled"},
		{"NaN", Input{Probability: []float32{0, nan}, Label: []int16{1, 1}}, `step 1 of series "": NaN is not a probability`},
		{"logit", Input{Probability: []float32{1.5}, Label: []int16{1}}, "1.5 is not a probability"},
		{"series", Input{Probability: []float32{1}, Label: []int16{1}, Series: []Span{{"s", 0, 2}}}, `series "s" is steps 0 to 2 of 1`},
	}
	for _, test := range tests {
		if _, err := Evaluate(test.in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// Steps that do not count change nothing, whatever their probability.
func TestIncludeAndUnlabelled(t *testing.T) {
	in := Input{Probability: []float32{.9, .2, .6, .4}, Label: []int16{1, 0, 0, 1}, Threshold: .5}
	want, err := Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	got, err := Evaluate(Input{
		Probability: []float32{.9, nan, .2, .6, .4, 7},
		Label:       []int16{1, -1, 0, 0, 1, 1},
		Include:     []bool{true, true, true, true, true, false},
		Threshold:   .5,
	})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestJSON(t *testing.T) {
	r, err := Evaluate(Input{Probability: []float32{.25}, Label: []int16{0}, Threshold: .5})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("accuracy balanced_accuracy precision recall f1 roc_auc pr_auc log_loss " +
		"brier ece confusion segments baseline steps series threshold") {
		if _, there := fields[name]; !there {
			t.Errorf("no field %s in %s", name, text)
		}
		delete(fields, name)
	}
	if len(fields) > 0 {
		t.Errorf("unexpected fields %v", fields)
	}
	if want := `"precision":null,"recall":null,"f1":null,"roc_auc":null,"pr_auc":null`; !strings.Contains(string(text), want) {
		t.Errorf("%s lacks %s", text, want)
	}
}

// The closed form is the Levenshtein distance.
func TestEditDistance(t *testing.T) {
	alternating := func(first int16, n int) (out []segment) {
		for i := range n {
			out = append(out, segment{label: first ^ int16(i&1)})
		}
		return out
	}
	for n := 1; n < 9; n++ {
		for m := 1; m < 9; m++ {
			for first := range int16(2) {
				p, y := alternating(0, n), alternating(first, m)
				if got, want := editDistance(p, y), levenshtein(p, y); got != want {
					t.Errorf("%d and %d segments, the second beginning with %d: %d, want %d", n, m, first, got, want)
				}
			}
		}
	}
}

// levenshtein is the textbook recursion, with one row of the table.
func levenshtein(p, y []segment) int {
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range p {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if p[i].label != y[j].label {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)]
}

func BenchmarkEvaluate(b *testing.B) {
	const n = 1_000_000
	random := rand.New(rand.NewPCG(1, 2))
	in := Input{Probability: make([]float32, n), Label: make([]int16, n), Threshold: .5}
	for i := range n {
		in.Probability[i] = random.Float32()
		in.Label[i] = int16(random.IntN(2))
	}
	for b.Loop() {
		if _, err := Evaluate(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

func TestTableOfManySeries(t *testing.T) {
	in := Input{Threshold: .5}
	for i := range 20 {
		in.Probability = append(in.Probability, .75)
		in.Label = append(in.Label, 1)
		in.Series = append(in.Series, Span{fmt.Sprintf("s%d", i), i, i + 1})
	}
	r, err := Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "s7") || strings.Contains(out.String(), "s8") || !strings.Contains(out.String(), "and 12 more series") {
		t.Errorf("not 8 series and a note of 12 more:\n%s", &out)
	}
}

func ExampleReport_WriteTable() {
	r, err := Evaluate(Input{
		Probability: []float32{.1, .2, .8, .9, .6, .1, .3, .4},
		Label:       []int16{0, 0, 1, 1, 0, 0, 0, 0},
		Series:      []Span{{"morning", 0, 5}, {"evening", 5, 8}},
		Threshold:   .5,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r.WriteTable(os.Stdout)
	// Output:
	// series                   all  morning  evening
	//   steps                      8        5        3
	//   positive                   2        2        0
	//   accuracy              0.8750   0.8000   1.0000
	//   balanced accuracy     0.9167   0.8333      n/a
	//   precision             0.6667   0.6667      n/a
	//   recall                1.0000   1.0000      n/a
	//   F1                    0.8000   0.8000      n/a
	//   ROC AUC               1.0000   1.0000      n/a
	//   PR AUC                1.0000   1.0000      n/a
	//   log loss              0.3183   0.3147   0.3243
	//   Brier                 0.0900   0.0920   0.0867
	//   ECE                   0.2500   0.2400   0.2667
	//   segments: edit score  0.8333   0.6667   1.0000
	//   segments: F1@10       0.8571   0.8000   1.0000
	//   segments: F1@25       0.8571   0.8000   1.0000
	//   segments: F1@50       0.8571   0.8000   1.0000
	//   majority: accuracy    0.7500   0.6000   1.0000
	//   majority: F1          0.0000   0.0000      n/a
	//   last label: accuracy  0.6667   0.5000   1.0000
	//   last label: F1        0.5000   0.5000      n/a
	//
	//   threshold 0.5         predicted 0  predicted 1
	//   label 0                         5            1
	//   label 1                         0            2
}
