package series

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// sampleRows is how many rows decide which columns are features.
const sampleRows = 1000

// profile is what the first rows say of a column.
type profile struct {
	known  bool // a value is not missing
	number bool // and the first of those is a number
	time   bool // values are timestamps or dates, by their type

	rows          int     // with a number
	last          float64 // the number before
	rises, falls  int     // rows with a greater, or a smaller one than before
	interruptions int     // rows without a number
}

// add takes the next row's value into account.
func (p *profile) add(v value) {
	if !p.known && !v.missing() {
		p.known, p.number = true, v.isNumber()
	}
	x, ok := v.float()
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

// rising reports whether the column does little but rise. It may stay the same
// from row to row, as a time in whole seconds does, and begin anew now and then.
func (p *profile) rising() bool {
	return p.rows > 2 && p.interruptions == 0 && p.rises > 0 && 10*p.falls <= p.rows
}

// timeNames are names, in lower case, under which a number that rises
// tells when a row was measured.
var timeNames = []string{"time", "timestamp", "date", "datetime", "sample", "index", "t", "step"}

// isTime reports whether a column without a role is the time: by its name, and
// because it does little but rise. As a feature it would only teach the net
// when something happened in the training part.
func isTime(name string, p profile) bool {
	return p.number && p.rising() && slices.Contains(timeNames, strings.ToLower(name))
}

// float is v as a number.
func (v value) float() (x float64, ok bool) {
	switch v.kind {
	case numberKind:
		return v.number, v.number == v.number
	case textKind:
		x, err := strconv.ParseFloat(string(bytes.TrimSpace(v.text)), 64)
		return x, err == nil && x == x
	}
	return 0, false
}
