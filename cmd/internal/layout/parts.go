package layout

import (
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Rows is the number of rows in the parts.
func Rows(parts []series.Range) int {
	n := 0
	for _, p := range parts {
		n += p.Len()
	}
	return n
}

// Count is the number of rows of each class in the parts.
func Count(labels []int16, parts []series.Range, classes int) []int {
	count := make([]int, classes)
	for _, p := range parts {
		for _, l := range labels[p.Start:p.End] {
			if l != series.Unlabelled {
				count[l]++
			}
		}
	}
	return count
}

// subtract returns the parts without the rows of the cuts. A cut may reach beyond its
// series, and overlap the next one; it takes rows of its own series only.
func subtract(parts, cuts []series.Range) []series.Range {
	of := map[string][]series.Range{}
	for _, c := range cuts {
		of[c.Name] = append(of[c.Name], c)
	}
	var left []series.Range
	for _, p := range parts {
		for _, c := range of[p.Name] {
			left = appendRange(left, p, p.Start, min(c.Start, p.End))
			p = rangeOf(p, max(c.End, p.Start), p.End)
		}
		left = appendRange(left, p, p.Start, p.End)
	}
	return left
}

// appendRange appends the rows start to end-1 of s, unless there are none.
func appendRange(ranges []series.Range, s series.Range, start, end int) []series.Range {
	if start >= end {
		return ranges
	}
	return append(ranges, rangeOf(s, start, end))
}

// rangeOf is the rows start to end-1 of s.
func rangeOf(s series.Range, start, end int) series.Range {
	s.Start, s.End, s.First = start, end, s.First+start-s.Start
	return s
}

// union brings ranges together in the order of their rows, those that touch and are of
// one series as one.
func union(a, b []series.Range) []series.Range {
	both := slices.Concat(a, b)
	slices.SortFunc(both, func(a, b series.Range) int { return a.Start - b.Start })
	var all []series.Range
	for _, r := range both {
		if n := len(all); n > 0 && all[n-1].Name == r.Name && all[n-1].End == r.Start {
			all[n-1].End = r.End
			continue
		}
		all = append(all, r)
	}
	return all
}
