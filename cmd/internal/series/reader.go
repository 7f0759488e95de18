package series

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
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
	labeler  *labeler
	clock    clock
	gap      Length // of Options.MaxGap
	gaps     int    // that were longer
	backs    int    // where time went back
	holes    holes
	keep     bool         // remember rows as they were written
	row      []value      // [columns] the current row
	record   record       // the same as it was written
	state    *seriesState // of the last row, nil before the first
	failed   error        // what ended the reading, behind the rows handed over
	inputs   int          // rows handed over
	skipped  int
	dropped  int
	filled   []int // [F] missing values
	warned   []Warning

	name    []byte    // scratch
	values  []float32 // [F] features of the current row
	lacking []int     // which of them are missing
}

// Open opens one file, or standard input for Stdin, to stream its rows. The
// context ends the reading, even while it waits for input. Labels are of Options.Classes, or
// 0 and 1 without. Close the Reader.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if len(o.Classes) == 0 && o.Positive == "" {
		o.Classes = zeroOne
	}
	return open(ctx, path, os.Stdin, o, newRoster(MaxOpen), true)
}

// ColumnsOf names the columns of a file. Of the options it takes those that say how the file
// is written.
func ColumnsOf(ctx context.Context, path string, o Options) ([]string, error) {
	source, err := openSource(ctx, path, os.Stdin, o)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	d, err := newDecoder(source, o)
	if err != nil {
		return nil, err
	}
	return d.columns(), nil
}

func open(ctx context.Context, path string, stdin io.Reader, o Options, roster *roster, keep bool) (*Reader, error) {
	source, err := openSource(ctx, path, stdin, o)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, source, o, roster, keep)
}

// newReader closes the source if it fails.
func newReader(ctx context.Context, source *source, o Options, roster *roster, keep bool) (*Reader, error) {
	r := &Reader{ctx: ctx, source: source, options: o, roster: roster, keep: keep, labeler: newLabeler(o)}
	if err := r.start(); err != nil {
		source.Close()
		return nil, err
	}
	return r, nil
}

// Again opens the file of a Reader with Options.Twice once more, to read the same rows, of
// the same series, from the first one on. It does not tell Options.Skip of rows that it
// leaves out, and its rows cannot be written. Close it before r.
func (r *Reader) Again() (*Reader, error) {
	source, err := r.source.reopen(r.ctx)
	if err != nil {
		return nil, err
	}
	o := r.options // with what has been found out
	o.Features, o.Exclude = r.features, nil
	if o.Skip != nil {
		o.Skip = func(*Error) {}
	}
	again, err := newReader(r.ctx, source, o, newRoster(r.roster.most), false)
	if d, ok := r.decoder.(*jsonDecoder); ok && err == nil {
		again.reserve(d.answers)
	}
	return again, err
}

// reserve has objects that bring a key of one of these names, which the first one has not,
// be at fault: the answers that are put behind their text have it.
func (r *Reader) reserve(names []string) {
	if d, ok := r.decoder.(*jsonDecoder); ok {
		d.answers = names
	}
}

// Name is what messages call the file.
func (r *Reader) Name() string { return r.source.name }

// start reads the header.
func (r *Reader) start() (err error) {
	if r.decoder, err = newDecoder(r.source, r.options); err != nil {
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
	if d, ok := r.decoder.(*arrowDecoder); ok && r.roles.time >= 0 {
		t := d.types[r.roles.time]
		r.clock.typed, r.clock.stamps, r.clock.dates = t.time, t.time, t.date
	}
	r.clock.format, _ = parseTimeFormat(r.options.TimeFormat)
	r.clock.order = r.roles.order
	r.gap, _ = ParseLength("max-gap", r.options.MaxGap)
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

// comma is what separates fields of CSV that is written: what does in the file, if that
// is CSV too.
func (r *Reader) comma() byte {
	if d, text := r.decoder.(*csvDecoder); text && r.Format() == CSV {
		return d.comma
	}
	return ','
}

// HasLabel reports whether the label column is there.
func (r *Reader) HasLabel() bool { return r.roles.label >= 0 }

// Reads reports whether f is the regular file that r reads.
func (r *Reader) Reads(f *os.File) bool {
	file := r.source.file
	if file == nil {
		file = os.Stdin
	}
	is, err := file.Stat()
	other, otherErr := f.Stat()
	return err == nil && otherErr == nil && is.Mode().IsRegular() && os.SameFile(is, other)
}

// Close closes the file. It may be called at any time: a Next that waits for input
// then fails.
func (r *Reader) Close() error { return r.source.Close() }

// Next fills c with the next rows. It returns io.EOF, and an empty chunk, behind
// the last one; any other error comes when the rows before it have been handed over. With
// Options.Follow it returns row by row. A Writer may write earlier chunks at the same time.
func (r *Reader) Next(c *Chunk) error {
	c.reset()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	most := chunkRows
	if r.options.Follow {
		most = 1
	}
	for r.failed == nil && c.rows < most && len(c.text) < chunkText {
		r.failed = r.next(c)
	}
	c.Stamps = r.clock.stamps
	switch {
	case c.rows > 0:
		return nil
	case r.failed == io.EOF && r.inputs == 0:
		return r.noRows()
	}
	return r.failed
}

// At is err with the place in the file of row i of those with features in c, which Next
// has filled.
func (r *Reader) At(c *Chunk, i int, err error) error {
	return &Error{File: r.source.name, Line: c.records[c.Input[i]].line, Err: err}
}

// Timestamp is the time of row i of those with features in c as the file has it, if times
// are timestamps, else "". It may run at the same time as Next.
func (r *Reader) Timestamp(c *Chunk, i int) string {
	if !c.Stamps {
		return ""
	}
	row := make([]value, len(r.Columns()))
	r.decoder.split(&c.records[c.Input[i]], row)
	return string(bytes.TrimSpace(row[r.roles.time].appendText(nil)))
}

// HasSeries reports whether a column names the series.
func (r *Reader) HasSeries() bool { return r.roles.series >= 0 }

// HasTime reports whether there is a time column.
func (r *Reader) HasTime() bool { return r.roles.time >= 0 }

// next appends the next row to c, unless it is at fault and may be skipped.
func (r *Reader) next(c *Chunk) error {
	err := r.decoder.next(r.row, &r.record)
	if err == nil {
		err = r.add(c)
	}
	if err == nil || err == io.EOF {
		return err
	}
	err = inFile(r.source.name, err)
	var fault *Error
	if r.options.Skip != nil && errors.As(err, &fault) && fault.row {
		r.skipped++
		r.options.Skip(fault)
		return nil
	}
	return err
}

// noRows is the error for a file of which no row has been read.
func (r *Reader) noRows() error {
	err := errNoRows
	if r.skipped > 0 {
		err = fmt.Errorf("none of the %d rows can be used", r.skipped)
	}
	return &Error{File: r.source.name, Err: err}
}

// fault is an error of the current row.
func (r *Reader) fault(column string, err error) error {
	return &Error{Line: r.record.line, Column: column, Err: err, row: true}
}

// add appends the current row to c. A row at fault leaves no mark.
func (r *Reader) add(c *Chunk) error {
	if err := r.findSeries(c); err != nil {
		return r.fault(r.options.Series, err)
	}
	if err := r.findGroup(); err != nil {
		return r.fault(r.options.Group, err)
	}
	time, err := r.time()
	if err != nil {
		return r.fault(r.options.Time, err)
	}
	label, err := r.label()
	if err != nil {
		return r.fault(r.options.Label, err)
	}
	kept, err := r.addAfter(c, time)
	if err != nil {
		return err
	}
	if r.keep {
		c.remember(r.record)
	}
	r.inputs++
	c.rows++
	r.passTime(time)
	if !kept {
		r.dropped++
		return nil
	}
	if r.roles.time >= 0 {
		c.Time = append(c.Time, time)
	}
	if r.roles.label >= 0 {
		c.Labels = append(c.Labels, label)
	}
	if !r.state.begun {
		r.state.begun = true
		c.Begun = append(c.Begun, r.begun())
	}
	c.Series = append(c.Series, r.state.number)
	c.Input = append(c.Input, int32(c.rows-1))
	return nil
}

// begun is the series of the current row.
func (r *Reader) begun() Begun {
	b := Begun{Series: r.state.number, Name: r.state.name, Group: cmp.Or(r.state.group, r.state.key)}
	if r.roles.series >= 0 {
		b.Key = r.state.key
	}
	return b
}

// addAfter is addFeatures, in a new series where the row's time is behind a gap or goes back.
func (r *Reader) addAfter(c *Chunk, time float64) (kept bool, err error) {
	if r.gap.Value == 0 {
		return r.addFeatures(c)
	}
	if err := r.gap.Check(r.clock.stamps); err != nil {
		return false, &Error{Line: r.record.line, Column: r.options.Time, Err: err}
	}
	before := r.state
	back := time < before.time
	if before.time == math.Inf(-1) || !back && time-before.time <= r.gap.Value {
		return r.addFeatures(c)
	}
	r.state = r.roster.follow(before)
	if kept, err = r.addFeatures(c); err != nil {
		r.state = before
		return false, err
	}
	r.roster.replace(before, r.state)
	c.Ended = append(c.Ended, before.number)
	if back {
		r.backs++
	} else {
		r.gaps++
	}
	return kept, nil
}

// label is the label of the current row.
func (r *Reader) label() (int16, error) {
	if r.roles.label < 0 {
		return Unlabelled, nil
	}
	return r.labeler.label(r.row[r.roles.label])
}

// findSeries sets r.state to the series of the current row.
func (r *Reader) findSeries(c *Chunk) error {
	if r.roles.series < 0 {
		if r.state == nil {
			r.setSeries(c, []byte(r.source.name))
		}
		return nil
	}
	v := r.row[r.roles.series]
	v.text = bytes.TrimSpace(v.text)
	if v.kind == textKind && r.state != nil && string(v.text) == r.state.key {
		return nil
	}
	if v.empty() {
		return errors.New("the series' name is missing")
	}
	r.name = v.appendText(r.name[:0])
	r.setSeries(c, r.name)
	return nil
}

// findGroup sets the group of the current row's series, which its first row names.
func (r *Reader) findGroup() error {
	if r.roles.group < 0 {
		return nil
	}
	v := r.row[r.roles.group]
	v.text = bytes.TrimSpace(v.text)
	if v.empty() {
		return errors.New("the group's name is missing (--group)")
	}
	r.name = v.appendText(r.name[:0])
	switch r.state.group {
	case string(r.name):
	case "":
		r.state.group = string(r.name)
	default:
		return fmt.Errorf("series %q is of group %q and of %q (a column that tells series apart belongs to --series)", r.state.name, r.state.group, r.name)
	}
	return nil
}

func (r *Reader) setSeries(c *Chunk, name []byte) {
	remembered := 0
	if r.options.Missing == MissingForward {
		remembered = len(r.features)
	}
	var ended *seriesState
	if r.state, ended = r.roster.find(name, remembered); ended != nil {
		c.Ended = append(c.Ended, ended.number)
	}
}

// progress is the part of the file read so far, 0 where that cannot be told
// precisely enough.
func (r *Reader) progress() float64 {
	const ahead = 3 * blockSize // bytes used, but hardly parsed yet
	size, used := r.source.size, r.source.used.Load()
	part := 0.0
	if d, ok := r.decoder.(*arrowDecoder); ok && d.rows > 0 {
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
	all := append(warningsOf(r.source, r.decoder), r.warned...)
	if n := r.roster.ended; n > 0 {
		all = append(all, Warning{File: r.source.name, Column: r.options.Series,
			Text: fmt.Sprintf("%d series were ended as more than %d were open, each when no row of it had come for the longest; a later row of one began another series", n, r.roster.most)})
	}
	all = append(all, r.gapWarnings()...)
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
