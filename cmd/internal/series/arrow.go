package series

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowDecoder reads the rows of a table with types, batch by batch: of Parquet, or of Arrow's
// IPC format in a file (Feather version 2) or a stream. Columns that are nested or of a type
// that is neither number, text nor time are left out.
type arrowDecoder struct {
	format  string // for messages
	batches interface {
		Read() (arrow.RecordBatch, error)
	}
	schema *arrow.Schema // of the columns that are read
	flat   []int         // their numbers in a batch
	rows   int           // in all; 0 where the file does not tell
	names  []string
	types  []arrowType
	notes  []Warning
	batch  *arrowBatch // the current one
	at     int         // its next row
	text   []byte      // of the row that next returned last
	splits []byte      // of the row that split returned last
	na     *naValues
}

// arrowBatch is some rows of a table, column by column. They are left to the garbage
// collector, as rows that wait for their answers may still be looked at.
type arrowBatch struct {
	columns []arrow.Array
	rows    int
	first   int // number of its first row, from 1
}

func newArrowDecoder(s *source, o Options) (*arrowDecoder, error) {
	d := &arrowDecoder{format: "Arrow", batch: &arrowBatch{first: 1}, na: newNAValues(o.NAValues)}
	open := d.openArrow
	if s.format == Parquet {
		d.format, open = "Parquet", d.openParquet
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
		t, ok := newArrowType(f.Type)
		if !ok {
			d.notes = append(d.notes, Warning{Column: f.Name, Text: fmt.Sprintf("left out, as its type is %s (only numbers, text and times are read)", f.Type)})
			continue
		}
		fields, d.flat = append(fields, f), append(d.flat, i)
		d.names, d.types = append(d.names, f.Name), append(d.types, t)
	}
	metadata := all.Metadata()
	d.schema = arrow.NewSchema(fields, &metadata)
}

// guard turns a panic of a library, which damaged files can cause, into an error, and says of
// an error that the data has it.
func (d *arrowDecoder) guard(f func() error) (err error) {
	defer d.damaged(&err)
	return f()
}

// damaged is guard, to be deferred.
func (d *arrowDecoder) damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
	if *err != nil && *err != io.EOF {
		*err = fmt.Errorf("damaged %s data: %w", d.format, *err)
	}
}

func (d *arrowDecoder) columns() []string   { return d.names }
func (d *arrowDecoder) warnings() []Warning { return d.notes }

// progress is the part of the rows read so far.
func (d *arrowDecoder) progress() float64 {
	return float64(d.batch.first+d.at-1) / float64(d.rows)
}

// sample takes the types from the schema, and looks at the first batch for the rest.
func (d *arrowDecoder) sample(o Options) (profiles []profile, err error) {
	if err := d.fill(); err != nil {
		return nil, err
	}
	profiles = newProfiles(len(d.types), o)
	row := make([]value, len(d.types))
	for at := d.at; at < min(d.batch.rows, d.at+sampleRows); at++ {
		if err := d.values(at, row); err != nil {
			return nil, err
		}
		for i, v := range row {
			profiles[i].add(v)
		}
	}
	for i, t := range d.types {
		profiles[i].time = t.time
	}
	return profiles, nil
}

// fill makes sure that there is a row to read.
func (d *arrowDecoder) fill() error {
	for d.at == d.batch.rows {
		next, err := d.read(d.batch.first + d.batch.rows)
		if err == io.EOF {
			return err
		}
		if err != nil {
			return &Error{Line: d.batch.first + d.batch.rows, Err: err}
		}
		d.batch, d.at = next, 0
	}
	return nil
}

// read reads the batch that begins with the given row.
func (d *arrowDecoder) read(first int) (b *arrowBatch, err error) {
	defer d.damaged(&err)
	read, err := d.batches.Read()
	if err == io.EOF && first <= d.rows {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	read.Retain()
	b = &arrowBatch{rows: int(read.NumRows()), first: first}
	for _, i := range d.flat {
		b.columns = append(b.columns, read.Column(i))
	}
	return b, nil
}

func (d *arrowDecoder) next(row []value, rec *record) error {
	if err := d.fill(); err != nil {
		return err
	}
	rec.text, rec.batch, rec.line = nil, d.batch, d.batch.first+d.at
	if err := d.values(d.at, row); err != nil {
		return &Error{Line: rec.line, Err: err}
	}
	d.at++
	return nil
}

// values reads a row of the current batch.
func (d *arrowDecoder) values(at int, row []value) (err error) {
	defer d.damaged(&err)
	d.text = d.text[:0]
	for i, column := range d.batch.columns {
		row[i] = arrowValue(column, at, &d.text)
	}
	d.na.strike(row)
	return nil
}

// split stores every value as its text.
func (d *arrowDecoder) split(r *record, row []value) {
	d.splits = d.splits[:0]
	at := r.line - r.batch.first
	for i, column := range r.batch.columns {
		from := len(d.splits)
		var known bool
		if d.splits, known = appendArrowText(d.splits, column, at); known {
			row[i] = value{text: d.splits[from:]}
		} else {
			row[i] = value{kind: nullKind}
		}
	}
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
