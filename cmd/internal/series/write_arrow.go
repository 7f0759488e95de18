package series

import (
	"bytes"
	"io"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowEncoder writes Parquet and Arrow's IPC format. Columns read from these keep their types,
// and parts of their batches are written as they are.
type arrowEncoder struct {
	w      arrowWriter
	schema *arrow.Schema
	rows   int // not written yet

	batch *arrowBatch // that they are from, if they are Arrow's
	from  int         // the first of them in it

	split  func(*record, []value) // nil when rows keep their values
	row    []value
	fields []array.Builder // [columns] of what split sets

	labels        array.Builder
	label         func(int16) // appends one
	probabilities []*array.Float32Builder
}

// arrowWriter writes batches in one format.
type arrowWriter interface {
	Write(arrow.RecordBatch) error
	Close() error
}

// arrowBatchRows bounds the rows held in memory.
const arrowBatchRows = 1 << 16

func newArrowEncoder(w io.Writer, f Format, r *Reader, a Answers) (*arrowEncoder, error) {
	e := &arrowEncoder{}
	var fields []arrow.Field
	var metadata *arrow.Metadata
	if d, typed := r.decoder.(*arrowDecoder); typed && (f != Parquet || parquetHolds(d.schema)) {
		m := d.schema.Metadata()
		fields, metadata = d.schema.Fields(), &m
	} else {
		e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
		for i, name := range r.Columns() {
			fields = append(fields, arrow.Field{Name: name, Type: e.addField(slices.Contains(r.roles.features, i)), Nullable: true})
		}
	}
	names := a.columns(r.Columns())
	fields = append(fields, arrow.Field{Name: names[0], Type: e.setLabels(a), Nullable: true})
	for _, name := range names[1:] {
		e.probabilities = append(e.probabilities, array.NewFloat32Builder(memory.NewGoAllocator()))
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true})
	}
	e.schema = arrow.NewSchema(fields, metadata)
	var err error
	e.w, err = newArrowWriter(w, f, e.schema)
	return e, err
}

func newArrowWriter(w io.Writer, f Format, schema *arrow.Schema) (arrowWriter, error) {
	options := []ipc.Option{ipc.WithSchema(schema), ipc.WithAllocator(memory.NewGoAllocator()), ipc.WithDictionaryDeltas(true)}
	switch f {
	case Parquet:
		return newParquetWriter(w, schema)
	case ArrowStream:
		return ipc.NewWriter(w, options...), nil
	}
	return ipc.NewFileWriter(w, options...)
}

func (e *arrowEncoder) resume(r *Reader) bool {
	if e.split != nil {
		e.split = r.decoder.split
		return true
	}
	d, typed := r.decoder.(*arrowDecoder)
	if !typed {
		return false
	}
	fields := d.schema.Fields()
	return slices.EqualFunc(fields, e.schema.Fields()[:len(fields)], func(a, b arrow.Field) bool { return arrow.TypeEqual(a.Type, b.Type) && a.Nullable == b.Nullable })
}

// addField adds a column that was read in another format, and returns its type.
func (e *arrowEncoder) addField(feature bool) arrow.DataType {
	if feature {
		e.fields = append(e.fields, array.NewFloat64Builder(memory.NewGoAllocator()))
		return arrow.PrimitiveTypes.Float64
	}
	e.fields = append(e.fields, array.NewStringBuilder(memory.NewGoAllocator()))
	return arrow.BinaryTypes.String
}

// setLabels sets the labels and returns their type, integers if all of them are.
func (e *arrowEncoder) setLabels(a Answers) arrow.DataType {
	if integers := a.integers(); integers != nil {
		b := array.NewInt64Builder(memory.NewGoAllocator())
		e.labels, e.label = b, func(class int16) { b.Append(integers[class]) }
		return arrow.PrimitiveTypes.Int64
	}
	b := array.NewStringBuilder(memory.NewGoAllocator())
	e.labels, e.label = b, func(class int16) { b.Append(a.Classes[class]) }
	return arrow.BinaryTypes.String
}

func (e *arrowEncoder) write(r *record, a answer) error {
	if at := r.line; e.split == nil && (r.batch != e.batch || at-r.batch.first != e.from+e.rows) {
		if err := e.flush(); err != nil {
			return err
		}
		e.batch, e.from = r.batch, at-r.batch.first
	}
	if e.split != nil {
		e.appendFields(r)
	}
	e.appendAnswer(a)
	if e.rows++; e.rows < arrowBatchRows {
		return nil
	}
	return e.flush()
}

// appendFields appends the fields of a row that was read in another format.
func (e *arrowEncoder) appendFields(r *record) {
	e.split(r, e.row)
	for i, v := range e.row {
		switch b := e.fields[i].(type) {
		case *array.Float64Builder:
			x, err := v.number, error(nil)
			if v.kind == textKind {
				x, err = strconv.ParseFloat(string(bytes.TrimSpace(v.text)), 64)
			}
			if v.missing() || err != nil && x == 0 { // it has been read as a number before
				b.AppendNull()
			} else {
				b.Append(x)
			}
		case *array.StringBuilder:
			if v.empty() {
				b.AppendNull()
			} else {
				b.Append(string(v.appendText(nil)))
			}
		}
	}
}

func (e *arrowEncoder) appendAnswer(a answer) {
	if !a.known {
		e.labels.AppendNull()
		for _, b := range e.probabilities {
			b.AppendNull()
		}
		return
	}
	e.label(a.label)
	e.probabilities[0].Append(a.probability)
	for i, p := range a.probabilities {
		e.probabilities[1+i].Append(p)
	}
}

// flush writes the rows at hand as a batch.
func (e *arrowEncoder) flush() error {
	if e.rows == 0 {
		return nil
	}
	var columns []arrow.Array
	if e.split == nil {
		for _, c := range e.batch.columns {
			columns = append(columns, array.NewSlice(c, int64(e.from), int64(e.from+e.rows)))
		}
	}
	for _, b := range e.fields {
		columns = append(columns, b.NewArray())
	}
	columns = append(columns, e.labels.NewArray())
	for _, b := range e.probabilities {
		columns = append(columns, b.NewArray())
	}
	batch := array.NewRecordBatch(e.schema, columns, int64(e.rows))
	e.from, e.rows = e.from+e.rows, 0
	return e.w.Write(batch)
}

func (e *arrowEncoder) close() error {
	if err := e.flush(); err != nil {
		return err
	}
	return e.w.Close()
}
