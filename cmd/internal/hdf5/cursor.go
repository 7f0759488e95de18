package hdf5

import (
	"bytes"
	"encoding/binary"
)

// cursor reads numbers one after the other. Beyond its end it gives zeros and is no
// longer ok.
type cursor struct {
	data  []byte
	short bool
}

// at returns a cursor at an address of the file.
func (r *reader) at(address uint64) *cursor {
	if address > uint64(len(r.data)) {
		return &cursor{short: true}
	}
	return &cursor{data: r.data[address:]}
}

func (c *cursor) ok() bool  { return !c.short }
func (c *cursor) left() int { return len(c.data) }

func (c *cursor) fault() error {
	if c.short {
		return errDamaged
	}
	return nil
}

// bytes are the next n, nil where there are fewer.
func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.data) {
		c.data, c.short = nil, true
		return nil
	}
	b := c.data[:n:n]
	c.data = c.data[n:]
	return b
}

func (c *cursor) skip(n int) { c.bytes(n) }

// part is a cursor over the next n bytes.
func (c *cursor) part(n uint64) *cursor {
	if n > uint64(len(c.data)) {
		c.data, c.short = nil, true
	}
	return &cursor{data: c.bytes(int(n)), short: c.short}
}

// text is the text at an offset, which a zero ends.
func (c *cursor) text(offset uint64) string {
	if offset > uint64(len(c.data)) {
		c.short = true
		return ""
	}
	text, _, ended := bytes.Cut(c.data[offset:], []byte{0})
	if !ended {
		c.short = true
	}
	return string(text)
}

func (c *cursor) number(size int) uint64 {
	var b [8]byte
	copy(b[:], c.bytes(size))
	return binary.LittleEndian.Uint64(b[:])
}

func (c *cursor) u8() uint8   { return uint8(c.number(1)) }
func (c *cursor) u16() uint16 { return uint16(c.number(2)) }
func (c *cursor) u32() uint32 { return uint32(c.number(4)) }
func (c *cursor) u64() uint64 { return c.number(8) }
