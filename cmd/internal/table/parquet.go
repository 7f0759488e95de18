package table

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	codec "github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// openParquet reads the file's footer. The rows are read later, as batches of Arrow.
func (d *arrowDecoder) openParquet(s *source) error {
	stored, size := s.stored, s.size
	if !s.plain { // Parquet is read from its end
		var err error
		if stored, size, err = s.copied(s.body); err != nil {
			return err
		}
	}
	allocator := newArrowAllocator(0)
	properties := parquet.NewReaderProperties(allocator)
	properties.BufferedStreamEnabled = true // page by page, not a row group at once
	f, err := file.NewParquetReader(io.NewSectionReader(stored, 0, size), file.WithReadProps(properties))
	if err != nil {
		return err
	}
	d.rows = int(f.NumRows())
	lengths := durations(f.MetaData().KeyValueMetadata().FindValue("ARROW:schema"))
	f.MetaData().FileMetaData.KeyValueMetadata = nil // the schema of Arrow's there would be read without a look at its lengths
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: parquetBatch}, allocator)
	if err != nil {
		return err
	}
	schema, err := r.Schema()
	if err != nil {
		return err
	}
	fields := openFields(schema.Fields())
	for i, f := range fields {
		if t := lengths[f.Name]; t != nil && f.Type.ID() == arrow.INT64 {
			fields[i].Type = t
		}
	}
	metadata := schema.Metadata()
	d.describe(arrow.NewSchema(fields, &metadata))
	all, leaves := leavesOf(r.Manifest.Fields), []int(nil)
	for i, field := range d.flat { // the batches hold no others
		leaves, d.flat[i] = append(leaves, all[field]), i
	}
	if len(leaves) > 0 {
		d.batches, err = r.GetRecordReader(context.Background(), leaves, nil)
	}
	return err
}

// leavesOf are the places in the file of the columns of openFields.
func leavesOf(fields []pqarrow.SchemaField) (leaves []int) {
	for _, f := range fields {
		if _, is := f.Field.Type.(*arrow.StructType); is {
			leaves = append(leaves, leavesOf(f.Children)...)
		} else {
			leaves = append(leaves, f.ColIndex)
		}
	}
	return leaves
}

// durations are the types of columns that are lengths of time, for which Parquet has none, by the schema of Arrow's that many write beside it.
func durations(schema *string) map[string]arrow.DataType {
	if schema == nil {
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(*schema)
	if err != nil {
		return nil
	}
	r, err := ipc.NewReader(&arrowMessages{r: bytes.NewReader(text)}, ipc.WithAllocator(newArrowAllocator(0)))
	if err != nil {
		return nil
	}
	defer r.Release()
	all := map[string]arrow.DataType{}
	for _, f := range openFields(r.Schema().Fields()) {
		if f.Type.ID() == arrow.DURATION {
			all[f.Name] = f.Type
		}
	}
	return all
}

// parquetHolds reports whether Parquet has types for the columns.
func parquetHolds(schema *arrow.Schema) bool {
	_, err := pqarrow.ToParquet(schema, nil, pqarrow.DefaultWriterProps())
	return err == nil
}

// parquetBatch is how many rows are read at once.
const parquetBatch = 8192

// parquetGroupRows bounds the rows held in memory.
const parquetGroupRows = 1 << 20

// parquetWriter gathers batches to groups of rows.
type parquetWriter struct{ *pqarrow.FileWriter }

func newParquetWriter(w io.Writer, schema *arrow.Schema) (parquetWriter, error) {
	properties := parquet.NewWriterProperties(parquet.WithCompression(codec.Codecs.Snappy), parquet.WithMaxRowGroupLength(parquetGroupRows))
	out, err := pqarrow.NewFileWriter(schema, w, properties, pqarrow.DefaultWriterProps())
	return parquetWriter{out}, err
}

func (w parquetWriter) Write(b arrow.RecordBatch) error { return w.WriteBuffered(b) }
