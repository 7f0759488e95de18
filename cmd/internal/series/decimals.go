package series

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Decimal marks of a column, beside point and comma.
const (
	openMark    byte = 0   // no number had one yet
	unknownMark byte = '?' // numbers had marks that may be either
	noMark      byte = '-' // commas stand between a number, padded with zeros, and something else: it is text
)

// decimals is how each column of a file writes numbers in text. The first rows tell, and what they leave open the first
// number with a mark.
type decimals struct {
	separators bool        // fields are separated by commas, so that they are in quotes alone
	alone      bool        // numbers of other columns do not tell, as in formats that have some of their own
	seen       [2]bool     // a number of the file has a decimal point, a decimal comma
	forms      []*form     // [columns] nil where there is none; nil when no column has any
	marks      []byte      // [columns] never changed, but replaced; nil when all are points
	examples   [2]*example // the first decimal comma, the first groups
	text       []byte      // scratch: the fields of the row as numbers
}

// example is a number as it was written.
type example struct {
	text         []byte
	line, column int
}

// judge decides on the marks by the first rows.
func (m *decimals) judge(rows *table.Batch) {
	columns := len(rows.Columns)
	marks := make([]byte, columns)
	forms := make([]*form, columns)
	shapes := make([][5]int, columns) // how many numbers have each
	padded := make([]int, columns)
	commas := false
	for i := range rows.Columns {
		c := &rows.Columns[i]
		if c.Type != table.Text {
			marks[i] = '.'
			continue
		}
		if forms[i] = findForm(c, rows.Len()); forms[i] != nil {
			m.forms = forms
		}
		for row := range rows.Len() {
			text := c.Text(row)
			if f := forms[i]; f != nil {
				text = f.digits(text)
			}
			s := table.ShapeOf(text)
			shapes[i][s]++
			if s == table.DecimalComma && paddedNumber.Match(text) {
				padded[i]++
			}
			commas = commas || s == table.DecimalComma || s == table.EitherComma || s == table.DecimalPoint && bytes.IndexByte(text, ',') >= 0
			m.note(s)
		}
	}
	for i, n := range shapes {
		switch points, commas := n[table.DecimalPoint], n[table.DecimalComma]; {
		case m.separators && padded[i] > 0 && points == 0:
			marks[i] = noMark
		case points+commas > 0 && points >= commas:
			marks[i] = '.'
		case commas > 0:
			marks[i] = ','
		}
	}
	for i, n := range shapes {
		if marks[i] == openMark && n[table.EitherPoint]+n[table.EitherComma] > 0 {
			marks[i] = m.tell(n[table.EitherPoint] > 0, n[table.EitherComma] > 0)
		}
	}
	if commas || !m.separators && slices.Contains(marks, openMark) {
		m.marks = marks
	}
}

// paddedNumber begins as +0012,1 does.
var paddedNumber = regexp.MustCompile(`^\s*[-+]?0[0-9]`)

// form is that of a column; nil where numbers are plain.
func (m *decimals) form(column int) *form {
	if column >= len(m.forms) { // of a key that later objects have
		return nil
	}
	return m.forms[column]
}

func (m *decimals) note(s table.Shape) {
	if s == table.DecimalPoint || s == table.DecimalComma {
		m.seen[s-table.DecimalPoint] = true
	}
}

// tell is the mark of a column whose numbers have points or commas that may be either.
func (m *decimals) tell(points, commas bool) byte {
	switch {
	case points && commas, m.alone && commas:
		return unknownMark
	case m.alone:
	case m.seen[0] != m.seen[1]: // as in all other columns
		return map[bool]byte{true: '.', false: ','}[m.seen[0]]
	case points && m.seen[1], commas && (m.seen[0] || m.separators):
		return unknownMark
	}
	if points {
		return '.'
	}
	return ','
}

// read puts a number of a column as Go writes it. What has another decimal mark than its column becomes odd.
func (m *decimals) read(v *value, line, column int) {
	text := v.digits()
	if m.marks[column] == noMark || plain(text, m.marks[column]) {
		return
	}
	s := table.ShapeOf(text)
	if s == table.NoMarks {
		return
	}
	if m.marks[column] == openMark {
		m.note(s)
		m.marks = slices.Clone(m.marks)
		switch s {
		case table.DecimalPoint, table.DecimalComma:
			m.marks[column] = ".,"[s-table.DecimalPoint]
		default:
			m.marks[column] = m.tell(s == table.EitherPoint, s == table.EitherComma)
		}
	}
	m.exemplify(text, line, column)
	mark := m.marks[column]
	if mark == unknownMark || s == table.DecimalPoint && mark == ',' || s == table.DecimalComma && mark == '.' {
		v.kind = oddKind
		return
	}
	from := len(m.text)
	for _, c := range text {
		switch {
		case c == mark:
			c = '.'
		case c == '.' || c == ',':
			continue
		}
		m.text = append(m.text, c)
	}
	if text = m.text[from:len(m.text):len(m.text)]; v.form != nil {
		v.bare = text
	} else {
		v.text = text
	}
}

// withPoints puts the numbers of a batch as Go writes them, but for odd ones.
func withPoints(b *table.Batch, marks []byte) {
	m := decimals{marks: marks}
	for k, mark := range marks {
		c := &b.Columns[k]
		if c.Type != table.Text || mark == openMark {
			continue
		}
		texts := make([][]byte, b.Len())
		for i := range texts {
			v := value{text: c.Text(i)}
			m.read(&v, 0, k)
			texts[i] = v.text
		}
		c.SetText(texts)
	}
}

// plain reports whether text surely is as Go writes numbers, if it is one.
func plain(text []byte, mark byte) bool {
	return (mark == '.' || mark == openMark) && bytes.IndexByte(text, ',') < 0 && (mark == '.' || bytes.IndexByte(text, '.') < 0)
}

// exemplify keeps the first numbers that are read in a way that may not be meant.
func (m *decimals) exemplify(text []byte, line, column int) {
	for k, mark := range [2]byte{m.marks[column], otherMark(m.marks[column])} {
		if m.examples[k] == nil && (k == 1 || mark == ',') && bytes.IndexByte(text, mark) >= 0 {
			m.examples[k] = &example{bytes.Clone(text), line, column}
		}
	}
}

// otherMark is what stands between groups of digits.
func otherMark(mark byte) byte { return map[byte]byte{'.': ',', ',': '.'}[mark] }

// warnings are about numbers that are not written as Go writes them.
func (m *decimals) warnings(names []string) (all []table.Warning) {
	for i, f := range m.forms {
		if f != nil {
			all = append(all, table.Warning{Column: names[i], Text: f.warning()})
		}
	}
	for k, what := range []string{"commas in numbers are taken as decimal commas", "marks between groups of three digits are left out of numbers"} {
		if e := m.examples[k]; e != nil {
			all = append(all, table.Warning{Line: e.line, Column: names[e.column], Text: fmt.Sprintf("%s, as in %s", what, table.Excerpt(e.text))})
		}
	}
	return all
}
