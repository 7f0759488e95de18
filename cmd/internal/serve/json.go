package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// parser reads JSON whose bulk is numbers, with the tokens NaN, Infinity and -Infinity that
// Python and TensorFlow Serving write, too.
type parser struct {
	text []byte
	at   int
}

// fault is the error of text that is not JSON.
func (p *parser) fault(format string, args ...any) error {
	return engine.Errorf(engine.Invalid, "JSON Parse error: %s at offset: %d", fmt.Sprintf(format, args...), p.at)
}

// peek is the next byte that is no space, 0 at the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte that is no space if it is c.
func (p *parser) take(c byte) bool {
	if p.peek() != c || c == 0 {
		return false
	}
	p.at++
	return true
}

// want takes a byte.
func (p *parser) want(c byte) error {
	if !p.take(c) {
		if p.at == len(p.text) {
			return p.fault("the text ends where %q is missing", c)
		}
		return p.fault("%q is missing before %q", c, p.text[p.at])
	}
	return nil
}

// end wants nothing more.
func (p *parser) end() error {
	if p.peek() != 0 || p.at < len(p.text) {
		return p.fault("there is more after the end")
	}
	return nil
}

// list takes what lies between two brackets, element by element.
func (p *parser) list(open, end byte, element func(i int) error) error {
	if err := p.want(open); err != nil {
		return err
	}
	if p.take(end) {
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		if p.take(end) {
			return nil
		}
		if err := p.want(','); err != nil {
			return err
		}
	}
}

// object takes an object, field by field.
func (p *parser) object(field func(key string) error) error {
	return p.list('{', '}', func(int) error {
		key, err := p.string()
		if err == nil {
			err = p.want(':')
		}
		if err != nil {
			return err
		}
		return field(key)
	})
}

// string takes a string.
func (p *parser) string() (text string, err error) {
	if p.peek() != '"' {
		return "", p.fault("a string is missing")
	}
	from := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
		case '"':
			p.at++
			if err := json.Unmarshal(p.text[from:p.at], &text); err != nil {
				p.at = from
				return "", p.fault("not a string")
			}
			return text, nil
		}
	}
	p.at = from
	return "", p.fault("the string has no end")
}

// boolean takes true or false.
func (p *parser) boolean() (bool, error) {
	value, err := p.value()
	if err != nil {
		return false, err
	}
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, p.fault("neither true nor false")
}

// value takes any value, and returns its text.
func (p *parser) value() ([]byte, error) {
	p.peek()
	d := json.NewDecoder(bytes.NewReader(p.text[p.at:]))
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return nil, p.fault("%v", err)
	}
	p.at += int(d.InputOffset())
	return value, nil
}

// words are numbers that JSON does not have; null is a value that is missing.
var words = map[string]float64{
	"NaN": math.NaN(), "null": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
}

// number takes a number. One that is too large is infinite.
func (p *parser) number() (float64, error) {
	p.peek()
	rest := p.text[p.at:]
	if n := numberLength(rest); n > 0 {
		p.at += n
		v, _ := strconv.ParseFloat(string(rest[:n]), 64) // infinite where it has an error
		return v, nil
	}
	for word, v := range words {
		if bytes.HasPrefix(rest, []byte(word)) {
			p.at += len(word)
			return v, nil
		}
	}
	if len(rest) == 0 {
		return 0, p.fault("the text ends where a number is missing")
	}
	value, err := p.value()
	if err == nil {
		err = engine.Errorf(engine.Invalid, "JSON Value: %.40s Is not a number", value)
	}
	return 0, err
}

// numberLength is the length of the number, as JSON has it, that text begins with, 0 if it does
// not.
func numberLength(text []byte) int {
	n := 0
	digits := func() bool {
		from := n
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		return n > from
	}
	has := func(any string) bool {
		if n < len(text) && strings.IndexByte(any, text[n]) >= 0 {
			n++
			return true
		}
		return false
	}
	has("-")
	if !has("0") && !digits() {
		return 0
	}
	if has(".") && !digits() {
		return 0
	}
	if has("eE") {
		has("+-")
		if !digits() {
			return 0
		}
	}
	return n
}

// appendFloat appends a number as TensorFlow Serving writes it: the shortest that reads back the
// same, with a point or an exponent.
func appendFloat(dst []byte, v float32) []byte {
	at := len(dst)
	dst = strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	if !bytes.ContainsAny(dst[at:], ".eNI") {
		dst = append(dst, '.', '0')
	}
	return dst
}

// appendList appends n elements in brackets.
func appendList(dst []byte, n int, element func(dst []byte, i int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, i)
	}
	return append(dst, ']')
}

// quoted is a text as JSON has it.
func quoted(text string) []byte {
	q, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails
	}
	return q
}
