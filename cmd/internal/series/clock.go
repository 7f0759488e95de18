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

// timeLayouts are the timestamps that a time column may hold, beside those with slashes or hyphens and the year last. Each
// takes a fraction of a second too.
var timeLayouts = append(layouts(
	[]string{"2006-01-02", "2006/1/2", "2006.1.2", "2.1.2006", "2.1.06", "20060102", "2-Jan-2006", "2-Jan-06", "2 Jan 2006", "Jan 2, 2006", "Mon, 2 Jan 2006", "2006 1 2", "2/Jan/2006", "Jan-2 2006", "2006-002"},
	[]string{" 15:04:05", "T15:04:05", " 15:04", "T15:04", " 3:04:05 PM", " 3:04 PM", " 15:4:5", " 15:4", "T150405", " 150405", ":15:04:05"},
	[]string{"", "Z07:00", "Z0700", " Z07:00", " Z0700", "Z07", " UTC", " GMT"},
), newLayout(time.ANSIC), layout{"Mon Jan 2 15:04:05 UTC 2006", true}, newLayout("Mon Jan 2 2006 15:04:05 GMT-0700"), newLayout("Mon Jan 2 2006 15:04:05 GMT-0700 (MST)")) // of C, and of browsers

// layout is a form of timestamps, as package time has it.
type layout struct {
	text  string
	zoned bool // it names a zone, or its offset
}

// universal are the names of UTC.
var universal = []string{"UTC", "GMT"}

func newLayout(text string) layout {
	return layout{text, strings.Contains(text, "07") || slices.ContainsFunc(append(universal, "MST"), func(zone string) bool { return strings.HasSuffix(text, zone) })}
}

// layouts are dates alone, with hours and parts of them, and with times of the day and zones.
func layouts(dates, clocks, zones []string) []layout {
	all := []layout{newLayout("2006-01"), newLayout("2006 1")}
	for _, date := range dates {
		all = append(all, newLayout(date), newLayout(date+" 15"), newLayout(date+" 15 4"), newLayout(date+" 15 4 5"))
		for _, clock := range clocks {
			for _, zone := range zones {
				all = append(all, newLayout(date+clock+zone))
			}
		}
	}
	return all
}

// dateOrder is how dates between slashes begin, or between hyphens with the year last.
type dateOrder string

const (
	unknownOrder dateOrder = ""
	eitherOrder  dateOrder = "either" // comes to the same
	dayFirst     dateOrder = "2/1/2006"
	monthFirst   dateOrder = "1/2/2006"
)

// orderedDate is a date whose order is to be told, and what follows it.
var orderedDate = regexp.MustCompile(`^([0-9]{1,2})(?:/([0-9]{1,2})/([0-9]{4}|[0-9]{2})|-([0-9]{1,2})-([0-9]{4}))(?:[ T,]|$)`)

// parseOrdered is a date between slashes or hyphens, with slashes and the year in full, and the order if it can be but
// one. Of a year of two digits, short, only the month can be told from the others.
func parseOrdered(text string) (date string, order dateOrder, short, ordered bool) {
	if len(text) < len("1/1/00") || text[1] != '/' && text[1] != '-' && text[2] != '/' && text[2] != '-' {
		return text, unknownOrder, false, false
	}
	m := orderedDate.FindStringSubmatchIndex(text)
	if m == nil {
		return text, unknownOrder, false, false
	}
	part := func(k int) string { return text[m[2*k]:m[2*k+1]] }
	second, year := 2, 3
	if m[4] < 0 {
		second, year = 4, 5
	}
	full := part(year)
	if short = len(full) == 2; short {
		full = "20" + full
	}
	order = orderOf(part(1), part(second))
	return part(1) + "/" + part(second) + "/" + full + text[m[2*year+1]:], order, short, true
}

// orderOf is the order of a day and a month, if it can be but one.
func orderOf(first, second string) dateOrder {
	month, _ := strconv.Atoi(first)
	day, _ := strconv.Atoi(second)
	switch {
	case month > 12:
		return dayFirst
	case day > 12:
		return monthFirst
	case day == month:
		return eitherOrder
	}
	return unknownOrder
}

// elapsedTime is a time that has passed since some moment: days, hours, minutes and seconds, or minutes and a
// fraction of seconds.
var elapsedTime = regexp.MustCompile(`^(?:([0-9]+) days? \+?)?(?:([0-9]+):)?([0-9]+):([0-5][0-9](?:[.,][0-9]+)?)$`)

// duration is an elapsed time as ISO 8601, IEC 61131 or Go write it: PT1M30S, T#1m30s, 1m30s.
var duration = regexp.MustCompile(`^(p|t#|)(?:([0-9]+)d)?_?t?((?:[0-9.]+[a-zµ]+_?)*)$`)

// parseElapsed is an elapsed time in seconds. Two numbers without a fraction may be hours and minutes, and one with a unit
// a name, so that they are none.
func parseElapsed(text string) (seconds float64, ok bool) {
	text = strings.Trim(text, "'")
	if m := duration.FindStringSubmatch(strings.ToLower(text)); m != nil && m[2]+m[3] != "" {
		days, _ := strconv.ParseFloat("0"+m[2], 64)
		d, err := time.ParseDuration("0s" + strings.ReplaceAll(m[3], "_", ""))
		several := len(strings.FieldsFunc(m[2]+m[3], func(r rune) bool { return r < '0' || r > '9' })) > 1 && !strings.Contains(m[3], ".")
		return 86400*days + d.Seconds(), err == nil && (m[1] != "" || several)
	}
	m := elapsedTime.FindStringSubmatch(text)
	if m == nil || m[2] == "" && (m[1] != "" || !strings.ContainsAny(m[4], ".,")) || m[2] != "" && (len(m[3]) != 2 || m[3] > "59") {
		return 0, false
	}
	for i, unit := range []float64{86400, 3600, 60, 1} {
		if m[i+1] != "" {
			x, err := strconv.ParseFloat(strings.Replace(m[i+1], ",", ".", 1), 64)
			if seconds += unit * x; err != nil {
				return 0, false
			}
		}
	}
	return seconds, true
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
	if isDigits(layout) { // which clock pads
		return layout, nil
	}
	return strings.NewReplacer("002", "__2", "02", "2", "01", "1", "04", "4", "05", "5").Replace(layout), nil // also of one digit
}

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// Kinds of times.
const (
	NumberTimes = "numbers"
	StampTimes  = "timestamps"
)

// Times says how times are written, as far as that is known.
type Times struct {
	TimeFormat string  // of timestamps, as strftime has it; "": usual ones
	TimeZone   string  // of timestamps that name none, such as Europe/Berlin; "": UTC
	TimeKind   string  // all times are NumberTimes or StampTimes; "": as the first one
	DateOrder  string  // of dates with slashes, 2/1/2006 or 1/2/2006; "": as the dates tell
	TimeStep   float64 // that is usual from a row to the next, in files before or those of a model; 0: not known
}

// Learn is t with the order of days and months, if nothing else tells it and a timestamp does.
func (t Times) Learn(text string) Times {
	if _, order, short, _ := parseOrdered(text); t.DateOrder == "" && !short && (order == dayFirst || order == monthFirst) {
		t.DateOrder = string(order)
	}
	return t
}

// clock reads times. It tries first what they were last, and the layout that fitted last.
type clock struct {
	format  string // the layout of all timestamps; "": timeLayouts
	zone    *time.Location
	order   dateOrder
	reading int // one of readings
	layout  int
	untidy  bool    // timestamps are tidied
	known   bool    // what times are
	stamps  bool    // times are timestamps
	dates   bool    // of days
	seconds bool    // numbers are seconds, as the file says
	zoned   bool    // a timestamp names its zone
	named   string  // what the zone is called there: one of two, such as CET and CEST
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

// time returns v as a number: itself, the seconds of an elapsed time, or the seconds since 1970 of a timestamp
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
		if c.zoned = stamps && v.column.Zoned(); stamps && c.zone != nil && !c.zoned {
			t, err = c.local(time.UnixMicro(int64(math.Round(t * 1e6))).UTC())
		}
	default:
		t, stamps, err = c.text(v)
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

// What text may be as a time.
const (
	numberReading = iota
	elapsedReading
	stampReading
	allReadings
)

// text returns a time that is text as a number, and whether it is a timestamp.
func (c *clock) text(v *value) (t float64, stamp bool, err error) {
	for i := range allReadings {
		reading, ok := (c.reading+i)%allReadings, true
		switch reading {
		case numberReading:
			var fault error
			t, fault = table.ParseFloat(v.digits(), 64)
			ok = fault == nil
		case elapsedReading:
			t, ok = parseElapsed(string(bytes.TrimSpace(v.text)))
			c.seconds = c.seconds || ok
		case stampReading:
			t, err = c.stamp(string(bytes.TrimSpace(v.text)))
			ok = err == nil
		}
		if ok {
			c.reading = reading
			return t, reading == stampReading, nil
		}
	}
	return 0, true, err
}

// stamp is the seconds since 1970 of a timestamp, which is tidied where it is none otherwise.
func (c *clock) stamp(text string) (t float64, err error) {
	if c.untidy {
		if t, err = c.untidyStamp(text); err == nil {
			return t, nil
		}
	}
	if t, err = c.tidyStamp(text); err != nil && c.format == "" && strings.HasSuffix(text, " 24") { // the last hour of a day
		t, err = c.tidyStamp(text + ":00")
	}
	if err == nil || c.format != "" || c.untidy {
		return t, err
	}
	at, fault := c.untidyStamp(text)
	switch {
	case fault == nil:
		c.untidy = true
		return at, nil
	case zoneName.MatchString(text):
		return 0, fault
	}
	return t, err
}

// zoneName is a timestamp behind which its zone is named.
var zoneName = regexp.MustCompile(`^(.*[0-9Z]) ?\[?([A-Z]{3,5}|[A-Z][A-Za-z]+(?:/[-+\w]+)+)\]?$`)

// untidyStamp is tidyStamp of what may be written in other ways, with the name of a zone or not. Those of letters alone
// are what clocks in the column's zone have.
func (c *clock) untidyStamp(text string) (float64, error) {
	m := zoneName.FindStringSubmatch(text)
	if m == nil {
		return c.tidyStamp(tidied(text))
	}
	zone := c.zone
	defer func() { c.zone, c.named = zone, "" }()
	switch {
	case slices.Contains(universal, m[2]):
		c.zone = nil
	case strings.Contains(m[2], "/"):
		var err error
		if c.zone, err = time.LoadLocation(m[2]); err != nil {
			return 0, fmt.Errorf("there is no zone called %s", m[2])
		}
	case zone == nil:
		return 0, noOffset(m[2])
	default:
		c.named = m[2]
	}
	t, err := c.tidyStamp(tidied(m[1]))
	c.zoned = c.zoned || err == nil
	return t, err
}

// noOffset is the error for the name of a zone that stands for several.
func noOffset(name string) error {
	return fmt.Errorf("a zone called %s has no offset that can be told (one such as +0100 has; Options.TimeZone says where clocks are, such as Europe/Berlin)", name)
}

func (c *clock) tidyStamp(text string) (float64, error) {
	if before, after, is := strings.Cut(text, " 24:00"); is && strings.Trim(after, ":0") == "" { // as the end of a day
		t, err := c.tidyStamp(before + " 00:00" + after)
		return t + 24*60*60, err
	}
	if c.format != "" {
		if isDigits(c.format) { // a number lacks the zeros in front
			text = strings.Repeat("0", max(0, len(c.format)-len(text))) + text
		}
		t, err := time.Parse(c.format, text)
		if c.zone != nil && strings.Contains(c.format, "MST") {
			t, err = time.ParseInLocation(c.format, text, c.zone)
		}
		if i := strings.LastIndexByte(text, ' ') + 1; err != nil && strings.HasSuffix(c.format, " 15:4") { // in the first hour, without its zeros
			t, err = time.Parse(c.format, text[:i]+"0:"+text[i:])
		}
		if err != nil {
			return 0, fmt.Errorf("%s is not a timestamp of Options.TimeFormat", table.Excerpt([]byte(text)))
		}
		if strings.Contains(c.format, "MST") && !slices.Contains(universal, t.Location().String()) && t.Location() != c.zone {
			return 0, noOffset(t.Location().String())
		}
		return c.instant(t, newLayout(c.format))
	}
	if t, ok := parseISO(text); ok {
		return c.local(t)
	}
	if date, order, short, ordered := parseOrdered(text); ordered {
		return c.ordered(date, order, short)
	}
	for i := range timeLayouts {
		at := (c.layout + i) % len(timeLayouts)
		if t, err := time.Parse(timeLayouts[at].text, text); err == nil {
			c.layout = at
			return c.instant(t, timeLayouts[at])
		}
	}
	return 0, fmt.Errorf("%s is neither a number nor a timestamp like 2006-01-02T15:04:05Z (Options.TimeFormat '%%d.%%m.%%y %%H:%%M' names another form)", table.Excerpt([]byte(text)))
}

// parseISO is a timestamp like 2006-01-02 15:04:05, which timeLayouts have too: package time reads it by far faster with a
// T and a zone.
func parseISO(text string) (t time.Time, ok bool) {
	const date = len(time.DateOnly)
	if len(text) < len(time.DateTime) || text[date] != ' ' && text[date] != 'T' {
		return t, false
	}
	t, err := time.Parse(time.RFC3339, text[:date]+"T"+text[date+1:]+"Z")
	return t, err == nil
}

// ordered is a timestamp whose date has slashes, in the order of the column.
func (c *clock) ordered(text string, order dateOrder, short bool) (float64, error) {
	switch {
	case c.order != unknownOrder:
		order = c.order
	case order == eitherOrder && !short:
		order = monthFirst
	case order == monthFirst, order == dayFirst && !short: // else the year may be first
		c.order = order
	default:
		return 0, fmt.Errorf("%s may be two dates (Options.TimeFormat %%d/%%m/%%Y, with what follows it, or %%m/%%d/%%Y says which)", table.Excerpt([]byte(text)))
	}
	for _, clock := range []string{" 15:04:05", " 15:04", "", " 3:04:05 PM", " 3:04 PM", " 15", "T15:04:05", ", 15:04:05", ", 3:04:05 PM"} {
		if t, err := time.Parse(string(order)+clock, text); err == nil {
			return c.local(t)
		}
	}
	return 0, fmt.Errorf("%s is no timestamp like %s 15:04:05, as others are", table.Excerpt([]byte(text)), string(order))
}

// instant is a time that was read by a layout.
func (c *clock) instant(t time.Time, by layout) (float64, error) {
	if by.zoned {
		c.zoned = true
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
		if name, is := at.In(c.zone).Zone(); is == offset && (c.named == "" || c.named == name) {
			both = append(both, table.Seconds(at))
		}
	}
	if len(both) == 0 && c.named != "" {
		return 0, fmt.Errorf("clocks in %s do not show %s as %s", c.zone, t.Format(time.DateTime), c.named)
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
var clockOfDay = regexp.MustCompile(`^[0-9]{1,2}[:.][0-9]{2}([:.][0-9]{2}([.,:][0-9]+)?)?( ?[AaPp][Mm]?)?$`)

// clockDigits is one without marks, of hours and minutes, and seconds or not.
var clockDigits = regexp.MustCompile(`^[0-2]?[0-9][0-5][0-9]([0-5][0-9])?$|^[0-2][0-9]([0-5][0-9]){2}\.[0-9]+$`)

// joined are the parts of a time, such as a date and a time of the day, as one timestamp, if they are that.
func joined(parts ...[]byte) value {
	var text []byte
	at := 0
	for i, part := range parts {
		if i > 0 {
			text = append(text, ' ')
		}
		at = len(text)
		text = append(text, bytes.TrimSpace(part)...)
	}
	if clockDigits.Match(text[at:]) {
		end := len(text)
		if point := bytes.IndexByte(text[at:], '.'); point >= 0 {
			end = at + point
		}
		for i := end - len("05"); i > at; i -= len("04") {
			text = slices.Insert(text, i, ':')
		}
	}
	if clockOfDay.Match(text[at:]) {
		text = append(text[:at], withColons(bytes.ToUpper(text[at:]))...)
	}
	return value{text: text}
}
