package fit

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
)

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
		if r.Chosen[0] != test.chosen || len(r.Members) != test.members*len(r.Chosen) || len(r.Uncompared) != test.uncompared || (r.Judged != nil) != test.judged {
			t.Errorf("%d jobs: rungs %d, %d members, not compared with %q, judged %v", test.jobs, r.Chosen, len(r.Members), r.Uncompared, r.Judged)
		}
		if test.judged && r.Judged.Members != len(r.Chosen) {
			t.Errorf("%d jobs: judged by %d members of %d kinds", test.jobs, r.Judged.Members, len(r.Chosen))
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
