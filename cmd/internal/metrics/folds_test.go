package metrics

import "testing"

func TestSpread(t *testing.T) {
	fold := func(v, f1 Number) FoldScores {
		return (&Scores{Accuracy: v, F1: f1, MacroF1: v + 1, PRAUC: v + 2, ROCAUC: v + 3, LogLoss: v + 4}).Compared()
	}
	s := Spread([]FoldScores{fold(1, .5), fold(2, undefined), fold(6, .5)})
	// mean 3, squared distances 4 + 1 + 9, by 2
	std := Number(2.6457513110645906)
	for i, v := range s.Mean.fields() {
		if want := (FoldScores{3, undefined, 4, 5, 6, 7}); !near(*v, *want.fields()[i]) {
			t.Errorf("mean %d: %v", i, *v)
		}
		if want := (FoldScores{std, undefined, std, std, std, std}); !near(*s.Std.fields()[i], *want.fields()[i]) {
			t.Errorf("deviation %d: %v", i, *s.Std.fields()[i])
		}
	}
	one := Spread([]FoldScores{fold(1, .5)})
	if one.Folds != 1 || one.Mean.F1 != .5 || one.Std.F1 == one.Std.F1 {
		t.Errorf("one fold: %+v", one)
	}
}

// The model and its rival vary much from fold to fold, but by the same: it is ahead in each.
func TestInFoldsIsPaired(t *testing.T) {
	fold := func(model, rival Number) *Report {
		return &Report{Scores: Scores{MacroF1: model, PRAUC: .5}, Baselines: []Baseline{{Name: "majority"}, {Name: "rival", MacroF1: rival}}}
	}
	r := fold(.7, .65)
	s := r.InFolds([]*Report{fold(.5, .4), fold(.7, .61), fold(.9, .79)})
	b := r.Baselines[1]
	if b.MacroF1 != .65 || !near(s.Mean.MacroF1, .7) || !near(b.Folds.Mean.MacroF1, .6) || !near(s.Std.MacroF1, .2) {
		t.Errorf("%+v, %+v", s, b)
	}
	if a := b.Folds.Ahead; !near(a.Mean.MacroF1, .1) || !near(a.Std.MacroF1, .01) || !near(a.StandardErrors().MacroF1, .005773502691896258) || a.Mean.PRAUC == a.Mean.PRAUC {
		t.Errorf("ahead by %+v", a)
	}
	if a := r.Baselines[0].Folds.Ahead; !near(a.Mean.MacroF1, .7) {
		t.Errorf("ahead of the majority by %v", a.Mean.MacroF1)
	}
}
