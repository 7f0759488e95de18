package series

import (
	"slices"
	"strings"
)

// sampleRows is how many rows decide which columns are features.
const sampleRows = 1000

// profile is what the first rows say of a column.
type profile struct {
	seen    int  // rows
	known   int  // values that are not missing
	numbers int  // and are numbers
	time    bool // values are timestamps or dates, by their type

	rows          int     // with a number or a timestamp
	stamps        int     // those with a timestamp as text
	last          float64 // the number or time before
	rises, falls  int     // rows with a greater, or a smaller one than before
	interruptions int     // rows with neither
	clock         clock
}

// add takes the next row's value into account.
func (p *profile) add(v value) {
	p.seen++
	if !v.missing() {
		p.known++
		if v.isNumber() {
			p.numbers++
		}
	}
	x, ok := v.float()
	if !ok && v.kind == textKind {
		if t, err := p.clock.time(v); err == nil {
			x, ok = t, true
			p.stamps++
		}
	}
	if !ok {
		p.interruptions++
		return
	}
	if p.rows > 0 && x > p.last {
		p.rises++
	}
	if p.rows > 0 && x < p.last {
		p.falls++
	}
	p.rows, p.last = p.rows+1, x
}

// number reports whether the column is one of numbers, as half of its values are at least.
func (p *profile) number() bool { return p.numbers > 0 && 2*p.numbers >= p.known }

// rising reports whether the column does little but rise. It may stay the same
// from row to row, as a time in whole seconds does, and begin anew now and then.
func (p *profile) rising() bool {
	return p.rows > 2 && p.interruptions == 0 && p.rises > 0 && 10*p.falls <= p.rows
}

// isTimes reports whether all values are timestamps or dates, by their type or as text.
func (p *profile) isTimes() bool { return p.time || p.stamps > 0 && p.stamps == p.seen }

// timeNames are names, in lower case, under which a number or a timestamp that rises
// tells when a row was measured.
var timeNames = []string{"time", "timestamp", "date", "datetime", "sample", "index", "t", "step"}

// isTime reports whether a column without a role is the time: by its name, and
// because it does little but rise. As a feature a number would only teach the net
// when something happened in the training part. Text is no feature anyway, so that it
// is the time only if it does not go back, which would be an error.
func isTime(name string, p profile) bool {
	text := p.stamps > 0
	return (p.number() || p.isTimes()) && p.rising() && !(text && p.falls > 0) && slices.Contains(timeNames, strings.ToLower(name))
}
