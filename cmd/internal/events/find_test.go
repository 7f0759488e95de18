package events

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// find returns the events of rows in one series, which come in pieces of the given number.
func find(t *testing.T, rules Rules, rows Rows, piece int) (all []Found) {
	t.Helper()
	rules.Timed = rows.Time != nil
	f := NewFinder(rules, func(e Found) error { all = append(all, e); return nil })
	C := len(rules.Classes)
	for at := 0; at < len(rows.Series); at += piece {
		end := min(at+piece, len(rows.Series))
		part := Rows{Series: rows.Series[at:end], Probability: rows.Probability[at*C : end*C]}
		if rows.Time != nil {
			part.Time = rows.Time[at:end]
			part.TimeText = func(i int) string { return fmt.Sprint("t", rows.Time[at+i]) }
		}
		if rows.Label != nil {
			part.Label = rows.Label[at:end]
		}
		if err := f.Add(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	return all
}

// two is rows of a series with probabilities of the second of two classes.
func two(times []float64, second ...float32) Rows {
	r := Rows{Series: make([]int32, len(second)), Time: times}
	for _, p := range second {
		r.Probability = append(r.Probability, 1-p, p)
	}
	return r
}

func TestFind(t *testing.T) {
	yes := Rules{Classes: []string{"no", "yes"}, Threshold: 0.5, Off: 0.5}
	with := func(change func(*Rules)) Rules {
		r := yes
		change(&r)
		return r
	}
	low := with(func(r *Rules) { r.Off = 0.25 })
	merged := with(func(r *Rules) { r.MergeGap = 2 })
	long := with(func(r *Rules) { r.MinLength = 2 })
	times := []float64{0, 0.1, 0.2, 0.3, 5, 7, 9.5}
	for _, test := range []struct {
		name  string
		rules Rules
		rows  Rows
		want  string
	}{
		{"none", yes, two(nil, 0, 0.25), ""},
		{"at both ends", yes, two(nil, 0.5, 0, 0.75, 1), "0-0 1 0.5 0.5, 2-3 2 0.875 1, "},
		{"hysteresis", low, two(nil, 0.25, 0.5, 0.25, 0.25, 0.125, 0.25, 0.5), "1-3 3 0.3333 0.5, 6-6 1 0.5 0.5, "},
		{"two rows between", merged, two(nil, 1, 0, 0, 1, 0, 0, 0, 1), "0-3 4 0.5 1, 7-7 1 1 1, "},
		{"merged before it is too short", with(func(r *Rules) { r.MergeGap, r.MinLength = 1, 3 }), two(nil, 1, 0, 1, 0, 0, 1, 1), "0-2 3 0.6667 1, "},
		{"least rows", long, two(nil, 1, 0, 1, 1), "2-3 2 1 1, "},
		{"gap of time", merged, two(times, 0, 0, 0, 0, 1, 1, 0), "5-7 2 1 1, "},
		{"gap of time, kept", merged, two(times, 0, 0, 0, 1, 0, 1, 1), "0.3-0.3 1 1 1, 7-9.5 2 1 1, "},
		{"gap of time, closed", merged, two([]float64{0, 1, 2, 2, 4.5}, 1, 0, 1, 0, 1), "0-2 3 0.6667 1, 4.5-4.5 1 1 1, "},
		{"rounding", with(func(r *Rules) { r.MergeGap = 0.2 }), two(times, 0, 1, 0, 1, 0, 0, 0), "0.1-0.3 3 0.6667 1, "},
		{"least time, rounding", with(func(r *Rules) { r.MinLength = 0.2 }), two(times, 0, 1, 1, 1, 0, 1, 0), "0.1-0.3 3 1 1, "},
		{"rows of one time", yes, two([]float64{1, 1, 1}, 1, 0, 1), "1-1 1 1 1, 1-1 1 1 1, "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			for _, e := range find(t, test.rules, test.rows, 3) {
				got += fmt.Sprintf("%v-%v %d %.4g %v, ", e.Start, e.End, e.Rows, e.MeanProbability, e.PeakProbability)
				if test.rows.Time != nil && (e.StartText != fmt.Sprint("t", e.Start) || e.EndText != fmt.Sprint("t", e.End)) {
					t.Errorf("%v-%v is from %q to %q", e.Start, e.End, e.StartText, e.EndText)
				}
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Events of a class are joined over the background, not over another class.
func TestFindBetweenClasses(t *testing.T) {
	rules := Rules{Classes: []string{"rest", "walk", "run"}, MergeGap: 5}
	rows := Rows{Series: make([]int32, 7), Label: []int16{1, 0, 1, 2, 1, 1, 0}}
	for _, l := range rows.Label {
		p := []float32{0.25, 0.25, 0.25}
		p[l] = 0.5
		rows.Probability = append(rows.Probability, p...)
	}
	got := ""
	for _, e := range find(t, rules, rows, 2) {
		got += fmt.Sprintf("%s %v-%v %.4g, ", e.Label, e.Start, e.End, e.MeanProbability)
	}
	if want := "walk 0-2 0.4167, run 3-3 0.5, walk 4-5 0.5, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// An event is handed over by the first row that settles it.
func TestFindAtOnce(t *testing.T) {
	for _, test := range []struct {
		gap  float64
		rows Rows
		want int // the row
	}{
		{0, two(nil, 0, 1, 0, 0, 0), 2},
		{2, two(nil, 0, 1, 0, 0, 0), 4},
		{0, two([]float64{0, 1, 2, 3}, 0, 1, 0, 0), 2},
		{1.5, two([]float64{0, 1, 2, 3}, 0, 1, 0, 0), 3},
	} {
		row := 0
		at := -1
		f := NewFinder(Rules{Classes: []string{"0", "1"}, Threshold: 0.5, Off: 0.5, MergeGap: test.gap, Timed: test.rows.Time != nil}, func(Found) error { at = row; return nil })
		for ; row < len(test.rows.Series); row++ {
			part := Rows{Series: []int32{0}, Probability: test.rows.Probability[2*row : 2*row+2]}
			if test.rows.Time != nil {
				part.Time = test.rows.Time[row : row+1]
			}
			if err := f.Add(part); err != nil {
				t.Fatal(err)
			}
		}
		if at != test.want {
			t.Errorf("gap %v: found at row %d, want %d", test.gap, at, test.want)
		}
	}
}

// A series that has ended leaves nothing behind, and the error of found is handed on.
func TestFindEnds(t *testing.T) {
	wrong := fmt.Errorf("disk full")
	f := NewFinder(Rules{Classes: []string{"0", "1"}, Threshold: 0.5, Off: 0.5}, func(Found) error { return wrong })
	f.Begin(7, "a")
	if err := f.Add(Rows{Series: []int32{7, 8}, Probability: []float32{0, 1, 1, 0}}); err != nil {
		t.Fatal(err)
	}
	if err := f.End(7); err != wrong {
		t.Errorf("error %v", err)
	}
	if err := f.End(8); err != nil || len(f.tracks) != 0 {
		t.Errorf("error %v, %d series are left", err, len(f.tracks))
	}
}

// naive finds the events of one whole series, step by step: runs, then gaps, then lengths.
func naive(rules Rules, name string, times []float64, probability [][]float32, label []int16) []Found {
	class := make([]int16, len(label))
	for i, p := range probability {
		class[i] = label[i]
		if len(p) == 2 {
			on := float64(p[1]) >= rules.Threshold || i > 0 && class[i-1] == 1 && float64(p[1]) >= rules.Off
			class[i] = map[bool]int16{true: 1}[on]
		}
	}
	type run struct {
		class      int16
		start, end int // end is its last row
	}
	var runs []run
	for i, c := range class {
		switch n := len(runs); {
		case c == 0:
		case i > 0 && class[i-1] == c:
			runs[n-1].end = i
		default:
			runs = append(runs, run{c, i, i})
		}
	}
	for i := 1; i < len(runs); {
		apart := times[runs[i].start] - times[runs[i-1].end]
		if !rules.Timed {
			apart = float64(runs[i].start - runs[i-1].end - 1)
		}
		if rules.MergeGap > 0 && runs[i].class == runs[i-1].class && apart <= rules.MergeGap {
			runs[i-1].end = runs[i].end
			runs = slices.Delete(runs, i, i+1)
		} else {
			i++
		}
	}
	var all []Found
	for _, r := range runs {
		e := Found{Event: Event{name, times[r.start], times[r.end], rules.Classes[r.class]}, Rows: r.end - r.start + 1}
		length := e.End - e.Start
		if !rules.Timed {
			length = float64(e.Rows)
		}
		if length < rules.MinLength {
			continue
		}
		for _, p := range probability[r.start : r.end+1] {
			e.MeanProbability += float64(p[r.class]) / float64(e.Rows)
			e.PeakProbability = max(e.PeakProbability, float64(p[r.class]))
		}
		all = append(all, e)
	}
	return all
}

// Rows of many series in any order, in pieces of any size, have the events that each series
// has by itself.
func TestFindLikeNaive(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		C := 2 + random.IntN(3)
		rules := Rules{Classes: []string{"a", "b", "c", "d"}[:C], Threshold: 0.5, Off: 0.5,
			MergeGap: float64(random.IntN(4)), MinLength: float64(random.IntN(4))}
		if C == 2 {
			rules.Off = 0.25
		}
		rules.Timed = random.IntN(2) == 0
		const most = 3
		var times [most][]float64
		var probability [most][][]float32
		var label [most][]int16
		var got, want []Found
		f := NewFinder(rules, func(e Found) error { got = append(got, e); return nil })
		begun := [most]bool{}
		for range random.IntN(10) {
			var rows Rows
			for range random.IntN(20) {
				s := random.IntN(most)
				time := float64(len(times[s]))
				if n := len(times[s]); rules.Timed && n > 0 {
					time = times[s][n-1] + float64(random.IntN(3)) // multiples of 1 add up exactly
				}
				p, l := randomRow(random, C)
				times[s], probability[s], label[s] = append(times[s], time), append(probability[s], p), append(label[s], l)
				rows.Series, rows.Time, rows.Label = append(rows.Series, int32(s)), append(rows.Time, time), append(rows.Label, l)
				rows.Probability = append(rows.Probability, p...)
				if !begun[s] {
					f.Begin(int32(s), fmt.Sprint("s", s))
					begun[s] = true
				}
			}
			if !rules.Timed {
				rows.Time = nil
			}
			if err := f.Add(rows); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		for s := range most {
			want = append(want, naive(rules, fmt.Sprint("s", s), times[s], probability[s], label[s])...)
		}
		slices.SortStableFunc(got, func(a, b Found) int { return int(a.Series[1]) - int(b.Series[1]) })
		if !sameFound(got, want) {
			t.Fatalf("%+v:\n%+v\nwant\n%+v", rules, got, want)
		}
	}
}

// randomRow is the probabilities of a row, multiples of 1/8, and the most probable class.
func randomRow(random *rand.Rand, classes int) (p []float32, label int16) {
	p = make([]float32, classes)
	for range 8 {
		p[random.IntN(classes)] += 0.125
	}
	for k := range p {
		if p[k] > p[label] {
			label = int16(k)
		}
	}
	return p, label
}

// sameFound compares means to rounding, all else exactly.
func sameFound(a, b []Found) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if d := x.MeanProbability - y.MeanProbability; !(d < 1e-12 && d > -1e-12) {
			return false
		}
		x.MeanProbability = y.MeanProbability
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}
