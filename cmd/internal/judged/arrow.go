package judged

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Columns of the file, before those of the probabilities.
const (
	seriesColumn = iota
	rowColumn
	foldColumn
	labelColumn
	answerColumn
	timeColumn // where there are times
)

// probabilityOf begins the names of the others.
const probabilityOf = "probability_"

var (
	words  = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	stamps = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
)

// encoder writes rows in batches.
type encoder struct {
	rows   *Rows
	out    *ipc.FileWriter
	schema *arrow.Schema
	series arrow.Array // names
	class  arrow.Array // names
	of     [3]*array.Int32Builder
	rest   *array.RecordBuilder
	n      int
}

func newEncoder(w io.Writer, r *Rows) (*encoder, error) {
	e := &encoder{rows: r, class: wordsOf(r.Classes)}
	var names []string
	for _, s := range r.Series {
		names = append(names, s.Name)
	}
	e.series = wordsOf(names)
	fields := []arrow.Field{{Name: "series", Type: words}, {Name: "row", Type: arrow.PrimitiveTypes.Int32}, {Name: "fold", Type: arrow.PrimitiveTypes.Int32},
		{Name: "label", Type: words}, {Name: "predicted_label", Type: words}}
	switch {
	case r.Time != nil && r.Stamps:
		fields = append(fields, arrow.Field{Name: "time", Type: stamps})
	case r.Time != nil:
		fields = append(fields, arrow.Field{Name: "time", Type: arrow.PrimitiveTypes.Float64})
	}
	for _, class := range r.Classes {
		fields = append(fields, arrow.Field{Name: probabilityOf + class, Type: arrow.PrimitiveTypes.Float32})
	}
	e.schema = arrow.NewSchema(fields, nil)
	for i := range e.of {
		e.of[i] = array.NewInt32Builder(memory.DefaultAllocator)
	}
	plain := append([]arrow.Field{fields[rowColumn], fields[foldColumn]}, fields[timeColumn:]...)
	e.rest = array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(plain, nil))
	var err error
	e.out, err = ipc.NewFileWriter(w, ipc.WithSchema(e.schema), ipc.WithZstd())
	return e, err
}

func wordsOf(all []string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(all, nil)
	return b.NewArray()
}

// add adds row i, which has a number in a series.
func (e *encoder) add(series, number, i int) error {
	r := e.rows
	for k, code := range []int32{int32(series), int32(r.Label[i]), int32(r.Answer[i])} {
		e.of[k].Append(code)
	}
	fields := e.rest.Fields()
	fields[0].(*array.Int32Builder).Append(int32(number))
	fields[1].(*array.Int32Builder).Append(int32(r.Fold[i]))
	C := len(r.Classes)
	switch to := fields[2].(type) {
	case *array.TimestampBuilder:
		to.Append(arrow.Timestamp(math.Round(r.Time[i] * 1e6)))
	case *array.Float64Builder:
		to.Append(r.Time[i])
	}
	for k, p := range r.Probability[i*C : (i+1)*C] {
		fields[len(fields)-C+k].(*array.Float32Builder).Append(p)
	}
	if e.n++; e.n == 1<<16 {
		return e.flush()
	}
	return nil
}

// flush writes a batch.
func (e *encoder) flush() error {
	rest := e.rest.NewRecordBatch().Columns()
	columns := append([]arrow.Array{
		array.NewDictionaryArray(words, e.of[0].NewArray(), e.series), rest[0], rest[1],
		array.NewDictionaryArray(words, e.of[1].NewArray(), e.class), array.NewDictionaryArray(words, e.of[2].NewArray(), e.class),
	}, rest[2:]...)
	err := e.out.Write(array.NewRecordBatch(e.schema, columns, int64(e.n)))
	e.n = 0
	return err
}

func (e *encoder) close() error {
	if e.n > 0 {
		if err := e.flush(); err != nil {
			return err
		}
	}
	return e.out.Close()
}

// decoder gathers rows of batches.
type decoder struct {
	rows  *Rows
	of    map[string]int16 // classes
	first int              // column of probabilities
	timed bool
}

// begin checks the columns.
func (d *decoder) begin(r *table.Reader) error {
	names := r.Columns()
	want := []string{"series", "row", "fold", "label", "predicted_label"}
	if len(names) < len(want) || !slices.Equal(names[:len(want)], want) {
		return fmt.Errorf("its columns are %s", table.List(names))
	}
	if d.first = timeColumn; len(names) > timeColumn && names[timeColumn] == "time" {
		d.first, d.timed, d.rows.Stamps = timeColumn+1, true, r.Types()[timeColumn] == table.Time
	}
	for _, name := range names[d.first:] {
		class, found := strings.CutPrefix(name, probabilityOf)
		if !found {
			return fmt.Errorf("column %q is no probability", name)
		}
		d.of[class] = int16(len(d.rows.Classes))
		d.rows.Classes = append(d.rows.Classes, class)
	}
	for i, t := range r.Types() {
		text := i == seriesColumn || i == labelColumn || i == answerColumn
		if text != (t == table.Text) {
			return fmt.Errorf("column %q is of another type", names[i])
		}
	}
	return nil
}

// add adds row i of a batch.
func (d *decoder) add(b *table.Batch, i int) error {
	r, C := d.rows, len(d.rows.Classes)
	name := string(b.Columns[seriesColumn].Text(i))
	if n := len(r.Series); n == 0 || r.Series[n-1].Name != name {
		r.Series = append(r.Series, metrics.Span{Name: name, Start: len(r.Fold), End: len(r.Fold)})
	}
	span := &r.Series[len(r.Series)-1]
	row, fold := b.Columns[rowColumn].Float(i), b.Columns[foldColumn].Float(i)
	label, labelled := d.of[string(b.Columns[labelColumn].Text(i))]
	answer, answered := d.of[string(b.Columns[answerColumn].Text(i))]
	const furthest = 1 << 27 // more is damage
	at := float64(span.Start) + row
	if !(at >= float64(span.End) && at < furthest && fold >= 1 && fold <= math.MaxInt16) || !labelled || !answered {
		return fmt.Errorf("row %v of series %q cannot be", row, name)
	}
	r.grow(int(at)+1, d.timed)
	span.End = int(at) + 1
	k := int(at)
	r.Fold[k], r.Label[k], r.Answer[k] = int16(fold), label, answer
	for c := range C {
		r.Probability[k*C+c] = float32(b.Columns[d.first+c].Float(i))
	}
	if d.timed {
		r.Time[k] = b.Columns[timeColumn].Float(i)
	}
	return nil
}
