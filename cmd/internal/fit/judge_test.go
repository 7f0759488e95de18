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

// compared are rungs of a run that have answered its rows.
func compared(t *testing.T, r *run, all map[string]*answers, recipes ...Recipe) {
	t.Helper()
	for i := range recipes {
		g := &Rung{Recipe: &recipes[i], answers: all[recipes[i].Name()]}
		if g.answers != nil {
			j, err := r.report(g.answers, metrics.Decide(g.answers.probability, 2, .5), .5, r.folds)
			if err != nil {
				t.Fatal(err)
			}
			g.Report, g.Folds = j.Report, j.Folds
		} else {
			g.Err = errNothing
		}
		r.rungs = append(r.rungs, g)
	}
}

// Each of two kinds finds what the other one does not: their mean is better than either. A third
// is as good as the second, and a fourth, which is better than all, is only to compare with.
func TestChoose(t *testing.T) {
	labels := []int16{0, 0, 1, 1, 0, 1, 1, 0}
	mlp, gru16 := dense(), small(All)
	within, best, other := mlp, lagged(All), logistic(0)
	within.Rolling, mlp.Rolling, mlp.Within = DefaultWindows, DefaultWindows, false
	best.Baseline = true
	right := answering(.1, .1, .9, .9, .1, .9, .9, .1)
	all := map[string]*answers{
		mlp.Name():    answering(.2, .7, .9, .8, .1, .4, .6, .1),
		within.Name(): answering(.2, .3, .9, .8, .1, .4, .6, .1),
		gru16.Name():  answering(.2, .1, .4, .8, .1, .9, .9, .1),
		other.Name():  answering(.6, .7, .4, .8, .6, .9, .4, .1),
		best.Name():   right,
	}
	for _, test := range []struct {
		name    string
		answers map[string]*answers
		recipes []Recipe
		want    []int
	}{
		{"two kinds", all, []Recipe{best, mlp, within, gru16, other}, []int{2, 3}},
		{"not two of one kind", all, []Recipe{mlp, within}, []int{1}},
		{"not one that adds nothing", map[string]*answers{within.Name(): right, other.Name(): all[other.Name()]}, []Recipe{other, within}, []int{1}},
		{"not one that failed", map[string]*answers{other.Name(): all[other.Name()]}, []Recipe{mlp, other}, []int{1}},
	} {
		r := judging(labels)
		r.spec.Threshold = Threshold{At: .5}
		compared(t, r, test.answers, test.recipes...)
		if got, err := r.choose(); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %d, %v", test.name, got, err)
		}
		r.rungs[test.want[0]].Stopped = true
		if got, _ := r.choose(); slices.Contains(got, test.want[0]) {
			t.Errorf("%s: one that was stopped is taken", test.name)
		}
	}
	r := judging(labels)
	compared(t, r, map[string]*answers{best.Name(): right}, best, mlp)
	if got, err := r.choose(); !errors.Is(err, errNothing) {
		t.Errorf("%v, %v", got, err)
	}
}

// The mean of two kinds is taken where folds differ on whether it is better, and is not where both have it
// worse by about as much, where it is the same, or where the only fold has it worse.
func TestTheMeanOfTwoIsTakenUnlessClearlyWorse(t *testing.T) {
	labels := []int16{0, 0, 1, 1, 0, 1, 1, 0}
	right := answering(.1, .2, .8, .9, .1, .9, .8, .2)
	half := answering(.1, .2, .8, .9, .1, .4, .4, .2) // wrong in the second fold
	other := answering(.1, .2, .4, .4, .1, .9, .8, .2)
	wrong := answering(.1, .2, .4, .4, .1, .4, .4, .2)
	for _, c := range []struct {
		name    string
		a, than *answers
		folds   int
		want    bool
	}{
		{"better", right, half, 2, false},
		{"better in one, worse in the other", half, other, 2, false},
		{"worse in one of two", half, right, 2, false},
		{"worse in both", wrong, right, 2, true},
		{"the same", half, half, 2, true},
		{"better in the only one", right, other, 1, false},
		{"worse in the only one", other, right, 1, true},
	} {
		r := judging(labels)
		r.spec.Threshold, r.folds = Threshold{At: .5}, r.folds[:c.folds]
		if got := r.clearlyWorse(c.a, c.than); got != c.want {
			t.Errorf("%s: clearly worse: %v", c.name, got)
		}
	}
}

// A score of a rare class that the threshold hides counts.
func TestScoreSeesWhatIsRankedWell(t *testing.T) {
	r := judging([]int16{0, 0, 1, 0, 0, 0, 1, 0})
	found, none := logistic(0), dense()
	compared(t, r, map[string]*answers{found.Name(): answering(.1, .1, .4, .1, .1, .1, .4, .1), none.Name(): answering(.1, .4, .1, .1, .4, .1, .1, .1)}, found, none)
	if a, b := r.rungs[0].score(), r.rungs[1].score(); !(a > b+.5) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestRace(t *testing.T) {
	recipes := map[string]Recipe{"logistic": logistic(0), "mlp": dense(), "gru": small(All)}
	for name, r := range recipes {
		r.Within, r.Rolling = false, DefaultWindows
		recipes[name] = r
		r.Within = true
		recipes[name+"+"] = r
		r.Trial = "units 8"
		recipes[name+" drawn"] = r
	}
	for _, test := range []struct {
		name    string
		rungs   []string
		macroF1 [][]float64 // of rungs, fold by fold
		stopped []bool
	}{
		{"behind two kinds", []string{"logistic", "mlp", "gru"}, [][]float64{{.8, .9}, {.7, .95}, {.6, .7}}, []bool{false, false, true}},
		{"one kind may still be the second", []string{"logistic", "mlp"}, [][]float64{{.8, .9}, {.8, .85}}, []bool{false, false}},
		{"behind the other scale", []string{"mlp", "mlp+"}, [][]float64{{.8, .8}, {.8, .9}}, []bool{true, false}},
		{"the simpler one of two that are equal", []string{"mlp", "mlp+"}, [][]float64{{.8, .8}, {.8, .8}}, []bool{false, true}},
		{"better in one fold", []string{"logistic", "mlp", "gru"}, [][]float64{{.8, .9}, {.8, .9}, {.9, .1}}, []bool{false, false, false}},
		{"trials stop no others, and are not stopped", []string{"mlp", "logistic drawn", "mlp drawn", "gru drawn"}, [][]float64{{.8, .8}, {.9, .9}, {.9, .9}, {.7, .7}}, []bool{false, false, false, false}},
		{"one fold is too few", []string{"logistic", "mlp", "gru"}, [][]float64{{.9}, {.8}, {.7}}, []bool{false, false, false}},
	} {
		var rungs []*Rung
		var got []bool
		for i, folds := range test.macroF1 {
			recipe := recipes[test.rungs[i]]
			g := &Rung{Recipe: &recipe}
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
}

func TestHalve(t *testing.T) {
	var rungs []*Rung
	for _, f1 := range []float64{.5, .9, .1, .8, .7, .2} {
		recipe := small(All)
		recipe.Trial = "units 8"
		rungs = append(rungs, &Rung{Recipe: &recipe, Report: &metrics.Report{Scores: metrics.Scores{MacroF1: metrics.Number(f1)}}})
	}
	baseline := logistic(0)
	baseline.Baseline = true
	other := small(All)
	rungs = append(rungs, &Rung{Recipe: &baseline}, &Rung{Recipe: rungs[0].Recipe, Err: errNothing}, &Rung{Recipe: &other, Report: &metrics.Report{}})
	for _, want := range [][]int{{0, 2, 5}, {0, 2, 4, 5}, {0, 2, 4, 5}} {
		halve(rungs)
		var stopped []int
		for i, g := range rungs {
			if g.Stopped {
				stopped = append(stopped, i)
			}
		}
		if !slices.Equal(stopped, want) {
			t.Errorf("stopped are %v, want %v", stopped, want)
		}
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
		spec: &s, rows: &rows{Data: d, pieces: d.Series}, all: layout.Fold{Train: d.Series},
		folds: []layout.Fold{{Train: two, Held: one}, {Train: one, Held: two}},
	}
}

// answering are answers with these probabilities of the second of two classes.
func answering(second ...float32) *answers {
	a := &answers{known: make([]bool, len(second))}
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

// Where a class is rare, what a threshold of its own would find is told beside what is found at 0.5.
func TestWhatAThresholdOfItsOwnFinds(t *testing.T) {
	r := judging([]int16{0, 0, 1, 1, 0, 0, 1, 1})
	a := answering(.1, .1, .3, .4, .1, .1, .3, .4)
	r.spec.Threshold = Threshold{At: .5}
	tuned, err := r.tuned(a)
	if err != nil || tuned == nil || tuned.F1 != 1 || !(tuned.Threshold > .1 && tuned.Threshold <= .3) {
		t.Fatalf("%+v, %v", tuned, err)
	}
	r.split = layout.SplitForward // the first fold has no rows before it that choose one
	if tuned, err := r.tuned(a); err != nil || tuned.F1 != .5 {
		t.Errorf("forward: %+v, %v", tuned, err)
	}
	r.spec.Threshold.Auto = true
	if tuned, err := r.tuned(a); tuned != nil || err != nil {
		t.Errorf("with --threshold auto: %+v, %v", tuned, err)
	}
}
