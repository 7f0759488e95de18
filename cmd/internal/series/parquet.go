package series

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetRow is a row of a flat table: one value per column.
type parquetRow = parquet.Row

// parquetDecoder reads the rows of a flat Parquet file.
type parquetDecoder struct {
	file   *parquet.File
	names  []string
	types  []parquetType
	groups []parquet.RowGroup // still to read, the current one excluded
	rows   parquet.Rows
	batch  []parquet.Row
	ahead  []parquet.Row // of batch, not yet handed out
	line   int
	text   []byte // of the row that split returned last
}

// parquetBatch is how many rows are read at once.
const parquetBatch = 1024

func newParquetDecoder(s *source) (*parquetDecoder, error) {
	stored, size := s.stored, s.size
	if !s.plain { // Parquet is read from its end
		var err error
		if stored, size, err = s.copied(s.body); err != nil {
			return nil, err
		}
	}
	d := &parquetDecoder{batch: make([]parquet.Row, parquetBatch)}
	if err := checkFooter(stored, size); err != nil {
		return nil, err
	}
	var refused error
	err := guard("Parquet", func() error {
		file, err := parquet.OpenFile(stored, size)
		if err != nil {
			return err
		}
		d.file, d.groups = file, file.RowGroups()
		refused = d.describe()
		return nil
	})
	if err == nil {
		err = refused
	}
	return d, err
}

// checkFooter checks what the file ends with, the length of its footer and a
// magic number. The Parquet library allocates whatever length stands there.
func checkFooter(file io.ReaderAt, size int64) error {
	var tail [8]byte
	const least = int64(len(parquetMagic) + len(tail))
	if size < least {
		return errors.New("the Parquet data is cut off")
	}
	if _, err := file.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:4]))
	if string(tail[4:]) != parquetMagic || length > size-least {
		return errors.New("the Parquet data is cut off or damaged at its end")
	}
	return nil
}

// guard turns a panic of the library for a format, which damaged files can cause, into an
// error.
func guard(format string, f func() error) (err error) {
	defer damaged(format, &err)
	return f()
}

// damaged is to be deferred. It turns a panic into an error, and says of an error that the
// data of the format has it.
func damaged(format string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
	if *err != nil && *err != io.EOF {
		*err = fmt.Errorf("damaged %s data: %w", format, *err)
	}
}

// describe takes down names and types of the columns, and refuses those that
// cannot be read.
func (d *parquetDecoder) describe() error {
	for _, c := range d.file.Root().Columns() {
		if !c.Leaf() || c.Repeated() {
			return fmt.Errorf("column %q is nested; only flat tables can be read", c.Name())
		}
		if d.runLengthBooleans(c) {
			return fmt.Errorf("column %q holds booleans in run-length encoding, which cannot be read (write it as integers, or with data pages of version 1)", c.Name())
		}
		d.names = append(d.names, c.Name())
		d.types = append(d.types, newParquetType(c.Type()))
	}
	if len(d.names) == 0 {
		return errors.New("there are no columns")
	}
	return nil
}

// runLengthBooleans reports whether values of c are booleans in RLE encoding. The
// Parquet library reads true for one in eight of a run, and no error. RLE is
// listed among a column's encodings for its levels too, beside that of its values.
func (d *parquetDecoder) runLengthBooleans(c *parquet.Column) bool {
	if c.Type().Kind() != parquet.Boolean {
		return false
	}
	for _, g := range d.file.Metadata().RowGroups {
		chunk := &g.Columns[c.Index()].MetaData
		if slices.Contains(chunk.Encoding, format.RLE) && !slices.Contains(chunk.Encoding, format.Plain) {
			return true
		}
		for _, s := range chunk.EncodingStats {
			if s.Encoding == format.RLE {
				return true
			}
		}
	}
	return false
}

func (d *parquetDecoder) columns() []string   { return d.names }
func (d *parquetDecoder) warnings() []Warning { return nil }

// times reports whether column i holds times, and whether these are dates.
func (d *parquetDecoder) times(i int) (times, dates bool) {
	return d.types[i].isTime(), d.types[i].date
}

// progress is the part of the rows read so far.
func (d *parquetDecoder) progress() float64 { return float64(d.line) / float64(d.file.NumRows()) }

// sample takes the types from the file, and looks at the rows for the rest.
func (d *parquetDecoder) sample(bool) ([]profile, error) {
	if len(d.ahead) == 0 {
		if err := guard("Parquet", d.fill); err != nil {
			return nil, err
		}
	}
	profiles := make([]profile, len(d.types))
	for _, row := range d.ahead[:min(len(d.ahead), sampleRows)] {
		for i, v := range row[:min(len(row), len(d.types))] {
			profiles[i].add(d.types[i].value(v))
		}
	}
	for i, t := range d.types {
		profiles[i].number, profiles[i].time = t.number, t.isTime()
	}
	return profiles, nil
}

func (d *parquetDecoder) next(row []value, rec *record) error {
	if len(d.ahead) == 0 {
		if err := guard("Parquet", d.fill); err != nil {
			if err != io.EOF {
				err = &Error{Line: d.line + 1, Err: err}
			}
			return err
		}
	}
	d.line++
	rec.typed, rec.line = d.ahead[0], d.line
	d.ahead = d.ahead[1:]
	if len(rec.typed) != len(row) {
		return &Error{Line: d.line, Err: fmt.Errorf("%d values, expected %d", len(rec.typed), len(row))}
	}
	for i, v := range rec.typed {
		row[i] = d.types[i].value(v)
	}
	return nil
}

// fill reads the next batch.
func (d *parquetDecoder) fill() error {
	for {
		if d.rows == nil {
			if len(d.groups) == 0 {
				return io.EOF
			}
			d.rows, d.groups = d.groups[0].Rows(), d.groups[1:]
		}
		n, err := d.rows.ReadRows(d.batch)
		if err == io.EOF {
			err = d.rows.Close()
			d.rows = nil
		}
		if n > 0 || err != nil {
			d.ahead = d.batch[:n]
			return err
		}
		if d.rows != nil {
			return io.ErrNoProgress
		}
	}
}

// split stores every value as its text.
func (d *parquetDecoder) split(r *record, row []value) {
	d.text = d.text[:0]
	for i, v := range r.typed {
		if v.IsNull() {
			row[i] = value{kind: nullKind}
			continue
		}
		from := len(d.text)
		d.text = d.types[i].appendText(d.text, v)
		row[i] = value{text: d.text[from:]}
	}
}
