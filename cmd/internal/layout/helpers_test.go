package layout

import (
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// lay has ranges of the given lengths, one behind the other, called a, b, and so on.
func lay(lengths ...int) []series.Range {
	var all []series.Range
	at := 0
	for i, n := range lengths {
		all = append(all, series.Range{Name: string(rune('a' + i)), Start: at, End: at + n})
		at += n
	}
	return all
}

// labelsOf are the labels that the digits of text are; any other character is an unlabelled row.
func labelsOf(text string) []int16 {
	labels := make([]int16, len(text))
	for i, c := range text {
		if labels[i] = series.Unlabelled; c >= '0' && c <= '9' {
			labels[i] = int16(c - '0')
		}
	}
	return labels
}

// labelled is data with these labels, of so many classes.
func labelled(labels []int16, classes int) *series.Data {
	return &series.Data{Labels: labels, Classes: make([]string, classes)}
}

// spans are ranges as [start end) pairs.
func spans(ranges []series.Range) [][2]int {
	var all [][2]int
	for _, r := range ranges {
		all = append(all, [2]int{r.Start, r.End})
	}
	return all
}

// covered tells for each of n rows how many of the ranges it is in.
func covered(ranges []series.Range, n int) []int {
	times := make([]int, n)
	for _, r := range ranges {
		for i := r.Start; i < r.End; i++ {
			times[i]++
		}
	}
	return times
}

// counting is 0, 1, and so on, to n-1.
func counting(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	return x
}

func repeated(v float32, n int) []float32 { return slices.Repeat([]float32{v}, n) }
