package metrics

import "testing"

func TestSpread(t *testing.T) {
	fold := func(v, f1 Number) *Report {
		return &Report{Scores: Scores{Accuracy: v, F1: f1, MacroF1: v + 1, PRAUC: v + 2, ROCAUC: v + 3, LogLoss: v + 4}}
	}
	s := Spread([]*Report{fold(1, .5), fold(2, undefined), fold(6, .5)})
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
	one := Spread([]*Report{fold(1, .5)})
	if one.Folds != 1 || one.Mean.F1 != .5 || one.Std.F1 == one.Std.F1 {
		t.Errorf("one fold: %+v", one)
	}
}
