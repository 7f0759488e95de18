package table

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
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
	f.MetaData().FileMetaData.KeyValueMetadata = nil // a schema of Arrow's there would be read without a look at its lengths
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: parquetBatch}, allocator)
	if err != nil {
		return err
	}
	schema, err := r.Schema()
	if err != nil {
		return err
	}
	d.describe(schema)
	var leaves []int
	for i, field := range d.flat { // the batches hold no others
		leaves, d.flat[i] = append(leaves, r.Manifest.Fields[field].ColIndex), i
	}
	if len(leaves) > 0 {
		d.batches, err = r.GetRecordReader(context.Background(), leaves, nil)
	}
	return err
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
