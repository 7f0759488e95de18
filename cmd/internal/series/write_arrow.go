package series

import (
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowEncoder writes Parquet and Arrow's IPC format. Columns read from these keep their types,
// and parts of their batches are written as they are.
type arrowEncoder struct {
	w       arrowWriter
	schema  *arrow.Schema
	classes []string
	rows    int // not written yet

	batch *arrowBatch // that they are from, if they keep their types
	from  int         // the first of them in it

	split func(*record, []value) // nil when rows keep their values
	row   []value
	built *array.RecordBuilder // of what split sets, and the answers
}

// arrowWriter writes batches in one format.
type arrowWriter interface {
	Write(arrow.RecordBatch) error
	Close() error
}

// arrowBatchRows bounds the rows held in memory.
const arrowBatchRows = 1 << 16

func newArrowEncoder(w io.Writer, f Format, r *Reader, a Answers) (*arrowEncoder, error) {
	e := &arrowEncoder{classes: a.Classes}
	var kept, built []arrow.Field
	var metadata arrow.Metadata
	add := func(name string, t arrow.DataType) {
		built = append(built, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	if d, typed := r.decoder.(*arrowDecoder); typed && (f != Parquet || parquetHolds(d.schema)) {
		kept, metadata = d.schema.Fields(), d.schema.Metadata()
	} else {
		e.split, e.row = r.decoder.split, make([]value, len(r.Columns()))
		for i, name := range r.Columns() {
			if slices.Contains(r.roles.features, i) {
				add(name, arrow.PrimitiveTypes.Float64)
			} else {
				add(name, arrow.BinaryTypes.String)
			}
		}
	}
	names := a.columns(r.Columns())
	if a.integers() {
		add(names[0], arrow.PrimitiveTypes.Int64)
	} else {
		add(names[0], arrow.BinaryTypes.String)
	}
	for _, name := range names[1:] {
		add(name, arrow.PrimitiveTypes.Float32)
	}
	e.built = array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(built, nil))
	e.schema = arrow.NewSchema(slices.Concat(kept, built), &metadata)
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
	if err := e.appendAnswer(a); err != nil {
		return err
	}
	if e.rows++; e.rows < arrowBatchRows {
		return nil
	}
	return e.flush()
}

// appendFields appends the fields of a row that was read in another format.
func (e *arrowEncoder) appendFields(r *record) {
	e.split(r, e.row)
	for i, v := range e.row {
		switch b := e.built.Field(i).(type) {
		case *array.Float64Builder:
			x, err := v.number, error(nil)
			if v.kind == textKind {
				x, err = parseNumber(v.text, 64)
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

func (e *arrowEncoder) appendAnswer(a answer) error {
	columns := e.built.Fields()[len(e.row):]
	if !a.known {
		for _, b := range columns {
			b.AppendNull()
		}
		return nil
	}
	columns[1].(*array.Float32Builder).Append(a.probability)
	for i, p := range a.probabilities {
		columns[2+i].(*array.Float32Builder).Append(p)
	}
	return columns[0].AppendValueFromString(e.classes[a.label])
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
	columns = append(columns, e.built.NewRecordBatch().Columns()...)
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
