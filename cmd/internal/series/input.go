package series

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// sampleRows is how many rows decide which columns are features.
const sampleRows = table.HeadRows

// input is a file, and how its values are read, whatever its format.
type input struct {
	*table.Reader
	decimals  decimals
	na        *naValues
	head      table.Batch // the first rows
	headFault error       // in place of these
	batch     *table.Batch
	row       int   // of the batch, that values are of
	order     []int // where column k of another file is here; nil: they are the same
	current   value
	doubled   []string // names that more than one column has
	total     []table.Warning
}

// Columns names the columns, "" those that cannot be told apart.
func (in *input) Columns() []string {
	names := in.Reader.Columns()
	if in.doubled != nil {
		names = slices.Clone(names)
		for i, name := range names {
			if slices.Contains(in.doubled, name) {
				names[i] = ""
			}
		}
	}
	return names
}

// openInput opens a file and looks at its first rows.
func openInput(ctx context.Context, path string, stdin io.Reader, o Options) (*input, error) {
	r, err := table.Open(ctx, path, stdin, o.file())
	if err != nil {
		return nil, err
	}
	return newInput(r, o), nil
}

func newInput(r *table.Reader, o Options) *input {
	in := &input{Reader: r, na: newNAValues(o.NAValues), doubled: r.Doubled()}
	if in.headFault = r.Head(&in.head, sampleRows); in.headFault == io.EOF {
		in.headFault = &table.Error{File: r.Name(), Err: errNoRows}
	}
	format := r.Format()
	in.decimals = decimals{separators: r.Commas(), alone: format != table.CSV && format != table.TSV}
	in.decimals.judge(&in.head)
	return in
}

var errNoRows = errors.New("there are no rows")

// aggregates are what spreadsheets and loggers call rows at the end that sum up the others.
var aggregates = regexp.MustCompile(`(?i)^\s*(grand )?(totals?|sum|summe|average|avg|mean|min|max|minimum|maximum|count|std)\b`)

// next reads rows, and looks whether the last one sums up the others.
func (in *input) next(b *table.Batch, most int) error {
	err := in.Reader.Next(b, most)
	last := b.Len() - 1
	if last < 0 || most == 1 {
		return err
	}
	in.total = nil
	for k := range b.Columns {
		c := &b.Columns[k]
		if c.Type != table.Text || !aggregates.Match(c.Text(last)) {
			continue
		}
		again := false
		for i := range last {
			again = again || bytes.Equal(c.Text(i), c.Text(last))
		}
		if !again {
			in.total = []table.Warning{{File: in.Name(), Line: b.Lines[last], Column: in.Columns()[k],
				Text: fmt.Sprintf("%s looks like a row that sums up the others, and is read as one of them (take it out of the file)", table.Excerpt(c.Text(last)))}}
		}
	}
	return err
}

// at has values be of row i of a batch.
func (in *input) at(b *table.Batch, i int) {
	in.batch, in.row = b, i
	in.decimals.text = in.decimals.text[:0]
}

// line is where the row is.
func (in *input) line() int { return in.batch.Lines[in.row] }

// value is that of column k, valid up to the next one.
func (in *input) value(k int) *value {
	if in.order != nil {
		k = in.order[k]
	}
	v, c := &in.current, &in.batch.Columns[k]
	*v = value{}
	if c.Type != table.Text {
		v.kind, v.number, v.column, v.row = numberKind, c.Float(in.row), c, in.row
		if v.number != v.number {
			v.kind = nullKind
		}
	} else if v.text = c.Text(in.row); v.text == nil {
		v.kind = nullKind
	} else {
		if v.form = in.decimals.form(k); v.form != nil {
			v.bare = v.form.digits(v.text)
		}
		if k < len(in.decimals.marks) {
			in.decimals.read(v, in.line(), k)
		}
	}
	if in.na != nil && in.na.has(v) {
		*v = value{kind: nullKind}
	}
	return v
}

// when is a time that is in a column or, in parts, in more.
func (in *input) when(column int, more []int) value {
	v := *in.value(column)
	if len(more) == 0 {
		return v
	}
	parts := [][]byte{v.appendText(nil)}
	for _, k := range more {
		parts = append(parts, in.value(k).appendText(nil))
	}
	return joined(parts...)
}

// profiles say what the first rows are of each column.
func (in *input) profiles(o Options) ([]*profile, error) {
	if in.headFault != nil {
		return nil, in.headFault
	}
	profiles := newProfiles(in.Columns(), o)
	for i := range in.head.Len() {
		in.at(&in.head, i)
		for k := range profiles {
			profiles[k].add(in.value(k))
		}
	}
	for k, t := range in.Types() {
		profiles[k].time = isTimeType(t)
		profiles[k].settleWhole()
	}
	return profiles, nil
}

// beside reports whether column k stood beside the steps of series that were a row each, or is their number.
func (in *input) beside(k int) bool {
	return in.Format().Recording() && (in.Types()[k] == table.Text || in.Reader.Columns()[k] == table.SeriesColumn)
}

// unit is that of column k, "" without one.
func (in *input) unit(k int) string {
	if units := in.Units(); units != nil {
		return units[k]
	}
	if f := in.decimals.form(k); f != nil {
		return f.unit()
	}
	return ""
}

// warnings are the oddities met so far.
func (in *input) warnings() []table.Warning {
	all := append(in.Warnings(), in.total...)
	for _, w := range in.decimals.warnings(in.Columns()) {
		w.File = in.Name()
		all = append(all, w)
	}
	return all
}

// naValues are those of Options.NAValues.
type naValues struct {
	texts   []string
	numbers []float64
}

func newNAValues(texts []string) *naValues {
	if len(texts) == 0 {
		return nil
	}
	na := &naValues{texts: texts}
	for _, text := range texts {
		v := value{text: []byte(text)}
		if x, ok := v.float(); ok {
			na.numbers = append(na.numbers, x)
		}
	}
	return na
}

func (na *naValues) has(v *value) bool {
	if text := bytes.TrimSpace(v.text); v.kind != numberKind && slices.ContainsFunc(na.texts, func(na string) bool { return string(text) == na }) {
		return true
	}
	if len(na.numbers) == 0 {
		return false
	}
	x, ok := v.float()
	return ok && slices.Contains(na.numbers, x)
}
