package main

import (
	"slices"
	"testing"
)

func TestLagsValue(t *testing.T) {
	for text, want := range map[string]struct {
		lags []int
		text string
	}{
		"0":           {[]int{0}, "0"},
		"-1":          {[]int{-1}, "-1"},
		"-2,-1,0":     {[]int{-2, -1, 0}, "-2:0"},
		"-20:36:14":   {[]int{-20, -6, 8, 22, 36}, "-20:36:14"},
		"-20:35:14":   {[]int{-20, -6, 8, 22}, "-20:22:14"},
		"3:3":         {[]int{3}, "3"},
		"1:2":         {[]int{1, 2}, "1,2"},
		"5,3,1":       {[]int{5, 3, 1}, "5,3,1"},
		" -4:-2, 7 ":  {[]int{-4, -3, -2, 7}, "-4,-3,-2,7"},
		"0,0":         {[]int{0, 0}, "0,0"}, // graph refuses it
		"+1:+3:+1":    {[]int{1, 2, 3}, "1:3"},
		"0:1048576:0": {nil, ""},
		"0:5:-1":      {nil, ""},
		"5:1":         {nil, ""},
		"1:2:3:4":     {nil, ""},
		"":            {nil, ""},
		"1,":          {nil, ""},
		"1:":          {nil, ""},
		"a":           {nil, ""},
		"1.5":         {nil, ""},
		"0:1048577":   {nil, ""},
	} {
		var v lagsValue
		err := v.Set(text)
		if (err != nil) != (want.lags == nil) || !slices.Equal(v, want.lags) || v.String() != want.text {
			t.Errorf("%q: %v, %q, %v; want %v", text, []int(v), v.String(), err, want)
		}
		var again lagsValue
		if err == nil && (again.Set(v.String()) != nil || !slices.Equal(again, v)) {
			t.Errorf("%q: %q is read as %v", text, v.String(), []int(again))
		}
	}
}
