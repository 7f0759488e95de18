package series

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
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

// extras are the columns for rows of r, without values.
func (a Answers) extras(r *Reader) []table.Extra {
	var extras []table.Extra
	for _, name := range a.columns(r.Columns()) {
		extras = append(extras, table.Extra{Name: name})
	}
	extras[0].Words = a.Classes
	return extras
}

// Writer writes a Reader's rows with the columns of Answers behind them, see [table.Writer]: the features are the
// floats. A nil Writer does nothing.
type Writer struct {
	out     *table.Writer
	classes int
	extras  []table.Extra
}

// NewWriter writes rows of r to w in the given format, which may be "" for the
// format of r. Close does not close w.
func NewWriter(w io.Writer, f table.Format, r *Reader, a Answers) (*Writer, error) {
	extras := a.extras(r)
	out, err := table.NewWriter(w, f, r.Reader, r.roles.features, extras)
	if err != nil {
		return nil, err
	}
	return &Writer{out, len(a.Classes), extras}, nil
}

// Create writes rows of r to a file as [table.Create] does.
func Create(path string, f table.Format, r *Reader, a Answers) (*Writer, error) {
	extras := a.extras(r)
	out, err := table.Create(path, f, r.Reader, r.roles.features, extras)
	if err != nil {
		return nil, err
	}
	return &Writer{out, len(a.Classes), extras}, nil
}

// Write writes the rows of c, which holds n rows with features. The
// probabilities [n,C] and labels [n] of those belong to them in order; rows that
// were left out get empty ones.
func (w *Writer) Write(c *Chunk, probability []float32, label []int16) error {
	if w == nil {
		return nil
	}
	if len(probability) != c.Rows()*w.classes || len(label) != c.Rows() {
		return fmt.Errorf("%d probabilities and %d labels for %d rows", len(probability), len(label), c.Rows())
	}
	w.answer(c, probability, label)
	if c.batch.DecimalComma = slices.Contains(c.marks, ','); c.marks != nil && !w.out.Echoes(&c.batch) {
		withPoints(&c.batch, c.marks)
	}
	if err := w.out.Write(&c.batch, c.rows, w.extras); err != nil {
		return fmt.Errorf("write predictions: %w", err)
	}
	return nil
}

// answer sets the values of the extra columns.
func (w *Writer) answer(c *Chunk, probability []float32, label []int16) {
	for k := range w.extras {
		x := &w.extras[k]
		x.Codes, x.Numbers = x.Codes[:0], x.Numbers[:0]
		for range c.rows {
			x.Codes, x.Numbers = append(x.Codes, Unlabelled), append(x.Numbers, float32(math.NaN()))
		}
	}
	for i, row := range c.Input {
		each := probability[i*w.classes : (i+1)*w.classes]
		w.extras[0].Codes[row], w.extras[1].Numbers[row] = label[i], each[label[i]]
		for k, x := range w.extras[2:] {
			x.Numbers[row] = each[k]
		}
	}
}

// Continue has the rows that follow come from another file, whose columns must be those of
// the first one.
func (w *Writer) Continue(r *Reader) error { return w.out.Continue(r.Reader) }

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
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("write predictions: %w", err)
	}
	return nil
}

// Discard removes an unfinished file. Behind Close it does nothing.
func (w *Writer) Discard() {
	if w != nil {
		w.out.Discard()
	}
}
