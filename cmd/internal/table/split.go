package table

import (
	"bytes"
	"errors"
)

// These functions stand in for encoding/csv, with which a file takes about twice
// as long to load (BenchmarkRead), which loses how a field was written, and which
// cannot tell whether a record has arrived whole; but predictions keep the text
// of the input's columns, and Options.Follow must not wait for the next line. A fuzz
// test holds the two to the same answers.

var (
	errBareQuote = errors.New(`a " in a field that does not begin with one`)
	errQuoteTail = errors.New(`text behind the closing " of a field (a " within one is written twice)`)
	errOpenQuote = errors.New(`a " opens a field and none closes it`)
)

// split cuts a record of b.
func split(fields []span, b *Batch, record span, comma byte) ([]span, error) {
	switch text := record.of(b.text); {
	case comma == blanks:
		return splitBlanks(fields, text, record.from), nil
	case bytes.IndexByte(text, '"') < 0:
		return splitPlain(fields, text, comma, record.from), nil
	}
	return splitQuoted(fields, b, record, comma)
}

// splitBlanks is splitPlain at runs of blanks and tabs, but for those between two quotes that end a field. Those at the ends do not count.
func splitBlanks(fields []span, record []byte, at uint32) []span {
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	for i := 0; i < len(record); {
		from := i
		if record[i] == '"' {
			if n := bytes.IndexByte(record[i+1:], '"'); n >= 0 && (i+n+2 == len(record) || blank(record[i+n+2])) {
				fields = append(fields, span{at + uint32(i) + 1, at + uint32(i+1+n)})
				i += n + 2
				continue
			}
		}
		for i < len(record) && !blank(record[i]) {
			i++
		}
		if i > from {
			fields = append(fields, span{at + uint32(from), at + uint32(i)})
		}
		for i < len(record) && blank(record[i]) {
			i++
		}
	}
	return fields
}

// splitPlain cuts record, which holds no quote and is at some place in a text, at each comma and appends
// where the fields are.
func splitPlain(fields []span, record []byte, comma byte, at uint32) []span {
	for {
		end := bytes.IndexByte(record, comma)
		if end < 0 {
			return append(fields, span{at, at + uint32(len(record))})
		}
		fields = append(fields, span{at, at + uint32(end)})
		record, at = record[end+1:], at+uint32(end)+1
	}
}

// splitQuoted is splitPlain for a record of b with quotes as in RFC 4180, with blanks in front of them or not. Fields that are not as they
// stand there are appended to b.text. It returns errOpenQuote when the record ends within a quoted field, which
// may then go on in the next line.
func splitQuoted(fields []span, b *Batch, record span, comma byte) ([]span, error) {
	for at, text := record.from, record.of(b.text); ; {
		if quoted := bytes.TrimLeft(text, " "); len(quoted) < len(text) && len(quoted) > 0 && quoted[0] == '"' { // as some write after each comma
			at += uint32(len(text) - len(quoted))
			text = quoted
		}
		field, rest, err := cutField(text, comma)
		if err != nil {
			return fields, err
		}
		begin := at
		if len(text) > 0 && text[0] == '"' {
			begin++
		}
		where := span{begin, begin + uint32(len(field))}
		if plain := unquoted(field); begin > at && len(plain) < len(field) {
			where = b.append(plain)
		}
		if fields = append(fields, where); rest == nil {
			return fields, nil
		}
		at += uint32(len(text)-len(rest)) + 1
		text = rest[1:]
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
	for end := 0; ; end += 2 {
		i := bytes.IndexByte(text[end:], '"')
		if i < 0 {
			return nil, nil, errOpenQuote
		}
		end += i
		field, rest = text[:end], text[end+1:]
		switch {
		case len(rest) == 0:
			return field, nil, nil
		case rest[0] == comma:
			return field, rest, nil
		case rest[0] != '"':
			return nil, nil, errQuoteTail
		}
	}
}

// unquoted is a field that stood between quotes.
func unquoted(field []byte) []byte {
	if bytes.IndexByte(field, '"') >= 0 {
		field = bytes.ReplaceAll(field, []byte(`""`), []byte(`"`))
	}
	if bytes.IndexByte(field, '\r') >= 0 {
		field = bytes.ReplaceAll(field, []byte("\r\n"), []byte("\n"))
	}
	return field
}
