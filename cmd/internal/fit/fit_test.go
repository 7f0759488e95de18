package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/scale"
)

// steps returns n series of so many rows: noise around 0 or 1, and which of the two it is
// as the label, changing now and then.
func steps(n, rows int) *series.Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := &series.Data{Features: []string{"x"}, Label: "label", Classes: []string{"0", "1"}}
	for i := range n {
		d.Series = append(d.Series, series.Range{Name: string(rune('a' + i)), Start: i * rows, End: (i + 1) * rows})
		label := int16(i % 2)
		for range rows {
			if r.IntN(15) == 0 {
				label = 1 - label
			}
			d.X = append(d.X, float32(float64(label)+0.4*r.NormFloat64()))
			d.Labels = append(d.Labels, label)
		}
	}
	return d
}

// quick is a Spec of one small network in two folds.
func quick() Spec {
	s := DefaultSpec()
	epochs, units, window, rate := 60, []int{4}, 16, float32(0.03)
	s.Recipe = Override{Epochs: &epochs, Units: units, Steps: &window, LearningRate: &rate}
	s.Folds, s.Members, s.Seed = 2, 2, 1
	return s
}

func fit(t *testing.T, d Data, s Spec, all ...Observer) *Result {
	t.Helper()
	r, err := Fit(context.Background(), d, s, Means{}, all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// weights are all values of the members' variables.
func weights(r *Result) []float32 {
	var all []float32
	for _, m := range r.Members {
		for _, v := range m.State {
			all = append(all, v.Value...)
		}
	}
	return all
}

func TestTheSameBitsHoweverManyAreTrainedSideBySide(t *testing.T) {
	d := Data{Train: steps(1, 400), Test: steps(2, 100)}
	s := quick()
	s.Threads = 1
	one := fit(t, d, s)
	s.Threads = 3
	three := fit(t, d, s)
	if len(one.Members) != 2 || !slices.Equal(weights(one), weights(three)) {
		t.Errorf("%d members, or other bits", len(one.Members))
	}
	if !reflect.DeepEqual(one.Judged.Report.Confusion, three.Judged.Report.Confusion) || one.Judged.Report.LogLoss != three.Judged.Report.LogLoss {
		t.Error("the networks are judged otherwise")
	}
	s.Seed = 2
	if slices.Equal(weights(fit(t, d, s)), weights(one)) {
		t.Error("another seed makes no difference")
	}
	if a, b := weights(&Result{Members: one.Members[:1]}), weights(&Result{Members: one.Members[1:]}); slices.Equal(a, b) {
		t.Error("the members are the same")
	}
	if f1 := one.Judged.Report.MacroF1; !(f1 > 0.7) {
		t.Errorf("macro F1 %v", f1)
	}
}

// Not even in the remainder that a graph's seed is taken as.
func TestRunsOfDifferentSeedsHaveNoNetworkInCommon(t *testing.T) {
	jobs := map[int64]string{}
	for seed := int64(1); seed <= 20; seed++ {
		for fold := range 11 {
			for member := range 10 {
				s := seedOf(seed, Job{Fold: fold, Member: member})
				job := fmt.Sprintf("seed %d, fold %d, member %d", seed, fold, member)
				s = (s%math.MaxInt32 + math.MaxInt32) % math.MaxInt32
				if other, taken := jobs[s]; taken {
					t.Fatalf("%s is as %s", job, other)
				}
				jobs[s] = job
			}
		}
		if got := seedOf(seed, Job{Rung: 3}); got != seed {
			t.Errorf("seed %d: the first member on all rows has %d", seed, got)
		}
	}
}

// Labels of rows held back take no part in what answers them: neither those of a fold nor
// those of the test.
func TestRowsHeldBackTeachNothing(t *testing.T) {
	s := quick()
	s.TestFraction = 0.25
	d := steps(1, 400)
	flipped := *d
	flipped.Labels = slices.Clone(d.Labels)
	for i := 300; i < 400; i++ {
		flipped.Labels[i] = 1 - flipped.Labels[i]
	}
	a, b := fit(t, Data{Train: d}, s), fit(t, Data{Train: &flipped}, s)
	if !slices.Equal(weights(a), weights(b)) {
		t.Error("labels of test rows change the weights")
	}
	if a.Test.Steps != 100 || !(math.Abs(float64(a.Test.Accuracy+b.Test.Accuracy)-1) < 1e-9) {
		t.Errorf("test accuracy %v of %d rows, and %v", a.Test.Accuracy, a.Test.Steps, b.Test.Accuracy)
	}

	// The first half is held back by fold 1: with its labels turned round, the answers to it stay, so
	// that right ones become wrong; fold 2, which is trained on it, answers otherwise.
	s.TestFraction = 0
	flipped.Labels = slices.Clone(d.Labels)
	for i := range 200 {
		flipped.Labels[i] = 1 - flipped.Labels[i]
	}
	a, b = fit(t, Data{Train: d}, s), fit(t, Data{Train: &flipped}, s)
	held := func(r *Result, fold int) float64 { return float64(r.Judged.Folds[fold-1].Accuracy) }
	if sum := held(a, 1) + held(b, 1); !(math.Abs(sum-1) < 1e-9) {
		t.Errorf("fold 1: accuracy %v and %v", held(a, 1), held(b, 1))
	}
	if held(a, 2) == held(b, 2) {
		t.Errorf("fold 2: accuracy %v whatever it learns", held(a, 2))
	}
}

// observe is an Observer.
type observe func(context.Context, Event) error

func (o observe) Observe(ctx context.Context, e Event) error { return o(ctx, e) }

func TestWhatIsWorthKeeping(t *testing.T) {
	stop := errors.New("stop")
	at := func(name StageName, epochs, ended int) observe {
		var stage StageName
		var e, j int
		return func(_ context.Context, event Event) error {
			switch event := event.(type) {
			case Stage:
				stage = event.Name
			case EpochEnded:
				if event.Job.Rung == 1 { // 0 is the rival
					e++
				}
				if stage == name && epochs > 0 && e >= epochs {
					return stop
				}
			case JobEnded:
				if stage == name {
					if j++; ended > 0 && j >= ended {
						return stop
					}
				}
			}
			return nil
		}
	}
	d := Data{Train: steps(1, 400)}
	s := quick()
	s.Threads = 1
	for _, test := range []struct {
		name    string
		stop    observe
		partial Partial
		members int
	}{
		{"before the first epoch", at(Compare, 0, 1), Whole, 0},
		{"while comparing", at(Compare, 12, 0), Unfinished, 1},
		{"between folds", at(Compare, 0, 3), OfFolds, 1},
		{"while judging", at(JudgeIt, 121, 0), OfFolds, 2},
		{"while training", at(Final, 0, 1), SomeFinal, 1},
		{"with the rival alone to go", at(Final, 0, 3), Whole, 2},
	} {
		r, err := Fit(context.Background(), d, s, Means{}, test.stop)
		if !errors.Is(err, stop) {
			t.Errorf("%s: error %v", test.name, err)
			continue
		}
		if r == nil {
			r = &Result{}
		}
		if r.Partial != test.partial || len(r.Members) != test.members {
			t.Errorf("%s: %q, %d members", test.name, r.Partial, len(r.Members))
		}
		for _, m := range r.Members {
			if len(m.History) == 0 || m.Config.Layers[0].Units != 4 {
				t.Errorf("%s: member %+v", test.name, m.Job)
			}
		}
	}
}

func TestANetworkThatDivergesIsLeftOut(t *testing.T) {
	s := quick()
	rate := float32(1e38)
	s.Recipe.LearningRate = &rate
	var failed []Noticed
	_, err := Fit(context.Background(), Data{Train: steps(1, 400)}, s, Means{}, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok {
			failed = append(failed, n)
		}
		return nil
	}))
	var diverged *graph.DivergedError
	if !errors.As(err, &diverged) || len(failed) == 0 || failed[len(failed)-1].Kind != RungFailed {
		t.Errorf("%v; %+v", err, failed)
	}
}

// What cannot be made or diverges is left out with a notice, and ends nothing else.
func TestWhatFailsEndsNothingElse(t *testing.T) {
	s := quick()
	good, err := s.Recipes()
	if err != nil {
		t.Fatal(err)
	}
	bad, big := good[0], good[0]
	bad.Network.LearningRate = 1e38
	big.Network.Lags = make([]int, 1025)
	s.Rungs = []Recipe{bad, big, good[0]}
	var failed []Noticed
	r := fit(t, Data{Train: steps(1, 400)}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == RungFailed {
			failed = append(failed, n)
		}
		return nil
	}))
	var diverged *graph.DivergedError
	var wrong *graph.ConfigError
	if len(failed) != 2 || !errors.As(failed[0].Err, &wrong) || !errors.As(failed[1].Err, &diverged) {
		t.Errorf("notices %+v", failed)
	}
	if r.Chosen != 3 || len(r.Members) != 2 || r.Judged == nil || r.Rival == nil {
		t.Errorf("rung %d is taken, %d members, judged %v, rival %v", r.Chosen, len(r.Members), r.Judged, r.Rival)
	}
}

// A member that diverges is left out, and the others are the result.
func TestAMemberThatDivergesIsLeftOut(t *testing.T) {
	s := quick()
	plain, relu, sgd, rate, norm := graph.Plain, graph.ReLU, graph.SGD, float32(20), float32(0)
	s.Recipe.Cell, s.Recipe.Activation, s.Recipe.Optimizer, s.Recipe.LearningRate, s.Recipe.ClipNorm = &plain, &relu, &sgd, &rate, &norm
	s.Folds, s.Members, s.Threads = 0, 8, 1
	var failed []int
	r := fit(t, Data{Train: steps(1, 400), Test: steps(1, 100)}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == MemberFailed {
			failed = append(failed, n.Number)
		}
		return nil
	}))
	t.Logf("left out: %v", failed)
	if len(failed) == 0 || len(failed)+len(r.Members) != 8 || r.Test == nil || r.Partial != Whole {
		t.Errorf("%d members; left out: %v", len(r.Members), failed)
	}
}

// A network that needs more memory than there is is not begun; where it is the only one, the
// figures are the error.
func TestNetworksThatNeedTooMuchMemory(t *testing.T) {
	d := Data{Train: steps(2, 100)}
	s := quick()
	var tooMuch *MemoryError
	none := observe(func(context.Context, Event) error { return nil })
	if err := Preview(context.Background(), d, s, Means{Memory: 1e9}, none); err != nil {
		t.Error(err)
	}
	s.Recipe.Units = []int{60000}
	err := Preview(context.Background(), d, s, Means{Memory: 1e9}, none)
	if !errors.As(err, &tooMuch) || tooMuch.Has != 1e9 || !(tooMuch.Needs > 1e11) {
		t.Errorf("60000 units: %v", err)
	}
	s = quick()
	batch := 100_000_000
	s.Recipe.BatchSize = &batch
	if err := Preview(context.Background(), d, s, Means{Memory: 2e10}, none); !errors.As(err, &tooMuch) {
		t.Errorf("large batches: %v", err)
	}
	if err := Preview(context.Background(), d, s, Means{}, none); err != nil {
		t.Errorf("memory that is not known: %v", err)
	}
}

// Wide data leave out the recipes that have too many inputs for them.
func TestNetworksThatCannotBe(t *testing.T) {
	d := steps(2, 100)
	d.Features, d.X = make([]string, 3900), make([]float32, 200*3900)
	var plan Planned
	var failed []string
	err := Preview(context.Background(), Data{Train: d}, DefaultSpec(), Means{}, observe(func(_ context.Context, e Event) error {
		switch e := e.(type) {
		case Noticed:
			if e.Kind == RungFailed {
				failed = append(failed, e.Rung+": "+e.Err.Error())
			}
		case Planned:
			plan = e
		}
		return nil
	}))
	if err != nil || len(plan.Rungs) != 4 || !slices.Equal(failed, []string{Rival + ": 17 lags of 3900 features are too many inputs"}) {
		t.Errorf("%v: %d networks, without %q", err, len(plan.Rungs), failed)
	}
}

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

// A run that ends amid the comparison keeps the one that is best on the folds that all have
// answered, not the one that came furthest; where there is none, it says what was left out.
func TestWhatIsTakenOfAComparisonThatEndsEarly(t *testing.T) {
	stop := errors.New("stop")
	s := quick()
	one, err := s.Recipes()
	if err != nil {
		t.Fatal(err)
	}
	s.Rungs = []Recipe{logistic(All), one[0]}
	s.Rungs[0].Network.Lags = []int{5} // of no use
	s.Rungs[0].Network.LearningRate = 1e-6
	s.Rungs[0].Updates = [2]int{1, 1}
	s.Threads, s.Folds = 1, 3
	for _, test := range []struct {
		jobs       int // that end; of each fold those of the rival and of two candidates
		chosen     int
		members    int
		uncompared int
		judged     bool
	}{
		{2, 1, 1, 1, false},
		{3, 2, 1, 0, false},
		{5, 2, 1, 0, false},
		{9, 2, 3, 0, true},
	} {
		ended := 0
		r, err := Fit(context.Background(), Data{Train: steps(1, 400)}, s, Means{}, observe(func(_ context.Context, e Event) error {
			if _, ok := e.(JobEnded); ok {
				ended++
			}
			if ended == test.jobs {
				return stop
			}
			return nil
		}))
		if !errors.Is(err, stop) || r == nil || r.Partial != OfFolds {
			t.Fatalf("%d jobs: %v, %+v", test.jobs, err, r)
		}
		if r.Chosen != test.chosen || len(r.Members) != test.members || len(r.Uncompared) != test.uncompared || (r.Judged != nil) != test.judged {
			t.Errorf("%d jobs: rung %d, %d members, not compared with %q, judged %v", test.jobs, r.Chosen, len(r.Members), r.Uncompared, r.Judged)
		}
	}
}

// A run whose time for the comparison is over goes on with what there is, and says what it has
// left out; one that has none at all left fails.
func TestTimeLimit(t *testing.T) {
	s := quick()
	s.TimeLimit = Limit(100 * time.Hour)
	for _, test := range []struct {
		gone    float64 // of the limit
		left    map[StageName]int
		members int
		judged  bool
	}{
		{0, map[StageName]int{}, 2, true},
		{0.52, map[StageName]int{Compare: 4}, 2, false},
		{1, map[StageName]int{Compare: 4, Final: 3}, 0, false},
	} {
		left := map[StageName]int{}
		r := newRun(&s, Means{}, []Observer{observe(func(_ context.Context, e Event) error {
			if n, ok := e.(Noticed); ok && n.Kind == TimeUp {
				left[n.Stage] = n.Number
			}
			return nil
		})})
		r.begin = r.begin.Add(-time.Duration(test.gone * float64(s.TimeLimit)))
		got, err := r.fit(context.Background(), Data{Train: steps(1, 300)})
		if test.members == 0 {
			if !errors.Is(err, errTimeUp) || got != nil {
				t.Errorf("%v of the limit: %+v, %v", test.gone, got, err)
			}
		} else if err != nil || len(got.Members) != test.members || (got.Judged != nil) != test.judged || got.Partial != Whole {
			t.Errorf("%v of the limit: %+v, %v", test.gone, got, err)
		}
		if !reflect.DeepEqual(left, test.left) {
			t.Errorf("%v of the limit: left out %v", test.gone, left)
		}
	}
}

// Logistic regression comes to the same with each seed: one is enough.
func TestLogisticRegressionHasOneMember(t *testing.T) {
	s := quick()
	s.Network, s.Recipe, s.Members = NetworkLogistic, Override{}, 3
	r := fit(t, Data{Train: steps(1, 200), Test: steps(1, 50)}, s)
	if len(r.Members) != 1 || r.Partial != Whole || r.Judged == nil || r.Test == nil || r.Rival != nil {
		t.Errorf("%d members, %q", len(r.Members), r.Partial)
	}
}

func TestEarlyStopping(t *testing.T) {
	s := quick()
	epochs := 200
	s.Recipe.Epochs = &epochs
	s.Folds, s.Members, s.EarlyStopping = 0, 1, 3
	d := Data{Train: steps(1, 300), Validation: steps(1, 200)}
	r := fit(t, d, s)
	m := r.Members[0]
	if m.Best == 0 || m.Best+3 != len(m.History) || len(m.History) == epochs {
		t.Fatalf("best epoch %d of %d", m.Best, len(m.History))
	}
	best := m.History[m.Best-1].Validated
	if !best.Best {
		t.Error("it is not marked")
	}
	for _, e := range m.History {
		if e.Report.MacroF1 > best.Report.MacroF1 {
			t.Errorf("epoch %d is better", e.Epoch.Epoch)
		}
	}
	// The weights are that epoch's.
	s.EarlyStopping, s.Recipe.Epochs = 0, &m.Best
	constant := Constant
	s.Recipe.Schedule = &constant
	if r.Spec.Recipe.Schedule = &constant; fit(t, d, s).Members[0].Best > m.Best {
		t.Error("the best epoch is behind the last")
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

func TestNotices(t *testing.T) {
	notices := func(d Data, s Spec) map[Notice]int {
		seen := map[Notice]int{}
		_, err := Fit(context.Background(), d, s, Means{}, observe(func(_ context.Context, e Event) error {
			if n, ok := e.(Noticed); ok {
				seen[n.Kind] = n.Number
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	s := quick()
	epochs := 200
	s.Recipe.Epochs = &epochs
	if got := notices(Data{Train: steps(1, 400)}, s); len(got) > 0 {
		t.Errorf("%v", got)
	}
	same := steps(1, 400)
	for i := range same.Labels {
		same.Labels[i] = 1
	}
	got := notices(Data{Train: same}, s)
	if _, one := got[OneClass]; !one {
		t.Errorf("%v for one class", got)
	}
	if _, none := got[NotJudged]; !none {
		t.Errorf("%v for folds of one class", got)
	}
	forward := s
	forward.Split = layout.SplitForward
	timed := steps(2, 400)
	if _, own := notices(Data{Train: timed}, forward)[NoClock]; !own {
		t.Error("nothing is said of series that have no clock in common")
	}
	for i := range timed.Labels {
		timed.Time = append(timed.Time, float64(i))
	}
	if got := notices(Data{Train: timed}, forward); len(got) > 0 {
		t.Errorf("%v with a clock", got)
	}
	epochs = 1
	if got := notices(Data{Train: steps(1, 400)}, s); got[FewUpdates] == 0 {
		t.Errorf("%v for few steps", got)
	}
	epochs = 50
	test := steps(1, 400)
	test.X = slices.Concat(test.X[200:], make([]float32, 200))
	if got := notices(Data{Train: steps(1, 400), Test: test}, s); got[SeenBefore] != 200 {
		t.Errorf("%v for rows seen before", got)
	}
}

// Where the gaps at the folds leave no row to train on, all rows train nevertheless.
func TestFewRowsTrainWithoutFolds(t *testing.T) {
	s := DefaultSpec()
	s.Members = 1
	var kinds []Notice
	r := fit(t, Data{Train: steps(1, 12)}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok {
			kinds = append(kinds, n.Kind)
		}
		return nil
	}))
	if !slices.Contains(kinds, NotJudged) || r.Judged != nil || len(r.Members) != 1 {
		t.Errorf("notices %v, judged %v, %d members", kinds, r.Judged, len(r.Members))
	}
	if taken := r.Rungs[r.Chosen]; taken.isLogistic() {
		t.Errorf("%s is taken", taken.Name())
	}
}

// prepared is a run before its first training.
func prepared(t *testing.T, d Data, s Spec, all ...Observer) *run {
	t.Helper()
	r := newRun(&s, Means{}, all)
	if err := r.prepare(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	return r
}

// A value that is missing is filled with the mean of the rows that train: in a fold not of those
// that it holds back.
func TestMissingValuesAreFilledFromRowsThatTrain(t *testing.T) {
	d := steps(1, 400)
	for i := range d.X {
		d.X[i] = 1
		if i >= 200 {
			d.X[i] = 3
		}
	}
	nan := float32(math.NaN())
	d.X[10], d.X[300] = nan, nan
	r := prepared(t, Data{Train: d}, quick())
	for fold, want := range []float32{2, 3, 1} {
		for _, row := range []int{10, 300} {
			if got := r.rowsOf(Job{Fold: fold}); got.x[row] != want || got.fill[0] != want {
				t.Errorf("fold %d: row %d is filled with %v, %v, want %v", fold, row, got.x[row], got.fill[0], want)
			}
		}
	}
	d.X[10], d.X[300] = 1, 3
	if r := prepared(t, Data{Train: d}, quick()); r.filled[0] != r.rows || r.filled[1] != r.rows {
		t.Error("rows are copied though none is missing")
	}
}

// A fold whose rows all lie where a lookahead leaves no answer is left out, and others judge.
func TestAFoldWithoutAnAnswerIsLeftOut(t *testing.T) {
	d := steps(3, 200)
	d.Series = append(d.Series, series.Range{Name: "d", Start: 560, End: 600}) // the end of the last one
	d.Series[2].End = 560
	s := quick()
	s.Folds, s.Split, s.Lookahead, s.Network = 4, layout.SplitSeries, 40, NetworkLogistic
	s.Recipe = Override{}
	left := 0
	r := fit(t, Data{Train: d}, s, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == EmptyFolds {
			left = n.Number
		}
		return nil
	}))
	if left != 1 || r.Judged == nil || len(r.Judged.Folds) != 3 || r.Judged.Report.Steps != 160+160+120 {
		t.Fatalf("%d left out, judged %+v", left, r.Judged)
	}
	s.TestFraction, s.Folds = 0.1, 0
	if err := newRun(&s, Means{}, nil).prepare(context.Background(), Data{Train: d}); err == nil || !strings.Contains(err.Error(), "no test row") {
		t.Errorf("test rows without an answer: error %v", err)
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

func TestSpecsThatCannotBe(t *testing.T) {
	set := func(change func(*Spec)) Spec {
		s := DefaultSpec()
		change(&s)
		return s
	}
	yes, plain := true, graph.Plain
	for _, test := range []struct {
		field string
		spec  Spec
	}{
		{"Folds", set(func(s *Spec) { s.Folds = 1 })},
		{"Folds", set(func(s *Spec) { s.Folds = -1 })},
		{"Threshold", set(func(s *Spec) { s.Folds, s.Threshold.Auto = 0, true })},
		{"TestFraction", set(func(s *Spec) { s.TestFraction = math.NaN() })},
		{"Horizon", set(func(s *Spec) { s.Horizon = 1 })},
		{"Lookahead", set(func(s *Spec) { s.Lookahead = -2 })},
		{"Members", set(func(s *Spec) { s.Members = 0 })},
		{"Scale", set(func(s *Spec) { s.Scale = "robust" })},
		{"Split", set(func(s *Spec) { s.Split = "random" })},
		{"Network", set(func(s *Spec) { s.Network = "transformer" })},
		{"ClassWeight", set(func(s *Spec) { s.ClassWeight = "1,2" })},
		{"Bidirectional", set(func(s *Spec) { s.Lookahead, s.Recipe.Bidirectional = 0, &yes })},
		{"Lags", set(func(s *Spec) { s.Lookahead, s.Recipe.Lags = 5, []int{0, 1} })},
	} {
		var wrong *SpecError
		if err := test.spec.Validate(); !errors.As(err, &wrong) || wrong.Field != test.field {
			t.Errorf("%s: %v", test.field, err)
		}
	}
	s := set(func(s *Spec) { s.Recipe.Cell, s.Recipe.Units = &plain, []int{0} })
	var wrong *graph.ConfigError
	if err := s.Validate(); !errors.As(err, &wrong) || wrong.Field != "Layers[0].Units" {
		t.Errorf("%v", err)
	}
	for _, s := range []Spec{DefaultSpec(), set(func(s *Spec) { s.Lookahead = 20 }), set(func(s *Spec) { s.Horizon, s.Lookahead = 5, 0 })} {
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// TestOverridesClearWhatNoLongerApplies: an optimizer, loss or cell of the user's takes the
// place of a recipe's, whose other settings would be errors with it. Settings of the user's
// that do nothing are.
func TestOverridesClearWhatNoLongerApplies(t *testing.T) {
	sgd, adam, mse, none, decay := graph.SGD, graph.Adam, graph.MSE, NoCell, float32(0.1)
	focal := graph.DefaultConfig()
	focal.Loss, focal.FocalGamma, focal.Bidirectional, focal.Dropout = graph.Focal, 1, true, 0.5
	for name, o := range map[string]Override{"optimizer": {Optimizer: &sgd}, "loss": {Loss: &mse}, "cell": {Cell: &none}} {
		for _, r := range []Recipe{gru(4, 8, All, true), {Network: focal}} {
			if err := o.Apply(&r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := r.Network.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	r := gru(4, 8, All, false)
	var wrong *graph.ConfigError
	if err := (&Override{Optimizer: &adam, WeightDecay: &decay}).Apply(&r); err != nil {
		t.Fatal(err)
	}
	if err := r.Network.Validate(); !errors.As(err, &wrong) || wrong.Field != "WeightDecay" {
		t.Errorf("weight decay of Adam: error %v", err)
	}
	zero := float32(0)
	for _, o := range []Override{{LearningRate: &zero}, {FocalGamma: &zero}} { // which would be the defaults
		var spec *SpecError
		if err := o.Apply(&r); !errors.As(err, &spec) {
			t.Errorf("a rate or gamma of 0: error %v", err)
		}
	}
}

// The parts of one recording, between gaps in time, are neither whole series to judge by nor
// several to scale within.
func TestPartsOfOneSeriesAreNotSeveral(t *testing.T) {
	d := steps(10, 60)
	for i := range d.Series {
		d.Series[i].Group = "a"
	}
	for _, group := range []string{"", "patient"} {
		d.Group = group
		var p Planned
		s := quick()
		s.Folds = 4
		err := Preview(context.Background(), Data{Train: d}, s, Means{}, observe(func(_ context.Context, e Event) error {
			if planned, ok := e.(Planned); ok {
				p = planned
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if group == "" && (p.Split != layout.SplitBlocks || p.Within != scale.None || len(p.Folds) != 4) {
			t.Errorf("%s, %s, %d folds", p.Split, p.Within, len(p.Folds))
		}
		if group != "" && (p.Split != layout.SplitSeries || len(p.Folds) > 0) {
			t.Errorf("one group, by a column: %s, %d folds", p.Split, len(p.Folds))
		}
	}
}

func TestRunningScaleIsForLimitedLookahead(t *testing.T) {
	s := DefaultSpec()
	for _, test := range []struct {
		lookahead Lookahead
		series    int
		want      scale.Within
	}{{All, 2, scale.None}, {All, 3, scale.Whole}, {0, 3, scale.Running}, {20, 2, scale.None}} {
		s.Lookahead = test.lookahead
		if got := s.within(test.series); got != test.want {
			t.Errorf("%v, %d series: %v", test.lookahead, test.series, got)
		}
	}
	s.Lookahead, s.Split = All, layout.SplitForward // rows held back are later
	if got := s.within(3); got != scale.Running {
		t.Errorf("forward: %v", got)
	}
}
