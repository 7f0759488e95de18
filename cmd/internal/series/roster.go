package series

import (
	"container/list"
	"fmt"
	"math"
	"strconv"
)

// MaxOpen is how many series a Reader keeps open, so that ever new ones do not fill the
// memory. When one more comes, that whose last row is the longest ago ends; a row with its
// name then begins another series.
const MaxOpen = 1 << 16

// roster keeps what must be remembered of each series while rows arrive.
type roster struct {
	most   int // series, 0 for any number
	count  int32
	ended  int
	series map[string]*seriesState
	order  list.List // of *seriesState by their last rows, the oldest first
}

type seriesState struct {
	number int32
	name   string
	begun  bool
	time   float64       // of the last row
	last   []float32     // last known value of each feature, NaN before the first
	place  *list.Element // in roster.order
}

func newRoster(most int) *roster { return &roster{most: most, series: map[string]*seriesState{}} }

// find returns the series called name for its next row, a new one if need be, and that
// which has to end for it. It remembers values of the given number of features.
func (r *roster) find(name []byte, features int) (s, ended *seriesState) {
	if s, known := r.series[string(name)]; known {
		r.order.MoveToBack(s.place)
		return s, nil
	}
	if r.most > 0 && len(r.series) == r.most {
		ended = r.order.Remove(r.order.Front()).(*seriesState)
		delete(r.series, ended.name)
		r.ended++
	}
	s = &seriesState{number: r.count, name: string(name), time: math.Inf(-1), last: make([]float32, features)}
	for k := range s.last {
		s.last[k] = float32(math.NaN())
	}
	s.place = r.order.PushBack(s)
	r.series[s.name] = s
	r.count++
	return s, ended
}

// check reports a time t of the next row that lies before that of the last one.
func (s *seriesState) check(t float64) error {
	if t < s.time {
		return fmt.Errorf("time goes back in series %q: from %s to %s (a column that tells series apart belongs to --series; --features leaves out one that is no time)",
			s.name, timeText(s.time), timeText(t))
	}
	return nil
}

// timeText is t in full, as seconds since 1970 are not told apart otherwise.
func timeText(t float64) string { return strconv.FormatFloat(t, 'f', -1, 64) }
