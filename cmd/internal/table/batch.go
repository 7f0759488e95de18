package table

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Type is what the values of a column are.
type Type uint8

const (
	Text Type = iota // also all values of formats without types
	Number
	Bool // 1 and 0
	Time // seconds since 1970
	Date // likewise, of days
)

// Batch is some consecutive rows of a file, column by column. A Reader fills one that the
// caller owns.
type Batch struct {
	Columns      []Column
	Lines        []int // [n] where each row is: its line or, in formats with types, its number, from 1
	DecimalComma bool  // numbers behind the columns are written to CSV with a comma

	layout *layout // of the file
	text   []byte  // of the rows and of what spans of the columns are in
	rows   []span  // [n] as they stood; nil in formats with types
}

// Len is the number of rows.
func (b *Batch) Len() int { return len(b.Lines) }

// reset empties the batch, and keeps its memory, for rows of a file.
func (b *Batch) reset(l *layout) {
	if len(b.Columns) != len(l.names) {
		b.Columns = make([]Column, len(l.names))
	}
	for i, c := range b.Columns {
		b.Columns[i] = Column{Type: l.types[i], spans: c.spans[:0], numbers: c.numbers[:0]}
	}
	*b = Batch{Columns: b.Columns, Lines: b.Lines[:0], layout: l, text: b.text[:0], rows: b.rows[:0]}
}

// add adds a row: where its text and its fields are in b.text, and its line.
func (b *Batch) add(row span, fields []span, line int) {
	b.rows, b.Lines = append(b.rows, row), append(b.Lines, line)
	for i, f := range fields {
		b.Columns[i].spans = append(b.Columns[i].spans, f)
	}
}

// append appends a text and returns where it is.
func (b *Batch) append(text []byte) span {
	from := len(b.text)
	b.text = append(b.text, text...)
	return span{uint32(from), uint32(len(b.text))}
}

// row is row i as it stood.
func (b *Batch) row(i int) []byte { return b.rows[i].of(b.text) }

// span is a part of a text.
type span struct{ from, to uint32 }

// none is the span of what is not there.
var none = span{1, 0}

// of is nil for none.
func (s span) of(text []byte) []byte {
	if s.from > s.to {
		return nil
	}
	return text[s.from:s.to]
}

// Column is the values of a column in a batch.
type Column struct {
	Type    Type
	spans   []span // of Text
	text    []byte
	numbers []float64 // of other types; NaN where there is none

	array arrow.Array // in formats with types
}

// Text is value i of Text, nil where there is none.
func (c *Column) Text(i int) []byte { return c.spans[i].of(c.text) }

// Float is value i of a column of another type, NaN where there is none.
func (c *Column) Float(i int) float64 { return c.numbers[i] }

// Zoned reports whether times of a column with a type are of a time zone.
func (c *Column) Zoned() bool {
	t, is := plainType(c.array.DataType()).(*arrow.TimestampType)
	return is && t.TimeZone != ""
}

// SetText replaces texts by those in another slice, which has as many.
func (c *Column) SetText(texts [][]byte) {
	b := Batch{text: []byte{}}
	for i, text := range texts {
		if c.spans[i] = none; text != nil {
			c.spans[i] = b.append(text)
		}
	}
	c.text = b.text
}

// AppendText appends value i as a CSV file would show it, nothing where there is none.
func (c *Column) AppendText(dst []byte, i int) []byte {
	if c.Type == Text {
		return append(dst, c.Text(i)...)
	}
	return appendValue(dst, array.ValueAsAny(c.array, i), plainType(c.array.DataType()))
}

// appendFloat appends a number in its shortest form.
func appendFloat(dst []byte, x float64, bits int) []byte {
	if x == math.Trunc(x) && math.Abs(x) <= ExactInt {
		return strconv.AppendInt(dst, int64(x), 10)
	}
	return strconv.AppendFloat(dst, x, 'g', -1, bits)
}

// ExactInt is where float64 ceases to hold every integer: the next one has the same float64.
const ExactInt = 1 << 53

// layout is what a file says about its rows before the first one.
type layout struct {
	format   Format
	comma    byte // between the fields of CSV and TSV
	names    []string
	types    []Type
	units    []string      // of the columns, if a first row says; nil if it does not
	header   []byte        // the line with the names as it was written; nil without one
	rowNames bool          // rows begin with a name of theirs, which the header leaves out
	schema   *arrow.Schema // in formats with types
}

// text reports whether rows are lines of fields.
func (l *layout) text() bool { return l.comma != 0 }

// doubled warns of columns that cannot be told apart.
func (l *layout) doubled() (all []Warning) {
	seen := map[string]int{}
	for i, name := range l.names {
		if first, twice := seen[name]; twice && name != "" {
			all = append(all, Warning{Column: name, Text: fmt.Sprintf("columns %d and %d are both called so, and not used", first+1, i+1)})
		}
		seen[name] = i
	}
	return all
}
