package table

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
)

// textDecoder reads CSV and TSV: a header line, unless there is none, then records of as
// many fields, or of one more, the first being the row's name, as R writes tables. Lines
// that begin with # before the header are comments.
type textDecoder struct {
	layout
	buf    *lineBuffer
	fields []span // of the last record
	notes  []Warning
	tail   bool // lines end with one
	arff   bool
	blank  skipped  // lines that are blank or delimiters alone
	again  skipped  // the header once more, and lines about columns in front of it and behind
	heads  [][]byte // those lines, in front of the first row
	headed bool     // the last line was one of them, or the header
	rules  skipped  // lines that only draw a table
	others skipped  // comments and footers
	border bool     // lines begin and end with the delimiter, as tables for people do
	marked bool     // these are in lines that begin with #, as InfluxDB writes them
}

// skipped counts lines that are no rows.
type skipped struct{ count, first int }

func (s *skipped) warn(all []Warning, text string) []Warning {
	if s.count == 0 {
		return all
	}
	return append(all, Warning{Line: s.first, Text: fmt.Sprintf("%s (%d in all)", text, s.count)})
}

func newTextDecoder(s *source, o Options) (*textDecoder, error) {
	d := &textDecoder{buf: newLineBuffer(s.body), layout: layout{format: s.format, comma: s.comma}}
	d.buf.skipBOM()
	d.skipLines(o.SkipRows)
	if line, _ := d.buf.peekLine(0); tsBegin.Match(d.buf.buf[d.buf.pos:d.buf.end]) {
		return nil, ErrWide
	} else if o.Wide && onlyNumbers(trimEOL(line)) {
		o.NoHeader = true
	}
	if line, _ := d.buf.peekLine(0); sepLine.Match(trimEOL(line)) {
		d.comma = cmp.Or(d.comma, sepLine.FindSubmatch(line)[1][0])
		d.skipLines(1)
	}
	if found, err := d.readARFF(); found {
		return d, err
	}
	labview := d.skipLabVIEW()
	h := d.look(o.Follow)
	commented := d.settle(&h, !o.NoHeader) // which takes the preamble off the records
	comments := h.comments
	if commented {
		comments -= h.names()
	}
	d.skipComments(comments)
	d.marked = h.comments > 0 && len(h.records) > 0 && bytes.HasPrefix(h.comment, []byte("#")) && d.comma == ',' && len(fieldsOf(h.comment, d.comma)) == len(fieldsOf(h.records[0], d.comma))
	if h.skip > 0 {
		d.note(d.buf.line+1, "lines up to %d are skipped as a preamble: they have another number of fields than those that follow, hardly any, or a blank line behind them", h.lines[h.skip])
		d.skipLines(h.lines[h.skip] - d.buf.line)
	}
	if err := d.readNames(o.NoHeader, commented); err != nil {
		return nil, err
	}
	if commented && d.comma == blanks { // where any words are as many
		d.note(d.buf.line, "this comment is taken as the names of the columns: %s", List(d.names))
	}
	if commented && h.names() > 1 {
		if err := d.readUnits(); err != nil {
			return nil, err
		}
	}
	if last := len(d.names) - 1; (labview && d.names[last] == "Comment" || d.names[last] == "") && len(h.rows) > 0 && len(h.rows[0]) == last { // which rows have not
		d.header = bytes.TrimSuffix(d.header, append([]byte{d.comma}, d.names[last]...))
		d.names = d.names[:last]
	}
	if o.NoHeader && startAndRate(h.rows) {
		d.note(d.buf.line+1, "the first two rows look like when a recording began and its samples in a second, as Empatica writes them (Options.SkipRows 2 leaves them out)")
	}
	if !o.NoHeader {
		if err := d.nameMissing(h.rows); err != nil {
			return nil, err
		}
	}
	d.types = make([]Type, len(d.names))
	if !o.NoHeader && len(h.rows) > 0 && d.namesAreRow(h.rows[0]) {
		d.note(d.buf.line, "the names of the columns look like a row (Options.NoHeader if it is one)")
	}
	for ; !o.NoHeader && unitsFirst(h.rows) && len(h.rows[0]) == len(d.names); h.rows = h.rows[1:] {
		if err := d.readUnits(); err != nil {
			return nil, err
		}
	}
	if !o.NoHeader && indexNamed(h.rows) {
		_, fields, err := d.first(true)
		if err != nil {
			return nil, err
		}
		d.note(d.buf.line, "names the first column %s, as pandas does behind headers of several lines, and is no row", Excerpt(fields[0]))
	}
	return d, nil
}

// sepLine is what Excel tells the delimiter by.
var sepLine = regexp.MustCompile(`^"?(?i:sep)=([,;|\t ])"?\s*$`)

// nameMissing names the column that the header is short of, if the first row has one more and not just a comma too many:
// the rows' names, unless the header has two columns as one.
func (d *textDecoder) nameMissing(rows [][][]byte) error {
	if _, fields, err := d.first(false); err != nil || len(fields) != len(d.names)+1 || len(fields[len(d.names)]) == 0 {
		return nil
	}
	if row := splitDecimal(rows, len(d.names)+1); row != nil {
		return &Error{Line: d.buf.line + 1, Err: fmt.Errorf("%d fields, and the header has %d: numbers seem to have decimal commas, as in %s, which cannot be told from those between fields (write numbers in quotes, or with points)", len(d.names)+1, len(d.names), Excerpt(row))}
	}
	if k := dateAndClock(rows); k >= 0 && d.comma == blanks && !slices.Contains(d.names, "date") {
		d.names = slices.Insert(d.names, k, "date")
		d.note(d.buf.line, "column %q has a blank between dates and times of the day, and is two, of which the first is called date", d.names[k+1])
	} else {
		d.names, d.rowNames = slices.Insert(d.names, 0, ""), true
		d.note(d.buf.line, "the header is one column short, so the first column is taken as the rows' names")
	}
	return nil
}

// note notes what warnings are to tell of a line.
func (d *textDecoder) note(line int, format string, args ...any) {
	d.notes = append(d.notes, Warning{Line: line, Text: fmt.Sprintf(format, args...)})
}

func (d *textDecoder) skipLines(n int) {
	for range n {
		line, _ := d.buf.peekLine(0)
		d.buf.consume(len(line), 1)
	}
}

// skipLabVIEW skips the headers of a measurement of LabVIEW, of the file and of its first segment, if it is one.
func (d *textDecoder) skipLabVIEW() bool {
	const begin = "LabVIEW Measurement"
	line, _ := d.buf.peekLine(0)
	if !bytes.HasPrefix(line, []byte(begin)) {
		return false
	}
	if rest := line[len(begin):]; len(rest) > 0 && slices.Contains(delimiters, rest[0]) {
		d.comma = cmp.Or(d.comma, rest[0])
	}
	for more := true; more; {
		line, err := d.buf.peekLine(0)
		if err != nil {
			break
		}
		d.buf.consume(len(line), 1)
		if !bytes.HasPrefix(line, []byte("***End_of_Header***")) {
			continue
		}
		for line, err = d.buf.peekLine(0); err == nil && len(bytes.TrimSpace(line)) == 0; line, err = d.buf.peekLine(0) {
			d.buf.consume(len(line), 1)
		}
		more = bytes.HasPrefix(line, []byte("Channels"))
	}
	d.note(1, "lines up to %d are headers of LabVIEW, and are skipped", d.buf.line)
	return true
}

// namesAreRow reports whether the names are numbers, or dates and the like, in just those columns in which a row has them.
func (d *textDecoder) namesAreRow(row [][]byte) bool {
	values := 0
	for i, name := range d.names {
		n := []byte(name)
		if i >= len(row) || looksNumeric(n) != looksNumeric(row[i]) || moment.Match(n) != moment.Match(row[i]) {
			return false
		}
		if isValue(n) {
			values++
		}
	}
	return values > 0
}

// moment is what begins as a date or a time does.
var moment = regexp.MustCompile(`^\s*[0-9]{1,4}[-/.:][0-9]{1,2}[-/.:][0-9]{1,4}`)

// settle decides on the delimiter, and whether the last comment is the header.
func (d *textDecoder) settle(h *head, header bool) (commented bool) {
	among := delimiters
	if d.border = (d.comma == 0 || d.comma == '|') && len(h.records) > 0 && !slices.ContainsFunc(h.records, func(text []byte) bool { return len(text) < 2 || text[0] != '|' || text[len(text)-1] != '|' }); d.border {
		d.comma = '|'
	}
	if d.comma != 0 {
		among = []byte{d.comma}
	}
	if header {
		rows, _ := h.findDelimiter(false, among)
		if commented = h.commentedHeader(rows); commented {
			among, header = []byte{rows}, false
		}
	}
	d.comma, h.skip = h.findDelimiter(header, among)
	for _, text := range h.records[:h.skip] {
		d.heads = append(d.heads, bytes.Clone(text))
	}
	h.records = h.records[h.skip:]
	d.tail = d.comma != ';' && len(h.records) > 1 && !slices.ContainsFunc(h.records[1:], func(text []byte) bool { return !bytes.HasSuffix(text, tail) })
	for i, text := range h.records {
		if fields := fieldsOf(d.trim(text), d.comma); (i > 0 || !header) && !nothing(fields) {
			h.rows = append(h.rows, fields)
		}
	}
	return commented
}

// tail is what some write at the end of each line besides other delimiters.
var tail = []byte(";")

// trim is a line without its end.
func (d *textDecoder) trim(line []byte) []byte {
	if line = trimEOL(line); d.tail {
		line = bytes.TrimSuffix(line, tail)
	}
	if border := []byte{d.comma}; d.border {
		line = bytes.TrimSuffix(bytes.TrimPrefix(line, border), border)
	}
	return line
}

// isRule reports whether a line only draws a table, as |---|---| and +---+---+ do.
func isRule(line []byte) bool {
	const least = 3 // hyphens
	run, longest := 0, 0
	for _, c := range line {
		switch run++; c {
		case '-', '=':
			longest = max(longest, run)
		case '|', '+', ':', ' ', '\t':
			run = 0
		default:
			return false
		}
	}
	return longest >= least
}

// nothing reports whether fields are delimiters alone.
func nothing(fields [][]byte) bool {
	return !slices.ContainsFunc(fields, func(f []byte) bool { return len(bytes.TrimSpace(f)) > 0 })
}

// skipComments reads n of them.
func (d *textDecoder) skipComments(n int) {
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
	d.note(1, "lines that begin with # before the header are skipped (%d in all)", n)
}

// first is the next record, which is taken or not, and its fields.
func (d *textDecoder) first(take bool) (text []byte, fields [][]byte, err error) {
	if !take {
		defer d.uncounted()()
		defer d.buf.hold()()
	}
	var b Batch
	row, _, err := d.record(&b)
	if err == io.EOF {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	for _, f := range d.fields {
		fields = append(fields, f.of(b.text))
	}
	return row.of(b.text), fields, nil
}

// readNames reads the header, or calls the columns 1, 2 and so on.
func (d *textDecoder) readNames(none, commented bool) error {
	text, fields, err := d.first(!none)
	if err != nil {
		return err
	}
	if commented {
		fields = fieldsOf(uncommented(text), d.comma)
	}
	for i, f := range fields {
		name := strconv.Itoa(i + 1)
		if !none {
			name = withoutQuotes(string(bytes.TrimSpace(f)))
		}
		if i == 0 && name == "" && len(fields) > 1 {
			name = "Unnamed: 0" // the index of rows, as pandas has it
		}
		d.names = append(d.names, name)
	}
	if none {
		return nil
	}
	d.header = text
	if err := checkHeader(fields, text[0] == '"'); err != nil {
		return &Error{Line: d.buf.line, Err: err}
	}
	return nil
}

// withoutQuotes is a name without the ' around it.
func withoutQuotes(name string) string {
	if last := len(name) - 1; last > 0 && name[0] == '\'' && name[last] == '\'' {
		return name[1:last]
	}
	return name
}

// uncommented is a comment without what makes it one, unless that is a name.
func uncommented(line []byte) []byte {
	if rest := bytes.TrimLeft(line, "# "); len(rest) > 0 && (rest[0] == blanks || !slices.Contains(delimiters, rest[0])) {
		return rest
	}
	return line
}

// checkHeader finds headers that are rows, or cut at the wrong character.
func checkHeader(header [][]byte, quoted bool) error {
	numbers, missing := 0, 0
	for _, f := range header {
		if bytes.IndexByte(f, '\r') >= 0 {
			return errors.New("lines seem to end in carriage returns alone (convert them to line feeds)")
		}
		if bytes.IndexByte(f, 0) >= 0 {
			return errors.New("the first line holds zero bytes: this is no text, or UTF-16 without a byte order mark (save it as UTF-8)")
		}
		switch {
		case IsMissing(f) && len(f) > 0:
			missing++
		case IsNumber(f):
			numbers++
		}
	}
	if numbers > 0 && numbers+missing == len(header) {
		return errors.New("the first line holds only numbers; it must name the columns (Options.NoHeader if there is no such line)")
	}
	if len(header) > 1 {
		return nil
	}
	for _, other := range delimiters[:len(delimiters)-1] { // blanks may be in a name
		if bytes.IndexByte(header[0], other) >= 0 && quoted {
			return fmt.Errorf("the only column is %s: each line seems to be in quotes, which hide what is between fields (sed 's/^\"//;s/\"$//;s/\"\"/\"/g' takes them off)", Excerpt(header[0]))
		}
		if bytes.IndexByte(header[0], other) >= 0 {
			return fmt.Errorf("the only column is %s; the fields seem to be separated by %q (Options.Delimiter %[2]q reads that)", Excerpt(header[0]), string(other))
		}
	}
	return nil
}

func (d *textDecoder) about() *layout                { return &d.layout }
func (d *textDecoder) lines() *lineBuffer            { return d.buf }
func (d *textDecoder) done() (part float64, ok bool) { return 0, false }

func (d *textDecoder) read(b *Batch, most int) error { return readLines(d, b, most) }

func (d *textDecoder) peek(b *Batch, most int, arrived bool) error {
	defer d.uncounted()()
	return peekLines(d, b, most, arrived)
}

// uncounted lets lines that are skipped not count up to the call of the function that it returns, as they will be read again.
func (d *textDecoder) uncounted() (release func()) {
	blank, again, rules, others := d.blank, d.again, d.rules, d.others
	return func() { d.blank, d.again, d.rules, d.others = blank, again, rules, others }
}

func (d *textDecoder) row(b *Batch) error {
	n := len(d.names)
	row, line, err := d.record(b)
	for ; err == nil; row, line, err = d.record(b) {
		if last := len(d.fields) - 1; last == n && d.fields[last].from == d.fields[last].to { // a delimiter too many
			d.fields = d.fields[:n]
		}
		if len(d.fields) == n || !noRow.Match(row.of(b.text)) && !d.isHead(row.of(b.text)) {
			break
		}
		if b.text = b.text[:row.from]; d.others.count == 0 {
			d.others.first = line
		}
		d.others.count++
	}
	if err != nil {
		return err
	}
	if len(d.fields) != n {
		as := "the header"
		if d.header == nil {
			as = "the first row"
		}
		return &Error{Line: line, Row: true, Err: fmt.Errorf("%d fields, expected %d as in %s", len(d.fields), n, as)}
	}
	if d.arff {
		d.readARFFFields(b)
	}
	b.add(row, d.fields, line)
	return nil
}

var (
	footer = regexp.MustCompile(`^[\x00\f\x1a\s]*(?:\(?[0-9]+ rows?( affected| selected| in set.*)?\)?\.?\s*)?$`) // of databases, or of files that are written in blocks
	noRow  = regexp.MustCompile(`^#|` + footer.String())
)

// record appends the text of the next record that is not blank to b.text, and sets d.fields to where its fields are.
func (d *textDecoder) record(b *Batch) (row span, line int, err error) {
	for {
		line, err := d.buf.peekLine(0)
		if err != nil {
			return none, 0, d.at(err)
		}
		text := d.trim(line)
		if len(text) == 0 || d.arff && text[0] == '%' {
			d.skip(&d.blank, len(line))
			continue
		}
		if d.repeats(text) || d.headed && d.isHead(text) {
			d.headed = true
			d.skip(&d.again, len(line))
			continue
		}
		d.headed = false
		if text[0]-'0' > 9 && isRule(text) {
			d.skip(&d.rules, len(line))
			continue
		}
		if bytes.IndexByte(text, '"') >= 0 && d.comma != blanks {
			return d.quoted(b)
		}
		row = b.append(text)
		if d.comma == blanks {
			d.fields = splitBlanks(d.fields[:0], text, row.from)
		} else {
			d.fields = splitPlain(d.fields[:0], text, d.comma, row.from)
		}
		if d.empty(b) {
			b.text = b.text[:row.from]
			d.skip(&d.blank, len(line))
			continue
		}
		d.buf.consume(len(line), 1)
		return row, d.buf.line, nil
	}
}

// empty reports whether the fields are delimiters alone.
func (d *textDecoder) empty(b *Batch) bool {
	if len(d.fields) > 0 && len(bytes.TrimSpace(d.fields[0].of(b.text))) > 0 {
		return false
	}
	return len(d.fields) != 1 && !slices.ContainsFunc(d.fields, func(f span) bool { return len(bytes.TrimSpace(f.of(b.text))) > 0 })
}

// quoted reads a record with quotes, which may hold line feeds.
func (d *textDecoder) quoted(b *Batch) (row span, at int, err error) {
	line, err := d.buf.peekLine(0)
	if err != nil {
		return none, 0, d.at(err)
	}
	at = d.buf.line + 1
	lines, quotes := 1, bytes.Count(line, []byte(`"`))
	for {
		before := len(b.text)
		row = b.append(d.trim(line))
		d.fields, err = splitQuoted(d.fields[:0], b, row, d.comma)
		if err != errOpenQuote {
			d.buf.consume(len(line), lines)
		}
		if err == nil {
			return row, at, nil
		}
		if b.text = b.text[:before]; err != errOpenQuote {
			return none, 0, &Error{Line: at, Err: err, Row: true}
		}
		for { // up to the line that closes the quote
			seen := len(line)
			if line, err = d.buf.peekLine(seen); err == io.EOF {
				err = errOpenQuote
			}
			if err != nil {
				return none, 0, d.at(err)
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
func (d *textDecoder) at(err error) error {
	if err == io.EOF {
		return err
	}
	return &Error{Line: d.buf.line + 1, Err: err}
}

// repeats reports whether a line is the header again, as between files that have been put together, or a description of
// the columns in front of it.
func (d *textDecoder) repeats(text []byte) bool {
	more := len(text) - len(d.header)
	return (more == 0 || more == len(utf8BOM) && string(text[:more]) == utf8BOM) && len(d.types) > 1 && bytes.Equal(text[more:], d.header) || d.marked && text[0] == '#' && d.types != nil
}

// isHead reports whether a line is one of those about columns in front of the first row.
func (d *textDecoder) isHead(text []byte) bool {
	return slices.ContainsFunc(d.heads, func(head []byte) bool { return bytes.Equal(head, text) })
}

func (d *textDecoder) skip(s *skipped, n int) {
	d.buf.consume(n, 1)
	if s.count++; s.count == 1 {
		s.first = d.buf.line
	}
}

func (d *textDecoder) warnings() []Warning {
	all := d.blank.warn(slices.Clone(d.notes), "lines with nothing in them are skipped")
	all = d.rules.warn(all, "lines that only draw a table are skipped")
	all = d.others.warn(all, "comments among rows, preambles and footers are skipped")
	return d.again.warn(all, "the header comes again, as where files have been put together, and is skipped")
}
