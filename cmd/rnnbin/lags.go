package main

import (
	"fmt"
	"strconv"
	"strings"
)

// lagsValue is the value of --lags: distances and ranges of them, separated by commas.
type lagsValue []int

// Type has the settings in a model folder quote it.
func (v *lagsValue) Type() string { return "string" }

func (v *lagsValue) Set(text string) error {
	var lags []int
	for part := range strings.SplitSeq(text, ",") {
		more, err := parseLags(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		lags = append(lags, more...)
	}
	*v = lags
	return nil
}

func (v *lagsValue) String() string {
	lags := *v
	if step := lags.step(); step == 1 {
		return fmt.Sprintf("%d:%d", lags[0], lags[len(lags)-1])
	} else if step > 0 {
		return fmt.Sprintf("%d:%d:%d", lags[0], lags[len(lags)-1], step)
	}
	each := make([]string, len(lags))
	for i, lag := range lags {
		each[i] = strconv.Itoa(lag)
	}
	return strings.Join(each, ",")
}

// step is by how much each lag is above the one before it, 0 if that differs or there
// are too few for a range.
func (v lagsValue) step() int {
	if len(v) < 3 {
		return 0
	}
	step := v[1] - v[0]
	for i := range v[1:] {
		if v[i+1]-v[i] != step {
			return 0
		}
	}
	return max(0, step)
}

// mostLag keeps a typing error from asking for a list that does not fit into memory.
const mostLag = 1 << 20

// parseLags reads a number, from:to or from:to:step.
func parseLags(text string) ([]int, error) {
	fields := strings.Split(text, ":")
	var numbers []int
	for _, field := range fields {
		n, err := strconv.Atoi(field)
		if err != nil || len(fields) > 3 {
			return nil, fmt.Errorf("%q must be a number, from:to or from:to:step", text)
		}
		if n < -mostLag || n > mostLag {
			return nil, fmt.Errorf("must be between %d and %d", -mostLag, mostLag)
		}
		numbers = append(numbers, n)
	}
	from, to, step := numbers[0], numbers[0], 1
	if len(numbers) > 1 {
		to = numbers[1]
	}
	if len(numbers) > 2 {
		step = numbers[2]
	}
	if step < 1 {
		return nil, fmt.Errorf("the step of %q must be at least 1", text)
	}
	if from > to {
		return nil, fmt.Errorf("the range %q ends before it begins", text)
	}
	var lags []int
	for lag := from; lag <= to; lag += step {
		lags = append(lags, lag)
	}
	return lags, nil
}
