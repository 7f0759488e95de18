package table

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// csvEncoder writes CSV or TSV.
type csvEncoder struct {
	layout
	w     *bufio.Writer
	line  []byte
	words [][][]byte // of the extra columns, as fields
}

func newCSVEncoder(w *bufio.Writer, comma byte, r *Reader, extras []Extra) (*csvEncoder, error) {
	e := &csvEncoder{w: w, layout: layout{comma: comma}}
	for _, x := range extras {
		var words [][]byte
		for _, word := range x.Words {
			words = append(words, e.appendField(nil, 0, []byte(word)))
		}
		e.words = append(e.words, words)
	}
	of := r.layout()
	if of.text() && of.header == nil { // what has no header gets none
		return e, nil
	}
	if of.comma == comma {
		e.line = append(append(e.line, of.header...), comma)
	} else {
		for _, name := range of.names {
			e.field([]byte(name))
		}
	}
	for _, x := range extras {
		e.field([]byte(x.Name))
	}
	return e, e.endLine()
}

func (e *csvEncoder) accepts(*Reader) bool { return true }

func (e *csvEncoder) write(b *Batch, rows []int32, extras []Extra) error {
	echoes := e.echoes(b)
	for at, row := range rows {
		i := int(row)
		if echoes {
			e.line = append(append(e.line, b.row(i)...), e.comma)
		} else {
			for k := range b.Columns {
				from := len(e.line)
				e.line = b.Columns[k].AppendText(e.line, i)
				e.line = append(e.appendField(e.line[:from], from, e.line[from:]), e.comma)
			}
		}
		for k, x := range extras {
			switch {
			case x.Words != nil && x.Codes[at] >= 0:
				e.line = append(e.line, e.words[k][x.Codes[at]]...)
			case x.Words == nil && x.Numbers[at] == x.Numbers[at]:
				e.appendNumber(x.Numbers[at], echoes && b.DecimalComma)
			}
			e.line = append(e.line, e.comma)
		}
		if err := e.endLine(); err != nil {
			return err
		}
	}
	return nil
}

// appendNumber appends x with a decimal point or comma.
func (e *csvEncoder) appendNumber(x float32, comma bool) {
	from := len(e.line)
	e.line = strconv.AppendFloat(e.line, float64(x), 'g', -1, 32)
	if i := bytes.IndexByte(e.line[from:], '.'); comma && i >= 0 {
		e.line[from+i] = ','
	}
}

// field appends a field, and a comma, to the line.
func (e *csvEncoder) field(text []byte) {
	e.line = append(e.appendField(e.line, len(e.line), text), e.comma)
}

// appendField appends text, which may stand there already, quoted if need be, to what has the given length.
func (e *csvEncoder) appendField(dst []byte, from int, text []byte) []byte {
	if bytes.IndexByte(text, e.comma) < 0 && !bytes.ContainsAny(text, "\"\r\n") {
		return append(dst, text...)
	}
	quoted := bytes.ReplaceAll(text, []byte(`"`), []byte(`""`))
	return append(append(append(dst[:from], '"'), quoted...), '"')
}

// endLine writes the line, whose last comma is one too many.
func (e *csvEncoder) endLine() error {
	e.line[len(e.line)-1] = '\n'
	_, err := e.w.Write(e.line)
	e.line = e.line[:0]
	return err
}

func (e *csvEncoder) close() error { return nil }

// jsonEncoder writes JSON lines.
type jsonEncoder struct {
	layout
	w     *bufio.Writer
	line  []byte
	keys  [][]byte // each column's `"name":`
	names []string // of the extra columns
	extra [][]byte // their keys
	words [][][]byte
}

func newJSONEncoder(w *bufio.Writer, r *Reader, extras []Extra) *jsonEncoder {
	e := &jsonEncoder{w: w, layout: layout{format: JSONL}}
	for _, name := range r.Columns() {
		e.keys = append(e.keys, jsonKey(name))
	}
	for _, x := range extras {
		e.names, e.extra, e.words = append(e.names, x.Name), append(e.extra, jsonKey(x.Name)), append(e.words, jsonWords(x))
	}
	e.accepts(r)
	return e
}

func (e *jsonEncoder) accepts(r *Reader) bool {
	r.reserve(e.names)
	return true
}

// jsonWords are words as JSON: integers and booleans, if all of them are, or
// strings.
func jsonWords(x Extra) [][]byte {
	bare := x.integers() || slices.Equal(x.Words, []string{"false", "true"})
	var words [][]byte
	for _, word := range x.Words {
		if bare {
			words = append(words, []byte(word))
		} else {
			words = append(words, gjson.AppendJSONString(nil, word))
		}
	}
	return words
}

func jsonKey(name string) []byte { return append(gjson.AppendJSONString(nil, name), ':') }

func (e *jsonEncoder) write(b *Batch, rows []int32, extras []Extra) error {
	echoes := e.echoes(b)
	for at, row := range rows {
		if echoes {
			text := b.row(int(row))
			e.line = append(e.line[:0], bytes.TrimRight(text[:len(text)-1], " \t\r")...)
			if len(e.line) > 1 {
				e.line = append(e.line, ',')
			}
		} else {
			e.appendFields(b, int(row))
		}
		for k, x := range extras {
			e.line = append(e.line, e.extra[k]...)
			switch {
			case x.Words != nil && x.Codes[at] >= 0:
				e.line = append(e.line, e.words[k][x.Codes[at]]...)
			case x.Words == nil && x.Numbers[at] == x.Numbers[at]:
				e.line = strconv.AppendFloat(e.line, float64(x.Numbers[at]), 'g', -1, 32)
			default:
				e.line = append(e.line, "null"...)
			}
			e.line = append(e.line, ',')
		}
		e.line = append(e.line[:len(e.line)-1], '}', '\n')
		if _, err := e.w.Write(e.line); err != nil {
			return err
		}
	}
	return nil
}

// appendFields sets line to an object, still open, of a row that was read in
// another format.
func (e *jsonEncoder) appendFields(b *Batch, i int) {
	var scratch []byte
	e.line = append(e.line[:0], '{')
	for k := range b.Columns {
		scratch = b.Columns[k].AppendText(scratch[:0], i)
		e.line = append(appendJSON(append(e.line, e.keys[k]...), scratch), ',')
	}
}

// appendJSON appends text as JSON: null where it is empty, a number where JSON can
// write it so, else a string.
func appendJSON(dst, text []byte) []byte {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return append(dst, "null"...)
	case isJSONNumber(text):
		return append(dst, text...)
	}
	return gjson.AppendJSONString(dst, string(text))
}

func isJSONNumber(text []byte) bool {
	return (text[0] == '-' || text[0]-'0' <= 9) && gjson.ValidBytes(text) && text[len(text)-1]-'0' <= 9
}

func (e *jsonEncoder) close() error { return nil }
