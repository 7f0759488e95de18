package table

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowDecoder reads the rows of a table with types, batch by batch: of Parquet, or of Arrow's
// IPC format in a file (Feather version 2) or a stream, or of a recording. Columns of lists or of a type
// that is neither number, text nor time are left out.
type arrowDecoder struct {
	layout
	name    string // of the library's format, for messages
	batches interface {
		Read() (arrow.RecordBatch, error)
	}
	flat  []int // the columns' numbers in a batch
	rows  int   // in all; 0 where the file does not tell
	notes []Warning
	batch []arrow.Array // the current one, left to the garbage collector
	at    int           // its next row
	size  int           // of it
	past  int           // rows read so far
	fault error         // that comes behind the batch
}

func newArrowDecoder(s *source, f Format, o Options) (*arrowDecoder, error) {
	d := &arrowDecoder{layout: layout{format: f}}
	var open func(*source) error
	switch f {
	case wide:
		open = func(s *source) error { return d.openWide(s, o) }
	case WFDB:
		open = d.openWFDB
	case EDF:
		open = d.openEDF
	case Parquet:
		d.name, open = "Parquet", d.openParquet
	default:
		d.name, open = "Arrow", d.openArrow
	}
	if err := d.guard(func() error { return open(s) }); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(d.schema.Fields(), func(f arrow.Field) bool { return f.Type.ID() != arrow.NULL }) {
		return nil, errors.New("no column holds anything that can be read")
	}
	return d, nil
}

// describe records the columns that can be read.
func (d *arrowDecoder) describe(all *arrow.Schema) {
	var fields []arrow.Field
	for i, f := range openFields(all.Fields()) {
		t, ok := typeOf(f.Type)
		if !ok {
			d.notes = append(d.notes, Warning{Column: f.Name, Text: fmt.Sprintf("left out, as its type is %s (only numbers, text and times are read)", f.Type)})
			continue
		}
		fields, d.flat = append(fields, f), append(d.flat, i)
		d.names, d.types = append(d.names, f.Name), append(d.types, t)
	}
	if isDuration := func(f arrow.Field) bool { return f.Type.ID() == arrow.DURATION }; slices.ContainsFunc(fields, isDuration) {
		d.units = make([]string, len(fields))
		for i, f := range fields {
			if isDuration(f) {
				d.units[i] = SecondUnit
			}
		}
	}
	metadata := all.Metadata()
	d.schema = arrow.NewSchema(fields, &metadata)
}

// guard turns a panic of a library, which damaged files can cause, into an error, and
// marks each error as one of the data.
func (d *arrowDecoder) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		if err != nil && err != io.EOF && d.name != "" {
			err = fmt.Errorf("damaged %s data: %w", d.name, err)
		}
	}()
	return f()
}

func (d *arrowDecoder) about() *layout      { return &d.layout }
func (d *arrowDecoder) warnings() []Warning { return d.notes }
func (d *arrowDecoder) done() (part float64, known bool) {
	return float64(d.past) / float64(d.rows), d.rows > 0
}

func (d *arrowDecoder) read(b *Batch, most int) error {
	err := d.load(b, 1, most)
	d.at, d.past = d.at+b.Len(), d.past+b.Len()
	return err
}

func (d *arrowDecoder) peek(b *Batch, most int, arrived bool) error {
	if arrived {
		return d.load(b, 1, most)
	}
	return d.load(b, most, most) // so that the size of batches changes nothing
}

// load fills b with up to so many rows, and at least so many unless fewer are left.
func (d *arrowDecoder) load(b *Batch, least, most int) error {
	for d.size-d.at < least && d.fault == nil {
		d.fault = d.guard(d.fill)
	}
	err := d.fault
	if d.at < d.size {
		err = d.guard(func() error {
			n := min(d.size-d.at, most)
			for i, a := range d.batch {
				b.Columns[i].load(array.NewSlice(a, int64(d.at), int64(d.at+n)))
			}
			for i := range n {
				b.Lines = append(b.Lines, d.past+1+i)
			}
			return nil
		})
	}
	if fault := (*Error)(nil); err == nil || err == io.EOF || errors.As(err, &fault) {
		return err
	}
	return &Error{Line: d.past + 1, Err: err}
}

// fill reads the next batch, behind the rows that are left.
func (d *arrowDecoder) fill() error {
	read, err := d.batches.Read()
	if err == io.EOF && d.past+d.size-d.at < d.rows {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	read.Retain()
	columns, err := openArrays(read.Columns())
	if err != nil {
		return err
	}
	var batch []arrow.Array
	for k, i := range d.flat {
		a := columns[i]
		if t := d.schema.Field(k).Type; t.ID() == arrow.DURATION && a.DataType().ID() == arrow.INT64 { // of Parquet
			a = array.MakeFromData(array.NewData(t, a.Len(), a.Data().Buffers(), nil, a.NullN(), a.Data().Offset()))
		}
		if d.at < d.size {
			rest := array.NewSlice(d.batch[k], int64(d.at), int64(d.size))
			if a, err = array.Concatenate([]arrow.Array{rest, a}, memory.DefaultAllocator); err != nil {
				return err
			}
		}
		batch = append(batch, a)
	}
	d.batch, d.at, d.size = batch, 0, d.size-d.at+int(read.NumRows())
	return nil
}

// openFields has in place of a struct what is in it, with a point between names, and in place of runs their values.
func openFields(fields []arrow.Field) (all []arrow.Field) {
	for _, f := range fields {
		switch t := f.Type.(type) {
		case *arrow.StructType:
			for _, inner := range openFields(t.Fields()) {
				inner.Name, inner.Nullable = f.Name+"."+inner.Name, inner.Nullable || f.Nullable
				all = append(all, inner)
			}
			continue
		case *arrow.RunEndEncodedType:
			f.Type = t.Encoded()
		}
		all = append(all, f)
	}
	return all
}

// openArrays are the columns of openFields.
func openArrays(arrays []arrow.Array) (all []arrow.Array, err error) {
	for _, a := range arrays {
		inner := []arrow.Array{a}
		switch a := a.(type) {
		case *array.Struct:
			inner = nil
			for i := 0; i < a.NumField() && err == nil; i++ {
				field := a.Field(i)
				if a.NullN() > 0 {
					field, err = masked(field, a)
				}
				inner = append(inner, field)
			}
			if err == nil {
				inner, err = openArrays(inner)
			}
		case *array.RunEndEncoded:
			inner[0], err = decoded(a)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

// stretches are from where to where the first n rows are the same.
func stretches[T comparable](n int, of func(row int) T) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for from, to := 0, 0; from < n; from = to {
			first := of(from)
			for to = from + 1; to < n && of(to) == first; {
				to++
			}
			if !yield(from, to) {
				return
			}
		}
	}
}

// masked is an array in a struct, null where that is. It and decoded are for all types, as the kernels of arrow/compute are not.
func masked(a arrow.Array, of *array.Struct) (arrow.Array, error) {
	nulls, parts := array.MakeArrayOfNull(memory.DefaultAllocator, a.DataType(), a.Len()), []arrow.Array(nil)
	for from, to := range stretches(a.Len(), of.IsNull) {
		part := a
		if of.IsNull(from) {
			part = nulls
		}
		parts = append(parts, array.NewSlice(part, int64(from), int64(to)))
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}

// decoded has the value of each run as often as the run is long.
func decoded(a *array.RunEndEncoded) (arrow.Array, error) {
	parts := []arrow.Array{array.NewSlice(a.Values(), 0, 0)}
	for from, to := range stretches(a.Len(), a.GetPhysicalIndex) {
		k := a.GetPhysicalIndex(from)
		run, err := array.NewSlice(a.Values(), int64(k), int64(k+1)), error(nil)
		for err == nil && run.Len() < to-from {
			run, err = array.Concatenate([]arrow.Array{run, run}, memory.DefaultAllocator)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, array.NewSlice(run, 0, int64(to-from)))
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}

// arrowAllocator refuses what only damaged data asks for.
type arrowAllocator struct {
	*memory.GoAllocator
	most int
}

// arrowMost is how many bytes are allocated at once, whatever lengths a file claims. It takes
// a longer file to need more.
const arrowMost = 1 << 30

func newArrowAllocator(file int64) arrowAllocator {
	return arrowAllocator{memory.NewGoAllocator(), max(arrowMost, int(file))}
}

// Allocate panics for such a size, as the interface has no error. See arrowDecoder.guard.
func (a arrowAllocator) Allocate(size int) []byte {
	a.check(size)
	return a.GoAllocator.Allocate(size)
}

// Reallocate is like Allocate.
func (a arrowAllocator) Reallocate(size int, b []byte) []byte {
	a.check(size)
	return a.GoAllocator.Reallocate(size, b)
}

func (a arrowAllocator) check(size int) {
	const padding = 64
	if size < 0 || size > a.most+padding {
		panic(errArrowLength)
	}
}

var errArrowLength = errors.New("a length that cannot be")
