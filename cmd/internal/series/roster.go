package series

import (
	"container/list"
	"fmt"
	"math"
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
	number   int32
	key      string // what rows call it
	name     string // the same, with the part behind a gap in time
	group    string // that the group column names; "" before the first row
	part     int    // from 1
	begun    bool
	time     float64       // of the last row
	timeText []byte        // as the file has it; empty for a number of a typed format
	last     []float32     // last known value of each feature, NaN before the first
	exact    []float64     // the same in full, where somebody asks
	place    *list.Element // in roster.order
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
		delete(r.series, ended.key)
		r.ended++
	}
	s = newSeriesState(r.count, string(name), features)
	s.place = r.order.PushBack(s)
	r.series[s.key] = s
	r.count++
	return s, ended
}

// replace replaces s, behind which there is a gap in time, by the series that follow returned
// for it.
func (r *roster) replace(s, by *seriesState) {
	by.place, s.place.Value = s.place, by
	r.series[by.key] = by
	r.count++
}

// follow returns the series that is to begin behind a gap in s, with no rows yet.
func (r *roster) follow(s *seriesState) *seriesState {
	next := newSeriesState(r.count, s.key, len(s.last))
	next.part, next.group = s.part+1, s.group
	next.name = fmt.Sprintf("%s (%d)", s.key, next.part)
	return next
}

func newSeriesState(number int32, key string, features int) *seriesState {
	s := &seriesState{number: number, key: key, name: key, part: 1, time: math.Inf(-1), last: make([]float32, features)}
	for k := range s.last {
		s.last[k] = float32(math.NaN())
	}
	return s
}
