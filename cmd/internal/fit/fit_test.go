package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
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
	j := one.Judged
	again := metrics.Input{Label: d.Train.Labels, Classes: d.Train.Classes, Probability: j.Probability, Answer: j.Answer, Include: make([]bool, len(j.Fold))}
	for i, fold := range j.Fold {
		again.Include[i] = fold > 0
	}
	if report, err := metrics.Evaluate(again); err != nil || !reflect.DeepEqual(report.Confusion, j.Report.Confusion) || report.LogLoss != j.Report.LogLoss {
		t.Errorf("the answers that are kept are not those that were judged: %v", err)
	}
	if f1 := j.Report.MacroF1; !(f1 > 0.7) {
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
	if !slices.Equal(r.Chosen, []int{3}) || len(r.Members) != 2 || r.Judged == nil || r.Rival == nil {
		t.Errorf("rungs %d are taken, %d members, judged %v, rival %v", r.Chosen, len(r.Members), r.Judged, r.Rival)
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
