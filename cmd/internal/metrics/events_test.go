package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
)

func compareEvents(t *testing.T, in Input, by EventInput) *Events {
	t.Helper()
	if by.Rules.Classes == nil {
		by.Rules.Classes, by.Rules.Threshold, by.Rules.Off = in.Classes, in.Threshold, in.Threshold
	}
	e, err := CompareEvents(in, by)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// answersOf are probabilities of 0.9 for labels written as digits.
func answersOf(digits string, classes int) (p []float32) {
	for _, d := range digits {
		row := make([]float32, classes)
		for k := range row {
			row[k] = 0.1 / float32(classes-1)
		}
		row[d-'0'] = 0.9
		p = append(p, row...)
	}
	return p
}

// labelsOf are labels written as digits, and dashes for steps that have none.
func labelsOf(digits string) (labels []int16) {
	for _, d := range digits {
		labels = append(labels, max(-1, int16(d)-'0'))
	}
	return labels
}

func TestCompareEvents(t *testing.T) {
	numbers := []float64{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}
	for _, test := range []struct {
		name            string
		labels, answers string
		by              EventInput
		want            string // labelled, found, right by overlap; right by onset; errors of these
	}{
		{"right", "0011001100", "0011001100", EventInput{}, "2 2 2; 2; 0 0, 0 0"},
		{"a row early and two late", "0001110000", "0011111100", EventInput{Tolerance: 1}, "1 1 1; 1; -1 1, 2 2"},
		{"within 1 only", "0011100111", "0000100011", EventInput{Tolerance: 1}, "2 2 2; 1; 1 1, 0 0"},
		{"opposite errors", "0011100111", "0001111111", EventInput{Tolerance: 1}, "2 1 1; 1; 1 1, 5 5"},
		{"two for one", "0111111110", "0110011000", EventInput{}, "1 2 1; 1; 0 0, -6 6"},
		{"missed", "0110000000", "0000000000", EventInput{}, "1 0 0; 0; NaN NaN, NaN NaN"},
		{"false alarm", "0000000000", "0001100000", EventInput{}, "0 1 0; 0; NaN NaN, NaN NaN"},
		{"beside each other", "0110000000", "0001100000", EventInput{Tolerance: 2}, "1 1 0; 1; 2 2, 2 2"},
		{"no label between", "0011-11000", "0011111000", EventInput{}, "2 2 2; 2; 0 0, 0 0"},
		{"no label at a false alarm", "0000---000", "0000111000", EventInput{}, "0 0 0; 0; NaN NaN, NaN NaN"},
		{"times", "0000110000", "0001111000", EventInput{Time: numbers, Tolerance: 4, Rules: events.Rules{Timed: true}}, "1 1 1; 1; -4 4, 16 16"},
		{"times, too early", "0000110000", "0001111000", EventInput{Time: numbers, Tolerance: 3, Rules: events.Rules{Timed: true}}, "1 1 1; 0; NaN NaN, NaN NaN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.by.Onset = true
			test.by.Rules.Classes, test.by.Rules.Threshold, test.by.Rules.Off = noYes, 0.5, 0.5
			in := Input{Classes: noYes, Label: labelsOf(test.labels), Probability: answersOf(test.answers, 2), Threshold: 0.5}
			e := compareEvents(t, in, test.by)
			o := e.Onset
			got := fmt.Sprintf("%d %d %d; %d; %v %v, %v %v", e.Overlap.Labelled, e.Overlap.Found, e.Overlap.Right, o.Right,
				float64(o.OnsetError.Mean), float64(o.OnsetError.MeanAbsolute), float64(o.OffsetError.Mean), float64(o.OffsetError.MeanAbsolute))
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Classes are told apart, series too, and rates are of the rows that count.
func TestCompareEventsOfClasses(t *testing.T) {
	in := Input{
		Classes:     []string{"rest", "walk", "run"},
		Label:       labelsOf("0110220-" + "1100"),
		Probability: answersOf("01102100"+"0011", 3),
		Series:      []Span{{"a", 0, 8, 0}, {"b", 8, 12, 0}},
	}
	time := []float64{0, 1, 2, 3, 4, 5, 6, 99, 1000, 1001, 1002, 1003}
	e := compareEvents(t, in, EventInput{Time: time, Stamps: true, Rules: events.Rules{Timed: true, Classes: in.Classes}})
	s := e.Overlap
	walk, run := s.Classes[0], s.Classes[1]
	if walk.Labelled != 2 || walk.Found != 3 || walk.Right != 1 || run.Labelled != 1 || run.Found != 1 || run.Right != 1 {
		t.Errorf("%+v", s.Classes)
	}
	want := EventCounts{3, 4, 2, Number(2. / 3), 0.5, Number(4. / 7)}
	if s.EventCounts != want || e.Onset != nil || e.Background != "rest" || e.Unit != "seconds" {
		t.Errorf("%+v", e)
	}
	// 2 false alarms in 11 rows, and in 6 and 3 seconds
	if !closeTo(s.PerRows, 2./11*1000) || !closeTo(s.PerHour, 2./9*3600) {
		t.Errorf("false alarms: %v of 1000 rows, %v an hour", s.PerRows, s.PerHour)
	}
	if !closeTo(s.OffsetError.Mean, -0.5) || !closeTo(s.OnsetError.MeanAbsolute, 0) {
		t.Errorf("onset error %v, offset error %v", s.OnsetError, s.OffsetError)
	}
}

func closeTo(got Number, want float64) bool { return math.Abs(float64(got)-want) <= 1e-12 }

// Rules of predict are those of evaluate, and rows are numbered within their series.
func TestCompareEventsByRules(t *testing.T) {
	in := Input{
		Classes: noYes, Label: labelsOf("000" + "-011110"), Threshold: 0.5,
		Probability: pairs(0, 0, 0, 0, .9, .3, .6, 0, .8, 0),
		Series:      []Span{{"a", 0, 3, 0}, {"b", 3, 10, 0}},
	}
	rules := events.Rules{Classes: noYes, Threshold: 0.5, Off: 0.25, MergeGap: 1}
	e := compareEvents(t, in, EventInput{Rules: rules, Onset: true, Tolerance: 1})
	if e.Onset.Found != 1 || e.Onset.Right != 1 || e.Onset.OnsetError.Mean != -1 || e.Onset.OffsetError.Mean != 0 || e.Unit != "rows" {
		t.Errorf("%+v", e.Onset)
	}
	rules.MergeGap, rules.MinLength = 0, 2
	if e := compareEvents(t, in, EventInput{Rules: rules}); e.Overlap.Found != 1 || e.Overlap.OffsetError.Mean != -2 || e.Overlap.PerHour == e.Overlap.PerHour {
		t.Errorf("%+v", e.Overlap)
	}
}

// As many events are right as can be.
func TestPairEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	some := func() (all []events.Event) {
		for at := random.IntN(3); len(all) < random.IntN(7); at += 1 + random.IntN(4) {
			end := at + random.IntN(5)
			all = append(all, events.Event{Start: float64(at), End: float64(end)})
			at = end
		}
		return all
	}
	by := EventInput{Tolerance: 2}
	for range 3000 {
		labelled, found := some(), some()
		for i, right := range []func(a, b events.Event) bool{overlapping, by.beginTogether} {
			got := 0
			var seen []events.Event
			pairEvents(labelled, found, right, func(l, f events.Event) {
				if got++; !right(l, f) || slices.Contains(seen, f) {
					t.Fatalf("%v and %v are a pair", l, f)
				}
				seen = append(seen, f)
			})
			if want := mostPaired(labelled, found, right); got != want {
				t.Fatalf("way %d: %v and %v: %d pairs, want %d", i, labelled, found, got, want)
			}
		}
	}
}

// mostPaired is the size of a largest set of pairs, by augmenting paths.
func mostPaired(labelled, found []events.Event, right func(a, b events.Event) bool) (n int) {
	partner := slices.Repeat([]int{-1}, len(found))
	var try func(l int, seen []bool) bool
	try = func(l int, seen []bool) bool {
		for f := range found {
			if right(labelled[l], found[f]) && !seen[f] {
				seen[f] = true
				if partner[f] < 0 || try(partner[f], seen) {
					partner[f] = l
					return true
				}
			}
		}
		return false
	}
	for l := range labelled {
		if try(l, make([]bool, len(found))) {
			n++
		}
	}
	return n
}
