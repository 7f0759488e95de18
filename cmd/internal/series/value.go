package series

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// value is one value of a row: its text, or a number where the format is typed.
type value struct {
	text   []byte
	number float64
	kind   kind
	form   *form  // of the column's numbers, nil where they are plain
	bare   []byte // the number without that; nil if text has not the form

	column *table.Column // of a number
	row    int           // in it
}

type kind uint8

const (
	textKind   kind = iota
	numberKind      // of a column with a type: numbers, booleans, times
	nullKind        // an absent or null value, or one of Options.NAValues
	oddKind         // text that has another decimal mark than the numbers of its column
)

// digits are the text of a number, nil if it has not the form of others.
func (v *value) digits() []byte {
	if v.form != nil {
		return v.bare
	}
	return v.text
}

// missing reports whether v stands for nothing measured: empty or one of the
// usual words for it, or NaN.
func (v *value) missing() bool {
	return v.kind == nullKind || v.kind != numberKind && table.IsMissing(v.text)
}

// empty reports whether v is nothing but blanks.
func (v *value) empty() bool {
	return v.kind == nullKind || v.kind != numberKind && len(bytes.TrimSpace(v.text)) == 0
}

// isNumber reports whether v is a number of any size, or would be with another decimal mark.
func (v *value) isNumber() bool {
	return v.kind == numberKind || v.kind == oddKind || v.kind == textKind && table.IsNumber(v.digits())
}

// float is v as a number.
func (v *value) float() (x float64, ok bool) {
	switch v.kind {
	case numberKind:
		return v.number, true
	case textKind:
		x, err := table.ParseNumber(v.digits(), 64)
		return x, err == nil && x == x
	}
	return 0, false
}

// isWord reports whether v, which is 1 or 0, is true or false as text.
func (v *value) isWord() bool {
	text := bytes.TrimSpace(v.text)
	return v.kind == textKind && len(text) > 0 && (text[0]|0x20 == 't' || text[0]|0x20 == 'f')
}

// isTime reports whether v is a time by its type.
func (v *value) isTime() bool {
	return v.kind == numberKind && isTimeType(v.column.Type)
}

// appendText appends v as text without blanks around it, null as nothing.
func (v *value) appendText(dst []byte) []byte {
	if v.kind == numberKind {
		return v.column.AppendText(dst, v.row)
	}
	return append(dst, bytes.TrimSpace(v.text)...)
}

// feature returns v less a shift as float32, NaN when it is missing, and v itself, which may be rounded to 32 bits where
// these tell values apart.
func (v *value) feature(shift float64) (x float32, exact float64, err error) {
	switch v.kind {
	case nullKind:
		return float32(math.NaN()), 0, nil
	case numberKind:
		exact = v.number
		x = float32(exact - shift)
	case oddKind:
		return 0, 0, fmt.Errorf("%s has not the decimal mark of other numbers of its column, or may be read as two", table.Excerpt(v.text))
	default:
		if x, exact, err = table.ParseBoth(v.digits()); shift != 0 {
			exact, err = table.ParseNumber(v.digits(), 64)
			x = float32(exact - shift)
		}
	}
	switch {
	case err == nil && !math.IsInf(float64(x), 0):
		return x, exact, nil
	case v.kind == textKind && table.IsMissing(v.text):
		return float32(math.NaN()), 0, nil
	case math.IsInf(float64(x), 0):
		return 0, 0, outOfRange(v.appendText(nil))
	}
	return 0, 0, fmt.Errorf("%s is not a number", table.Excerpt(bytes.TrimSpace(v.text)))
}

// roundedNote is about whole numbers that float64 does not hold.
const roundedNote = "whole numbers beyond 9007199254740992 (2^53) are rounded, so that some are no longer told apart (numbers less a constant are not)"

// isRounded reports whether x, as a whole number, may be another one that was rounded.
func isRounded(x float64) bool { return x >= table.ExactInt || x <= -table.ExactInt }

// holds reports whether x is v in full, if that is a whole number.
func (v *value) holds(x float64) bool {
	text := strings.TrimPrefix(string(v.appendText(nil)), "+")
	return strings.Trim(text, "-0123456789") != "" || strconv.FormatFloat(x, 'f', 0, 64) == text
}

func outOfRange(text []byte) error {
	return fmt.Errorf("%s is outside the range of a 32-bit float", table.Excerpt(text))
}
