package table

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var utf16BOMs = [][]byte{{0xff, 0xfe}, {0xfe, 0xff}}

// isUTF16 tells UTF-16 by the byte order mark that a file begins with.
func isUTF16(head []byte) bool {
	return bytes.HasPrefix(head, utf16BOMs[0]) || bytes.HasPrefix(head, utf16BOMs[1])
}

// fromUTF16 reads UTF-16 with a byte order mark as UTF-8.
func fromUTF16(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
}

// utf8Reader reads text as UTF-8: what is none is taken as windows-1252, which is Latin-1
// with more characters. Text of more than one byte a character can hardly be taken for the
// other encoding.
type utf8Reader struct {
	r       io.Reader
	cut     []byte // the beginning of a character whose end has not been read
	rest    []byte // converted, not handed out yet
	buf     []byte // of rest
	err     error  // behind rest
	foreign bool   // some was no UTF-8
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(p)
		if len(u.cut) == 0 && utf8.Valid(p[:n]) { // nearly always
			return n, err
		}
		u.err = err
		u.convert(append(u.cut, p[:n]...))
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// convert sets rest to text as UTF-8, and cut to what is left for the next time.
func (u *utf8Reader) convert(text []byte) {
	u.buf, u.cut = u.buf[:0], nil
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			if u.err == nil && !utf8.FullRune(text) {
				u.cut = text
				break
			}
			r, u.foreign = charmap.Windows1252.DecodeByte(text[0]), true
		}
		u.buf, text = utf8.AppendRune(u.buf, r), text[size:]
	}
	u.rest = u.buf
}
