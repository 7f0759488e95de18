package series

import (
	"bytes"
	"slices"
	"strings"
)

// unitsFirst reports whether the first row is the units of the others: text in columns of numbers, and in the other
// columns nothing that comes again.
func unitsFirst(rows [][]value) bool {
	const least = 3
	if len(rows) < least {
		return false
	}
	units, rest := rows[0], rows[1:]
	found := false
	for i, v := range units {
		numbers, known, again := 0, 0, false
		for _, row := range rest {
			if i >= len(row) || row[i].missing() {
				continue
			}
			known++
			again = again || bytes.Equal(row[i].text, v.text)
			if isNumber(row[i]) {
				numbers++
			}
		}
		switch {
		case numbers == 0 || 2*numbers < known:
			if !v.missing() && again {
				return false
			}
		case isNumber(v):
			return false
		default:
			found = found || isUnit(v)
		}
	}
	return found
}

// isUnit reports whether text may be a unit, which a mark for a missing value or a fault is not.
func isUnit(v value) bool {
	text := strings.TrimSpace(string(v.text))
	return !v.missing() && !strings.HasPrefix(text, "#") && !strings.EqualFold(text, "err") && !strings.EqualFold(text, "error") &&
		strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' || r == '%' })
}

// readUnits reads the first row as the units of the columns.
func (d *csvDecoder) readUnits() error {
	var rec record
	row := make([]value, len(d.names))
	if _, err := d.record(row, &rec); err != nil {
		return err
	}
	d.units = fieldTexts(row)
	shown := slices.DeleteFunc(slices.Clone(d.units), func(unit string) bool { return unit == "" })
	d.notes = append(d.notes, Warning{Line: rec.line, Text: "taken as the units of the columns, and no row: " + List(shown)})
	return nil
}

// unitOf is the unit of column i, "" without one.
func unitOf(d decoder, i int) string {
	if text, ok := d.(*csvDecoder); ok && text.units != nil {
		return text.units[i]
	}
	return ""
}
