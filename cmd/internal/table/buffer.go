package table

import (
	"bytes"
	"fmt"
	"io"
)

// maxRecord bounds a row's text, so that an unclosed quote or a binary file
// does not fill the memory.
const maxRecord = 16 << 20

// lineBuffer hands out lines of a stream without copying them.
type lineBuffer struct {
	r        io.Reader
	buf      []byte
	pos, end int  // unread bytes are buf[pos:end]
	line     int  // number of lines consumed
	held     bool // keep consumed text, so that pos can be put back
	err      error
}

func newLineBuffer(r io.Reader) *lineBuffer {
	return &lineBuffer{r: r, buf: make([]byte, 2*blockSize)}
}

// peekLine returns the unread text up to and with the first line feed behind its
// first n bytes. At the end of the stream it returns the rest, and io.EOF when
// there is none behind n. The text is valid until the next call.
func (b *lineBuffer) peekLine(n int) ([]byte, error) {
	for searched := n; ; {
		if i := bytes.IndexByte(b.buf[b.pos+searched:b.end], '\n'); i >= 0 {
			return b.buf[b.pos : b.pos+searched+i+1], nil
		}
		searched = b.end - b.pos
		if b.err == nil {
			b.fill()
			continue
		}
		if b.err != io.EOF || searched == n {
			return b.buf[b.pos:b.end], b.err
		}
		return b.buf[b.pos:b.end], nil
	}
}

// ready reports whether peekLine(0) would return without reading.
func (b *lineBuffer) ready() bool {
	return b.err != nil || bytes.IndexByte(b.buf[b.pos:b.end], '\n') >= 0
}

// hold keeps what is consumed from here to the call of release, which puts it back.
func (b *lineBuffer) hold() (release func()) {
	pos, line := b.pos, b.line
	b.held = true
	return func() { b.pos, b.line, b.held = pos, line, false }
}

// crowded reports whether so much is held that no more lines should be looked at ahead.
func (b *lineBuffer) crowded() bool { return b.end > maxRecord/4 }

// goOn reports whether one more line may be looked at ahead; with arrived it must be there.
func (b *lineBuffer) goOn(arrived bool) bool { return !b.crowded() && (!arrived || b.ready()) }

// consume takes n bytes that hold the given number of lines.
func (b *lineBuffer) consume(n, lines int) {
	b.pos += n
	b.line += lines
}

// fill reads once.
func (b *lineBuffer) fill() {
	if b.pos > 0 && !b.held {
		b.end = copy(b.buf, b.buf[b.pos:b.end])
		b.pos = 0
	}
	if b.end == len(b.buf) {
		if len(b.buf) >= maxRecord {
			b.err = fmt.Errorf("a row is longer than %d MB (is a quote left open?)", maxRecord>>20)
			return
		}
		b.buf = append(b.buf, make([]byte, len(b.buf))...)
	}
	n, err := b.r.Read(b.buf[b.end:])
	b.end += n
	b.err = err
}

// skipBOM drops UTF-8 byte order marks at the start of the stream.
func (b *lineBuffer) skipBOM() {
	for text, _ := b.peekLine(0); bytes.HasPrefix(text, []byte(utf8BOM)); text = text[len(utf8BOM):] {
		b.pos += len(utf8BOM)
	}
}

// trimEOL cuts the line's end, LF or CRLF, off, as well as further carriage returns in front of it.
func trimEOL(line []byte) []byte {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
	}
	for n > 0 && line[n-1] == '\r' {
		n--
	}
	return line[:n]
}
