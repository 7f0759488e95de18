package table

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowDecoder reads the rows of a table with types, batch by batch: of Parquet, or of Arrow's
// IPC format in a file (Feather version 2) or a stream, or of a recording. Columns that are nested or of a type
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
	for i, f := range all.Fields() {
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
	err := d.peek(b, most, false)
	d.at, d.past = d.at+b.Len(), d.past+b.Len()
	return err
}

func (d *arrowDecoder) peek(b *Batch, most int, _ bool) error {
	err := d.guard(func() error {
		if err := d.fill(); err != nil {
			return err
		}
		n := min(d.size-d.at, most)
		for i, a := range d.batch {
			b.Columns[i].load(array.NewSlice(a, int64(d.at), int64(d.at+n)))
		}
		for i := range n {
			b.Lines = append(b.Lines, d.past+1+i)
		}
		return nil
	})
	if fault := (*Error)(nil); err == nil || err == io.EOF || errors.As(err, &fault) {
		return err
	}
	return &Error{Line: d.past + 1, Err: err}
}

// fill makes sure that there is a row to read.
func (d *arrowDecoder) fill() error {
	for d.at == d.size {
		read, err := d.batches.Read()
		if err == io.EOF && d.past < d.rows {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		read.Retain()
		d.batch, d.at, d.size = nil, 0, int(read.NumRows())
		for k, i := range d.flat {
			a := read.Column(i)
			if t := d.schema.Field(k).Type; t.ID() == arrow.DURATION && a.DataType().ID() == arrow.INT64 { // of Parquet
				a = array.MakeFromData(array.NewData(t, a.Len(), a.Data().Buffers(), nil, a.NullN(), a.Data().Offset()))
			}
			d.batch = append(d.batch, a)
		}
	}
	return nil
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
