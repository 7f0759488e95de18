package series

import (
	"fmt"
	"strconv"
	"strings"
)

// ClassWeight is what a step labelled 0 and a step labelled 1 weigh in the loss.
type ClassWeight [2]float32

// ParseClassWeight reads the value of --class-weight: "" is 1,1, "auto" is
// BalancedWeight of the labels in the ranges, else "W0,W1", of which only the ratio
// matters: their mean over these labels is made 1.
func ParseClassWeight(text string, labels []int16, ranges []Range) (ClassWeight, error) {
	switch text {
	case "":
		return ClassWeight{1, 1}, nil
	case "auto":
		return BalancedWeight(labels, ranges), nil
	}
	var w ClassWeight
	parts := strings.Split(text, ",")
	if len(parts) != len(w) {
		return w, fmt.Errorf("--class-weight %q is neither auto nor two numbers W0,W1", text)
	}
	for i, part := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil || !(x >= 0) || x > 1e9 {
			return w, fmt.Errorf("--class-weight %q: %q is not a weight from 0 to 1e9", text, part)
		}
		w[i] = float32(x)
	}
	if w[0]+w[1] == 0 {
		return w, fmt.Errorf("--class-weight %q leaves no step any weight", text)
	}
	return w.scaled(CountLabels(labels, ranges)), nil
}

// scaled has a mean of 1 over the labels that weigh something, if there are any.
func (w ClassWeight) scaled(count [2]int) ClassWeight {
	total, n := 0.0, 0.0
	for class, weight := range w {
		if weight > 0 {
			total += float64(weight) * float64(count[class])
			n += float64(count[class])
		}
	}
	if n == 0 {
		return w
	}
	mean := float32(total / n)
	return ClassWeight{w[0] / mean, w[1] / mean}
}

// BalancedWeight makes both classes weigh the same in total: n/(2*n_c) for class
// c, as scikit-learn's "balanced" does. Without one of them both weigh 1.
func BalancedWeight(labels []int16, ranges []Range) ClassWeight {
	count := CountLabels(labels, ranges)
	if count[0] == 0 || count[1] == 0 {
		return ClassWeight{1, 1}
	}
	n := float64(count[0] + count[1])
	return ClassWeight{float32(n / (2 * float64(count[0]))), float32(n / (2 * float64(count[1])))}
}
