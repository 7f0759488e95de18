package series

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wholeForms are the forms of dates and times as one whole number: as strftime and as package time have them. Numbers of the first
// sureForms are hardly anything else.
var wholeForms = [][2]string{
	{"%Y%m%d", "20060102"}, {"%Y%m%d%H", "2006010215"}, {"%Y%m%d%H%M", "200601021504"}, {"%Y%m%d%H%M%S", "20060102150405"},
	{"%d%m%Y", "02012006"}, {"%m%d%Y", "01022006"}, {"%y%m%d", "060102"}, {"%d%m%y", "020106"}, {"%m%d%y", "010206"},
	{"%d%m%Y%H%M", "020120061504"}, {"%d%m%Y%H%M%S", "02012006150405"}, {"%m%d%Y%H%M%S", "01022006150405"},
	{"%y%m%d%H%M", "0601021504"}, {"%y%m%d%H%M%S", "060102150405"}, {"%Y%j", "2006002"}, {clockForm, "150405"},
}

const (
	sureForms = 4
	clockForm = "%H%M%S"
)

// isUnsure reports whether a format is that of a date that may be another number as well.
func isUnsure(format string) bool {
	i := slices.IndexFunc(wholeForms, func(form [2]string) bool { return form[0] == format })
	return i >= sureForms && format != clockForm
}

// wholeTimes are the numbers of a column as times of one form.
type wholeTimes struct {
	course
	form int
}

// add takes the next number, and reports whether it has the form. It may lack zeros in front, which numbers do.
func (w *wholeTimes) add(x float64) bool {
	const most = 1e14
	format, layout := wholeForms[w.form][0], wholeForms[w.form][1]
	if x < 0 || x >= most || x != math.Trunc(x) {
		return false
	}
	text := strconv.FormatInt(int64(x), 10)
	if short := len(layout) - len(text); short > 0 && (short == 1 && w.form >= sureForms || format == clockForm) {
		text = strings.Repeat("0", short) + text
	}
	t, err := time.Parse(layout, text)
	if err != nil || strings.Contains(layout, "2006") && (t.Year() < 1900 || t.Year() >= 2100) {
		return false
	}
	w.course.add(float64(t.Unix()))
	return true
}

// settleWhole takes the form that all numbers have: a sure one, or else one in which they never go back, if their steps
// are more even in it or the column is called so. It is none if they may have two, unless days in one were years in the other.
func (p *profile) settleWhole() {
	const times = 100
	if len(p.wholes) > 0 && p.wholes[0].form < sureForms {
		p.whole = wholeForms[p.wholes[0].form][0]
		return
	}
	span := func(w *wholeTimes) float64 { return w.last - w.first }
	p.wholes = slices.DeleteFunc(p.wholes, func(w *wholeTimes) bool {
		return w.falls > 0 || w.rises == 0 || w.even <= p.even && (wholeForms[w.form][0] == clockForm || !p.namedTime() && !p.soundsLikeTime())
	})
	slices.SortStableFunc(p.wholes, func(a, b *wholeTimes) int { return cmp.Compare(span(a), span(b)) })
	switch w := p.wholes; {
	case len(w) == 0 || p.interruptions > 0:
	case len(w) > 1 && span(w[1]) < times*span(w[0]):
		p.either = true
	default:
		p.whole, p.course = wholeForms[w[0].form][0], w[0].course
	}
}
