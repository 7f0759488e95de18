package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidwall/gjson"
)

// jsonDecoder reads JSON lines, or an array of objects as if each were a line. The first object names the columns; a later
// object may lack some (they are missing) and have others (they are not read, but with Options.AllKeys).
type jsonDecoder struct {
	layout
	buf      *lineBuffer
	index    map[string]int
	all      bool
	unknown  []lateKey // that are not read
	late     []lateKey // likewise, of the objects that have been peeked at
	reserved []string  // names of the columns that are put behind the text
	fields   []span    // of the last row
}

// lateKey is a key that the first object does not have, and the line of the first one that has it.
type lateKey struct {
	name string
	line int
}

// unset is the span of a key that an object does not have.
var unset = span{2, 0}

func newJSONDecoder(s *source, o Options) (*jsonDecoder, error) {
	d := &jsonDecoder{buf: newLineBuffer(records(s.body)), index: map[string]int{}, all: o.AllKeys, layout: layout{format: s.format}}
	d.buf.skipBOM()
	_, object, err := d.peekObject()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	longest := int64(0)
	eachField(gjson.ParseBytes(object), "", nestedMost, func(key string, v gjson.Result) bool {
		inner, n := v.Get("0"), v.Get("#").Int()
		within := inner.IsObject() || inner.IsArray()
		if more := v.IsArray() && (n > longest || n == longest && within); more && (within || n > 1) {
			switch longest = n; {
			case inner.IsObject():
				err = fmt.Errorf("the only object has rows in it, in %q (jq -c '.%s[]' makes lines of them)", key, key)
			case inner.IsArray():
				err = fmt.Errorf("the only object has rows in it, as arrays in %q (jq -r '.%s[]|@csv' makes CSV of them, for Options.NoHeader)", key, key)
			default:
				err = fmt.Errorf("the only object has columns in it, as arrays such as %q (jq -r 'keys_unsorted,([.[]]|transpose[])|@csv' makes CSV of them)", key)
			}
		}
		d.addColumn(key)
		return true
	})
	if err == nil && ofRows(object) {
		err = errors.New("the only object has columns in it, with a key for each row, as pandas writes them (to_json with orient=\"records\" writes rows)")
	}
	if err != nil && d.alone(o.Follow) {
		return nil, &Error{Line: 1, Err: err}
	}
	return d, nil
}

// ofRows reports whether an object has nothing but objects, with the same keys.
func ofRows(object []byte) bool {
	first, same := "", true
	count := 0
	gjson.ParseBytes(object).ForEach(func(_, column gjson.Result) bool {
		keys := column.Get("@keys").Raw
		if count++; count == 1 {
			first = keys
		}
		same = same && column.IsObject() && keys == first
		return same
	})
	return same && count > 1 && gjson.Get(first, "#").Int() > 1
}

// alone reports whether no object follows the first one, as far as has arrived.
func (d *jsonDecoder) alone(arrived bool) bool {
	defer d.buf.hold()()
	if line, _, err := d.peekObject(); err == nil {
		d.buf.consume(len(line), 1)
	}
	_, _, err := d.peekObject()
	return !arrived && err == io.EOF
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
	defer func() { d.late, d.unknown = d.unknown, before }()
	return peekLines(d, b, most, arrived)
}

// peekObject returns the next line that is not blank, and the JSON object in it. It takes one that has none.
func (d *jsonDecoder) peekObject() (line, object []byte, err error) {
	for {
		line, err := d.buf.peekLine(0)
		switch {
		case err == io.EOF:
			return nil, nil, err
		case err != nil:
			return nil, nil, &Error{Line: d.buf.line + 1, Err: err}
		}
		text := bytes.TrimSuffix(bytes.Trim(line, " \t\r\n\v\f\x00\x1a\x1e"), []byte(",")) // what some put around objects
		if len(text) == 0 {
			d.buf.consume(len(line), 1)
			continue
		}
		object := text
		valid := text[0] == '{' && !tooDeep(text)
		if valid && !gjson.ValidBytes(object) {
			object = standard(text)
			valid = gjson.ValidBytes(object)
		}
		if !valid {
			err := fmt.Errorf("%s is not a JSON object on one line (jq -c . writes them so)", Excerpt(text))
			d.buf.consume(len(line), 1)
			return nil, nil, &Error{Line: d.buf.line, Err: err, Row: true}
		}
		return line, object, nil
	}
}

// wordOfNumber is what JSON does not have and many write, and what stands for it.
type wordOfNumber struct{ word, number string }

var wordsOfNumbers = []wordOfNumber{{"NaN", "null"}, {"-Infinity", `"-Infinity"`}, {"Infinity", `"Infinity"`}}

// standard is text with numbers that are words as JSON has them.
func standard(text []byte) []byte {
	out := make([]byte, 0, len(text)+16)
	for i := 0; i < len(text); i++ {
		if text[i] == '"' {
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(text)-1)
			out, i = append(out, text[i:end+1]...), end
			continue
		}
		at := slices.IndexFunc(wordsOfNumbers, func(w wordOfNumber) bool { return bytes.HasPrefix(text[i:], []byte(w.word)) })
		if at < 0 {
			out = append(out, text[i])
			continue
		}
		out = append(out, wordsOfNumbers[at].number...)
		i += len(wordsOfNumbers[at].word) - 1
	}
	return out
}

// tooDeep tells text that might nest deeper than a recursive parser can follow.
func tooDeep(text []byte) bool {
	const most = 1 << 20
	return len(text) > most && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > most
}

func (d *jsonDecoder) row(b *Batch) error {
	line, object, err := d.peekObject()
	if err != nil {
		return err
	}
	before := len(b.text)
	row := b.append(object)
	d.buf.consume(len(line), 1)
	d.fields = d.fields[:0]
	for range d.names {
		d.fields = append(d.fields, unset)
	}
	eachField(gjson.ParseBytes(object), "", nestedMost, func(key string, v gjson.Result) bool {
		err = d.field(b, key, v)
		return err == nil
	})
	if err != nil {
		b.text = b.text[:before]
		return err
	}
	b.add(row, d.fields, d.buf.line)
	return nil
}

// nestedMost is how many levels of objects are columns of their own.
const nestedMost = 8

// eachField calls f for the fields of an object and, with a point between names, of objects some levels within, until it
// returns false.
func eachField(object gjson.Result, prefix string, levels int, f func(key string, v gjson.Result) bool) bool {
	goOn := true
	object.ForEach(func(key, v gjson.Result) bool {
		if v.IsObject() && levels > 0 {
			goOn = eachField(v, prefix+key.Str+".", levels-1, f)
		} else {
			goOn = f(prefix+key.Str, v)
		}
		return goOn
	})
	return goOn
}

// field notes where the value of a key is: a number as it is written, a string's text, arrays and what is nested deeper as text.
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
	case !known && v.Type == gjson.Null: // perhaps in place of an object
		return nil
	case !known:
		if len(d.unknown) < mostUnknown && !slices.ContainsFunc(d.unknown, func(k lateKey) bool { return k.name == key }) {
			d.unknown = append(d.unknown, lateKey{key, d.buf.line})
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
	if len(d.unknown) == 0 {
		return nil
	}
	var names []string
	for _, k := range d.unknown {
		names = append(names, k.name)
	}
	return []Warning{{Line: d.unknown[0].line, Text: "keys that the first object does not have are not read: " + List(names)}}
}

// mostUnknown is how many keys are remembered that are not read.
const mostUnknown = 1000

// records reads an array of JSON objects as a line for each, and other text as it is.
func records(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, blockSize)
	for n := 1; ; n++ {
		head, err := b.Peek(n)
		text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(utf8BOM)), " \t\r\n")
		if len(text) > 0 && text[0] == '[' {
			_, _ = b.Discard(n)
			return &arrayReader{r: b}
		}
		if err != nil || len(text) > 0 && !bytes.HasPrefix([]byte(utf8BOM), text) {
			return b
		}
	}
}

// arrayReader reads what follows the bracket that opens an array of objects, byte by byte: commas between objects as line
// feeds, and blanks in place of those that are there.
type arrayReader struct {
	r               io.Reader
	deep            int // brackets that are open
	quoted, escaped bool
	ended           bool
}

func (a *arrayReader) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	for i, c := range p[:n] {
		p[i] = a.next(c)
	}
	if err == io.EOF && !a.ended {
		err = errors.New("the array of objects has no end")
	}
	return n, err
}

func (a *arrayReader) next(c byte) byte {
	switch {
	case a.ended:
	case a.escaped:
		a.escaped = false
	case a.quoted && c == '\\':
		a.escaped = true
	case c == '"':
		a.quoted = !a.quoted
	case a.quoted:
	case c == '\n' || c == '\r':
		return ' '
	case c == '{' || c == '[':
		a.deep++
	case a.deep > 0 && (c == '}' || c == ']'):
		a.deep--
	case a.deep == 0 && c == ']':
		a.ended = true
		return '\n'
	case a.deep == 0 && c == ',':
		return '\n'
	}
	return c
}
