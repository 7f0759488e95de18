package series

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// profile is what the first rows say of a column.
type profile struct {
	name    string
	words   Name   // that it has, without those in brackets at its end
	seen    int    // rows
	known   int    // values that are not missing
	numbers int    // and are numbers
	nearly  int    // and are text that begins like one
	hexes   int    // and are hexadecimal digits
	example string // the first of these
	odd     string // the first value that is neither number nor timestamp
	time    bool   // values are timestamps or dates, by their type

	course            // of the rows with a number or a timestamp
	stamps        int // those with a timestamp as text
	low, high     float64
	interruptions int    // rows with neither
	coarse        string // the first number that is the one before, as both are written with too few digits
	clock         clock
	waiting       []string      // timestamps before the first that tells day from month
	moving        bool          // of waiting ones with years of two digits two have the same year, and other days
	partial       int           // rows that are no whole day
	noClock       bool          // some numbers are no hours and minutes such as 805
	short         bool          // some lack zeros in front of these
	wholes        []*wholeTimes // which all rows may be
	whole         string        // the format of dates and times as whole numbers, that all rows are; "" if they are not
	either        bool          // they may be of two formats

	values   []string // that there are, in order of their first rows; those beyond mostValues are not looked for
	rotating bool     // they take turns
}

// mostValues is how many values of a column are told apart.
const mostValues = sampleRows / groupRows

func newProfiles(names []string, o Options) []*profile {
	var profiles []*profile
	for _, name := range names {
		p := &profile{name: name, words: ParseName(bracketed.ReplaceAllString(name, "")), rotating: true}
		p.clock, _ = newClock(o.Times)
		p.clock.known = false // of columns of whatever kind
		profiles = append(profiles, p)
	}
	return profiles
}

// add takes the next row's value into account.
func (p *profile) add(v *value) {
	p.addName(v)
	p.seen++
	if !v.missing() {
		p.known++
		if v.kind == textKind && len(bytes.Trim(bytes.TrimSpace(v.text), "0123456789abcdefABCDEF")) == 0 {
			p.hexes++
		}
		switch {
		case v.isNumber():
			p.numbers++
		case v.kind == textKind && likeNumber.Match(v.text):
			p.nearly++
			p.example = cmp.Or(p.example, shown(v.text))
		}
	}
	x, ok := v.float()
	if v.kind == textKind && (!ok || p.clock.format != "") && (p.interruptions == 0 || p.stamps > 0) {
		if p.wait(v) {
			return
		}
		if p.rows > 0 {
			p.clock.after = p.last
		}
		if t, err := p.clock.time(v); err == nil {
			x, ok = t, true
			p.stamps++
		}
	}
	if v.isTime() {
		p.stamps++
	}
	if !ok {
		p.interruptions++
		p.odd = cmp.Or(p.odd, shown(v.appendText(nil)))
		return
	}
	if p.rows > 0 && x == p.last && p.coarse == "" && isCoarse(v.text) {
		p.coarse = string(v.text)
	}
	p.noClock = p.noClock || x != math.Trunc(x) || x < 0 || x > 2400 || math.Mod(x, 100) > 59
	p.short = p.short || x < 1000 && len(v.text) < len("1504")
	p.addNumber(x)
}

// wait keeps a date back, as long as which number is the month may be told by one that follows.
func (p *profile) wait(v *value) bool {
	text := string(bytes.TrimSpace(v.text))
	date, order, short, ordered := parseOrdered(text)
	if !ordered || p.clock.order != unknownOrder || p.clock.format != "" {
		return false
	}
	if short && order == dayFirst && len(p.waiting) > 0 { // unless the year is what comes first
		before, _, _, _ := parseOrdered(p.waiting[len(p.waiting)-1])
		now, then := strings.SplitN(date, "/", 3), strings.SplitN(before, "/", 3)
		p.moving = p.moving || now[0] != then[0] && now[2][:len("2006")] == then[2][:len("2006")]
	}
	if order == unknownOrder || order == eitherOrder || short && order == dayFirst && !p.moving {
		p.waiting = append(p.waiting, text)
		return true
	}
	p.clock.order = order
	for _, text := range p.waiting {
		if t, err := p.clock.stamp(text); err == nil {
			p.stamps++
			p.addNumber(t)
		}
	}
	return false
}

func (p *profile) addNumber(x float64) {
	if p.rows == 0 {
		p.low, p.high = x, x
		for form := range wholeForms {
			p.wholes = append(p.wholes, &wholeTimes{form: form})
		}
	}
	p.wholes = slices.DeleteFunc(p.wholes, func(w *wholeTimes) bool { return !w.add(x) })
	if math.Mod(x, 24*60*60) != 0 {
		p.partial++
	}
	p.low, p.high = min(p.low, x), max(p.high, x)
	p.course.add(x)
}

// course is how numbers go from row to row.
type course struct {
	rows         int
	first, last  float64
	rises, falls int     // rows with a greater, or a smaller one than before
	step         float64 // the first that is not 0
	even         int     // those that are like it
}

func (c *course) add(x float64) {
	if c.rows == 0 {
		c.first = x
	} else if step := x - c.last; step != 0 {
		if c.step == 0 {
			c.step = step
		}
		if step > 0 {
			c.rises++
		} else {
			c.falls++
		}
		if math.Abs(step-c.step) <= 1e-6*math.Abs(c.step) {
			c.even++
		}
	}
	c.rows, c.last = c.rows+1, x
}

// addName takes a value as the name of a series.
func (p *profile) addName(v *value) {
	if len(p.values) > mostValues {
		return
	}
	text := string(v.appendText(nil))
	i := slices.Index(p.values, text)
	if i >= 0 {
		p.rotating = p.rotating && i == p.seen%len(p.values)
		return
	}
	p.rotating = p.rotating && p.seen == len(p.values)
	p.values = append(p.values, text)
}

// number reports whether the column is one of numbers, as half of its values are at least.
func (p *profile) number() bool {
	return !p.time && p.numbers > 0 && 2*p.numbers >= p.known && !p.isHex()
}

// isHex reports whether all values are of hexadecimal digits, and only some of them numbers: with these they are names, also
// those which look like numbers, as 1e5 does.
func (p *profile) isHex() bool {
	return p.hexes == p.known && p.numbers > 0 && p.numbers < p.known && strings.ContainsAny(p.odd, "0123456789")
}

// likeNumber is text that begins like a number: with a unit behind it, an amount of money, groups of digits, another notation, an array.
var likeNumber = regexp.MustCompile(`^\s*['(\[<>≤≥~]?[-+\x{2212}]?\p{Sc}?\s*[-+]?\p{Nd}`)

// nearlyNumbers is why the column is not read as one of numbers or of times, though it looks like it; "" if it does not.
func (p *profile) nearlyNumbers() string {
	if p.isTimes() || p.namesSeries() || p.known == 0 {
		return ""
	}
	if p.stamps > 0 && 2*p.stamps >= p.known {
		others := cmp.Or(excerpt(p.odd), map[bool]string{true: "numbers", false: "empty ones"}[p.known == p.seen])
		return fmt.Sprintf("%d of the first %d values are times, and others are none, such as %s, so neither the time nor a feature", p.stamps, p.seen, others)
	}
	if clockOfDay.MatchString(p.odd) && !p.number() {
		return fmt.Sprintf("holds times of the day without dates, as in %s, so neither the time nor a feature (dates in a column beside it, or Options.TimeFormat %%H:%%M with Options.Time %s, make them times)", table.Excerpt([]byte(p.odd)), table.ShellWord(p.name))
	}
	if p.namedTime() && p.numbers == 0 {
		hint := "Options.TimeFormat says how they are written"
		if m := zoneName.FindStringSubmatch(p.odd); m != nil {
			hint = fmt.Sprintf("Options.TimeZone says where %s is, such as Europe/Berlin", m[2])
		}
		return fmt.Sprintf("is called like a time, but its values are none of a known form, as in %s, so neither the time nor a feature (%s)", table.Excerpt([]byte(p.odd)), hint)
	}
	if p.isHex() {
		return fmt.Sprintf("holds words of hexadecimal digits, as %s is, so not a feature", excerpt(p.odd))
	}
	if 2*p.nearly < p.known || p.nearly == 0 {
		return ""
	}
	return fmt.Sprintf("its values begin like numbers, but are none, as in %s, so not a feature", table.Excerpt([]byte(p.example)))
}

// excerpt is the beginning of a text in quotes; "" of "".
func excerpt(text string) string {
	if text == "" {
		return ""
	}
	return table.Excerpt([]byte(text))
}

// rising reports whether the column does little but rise. It may stay the same
// from row to row, as a time in whole seconds does, and begin anew now and then.
func (p *profile) rising() bool { return p.rows > 2 && p.rises > 0 && 10*p.falls <= p.rows }

// falling is the reverse.
func (p *profile) falling() bool { return p.rows > 2 && p.falls > 0 && 10*p.rises <= p.rows }

// isTimes reports whether all values are timestamps or dates, by their type or as text.
func (p *profile) isTimes() bool {
	return p.stamps > 0 && p.stamps == p.seen || len(p.waiting) == p.seen && p.seen > 0
}

// isMoments reports whether all values are timestamps, of which some are no whole days.
func (p *profile) isMoments() bool { return p.isTimes() && p.partial > 0 && (p.time || p.clock.stamps) }

// isWholeTimes reports whether all values are dates, or dates and times, that are written as whole numbers.
func (p *profile) isWholeTimes() bool { return p.whole != "" && p.interruptions == 0 && p.rises > 0 }

// isSerial reports whether numbers may be days as spreadsheets count them, from 1900 on, of this century.
func (p *profile) isSerial() bool {
	const first, last = 36_526, 73_050
	return p.stamps == 0 && !p.time && p.low >= first && p.high < last && strings.Contains(p.words.Plain, "dat")
}

// isClock reports whether numbers are hours and minutes, such as 805 and, after midnight, 5: they do not rise as numbers do.
func (p *profile) isClock() bool {
	return !p.noClock && p.high >= 100 && p.stamps == 0 && p.soundsLikeTime() && (p.even < p.rows-1 || clockName.MatchString(p.name))
}

var clockName = regexp.MustCompile(`(?i)hhmm|hrmn`)

// dateFormat is how the dates of the column are written; "" if that is not told.
func (p *profile) dateFormat() string {
	switch {
	case p.whole != "":
		return p.whole
	case p.clock.order == dayFirst:
		return "%d/%m/%Y"
	case p.clock.order == monthFirst:
		return "%m/%d/%Y"
	case p.time:
		return "%Y-%m-%d"
	}
	return map[string]string{"2006-01-02": "%Y-%m-%d", "2006/1/2": "%Y/%m/%d", "2.1.2006": "%d.%m.%Y"}[timeLayouts[p.clock.layout].text]
}

// isIndex reports whether a column is the index of rows as pandas writes it.
func (p *profile) isIndex() bool {
	return p.called([]string{"unnamed_0", "index_level_0"})
}

// isEpoch reports whether all numbers are of this century as seconds since 1970, or as milliseconds and so on.
func (p *profile) isEpoch() bool {
	unit := EpochUnit(p.low)
	return unit > 0 && EpochUnit(p.high) == unit
}

// EpochUnit is how many seconds a unit is, if t is a time of this century since 1970 in such units; 0 if it is none.
func EpochUnit(t float64) float64 {
	const first, last = 946_684_800, 2_300_000_000 // the years 2000 and 2042
	for _, second := range []float64{1, 1e3, 1e6, 1e9} {
		if t >= first*second && t < last*second {
			return 1 / second
		}
	}
	return 0
}

// counts reports whether numbers rise, or fall, by the same amount from row to row, like the number of a row.
func (p *profile) counts() bool {
	const least = 10
	return p.rows >= least && p.interruptions == 0 && p.even >= 9*(p.rows-1)/10
}

// cycles reports whether a column is a part of times, such as the hour, that begins anew: a feature, as what happens may depend on it.
func (p *profile) cycles() bool { return p.falls > 0 && p.isPartOfTime() }

// namesSeries reports whether values look like names of series, of which each has rows enough: by the name of the
// column, or as words that take turns.
func (p *profile) namesSeries() bool {
	n := len(p.values)
	return n > 1 && n*groupRows <= p.seen && (likeSeries.MatchString(p.name) || p.rotating && (p.numbers == 0 || p.isHex()) && p.stamps == 0)
}

// bracketed is what follows the words of a name.
var bracketed = regexp.MustCompile(`[(\[][^)\]]*[)\]]\s*$`)

// called reports whether the name is one of some plain ones.
func (p *profile) called(names []string) bool { return slices.Contains(names, p.words.Plain) }

// namedTime reports whether the column is called as one that tells when a row was measured.
func (p *profile) namedTime() bool {
	return p.words.Rest == "" && (p.words.Time || p.words.Rows) || slices.Contains([]string{"step", "epoch", "unix", "elapsed"}, p.words.Rest) || p.isIndex()
}

// soundsLikeTime reports whether a name has a word for times in it.
func (p *profile) soundsLikeTime() bool { return wordOfTime.MatchString(p.name) }

var wordOfTime = regexp.MustCompile(`(?i)time|date|stamp|epoch|elapsed|second|milli|clock|hhmm|hrmn|tick|julian|jd|zeit|datum|fecha|hora`)

// onward reports whether values only rise, mostly from row to row.
func (p *profile) onward() bool {
	const least = 10
	return p.rows >= least && p.falls == 0 && 2*p.rises >= p.rows
}

// stands reports whether all rows have the same number.
func (p *profile) stands() bool {
	const least = 10
	return p.rows >= least && p.rises+p.falls == 0 && p.interruptions == 0
}

// coarseNote is about times that are written with too few digits.
func (p *profile) coarseNote() string {
	return fmt.Sprintf("is written with so few digits that rows are not told apart, as in %s (spreadsheets do so; numbers in full are read)", table.Excerpt([]byte(p.coarse)))
}

// isCoarse reports whether text is a number with an exponent whose last digit stands for more than 1.
func isCoarse(text []byte) bool {
	m := withExponent.FindSubmatch(text)
	if m == nil {
		return false
	}
	exponent, _ := strconv.Atoi(string(m[2]))
	return exponent > len(m[1])
}

var withExponent = regexp.MustCompile(`^\s*[-+]?[0-9]+(?:[.,]([0-9]*))?[eE]\+?([0-9]+)\s*$`)

func isTimeType(t table.Type) bool { return t == table.Time || t == table.Date }

// likeTime reports whether a column is a time of some kind: by its name, or by what its values are.
func (p *profile) likeTime() bool {
	return (p.number() || p.isTimes()) && (p.namedTime() || p.isTimes() || p.number() && (p.soundsLikeTime() && p.onward() || p.isEpoch() || p.stands() && p.whole != "" || p.isWholeTimes() || p.either || p.counts() && !p.cycles()))
}

// isTime reports whether a column without a role can be the time, as it does little but rise. As a feature a number would
// only teach the net when something happened in the training part. Text is no feature anyway, so that it
// is the time only if it does not go back, which would be an error.
func (p *profile) isTime() bool {
	return p.likeTime() && p.rising() && p.interruptions == 0 && !p.either && p.whole != clockForm && p.coarse == "" && (p.stamps == 0 && !p.isIndex() || p.falls == 0)
}

// onlyCounts reports whether a column is a time for no other reason than that it counts.
func (p *profile) onlyCounts() bool {
	return p.counts() && !p.namedTime() && !p.isEpoch() && !p.isWholeTimes()
}

// Ranks of columns that can be the time, of which the surest is taken.
const (
	momentRank = iota // called so, with times of the day
	soundRank         // likewise, by a part of its name
	partsRank         // several columns that together are times
	namedRank         // called so
	valueRank         // by what its values are
	countRank         // numbers of rows, and what only counts
	timeRanks
)

func (p *profile) timeRank() int {
	switch {
	case p.isMoments() && p.namedTime():
		return momentRank
	case p.isMoments() && p.soundsLikeTime():
		return soundRank
	case (p.isIndex() || p.words.Rows && !p.words.Time) && !p.isTimes(), p.onlyCounts():
		return countRank
	case p.namedTime():
		return namedRank
	}
	return valueRank
}

// noFeature says why a column that is a time of some kind, but not that of the rows, is no feature; "" if it is one.
func (p *profile) noFeature() string {
	switch {
	case !p.likeTime():
	case p.coarse != "":
		return p.coarseNote() + ", so neither the time nor a feature"
	case p.stands() && isRounded(p.low):
		return roundedNote + ", so it is neither the time nor a feature (Options.Features says otherwise)"
	case p.number() && p.stands():
		return fmt.Sprintf("looks like a time, but is the same in the first %d rows, so neither the time nor a feature (Options.Features says otherwise)", p.rows)
	case p.falling() && p.interruptions == 0:
		return "runs backwards, as where the newest row comes first: bring the rows into the order of time. It is neither the time nor a feature"
	case len(p.waiting) == p.seen || p.either:
		return "holds dates whose month may be either number, so not a feature (Options.TimeFormat says which)"
	case p.whole == clockForm:
		return fmt.Sprintf("holds hours, minutes and seconds as one number, without dates, so neither the time nor a feature (dates in a column beside it, or Options.TimeFormat %%H%%M%%S with Options.Time %s, make them times)", table.ShellWord(p.name))
	case p.isTimes() && p.clock.seconds && p.falls > 0 && p.high < 24*60*60:
		return fmt.Sprintf("holds times of the day, which begin anew at midnight, so neither the time nor a feature (dates in a column beside it make them times; Options.Time %s with Options.MaxGap begins a new series there)", table.ShellWord(p.name))
	case p.isTimes():
		return fmt.Sprintf("holds times, so not a feature (Options.Time %s checks their order)", table.ShellWord(p.name))
	case p.rising() && p.interruptions > 0 && p.odd != "":
		return fmt.Sprintf("looks like the time, but %d of the first %d values are none, such as %s, so neither the time nor a feature (Options.Features says otherwise)", p.interruptions, p.seen, excerpt(p.odd))
	case p.rising() && p.interruptions > 0:
		return fmt.Sprintf("looks like the time, but lacks %d of the first %d values, so neither the time nor a feature (Options.Features says otherwise)", p.interruptions, p.seen)
	case p.isIndex() && !p.isTime():
		return "is the index of the rows, so not a feature (Options.Features says otherwise)"
	case p.rising():
		return "looks like a second time, so not a feature (Options.Features says otherwise)"
	}
	return ""
}
