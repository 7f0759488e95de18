package table

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// unitsFirst reports whether the first row is the units of the others: text in columns of numbers, and in the other
// columns nothing that comes again.
func unitsFirst(rows [][][]byte) bool {
	const least = 3
	if len(rows) < least {
		return false
	}
	units, rest := rows[0], rows[1:]
	found := false
	for i, v := range units {
		numbers, known, again := 0, 0, false
		for _, row := range rest {
			if i >= len(row) || IsMissing(row[i]) {
				continue
			}
			known++
			again = again || bytes.Equal(row[i], v)
			if looksNumeric(row[i]) {
				numbers++
			}
		}
		switch {
		case numbers == 0 || 2*numbers < known:
			if !IsMissing(v) && again {
				return false
			}
		case looksNumeric(v):
			return false
		default:
			found = found || isUnit(v)
		}
	}
	return found
}

// isUnit reports whether text may be a unit, which a mark for a missing value or a fault is not.
func isUnit(v []byte) bool {
	text := strings.TrimSpace(string(v))
	return !IsMissing(v) && !strings.HasPrefix(text, "#") && !strings.EqualFold(text, "err") && !strings.EqualFold(text, "error") &&
		strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' || r == '%' })
}

// indexNamed reports whether the first row has nothing but a word in the first column, where the others have numbers or dates.
func indexNamed(rows [][][]byte) bool {
	const least = 3
	if len(rows) < least || len(rows[0]) < 2 || IsMissing(rows[0][0]) || !nothing(rows[0][1:]) {
		return false
	}
	return !isValue(rows[0][0]) && !slices.ContainsFunc(rows[1:], func(row [][]byte) bool { return !isValue(row[0]) })
}

// readUnits reads the first row as the units of the columns.
func (d *textDecoder) readUnits() error {
	text, fields, err := d.first(true)
	if err != nil {
		return err
	}
	d.heads = append(d.heads, text)
	var units, shown []string
	for _, f := range fields {
		unit := strings.TrimLeft(string(bytes.TrimSpace(f)), "#")
		if units = append(units, unit); unit != "" {
			shown = append(shown, unit)
		}
	}
	if d.units == nil { // what follows may be how values were gathered
		d.units = units
	}
	d.note(d.buf.line, "taken as the units of the columns, and no row: %s", List(shown))
	return nil
}

// splitDecimal is a number of two of so many fields: whole numbers, and digits that are a fraction by the zeros they begin with, or by
// the -0 in front of some; nil if there is none.
func splitDecimal(rows [][][]byte, fields int) (number []byte) {
	for k := range fields - 1 {
		number = nil
		for _, row := range rows {
			if len(row) != fields || !isInteger(row[k]) || !isInteger(row[k+1]) || row[k+1][0] == '-' {
				number = nil
				break
			}
			if string(row[k]) == "-0" || len(row[k+1]) > 1 && row[k+1][0] == '0' {
				number = bytes.Join(row[k:k+2], []byte(","))
			}
		}
		if number != nil {
			return number
		}
	}
	return nil
}

// dateAndClock is the first column that has dates in all rows, in front of times of the day; -1 if none has.
func dateAndClock(rows [][][]byte) int {
	for k := 0; len(rows) > 0 && k+1 < len(rows[0]); k++ {
		if !slices.ContainsFunc(rows, func(row [][]byte) bool {
			return k+1 >= len(row) || !dateOnly.Match(row[k]) || !clockOnly.Match(row[k+1])
		}) {
			return k
		}
	}
	return -1
}

var (
	dateOnly  = regexp.MustCompile(`^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}$`)
	clockOnly = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?$`)
)

func isInteger(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	return len(text) > 0 && strings.Trim(string(text), "0123456789") == ""
}

// startAndRate reports whether the first row is one and the same time since 1970 in every column, the second one and the same rate, and the others
// are not.
func startAndRate(rows [][][]byte) bool {
	const least, begin, most = 3, 1e9, 1e5
	if len(rows) < least {
		return false
	}
	var first [least]float64
	for i := range first {
		for _, v := range rows[i] {
			x, err := ParseNumber(v, 64)
			if err != nil || i < 2 && !bytes.Equal(bytes.TrimSpace(v), bytes.TrimSpace(rows[i][0])) {
				return false
			}
			first[i] = x
		}
	}
	return first[0] > begin && first[1] > 0 && first[1] < most && first[2] < begin/10
}
