package fit

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/graph"
)

// sine is the original's series.
func sine() graph.Series { return original.Presets[0].Series() }

// starts are windows of the original's series.
func starts(n int) []int32 {
	var all []int32
	for i := range n {
		all = append(all, int32(10*i))
	}
	return all
}

// cut makes batches of so many windows, the last one of what is left.
func cut(starts []int32, size int) layout.Table {
	return slices.Collect(slices.Chunk(starts, size))
}

func TestEpochsOfBatchesOfDifferentSizes(t *testing.T) {
	r := newLoop(t, sine())
	r.Windows, r.First = cut(starts(7), 3), 1
	r.Rate = Schedule{Decay: Constant, Rate: 0.1, Warmup: 5}.At
	var epochs []Epoch
	var calls [][2]int // the first step, and how many
	var rates []float32
	total := 0.0
	r.Progress = func(first int, p graph.Plan, made graph.Report) {
		calls, rates = append(calls, [2]int{first, len(made.Losses)}), append(rates, p.Rates...)
		total += sum(made.Losses)
	}
	r.EndEpoch = func(_ context.Context, e Epoch) (bool, error) {
		epochs = append(epochs, e)
		return true, nil
	}
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := [][2]int{{0, 2}, {2, 1}, {3, 2}, {5, 1}}; !slices.Equal(calls, want) || len(rates) != 6 {
		t.Errorf("calls %v at rates %v, want calls %v", calls, rates, want)
	}
	if len(epochs) != 2 || epochs[0].Epoch != 1 || epochs[1].Epoch != 2 || epochs[1].Steps != 6 {
		t.Fatalf("epochs %+v", epochs)
	}
	if !(math.Abs(total-3*(epochs[0].Loss+epochs[1].Loss)) <= 1e-6) {
		t.Errorf("losses of calls are %v in all, those of epochs %+v", total, epochs)
	}
	for i, rate := range []float32{0.06, 0.1} {
		e := epochs[i]
		if !(e.Loss > 0 && e.GradientNorm > 0) || !(math.Abs(float64(e.LearningRate-rate)) <= 1e-7) {
			t.Errorf("%+v, want the learning rate %v", e, rate)
		}
	}
}

// The mean of an epoch's losses is that of single steps.
func TestEpochLoss(t *testing.T) {
	r := newLoop(t, sine())
	r.Epochs, r.Windows = 1, cut(starts(5), 2)
	var want float64
	single := newLoop(t, sine())
	for _, b := range r.Windows.Epoch(0) {
		loss, err := single.Session.Loss(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		want += float64(loss) / 3
		if _, err := single.Session.Train(context.Background(), graph.Plan{Starts: [][]int32{b}}); err != nil {
			t.Fatal(err)
		}
	}
	r.EndEpoch = func(_ context.Context, e Epoch) (bool, error) {
		if !(math.Abs(e.Loss-want) <= 1e-6) {
			t.Errorf("loss %v, want %v", e.Loss, want)
		}
		return true, nil
	}
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestEndEpochEndsTheRun(t *testing.T) {
	failure := errors.New("failed")
	for _, want := range []error{nil, failure} {
		r := newLoop(t, sine())
		epochs := 0
		r.EndEpoch = func(context.Context, Epoch) (bool, error) { epochs++; return false, want }
		if err := r.Do(context.Background()); err != want || epochs != 1 {
			t.Errorf("%d epochs, error %v", epochs, err)
		}
	}
}

func sum(values []float32) float64 {
	total := 0.0
	for _, v := range values {
		total += float64(v)
	}
	return total
}
