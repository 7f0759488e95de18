package series

import (
	"bytes"
	"fmt"
	"slices"
)

// shape is what the points and commas of a number can be.
type shape uint8

const (
	noMarks      shape = iota // there are none, or it is no number
	decimalPoint              // a decimal point, or commas between groups of three digits
	decimalComma              // the reverse
	eitherPoint               // a point that may be either, as in 1.027
	eitherComma
)

// shapeOf is the shape of a number such as -1,5e3 or 1.250,5.
func shapeOf(text []byte) shape {
	text = bytes.TrimSpace(text)
	text = bytes.TrimPrefix(text, minus)
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	var first, last byte // marks
	begin, run, marks, digits := 0, 0, 0, 0
	grouped := true // all marks but the last stand between groups
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			run++
			digits++
			continue
		case c == '.' || c == ',':
			if marks == 0 {
				first, begin = c, run
			} else if grouped = grouped && last == first && run == 3; !grouped {
				return noMarks
			}
			last, run = c, 0
			marks++
			continue
		case c|0x20 == 'e' && digits > 0 && isExponent(text[i+1:]):
			run = -1 // so that the last mark is no group's
		default:
			return noMarks
		}
		break
	}
	if marks == 0 || digits == 0 {
		return noMarks
	}
	leading := begin >= 1 && begin <= 3 && text[0] != '0'
	switch {
	case marks == 1 && leading && run == 3:
		return shapeOfMark(last, eitherPoint, eitherComma)
	case marks == 1:
		return shapeOfMark(last, decimalPoint, decimalComma)
	case !leading || last == first && run != 3:
		return noMarks
	case last == first: // all group
		return shapeOfMark(last, decimalComma, decimalPoint)
	}
	return shapeOfMark(last, decimalPoint, decimalComma)
}

func shapeOfMark(mark byte, point, comma shape) shape {
	if mark == '.' {
		return point
	}
	return comma
}

func isExponent(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	return len(text) > 0 && !slices.ContainsFunc(text, func(c byte) bool { return c-'0' > 9 })
}

// Decimal marks of a column, beside point and comma.
const (
	openMark    byte = 0   // no number had one yet
	unknownMark byte = '?' // numbers had marks that may be either
)

// decimals is how each column of a file writes numbers. The first rows tell, and what they leave open the first number
// with a mark.
type decimals struct {
	separators bool        // fields are separated by commas, so that they are in quotes alone
	seen       [2]bool     // a number of the file has a decimal point, a decimal comma
	marks      []byte      // [columns] never changed, but replaced; nil when all are points
	examples   [2]*example // the first decimal comma, the first groups
	marked     bool        // the last row may have had other numbers than Go writes
	text       []byte      // scratch: the fields of the last row as numbers
}

// example is a number as it was written.
type example struct {
	text         []byte
	line, column int
}

// judge decides on the marks by the first rows.
func (m *decimals) judge(rows [][]value) {
	if len(rows) == 0 {
		return
	}
	columns := len(rows[0])
	marks := make([]byte, columns)
	shapes := make([][5]int, columns) // how many numbers have each
	commas := false
	for _, row := range rows {
		for i, v := range row[:min(len(row), columns)] {
			s := shapeOf(v.text)
			shapes[i][s]++
			commas = commas || s == decimalComma || s == eitherComma || s == decimalPoint && bytes.IndexByte(v.text, ',') >= 0
			m.note(s)
		}
	}
	for i, n := range shapes {
		switch points, commas := n[decimalPoint], n[decimalComma]; {
		case points+commas > 0 && points >= commas:
			marks[i] = '.'
		case commas > 0:
			marks[i] = ','
		}
	}
	for i, n := range shapes {
		if marks[i] == openMark && n[eitherPoint]+n[eitherComma] > 0 {
			marks[i] = m.tell(n[eitherPoint] > 0, n[eitherComma] > 0)
		}
	}
	if commas || !m.separators && slices.Contains(marks, openMark) {
		m.marks = marks
	}
}

func (m *decimals) note(s shape) {
	if s == decimalPoint || s == decimalComma {
		m.seen[s-decimalPoint] = true
	}
}

// tell is the mark of a column whose numbers have points or commas that may be either.
func (m *decimals) tell(points, commas bool) byte {
	switch {
	case points && commas:
		return unknownMark
	case m.seen[0] != m.seen[1]: // as in all other columns
		return map[bool]byte{true: '.', false: ','}[m.seen[0]]
	case points && m.seen[1], commas && (m.seen[0] || m.separators):
		return unknownMark
	case points:
		return '.'
	}
	return ','
}

// read puts a row of the given line into numbers with decimal points.
func (m *decimals) read(row []value, line int) {
	before := m.marked
	m.marked = false
	for i := range min(len(row), len(m.marks)) {
		if plain(row[i].text, m.marks[i]) {
			continue
		}
		m.marked = true
		s := shapeOf(row[i].text)
		if s == noMarks {
			continue
		}
		if m.marks[i] == openMark {
			m.note(s)
			m.marks = slices.Clone(m.marks)
			switch s {
			case decimalPoint, decimalComma:
				m.marks[i] = ".,"[s-decimalPoint]
			default:
				m.marks[i] = m.tell(s == eitherPoint, s == eitherComma)
			}
		}
		m.exemplify(row[i].text, line, i)
	}
	if m.marked || before { // which may have made some odd
		m.text = withPoints(row, m.marks, m.text[:0])
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

// withPoints puts the numbers of a row as Go writes them, with their text in scratch. What has another decimal mark
// than its column becomes odd.
func withPoints(row []value, marks, scratch []byte) []byte {
	for i := range min(len(row), len(marks)) {
		v := &row[i]
		if v.kind = textKind; plain(v.text, marks[i]) {
			continue
		}
		s := shapeOf(v.text)
		if s == noMarks {
			continue
		}
		mark := marks[i]
		if mark == unknownMark || s == decimalPoint && mark == ',' || s == decimalComma && mark == '.' {
			v.kind = oddKind
			continue
		}
		from := len(scratch)
		for _, c := range v.text {
			switch {
			case c == mark:
				c = '.'
			case c == '.' || c == ',':
				continue
			}
			scratch = append(scratch, c)
		}
		v.text = scratch[from:len(scratch):len(scratch)]
	}
	return scratch
}

// warnings tell of numbers that are not as Go writes them.
func (m *decimals) warnings(names []string) (all []Warning) {
	for k, what := range []string{"commas in numbers are taken as decimal commas", "marks between groups of three digits are left out of numbers"} {
		if e := m.examples[k]; e != nil {
			all = append(all, Warning{Line: e.line, Column: names[e.column], Text: fmt.Sprintf("%s, as in %s", what, excerpt(e.text))})
		}
	}
	return all
}
