package series

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // which hosts may lack

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

// Kinds of times.
const (
	NumberTimes = "numbers"
	StampTimes  = "timestamps"
)

// Times says how times are written, as far as that is known.
type Times struct {
	TimeFormat string // of timestamps, as strftime has it; "": usual ones
	TimeZone   string // of timestamps that name none, such as Europe/Berlin; "": UTC
	TimeKind   string // all times are NumberTimes or StampTimes; "": as the first one
	DateOrder  string // of dates with slashes, 2/1/2006 or 1/2/2006; "": as the dates tell
}

// clock reads times. It tries first the layout that fitted last.
type clock struct {
	format  string // the layout of all timestamps; "": timeLayouts
	zone    *time.Location
	order   dateOrder
	layout  int
	known   bool    // what times are
	stamps  bool    // times are timestamps
	dates   bool    // of days
	seconds bool    // numbers are seconds, as the file says
	after   float64 // of the two times that a clock shows where it is set back, the first that is not before this one
}

func newClock(o Times) (c clock, err error) {
	c = clock{order: dateOrder(o.DateOrder), known: o.TimeKind != "", stamps: o.TimeKind == StampTimes, after: math.Inf(-1)}
	if c.format, err = parseTimeFormat(o.TimeFormat); err == nil && o.TimeZone != "" {
		if c.zone, err = time.LoadLocation(o.TimeZone); err != nil {
			err = fmt.Errorf("Options.TimeZone must be the name of a time zone, such as Europe/Berlin, not %q", o.TimeZone)
		}
	}
	return c, err
}

// times is what is known of the times.
func (c *clock) times(o Times) Times {
	if o.DateOrder = string(c.order); c.order == eitherOrder {
		o.DateOrder = ""
	}
	if c.known {
		o.TimeKind = NumberTimes
		if c.stamps {
			o.TimeKind = StampTimes
		}
	}
	return o
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
		if t = v.number; stamps && c.zone != nil && !v.column.Zoned() {
			t, err = c.local(time.UnixMicro(int64(math.Round(t * 1e6))).UTC())
		}
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
		return 0, fmt.Errorf("%s is %s, and other times are %ss", table.Excerpt(v.appendText(nil)), kinds[stamps], strings.Split(kinds[c.stamps], " ")[1])
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
		return c.instant(t, c.format)
	}
	if order, slashes := orderOf(text); slashes {
		return c.slashed(text, order)
	}
	for i := range timeLayouts {
		layout := (c.layout + i) % len(timeLayouts)
		if t, err := time.Parse(timeLayouts[layout], text); err == nil {
			c.layout = layout
			return c.instant(t, timeLayouts[layout])
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
			return c.local(t)
		}
	}
	return 0, fmt.Errorf("%s is no timestamp like %s 15:04:05, as others are", table.Excerpt([]byte(text)), string(order))
}

// instant is a time that was read by a layout.
func (c *clock) instant(t time.Time, layout string) (float64, error) {
	if strings.Contains(layout, "07") || strings.Contains(layout, "MST") {
		return table.Seconds(t), nil
	}
	return c.local(t)
}

// local is when clocks in the zone show what UTC shows at t. Where they are set back they show it twice.
func (c *clock) local(t time.Time) (float64, error) {
	if c.zone == nil {
		return table.Seconds(t), nil
	}
	var both []float64
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := t.Add(near).In(c.zone).Zone()
		at := t.Add(-time.Duration(offset) * time.Second)
		if _, is := at.In(c.zone).Zone(); is == offset {
			both = append(both, table.Seconds(at))
		}
	}
	if len(both) == 0 {
		return 0, fmt.Errorf("clocks in %s do not show %s, as they are set forward over it", c.zone, t.Format(time.DateTime))
	}
	slices.Sort(both)
	if both[0] < c.after {
		return both[len(both)-1], nil
	}
	return both[0], nil
}

// clockOfDay is a time of the day, as a column beside one of dates has it.
var clockOfDay = regexp.MustCompile(`^[0-9]{1,2}[:.][0-9]{2}([:.][0-9]{2}([.,][0-9]+)?)?$`)

// joined is a date and a time of the day as one timestamp, if they are that.
func joined(date, day []byte) value {
	text := fmt.Appendf(nil, "%s %s", bytes.TrimSpace(date), bytes.TrimSpace(day))
	at := bytes.LastIndexByte(text, ' ')
	if at < 0 || !clockOfDay.Match(text[at+1:]) {
		return value{text: text}
	}
	for marks := 0; at < len(text) && marks < 2; at++ {
		if text[at] == '.' || text[at] == ':' {
			text[at], marks = ':', marks+1
		}
	}
	return value{text: text}
}
