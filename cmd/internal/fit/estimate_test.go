package fit

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
)

// plannedBy returns the plan that a run announces.
func plannedBy(t *testing.T, do func(Observer) error) (p Planned) {
	t.Helper()
	err := do(observe(func(_ context.Context, e Event) error {
		if planned, ok := e.(Planned); ok {
			p = planned
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPreviewTellsSeconds(t *testing.T) {
	s := quick()
	d := Data{Train: steps(1, 200)}
	p := plannedBy(t, func(o Observer) error { return Preview(t.Context(), d, s, Means{}, o) })
	if len(p.Rungs) == 0 || !(p.Seconds > 0) {
		t.Fatalf("%d networks, %v s", len(p.Rungs), p.Seconds)
	}
	for _, plan := range p.Rungs {
		if !(plan.Seconds > 0) || plan.Seconds > p.Seconds*float64(sideBySideOf(s)) {
			t.Errorf("%s: %v s of %v", plan.Name(), plan.Seconds, p.Seconds)
		}
	}
	p = plannedBy(t, func(o Observer) error { _, err := Fit(t.Context(), d, s, Means{}, o); return err })
	if p.Seconds != 0 || p.Rungs[0].Seconds != 0 {
		t.Errorf("a run measured itself: %v s", p.Seconds)
	}
}

func sideBySideOf(s Spec) int { return newRun(&s, Means{}, nil).workers }

// Two kinds of network and a rival, 4 folds, 5 members: 4 (1 + 2 + 10) to compare, 4 x 4 x 10 for
// the other members of the one that has some, 5 x 10, 1 and the rival's 2 in the end.
func TestSecondsOfARun(t *testing.T) {
	s := DefaultSpec()
	s.Members = 5
	lags, row, wide := lagged(All), logistic(All), gru(64, 180, All, true)
	lags.Baseline = true
	plans := []Plan{{Recipe: &lags, Members: 1, Seconds: 2}, {Recipe: &row, Members: 1, Seconds: 1}, {Recipe: &wide, Members: 5, Seconds: 10}}
	for _, test := range []struct {
		folds, threads int
		limit          time.Duration
		want           float64
	}{
		{4, 1, 0, 4*13 + 4*4*10 + 5*10 + 1 + 2},
		{4, 2, 0, (4*13 + 4*4*10 + 5*10 + 1 + 2) / 2.0},
		{0, 1, 0, 5*10 + 2},
		{4, 1, time.Minute, 60},
	} {
		s.Threads, s.TimeLimit = test.threads, Limit(test.limit)
		r := newRun(&s, Means{}, nil)
		if got := r.seconds(Planned{Folds: make([]layout.Fold, test.folds), Rungs: plans}); !(math.Abs(got-test.want) < 1e-9) {
			t.Errorf("%+v: %v s", test, got)
		}
	}
}
