package series

import (
	"bytes"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetEncoder writes Parquet. Rows read as Parquet keep their types.
type parquetEncoder struct {
	w       *parquet.GenericWriter[any]
	split   func(*record, []value) // nil when rows keep their values
	row     []value
	feature []bool // of the columns split sets
	rows    []parquet.Row
	values  []parquet.Value // of rows
	text    []byte          // of values

	schema *parquet.Schema // of the file that rows keep their values from

	labels []parquet.Value // [C] the classes' names
	none   int             // columns of a row without an answer
}

// parquetGroupRows bounds the rows held in memory.
const parquetGroupRows = 1 << 20

func newParquetEncoder(w io.Writer, r *Reader, a Answers) (*parquetEncoder, error) {
	names := a.columns(r.Columns())
	e := &parquetEncoder{none: len(names)}
	var table flatTable
	if d, same := r.decoder.(*parquetDecoder); same {
		e.schema = d.file.Schema()
		for _, c := range d.file.Root().Columns() {
			table.add(c.Name(), valueEncoded(c))
		}
	} else {
		e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
		for i, name := range r.Columns() {
			e.feature = append(e.feature, slices.Contains(r.roles.features, i))
			node := parquet.String()
			if e.feature[i] {
				node = parquet.Leaf(parquet.DoubleType)
			}
			table.add(name, parquet.Optional(node))
		}
	}
	table.add(names[0], parquet.Optional(e.setLabels(a)))
	for _, name := range names[1:] {
		table.add(name, parquet.Optional(parquet.Leaf(parquet.FloatType)))
	}
	config, err := parquet.NewWriterConfig(parquet.NewSchema("predictions", table),
		parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(parquetGroupRows))
	if err != nil {
		return nil, err
	}
	e.w = parquet.NewGenericWriter[any](w, config)
	return e, nil
}

func (e *parquetEncoder) resume(r *Reader) bool {
	if e.split != nil {
		e.split = r.decoder.split
		return true
	}
	d, same := r.decoder.(*parquetDecoder)
	return same && parquet.EqualNodes(e.schema, d.file.Schema())
}

// setLabels sets the labels and returns their type, integers if all of them are.
func (e *parquetEncoder) setLabels(a Answers) parquet.Node {
	if integers := a.integers(); integers != nil {
		for _, n := range integers {
			e.labels = append(e.labels, parquet.Int64Value(n))
		}
		return parquet.Int(64)
	}
	for _, name := range a.Classes {
		e.labels = append(e.labels, parquet.ByteArrayValue([]byte(name)))
	}
	return parquet.String()
}

// valueEncoded is the column c as it is to be written. Files list the encoding of
// a column's levels among its own, and that of its values may not be the first.
func valueEncoded(c *parquet.Column) parquet.Node {
	if e := c.Encoding(); e != nil && e.Encoding() == format.RLE {
		return parquet.Encoded(c, &parquet.Plain)
	}
	return c
}

// flatTable is a schema whose columns keep their order; a parquet.Group sorts
// them by name.
type flatTable struct {
	parquet.Group
	order []string
}

func (t *flatTable) add(name string, n parquet.Node) {
	if t.Group == nil {
		t.Group = parquet.Group{}
	}
	t.Group[name] = n
	t.order = append(t.order, name)
}

// Fields returns the columns in the order they were added.
func (t flatTable) Fields() []parquet.Field {
	fields := t.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(t.order, a.Name()) - slices.Index(t.order, b.Name())
	})
	return fields
}

func (e *parquetEncoder) write(r *record, a answer) error {
	from := len(e.values)
	if e.split == nil {
		e.values = append(e.values, r.typed...)
	} else {
		e.appendFields(r)
	}
	e.appendAnswer(from, a)
	e.rows = append(e.rows, e.values[from:])
	if len(e.rows) < parquetBatch {
		return nil
	}
	return e.flush()
}

// appendAnswer appends the answer to the row that begins at from.
func (e *parquetEncoder) appendAnswer(from int, a answer) {
	if !a.known {
		for range e.none {
			e.appendOptional(from, parquet.NullValue())
		}
		return
	}
	e.appendOptional(from, e.labels[a.label])
	e.appendOptional(from, parquet.FloatValue(a.probability))
	for _, p := range a.probabilities {
		e.appendOptional(from, parquet.FloatValue(p))
	}
}

// appendFields appends the fields of a row that was read as text.
func (e *parquetEncoder) appendFields(r *record) {
	e.split(r, e.row)
	from := len(e.values)
	for i, v := range e.row {
		e.appendOptional(from, e.parquetValue(i, v))
	}
}

// appendOptional appends the next value of the row that begins at from.
func (e *parquetEncoder) appendOptional(from int, v parquet.Value) {
	defined := 1
	if v.IsNull() {
		defined = 0
	}
	e.values = append(e.values, v.Level(0, defined, len(e.values)-from))
}

// parquetValue is field i as the type of its column.
func (e *parquetEncoder) parquetValue(i int, v value) parquet.Value {
	switch {
	case v.empty() || e.feature[i] && v.missing():
		return parquet.NullValue()
	case !e.feature[i]:
		start := len(e.text)
		e.text = v.appendText(e.text)
		return parquet.ByteArrayValue(e.text[start:])
	case v.kind == numberKind:
		return parquet.DoubleValue(v.number)
	}
	x, _ := strconv.ParseFloat(string(bytes.TrimSpace(v.text)), 64) // it has been read as a number before
	return parquet.DoubleValue(x)
}

func (e *parquetEncoder) flush() error {
	_, err := e.w.WriteRows(e.rows)
	e.rows, e.values, e.text = e.rows[:0], e.values[:0], e.text[:0]
	return err
}

func (e *parquetEncoder) close() error {
	if err := e.flush(); err != nil {
		return err
	}
	return e.w.Close()
}
