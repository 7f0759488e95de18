package series

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// arrowDecoder reads the rows of a flat table in Arrow's IPC format, of a file (Feather
// version 2) or a stream, batch by batch.
type arrowDecoder struct {
	batches interface {
		Read() (arrow.RecordBatch, error)
	}
	schema *arrow.Schema
	names  []string
	types  []arrowType
	batch  *arrowBatch // the current one, nil before the first
	at     int         // its next row
	text   []byte      // of the row that next returned last
	splits []byte      // of the row that split returned last
}

// arrowBatch is some rows of a table, column by column. They are left to the garbage
// collector, as rows that wait for their answers may still be looked at.
type arrowBatch struct {
	columns []arrow.Array
	rows    int
	first   int // number of its first row, from 1
}

func newArrowDecoder(s *source) (*arrowDecoder, error) {
	d := &arrowDecoder{}
	var refused error
	err := guard("Arrow", func() error {
		if err := d.open(s); err != nil {
			return err
		}
		refused = d.describe()
		return nil
	})
	if err == nil {
		err = refused
	}
	return d, err
}

// open reads what precedes the first batch. A file is a stream between two magic numbers,
// with a table of contents at its end, so that both are read from the start.
func (d *arrowDecoder) open(s *source) error {
	body := s.body
	if s.format == Arrow {
		if _, err := io.CopyN(io.Discard, body, int64(len(arrowMagic)+2)); err != nil {
			return err
		}
	}
	messages := &arrowMessages{r: body, ends: s.format == Arrow}
	if s.plain {
		messages.size = s.size
	}
	r, err := ipc.NewReader(messages, ipc.WithAllocator(arrowAllocator{memory.NewGoAllocator(), messages}))
	if err != nil {
		return err
	}
	d.batches, d.schema = r, r.Schema()
	return nil
}

// describe takes down names and types of the columns, and refuses those that cannot be
// read.
func (d *arrowDecoder) describe() error {
	empty := true
	for _, f := range d.schema.Fields() {
		t, err := newArrowType(f.Type)
		if err != nil {
			return fmt.Errorf("column %q %w", f.Name, err)
		}
		d.names, d.types = append(d.names, f.Name), append(d.types, t)
		empty = empty && f.Type.ID() == arrow.NULL
	}
	if empty {
		return errors.New("there are no columns that hold anything")
	}
	return nil
}

func (d *arrowDecoder) columns() []string   { return d.names }
func (d *arrowDecoder) warnings() []Warning { return nil }

// times reports whether column i holds times, and whether these are dates.
func (d *arrowDecoder) times(i int) (times, dates bool) { return d.types[i].time, d.types[i].date }

// sample takes the types from the schema, and looks at the first batch for the rest.
func (d *arrowDecoder) sample(bool) (profiles []profile, err error) {
	if err := d.fill(); err != nil {
		return nil, err
	}
	defer damaged("Arrow", &err)
	profiles = make([]profile, len(d.types))
	for row := d.at; row < min(d.batch.rows, d.at+sampleRows); row++ {
		for i, column := range d.batch.columns {
			d.text = d.text[:0]
			profiles[i].add(arrowValue(column, row, &d.text))
		}
	}
	for i, t := range d.types {
		profiles[i].number, profiles[i].time = t.number, t.time
	}
	return profiles, nil
}

// fill makes sure that there is a row to read.
func (d *arrowDecoder) fill() error {
	for d.batch == nil || d.at == d.batch.rows {
		next := &arrowBatch{first: 1}
		if d.batch != nil {
			next.first = d.batch.first + d.batch.rows
		}
		err := guard("Arrow", func() error {
			read, err := d.batches.Read()
			if err != nil {
				return err
			}
			read.Retain()
			next.columns, next.rows = read.Columns(), int(read.NumRows())
			return nil
		})
		if err == io.EOF {
			return err
		}
		if err != nil {
			return &Error{Line: next.first, Err: err}
		}
		d.batch, d.at = next, 0
	}
	return nil
}

func (d *arrowDecoder) next(row []value, rec *record) error {
	if err := d.fill(); err != nil {
		return err
	}
	rec.text, rec.batch, rec.line = nil, d.batch, d.batch.first+d.at
	if err := d.values(row); err != nil {
		return &Error{Line: rec.line, Err: err}
	}
	d.at++
	return nil
}

// values reads the next row.
func (d *arrowDecoder) values(row []value) (err error) {
	defer damaged("Arrow", &err)
	d.text = d.text[:0]
	for i, column := range d.batch.columns {
		row[i] = arrowValue(column, d.at, &d.text)
	}
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
