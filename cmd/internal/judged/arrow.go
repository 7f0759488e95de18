package judged

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
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

func decode(content []byte) (*Rows, error) {
	in, err := ipc.NewFileReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	d := &decoder{rows: &Rows{}, last: -1}
	if err := d.begin(in.Schema()); err != nil {
		return nil, err
	}
	for i := range in.NumRecords() {
		batch, err := in.RecordBatch(i)
		if err != nil {
			return nil, err
		}
		if err := d.add(batch); err != nil {
			return nil, err
		}
	}
	if len(d.rows.Series) == 0 {
		return nil, errors.New("it has no row")
	}
	return d.rows, nil
}

// decoder gathers rows of batches.
type decoder struct {
	rows  *Rows
	first int // column of probabilities
	timed bool
	last  int // number of the series
}

// begin checks the columns.
func (d *decoder) begin(s *arrow.Schema) error {
	fields := s.Fields()
	want := []struct {
		name string
		kind arrow.DataType
	}{{"series", words}, {"row", arrow.PrimitiveTypes.Int32}, {"fold", arrow.PrimitiveTypes.Int32}, {"label", words}, {"predicted_label", words}}
	for i, w := range want {
		if i >= len(fields) || fields[i].Name != w.name || !arrow.TypeEqual(fields[i].Type, w.kind) {
			return fmt.Errorf("column %d is not %q", i+1, w.name)
		}
	}
	d.first = timeColumn
	if len(fields) > timeColumn && fields[timeColumn].Name == "time" {
		d.first, d.timed, d.rows.Stamps = timeColumn+1, true, arrow.TypeEqual(fields[timeColumn].Type, stamps)
	}
	for _, f := range fields[d.first:] {
		class, found := strings.CutPrefix(f.Name, probabilityOf)
		if !found || !arrow.TypeEqual(f.Type, arrow.PrimitiveTypes.Float32) {
			return fmt.Errorf("column %q is no probability", f.Name)
		}
		d.rows.Classes = append(d.rows.Classes, class)
	}
	return nil
}

func (d *decoder) add(b arrow.RecordBatch) error {
	r, C := d.rows, len(d.rows.Classes)
	series, labels, answers := b.Column(seriesColumn).(*array.Dictionary), b.Column(labelColumn).(*array.Dictionary), b.Column(answerColumn).(*array.Dictionary)
	names := series.Dictionary().(*array.String)
	numbers, folds := b.Column(rowColumn).(*array.Int32), b.Column(foldColumn).(*array.Int32)
	for i := range int(b.NumRows()) {
		s, label, answer := series.GetValueIndex(i), labels.GetValueIndex(i), answers.GetValueIndex(i)
		if s < max(d.last, 0) || s >= names.Len() || min(label, answer) < 0 || max(label, answer) >= C {
			return errors.New("a code is out of range")
		}
		if s > d.last {
			r.Series = append(r.Series, metrics.Span{Name: names.Value(s), Start: len(r.Fold), End: len(r.Fold)})
			d.last = s
		}
		span := &r.Series[len(r.Series)-1]
		at := span.Start + int(numbers.Value(i))
		if at < span.End || folds.Value(i) < 1 {
			return fmt.Errorf("row %d of series %q is out of order", numbers.Value(i), span.Name)
		}
		r.grow(at+1, d.timed)
		span.End = at + 1
		r.Fold[at], r.Label[at], r.Answer[at] = int16(folds.Value(i)), int16(label), int16(answer)
		for k := range C {
			r.Probability[at*C+k] = b.Column(d.first + k).(*array.Float32).Value(i)
		}
		if d.timed {
			switch column := b.Column(timeColumn).(type) {
			case *array.Timestamp:
				r.Time[at] = float64(column.Value(i)) / 1e6
			case *array.Float64:
				r.Time[at] = column.Value(i)
			default:
				return errors.New("the time is of another type")
			}
		}
	}
	return nil
}
