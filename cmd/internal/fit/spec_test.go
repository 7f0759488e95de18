package fit

import (
	"errors"
	"math"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

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
