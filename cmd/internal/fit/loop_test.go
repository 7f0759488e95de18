package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/graph"
)

func newLoop(t *testing.T, series graph.Series) *loop {
	t.Helper()
	c := graph.DefaultConfig()
	c.Layers[0].Units = 4
	s, err := graph.NewSession(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SetSeries(series); err != nil {
		t.Fatal(err)
	}
	return &loop{Session: s, Epochs: 2, Windows: layout.Table(original.Batches(25, 2, c.Window)), LogEvery: 10}
}

func TestLinesAreThoseOfEveryTenthIteration(t *testing.T) {
	r := newLoop(t, original.Presets[0].Series())
	var got [][2]int
	r.Log = func(l Line) error {
		got = append(got, [2]int{l.Epoch, l.Iteration})
		if !(l.Loss > 0) || !(l.GradientNorm > 0) {
			t.Errorf("%+v", l)
		}
		return nil
	}
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{0, 0}, {0, 10}, {0, 20}, {1, 0}, {1, 10}, {1, 20}}
	if !slices.Equal(got, want) {
		t.Errorf("lines of %v, want %v", got, want)
	}
}

func TestAFailedLineEndsTheRun(t *testing.T) {
	r := newLoop(t, original.Presets[0].Series())
	full, lines := errors.New("disk full"), 0
	r.Log = func(Line) error { lines++; return full }
	if err := r.Do(context.Background()); !errors.Is(err, full) || lines != 1 {
		t.Errorf("%d lines, error %v", lines, err)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	r := newLoop(t, original.Presets[0].Series())
	r.First, r.Log = 1, func(Line) error { return nil }
	r.Rate = func(step int) float32 {
		if step == 25+12 { // iteration 12 of the second epoch spoils the weights
			return 1e38
		}
		return 0.001
	}
	var failed *Error
	var diverged *graph.DivergedError
	if err := r.Do(context.Background()); !errors.As(err, &failed) || !errors.As(err, &diverged) {
		t.Fatalf("error %v", err)
	}
	if failed.Epoch != 2 || failed.Iteration != 13 || diverged.Step != 25+13 {
		t.Errorf("%v, at step %d of the run", failed, diverged.Step)
	}
	if want := fmt.Sprintf("epoch 2, iteration 13: training diverged: loss %v, gradient norm %v", diverged.Loss, diverged.Norm); failed.Error() != want {
		t.Errorf("%v, want %s", failed, want)
	}
}

// A loss can be finite and its gradient not.
func TestErrorsShowTheNorm(t *testing.T) {
	err := &Error{Epoch: 3, Iteration: 7, Err: &graph.DivergedError{Step: 1007, Loss: 0.5, Norm: float32(math.Inf(1))}}
	if want := "epoch 3, iteration 7: training diverged: loss 0.5, gradient norm +Inf"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// The last update spoils the weights, too late for a next step to notice.
func TestALastUpdateCanDiverge(t *testing.T) {
	for name, log := range map[string]func(Line) error{
		"silent": nil,
		"logged": func(l Line) error { t.Errorf("%+v", l); return nil },
	} {
		r := newLoop(t, original.Presets[0].Series())
		r.Epochs, r.Windows, r.Log = 1, r.Windows.(layout.Table)[:1], log
		r.Rate = func(int) float32 { return 1e38 }
		var diverged *graph.DivergedError
		err := r.Do(context.Background())
		if !errors.As(err, &diverged) {
			t.Fatalf("%s: error %v", name, err)
		}
		if want := fmt.Sprintf("epoch 0, iteration 0: training diverged: loss %v after the update", diverged.Loss); err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
