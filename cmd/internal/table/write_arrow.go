package table

import (
	"bytes"
	"errors"
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
	kept   int                  // columns that keep their types
	built  *array.RecordBuilder // of those that do not, and the extra ones
}

// arrowWriter writes batches in one format.
type arrowWriter interface {
	Write(arrow.RecordBatch) error
	Close() error
}

func newArrowEncoder(w io.Writer, f Format, r *Reader, numbers []int, extras []Extra) (*arrowEncoder, error) {
	e := &arrowEncoder{}
	var fields []arrow.Field
	add := func(name string, number bool, t arrow.DataType) {
		if !number {
			t = arrow.BinaryTypes.String
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	var metadata arrow.Metadata
	if schema := r.layout().schema; schema != nil && (f != Parquet || parquetHolds(schema)) {
		fields, metadata, e.kept = slices.Clone(schema.Fields()), schema.Metadata(), len(schema.Fields())
	} else {
		for i, name := range r.Columns() {
			add(name, slices.Contains(numbers, i), arrow.PrimitiveTypes.Float64)
		}
	}
	for _, x := range extras {
		if x.Words == nil {
			add(x.Name, true, arrow.PrimitiveTypes.Float32)
		} else {
			add(x.Name, x.integers(), arrow.PrimitiveTypes.Int64)
		}
	}
	e.built = array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields[e.kept:], nil))
	e.schema = arrow.NewSchema(fields, &metadata)
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

func (e *arrowEncoder) accepts(r *Reader) bool {
	schema := r.layout().schema
	return e.kept == 0 || schema != nil && slices.EqualFunc(schema.Fields(), e.schema.Fields()[:e.kept],
		func(a, b arrow.Field) bool { return arrow.TypeEqual(a.Type, b.Type) && a.Nullable == b.Nullable })
}

// write writes runs of rows that follow each other in the batch.
func (e *arrowEncoder) write(b *Batch, rows []int32, extras []Extra) error {
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to] == rows[to-1]+1 {
			to++
		}
		if err := e.writeRun(b, rows[from:to], from, extras); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// writeRun writes rows, which have the extra values from some place on.
func (e *arrowEncoder) writeRun(b *Batch, rows []int32, from int, extras []Extra) error {
	n, first := len(rows), int64(rows[0])
	var columns []arrow.Array
	for i := range b.Columns {
		if c := &b.Columns[i]; e.kept > 0 {
			columns = append(columns, array.NewSlice(c.array, first, first+int64(n)))
		} else {
			c.build(e.built.Field(i), int(first), n)
		}
	}
	for k, x := range extras {
		builder := e.built.Field(len(b.Columns) - e.kept + k)
		for i := from; i < from+n; i++ {
			var err error
			switch {
			case x.Words == nil && x.Numbers[i] == x.Numbers[i]:
				builder.(*array.Float32Builder).Append(x.Numbers[i])
			case x.Words != nil && x.Codes[i] >= 0:
				err = builder.AppendValueFromString(x.Words[x.Codes[i]])
			default:
				builder.AppendNull()
			}
			if err != nil {
				return err
			}
		}
	}
	columns = append(columns, e.built.NewRecordBatch().Columns()...)
	return e.w.Write(array.NewRecordBatch(e.schema, columns, int64(n)))
}

// build appends values to a column of floats or of text. What is no number has been read as missing.
func (c *Column) build(to array.Builder, first, n int) {
	var text []byte
	for i := first; i < first+n; i++ {
		text = c.AppendText(text[:0], i)
		switch to := to.(type) {
		case *array.Float64Builder:
			if x, err := ParseNumber(text, 64); x == x && (err == nil || errors.Is(err, strconv.ErrRange)) && !IsMissing(text) {
				to.Append(x)
			} else {
				to.AppendNull()
			}
		case *array.StringBuilder:
			if len(bytes.TrimSpace(text)) > 0 {
				to.Append(string(text))
			} else {
				to.AppendNull()
			}
		}
	}
}

func (e *arrowEncoder) close() error { return e.w.Close() }
