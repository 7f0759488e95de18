package fit

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestChoose(t *testing.T) {
	rung := func(candidate bool, macroF1 ...float64) *Rung {
		g := &Rung{Candidate: candidate}
		for _, f1 := range macroF1 {
			g.Folds = append(g.Folds, &metrics.Report{Scores: metrics.Scores{MacroF1: metrics.Number(f1)}})
		}
		return g
	}
	failed := &Rung{Candidate: true, Err: errNothing}
	for _, test := range []struct {
		name  string
		rungs []*Rung
		want  int
	}{
		{"the best by far", []*Rung{rung(true, .5, .5, .5), rung(true, .9, .9, .91), rung(true, .7, .7, .7)}, 1},
		{"a tie", []*Rung{rung(true, .9, .8), rung(true, .9, .8)}, 0},
		{"within one standard error", []*Rung{rung(true, .80, .90, .85), rung(true, .84, .88, .87)}, 0},
		// By itself each varies by more than they differ; fold by fold the second is better.
		{"fold by fold", []*Rung{rung(true, .60, .75, .90), rung(true, .62, .77, .92)}, 1},
		{"not a rival", []*Rung{rung(false, .9, .9), rung(true, .8, .8), rung(true, .8, .8)}, 1},
		{"not one that failed", []*Rung{failed, rung(true, .8, .8)}, 1},
		{"not one that was stopped", []*Rung{rung(true, .8, .8), {Candidate: true, Stopped: true, Folds: rung(true, .9).Folds}}, 0},
		{"by one fold", []*Rung{rung(true, .8), rung(true, .9)}, 1},
	} {
		if got, err := choose(test.rungs); err != nil || got != test.want {
			t.Errorf("%s: %d, %v", test.name, got, err)
		}
	}
	if _, err := choose([]*Rung{rung(false, .9), failed}); !errors.Is(err, errNothing) {
		t.Errorf("%v", err)
	}
}

func TestRace(t *testing.T) {
	for _, test := range []struct {
		name    string
		macroF1 [][]float64 // of rungs from the simplest on, fold by fold
		stopped []bool
	}{
		{"one that is as good in each fold", [][]float64{{.8, .9}, {.8, .85}}, []bool{false, true}},
		{"one that is better in one", [][]float64{{.8, .9}, {.7, .95}}, []bool{false, false}},
		{"the simpler one goes on", [][]float64{{.1, .1}, {.9, .9}, {.8, .9}}, []bool{false, false, true}},
		{"one fold is too few", [][]float64{{.9}, {.8}}, []bool{false, false}},
		{"by one that is stopped itself", [][]float64{{.9, .9}, {.8, .8}, {.8, .8}}, []bool{false, true, true}},
	} {
		var rungs []*Rung
		var got []bool
		for _, folds := range test.macroF1 {
			g := &Rung{Recipe: &Recipe{}, Candidate: true}
			for _, f1 := range folds {
				g.Folds = append(g.Folds, &metrics.Report{Scores: metrics.Scores{MacroF1: metrics.Number(f1)}})
			}
			rungs = append(rungs, g)
		}
		race(rungs)
		for _, g := range rungs {
			got = append(got, g.Stopped)
		}
		if !slices.Equal(got, test.stopped) {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	rival := lagged(All)
	good, bad := &Rung{Recipe: &Recipe{}, Candidate: true}, &Rung{Recipe: &rival, Candidate: true}
	good.Folds = make([]*metrics.Report, 2)
	for i := range good.Folds {
		good.Folds[i] = new(metrics.Report)
	}
	bad.Folds = good.Folds
	if race([]*Rung{good, bad}); bad.Stopped {
		t.Error("what is taken has no rival")
	}
}

func TestThresholdIsFoundInFolds(t *testing.T) {
	s := quick()
	d := Data{Train: steps(1, 600)}
	for i := range d.Train.Labels { // few ones
		if i%5 > 0 && d.Train.Labels[i] == 1 {
			d.Train.Labels[i] = series.Unlabelled
		}
	}
	fixed := fit(t, d, s)
	s.Threshold = Threshold{Auto: true, At: 0.5}
	found := fit(t, d, s)
	if fixed.Threshold != 0.5 || found.Threshold == 0.5 || float64(found.Judged.Report.Threshold) != found.Threshold {
		t.Errorf("thresholds %v and %v", fixed.Threshold, found.Threshold)
	}
	for i, g := range found.Rungs {
		if g.Threshold == 0.5 || g.Report.Threshold == 0.5 || fixed.Rungs[i].Threshold != 0.5 {
			t.Errorf("%s is compared at %v", g.Name(), g.Threshold)
		}
	}
}

// judging is a run of two folds, the first and the second half of the rows, whose threshold is
// to be found.
func judging(labels []int16) *run {
	n := len(labels)
	d := &series.Data{Classes: []string{"0", "1"}, Labels: labels, Series: []series.Range{{Name: "a", End: n}}}
	one, two := []series.Range{{Name: "a", End: n / 2}}, []series.Range{{Name: "a", Start: n / 2, End: n}}
	s := DefaultSpec()
	s.Threshold.Auto = true
	return &run{
		spec: &s, rows: &rows{Data: d}, all: layout.Fold{Train: d.Series},
		folds: []layout.Fold{{Train: two, Held: one}, {Train: one, Held: two}},
	}
}

// answering are answers with these probabilities of the second of two classes.
func answering(second ...float32) *answers {
	a := &answers{known: make([]bool, len(second)), members: 1}
	for i, p := range second {
		a.probability, a.known[i] = append(a.probability, 1-p, p), true
	}
	return a
}

func TestAFoldIsDecidedByTheThresholdOfTheOthers(t *testing.T) {
	r := judging([]int16{0, 0, 1, 1, 0, 1, 1, 1})
	decided, threshold := r.decide(answering(.5, .6, .8, .9, .1, .3, .4, .9)) // best at .7 and at .2
	if want := []int16{1, 1, 1, 1, 0, 0, 0, 1}; !slices.Equal(decided, want) || !(threshold > .1 && threshold < .3) {
		t.Errorf("%v by folds, %v for other rows", decided, threshold)
	}
	r.spec.Threshold = Threshold{At: .55}
	if decided, threshold := r.decide(answering(.5, .6, .8, .9, .1, .3, .4, .9)); decided[0] != 0 || decided[1] != 1 || threshold != .55 {
		t.Errorf("%v, %v at a given threshold", decided, threshold)
	}
}

// Where probabilities tell nothing of the labels, no threshold has a better F1 on other rows
// than calling every row one, whatever it has on its own.
func TestNoThresholdLooksGoodOnRowsThatChoseIt(t *testing.T) {
	const rows, runs, share = 60, 300, 0.2
	random := rand.New(rand.NewPCG(5, 6))
	var own, judged float64
	for range runs {
		labels, p := make([]int16, rows), make([]float32, rows)
		for i := range labels {
			if p[i] = random.Float32(); i%10 == 0 || random.Float64() < share-0.1 {
				labels[i] = 1
			}
		}
		r := judging(labels)
		a := answering(p...)
		decided, threshold := r.decide(a)
		j, err := r.report(a, decided, threshold, r.folds)
		if err != nil {
			t.Fatal(err)
		}
		_, best, err := metrics.BestThreshold(r.rows.input(a, r.all.Train, 0, nil))
		if err != nil {
			t.Fatal(err)
		}
		own, judged = own+float64(best)/runs, judged+float64(j.Report.F1)/runs
	}
	if every := 2 * share / (1 + share); !(own > every+0.02 && judged < every+0.005) {
		t.Errorf("F1 %.3f on the rows that chose the threshold, %.3f by folds, %.3f for every row", own, judged, every)
	}
}

// Where one series alone has a label, the folds' scores are far from those of all rows: a rival's
// are pooled as the network's are, and a notice says why.
func TestRivalsArePooledAsTheNetworkIs(t *testing.T) {
	d := steps(4, 100)
	d.Classes = []string{"0", "1", "2"}
	for i := 300; i < 400; i += 3 {
		d.Labels[i] = 2
	}
	s := quick()
	s.Split, s.Members, s.Network, s.Recipe = layout.SplitSeries, 1, NetworkLogistic, Override{}
	var alone []string
	r := fit(t, Data{Train: d}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == OneGroup {
			alone = append(alone, n.Class)
		}
		return nil
	}))
	if !slices.Equal(alone, []string{"2"}) {
		t.Errorf("labels of one series: %v", alone)
	}
	j := r.Judged
	if len(j.Report.Baselines) != 2 || len(j.Folds) != 2 {
		t.Fatalf("%d baselines, %d folds", len(j.Report.Baselines), len(j.Folds))
	}
	near := func(a, b metrics.Number) bool { return math.Abs(float64(a-b)) < 1e-12 }
	for k, b := range j.Report.Baselines {
		one, two := j.Folds[0].Baselines[k], j.Folds[1].Baselines[k]
		if one.Name != b.Name || two.Name != b.Name || b.Folds.Folds != 2 || !near(b.Folds.Mean.MacroF1, (one.MacroF1+two.MacroF1)/2) {
			t.Errorf("%s: %+v", b.Name, b.Folds)
		}
		if !near(b.Folds.Ahead.Mean.MacroF1, j.Spread.Mean.MacroF1-b.Folds.Mean.MacroF1) {
			t.Errorf("%s: the network is ahead by %v", b.Name, b.Folds.Ahead.Mean.MacroF1)
		}
	}
}
