package series

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-strftime"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// timeLayouts are the timestamps that a time column may hold, beside those with slashes. Each takes a fraction of a
// second too.
var timeLayouts = []string{
	time.RFC3339,
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05 Z07:00",
	"2006/1/2 15:04:05",
	"2006/1/2 15:04",
	"2006/1/2",
	"2.1.2006 15:04:05",
	"2.1.2006 15:04",
	"2.1.2006",
	"20060102T150405Z0700",
	"20060102T150405",
}

// dateOrder is how dates between slashes begin.
type dateOrder string

const (
	unknownOrder dateOrder = ""
	eitherOrder  dateOrder = "either" // comes to the same
	dayFirst     dateOrder = "2/1/2006"
	monthFirst   dateOrder = "1/2/2006"
)

// orderOf is the order of a date between slashes, if it can be but one.
func orderOf(text string) (order dateOrder, slashes bool) {
	first, rest, _ := strings.Cut(text, "/")
	second, _, slashes := strings.Cut(rest, "/")
	month, err := strconv.Atoi(first)
	day, fault := strconv.Atoi(second)
	if !slashes || err != nil || fault != nil || month > 31 {
		return unknownOrder, false
	}
	switch {
	case month > 12:
		return dayFirst, true
	case day > 12:
		return monthFirst, true
	case day == month:
		return eitherOrder, true
	}
	return unknownOrder, true
}

// parseTimeFormat is the layout of a format of strftime, "" of "".
func parseTimeFormat(format string) (string, error) {
	if format == "" {
		return "", nil
	}
	layout, err := strftime.Layout(format)
	if err != nil || layout == format {
		return "", fmt.Errorf("Options.TimeFormat must be a format of strftime, such as '%%d.%%m.%%Y %%H:%%M', not %q", format)
	}
	return strings.NewReplacer("02", "2", "01", "1").Replace(layout), nil // also of one digit
}

// clock reads times. It tries first the layout that fitted last.
type clock struct {
	format string // the layout of all timestamps; "": timeLayouts
	order  dateOrder
	layout int
	known  bool // a time has been read
	stamps bool // times are timestamps
	dates  bool // of days
}

// time returns v as a number: itself, or the seconds since 1970 of a timestamp
// (UTC where it names no zone).
func (c *clock) time(v *value) (t float64, err error) {
	stamps := v.isTime()
	switch {
	case v.missing():
		return 0, errors.New("the time is missing")
	case c.format != "" && !v.isTime():
		t, err = c.stamp(string(bytes.TrimSpace(v.appendText(nil))))
		stamps = true
	case v.kind == numberKind:
		t = v.number
	default:
		if t, err = table.ParseFloat(v.text, 64); err != nil {
			t, err = c.stamp(string(bytes.TrimSpace(v.text)))
			stamps = true
		}
	}
	switch {
	case err != nil:
		return 0, err
	case math.IsNaN(t):
		return 0, errors.New("the time is missing")
	case c.known && stamps != c.stamps:
		kinds := map[bool]string{true: "a timestamp", false: "a number"}
		return 0, fmt.Errorf("%s is %s, and the times before are %ss", table.Excerpt(v.appendText(nil)), kinds[stamps], strings.Split(kinds[c.stamps], " ")[1])
	}
	c.known, c.stamps = true, stamps
	return t, nil
}

// stamp is the seconds since 1970 of a timestamp.
func (c *clock) stamp(text string) (float64, error) {
	if c.format != "" {
		t, err := time.Parse(c.format, text)
		if err != nil {
			return 0, fmt.Errorf("%s is not a timestamp of Options.TimeFormat", table.Excerpt([]byte(text)))
		}
		return table.Seconds(t), nil
	}
	if order, slashes := orderOf(text); slashes {
		return c.slashed(text, order)
	}
	for i := range timeLayouts {
		layout := (c.layout + i) % len(timeLayouts)
		if t, err := time.Parse(timeLayouts[layout], text); err == nil {
			c.layout = layout
			return table.Seconds(t), nil
		}
	}
	return 0, fmt.Errorf("%s is neither a number nor a timestamp like 2006-01-02T15:04:05Z (Options.TimeFormat '%%d.%%m.%%y %%H:%%M' names another form)", table.Excerpt([]byte(text)))
}

// slashed is a timestamp whose date has slashes, in the order of the column.
func (c *clock) slashed(text string, order dateOrder) (float64, error) {
	switch {
	case c.order != unknownOrder:
		order = c.order
	case order == eitherOrder:
		order = monthFirst
	case order != unknownOrder:
		c.order = order
	default:
		return 0, fmt.Errorf("%s may be two dates (Options.TimeFormat %%d/%%m/%%Y, with what follows it, or %%m/%%d/%%Y says which)", table.Excerpt([]byte(text)))
	}
	for _, clock := range []string{" 15:04:05", " 15:04", "", " 3:04:05 PM", " 3:04 PM"} {
		if t, err := time.Parse(string(order)+clock, text); err == nil {
			return table.Seconds(t), nil
		}
	}
	return 0, fmt.Errorf("%s is no timestamp like %s 15:04:05, as others are", table.Excerpt([]byte(text)), string(order))
}
