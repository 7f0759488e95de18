package main

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestRowRange(t *testing.T) {
	for text, want := range map[string][]int{ // rows of a series of five
		"":       {0, 1, 2, 3, 4},
		":":      {0, 1, 2, 3, 4},
		"2:":     {2, 3, 4},
		":2":     {0, 1},
		"1:3":    {1, 2},
		"-2:":    {3, 4},
		":-2":    {0, 1, 2},
		"-3:-1":  {2, 3},
		"0:0":    nil,
		"3:1":    nil,
		"9:":     nil,
		"-9:99":  {0, 1, 2, 3, 4},
		"+1:+03": {1, 2},
	} {
		r, err := parseRows("rows", text)
		if err != nil {
			t.Fatal(err)
		}
		include := slices.Repeat([]bool{true}, 12)
		include[6] = false // stays so
		r.restrict(include, []series.Range{{Start: 0, End: 5}, {Start: 5, End: 6}, {Start: 7, End: 12}})
		for _, start := range []int{0, 7} {
			var got []int
			for i, in := range include[start : start+5] {
				if in {
					got = append(got, i)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: rows %v, want %v", text, got, want)
			}
		}
		if include[6] {
			t.Errorf("%q includes a row that was left out", text)
		}
	}
}

func TestParseRowsRefuses(t *testing.T) {
	for _, text := range []string{"3", "a:", ":b", "1:2:3", "1.5:", "99999999999999999999:", " 1:"} {
		if _, err := parseRows("rows", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
