package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// csvDecoder reads CSV and TSV: a header line, unless there is none, then records of as
// many fields, or of one more, the first being the row's name, as R writes tables. Lines
// that begin with # before the header are comments.
type csvDecoder struct {
	buf      *lineBuffer
	comma    byte // between fields
	decimals decimals
	names    []string
	header   []byte   // the header line as it was written; nil without one
	named    bool     // rows begin with a name of theirs
	units    []string // [columns] of the numbers, if the first row says; nil if it does not
	na       *naValues
	notes    []Warning
	blank    int    // blank lines skipped
	blankAt  int    // the first of them
	points   []byte // scratch of split
}

// newCSVDecoder reads fields between commas, or, if that is 0, what the first rows say.
func newCSVDecoder(r io.Reader, comma byte, o Options) (*csvDecoder, error) {
	d := &csvDecoder{buf: newLineBuffer(r), comma: comma, na: newNAValues(o.NAValues)}
	d.buf.skipBOM()
	for range o.SkipRows {
		line, _ := d.buf.peekLine(0)
		d.buf.consume(len(line), 1)
	}
	h := d.look(o.Follow)
	commented := d.settle(&h, !o.NoHeader)
	units := !o.NoHeader && unitsFirst(h.rows)
	comments := h.comments
	if commented {
		comments--
	}
	d.skipComments(comments)
	if err := d.readNames(o.NoHeader, commented); err != nil {
		return nil, err
	}
	if !o.NoHeader && d.rowsAreNamed() {
		d.names, d.named = slices.Insert(d.names, 0, ""), true
		d.notes = append(d.notes, Warning{Line: d.buf.line, Text: "the header is one column short, so the first column is taken as the rows' names"})
	}
	if units && len(h.rows[0]) == len(d.names) {
		return d, d.readUnits()
	}
	return d, nil
}

// settle decides on delimiter and decimal mark, and whether the last comment is the header.
func (d *csvDecoder) settle(h *head, header bool) (commented bool) {
	if header {
		rows := d.comma
		if rows == 0 {
			rows = findDelimiter(h.records, false)
		}
		if commented = h.commentedHeader(rows); commented {
			d.comma, header = rows, false
		}
	}
	if d.comma == 0 {
		d.comma = findDelimiter(h.records, header)
	}
	for i, text := range h.records {
		if i > 0 || !header {
			h.rows = append(h.rows, fieldsOf(text, d.comma))
		}
	}
	d.decimals.separators = d.comma == ','
	d.decimals.judge(h.rows)
	return commented
}

// skipComments reads n of them.
func (d *csvDecoder) skipComments(n int) {
	if n == 0 {
		return
	}
	for left := n; left > 0; {
		line, _ := d.buf.peekLine(0)
		if line[0] == '#' {
			left--
		}
		d.buf.consume(len(line), 1)
	}
	d.notes = append(d.notes, Warning{Line: 1, Text: fmt.Sprintf("lines that begin with # before the header are skipped (%d in all)", n)})
}

// readNames reads the header, or calls the columns 1, 2 and so on.
func (d *csvDecoder) readNames(none, commented bool) error {
	if none {
		defer d.buf.hold()()
		defer func() { d.blank = 0 }()
	}
	var rec record
	fields, err := d.record(nil, &rec)
	if err == io.EOF {
		return errors.New("the file is empty")
	}
	if err != nil {
		return err
	}
	if none {
		for i := range fields {
			d.names = append(d.names, strconv.Itoa(i+1))
		}
		return nil
	}
	header := make([]value, fields)
	d.split(&rec, header)
	d.header = bytes.Clone(rec.text)
	for _, v := range header {
		d.names = append(d.names, string(bytes.TrimSpace(v.text)))
	}
	if name := strings.TrimSpace(strings.TrimLeft(d.names[0], "#")); commented && name != "" {
		d.names[0] = name
	}
	return d.checkHeader(header)
}

// rowsAreNamed reports whether the first row has one field more than the header, and not
// just a comma too many. The row is left to be read.
func (d *csvDecoder) rowsAreNamed() bool {
	defer d.buf.hold()()
	blank, blankAt := d.blank, d.blankAt
	defer func() { d.blank, d.blankAt = blank, blankAt }()
	var rec record
	header := len(d.names)
	row := make([]value, header+1)
	fields, err := d.record(row, &rec)
	return err == nil && fields == len(row) && len(row[header].text) > 0
}

// checkHeader finds headers that are rows, or cut at the wrong character.
func (d *csvDecoder) checkHeader(header []value) error {
	numbers := 0
	for _, v := range header {
		if bytes.IndexByte(v.text, '\r') >= 0 {
			return &Error{Line: d.buf.line, Err: errors.New("lines seem to end in carriage returns alone (convert them to line feeds)")}
		}
		if bytes.IndexByte(v.text, 0) >= 0 {
			return &Error{Line: d.buf.line, Err: errors.New("the first line holds zero bytes: this is no text, or UTF-16 without a byte order mark (save it as UTF-8)")}
		}
		if v.isNumber() && !v.missing() {
			numbers++
		}
	}
	if numbers == len(header) {
		return &Error{Line: d.buf.line, Err: errors.New("the first line holds only numbers; it must name the columns (--no-header if there is no such line)")}
	}
	if len(header) > 1 {
		return nil
	}
	for _, other := range delimiters {
		if bytes.IndexByte(header[0].text, other) >= 0 {
			return &Error{Line: d.buf.line, Err: fmt.Errorf("the only column is %s; the fields seem to be separated by %q (--delimiter %[2]q reads that)",
				excerpt(header[0].text), string(other))}
		}
	}
	return nil
}

func (d *csvDecoder) columns() []string { return d.names }

func (d *csvDecoder) sample(o Options) ([]profile, error) {
	blank, blankAt := d.blank, d.blankAt
	profiles, err := sampleLines(d, d.buf, o)
	d.blank, d.blankAt = blank, blankAt
	return profiles, err
}

func (d *csvDecoder) next(row []value, rec *record) error {
	if d.na != nil {
		clear(row) // of what was missing
	}
	n, err := d.record(row, rec)
	if err == nil && n != len(row) {
		as := "the header"
		if d.header == nil {
			as = "the first row"
		}
		return &Error{Line: rec.line, row: true, Err: fmt.Errorf("%d fields, expected %d as in %s", n, len(row), as)}
	}
	if err == nil && d.decimals.marks != nil {
		d.decimals.read(row, rec.line)
		rec.marks = d.decimals.marks
	}
	if err == nil {
		d.na.strike(row)
	}
	return err
}

// record reads the next record that is not blank and returns how many fields it
// has.
func (d *csvDecoder) record(row []value, rec *record) (int, error) {
	for {
		line, err := d.buf.peekLine(0)
		if err != nil {
			return 0, d.at(err)
		}
		text := trimEOL(line)
		if len(text) == 0 {
			d.skipBlank(len(line))
			continue
		}
		if bytes.IndexByte(text, '"') >= 0 {
			return d.quoted(row, rec)
		}
		d.buf.consume(len(line), 1)
		rec.text, rec.line = text, d.buf.line
		return splitPlain(text, d.comma, row), nil
	}
}

// quoted reads a record with quotes, which may hold line feeds.
func (d *csvDecoder) quoted(row []value, rec *record) (int, error) {
	line, err := d.buf.peekLine(0)
	if err != nil {
		return 0, d.at(err)
	}
	lines, quotes := 1, bytes.Count(line, []byte(`"`))
	for {
		text := trimEOL(line)
		n, err := splitQuoted(text, d.comma, row)
		if err == nil {
			rec.text, rec.line = text, d.buf.line+1
			d.buf.consume(len(line), lines)
			return n, nil
		}
		if err != errOpenQuote {
			err = &Error{Line: d.buf.line + 1, Err: err, row: true}
			d.buf.consume(len(line), lines)
			return 0, err
		}
		for { // up to the line that closes the quote
			seen := len(line)
			if line, err = d.buf.peekLine(seen); err == io.EOF {
				err = errOpenQuote
			}
			if err != nil {
				return 0, d.at(err)
			}
			lines++
			quotes += bytes.Count(line[seen:], []byte(`"`))
			if quotes%2 == 0 {
				break
			}
		}
	}
}

// at adds the line where the next record begins to err.
func (d *csvDecoder) at(err error) error {
	if err == io.EOF {
		return err
	}
	return &Error{Line: d.buf.line + 1, Err: err}
}

func (d *csvDecoder) skipBlank(n int) {
	d.buf.consume(n, 1)
	d.blank++
	if d.blank == 1 {
		d.blankAt = d.buf.line
	}
}

func (d *csvDecoder) split(r *record, row []value) {
	if bytes.IndexByte(r.text, '"') < 0 {
		splitPlain(r.text, d.comma, row)
	} else {
		splitQuoted(r.text, d.comma, row) // next has split it before
	}
	d.points = withPoints(row, r.marks, d.points[:0])
}

func (d *csvDecoder) warnings() []Warning {
	all := append(slices.Clone(d.notes), d.decimals.warnings(d.names)...)
	if d.blank > 0 {
		all = append(all, Warning{Line: d.blankAt, Text: fmt.Sprintf("blank lines are skipped (%d in all)", d.blank)})
	}
	return all
}
