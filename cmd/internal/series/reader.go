package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// chunkRows is how many rows a chunk has, at most.
const chunkRows = 8192

// Reader streams the rows of one file.
type Reader struct {
	*input
	ctx      context.Context
	options  Options
	roles    roles
	features []string
	shift    []float64 // [F]
	losses   []loss    // [F] nil: nobody asks
	roster   *roster
	labeler  *labeler
	clock    clock
	gap      Length // of Options.MaxGap
	gaps     int    // that were longer
	backs    int    // where time went back
	holes    holes
	state    *seriesState // of the last row, nil before the first
	failed   error        // what ended the reading, behind the rows handed over
	inputs   int          // rows handed over
	skipped  int
	dropped  int
	filled   []int   // [F] missing values
	rounded  []int   // [F] the line of the first whole number that float64 does not hold, 0 if there is none
	words    []words // [F]
	alike    int     // the line of the first time that is the one before, as float64 has them
	warned   []table.Warning

	name    []byte    // scratch
	when    []byte    // the time of the current row, if that is text
	values  []float32 // [F] features of the current row
	lacking []int     // which of them are missing
}

// Open opens one file, or standard input for table.Stdin, to stream its rows. The
// context ends the reading, even while it waits for input. Labels are of Options.Classes, or
// 0 and 1 without. Close the Reader.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if len(o.Classes) == 0 && o.Positive == "" {
		o.Classes = zeroOne
	}
	return open(ctx, path, os.Stdin, o, newRoster(MaxOpen))
}

// ColumnsOf names the columns of a file. Of the options it takes those that say how the file
// is written.
func ColumnsOf(ctx context.Context, path string, o Options) ([]string, error) {
	r, err := table.Open(ctx, path, os.Stdin, o.file())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Columns(), nil
}

func open(ctx context.Context, path string, stdin io.Reader, o Options, roster *roster) (*Reader, error) {
	in, err := openInput(ctx, path, stdin, o)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, in, o, roster)
}

// newReader closes the input if it fails.
func newReader(ctx context.Context, in *input, o Options, roster *roster) (*Reader, error) {
	r := &Reader{input: in, ctx: ctx, options: o, roster: roster, labeler: newLabeler(o)}
	if err := r.start(); err != nil {
		in.Close()
		return nil, err
	}
	return r, nil
}

// Again opens the file of a Reader with Options.Twice once more, to read the same rows, of
// the same series, from the first one on. It does not tell Options.Skip of rows that it
// leaves out. Close it before r.
func (r *Reader) Again() (*Reader, error) {
	again, err := r.Reader.Again(r.ctx, false)
	if err != nil {
		return nil, err
	}
	o := r.options // with what has been found out
	o.Features, o.Exclude = r.features, nil
	if o.Skip != nil {
		o.Skip = func(*table.Error) {}
	}
	return newReader(r.ctx, newInput(again, o), o, newRoster(r.roster.most))
}

// Whole opens the file of a Reader of WideLayout once more, as Again does, to read its rows as they stand: they have no features.
func (r *Reader) Whole() (*Reader, error) {
	again, err := r.Reader.Again(r.ctx, true)
	if err != nil {
		return nil, err
	}
	o := Options{Series: r.options.Series, LabelOptional: true}
	return &Reader{input: newInput(again, o), ctx: r.ctx, options: o, roster: newRoster(0), labeler: newLabeler(o),
		roles: roles{label: -1, series: slices.Index(again.Columns(), o.Series), group: -1, time: -1}}, nil
}

// start finds the roles of the columns.
func (r *Reader) start() (err error) {
	f, o := newFinder(r.input), r.options
	if o.Elapsed {
		o.Features = slices.DeleteFunc(slices.Clone(o.Features), func(name string) bool { return name == ElapsedFeature })
	}
	if err := f.find(o); err != nil {
		return err
	}
	r.roles, r.warned = f.roles, f.warned
	names := r.Columns()
	for _, i := range r.roles.features {
		r.features = append(r.features, names[i])
	}
	if err := r.addElapsed(); err != nil {
		return err
	}
	if r.shift = r.options.Shift; r.shift == nil {
		r.shift = make([]float64, len(r.features))
	}
	r.options.TimeFormat = cmp.Or(r.options.TimeFormat, f.format)
	r.clock, _ = newClock(r.options.Times)
	r.options.Time = ""
	if t := r.roles.time; t >= 0 {
		r.options.Time = f.timeName()
		r.clock.dates, r.clock.seconds = r.Types()[t] == table.Date, r.unit(t) == table.SecondUnit
		if f.profiles != nil {
			r.clock.order = cmp.Or(r.clock.order, f.profiles[t].clock.order)
		}
	}
	setting := "Options.MaxGap"
	if every, _ := ParseLength("Options.Resample", o.Resample); every.times(longGap) == o.MaxGap {
		setting = "Options.Resample" // which implies it
	}
	r.gap, _ = ParseLength(setting, o.MaxGap)
	r.filled, r.rounded, r.words = make([]int, len(r.features)), make([]int, len(r.features)), make([]words, len(r.features))
	return nil
}

// Features names the features, in the order of a row of Chunk.X.
func (r *Reader) Features() []string { return r.features }

// HasLabel reports whether the label column is there.
func (r *Reader) HasLabel() bool { return r.roles.label >= 0 }

// Next fills c with the next rows. It returns io.EOF, and an empty chunk, behind
// the last one; any other error comes when the rows before it have been handed over. With
// Options.Follow it returns row by row. A Writer may write earlier chunks at the same time.
func (r *Reader) Next(c *Chunk) error {
	c.reset()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for r.failed == nil && c.InputRows() == 0 {
		r.failed = r.fill(c)
	}
	c.Stamps, c.Seconds, c.marks = r.clock.stamps, r.clock.seconds, r.decimals.marks
	switch {
	case c.InputRows() > 0:
		return nil
	case r.failed == io.EOF && r.inputs == 0:
		return r.noRows()
	}
	return r.failed
}

// fill fills c with the rows of a batch, up to one at fault that may not be skipped.
func (r *Reader) fill(c *Chunk) error {
	most := chunkRows
	if r.options.Follow {
		most = 1
	}
	if err := r.next(&c.batch, most); err != nil {
		return r.skip(err)
	}
	for i := range c.batch.Len() {
		r.at(&c.batch, i)
		if err := r.add(c); err != nil {
			if err = r.skip(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// skip is nil for the error of a row that may be skipped.
func (r *Reader) skip(err error) error {
	var fault *table.Error
	if r.options.Skip == nil || !table.OfRow(err) || !errors.As(err, &fault) {
		return err
	}
	r.skipped++
	r.options.Skip(fault)
	return nil
}

// At is err with the place in the file of row i of those with features in c, which Next
// has filled.
func (r *Reader) At(c *Chunk, i int, err error) error {
	return &table.Error{File: r.Name(), Line: c.batch.Lines[c.input(i)], Err: err}
}

// Timestamp is the time of row i of those with features in c as the file has it, if times
// are timestamps, else "". It may run at the same time as Next.
func (r *Reader) Timestamp(c *Chunk, i int) string {
	if !c.Stamps {
		return ""
	}
	var parts [][]byte
	for _, k := range append([]int{r.roles.time}, r.roles.parts...) {
		parts = append(parts, c.batch.Columns[k].AppendText(nil, c.input(i)))
	}
	return string(joined(parts...).text)
}

// HasSeries reports whether a column names the series.
func (r *Reader) HasSeries() bool { return r.roles.series >= 0 }

// HasTime reports whether there is a time column.
func (r *Reader) HasTime() bool { return r.roles.time >= 0 }

// noRows is the error for a file of which no row has been read.
func (r *Reader) noRows() error {
	err := errNoRows
	if r.skipped > 0 {
		err = fmt.Errorf("none of the %d rows can be used", r.skipped)
	}
	return &table.Error{File: r.Name(), Err: err}
}

// fault is an error of the current row.
func (r *Reader) fault(column string, err error) error {
	return &table.Error{File: r.Name(), Line: r.line(), Column: column, Err: err, Row: true}
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
	r.inputs++
	c.rows = append(c.rows, int32(r.row))
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
	c.Input = append(c.Input, int32(len(c.rows)-1))
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
		return r.addFeatures(c, time)
	}
	if err := r.gap.Check(r.clock.stamps, r.clock.seconds); err != nil {
		return false, &table.Error{File: r.Name(), Line: r.line(), Column: r.options.Time, Err: err}
	}
	before := r.state
	back := time < before.time
	if before.time == math.Inf(-1) || !back && time-before.time <= r.gap.Value {
		return r.addFeatures(c, time)
	}
	r.state = r.roster.follow(before)
	if kept, err = r.addFeatures(c, time); err != nil {
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
	return r.labeler.label(r.value(r.roles.label))
}

// findSeries sets r.state to the series of the current row.
func (r *Reader) findSeries(c *Chunk) error {
	if r.roles.series < 0 {
		if r.state == nil {
			r.setSeries(c, []byte(r.Name()))
		}
		return nil
	}
	v := r.value(r.roles.series)
	if r.name = v.appendText(r.name[:0]); len(r.name) == 0 {
		return errors.New("the series' name is missing")
	}
	if r.state == nil || string(r.name) != r.state.key {
		r.setSeries(c, r.name)
	}
	return nil
}

// findGroup sets the group of the current row's series, which its first row names.
func (r *Reader) findGroup() error {
	if r.roles.group < 0 {
		return nil
	}
	v := r.value(r.roles.group)
	if r.name = v.appendText(r.name[:0]); len(r.name) == 0 {
		return errors.New("the group's name is missing (Options.Group)")
	}
	switch r.state.group {
	case string(r.name):
	case "":
		r.state.group = string(r.name)
	default:
		return fmt.Errorf("series %q is of group %q and of %q (a column that tells series apart belongs to Options.Series)", r.state.name, r.state.group, r.name)
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

// Warnings lists the oddities met so far.
func (r *Reader) Warnings() []table.Warning {
	all := append(r.warnings(), r.warned...)
	if n := r.roster.ended; n > 0 {
		all = append(all, table.Warning{File: r.Name(), Column: r.options.Series,
			Text: fmt.Sprintf("%d series were ended as more than %d were open, each when no row of it had come for the longest; a later row of one began another series", n, r.roster.most)})
	}
	all = append(all, r.gapWarnings()...)
	for k, line := range append(r.rounded, r.alike) {
		if line > 0 {
			all = append(all, table.Warning{File: r.Name(), Line: line, Column: append(r.features, r.options.Time)[k], Text: roundedNote})
		}
	}
	for k, w := range r.words {
		if w.line > 0 && w.numbers {
			all = append(all, table.Warning{File: r.Name(), Line: w.line, Column: r.features[k], Text: "true and false stand among numbers other than 1 and 0, and count as these (Options.NAValues counts them as missing)"})
		}
	}
	if r.dropped > 0 {
		return append(all, table.Warning{File: r.Name(), Text: fmt.Sprintf("%d of %d rows lack a feature and are left out", r.dropped, r.inputs)})
	}
	for k, n := range r.filled {
		if n > 0 {
			all = append(all, table.Warning{File: r.Name(), Column: r.features[k],
				Text: fmt.Sprintf("%d of %d values are missing and filled (%s)", n, r.inputs, r.options.Missing)})
		}
	}
	return all
}
