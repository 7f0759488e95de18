package fit

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

func TestWindowsText(t *testing.T) {
	for text, want := range map[string]Windows{"": nil, "none": {}, "8,32,128": {8, 32, 128}, "32, 8,8": {8, 32}} {
		var w Windows
		if err := w.UnmarshalText([]byte(text)); err != nil || !slices.Equal(w, want) || (w == nil) != (want == nil) {
			t.Errorf("%q: %#v, %v", text, w, err)
		}
		var again Windows
		if err := again.UnmarshalText([]byte(w.String())); err != nil || !slices.Equal(w, again) {
			t.Errorf("%q is written as %q", text, w.String())
		}
	}
	if err := new(Windows).UnmarshalText([]byte("8,x")); err == nil {
		t.Error("8,x are windows")
	}
}

// Windows take in what the lookahead allows, so that the network is at the row itself; without
// them it is as many rows further on.
func TestRecipesKeepToTheLookahead(t *testing.T) {
	for _, test := range []struct {
		lookahead     Lookahead
		horizon       int
		ahead, rolled int // of windows, and the horizon of networks that have some
		other         int // the horizon of others
	}{
		{All, 0, inputs.Centred, 0, 0},
		{0, 0, 0, 0, 0},
		{20, 0, 20, 0, -20},
		{0, 5, 0, 5, 5},
	} {
		s := DefaultSpec()
		s.Lookahead, s.Horizon = test.lookahead, test.horizon
		recipes, err := s.Recipes()
		if err != nil {
			t.Fatal(err)
		}
		rolled := 0
		for _, r := range recipes {
			want := test.other
			if len(r.Rolling) > 0 {
				rolled++
				if want = test.rolled; r.inputs(&s, inputs.None).Ahead != test.ahead || r.Network.Lags != nil {
					t.Errorf("lookahead %v: %s has %+v, lags %v", test.lookahead, r.Name(), r.inputs(&s, inputs.None), r.Network.Lags)
				}
			}
			if got := r.horizon(&s); got != want {
				t.Errorf("lookahead %v, horizon %d: %s has horizon %d, want %d", test.lookahead, test.horizon, r.Name(), got, want)
			}
			if s.Lookahead.Finite() && r.Network.Bidirectional {
				t.Errorf("lookahead %v: %s", test.lookahead, r.Name())
			}
		}
		if rolled != 6 {
			t.Errorf("lookahead %v: %d recipes with windows", test.lookahead, rolled)
		}
	}
}

func TestRollingChoosesRecipes(t *testing.T) {
	dense := graph.Dense
	for _, test := range []struct {
		name    string
		set     func(*Spec)
		recipes int
		rolling Windows // of the last one
	}{
		{"none", func(s *Spec) { s.Rolling = Windows{} }, 4, nil},
		{"others", func(s *Spec) { s.Rolling = Windows{16} }, 9, nil}, // of the last one, which has none
		{"a network of one's own", func(s *Spec) { s.Recipe.Units = []int{3} }, 1, nil},
		{"the same with windows", func(s *Spec) { s.Recipe.Units, s.Rolling = []int{3}, Windows{16} }, 1, Windows{16}},
		{"a trial", func(s *Spec) { s.Recipe.Units, s.Trial = []int{3}, true }, 1, DefaultWindows},
		{"a trial without windows", func(s *Spec) { s.Recipe.Units, s.Trial, s.Rolling = []int{3}, true, Windows{} }, 1, nil},
		{"a dense trial", func(s *Spec) { s.Recipe.Cell, s.Trial = &dense, true }, 1, DefaultWindows},
		{"dense", func(s *Spec) { s.Recipe.Cell = &dense }, 1, DefaultWindows},
		{"dense without", func(s *Spec) { s.Recipe.Cell, s.Rolling = &dense, Windows{} }, 1, nil},
		{"logistic", func(s *Spec) { s.Network, s.Rolling = NetworkLogistic, Windows{16} }, 1, Windows{16}},
	} {
		s := DefaultSpec()
		test.set(&s)
		recipes, err := s.Recipes()
		if err != nil || len(recipes) != test.recipes || !slices.Equal(recipes[len(recipes)-1].Rolling, test.rolling) {
			t.Errorf("%s: %d recipes, windows %v, %v", test.name, len(recipes), recipes[len(recipes)-1].Rolling, err)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	s := DefaultSpec()
	s.Rolling = Windows{1}
	if err := s.Validate(); err == nil {
		t.Error("a window of one row")
	}
}

// What is held back until the end neither scales the rows that train nor enters their windows.
func TestRowsHeldBackAreInNoInputs(t *testing.T) {
	in := inputs.Inputs{SeriesScale: inputs.Whole, Rolling: Windows{8}, Ahead: inputs.Centred}
	s := quick()
	s.TestFraction, s.Split = 0.25, layout.SplitSeries
	d, other := steps(4, 100), steps(4, 100)
	for _, p := range other.Series {
		for i := p.End - 25; i < p.End; i++ {
			other.X[i] += 100
		}
	}
	a, b := prepared(t, Data{Train: d}, s), prepared(t, Data{Train: other}, s)
	if a.within != inputs.Whole {
		t.Fatalf("scaled %s", a.within)
	}
	columns := in.Columns(1)
	of := func(r *run, p series.Range) []float32 { return r.rows.inputs(in)[p.Start*columns : p.End*columns] }
	for _, p := range a.all.Train {
		if !slices.Equal(of(a, p), of(b, p)) {
			t.Errorf("rows of %s change with those held back", p.Name)
		}
	}
	if p := a.all.Held[0]; slices.Equal(of(a, p), of(b, p)) {
		t.Error("other rows have the same inputs")
	}
}
