package series

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

// Answer columns, behind the input's own. Where the input has a column of that
// name already, "predicted_" is put before it.
const (
	probabilityColumn = "probability"
	labelColumn       = "label"
)

// answer is what the model says of a row; a row left out by MissingDrop has
// none.
type answer struct {
	probability float32
	label       int16
	known       bool
}

// encoder writes rows in one format.
type encoder interface {
	write(r *record, a answer) error
	// close completes the output, but leaves what it is written to open.
	close() error
}

// Writer writes a Reader's rows with two more columns, probability and label.
// In the Reader's own format the other columns keep their text to the letter.
// Elsewhere they keep their values: in JSON lines what can be a JSON number is
// one and what is empty is null; in Parquet the features are 64-bit floats and
// all else is text.
type Writer struct {
	enc     encoder
	out     *bufio.Writer
	closers []io.Closer   // compression, then the file
	file    *outfile.File // nil when the caller owns the output
}

// NewWriter writes rows of r to w in the given format, which may be "" for the
// format of r. Close does not close w.
func NewWriter(w io.Writer, f Format, r *Reader) (*Writer, error) {
	out := &Writer{out: bufio.NewWriterSize(w, blockSize)}
	var err error
	out.enc, err = newEncoder(out.out, f, r)
	return out, err
}

// Create writes rows of r to a file, whose name tells format and compression.
// The file appears, or replaces an older one, whole and with Close; before that
// Discard leaves no trace. A format of "" in both the name and f is that of r.
func Create(path string, f Format, r *Reader) (*Writer, error) {
	named, compression := FormatOf(path)
	if f == "" {
		f = named
	}
	file, err := outfile.Create(path)
	if err != nil {
		return nil, err
	}
	out, err := compressed(file, f, compression, r)
	if err != nil {
		file.Discard()
		return nil, err
	}
	out.file = file
	return out, nil
}

func compressed(file io.Writer, f Format, c Compression, r *Reader) (*Writer, error) {
	z, err := newCompressor(file, c)
	if err != nil {
		return nil, err
	}
	out, err := NewWriter(z, f, r)
	if err != nil {
		return nil, err
	}
	out.closers = append(out.closers, z)
	return out, nil
}

// newCompressor wraps w; closing it leaves w open.
func newCompressor(w io.Writer, c Compression) (io.WriteCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewWriter(w), nil
	case Zstd:
		return zstd.NewWriter(w)
	}
	return plainWriter{w}, nil
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

func newEncoder(w *bufio.Writer, f Format, r *Reader) (encoder, error) {
	columns := r.Columns()
	names := [2]string{freeName(columns, probabilityColumn), freeName(columns, labelColumn)}
	if f == "" {
		f = r.Format()
	}
	switch f {
	case CSV:
		return newCSVEncoder(w, r.comma(), r, names)
	case TSV:
		return newCSVEncoder(w, '\t', r, names)
	case JSONL:
		return newJSONEncoder(w, r, names), nil
	case Parquet:
		return newParquetEncoder(w, r, names)
	}
	return nil, fmt.Errorf("format %q is none of %v", f, Formats)
}

// freeName is name, or what it becomes where columns has it.
func freeName(columns []string, name string) string {
	for slices.Contains(columns, name) {
		name = "predicted_" + name
	}
	return name
}

// Write writes the rows of c, which holds n rows with features. The
// probabilities [n] and labels [n] of those belong to them in order; rows that
// were left out get empty ones.
func (w *Writer) Write(c *Chunk, probability []float32, label []int16) error {
	if len(probability) != c.Rows() || len(label) != c.Rows() {
		return fmt.Errorf("%d probabilities and %d labels for %d rows", len(probability), len(label), c.Rows())
	}
	k := 0
	for i := range c.records {
		var a answer
		if k < len(c.Input) && int(c.Input[k]) == i {
			a = answer{probability[k], label[k], true}
			k++
		}
		if err := w.enc.write(&c.records[i], a); err != nil {
			return fmt.Errorf("write predictions: %w", err)
		}
	}
	return nil
}

// Flush hands over what has been written. Parquet keeps rows back until Close.
func (w *Writer) Flush() error { return w.out.Flush() }

// Close completes the output.
func (w *Writer) Close() error {
	err := w.enc.close()
	if err == nil {
		err = w.out.Flush()
	}
	for _, c := range w.closers {
		if err == nil {
			err = c.Close()
		}
	}
	if err != nil {
		w.Discard()
		return fmt.Errorf("write predictions: %w", err)
	}
	if w.file != nil {
		return w.file.Commit()
	}
	return nil
}

// Discard removes an unfinished file. Behind Close it does nothing.
func (w *Writer) Discard() {
	if w.file != nil {
		w.file.Discard()
	}
}
