package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidwall/gjson"
)

// jsonDecoder reads JSON lines. The first object names the columns; a later
// object may lack some (they are missing) and have others (they are not read).
type jsonDecoder struct {
	buf     *lineBuffer
	names   []string
	index   map[string]int
	seen    []int // the row that set a column last
	rows    int
	unknown *Warning
	na      *naValues
	answers []string // names that the answers are going to have
}

func newJSONDecoder(r io.Reader, o Options) (*jsonDecoder, error) {
	d := &jsonDecoder{buf: newLineBuffer(r), index: map[string]int{}, na: newNAValues(o.NAValues)}
	d.buf.skipBOM()
	object, err := d.peekObject()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	gjson.ParseBytes(object).ForEach(func(key, _ gjson.Result) bool {
		d.index[key.String()] = len(d.names)
		d.names = append(d.names, key.String())
		return true
	})
	d.seen = make([]int, len(d.names))
	return d, nil
}

func (d *jsonDecoder) columns() []string { return d.names }

func (d *jsonDecoder) sample(o Options) ([]profile, error) {
	rows, unknown := d.rows, d.unknown
	profiles, err := sampleLines(d, d.buf, o)
	d.rows, d.unknown = rows, unknown
	clear(d.seen)
	return profiles, err
}

// peekObject returns the next line that is not blank, a valid JSON object. It takes one
// that is none.
func (d *jsonDecoder) peekObject() ([]byte, error) {
	for {
		line, err := d.buf.peekLine(0)
		switch {
		case err == io.EOF:
			return nil, err
		case err != nil:
			return nil, &Error{Line: d.buf.line + 1, Err: err}
		}
		text := bytes.TrimSpace(line)
		if len(text) == 0 {
			d.buf.consume(len(line), 1)
			continue
		}
		if text[0] != '{' || tooDeep(text) || !gjson.ValidBytes(text) {
			err := fmt.Errorf("%s is not a JSON object on one line", excerpt(text))
			d.buf.consume(len(line), 1)
			return nil, &Error{Line: d.buf.line, Err: err, row: true}
		}
		return line, nil
	}
}

// tooDeep tells text that might nest deeper than a recursive parser can follow.
func tooDeep(text []byte) bool {
	const most = 1 << 20
	return len(text) > most && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > most
}

func (d *jsonDecoder) next(row []value, rec *record) (err error) {
	line, err := d.peekObject()
	if err != nil {
		return err
	}
	d.buf.consume(len(line), 1)
	d.rows++
	rec.text, rec.line = bytes.TrimSpace(line), d.buf.line
	for i := range row {
		row[i] = value{kind: nullKind}
	}
	gjson.ParseBytes(rec.text).ForEach(func(key, v gjson.Result) bool {
		i, known := d.index[key.Str]
		switch {
		case !known && slices.Contains(d.answers, key.Str):
			err = &Error{Line: rec.line, Column: key.Str, row: true,
				Err: errors.New("the first object has no such key, so the answers were to have it (--format csv leaves it out)")}
			return false
		case !known:
			d.noteUnknown(key.Str, rec.line)
			return true
		case d.seen[i] == d.rows:
			err = &Error{Line: rec.line, Column: key.Str, Err: errors.New("the object has this key twice"), row: true}
			return false
		}
		d.seen[i] = d.rows
		row[i] = jsonValue(v)
		return true
	})
	d.na.strike(row)
	return err
}

// jsonValue is a JSON value as a field: a number as it is written, a string's
// text, true and false as they are, arrays and objects as text.
func jsonValue(v gjson.Result) value {
	switch v.Type {
	case gjson.Null:
		return value{kind: nullKind}
	case gjson.True:
		return boolean(true)
	case gjson.False:
		return boolean(false)
	case gjson.String:
		return value{text: []byte(v.Str)}
	}
	return value{text: []byte(v.Raw)}
}

func (d *jsonDecoder) noteUnknown(key string, line int) {
	if d.unknown == nil {
		d.unknown = &Warning{Line: line, Column: key, Text: "the first object has no such key; it is not read"}
	}
}

func (d *jsonDecoder) split(r *record, row []value) {
	for i := range row {
		row[i] = value{kind: nullKind}
	}
	gjson.ParseBytes(r.text).ForEach(func(key, v gjson.Result) bool {
		if i, known := d.index[key.Str]; known {
			row[i] = jsonValue(v)
		}
		return true
	})
}

func (d *jsonDecoder) warnings() []Warning {
	if d.unknown == nil {
		return nil
	}
	return []Warning{*d.unknown}
}
