package series

import (
	"bytes"
	"errors"
)

// These functions stand in for encoding/csv, with which a file takes about twice
// as long to load (BenchmarkRead), which loses how a field was written, and which
// cannot tell whether a record has arrived whole; but predictions keep the text
// of the input's columns, and --follow must not wait for the next line. A fuzz
// test holds the two to the same answers.

var (
	errBareQuote = errors.New(`a " in a field that does not begin with one`)
	errQuoteTail = errors.New(`text behind the closing " of a field`)
	errOpenQuote = errors.New(`a " opens a field and none closes it`)
)

// splitPlain cuts record, which holds no quote, at each comma and stores the
// fields in row. It returns the number of fields; those beyond len(row) are
// only counted.
func splitPlain(record []byte, comma byte, row []value) int {
	n := 0
	for {
		end := bytes.IndexByte(record, comma)
		if end < 0 {
			store(row, n, record)
			return n + 1
		}
		store(row, n, record[:end])
		record = record[end+1:]
		n++
	}
}

// splitQuoted is splitPlain for a record with quotes as in RFC 4180. It returns
// errOpenQuote when the record ends within a quoted field, which may then go on
// in the next line.
func splitQuoted(record []byte, comma byte, row []value) (int, error) {
	for n := 0; ; n++ {
		field, rest, err := cutField(record, comma)
		if err != nil {
			return n, err
		}
		store(row, n, field)
		if rest == nil {
			return n + 1, nil
		}
		record = rest[1:]
	}
}

// cutField returns the first field of record and what follows, beginning with
// the comma, or nil behind the last field.
func cutField(record []byte, comma byte) (field, rest []byte, err error) {
	if len(record) > 0 && record[0] == '"' {
		return cutQuoted(record[1:], comma)
	}
	if end := bytes.IndexByte(record, comma); end >= 0 {
		record, rest = record[:end], record[end:]
	}
	if bytes.IndexByte(record, '"') >= 0 {
		return nil, nil, errBareQuote
	}
	return record, rest, nil
}

// cutQuoted is cutField behind an opening quote.
func cutQuoted(text []byte, comma byte) (field, rest []byte, err error) {
	escaped := false
	for end := 0; ; {
		i := bytes.IndexByte(text[end:], '"')
		if i < 0 {
			return nil, nil, errOpenQuote
		}
		end += i
		field, rest = text[:end], text[end+1:]
		if len(rest) == 0 || rest[0] != '"' {
			break
		}
		escaped = true
		end += 2
	}
	switch {
	case len(rest) == 0:
		rest = nil
	case rest[0] != comma:
		return nil, nil, errQuoteTail
	}
	if escaped {
		field = bytes.ReplaceAll(field, []byte(`""`), []byte(`"`))
	}
	if bytes.IndexByte(field, '\r') >= 0 {
		field = bytes.ReplaceAll(field, []byte("\r\n"), []byte("\n"))
	}
	return field, rest, nil
}

// store sets the text of row[n], whose kind is textKind.
func store(row []value, n int, field []byte) {
	if n < len(row) {
		row[n].text = field
	}
}
