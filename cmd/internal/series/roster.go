package series

import (
	"fmt"
	"math"
	"strconv"
)

// roster keeps what must be remembered of each series while rows arrive.
type roster struct {
	index  map[string]int32
	states []seriesState
}

type seriesState struct {
	name, file string
	time       float64   // of the last row
	last       []float32 // last known value of each feature, NaN before the first
}

func newRoster() *roster { return &roster{index: map[string]int32{}} }

// find returns the number of the series called name, a new one if need be.
func (r *roster) find(name []byte, file string, features int) int32 {
	if i, known := r.index[string(name)]; known {
		return i
	}
	i := int32(len(r.states))
	last := make([]float32, features)
	for k := range last {
		last[k] = float32(math.NaN())
	}
	r.index[string(name)] = i
	r.states = append(r.states, seriesState{name: string(name), file: file, time: math.Inf(-1), last: last})
	return i
}

// advance moves the series' time on to t.
func (s *seriesState) advance(t float64) error {
	if t < s.time {
		return fmt.Errorf("time goes back in series %q: from %s to %s (a column that tells series apart belongs to --series; --features leaves out one that is no time)",
			s.name, timeText(s.time), timeText(t))
	}
	s.time = t
	return nil
}

// timeText is t in full, as seconds since 1970 are not told apart otherwise.
func timeText(t float64) string { return strconv.FormatFloat(t, 'f', -1, 64) }
