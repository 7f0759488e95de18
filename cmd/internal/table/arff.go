package table

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
)

// ARFF, the format of Weka, is CSV behind a description of the columns. A ? stands for a missing value, and texts may be in
// single quotes.
var (
	arffBegin     = regexp.MustCompile(`(?i)^@relation\b`)
	arffData      = regexp.MustCompile(`(?i)^@data\s*$`)
	arffAttribute = regexp.MustCompile(`(?i)^@attribute\s+('[^']*'|"[^"]*"|\S+)`)
)

// readARFF reads the description, if there is one.
func (d *textDecoder) readARFF() (found bool, err error) {
	release := d.buf.hold()
	for {
		line, err := d.buf.peekLine(0)
		if err != nil {
			break
		}
		text := bytes.TrimSpace(line)
		if len(text) > 0 && text[0] != '%' {
			found = arffBegin.Match(text)
			break
		}
		d.buf.consume(len(line), 1)
	}
	if release(); !found {
		return false, nil
	}
	for {
		line, err := d.buf.peekLine(0)
		if err != nil {
			return true, d.at(errors.New("the file ends before @data"))
		}
		text := bytes.TrimSpace(line)
		d.buf.consume(len(line), 1)
		if arffData.Match(text) {
			break
		}
		if m := arffAttribute.FindSubmatch(text); m != nil {
			d.names = append(d.names, strings.Trim(string(m[1]), `'"`))
		}
	}
	d.arff, d.comma, d.types = true, ',', make([]Type, len(d.names))
	e := csvEncoder{layout: layout{comma: d.comma}}
	for _, name := range d.names {
		e.field([]byte(name))
	}
	d.header = bytes.TrimSuffix(e.line, []byte(","))
	return true, nil
}

// readARFFFields takes ? and single quotes from the fields.
func (d *textDecoder) readARFFFields(b *Batch) {
	for i, f := range d.fields {
		text := f.of(b.text)
		switch n := len(text); {
		case string(bytes.TrimSpace(text)) == "?":
			d.fields[i] = none
		case n > 1 && text[0] == '\'' && text[n-1] == '\'':
			d.fields[i] = span{f.from + 1, f.to - 1}
		}
	}
}
