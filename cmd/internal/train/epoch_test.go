package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

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

func TestEpochsOfBatchesOfDifferentSizes(t *testing.T) {
	r := newRun(t, sine())
	r.Batches, r.First = Cut(starts(7), 3), 1
	r.Rate = Schedule{Decay: Constant, Rate: 0.1, Warmup: 5}.At
	var epochs []Epoch
	var progress []int
	r.Progress = func(steps int) { progress = append(progress, steps) }
	r.EndEpoch = func(_ context.Context, e Epoch) (bool, error) {
		epochs = append(epochs, e)
		return true, nil
	}
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 3, 5, 6}; !slices.Equal(progress, want) {
		t.Errorf("progress %v, want %v", progress, want)
	}
	if len(epochs) != 2 || epochs[0].Epoch != 1 || epochs[1].Epoch != 2 || epochs[1].Steps != 6 {
		t.Fatalf("epochs %+v", epochs)
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
	r := newRun(t, sine())
	r.Epochs, r.Batches = 1, Cut(starts(5), 2)
	var want float64
	single := newRun(t, sine())
	for _, b := range r.Batches {
		loss, err := single.Session.Loss(b)
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
		r := newRun(t, sine())
		epochs := 0
		r.EndEpoch = func(context.Context, Epoch) (bool, error) { epochs++; return false, want }
		if err := r.Do(context.Background()); err != want || epochs != 1 {
			t.Errorf("%d epochs, error %v", epochs, err)
		}
	}
}

func TestShuffleOfARun(t *testing.T) {
	r := newRun(t, sine())
	var epochs []int
	r.First = 1
	r.Shuffle = func(epoch int, batches [][]int32) {
		epochs = append(epochs, epoch)
		if len(batches) != len(r.Batches) {
			t.Errorf("%d batches", len(batches))
		}
	}
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(epochs, []int{1, 2}) {
		t.Errorf("epochs %v", epochs)
	}
}
