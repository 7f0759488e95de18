package series

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	chunkRows = 8192    // rows of a chunk, at most
	chunkText = 4 << 20 // bytes of their text, about
)

var errNoRows = errors.New("there are no rows")

// Reader streams the rows of one file.
type Reader struct {
	ctx      context.Context
	source   *source
	decoder  decoder
	options  Options
	roles    roles
	features []string
	roster   *roster
	labeler  labeler
	clock    clock
	keep     bool    // remember rows as they were written
	row      []value // [columns] the current row
	record   record  // the same as it was written
	series   int32   // of the last row, -1 before the first
	name     []byte  // of that series as written
	inputs   int
	filled   []int // [F] missing values
	dropped  int
	warned   []Warning
}

// Open opens one file, or standard input for Stdin, to stream its rows. The
// context ends the reading, even while it waits for input. Close the Reader.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return open(ctx, path, os.Stdin, o, newRoster(), true)
}

func open(ctx context.Context, path string, stdin io.Reader, o Options, roster *roster, keep bool) (*Reader, error) {
	source, err := openSource(ctx, path, stdin, o.Format)
	if err != nil {
		return nil, err
	}
	r := &Reader{ctx: ctx, source: source, options: o, roster: roster, keep: keep, series: -1, labeler: newLabeler(o.Positive)}
	if err := r.start(); err != nil {
		source.Close()
		return nil, err
	}
	return r, nil
}

// start reads the header.
func (r *Reader) start() (err error) {
	if r.decoder, err = newDecoder(r.source); err != nil {
		return err
	}
	if r.roles, r.warned, err = findRoles(r.source.name, r.decoder, r.options); err != nil {
		return err
	}
	names := r.decoder.columns()
	for _, i := range r.roles.features {
		r.features = append(r.features, names[i])
	}
	if r.roles.time >= 0 {
		r.options.Time = names[r.roles.time]
	}
	r.row = make([]value, len(names))
	r.filled = make([]int, len(r.features))
	return nil
}

// Features names the features, in the order of a row of Chunk.X.
func (r *Reader) Features() []string { return r.features }

// Columns names all columns of the file, in its order.
func (r *Reader) Columns() []string { return r.decoder.columns() }

// Format is the format of the file, found out or chosen.
func (r *Reader) Format() Format { return r.source.format }

// HasLabel reports whether the label column is there.
func (r *Reader) HasLabel() bool { return r.roles.label >= 0 }

// SeriesName is the name of a series that has occurred, by its number: the text
// of the series column, or the file's name.
func (r *Reader) SeriesName(i int32) string { return r.roster.states[i].name }

// Close closes the file. It may be called at any time: a Next that waits for input
// then fails.
func (r *Reader) Close() error { return r.source.Close() }

// Next fills c with the next rows. It returns io.EOF, and an empty chunk, behind
// the last one; any other error loses the rows of c. With Options.Follow it
// returns row by row. A Writer may write earlier chunks at the same time.
func (r *Reader) Next(c *Chunk) error {
	c.reset()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	most := chunkRows
	if r.options.Follow {
		most = 1
	}
	for c.rows < most && len(c.text) < chunkText {
		err := r.decoder.next(r.row, &r.record)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = r.add(c)
		}
		if err != nil {
			return inFile(r.source.name, err)
		}
	}
	if c.rows > 0 {
		return nil
	}
	if r.inputs == 0 {
		return &Error{File: r.source.name, Err: errNoRows}
	}
	return io.EOF
}

// Scale scales the features of c, which Next filled, in place. A value that cannot be
// scaled is an *[Error].
func (r *Reader) Scale(s *Scaler, c *Chunk) error {
	err := s.Apply(c.X)
	var overflow *OverflowError
	if !errors.As(err, &overflow) {
		return err
	}
	return &Error{File: r.source.name, Line: c.records[c.Input[overflow.Row]].line, Column: r.features[overflow.Feature], Err: err}
}

// add appends the current row to c.
func (r *Reader) add(c *Chunk) error {
	if r.keep {
		c.remember(r.record)
	}
	r.inputs++
	c.rows++
	if err := r.findSeries(); err != nil {
		return &Error{Line: r.record.line, Column: r.options.Series, Err: err}
	}
	state := &r.roster.states[r.series]
	time, err := r.time(state)
	if err != nil {
		return &Error{Line: r.record.line, Column: r.options.Time, Err: err}
	}
	label, err := r.label()
	if err != nil {
		return &Error{Line: r.record.line, Column: r.options.Label, Err: err}
	}
	kept, err := r.addFeatures(c, state)
	if !kept || err != nil {
		return err
	}
	if r.roles.time >= 0 {
		c.Time = append(c.Time, time)
	}
	if r.roles.label >= 0 {
		c.Labels = append(c.Labels, label)
	}
	c.Series = append(c.Series, r.series)
	c.Input = append(c.Input, int32(c.rows-1))
	return nil
}

// time is the time of the current row, 0 without a time column.
func (r *Reader) time(state *seriesState) (float64, error) {
	if r.roles.time < 0 {
		return 0, nil
	}
	t, err := r.clock.time(r.row[r.roles.time])
	if err != nil {
		return 0, err
	}
	return t, state.advance(t)
}

// label is the label of the current row.
func (r *Reader) label() (int8, error) {
	if r.roles.label < 0 {
		return Unlabelled, nil
	}
	return r.labeler.label(r.row[r.roles.label])
}

// findSeries sets r.series to the series of the current row.
func (r *Reader) findSeries() error {
	if r.roles.series < 0 {
		if r.series < 0 {
			r.series = r.roster.find([]byte(r.source.name), r.source.name, len(r.features))
		}
		return nil
	}
	v := r.row[r.roles.series]
	if v.kind == textKind && r.series >= 0 && bytes.Equal(v.text, r.name) {
		return nil
	}
	if v.empty() {
		return errors.New("the series' name is missing")
	}
	r.name = v.appendText(r.name[:0])
	r.series = r.roster.find(r.name, r.source.name, len(r.features))
	return nil
}

// progress is the part of the file read so far, 0 where that cannot be told
// precisely enough.
func (r *Reader) progress() float64 {
	const ahead = 3 * blockSize // bytes used, but hardly parsed yet
	size, used := r.source.size, r.source.used.Load()
	part := 0.0
	if d, ok := r.decoder.(*parquetDecoder); ok {
		part = d.progress()
	} else if used > min(max(size/20, 10*ahead), 40*ahead) {
		part = float64(used-ahead) / float64(size)
	}
	if part < 0.01 || part > 1 {
		return 0
	}
	return part
}

// Warnings lists the oddities met so far.
func (r *Reader) Warnings() []Warning {
	all := append([]Warning(nil), r.warned...)
	for _, w := range r.decoder.warnings() {
		w.File = r.source.name
		all = append(all, w)
	}
	if r.dropped > 0 {
		return append(all, Warning{File: r.source.name, Text: fmt.Sprintf("%d of %d rows lack a feature and are left out", r.dropped, r.inputs)})
	}
	for k, n := range r.filled {
		if n > 0 {
			all = append(all, Warning{File: r.source.name, Column: r.features[k],
				Text: fmt.Sprintf("%d of %d values are missing and filled (%s)", n, r.inputs, r.options.Missing)})
		}
	}
	return all
}
