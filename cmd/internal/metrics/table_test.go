package metrics

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func table(t *testing.T, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteTable(&out, 0); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTableOfManySeries(t *testing.T) {
	in := Input{Classes: []string{strings.Repeat("no", 40), strings.Repeat("ja", 40)}, Threshold: .5}
	for i := range 30 {
		in.Probability = append(in.Probability, pairs(1, 0)...)
		in.Label = append(in.Label, 0, 1)
		in.Series = append(in.Series, Span{fmt.Sprintf("%s/s%d", strings.Repeat("é", 50), i), i * 2, i*2 + 2, 0})
	}
	r := evaluate(t, in)
	for i := range r.Series {
		r.Series[i].Steps = 10_000_000
	}
	text := table(t, r)
	if !strings.Contains(text, "éé/s19 ") || strings.Contains(text, "s20") || !strings.Contains(text, "and 10 more series\n") {
		t.Errorf("not 20 series and a note of 10 more:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if width := utf8.RuneCountInString(line) - 1; width > 100 {
			t.Errorf("%d wide: %s", width, line)
		}
	}
}

func ExampleReport_WriteTable() {
	in := Input{
		Probability: pairs(.1, .2, .8, .9, .6, .1, .3, .4),
		Label:       []int16{0, 0, 1, 1, 0, 0, 0, 0},
		Classes:     []string{"0", "1"},
		Series:      []Span{{"morning", 0, 5, 0}, {"evening", 5, 8, 0}},
		Threshold:   .5,
	}
	r, err := Evaluate(in)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.WriteTable(os.Stdout, 0)
	// Output:
	//   threshold                0.5
	//   rows                       8
	//   accuracy              0.8750
	//   balanced accuracy     0.9167
	//   precision             0.6667
	//   recall                1.0000
	//   F1                    0.8000
	//   macro F1              0.8545
	//   ROC AUC               1.0000
	//   PR AUC                1.0000
	//   log loss              0.3183
	//   Brier                 0.0900
	//   ECE                   0.2500
	//   segments: edit score  0.8333
	//   segments: F1@10       0.8571
	//   segments: F1@25       0.8571
	//   segments: F1@50       0.8571
	//
	//   compared with  accuracy      F1  macro F1
	//   this model       0.8750  0.8000    0.8545
	//   majority         0.7500  0.0000    0.4286
	//
	//   label / predicted  0  1
	//   0                  5  1
	//   1                  0  2
	//
	//   series   rows  accuracy  precision  recall      F1  macro F1  PR AUC  log loss
	//   morning     5    0.8000     0.6667  1.0000  0.8000    0.8000  1.0000    0.3147
	//   evening     3    1.0000        n/a     n/a     n/a    1.0000     n/a    0.3243
}

func ExampleReport_WriteTable_classes() {
	r, err := Evaluate(Input{
		Probability: []float32{.5, .25, .25, 0, 1, 0, 0, .5, .5, .25, .125, .625},
		Label:       []int16{0, 0, 1, 2},
		Classes:     []string{"rest", "walk", "run"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r.WriteTable(os.Stdout, 0)
	// Output:
	//   rows                       4
	//   accuracy              0.7500
	//   balanced accuracy     0.8333
	//   log loss              4.4497
	//   Brier                 0.7734
	//   ECE                   0.5938
	//   segments: edit score  1.0000
	//   segments: F1@10       1.0000
	//   segments: F1@25       1.0000
	//   segments: F1@50       1.0000
	//
	//   class     support  predicted  precision  recall      F1  ROC AUC  PR AUC
	//   rest            2          1     1.0000  0.5000  0.6667   0.6250  0.7500
	//   walk            1          2     0.5000  1.0000  0.6667   0.6667  0.5000
	//   run             1          1     1.0000  1.0000  1.0000   1.0000  1.0000
	//   macro           4          4     0.8333  0.8333  0.7778   0.7639  0.7500
	//   weighted        4          4     0.8750  0.7500  0.7500
	//
	//   compared with  accuracy  macro F1
	//   this model       0.7500    0.7778
	//   majority         0.5000    0.2222
	//
	//   label / predicted  rest  walk  run
	//   rest                  1     1    0
	//   walk                  0     1    0
	//   run                   0     0    1
}

// Tables fit a terminal: names are shortened, columns left out, and a matrix of many classes
// becomes a list of mistakes.
func TestTablesFit(t *testing.T) {
	const C, N = 12, 120
	in := Input{Series: []Span{{"a very long name of a series", 0, N / 2, 0}, {"another one of that length", N / 2, N, 0}}}
	for k := range C {
		in.Classes = append(in.Classes, fmt.Sprintf("activity number %d", k))
	}
	for i := range N {
		row := make([]float32, C)
		row[(i+i/C%2)%C] = 1 // every second round is wrong
		in.Probability, in.Label = append(in.Probability, row...), append(in.Label, int16(i%C))
	}
	r := evaluate(t, in)
	for _, width := range []int{60, 80} {
		var out bytes.Buffer
		if err := r.WriteTable(&out, width); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(line) - 1; n > width {
				t.Errorf("%d wide, not %d: %s", n, width, line)
			}
		}
		for _, want := range []string{"mistakes: label", "number 11", "precision", "length"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d wide: no %q in\n%s", width, want, text)
			}
		}
	}
}
