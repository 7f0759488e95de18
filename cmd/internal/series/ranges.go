package series

import (
	"fmt"
	"math"
)

// Split parts each series: its tail, the given fraction of its rows, is for
// validation, the rest for training. A series of one row is for training only.
func Split(series []Range, fraction float64) (train, validation []Range, err error) {
	if !(fraction >= 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("--validation %v is not at least 0 and below 1", fraction)
	}
	for _, s := range series {
		n := int(math.Round(fraction * float64(s.Len())))
		cut := max(s.End-n, s.Start+1)
		train = appendRange(train, s, s.Start, cut)
		validation = appendRange(validation, s, cut, s.End)
	}
	return train, validation, nil
}

// Fold is one round of a walk-forward validation.
type Fold struct{ Train, Validation []Range }

// WalkForward cuts each series into k+1 blocks and returns k folds: fold i
// trains on the blocks up to i and validates on block i+1, as scikit-learn's
// TimeSeriesSplit does. Rows that do not divide evenly go to the first block.
func WalkForward(series []Range, k int) ([]Fold, error) {
	if k < 1 {
		return nil, fmt.Errorf("--walk-forward %d is not positive", k)
	}
	folds := make([]Fold, k)
	for _, s := range series {
		block := s.Len() / (k + 1)
		if block == 0 {
			return nil, fmt.Errorf("series %q has %d rows, too few for --walk-forward %d", s.Name, s.Len(), k)
		}
		for i := range folds {
			cut := s.End - (k-i)*block
			folds[i].Train = appendRange(folds[i].Train, s, s.Start, cut)
			folds[i].Validation = appendRange(folds[i].Validation, s, cut, cut+block)
		}
	}
	return folds, nil
}

// appendRange appends a part of s unless it is empty.
func appendRange(ranges []Range, s Range, start, end int) []Range {
	if start == end {
		return ranges
	}
	return append(ranges, Range{Name: s.Name, File: s.File, Start: start, End: end})
}

// Rows is the number of rows in the ranges.
func Rows(ranges []Range) int {
	n := 0
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

// CountLabels counts the zeros and ones among the labels in the ranges.
func CountLabels(labels []int16, ranges []Range) (count [2]int) {
	for _, r := range ranges {
		for _, l := range labels[r.Start:r.End] {
			if l != Unlabelled {
				count[l]++
			}
		}
	}
	return count
}
