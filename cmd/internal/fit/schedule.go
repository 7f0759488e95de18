package fit

import (
	"fmt"
	"math"
	"strings"
)

// Decay is how the learning rate falls.
type Decay string

const (
	Constant  Decay = "constant"
	Cosine    Decay = "cosine" // along half a cosine, to 0 behind the last step
	Staircase Decay = "step"   // by a factor, every few steps
)

// Decays lists all of them.
var Decays = []Decay{Constant, Cosine, Staircase}

// Schedule is the learning rate over a run.
type Schedule struct {
	Decay  Decay
	Rate   float32 // the highest
	Warmup int     // steps in which it rises evenly to Rate
	Steps  int     // of the whole run
	Every  int     // of Staircase: steps between two falls
	Factor float32 // of Staircase
}

// At is the learning rate of a step, from 0.
func (s Schedule) At(step int) float32 {
	if step < s.Warmup {
		return s.Rate * float32(step+1) / float32(s.Warmup)
	}
	switch s.Decay {
	case Cosine:
		part := float64(step-s.Warmup) / float64(max(1, s.Steps-s.Warmup))
		return s.Rate * float32((1+math.Cos(math.Pi*min(part, 1)))/2)
	case Staircase:
		return s.Rate * float32(math.Pow(float64(s.Factor), float64(step/s.Every)))
	}
	return s.Rate
}

// String describes the schedule.
func (s Schedule) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %v", s.Decay, s.Rate)
	if s.Decay == Staircase {
		fmt.Fprintf(&text, " times %v every %d updates", s.Factor, s.Every)
	}
	if s.Warmup > 0 {
		fmt.Fprintf(&text, ", %d updates to warm up", s.Warmup)
	}
	return text.String()
}
