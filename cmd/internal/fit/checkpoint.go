package fit

import (
	"fmt"
	"strconv"
	"time"
)

// Interval is a number of training steps, or a time. The zero value stands for an epoch, but for
// so many that storing states takes a hundredth of the time at most.
type Interval struct {
	Steps int
	Time  time.Duration
}

// String is the text that UnmarshalText reads.
func (i Interval) String() string {
	switch {
	case i.Steps > 0:
		return strconv.Itoa(i.Steps)
	case i.Time > 0:
		return i.Time.String()
	}
	return ""
}

// MarshalText implements encoding.TextMarshaler.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Interval) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err == nil && n > 0 {
		*i = Interval{Steps: n}
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("must be a number of updates or a time such as 30s, not %q", text)
	}
	*i = Interval{Time: d}
	return nil
}

// storing says when a job's state is to be stored.
type storing struct {
	every Interval
	last  time.Time
	took  time.Duration // the last time
}

// newStoring begins with a guess of how long it takes.
func newStoring(every Interval) *storing {
	return &storing{every, time.Now(), 10 * time.Millisecond}
}

// due reports whether it is time, after so many training steps and perhaps an epoch.
func (s *storing) due(steps int, epoch bool) bool {
	const share = 100
	switch {
	case s.every.Steps > 0:
		return steps%s.every.Steps == 0
	case s.every.Time > 0:
		return time.Since(s.last) >= s.every.Time
	}
	return epoch && time.Since(s.last) >= share*s.took
}

// do stores it.
func (s *storing) do(store func() error) error {
	begin := time.Now()
	err := store()
	s.last = time.Now()
	s.took = s.last.Sub(begin)
	return err
}
