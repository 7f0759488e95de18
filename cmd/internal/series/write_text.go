package series

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// csvEncoder writes CSV or TSV. Rows read in the same format keep their text.
type csvEncoder struct {
	w     *bufio.Writer
	comma byte
	line  []byte
	split func(*record, []value) // nil when rows keep their text
	row   []value

	labels [][]byte // [C] the classes' names as fields, each with the comma behind
	none   []byte   // the fields of a row without an answer
}

func newCSVEncoder(w *bufio.Writer, comma byte, r *Reader, a Answers) (*csvEncoder, error) {
	e := &csvEncoder{w: w, comma: comma}
	for _, name := range a.Classes {
		e.appendText(name)
		e.labels, e.line = append(e.labels, e.line), nil
	}
	names := a.columns(r.Columns())
	e.none = bytes.Repeat([]byte{comma}, len(names)-1)
	d, text := r.decoder.(*csvDecoder)
	e.resume(r)
	if e.split == nil {
		e.line = append(append(e.line, d.header...), comma)
	} else {
		for _, name := range r.Columns() {
			e.appendText(name)
		}
	}
	if text && d.header == nil { // what has no header gets none
		return e, nil
	}
	for _, name := range names {
		e.appendText(name)
	}
	e.line = e.line[:len(e.line)-1] // without the last comma
	return e, e.endLine()
}

func (e *csvEncoder) resume(r *Reader) bool {
	e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
	if d, text := r.decoder.(*csvDecoder); text && d.comma == e.comma {
		e.split = nil
	}
	return true
}

func (e *csvEncoder) write(r *record, a answer) error {
	e.line = e.line[:0]
	if e.split == nil {
		e.line = append(append(e.line, r.text...), e.comma)
	} else {
		e.split(r, e.row)
		for _, v := range e.row {
			e.appendField(v)
		}
	}
	if !a.known {
		e.line = append(e.line, e.none...)
		return e.endLine()
	}
	e.line = append(e.line, e.labels[a.label]...)
	commas := slices.Contains(r.marks, ',')
	e.appendNumber(a.probability, commas)
	for _, p := range a.probabilities {
		e.line = append(e.line, e.comma)
		e.appendNumber(p, commas)
	}
	return e.endLine()
}

// appendNumber appends x with the decimal mark that the row has.
func (e *csvEncoder) appendNumber(x float32, commas bool) {
	from := len(e.line)
	e.line = strconv.AppendFloat(e.line, float64(x), 'g', -1, 32)
	if !commas || e.split != nil {
		return
	}
	if i := bytes.IndexByte(e.line[from:], '.'); i >= 0 {
		e.line[from+i] = ','
	}
}

// appendText is appendField of a text.
func (e *csvEncoder) appendText(text string) { e.appendField(value{text: []byte(text)}) }

// appendField appends v, quoted if need be, and a comma.
func (e *csvEncoder) appendField(v value) {
	from := len(e.line)
	e.line = v.appendText(e.line)
	text := e.line[from:]
	if bytes.IndexByte(text, e.comma) >= 0 || bytes.ContainsAny(text, "\"\r\n") {
		quoted := bytes.ReplaceAll(text, []byte(`"`), []byte(`""`))
		e.line = append(append(append(e.line[:from], '"'), quoted...), '"')
	}
	e.line = append(e.line, e.comma)
}

func (e *csvEncoder) endLine() error {
	e.line = append(e.line, '\n')
	_, err := e.w.Write(e.line)
	return err
}

func (e *csvEncoder) close() error { return nil }

// jsonEncoder writes JSON lines. Rows read as JSON keep their text.
type jsonEncoder struct {
	w     *bufio.Writer
	line  []byte
	keys  [][]byte               // each column's `"name":`
	split func(*record, []value) // nil when rows keep their text
	row   []value

	answers []string // predicted_label and so on
	names   [][]byte // `"predicted_label":` and so on
	labels  [][]byte // [C] the classes' names as JSON
}

func newJSONEncoder(w *bufio.Writer, r *Reader, a Answers) *jsonEncoder {
	e := &jsonEncoder{w: w, labels: jsonLabels(a), answers: a.columns(r.Columns())}
	for _, name := range e.answers {
		e.names = append(e.names, jsonKey(name))
	}
	for _, name := range r.Columns() {
		e.keys = append(e.keys, jsonKey(name))
	}
	e.resume(r)
	return e
}

func (e *jsonEncoder) resume(r *Reader) bool {
	e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
	if r.Format() == JSONL {
		e.split = nil
		r.reserve(e.answers)
	}
	return true
}

// jsonLabels are the classes' names as JSON: integers and booleans, if all of them are, or
// strings.
func jsonLabels(a Answers) [][]byte {
	bare := a.integers() || slices.Equal(a.Classes, []string{"false", "true"})
	var labels [][]byte
	for _, name := range a.Classes {
		if bare {
			labels = append(labels, []byte(name))
		} else {
			labels = append(labels, gjson.AppendJSONString(nil, name))
		}
	}
	return labels
}

func jsonKey(name string) []byte { return append(gjson.AppendJSONString(nil, name), ':') }

func (e *jsonEncoder) write(r *record, a answer) error {
	if e.split == nil {
		e.line = append(e.line[:0], bytes.TrimRight(r.text[:len(r.text)-1], " \t\r")...)
	} else {
		e.appendFields(r)
	}
	if len(e.line) > 1 {
		e.line = append(e.line, ',')
	}
	e.appendAnswer(a)
	e.line = append(e.line, '}', '\n')
	_, err := e.w.Write(e.line)
	return err
}

func (e *jsonEncoder) appendAnswer(a answer) {
	for i, name := range e.names {
		if i > 0 {
			e.line = append(e.line, ',')
		}
		e.line = append(e.line, name...)
		switch {
		case !a.known:
			e.line = append(e.line, "null"...)
		case i == 0:
			e.line = append(e.line, e.labels[a.label]...)
		case i == 1:
			e.line = strconv.AppendFloat(e.line, float64(a.probability), 'g', -1, 32)
		default:
			e.line = strconv.AppendFloat(e.line, float64(a.probabilities[i-2]), 'g', -1, 32)
		}
	}
}

// appendFields sets line to an object, still open, of a row that was read in
// another format.
func (e *jsonEncoder) appendFields(r *record) {
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

func (e *jsonEncoder) close() error { return nil }
