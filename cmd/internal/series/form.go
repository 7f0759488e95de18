package series

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// form is what each number of a column of text has beside digits and a decimal mark.
type form struct {
	before, after string // a currency, a unit
	grouped       bool   // some have blanks or apostrophes between groups of three digits
	example       string
}

var (
	formed  = regexp.MustCompile(`^(\p{Sc}?) ?([-+\x{2212}]?[0-9][0-9.,'\x{2019}\p{Zs}]*?(?:[eE][-+]?[0-9]+)?)(\p{Zs}?(?:[%\x{2030}\p{Sc}]|[\p{L}\p{So}][\p{L}\p{So}/·]*[23²³]?))?$`)
	grouped = regexp.MustCompile(`^[-+\x{2212}]?[0-9]{1,3}(?:['\x{2019}\p{Zs}][0-9]{3})+(?:[.,][0-9]+)?$`)
	groups  = regexp.MustCompile(`['\x{2019}\p{Zs}]`)
)

// notUnits are words behind numbers that make dates and times of them, as far as they are distinct in three letters.
var notUnits = []string{"am", "pm", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// formOf is the form of a value, and its digits; nil if it is no number.
func formOf(text []byte) (f form, digits []byte) {
	m := formed.FindSubmatch(bytes.TrimSpace(text))
	if m == nil {
		return f, nil
	}
	f.before, f.after, digits = string(m[1]), string(m[3]), m[2]
	if grouped.Match(digits) {
		f.grouped, digits = true, groups.ReplaceAll(digits, nil)
	}
	if !table.IsNumber(digits) && table.ShapeOf(digits) == table.NoMarks {
		return f, nil
	}
	return f, digits
}

// findForm is the form that all values of a column have; nil if they have none, or another one each. Letters at once
// behind numbers that are whole, or one and the same, are names rather than units.
func findForm(c *table.Column, rows int) *form {
	var all form
	var first []byte
	several, fractions, found := false, false, false
	for i := range rows {
		text := c.Text(i)
		if table.IsMissing(text) {
			continue
		}
		f, digits := formOf(text)
		if digits == nil || found && (f.before != all.before || f.after != all.after) {
			return nil
		}
		if !found {
			first, all.before, all.after, found = digits, f.before, f.after, true
		}
		if f.grouped && !all.grouped || all.example == "" {
			all.example = string(text)
		}
		all.grouped = all.grouped || f.grouped
		several = several || !bytes.Equal(digits, first)
		fractions = fractions || bytes.ContainsAny(digits, ".,")
	}
	glued := strings.Trim(all.after, "%‰°") != "" && strings.TrimSpace(all.after) == all.after
	unit := strings.ToLower(strings.TrimSpace(all.after))
	if all.before+all.after == "" && !all.grouped || glued && !(several && fractions) || slices.Contains(notUnits, unit[:min(len(unit), 3)]) {
		return nil
	}
	return &all
}

// digits are those of a value that has the form; nil if it has not.
func (f *form) digits(text []byte) []byte {
	is, digits := formOf(text)
	if is.before != f.before || is.after != f.after {
		return nil
	}
	return digits
}

func (f *form) unit() string { return strings.TrimSpace(f.before + f.after) }

// warning says what is left out of numbers.
func (f *form) warning() string {
	if f.unit() == "" {
		return fmt.Sprintf("marks between groups of three digits are left out of numbers, as in %s", table.Excerpt([]byte(f.example)))
	}
	return fmt.Sprintf("read as numbers of the unit %s, as in %s; another unit is an error", f.unit(), table.Excerpt([]byte(f.example)))
}
