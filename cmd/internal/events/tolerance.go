package events

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Tolerance is how far from an instant rows belong to it. The zero Tolerance is none.
type Tolerance struct {
	length   float64 // seconds of a duration
	duration bool
}

// ParseTolerance reads the value of --event-tolerance; "" is none.
func ParseTolerance(text string) (Tolerance, error) {
	if text == "" {
		return Tolerance{}, nil
	}
	length, err := strconv.ParseFloat(text, 64)
	duration := err != nil
	if duration {
		var d time.Duration
		d, err = time.ParseDuration(text)
		length = d.Seconds()
	}
	if err != nil || !(length >= 0) || math.IsInf(length, 0) {
		return Tolerance{}, fmt.Errorf("--event-tolerance must be a duration such as 50ms or 2h, or a number in the units of the time column (of rows without one), not %q", text)
	}
	return Tolerance{length, duration}, nil
}

// check refuses a tolerance that cannot be compared with times.
func (t Tolerance) check(stamps bool) error {
	switch {
	case t.length == 0 || t.duration == stamps:
		return nil
	case stamps:
		return errors.New("--event-tolerance is a number, and times are timestamps; give a duration, such as 5m")
	}
	return errors.New("--event-tolerance is a duration, and times are numbers; give a number in their units")
}

// around is from when to when rows belong to an instant, with what rounding may add.
func (t Tolerance) around(instant float64) (from, to float64) {
	if t.length == 0 {
		return instant, instant
	}
	const ulps = 4
	size := max(math.Abs(instant), t.length)
	slack := ulps * (math.Nextafter(size, math.Inf(1)) - size)
	return instant - t.length - slack, instant + t.length + slack
}
