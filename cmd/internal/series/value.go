package series

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// value is one field of a row: its text, or a number where the format is typed.
type value struct {
	text   []byte
	number float64
	kind   kind // a numberKind has a text where number is not all of it
}

type kind uint8

const (
	textKind   kind = iota // CSV fields, strings, JSON numbers as written
	numberKind             // numbers of formats with types; true and false of these and JSON, as 1 and 0 with their text
	nullKind               // an absent or null value
	oddKind                // text that has another decimal mark than the numbers of its column
)

var trueText, falseText = []byte("true"), []byte("false")

func boolean(b bool) value {
	if b {
		return value{kind: numberKind, number: 1, text: trueText}
	}
	return value{kind: numberKind, text: falseText}
}

// missing reports whether v stands for nothing measured: empty or one of the
// usual words for it, or NaN.
func (v value) missing() bool {
	switch v.kind {
	case nullKind:
		return true
	case numberKind:
		return math.IsNaN(v.number)
	}
	return missingText(bytes.TrimSpace(v.text))
}

// empty reports whether v is nothing but blanks.
func (v value) empty() bool {
	return v.kind == nullKind || v.kind != numberKind && len(bytes.TrimSpace(v.text)) == 0
}

// isNumber reports whether v is a number of any size, or would be with another decimal mark.
func (v value) isNumber() bool {
	if v.kind == textKind {
		_, err := parseNumber(v.text, 64)
		return err == nil || errors.Is(err, strconv.ErrRange)
	}
	return v.kind == numberKind || v.kind == oddKind
}

// float is v as a number.
func (v value) float() (x float64, ok bool) {
	switch v.kind {
	case numberKind:
		return v.number, v.number == v.number
	case textKind:
		x, err := parseNumber(v.text, 64)
		return x, err == nil && x == x
	}
	return 0, false
}

func missingText(text []byte) bool {
	if len(text) == 0 {
		return true
	}
	if c := text[0] | 0x20; len(text) > 4 || c != 'n' && c != '-' && c != '#' {
		return false
	}
	switch strings.ToLower(string(text)) {
	case "na", "nan", "-nan", "n/a", "#n/a", "null", "none":
		return true
	}
	return false
}

// appendText appends v as text: numbers in their shortest form, null as nothing.
func (v value) appendText(dst []byte) []byte {
	switch {
	case v.kind != numberKind || v.text != nil:
		return append(dst, v.text...)
	case v.number == math.Trunc(v.number) && math.Abs(v.number) <= exactInt:
		return strconv.AppendInt(dst, int64(v.number), 10)
	}
	return strconv.AppendFloat(dst, v.number, 'g', -1, 64)
}

// exactInt is where float64 ceases to hold every integer: the next one has the same float64.
const exactInt = 1 << 53

// feature returns v as float32, NaN when it is missing.
func (v value) feature() (float32, error) {
	switch v.kind {
	case nullKind:
		return float32(math.NaN()), nil
	case numberKind:
		if math.Abs(v.number) > math.MaxFloat32 {
			return 0, outOfRange(v.appendText(nil))
		}
		return float32(v.number), nil
	case oddKind:
		return 0, fmt.Errorf("%s has not the decimal mark of other numbers of its column, or may be read as two", excerpt(v.text))
	}
	x, err := parseFloat32(v.text)
	switch {
	case err == nil && !math.IsInf(float64(x), 0):
		return x, nil
	case missingText(bytes.TrimSpace(v.text)):
		return float32(math.NaN()), nil
	case math.IsInf(float64(x), 0):
		return 0, outOfRange(bytes.TrimSpace(v.text))
	}
	return 0, fmt.Errorf("%s is not a number", excerpt(bytes.TrimSpace(v.text)))
}

func outOfRange(text []byte) error {
	return fmt.Errorf("%s is outside the range of a 32-bit float", excerpt(text))
}
