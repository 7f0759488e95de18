package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidwall/gjson"
)

// jsonDecoder reads JSON lines. The first object names the columns; a later
// object may lack some (they are missing) and have others (they are not read, but with Options.AllKeys).
type jsonDecoder struct {
	layout
	buf      *lineBuffer
	index    map[string]int
	all      bool
	unknown  *Warning
	reserved []string // names of the columns that are put behind the text
	fields   []span   // of the last row
}

// unset is the span of a key that an object does not have.
var unset = span{2, 0}

func newJSONDecoder(s *source, o Options) (*jsonDecoder, error) {
	d := &jsonDecoder{buf: newLineBuffer(s.body), index: map[string]int{}, all: o.AllKeys, layout: layout{format: s.format}}
	d.buf.skipBOM()
	object, err := d.peekObject()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	gjson.ParseBytes(object).ForEach(func(key, _ gjson.Result) bool {
		d.addColumn(key.Str)
		return true
	})
	return d, nil
}

func (d *jsonDecoder) addColumn(name string) {
	d.index[name] = len(d.names)
	d.names, d.types = append(d.names, name), append(d.types, Text)
}

func (d *jsonDecoder) about() *layout                { return &d.layout }
func (d *jsonDecoder) lines() *lineBuffer            { return d.buf }
func (d *jsonDecoder) done() (part float64, ok bool) { return 0, false }

func (d *jsonDecoder) read(b *Batch, most int) error { return readLines(d, b, most) }

func (d *jsonDecoder) peek(b *Batch, most int, arrived bool) error {
	before := d.unknown
	defer func() { d.unknown = before }()
	return peekLines(d, b, most, arrived)
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
			err := fmt.Errorf("%s is not a JSON object on one line", Excerpt(text))
			d.buf.consume(len(line), 1)
			return nil, &Error{Line: d.buf.line, Err: err, Row: true}
		}
		return line, nil
	}
}

// tooDeep tells text that might nest deeper than a recursive parser can follow.
func tooDeep(text []byte) bool {
	const most = 1 << 20
	return len(text) > most && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > most
}

func (d *jsonDecoder) row(b *Batch) error {
	line, err := d.peekObject()
	if err != nil {
		return err
	}
	before := len(b.text)
	object := bytes.TrimSpace(line)
	row := b.append(object)
	d.buf.consume(len(line), 1)
	d.fields = d.fields[:0]
	for range d.names {
		d.fields = append(d.fields, unset)
	}
	gjson.ParseBytes(object).ForEach(func(key, v gjson.Result) bool {
		err = d.field(b, key.Str, v)
		return err == nil
	})
	if err != nil {
		b.text = b.text[:before]
		return err
	}
	b.add(row, d.fields, d.buf.line)
	return nil
}

// field notes where the value of a key is: a number as it is written, a string's text, arrays and objects as text.
func (d *jsonDecoder) field(b *Batch, key string, v gjson.Result) error {
	i, known := d.index[key]
	switch {
	case !known && slices.Contains(d.reserved, key):
		return &Error{Line: d.buf.line, Column: key, Row: true,
			Err: errors.New("the first object has no such key, so the answers were to have it (Writer.Format csv leaves it out)")}
	case !known && d.all:
		i = len(d.names)
		d.addColumn(key)
		b.Columns = append(b.Columns, Column{spans: slices.Repeat([]span{none}, b.Len())})
		d.fields = append(d.fields, unset)
	case !known:
		if d.unknown == nil {
			d.unknown = &Warning{Line: d.buf.line, Column: key, Text: "the first object has no such key; it is not read"}
		}
		return nil
	case d.fields[i] != unset:
		return &Error{Line: d.buf.line, Column: key, Row: true, Err: errors.New("the object has this key twice")}
	}
	switch v.Type {
	case gjson.Null:
		d.fields[i] = none
	case gjson.String:
		d.fields[i] = b.append([]byte(v.Str))
	default:
		d.fields[i] = b.append([]byte(v.Raw))
	}
	return nil
}

func (d *jsonDecoder) warnings() []Warning {
	if d.unknown == nil {
		return nil
	}
	return []Warning{*d.unknown}
}
