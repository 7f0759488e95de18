package table

import (
	"bytes"
	"fmt"
	"slices"
)

// blanks stands for runs of blanks and tabs between fields.
const blanks = ' '

// delimiters are those that a file of text is looked at for, the most usual first.
var delimiters = []byte{',', '\t', ';', '|', '^', '~', blanks}

// dialectRows is how many rows choose the delimiter. All that are looked at decide on the
// decimal mark.
const dialectRows = 100

// HeadRows is how many first rows tell how a file is written, and what its columns are.
const HeadRows = 1000

// ParseDelimiter reads the value of Options.Delimiter; it is 0 for "".
func ParseDelimiter(text string) (byte, error) {
	switch {
	case text == "":
		return 0, nil
	case text == "tab" || text == `\t`:
		return '\t', nil
	case text == "blanks":
		return blanks, nil
	case len(text) == 1 && isDelimiter(text[0]):
		return text[0], nil
	}
	return 0, fmt.Errorf("Options.Delimiter must be one character that is in no number and no quote, such as ; or |, or tab, or blanks, not %q", text)
}

func isDelimiter(c byte) bool {
	return c == '\t' || c >= ' ' && c <= '~' && !bytes.ContainsRune([]byte(`+-."#\_`), rune(c)) && c-'0' > 9 && c&^0x20-'A' > 25
}

// head is the beginning of a file of text.
type head struct {
	comments int        // lines that begin with # before all others
	comment  []byte     // the last of them
	before   []byte     // the one before that
	records  [][]byte   // what follows, blank lines left out: the header, if there is one, and rows
	lines    []int      // before each record
	behind   []bool     // a blank line is before it
	skip     int        // records that are a preamble, which records lacks then
	rows     [][][]byte // the fields of rows
}

// look returns the first records, and leaves them to be read. With arrived it takes
// only those that it need not wait for, beyond two.
func (d *textDecoder) look(arrived bool) (h head) {
	defer d.buf.hold()()
	blank := false
	for len(h.records) < HeadRows && (len(h.records) < 2 || d.buf.goOn(arrived)) {
		line, err := d.buf.peekLine(0)
		if err != nil {
			break
		}
		if len(h.records) == 0 && line[0] == '#' {
			h.comments, h.before, h.comment = h.comments+1, h.comment, trimEOL(line)
			d.buf.consume(len(line), 1)
			continue
		}
		line = d.closed(line)
		if text := trimEOL(line); len(bytes.Trim(text, "\t,;| ")) > 0 && !isRule(text) && !footer.Match(text) {
			h.records, h.lines, h.behind = append(h.records, text), append(h.lines, d.buf.line), append(h.behind, blank)
			blank = false
		} else if len(text) == 0 {
			blank = true
		}
		d.buf.consume(len(line), bytes.Count(line, []byte("\n")))
	}
	return h
}

// preamble is how many first records are neither rows nor names: they have another number of fields than most, or some that are empty,
// as titles above several columns have, the first one two at least, or none of them begins with a number or a time, as all do behind a blank line.
// Behind them come names, and then some numbers. It is 0 unless that is so.
func (h *head) preamble(records [][]byte, comma byte) int {
	counts, columns := map[int]int{}, 0
	fields, empty := make([][][]byte, len(records)), make([]int, len(records))
	for i, text := range records {
		fields[i] = fieldsOf(text, comma)
		for _, v := range fields[i] {
			if len(bytes.TrimSpace(v)) == 0 {
				empty[i]++
			}
		}
		n := len(fields[i])
		if counts[n]++; counts[n] >= counts[columns] {
			columns = n
		}
	}
	other := func(i, most int) bool { return len(fields[i]) != columns || empty[i] > most }
	if columns < 2 {
		return 0
	}
	begins := func(row [][]byte) bool { return len(row) > 0 && isValue(row[0]) }
	for i := 1; i < len(records) && !begins(fields[i-1]); i++ {
		if h.behind[i] && len(fields[i]) >= columns-1 && areNames(fields[i:]) && !slices.ContainsFunc(fields[i+1:], func(row [][]byte) bool { return !begins(row) }) {
			return i
		}
	}
	if !other(0, 1) {
		return 0
	}
	for most := range 2 { // names are empty
		first := 1
		for first < len(records) && other(first, most) {
			first++
		}
		if areNames(fields[first:]) && (most == 0 || len(fields[first-1]) != columns) {
			return first
		}
	}
	return 0
}

// areNames reports whether the first record has nothing that is a value, and one of the next ones has numbers: units and the like may come first.
func areNames(records [][][]byte) bool {
	const least = 3
	return len(records) > least && len(records[0][0]) > 0 &&
		!slices.ContainsFunc(records[0], func(v []byte) bool { return isValue(v) || len(v) > 0 && IsMissing(v) }) &&
		slices.ContainsFunc(records[1:1+least], func(row [][]byte) bool { return slices.ContainsFunc(row, looksNumeric) })
}

// closed is line and those that follow up to the one that closes its quotes.
func (d *textDecoder) closed(line []byte) []byte {
	quotes, counted := 0, 0
	for {
		quotes += bytes.Count(line[counted:], []byte(`"`))
		counted = len(line)
		if quotes%2 == 0 || d.buf.crowded() {
			return line
		}
		more, err := d.buf.peekLine(counted)
		if err != nil {
			return line
		}
		line = more
	}
}

// commentedHeader reports whether the last comment is the header, as in "# a,b,label":
// there is a row where the header would be, and the comment names as many columns.
func (h *head) commentedHeader(comma byte) bool {
	if h.comment == nil || len(h.records) == 0 {
		return false
	}
	names, rows := fieldsOf(uncommented(h.comment), comma), fieldsOf(h.records[0], comma)
	return len(names) > 1 && len(names) == len(rows) && !slices.ContainsFunc(names, looksNumeric) && slices.ContainsFunc(rows, looksNumeric)
}

// fit is how well a delimiter cuts records.
type fit struct {
	rows    int // as long as the first record, or all longer by a row's name
	numbers int // fields of rows that are numbers
	columns int
}

func (f fit) better(than fit) bool {
	if several := f.columns > 1; several != (than.columns > 1) {
		return several
	}
	return slices.Compare([]int{f.rows, f.numbers, f.columns}, []int{than.rows, than.numbers, than.columns}) > 0
}

// names is how many comments are the header: also the units behind the names, as where the last one has some
// word twice, and the one before as many fields and none twice.
func (h *head) names() int {
	twice := func(fields [][]byte) bool {
		for i, f := range fields {
			if slices.ContainsFunc(fields[:i], func(other []byte) bool { return bytes.Equal(f, other) }) {
				return true
			}
		}
		return false
	}
	for _, comma := range delimiters {
		names, units := fieldsOf(uncommented(h.before), comma), fieldsOf(uncommented(h.comment), comma)
		if len(names) > 1 && len(names) == len(units) && !twice(names) && twice(units) {
			return 2
		}
	}
	return 1
}

// findDelimiter returns the one of several delimiters that cuts records best, the first if none does, and how many records
// are a preamble. The record behind these is the header, if there is one.
func (h *head) findDelimiter(header bool, among []byte) (best byte, skip int) {
	records := h.records[:min(len(h.records), dialectRows)]
	best, most := among[0], fit{}
	for _, c := range among {
		n := 0
		if header {
			n = h.preamble(records, c)
		}
		f := fitOf(records[n:], c, header)
		if f.rows > 0 && h.behind[n] { // so that the preamble surely is one
			f.rows += n
		}
		if f.better(most) {
			best, most, skip = c, f, n
		}
	}
	return best, skip
}

// fitOf is the zero fit if c cuts nothing.
func fitOf(records [][]byte, c byte, header bool) (f fit) {
	same, named := 0, 0
	for i, text := range records {
		fields := fieldsOf(text, c)
		if i == 0 {
			f.columns = len(fields)
		}
		if i == 0 && header {
			continue
		}
		switch len(fields) {
		case f.columns:
			same++
		case f.columns + 1:
			named++
		}
		for _, v := range fields {
			if looksNumeric(v) {
				f.numbers++
			} else if c == blanks && bytes.ContainsAny(v[max(0, len(v)-1):], ",;|") { // which has blanks behind it
				return fit{}
			}
		}
	}
	if f.rows = same; header {
		f.rows = max(same, named)
		if f.columns == 1 { // every file has rows of one field
			f.rows = named
		}
	}
	if f.rows == 0 && (len(records) > 1 || f.columns < 2) || (!header || c == blanks) && f.columns < 2 {
		return fit{}
	}
	return f
}

// fieldsOf are the fields of a record; nil if its quotes are wrong.
func fieldsOf(text []byte, comma byte) (fields [][]byte) {
	b := Batch{text: text[:len(text):len(text)]}
	all, err := split(nil, &b, span{0, uint32(len(text))}, comma)
	if err != nil {
		return nil
	}
	for _, f := range all {
		fields = append(fields, f.of(b.text))
	}
	return fields
}

// isValue reports whether text is a number or begins as a date or a time does.
func isValue(text []byte) bool { return looksNumeric(text) || moment.Match(text) }

// looksNumeric reports whether text is a number, with a decimal point or a comma.
func looksNumeric(text []byte) bool { return IsNumber(text) || ShapeOf(text) != NoMarks }
