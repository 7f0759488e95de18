package fit

import (
	"reflect"
	"testing"
)

// Trials of a search leave the networks beside them alone: these come to what they come to
// without them, however much better the trials are after the first fold.
func TestASearchComparesAtLeastWhatIsComparedWithoutIt(t *testing.T) {
	d := Data{Train: steps(1, 600)}
	s := quick()
	s.Folds, s.Members = 3, 1
	recipes, err := s.Recipes()
	if err != nil {
		t.Fatal(err)
	}
	poor := recipes[0]
	poor.Epochs = 1
	s.Rungs = []Recipe{poor}
	without := fit(t, d, s)
	for _, name := range []string{"one", "two", "three", "four"} {
		trial := recipes[0]
		trial.Trial, trial.Epochs = name, recipes[0].Epochs-len(s.Rungs)
		s.Rungs = append(s.Rungs, trial)
	}
	r := fit(t, d, s)
	alone, beside := find(without.Rungs, ""), find(r.Rungs, "")
	if beside.Stopped || len(beside.Folds) != 3 || !reflect.DeepEqual(beside.Spread, alone.Spread) {
		t.Errorf("%s has %+v of %d folds, without a search %+v", beside.Name(), beside.Spread, len(beside.Folds), alone.Spread)
	}
	stopped := 0
	for _, g := range r.Rungs {
		if g.Stopped {
			stopped++
		}
	}
	if best := r.Rungs[r.Chosen[0]]; stopped != 2 || !best.drawn() {
		t.Errorf("%d of four trials were stopped, and %s is the best", stopped, best.Name())
	}
}

// find is the recurrent rung with a name that was drawn, or "" for the one that was not.
func find(rungs []*Rung, trial string) *Rung {
	for _, g := range rungs {
		if !g.Baseline && g.Trial == trial {
			return g
		}
	}
	return nil
}
