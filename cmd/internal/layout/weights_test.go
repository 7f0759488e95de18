package layout

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseClassWeight(t *testing.T) {
	tests := []struct {
		text string
		want ClassWeight
		err  string
	}{
		{"", ClassWeight{}, ""},
		{"none", ClassWeight{}, ""},
		{"balanced", ClassWeight{Balanced: true}, ""},
		{"1=3", ClassWeight{Of: map[string]float64{"1": 3}}, ""},
		{"normal = .5, odd beat=2e3,x=0", ClassWeight{Of: map[string]float64{"normal": .5, "odd beat": 2000, "x": 0}}, ""},
		{"auto", ClassWeight{}, `"auto" is neither none nor balanced nor of the form CLASS=WEIGHT,…`},
		{"1=2,", ClassWeight{}, "is neither none nor balanced"},
		{"1=", ClassWeight{}, `"" is not a weight from 0 to 1e9`},
		{"1=x", ClassWeight{}, `"x" is not a weight`},
		{"1=-1", ClassWeight{}, `"-1" is not a weight`},
		{"1=NaN", ClassWeight{}, `"NaN" is not a weight`},
		{"1=Inf", ClassWeight{}, `"Inf" is not a weight`},
		{"1=2e9", ClassWeight{}, `"2e9" is not a weight`},
		{"1=2,1=3", ClassWeight{}, `has two weights for class "1"`},
	}
	for _, test := range tests {
		got, err := ParseClassWeight(test.text)
		if test.err == "" {
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %v, %v, want the error %q", test.text, got, err, test.err)
		}
	}
}

// Those of "balanced" are compute_class_weight("balanced", …) of scikit-learn 1.9.1.
func TestWeights(t *testing.T) {
	tests := []struct {
		text  string
		count []int
		want  []float32
	}{
		{"none", []int{3, 1, 6}, []float32{1, 1, 1}},
		{"balanced", []int{3, 1}, []float32{0.66666667, 2}},
		{"balanced", []int{3, 1, 6}, []float32{1.11111111, 3.33333333, 0.55555556}},
		{"b=3", []int{3, 1}, []float32{4. / 6, 2}},
		{"a=0.5,b=3", []int{3, 1}, []float32{.5 / 1.125, 3 / 1.125}}, // 4.5 of 4 rows
		{"a=0,b=3", []int{3, 1}, []float32{0, 1}},
		{"a=0", []int{3, 1, 3}, []float32{0, 1, 1}},
		{"c=1e9", []int{5, 5, 0}, []float32{1, 1, 1e9}},
	}
	for _, test := range tests {
		classes := []string{"a", "b", "c"}[:len(test.count)]
		w, err := ParseClassWeight(test.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Weights(classes, test.count)
		near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-6*float64(b) }
		if err != nil || !slices.EqualFunc(got, test.want, near) {
			t.Errorf("%q of %v rows: %v, %v, want %v", test.text, test.count, got, err, test.want)
			continue
		}
		total, rows := 0.0, 0
		for c, n := range test.count {
			total += float64(got[c]) * float64(n)
			if got[c] > 0 {
				rows += n
			}
		}
		if mean := total / float64(rows); !(math.Abs(mean-1) < 1e-6) {
			t.Errorf("%q of %v rows: the mean is %v", test.text, test.count, mean)
		}
	}
}

// A class without rows is left out of the balance of the others.
func TestWeightsOfAnAbsentClass(t *testing.T) {
	got, err := ClassWeight{Balanced: true}.Weights([]string{"a", "b", "c"}, []int{4, 0, 12})
	if err != nil || got[0] != 2 || math.Abs(float64(got[2])-2./3) > 1e-6 {
		t.Errorf("%v, %v", got, err)
	}
	for _, w := range got {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			t.Errorf("a weight is %v", w)
		}
	}
}

func TestWeightsErrors(t *testing.T) {
	tests := []struct {
		text  string
		count []int
		want  string
	}{
		{"d=2,c=3", []int{1, 1}, `there is no class "c"; classes: a, b`},
		{"a=0,b=0", []int{1, 1}, "no training row has any weight"},
		{"a=0", []int{1, 0}, "no training row has any weight"},
		{"none", []int{0, 0}, "no training row has any weight"},
		{"balanced", []int{0, 0}, "no training row has any weight"},
	}
	for _, test := range tests {
		w, err := ParseClassWeight(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Weights([]string{"a", "b"}, test.count); err == nil || err.Error() != test.want {
			t.Errorf("%q of %v rows: %v, %v, want %q", test.text, test.count, got, err, test.want)
		}
	}
}
