package table

import (
	"bytes"
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

// readUnits reads the first row as the units of the columns.
func (d *textDecoder) readUnits() error {
	_, fields, err := d.first(true)
	if err != nil {
		return err
	}
	var shown []string
	for _, f := range fields {
		unit := string(bytes.TrimSpace(f))
		if d.units = append(d.units, unit); unit != "" {
			shown = append(shown, unit)
		}
	}
	d.notes = append(d.notes, Warning{Line: d.buf.line, Text: "taken as the units of the columns, and no row: " + List(shown)})
	return nil
}
