package table

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

// Extra is a column that is put behind those of a batch: words, or numbers of 32 bits.
type Extra struct {
	Name    string
	Words   []string  // that there may be; nil for numbers
	Codes   []int16   // [n] numbers of the words, negative for none
	Numbers []float32 // [n] NaN for none
}

// integers reports whether all words are integers.
func (e *Extra) integers() bool {
	return !slices.ContainsFunc(e.Words, func(word string) bool {
		n, err := strconv.ParseInt(word, 10, 64)
		return err != nil || strconv.FormatInt(n, 10) != word
	})
}

// encoder writes rows in one format.
type encoder interface {
	write(b *Batch, rows []int32, extras []Extra) error
	// accepts reports whether rows of a file can be written, which has the columns of the first one.
	accepts(r *Reader) bool
	// close completes the output, but leaves what it is written to open.
	close() error
}

// Writer writes rows of files with the same columns, and extra columns behind them. In a file's
// own format the other columns keep their text to the letter. Elsewhere they keep their
// values: in JSON lines what can be a JSON number is one and what is empty is null; in
// Parquet and Arrow, unless they have types from one of these, some are 64-bit floats
// and all else is text.
type Writer struct {
	first   *Reader // which named the columns
	layout  layout  // of what is written
	enc     encoder
	out     *bufio.Writer
	closers []io.Closer   // compression, then the file
	file    *outfile.File // nil when the caller owns the output
}

// NewWriter writes rows of r to w in the given format, which may be "" for the
// format of r. Close does not close w. Numbers are the columns without a type that become floats; of the extra
// columns it needs names and words.
func NewWriter(w io.Writer, f Format, r *Reader, numbers []int, extras []Extra) (*Writer, error) {
	out := &Writer{first: r, out: bufio.NewWriterSize(w, blockSize), layout: layout{format: f}}
	if f == "" {
		out.layout.format = r.Format().Output()
	}
	var err error
	if names := r.Doubled(); names != nil && out.layout.format != CSV && out.layout.format != TSV {
		return nil, &Error{File: r.Name(), Column: names[0], Err: fmt.Errorf("two columns are called so, which %s cannot hold (Writer.Format csv can)", out.layout.format)}
	}
	switch f := out.layout.format; f {
	case CSV, TSV:
		out.layout.comma = ','
		if f == TSV {
			out.layout.comma = '\t'
		} else if r.Format() == CSV && r.layout().comma != blanks {
			out.layout.comma = r.layout().comma // what does in the file
		}
		out.enc, err = newCSVEncoder(out.out, out.layout.comma, r, extras)
	case JSONL:
		out.enc = newJSONEncoder(out.out, r, extras)
	case Parquet, Arrow, ArrowStream:
		out.enc, err = newArrowEncoder(out.out, f, r, numbers, extras)
	default:
		err = fmt.Errorf("format %q is none of %v", f, Formats)
	}
	return out, err
}

// Create writes rows of r to a file, whose name tells format and compression.
// The file appears, or replaces an older one, whole and with Close; before that
// Discard leaves no trace. A format of "" in both the name and f is that of r.
func Create(path string, f Format, r *Reader, numbers []int, extras []Extra) (*Writer, error) {
	named, compression := FormatOf(path)
	if f == "" {
		f = named
	}
	file, err := outfile.Create(path)
	if err != nil {
		return nil, err
	}
	z, err := NewCompressor(file, compression)
	if err == nil {
		var out *Writer
		if out, err = NewWriter(z, f, r, numbers, extras); err == nil {
			out.closers, out.file = append(out.closers, z), file
			return out, nil
		}
	}
	file.Discard()
	return nil, err
}

// NewCompressor returns a writer that compresses to w; closing it leaves w open.
func NewCompressor(w io.Writer, c Compression) (io.WriteCloser, error) {
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

// Echoes reports whether rows of a batch are written as they stood.
func (w *Writer) Echoes(b *Batch) bool { return w.layout.echoes(b) }

func (l *layout) echoes(b *Batch) bool {
	if l.text() {
		return b.layout.comma == l.comma
	}
	return b.layout.format == l.format
}

// Write writes rows of b, and the values of extra columns for these.
func (w *Writer) Write(b *Batch, rows []int32, extras []Extra) error {
	return w.enc.write(b, rows, extras)
}

// Continue has the rows that follow come from another file, whose columns must be those of
// the first one.
func (w *Writer) Continue(r *Reader) error {
	if err := SameColumns(w.first, r); err != nil {
		return err
	}
	if !w.enc.accepts(r) {
		return &Error{File: r.Name(), Err: fmt.Errorf("its columns have other types than those of %s, so one file cannot hold both (Writer.Format csv can)", w.first.Name())}
	}
	return nil
}

// SameColumns is the error for a file whose columns are not those of the first one.
func SameColumns(first, r *Reader) error {
	want, got := first.Columns(), r.Columns()
	if slices.Equal(want, got) {
		return nil
	}
	but := func(names, others []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
	}
	missing, added := but(want, got), but(got, want)
	how := "their order is another"
	switch {
	case len(missing) > 0 && len(added) > 0:
		how = fmt.Sprintf("it has %s in place of %s", List(added), List(missing))
	case len(missing) > 0:
		how = "it lacks " + List(missing)
	case len(added) > 0:
		how = "it has also " + List(added)
	}
	return &Error{File: r.Name(), Err: fmt.Errorf("its columns are not those of %s: %s", first.Name(), how)}
}

// Flush hands over what has been written. Parquet and Arrow keep rows back.
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
		return err
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
