package series

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// readText reads text as if it came from standard input.
func readText(text string, o Options) (*Data, error) {
	return read(context.Background(), []string{table.Stdin}, strings.NewReader(text), o)
}

// writeFile puts content into a new file and returns its path.
func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compress returns text wrapped in c.
func compress(t testing.TB, c table.Compression, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch c {
	case table.Gzip:
		w = gzip.NewWriter(&out)
	case table.Zstd:
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return text
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// field is a column of a table with types, which may lack values.
func field(name string, kind arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: kind, Nullable: true}
}

// tableOf is rows, an array of JSON objects, as a batch of Arrow.
func tableOf(t testing.TB, fields []arrow.Field, rows string) arrow.RecordBatch {
	t.Helper()
	batch, _, err := array.RecordFromJSON(memory.NewGoAllocator(), arrow.NewSchema(fields, nil), strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// writeTable writes rows, an array of JSON objects, as a Parquet file and returns its path.
func writeTable(t testing.TB, fields []arrow.Field, rows string, options ...parquet.WriterProperty) string {
	t.Helper()
	batch := tableOf(t, fields, rows)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "x.parquet", out.String())
}
