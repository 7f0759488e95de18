package inputs

import (
	"math"
	"slices"
	"testing"
)

func TestValidate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	scale := func(set func(*Scale)) Inputs {
		s := scaleOf(2, true)
		set(s)
		return Inputs{SeriesScale: None, Scale: s}
	}
	for _, test := range []struct {
		in   Inputs
		want string // "" if it is valid
	}{
		{Inputs{SeriesScale: None}, ""},
		{Inputs{SeriesScale: Whole, Rolling: []int{2, 65536}, Ahead: Centred}, ""},
		{scale(func(*Scale) {}), ""},
		{scale(func(s *Scale) { s.Center, s.Spread = nil, nil }), ""},
		{Inputs{}, `series_scale "" is none of ["none" "running" "whole"]`},
		{Inputs{SeriesScale: None, Rolling: make([]int, 17)}, "rolling: 17 windows are more than 16"},
		{Inputs{SeriesScale: None, Rolling: []int{1}}, "rolling: a window of 1 rows is not of 2 to 65536"},
		{Inputs{SeriesScale: None, Rolling: []int{8, 65537}}, "rolling: a window of 65537 rows is not of 2 to 65536"},
		{Inputs{SeriesScale: None, Rolling: []int{8, 8}}, "rolling: 8 after 8 is not ascending"},
		{Inputs{SeriesScale: None, Ahead: -2}, "ahead -2 is neither a number of rows nor -1"},
		{scale(func(s *Scale) { s.Offset = s.Offset[1:] }), "scale: offset: 1 values for 2 columns"},
		{scale(func(s *Scale) { s.Divisor = nil }), "scale: divisor: 0 values for 2 columns"},
		{scale(func(s *Scale) { s.Center = nil }), "scale: center: 0 values for 2 columns"},
		{scale(func(s *Scale) { s.Spread = nil }), "scale: spread: 0 values for 2 columns"},
		{scale(func(s *Scale) { s.Center[1] = nan }), "scale: center: value 1 is NaN, not a finite number"},
		{scale(func(s *Scale) { s.Spread[0] = 0 }), "scale: spread: value 0 is 0, not a finite number above 0"},
		{scale(func(s *Scale) { s.Spread[0] = inf }), "scale: spread: value 0 is +Inf, not a finite number above 0"},
		{scale(func(s *Scale) { s.Offset[0] = -inf }), "scale: offset: value 0 is -Inf, not a finite number"},
		{scale(func(s *Scale) { s.Divisor[1] = -1e-39 }), "scale: divisor: value 1 is -1e-39, not a finite number that is not 0, nor closer to 0 than 1.2e-38"},
		{scale(func(s *Scale) { s.Divisor[1] = nan }), "scale: divisor: value 1 is NaN, not a finite number that is not 0, nor closer to 0 than 1.2e-38"},
	} {
		got := ""
		if err := test.in.Validate(2); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.in, got, test.want)
		}
	}
}

func TestContext(t *testing.T) {
	for _, test := range []struct {
		rolling               []int
		ahead, before, behind int
	}{
		{nil, Centred, 0, 0}, {nil, 5, 0, 0},
		{[]int{8}, Centred, 4, 3}, {[]int{7}, Centred, 3, 3},
		{[]int{8}, 0, 7, 0}, {[]int{8}, 2, 5, 2}, {[]int{8}, 100, 4, 3},
		{[]int{8, 32}, Centred, 16, 15}, {[]int{8, 32}, 5, 26, 5},
	} {
		in := Inputs{SeriesScale: Running, Rolling: test.rolling, Ahead: test.ahead}
		if before, behind := in.Context(); before != test.before || behind != test.behind {
			t.Errorf("%v, %d ahead: %d and %d rows", test.rolling, test.ahead, before, behind)
		}
	}
}

// A row's columns depend on no row outside of its context, and on those at its ends.
func TestContextIsWhatMatters(t *testing.T) {
	const rows, of = 100, 50
	for _, ahead := range []int{Centred, 0, 3} {
		in := Inputs{SeriesScale: None, Rolling: []int{8, 33}, Ahead: ahead}
		before, behind := in.Context()
		row := func(x []float32) []float32 {
			return in.Expand(x, 1, []Range{{End: rows}})[of*in.Columns(1):][:in.Columns(1)]
		}
		x := walk(rows, 1)
		want := row(x)
		for at := range x {
			changed := slices.Clone(x)
			changed[at] += 1000
			if same := slices.Equal(row(changed), want); same != (at < of-before || at > of+behind) {
				t.Errorf("%d ahead: row %d is the same without row %d: %v", ahead, of, at, same)
			}
		}
	}
}

func TestColumns(t *testing.T) {
	for _, test := range []struct {
		in   Inputs
		want int
	}{{Inputs{SeriesScale: None}, 3}, {Inputs{SeriesScale: Whole}, 6}, {Inputs{SeriesScale: None, Rolling: []int{8}}, 18}, {Inputs{SeriesScale: Running, Rolling: []int{8, 9}}, 66}} {
		if got := test.in.Columns(3); got != test.want {
			t.Errorf("%+v: %d columns, want %d", test.in, got, test.want)
		}
	}
}
