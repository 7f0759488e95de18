package graph

import (
	"errors"
	"path/filepath"
	"testing"
)

// TestStateAfterAFailure has TensorFlow fail in the second of three steps, on rows that the
// session does not have. The state, which used to be taken for the one before the call, is
// unknown until it is set.
func TestStateAfterAFailure(t *testing.T) {
	c := DefaultConfig()
	c.Window, c.Form = 4, FormPortable
	s, err := NewSession(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.SetSeries(Series{X: make([]float32, 8), Y: make([]float32, 8)}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "weights")
	if err := s.Save(prefix); err != nil {
		t.Fatal(err)
	}
	fail := func() {
		t.Helper()
		s.rows = 100
		_, err := s.Train(t.Context(), Plan{Starts: [][]int32{{0}, {50}, {0}}})
		if err == nil || errors.Is(err, ErrUnknownState) {
			t.Fatalf("training on rows that are not there: error %v", err)
		}
		s.rows = 8
	}
	good := Plan{Starts: [][]int32{{0}}}

	fail()
	_, train := s.Train(t.Context(), good)
	_, variables := s.Variables()
	_, step := s.Step()
	_, loss := s.Loss(t.Context(), good.Starts[0])
	_, gradients := s.Gradients(t.Context(), good.Starts[0])
	_, predict := s.Predict(t.Context(), make([]float32, 4), 1, nil)
	for what, err := range map[string]error{"Train": train, "Variables": variables, "Step": step, "Loss": loss,
		"Gradients": gradients, "Predict": predict, "Save": s.Save(prefix + "2")} {
		if !errors.Is(err, ErrUnknownState) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if err := s.SetVariables(before[1:]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Variables(); !errors.Is(err, ErrUnknownState) {
		t.Errorf("after a part was set: error %v", err)
	}
	if err := s.SetVariables(before); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Train(t.Context(), good); err != nil {
		t.Errorf("after all of it was set: %v", err)
	}

	fail()
	if err := s.Restore(prefix); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Train(t.Context(), good); err != nil {
		t.Errorf("after it was restored: %v", err)
	}
	if n, err := s.Step(); n != 1 || err != nil {
		t.Errorf("step %d, error %v; want 1", n, err)
	}
}
