package series

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

// Answers says which columns a Writer puts behind the input's own: predicted_label, the
// name of the label; predicted_probability, that of this label; and, if they are asked for,
// probability_NAME of each class. Where the input has one of these columns already, they all
// end in _2, or the next number that is free.
type Answers struct {
	Classes       []string // [C]
	Probabilities bool
}

// columns names the columns beside those there are.
func (a Answers) columns(others []string) []string {
	names := []string{"predicted_label", "predicted_probability"}
	if a.Probabilities {
		for _, class := range a.Classes {
			names = append(names, "probability_"+class)
		}
	}
	free := names
	for i := 2; slices.ContainsFunc(free, func(name string) bool { return slices.Contains(others, name) }); i++ {
		free = nil
		for _, name := range names {
			free = append(free, fmt.Sprintf("%s_%d", name, i))
		}
	}
	return free
}

// integers reports whether all classes' names are integers.
func (a Answers) integers() bool {
	return !slices.ContainsFunc(a.Classes, func(name string) bool {
		n, err := strconv.ParseInt(name, 10, 64)
		return err != nil || strconv.FormatInt(n, 10) != name
	})
}

// answer is what the model says of a row; a row left out by MissingDrop has
// none.
type answer struct {
	label         int16
	probability   float32   // that of the label
	probabilities []float32 // [C], or [0] where they are no columns
	known         bool
}

// encoder writes rows in one format.
type encoder interface {
	write(r *record, a answer) error
	// resume has the rows that follow come from another file, of the same columns. It
	// reports false if their types are others than can be written.
	resume(r *Reader) bool
	// close completes the output, but leaves what it is written to open.
	close() error
}

// Writer writes a Reader's rows with the columns of Answers behind them. In the Reader's
// own format the other columns keep their text to the letter. Elsewhere they keep their
// values: in JSON lines what can be a JSON number is one and what is empty is null; in
// Parquet and Arrow, unless they have types from one of these, the features are 64-bit floats
// and all else is text. A nil Writer does nothing.
type Writer struct {
	answers Answers
	first   *Reader // which named the columns
	enc     encoder
	out     *bufio.Writer
	closers []io.Closer   // compression, then the file
	file    *outfile.File // nil when the caller owns the output
}

// NewWriter writes rows of r to w in the given format, which may be "" for the
// format of r. Close does not close w.
func NewWriter(w io.Writer, f Format, r *Reader, a Answers) (*Writer, error) {
	out := &Writer{answers: a, first: r, out: bufio.NewWriterSize(w, blockSize)}
	var err error
	out.enc, err = newEncoder(out.out, f, r, a)
	return out, err
}

// Create writes rows of r to a file, whose name tells format and compression.
// The file appears, or replaces an older one, whole and with Close; before that
// Discard leaves no trace. A format of "" in both the name and f is that of r.
func Create(path string, f Format, r *Reader, a Answers) (*Writer, error) {
	named, compression := FormatOf(path)
	if f == "" {
		f = named
	}
	file, err := outfile.Create(path)
	if err != nil {
		return nil, err
	}
	out, err := compressed(file, f, compression, r, a)
	if err != nil {
		file.Discard()
		return nil, err
	}
	out.file = file
	return out, nil
}

func compressed(file io.Writer, f Format, c Compression, r *Reader, a Answers) (*Writer, error) {
	z, err := NewCompressor(file, c)
	if err != nil {
		return nil, err
	}
	out, err := NewWriter(z, f, r, a)
	if err != nil {
		return nil, err
	}
	out.closers = append(out.closers, z)
	return out, nil
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

func newEncoder(w *bufio.Writer, f Format, r *Reader, a Answers) (encoder, error) {
	if f == "" {
		f = r.Format()
	}
	switch f {
	case CSV:
		return newCSVEncoder(w, r.comma(), r, a)
	case TSV:
		return newCSVEncoder(w, '\t', r, a)
	case JSONL:
		return newJSONEncoder(w, r, a), nil
	case Parquet, Arrow, ArrowStream:
		return newArrowEncoder(w, f, r, a)
	}
	return nil, fmt.Errorf("format %q is none of %v", f, Formats)
}

// Write writes the rows of c, which holds n rows with features. The
// probabilities [n,C] and labels [n] of those belong to them in order; rows that
// were left out get empty ones.
func (w *Writer) Write(c *Chunk, probability []float32, label []int16) error {
	if w == nil {
		return nil
	}
	C := len(w.answers.Classes)
	if len(probability) != c.Rows()*C || len(label) != c.Rows() {
		return fmt.Errorf("%d probabilities and %d labels for %d rows", len(probability), len(label), c.Rows())
	}
	k := 0
	for i := range c.records {
		var a answer
		if k < len(c.Input) && int(c.Input[k]) == i {
			each := probability[k*C : (k+1)*C]
			a = answer{label: label[k], probability: each[label[k]], known: true}
			if w.answers.Probabilities {
				a.probabilities = each
			}
			k++
		}
		if err := w.enc.write(&c.records[i], a); err != nil {
			return fmt.Errorf("write predictions: %w", err)
		}
	}
	return nil
}

// Continue has the rows that follow come from another file, whose columns must be those of
// the first one.
func (w *Writer) Continue(r *Reader) error {
	if err := SameColumns(w.first, r); err != nil {
		return err
	}
	if !w.enc.resume(r) {
		return &Error{File: r.Name(), Err: fmt.Errorf("its columns have other types than those of %s, so one file cannot hold both (--format csv can)", w.first.Name())}
	}
	return nil
}

// SameColumns is the error for a file whose columns are not those of the first one.
func SameColumns(first, r *Reader) error {
	want, got := first.Columns(), r.Columns()
	if slices.Equal(want, got) {
		return nil
	}
	other := func(in []string) func(string) bool {
		return func(name string) bool { return slices.Contains(in, name) }
	}
	missing, added := slices.DeleteFunc(slices.Clone(want), other(got)), slices.DeleteFunc(slices.Clone(got), other(want))
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
func (w *Writer) Flush() error {
	if w == nil {
		return nil
	}
	return w.out.Flush()
}

// Close completes the output.
func (w *Writer) Close() error {
	if w == nil {
		return nil
	}
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
	if w != nil && w.file != nil {
		w.file.Discard()
	}
}
