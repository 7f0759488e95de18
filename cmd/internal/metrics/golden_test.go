package metrics

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strconv"
	"testing"
)

// golden is testdata/golden.json, which testdata/golden.py made with
// scikit-learn.
type golden struct {
	Cases []struct {
		Name        string
		Probability []float32 // of the second of two classes, of all of more
		Label       []int16
		Classes     []string
		Ends        []int
		Threshold   float64
		BestF1      Number `json:"best_f1"`
		Expected    Report
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGolden(t *testing.T) {
	for _, c := range readGolden(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			in := Input{Probability: c.Probability, Label: c.Label, Classes: c.Classes, Threshold: c.Threshold}
			if len(c.Classes) == 2 {
				in.Probability = pairs(c.Probability...)
			}
			start := 0
			for i, end := range c.Ends {
				in.Series = append(in.Series, Span{strconv.Itoa(i), start, end, 0})
				start = end
			}
			got, err := Evaluate(in)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "", reflect.ValueOf(*got), reflect.ValueOf(c.Expected))
			checkBest(t, in, c.BestF1)
		})
	}
}

// compare compares numbers to 1e-12 and everything else exactly.
func compare(t *testing.T, name string, got, want reflect.Value) {
	t.Helper()
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			compare(t, name+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
		}
	case reflect.Slice:
		if got.Len() != want.Len() {
			t.Fatalf("%s: %d elements, want %d", name, got.Len(), want.Len())
		}
		for i := range got.Len() {
			compare(t, name+"["+strconv.Itoa(i)+"]", got.Index(i), want.Index(i))
		}
	case reflect.Float64:
		if g, w := got.Float(), want.Float(); !(math.Abs(g-w) < 1e-12 || math.IsNaN(g) && math.IsNaN(w)) {
			t.Errorf("%s: %v, want %v", name, g, w)
		}
	default:
		if g, w := got.Interface(), want.Interface(); g != w {
			t.Errorf("%s: %v, want %v", name, g, w)
		}
	}
}

// checkBest checks the best F1, and that the threshold reaches it.
func checkBest(t *testing.T, in Input, want Number) {
	t.Helper()
	threshold, f1, err := BestThreshold(in)
	if want != want {
		if err == nil {
			t.Errorf("best threshold %v without a positive step, want an error", threshold)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	in.Threshold = threshold
	reached, err := Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	if !(math.Abs(float64(f1-want)) <= 1e-12) || reached.F1 != f1 {
		t.Errorf("best F1 %v, reached %v with threshold %v, want %v", f1, reached.F1, threshold, want)
	}
}
