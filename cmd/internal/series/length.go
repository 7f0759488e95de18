package series

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Length is a length of time, the value of a setting: a duration where times are timestamps,
// else a number in the units of the times, or of rows where they have none. The zero Length
// is none.
type Length struct {
	Value    float64 // seconds of a duration
	name     string
	given    bool
	duration bool
}

// Given reports whether there is a length, which may be 0.
func (l Length) Given() bool { return l.given || l.Value > 0 }

// ParseLength reads the value of a setting; "" stands for none.
func ParseLength(name, text string) (Length, error) {
	l := Length{name: name}
	if text == "" {
		return l, nil
	}
	l.given = true
	var err error
	if l.Value, err = strconv.ParseFloat(text, 64); err != nil {
		var d time.Duration
		d, err = time.ParseDuration(text)
		l.Value, l.duration = d.Seconds(), true
	}
	if err != nil || !(l.Value >= 0) || math.IsInf(l.Value, 0) {
		return l, fmt.Errorf("%s must be a duration such as 90s, 5m or 36h, or a number in the units of Options.Time, not %q", name, text)
	}
	return l, nil
}

// times is a multiple of the length, as ParseLength reads it.
func (l Length) times(n float64) string {
	if l.duration {
		return time.Duration(n * l.Value * float64(time.Second)).String()
	}
	return strconv.FormatFloat(n*l.Value, 'g', -1, 64)
}

// Check refuses a length that cannot be compared with times, which are timestamps or numbers. These may be known to be seconds.
func (l Length) Check(stamps, seconds bool) error {
	switch {
	case l.Value == 0 || l.duration == stamps || seconds:
		return nil
	case stamps:
		return fmt.Errorf("%s is a number, and times are timestamps; give a duration, such as 5m", l.name)
	}
	return fmt.Errorf("%s is a duration, and times are numbers; give a number in their units", l.name)
}
