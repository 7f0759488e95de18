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

	rows          int     // counted while all hold numbers
	last          float64 // the number before
	least, most   float64 // the least and the most that they rise by, from the third row on
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
	rise := x - p.last
	p.rows, p.last = p.rows+1, x
	switch p.rows {
	case 1:
	case 2:
		p.least, p.most = rise, rise
	default:
		p.least, p.most = min(p.least, rise), max(p.most, rise)
	}
}

// even reports whether the column rises from row to row by about the same. A
// time rounded to few digits rises unevenly, by up to twice as much.
func (p *profile) even() bool {
	return p.rows > 2 && p.interruptions == 0 && p.least > 0 && p.most <= 2*p.least
}

// timeNames are names, in lower case, under which a number that rises evenly
// tells when a row was measured.
var timeNames = []string{"time", "timestamp", "date", "datetime", "sample", "index", "t", "step"}

// isTime reports whether a column without a role is the time: by its name, and
// because it does nothing but rise. As a feature it would only teach the net
// when something happened in the training part.
func isTime(name string, p profile) bool {
	return p.number && p.even() && slices.Contains(timeNames, strings.ToLower(name))
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
