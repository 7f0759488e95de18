package series

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"strconv"

	"github.com/tidwall/gjson"
)

// csvEncoder writes CSV or TSV. Rows read in the same format keep their text.
type csvEncoder struct {
	w      *bufio.Writer
	comma  byte
	line   []byte
	split  func(record, []value) // nil when rows keep their text
	row    []value
	quoter *csv.Writer
	fields []string
}

func newCSVEncoder(w *bufio.Writer, comma byte, r *Reader, names [2]string) (*csvEncoder, error) {
	e := &csvEncoder{w: w, comma: comma}
	if d, same := r.decoder.(*csvDecoder); same && d.comma == comma {
		e.line = append(e.line, d.header...)
		for _, name := range names {
			e.line = append(append(e.line, comma), name...)
		}
		return e, e.endLine()
	}
	e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
	e.quoter = csv.NewWriter(w)
	e.quoter.Comma = rune(comma)
	return e, e.quoter.Write(append(append(e.fields, r.Columns()...), names[:]...))
}

func (e *csvEncoder) write(r record, a answer) error {
	if e.split != nil {
		return e.writeFields(r, a)
	}
	e.line = append(append(e.line[:0], r.text...), e.comma)
	if a.known {
		e.line = strconv.AppendFloat(e.line, float64(a.probability), 'g', -1, 32)
	}
	e.line = append(e.line, e.comma)
	if a.known {
		e.line = append(e.line, '0'+byte(a.label))
	}
	return e.endLine()
}

func (e *csvEncoder) endLine() error {
	e.line = append(e.line, '\n')
	_, err := e.w.Write(e.line)
	return err
}

// writeFields writes a row that was read in another format.
func (e *csvEncoder) writeFields(r record, a answer) error {
	e.split(r, e.row)
	e.fields = e.fields[:0]
	for _, v := range e.row {
		e.fields = append(e.fields, string(v.appendText(nil)))
	}
	probability, label := "", ""
	if a.known {
		probability = strconv.FormatFloat(float64(a.probability), 'g', -1, 32)
		label = strconv.Itoa(int(a.label))
	}
	return e.quoter.Write(append(e.fields, probability, label))
}

func (e *csvEncoder) flush() error {
	if e.quoter == nil {
		return nil
	}
	e.quoter.Flush()
	return e.quoter.Error()
}

func (e *csvEncoder) close() error { return e.flush() }

// jsonEncoder writes JSON lines. Rows read as JSON keep their text.
type jsonEncoder struct {
	w     *bufio.Writer
	line  []byte
	keys  [][]byte              // each column's `"name":`
	split func(record, []value) // nil when rows keep their text
	row   []value
	names [2][]byte // `"probability":` and `"label":`
}

func newJSONEncoder(w *bufio.Writer, r *Reader, names [2]string) *jsonEncoder {
	e := &jsonEncoder{w: w, names: [2][]byte{jsonKey(names[0]), jsonKey(names[1])}}
	if r.Format() == JSONL {
		return e
	}
	e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
	for _, name := range r.Columns() {
		e.keys = append(e.keys, jsonKey(name))
	}
	return e
}

func jsonKey(name string) []byte { return append(gjson.AppendJSONString(nil, name), ':') }

func (e *jsonEncoder) write(r record, a answer) error {
	if e.split == nil {
		e.line = append(e.line[:0], bytes.TrimRight(r.text[:len(r.text)-1], " \t\r")...)
	} else {
		e.appendFields(r)
	}
	if len(e.line) > 1 {
		e.line = append(e.line, ',')
	}
	e.line = append(e.line, e.names[0]...)
	if a.known {
		e.line = strconv.AppendFloat(e.line, float64(a.probability), 'g', -1, 32)
	} else {
		e.line = append(e.line, "null"...)
	}
	e.line = append(append(e.line, ','), e.names[1]...)
	if a.known {
		e.line = append(e.line, '0'+byte(a.label))
	} else {
		e.line = append(e.line, "null"...)
	}
	e.line = append(e.line, '}', '\n')
	_, err := e.w.Write(e.line)
	return err
}

// appendFields sets line to an object, still open, of a row that was read in
// another format.
func (e *jsonEncoder) appendFields(r record) {
	e.split(r, e.row)
	e.line = append(e.line[:0], '{')
	for i, v := range e.row {
		if i > 0 {
			e.line = append(e.line, ',')
		}
		e.line = appendJSON(append(e.line, e.keys[i]...), v)
	}
}

// appendJSON appends v as JSON: null where it is empty, a number where JSON can
// write it so, else a string.
func appendJSON(dst []byte, v value) []byte {
	switch {
	case v.empty():
		return append(dst, "null"...)
	case isJSONNumber(v.text):
		return append(dst, v.text...)
	}
	return gjson.AppendJSONString(dst, string(v.text))
}

func isJSONNumber(text []byte) bool {
	return (text[0] == '-' || text[0]-'0' <= 9) && gjson.ValidBytes(text) && text[len(text)-1]-'0' <= 9
}

func (e *jsonEncoder) flush() error { return nil }
func (e *jsonEncoder) close() error { return nil }
