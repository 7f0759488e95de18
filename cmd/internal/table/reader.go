package table

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
)

// Options says how a file is written, and how it is to be read.
type Options struct {
	Format    Format   // "": by name, then by content
	Delimiter string   // the character between the fields of CSV, or "tab", or "blanks" for runs of these; "": as the first rows have it
	NoHeader  bool     // the first line of CSV and TSV is a row, and columns are called 1, 2 and so on
	SkipRows  int      // lines of CSV and TSV before all others that are not read
	Follow    bool     // look ahead only at rows that have arrived, beyond the first
	Twice     bool     // rows will be read twice, see Reader.Again: what is no regular file is copied to a temporary one before the first
	Wide      bool     // each row is a series, and rows are made of its steps
	Whole     bool     // of these, rows are read as they stand
	Keep      []string // columns that are no steps of these
	From      int      // the number of such series before the first, which other files have
	AllKeys   bool     // also the keys of later objects than the first are columns of JSON lines
}

// decoder reads the rows of one file, whatever its format.
type decoder interface {
	about() *layout
	// read appends up to so many rows to b, as far as there are any at once. Behind them it
	// returns io.EOF; other errors are complete but for the file's name.
	read(b *Batch, most int) error
	// peek is read of the first rows, which it leaves to be read, without those at fault. An error is of the first row.
	peek(b *Batch, most int, arrived bool) error
	// warnings are the oddities met so far.
	warnings() []Warning
	// done is the part of the rows read so far, if the file tells how many there are.
	done() (part float64, known bool)
}

// Reader reads a file.
type Reader struct {
	source  *source
	decoder decoder
	options Options
	failed  error // what comes behind the rows handed over
	doubled []Warning
}

// Open opens path, or stdin for Stdin, and reads what precedes the first row. The context
// ends reads that wait for input.
func Open(ctx context.Context, path string, stdin io.Reader, o Options) (*Reader, error) {
	source, err := openSource(ctx, path, stdin, o)
	if err != nil {
		return nil, err
	}
	return newReader(source, o)
}

// newReader closes the source if it fails.
func newReader(s *source, o Options) (*Reader, error) {
	if o.Wide && !o.Whole {
		s.wide, s.format = s.format, wide
	}
	r := &Reader{source: s, options: o}
	var err error
	if r.decoder, err = newDecoder(s, s.format, o); err != nil {
		s.Close()
		return nil, inFile(s.name, err)
	}
	r.doubled = r.layout().doubled()
	return r, nil
}

func newDecoder(s *source, f Format, o Options) (decoder, error) {
	switch f {
	case CSV, TSV:
		return newTextDecoder(s, o)
	case JSONL:
		return newJSONDecoder(s, o)
	}
	return newArrowDecoder(s, f, o)
}

// Again opens the file once more, to read the same rows from the first one on, if that was opened with
// Options.Twice. Close it before r. Rows that are series may be read as they stand.
func (r *Reader) Again(ctx context.Context, whole bool) (*Reader, error) {
	source, err := r.source.reopen(ctx)
	if err != nil {
		return nil, err
	}
	o := r.options
	o.Whole = whole
	again, err := newReader(source, o)
	if d, ok := r.decoder.(*jsonDecoder); ok && err == nil {
		again.reserve(d.reserved)
	}
	return again, err
}

// reserve has objects that bring a key of one of these names, which the first one has not,
// be at fault: the columns that are put behind their text have it.
func (r *Reader) reserve(names []string) {
	if d, ok := r.decoder.(*jsonDecoder); ok {
		d.reserved = names
	}
}

func (r *Reader) layout() *layout { return r.decoder.about() }

// Name is what messages call the file.
func (r *Reader) Name() string { return r.source.name }

// Format is the format of the file, found out or chosen.
func (r *Reader) Format() Format { return r.source.format }

// Columns names the columns, in the file's order.
func (r *Reader) Columns() []string { return r.layout().names }

// Doubled names the columns that cannot be told apart.
func (r *Reader) Doubled() (names []string) {
	for _, w := range r.doubled {
		names = append(names, w.Column)
	}
	return names
}

// Late is the line of the first object with a key that is no column, as the first object lacks it; 0 if none of the head has it.
func (r *Reader) Late(key string) int {
	if d, ok := r.decoder.(*jsonDecoder); ok {
		for _, k := range d.late {
			if k.name == key {
				return k.line
			}
		}
	}
	return 0
}

// Types are those of the columns.
func (r *Reader) Types() []Type { return r.layout().types }

// Units are those of the columns, if a first row says; nil if it does not.
func (r *Reader) Units() []string { return r.layout().units }

// RowNames reports whether the first column is names of rows that the header leaves out.
func (r *Reader) RowNames() bool { return r.layout().rowNames }

// Commas reports whether commas separate fields, so that others are in quotes alone.
func (r *Reader) Commas() bool { return r.layout().comma == ',' }

// Next fills b with up to so many rows. It returns io.EOF, and an empty batch, behind the last one; any other error
// comes when the rows before it have been handed over. Behind an Error of a row the file can be read on.
func (r *Reader) Next(b *Batch, most int) error {
	b.reset(r.layout())
	if r.failed == nil {
		r.failed = r.decoder.read(b, most)
		b.finish()
		if b.Len() > 0 {
			return nil
		}
	}
	err := inFile(r.source.name, r.failed)
	if OfRow(err) {
		r.failed = nil
	}
	return err
}

// Head fills b with the first rows, without those at fault, and leaves them to be read. It does not wait for
// later rows than the first with Options.Follow.
func (r *Reader) Head(b *Batch, most int) error {
	b.reset(r.layout())
	err := r.decoder.peek(b, most, r.options.Follow)
	b.finish()
	return inFile(r.source.name, err)
}

// finish tells columns where their text is.
func (b *Batch) finish() {
	for i := range b.Columns {
		if c := &b.Columns[i]; c.array == nil {
			c.text = b.text
		}
	}
}

// Progress is the part of the file read so far, 0 where that cannot be told precisely enough.
func (r *Reader) Progress() float64 {
	const ahead = 3 * blockSize // bytes used, but hardly parsed yet
	size, used := r.source.size, r.source.used.Load()
	part, known := r.decoder.done()
	if !known && used > min(max(size/20, 10*ahead), 40*ahead) {
		part = float64(used-ahead) / float64(size)
	}
	if part < 0.01 || part > 1 {
		return 0
	}
	return part
}

// Warnings lists the oddities met so far.
func (r *Reader) Warnings() []Warning {
	all := r.source.warnings()
	for _, w := range slices.Concat(r.doubled, r.decoder.warnings()) {
		w.File = r.source.name
		all = append(all, w)
	}
	return all
}

// Reads reports whether f is the regular file that r reads.
func (r *Reader) Reads(f *os.File) bool {
	file := cmp.Or(r.source.file, os.Stdin)
	is, err := file.Stat()
	other, otherErr := f.Stat()
	return err == nil && otherErr == nil && is.Mode().IsRegular() && os.SameFile(is, other)
}

// Close closes the file. It may be called at any time: a Next that waits for input then fails.
func (r *Reader) Close() error { return r.source.Close() }

// Dialect is how a file is written. Encoding is that of text, what follows is of CSV and TSV.
type Dialect struct {
	Format       Format      `json:"format"`
	Compression  Compression `json:"compression,omitempty"`
	Encoding     string      `json:"encoding,omitempty"`
	Delimiter    string      `json:"delimiter,omitempty"`
	Header       bool        `json:"header"`
	RowNames     bool        `json:"row_names"` // rows begin with a name that the header leaves out
	DecimalComma bool        `json:"decimal_comma"`
}

// Dialect is that of the file, as far as it has been read, but for the decimal comma.
func (r *Reader) Dialect() Dialect {
	s, l := r.source, r.layout()
	d := Dialect{Format: s.format, Compression: s.packed}
	if s.format.typed() {
		return d
	}
	d.Encoding = "UTF-8"
	switch {
	case s.utf16:
		d.Encoding = "UTF-16"
	case s.text.foreign:
		d.Encoding = "Latin-1"
	}
	if l.text() {
		d.Header, d.RowNames, d.Delimiter = l.header != nil, l.rowNames, string(l.comma)
	}
	return d
}

// File is a file that was read whole.
type File struct {
	Name     string // for messages
	Content  []byte // decompressed; text as UTF-8
	Warnings []Warning

	source source
}

// ReadFile reads a file, or standard input for Stdin.
func ReadFile(ctx context.Context, path string) (*File, error) {
	s, err := openSource(ctx, path, os.Stdin, Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f := &File{Name: s.name}
	if f.Content, err = io.ReadAll(s.body); err != nil {
		return nil, inFile(s.name, err)
	}
	if !s.format.typed() {
		f.Content = bytes.TrimPrefix(f.Content, []byte(utf8BOM))
	}
	f.Warnings = s.warnings()
	f.source = source{name: s.name, format: s.format, comma: s.comma}
	return f, nil
}

// Open reads the file as a table. There is nothing to be closed.
func (f *File) Open(o Options) (*Reader, error) {
	content := bytes.NewReader(f.Content)
	s := &source{name: f.Name, format: f.source.format, comma: f.source.comma, body: content, stored: content, size: content.Size(), plain: true, unwrap: func() {}}
	return newReader(s, o)
}

// lineDecoder is the part of a decoder of lines that is the same for all.
type lineDecoder interface {
	row(b *Batch) error // appends the next row
	lines() *lineBuffer
}

const batchText = 4 << 20 // bytes of a batch's text, about

// readLines is decoder.read for rows in lines.
func readLines(d lineDecoder, b *Batch, most int) error {
	for b.Len() < most && len(b.text) < batchText {
		if err := d.row(b); err != nil {
			return err
		}
	}
	return nil
}

// peekLines is decoder.peek for rows in lines.
func peekLines(d lineDecoder, b *Batch, most int, arrived bool) error {
	buf := d.lines()
	buf.peekLine(0) // at least one row, unless there is none
	defer buf.hold()()
	var first error // that reading will come to
	for n := 0; n < most && (n == 0 || buf.goOn(arrived)); n++ {
		if err := d.row(b); err != nil {
			if first = cmp.Or(first, err); !OfRow(err) {
				break
			}
		}
	}
	if b.Len() == 0 {
		return first
	}
	return nil
}

// inFile adds the file's name to an error of a decoder.
func inFile(name string, err error) error {
	var e *Error
	switch {
	case err == nil || err == io.EOF:
		return err
	case errors.As(err, &e):
		e.File = name
		return e
	}
	return &Error{File: name, Err: err}
}
