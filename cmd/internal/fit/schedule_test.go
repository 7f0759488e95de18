package fit

import (
	"math"
	"testing"
)

func TestSchedules(t *testing.T) {
	const rate = 0.5
	tests := []struct {
		name     string
		schedule Schedule
		want     map[int]float64
	}{
		{"constant", Schedule{Decay: Constant, Rate: rate, Steps: 100}, map[int]float64{0: 0.5, 99: 0.5}},
		{"warm-up", Schedule{Decay: Constant, Rate: rate, Warmup: 4, Steps: 100}, map[int]float64{0: 0.125, 1: 0.25, 3: 0.5, 4: 0.5}},
		{"cosine", Schedule{Decay: Cosine, Rate: rate, Steps: 100}, map[int]float64{0: 0.5, 25: 0.25 * (1 + math.Sqrt2/2), 50: 0.25, 100: 0, 150: 0}},
		{"cosine after a warm-up", Schedule{Decay: Cosine, Rate: rate, Warmup: 20, Steps: 100}, map[int]float64{9: 0.25, 20: 0.5, 60: 0.25, 100: 0}},
		{"cosine all warm-up", Schedule{Decay: Cosine, Rate: rate, Warmup: 100, Steps: 100}, map[int]float64{99: 0.5}},
		{"step", Schedule{Decay: Staircase, Rate: rate, Steps: 100, Every: 10, Factor: 0.5}, map[int]float64{0: 0.5, 9: 0.5, 10: 0.25, 29: 0.125}},
	}
	for _, test := range tests {
		for step, want := range test.want {
			if got := float64(test.schedule.At(step)); !(math.Abs(got-want) <= 1e-7) {
				t.Errorf("%s: %v at step %d, want %v", test.name, got, step, want)
			}
		}
	}
}
