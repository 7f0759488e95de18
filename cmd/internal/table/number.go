package table

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// minus is the sign that typographers set in place of a hyphen.
var minus = []byte("\u2212")

// ParseFloat is strconv.ParseFloat of text with any minus, with exponents as Fortran has them and blanks around it, but no _ between digits.
func ParseFloat(text []byte, bits int) (float64, error) {
	if digits, decimals, ok := shortDecimal(text); ok && bits == 64 && (digits != 0 || text[0] != '-') {
		return float64(digits) / powers64[decimals], nil
	}
	if bytes.ContainsAny(text, "_:/") { // and not in times, whose errors take their time
		return 0, strconv.ErrSyntax
	}
	if bytes.Contains(text, minus) {
		text = bytes.ReplaceAll(text, minus, []byte("-"))
	}
	text = bytes.TrimSpace(text)
	x, err := strconv.ParseFloat(string(text), bits)
	if i := bytes.IndexAny(text, "dD"); err != nil && i > 0 && i+1 < len(text) && (text[i+1] == '+' || text[i+1] == '-') { // as Fortran writes exponents
		return strconv.ParseFloat(string(text[:i])+"e"+string(text[i+1:]), bits)
	}
	return x, err
}

// ParseNumber is a number as any format may have it: true is 1 and false is 0.
func ParseNumber(text []byte, bits int) (float64, error) {
	x, err := ParseFloat(text, bits)
	if err == nil {
		return x, nil
	}
	switch text = bytes.TrimSpace(text); {
	case strings.EqualFold(string(text), "true"):
		return 1, nil
	case strings.EqualFold(string(text), "false"):
		return 0, nil
	}
	return x, err
}

// ParseBoth is ParseNumber of 32 and of 64 bits. Plain short decimals such as -12.345, most of what a file holds,
// have a short way, which takes loading from 110 to 190 MB/s: they are told apart by 32 bits, of which the 64 then are.
func ParseBoth(text []byte) (float32, float64, error) {
	if digits, decimals, ok := shortDecimal(text); ok && digits < 1<<24 && digits > -1<<24 && decimals < len(powers32) {
		x := float32(digits) / powers32[decimals]
		if digits == 0 && text[0] == '-' {
			x = float32(math.Copysign(0, -1))
		}
		return x, float64(x), nil
	}
	x, err := ParseNumber(text, 64)
	if between := math.Float64bits(x)&(1<<29-1) == 1<<28; between || math.Abs(x) < 0x1p-126 { // where rounding twice may be seen
		near, err := ParseNumber(text, 32)
		return float32(near), x, err
	}
	return float32(x), x, err
}

// Powers of ten that the types hold exactly.
var (
	powers32 = [...]float32{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
	powers64 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
)

// shortDecimal parses up to 15 digits with an optional sign and point as an integer and a number of decimals. Where both
// that and the power of ten are exact in a type, their quotient is rounded once (Clinger 1990).
func shortDecimal(text []byte) (digits int64, decimals int, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	point, n := -1, 0
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			digits = digits*10 + int64(c-'0')
			n++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, 0, false
		}
	}
	if n == 0 || n > 15 {
		return 0, 0, false
	}
	if point >= 0 {
		decimals = len(text) - 1 - point
	}
	if negative {
		digits = -digits
	}
	return digits, decimals, true
}

// IsNumber reports whether text is a number of any size.
func IsNumber(text []byte) bool {
	_, err := ParseNumber(text, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// IsMissing reports whether text is empty or one of the usual words for nothing measured.
func IsMissing(text []byte) bool {
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return true
	}
	if c := text[0] | 0x20; len(text) > 4 || c != 'n' && c != '-' && c != '#' && text[0] != '\\' {
		return false
	}
	switch strings.ToLower(string(text)) {
	case "na", "nan", "nat", "-nan", "n/a", "#n/a", "null", "none", `\n`:
		return true
	}
	return false
}

// Shape is what the points and commas of a number can be.
type Shape uint8

const (
	NoMarks      Shape = iota // there are none, or it is no number
	DecimalPoint              // a decimal point, or commas between groups of three digits
	DecimalComma              // the reverse
	EitherPoint               // a point that may be either, as in 1.027
	EitherComma
)

// ShapeOf is the shape of a number such as -1,5e3 or 1.250,5.
func ShapeOf(text []byte) Shape {
	text = bytes.TrimSpace(text)
	text = bytes.TrimPrefix(text, minus)
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	var first, last byte // marks
	begin, run, marks, digits := 0, 0, 0, 0
	grouped := true // all marks but the last stand between groups
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			run++
			digits++
			continue
		case c == '.' || c == ',':
			if marks == 0 {
				first, begin = c, run
			} else if grouped = grouped && last == first && run == 3; !grouped {
				return NoMarks
			}
			last, run = c, 0
			marks++
			continue
		case c|0x20 == 'e' && digits > 0 && isExponent(text[i+1:]):
			run = -1 // so that the last mark is no group's
		default:
			return NoMarks
		}
		break
	}
	if marks == 0 || digits == 0 {
		return NoMarks
	}
	leading := begin >= 1 && begin <= 3 && text[0] != '0'
	switch {
	case marks == 1 && leading && run == 3:
		return shapeOfMark(last, EitherPoint, EitherComma)
	case marks == 1:
		return shapeOfMark(last, DecimalPoint, DecimalComma)
	case !leading || last == first && run != 3:
		return NoMarks
	case last == first: // all group
		return shapeOfMark(last, DecimalComma, DecimalPoint)
	}
	return shapeOfMark(last, DecimalPoint, DecimalComma)
}

func shapeOfMark(mark byte, point, comma Shape) Shape {
	if mark == '.' {
		return point
	}
	return comma
}

func isExponent(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	return len(text) > 0 && !slices.ContainsFunc(text, func(c byte) bool { return c-'0' > 9 })
}
