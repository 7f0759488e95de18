package plot

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Scale is what an axis counts.
type Scale int

const (
	Rows   Scale = iota
	Times        // numbers
	Stamps       // seconds since 1970
)

// ScaleOf is the scale of rows with times, which may be stamps, or without.
func ScaleOf(timed, stamps bool) Scale {
	switch {
	case !timed:
		return Rows
	case stamps:
		return Stamps
	}
	return Times
}

// axis is what panels have across: values from and to are seen over their width, and first to
// last is all there is.
type axis struct {
	scale       Scale
	from, to    float64
	first, last float64
	width       float64
}

// x is the place of a value.
func (a *axis) x(v float64) float64 { return (v - a.from) / (a.to - a.from) * a.width }

// data writes what a page needs to show another part.
func (a *axis) data(b *bytes.Buffer) {
	fmt.Fprintf(b, ` class="zoom" data-scale="%d" data-from="%s" data-to="%s" data-left="%s" data-right="%s" data-width="%s" data-margin="%s"`,
		a.scale, exact(a.from), exact(a.to), number(a.x(a.first)), number(a.x(a.last)), number(a.width), number(leftMargin))
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// tick is a place on an axis, with its text.
type tick struct {
	value float64
	text  string
}

// days are steps between timestamps, in seconds, beyond those of seconds themselves.
var days = []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 91 * 86400, 364 * 86400}

// ticks are at most so many round values.
func (s Scale) ticks(from, to float64, most int) []tick {
	if !(to > from) || math.IsInf(to-from, 0) {
		return nil
	}
	least := (to - from) / float64(most)
	step := math.Pow(10, math.Floor(math.Log10(least)))
	for _, by := range []float64{2, 2.5, 2} {
		if step < least*(1-1e-9) {
			step *= by
		}
	}
	if s == Rows {
		step = max(step, 1)
	}
	if s == Stamps && step > 0.5 {
		for _, step = range days {
			if step >= least {
				break
			}
		}
	}
	var all []tick
	for k := math.Ceil(from/step - 1e-9); k*step <= to+step*1e-9 && len(all) <= 2*most; k++ {
		v := k*step + 0 // -0 + 0 is 0
		all = append(all, tick{v, s.text(v, step)})
	}
	return all
}

// text is a value, as exact as the step to the next needs.
func (s Scale) text(v, step float64) string {
	if s == Stamps {
		layout := "15:04:05.000"
		switch {
		case step >= 86400 || math.Mod(v, 86400) == 0: // another day begins
			layout = "2006-01-02"
		case step >= 60:
			layout = "15:04"
		case step >= 1:
			layout = "15:04:05"
		}
		return timeOf(v).Format(layout)
	}
	if digits := -int(math.Floor(math.Log10(step) + 1e-9)); digits > 0 {
		return strconv.FormatFloat(v, 'f', min(digits, 9), 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func timeOf(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64((seconds-whole)*1e9)).UTC()
}

// name is what the axis counts; of times of day it is the day of the first.
func (a *axis) name() string {
	switch {
	case a.scale == Stamps && a.to-a.from < 4*86400:
		return timeOf(a.from).Format(time.DateOnly)
	case a.scale == Rows:
		return "row"
	}
	return "time"
}

// draw draws the axis below panels that begin at left and end at y.
func (a *axis) draw(c *canvas, left, y float64) {
	n := len(c.shapes)
	c.text(quiet, small, left-26, y+16, "end", a.name()) // so far away that the first tick's text has space
	for _, t := range a.scale.ticks(a.from, a.to, int(a.width/70)) {
		x := left + a.x(t.value)
		c.line(quiet, 1, point{x, y}, point{x, y + 4})
		c.text(quiet, small, x, y+16, "middle", t.text)
	}
	for i := range c.shapes[n:] {
		c.shapes[n+i].tick = true
	}
}
