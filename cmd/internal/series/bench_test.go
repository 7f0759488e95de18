package series

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// writeBenchCSV writes rows of a time, two features with the given number of
// decimals, and a label.
func writeBenchCSV(w io.Writer, rows, decimals int, stamps bool) {
	random := rand.New(rand.NewPCG(1, 2))
	line := []byte("time,a,b,label\n")
	for i := range rows {
		w.Write(line)
		if line = line[:0]; stamps {
			line = time.Unix(int64(i), 0).UTC().AppendFormat(line, time.DateTime)
		} else {
			line = strconv.AppendInt(line, int64(i), 10)
		}
		for range 2 {
			line = strconv.AppendFloat(append(line, ','), random.NormFloat64(), 'f', decimals, 64)
		}
		line = strconv.AppendInt(append(line, ','), int64(i&1), 10)
		line = append(line, '\n')
	}
	w.Write(line)
}

// BenchmarkRead loads a file of 500,000 rows. Its numbers beside those of
// encoding/csv with strconv, which make no columns and check nothing, are why
// split.go exists.
func BenchmarkRead(b *testing.B) {
	for _, test := range []struct {
		decimals int
		stamps   bool
	}{{3, false}, {15, false}, {3, true}} {
		var text bytes.Buffer
		writeBenchCSV(&text, 500_000, test.decimals, test.stamps)
		path := filepath.Join(b.TempDir(), "x.csv")
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("decimals=%d/timestamps=%v", test.decimals, test.stamps)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				if _, err := Read(context.Background(), []string{path}, DefaultOptions()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encoding-csv", func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				parseWithStandardLibrary(text.Bytes())
			}
		})
	}
}

func parseWithStandardLibrary(text []byte) (sum float64) {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	r.Read()
	for {
		fields, err := r.Read()
		if err != nil {
			return sum
		}
		for _, field := range fields {
			x, _ := strconv.ParseFloat(field, 32)
			sum += x
		}
	}
}

// BenchmarkStream measures prediction but for the model: rows are read and
// written with an answer each.
func BenchmarkStream(b *testing.B) {
	var text bytes.Buffer
	const rows = 500_000
	writeBenchCSV(&text, rows, 3, false)
	path := filepath.Join(b.TempDir(), "x.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, f := range []table.Format{table.CSV, table.JSONL, table.Parquet} {
		b.Run(string(f), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				answerAll(b, path, DefaultOptions(), func(r *Reader) (*Writer, error) { return NewWriter(io.Discard, f, r, zeroOrOne) })
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkReadFormats loads the same rows from each format.
func BenchmarkReadFormats(b *testing.B) {
	var text bytes.Buffer
	const rows = 500_000
	writeBenchCSV(&text, rows, 3, false)
	in := filepath.Join(b.TempDir(), "x.csv")
	if err := os.WriteFile(in, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"x.csv.gz", "x.csv.zst", "x.jsonl", "x.parquet"} {
		path := filepath.Join(b.TempDir(), name)
		answerAll(b, in, DefaultOptions(), func(r *Reader) (*Writer, error) { return Create(path, "", r, zeroOrOne) })
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Read(context.Background(), []string{path}, DefaultOptions()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
