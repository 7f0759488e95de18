// Package pack writes what a stream knows as bytes, and reads it: one function for both names the
// parts, so that they cannot differ.
package pack

import (
	"encoding/binary"
	"errors"
	"math"
)

// Coder writes values, or reads them in the same order.
type Coder struct {
	text    []byte
	reading bool
	err     error
}

// NewReader returns a Coder that reads text.
func NewReader(text []byte) *Coder { return &Coder{text: text, reading: true} }

// Bytes is what was written.
func (c *Coder) Bytes() []byte { return c.text }

// Err is what is wrong with the text, nil if all of it has been read, and fits.
func (c *Coder) Err() error {
	if c.err == nil && c.reading && len(c.text) > 0 {
		return errDamaged
	}
	return c.err
}

var errDamaged = errors.New("the state is damaged, or that of another model")

// Want has the text be damaged unless something holds.
func (c *Coder) Want(holds bool) {
	if !holds {
		c.err = errDamaged
	}
}

// Uint64 codes a value.
func (c *Coder) Uint64(v *uint64) {
	switch {
	case !c.reading:
		c.text = binary.LittleEndian.AppendUint64(c.text, *v)
	case c.err != nil || len(c.text) < 8:
		c.err = errDamaged
	default:
		*v, c.text = binary.LittleEndian.Uint64(c.text), c.text[8:]
	}
}

// Int codes a value, 0 or more.
func (c *Coder) Int(v *int) {
	u := uint64(*v)
	c.Uint64(&u)
	if c.Want(u <= math.MaxInt32); c.err == nil {
		*v = int(u)
	}
}

// Bool codes a value.
func (c *Coder) Bool(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	c.Int(&n)
	*v = n == 1
}

// Float64 codes a value.
func (c *Coder) Float64(v *float64) {
	u := math.Float64bits(*v)
	c.Uint64(&u)
	*v = math.Float64frombits(u)
}

// Float32 codes a value.
func (c *Coder) Float32(v *float32) {
	n := int(math.Float32bits(*v))
	u := uint64(n)
	c.Uint64(&u)
	*v = math.Float32frombits(uint32(u))
}

// Slice codes the length of a slice, and its elements one by one.
func Slice[T any](c *Coder, s *[]T, element func(*T)) {
	n := len(*s)
	c.Int(&n)
	if c.reading {
		if c.Want(n <= len(c.text)); c.err != nil { // an element takes a byte at least
			return
		}
		*s = make([]T, n)
	}
	for i := range *s {
		element(&(*s)[i])
	}
}
