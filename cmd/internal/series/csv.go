package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// csvDecoder reads CSV and TSV: a header line, then records of as many fields, or of one
// more, the first being the row's name, as R writes tables.
type csvDecoder struct {
	buf     *lineBuffer
	comma   byte
	names   []string
	header  []byte // the header line as it was written
	blank   int    // blank lines skipped
	blankAt int    // the first of them
}

func newCSVDecoder(r io.Reader, comma byte) (*csvDecoder, error) {
	d := &csvDecoder{buf: newLineBuffer(r), comma: comma}
	d.buf.skipBOM()
	var rec record
	fields, err := d.record(nil, &rec)
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	header := make([]value, fields)
	d.split(&rec, header)
	d.header = bytes.Clone(rec.text)
	for _, v := range header {
		d.names = append(d.names, string(bytes.TrimSpace(v.text)))
	}
	if err := d.checkHeader(header); err != nil {
		return nil, err
	}
	if d.rowsAreNamed(fields) {
		d.names = slices.Insert(d.names, 0, "")
	}
	return d, nil
}

// rowsAreNamed reports whether the first row has one field more than the header, and not
// just a comma too many. The row is left to be read.
func (d *csvDecoder) rowsAreNamed(header int) bool {
	pos, line, blank, blankAt := d.buf.pos, d.buf.line, d.blank, d.blankAt
	d.buf.held = true
	defer func() { d.buf.pos, d.buf.line, d.buf.held, d.blank, d.blankAt = pos, line, false, blank, blankAt }()
	var rec record
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
		if v.isNumber() && !v.missing() {
			numbers++
		}
	}
	if numbers == len(header) {
		return &Error{Line: d.buf.line, Err: errors.New("the first line holds only numbers; it must name the columns")}
	}
	if len(header) > 1 {
		return nil
	}
	for _, other := range []struct{ separator, advice string }{
		{",", "--input-format csv reads that"},
		{"\t", "--input-format tsv reads that"},
		{";", "convert it to commas"},
	} {
		if bytes.Contains(header[0].text, []byte(other.separator)) {
			return &Error{Line: d.buf.line, Err: fmt.Errorf("the only column is %s; the fields seem to be separated by %q (%s)",
				excerpt(header[0].text), other.separator, other.advice)}
		}
	}
	return nil
}

func (d *csvDecoder) columns() []string { return d.names }

func (d *csvDecoder) sample(arrived bool) ([]profile, error) {
	blank, blankAt := d.blank, d.blankAt
	profiles, err := sampleLines(d, d.buf, arrived)
	d.blank, d.blankAt = blank, blankAt
	return profiles, err
}

func (d *csvDecoder) next(row []value, rec *record) error {
	n, err := d.record(row, rec)
	if err == nil && n != len(row) {
		err = &Error{Line: rec.line, row: true, Err: fmt.Errorf("%d fields, expected %d as in the header", n, len(row))}
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
		return
	}
	splitQuoted(r.text, d.comma, row) // next has split it before
}

func (d *csvDecoder) warnings() []Warning {
	if d.blank == 0 {
		return nil
	}
	return []Warning{{Line: d.blankAt, Text: fmt.Sprintf("blank lines are skipped (%d in all)", d.blank)}}
}
