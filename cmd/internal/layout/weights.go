package layout

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ClassWeight says what a row of each class counts in the loss.
type ClassWeight struct {
	Balanced bool
	Of       map[string]float64 // by the name of the class; 1 for others
}

// ParseClassWeight reads none, balanced, or NAME=W,...
func ParseClassWeight(text string) (ClassWeight, error) {
	switch text {
	case "", "none":
		return ClassWeight{}, nil
	case "balanced":
		return ClassWeight{Balanced: true}, nil
	}
	w := ClassWeight{Of: map[string]float64{}}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		_, twice := w.Of[name]
		switch {
		case !found:
			return w, fmt.Errorf("%q is neither none nor balanced nor of the form CLASS=WEIGHT,…", text)
		case err != nil || !(x >= 0) || x > 1e9:
			return w, fmt.Errorf("%q is not a weight from 0 to 1e9", value)
		case twice:
			return w, fmt.Errorf("has two weights for class %q", name)
		}
		w.Of[name] = x
	}
	return w, nil
}

// Weights are those of the classes, whose numbers of training rows are given, with a mean
// of 1 over the rows that count. If balanced, all classes that have rows count the same in
// total, as scikit-learn has it.
func (w ClassWeight) Weights(classes []string, count []int) ([]float32, error) {
	for _, name := range slices.Sorted(maps.Keys(w.Of)) {
		if !slices.Contains(classes, name) {
			return nil, fmt.Errorf("there is no class %q; classes: %s", name, strings.Join(classes, ", "))
		}
	}
	weights := make([]float64, len(classes))
	total, n := 0.0, 0.0
	for c, name := range classes {
		weights[c] = 1
		if x, given := w.Of[name]; given {
			weights[c] = x
		}
		if w.Balanced {
			weights[c] = 1 / float64(max(1, count[c]))
		}
		if weights[c] > 0 {
			total += weights[c] * float64(count[c])
			n += float64(count[c])
		}
	}
	if total == 0 {
		return nil, fmt.Errorf("no training row has any weight")
	}
	scaled := make([]float32, len(classes))
	for c := range weights {
		scaled[c] = float32(weights[c] * n / total)
	}
	return scaled, nil
}
