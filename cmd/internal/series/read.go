package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Expand replaces each pattern (*, ?, [...]) by the files that match it, in
// order of their names, and drops repetitions. It is an error when none matches.
func Expand(patterns []string) ([]string, error) {
	var paths []string
	for _, p := range patterns {
		matches := []string{p}
		if _, err := os.Stat(p); err != nil && strings.ContainsAny(p, "*?[") {
			if matches, err = filepath.Glob(p); err != nil {
				return nil, fmt.Errorf("pattern %q: %w", p, err)
			}
			if len(matches) == 0 {
				return nil, fmt.Errorf("no file matches %q", p)
			}
		}
		for _, m := range matches {
			if !slices.Contains(paths, m) {
				paths = append(paths, m)
			}
		}
	}
	if len(paths) == 0 {
		return nil, errors.New("no file is named")
	}
	return paths, nil
}

// Read loads the files, which patterns name as in Expand. Each is a series of
// its own, unless Options.Series names them; then rows are brought together by
// series, the series in order of their first rows. Files after the first must
// have the first one's features, and its time.
func Read(ctx context.Context, patterns []string, o Options) (*Data, error) {
	return read(ctx, patterns, os.Stdin, o)
}

func read(ctx context.Context, patterns []string, stdin io.Reader, o Options) (*Data, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	paths, err := Expand(patterns)
	if err != nil {
		return nil, err
	}
	first := newLoader(paths, o)
	defer first.close()
	if err := first.loadAll(ctx, paths, stdin, o); err != nil {
		return nil, err
	}
	shift := first.shifts()
	if shift == nil {
		first.data.warnOfStrays(o)
		return first.data, nil
	}
	if o.Rows != nil {
		o.Rows(-first.data.Input)
	}
	o.Shift, first.data, first.runs = shift, nil, nil
	again := newLoader(paths, o)
	again.kept = first.kept
	if err := again.loadAll(ctx, paths, stdin, o); err != nil {
		return nil, err
	}
	again.data.warnOfShifts()
	again.data.warnOfStrays(o)
	return again.data, nil
}

func newLoader(paths []string, o Options) *loader {
	l := &loader{roster: newRoster(0), labeler: newLabeler(o), data: &Data{Group: o.Group}, kept: map[string]*Reader{}}
	for _, path := range paths {
		l.total += fileSize(path)
	}
	return l
}

// loadAll loads the files.
func (l *loader) loadAll(ctx context.Context, paths []string, stdin io.Reader, o Options) error {
	for i, path := range paths {
		if err := l.load(ctx, path, stdin, o, i == 0); err != nil {
			return err
		}
		o.Features, o.Exclude, o.Time, o.TimeFormat = l.data.Features, nil, l.data.TimeColumn, cmp.Or(o.TimeFormat, l.data.TimeFormat)
		o.TimeStep = l.data.TimeStep
	}
	l.finish()
	if err := l.settle(); err != nil {
		return err
	}
	return l.check(o)
}

// open opens a file. If features may have to be shifted, it can be opened a second time.
func (l *loader) open(ctx context.Context, path string, stdin io.Reader, o Options) (*Reader, error) {
	if first := l.kept[path]; first != nil {
		again, err := first.Reader.Again(ctx, false)
		if err != nil {
			return nil, err
		}
		return newReader(ctx, newInput(again, o), o, l.roster)
	}
	o.Twice = o.Shift == nil && fileSize(path) == 0
	r, err := open(ctx, path, stdin, o, l.roster)
	if err == nil && o.Twice {
		l.kept[path] = r
	}
	return r, err
}

// close closes the files that have been kept.
func (l *loader) close() {
	for _, r := range l.kept {
		r.Close()
	}
}

// fileSize is the size of a regular file, else 0; opening it reports errors.
func fileSize(path string) int64 {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// loader gathers the chunks of all files.
type loader struct {
	roster      *roster
	labeler     *labeler
	data        *Data
	runs        []run
	begun       []Range // by the number of the series: its name and file
	order       dateOrder
	losses      []loss             // [F] nil if shifts are given
	kept        map[string]*Reader // by their paths, those that only they can open again
	total, done int64              // bytes of all files, and of those already loaded
}

// run is consecutive rows of one series.
type run struct {
	series     int32
	start, end int
}

// load appends the rows of a file.
func (l *loader) load(ctx context.Context, path string, stdin io.Reader, o Options, first bool) error {
	o.before = len(l.begun)
	r, err := l.open(ctx, path, stdin, o)
	if err != nil {
		return err
	}
	if l.kept[path] != r {
		defer r.Close()
	}
	r.labeler = l.labeler // of all files
	r.clock.order = cmp.Or(r.clock.order, l.order)
	if first {
		l.data.Features, l.data.Shift, l.data.TimeColumn = r.Features(), r.shift, r.options.Time
		if o.Shift == nil {
			l.losses = make([]loss, len(r.features))
		}
		if r.HasLabel() {
			l.data.Label = o.Label
		}
	} else if r.HasLabel() != (l.data.Label != "") {
		return &table.Error{File: r.Name(), Column: o.Label, Err: errors.New("some files have the label and others do not")}
	}
	r.losses = l.losses
	size := fileSize(path)
	for c := new(Chunk); ; {
		err := r.Next(c)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		l.begin(c.Begun, r.Name())
		l.append(c, l.part(r, size))
		if o.Rows != nil {
			o.Rows(c.InputRows())
		}
		if l.data.Input > math.MaxInt32 {
			return fmt.Errorf("there are more than %d rows", math.MaxInt32)
		}
	}
	l.done += size
	if !first && r.HasTime() && l.data.Stamps != r.clock.stamps {
		return &table.Error{File: r.Name(), Column: r.options.Time, Err: errors.New("times are timestamps in some files and numbers in others")}
	}
	if first {
		l.data.Seconds = r.clock.seconds
	}
	l.data.Stamps, l.data.Zoned, l.order = r.clock.stamps, r.clock.zoned, r.clock.order
	if r.HasTime() {
		l.data.Times = r.clock.times(r.options.Times)
		l.data.TimeStep = cmp.Or(l.data.TimeStep, r.holes.settled().usual)
	}
	l.data.Warnings = append(l.data.Warnings, r.Warnings()...)
	return nil
}

// begin notes the series that begin in a file.
func (l *loader) begin(all []Begun, file string) {
	for _, b := range all {
		if n := int(b.Series) + 1; n > len(l.begun) {
			l.begun = append(l.begun, make([]Range, n-len(l.begun))...)
		}
		l.begun[b.Series] = Range{Name: b.Name, Group: b.Group, File: file}
	}
}

// append adds a chunk, the given part of all files having been read.
func (l *loader) append(c *Chunk, part float64) {
	d := l.data
	l.appendRuns(c)
	d.Input += c.InputRows()
	d.X = appendAll(d.X, c.X, part)
	d.Labels = appendAll(d.Labels, c.Labels, part)
	d.Time = appendAll(d.Time, c.Time, part)
}

// part is the part of all files that has been read, 0 when that is not known.
func (l *loader) part(r *Reader, size int64) float64 {
	progress := r.Progress()
	if progress == 0 {
		return 0
	}
	return (float64(l.done) + progress*float64(size)) / float64(l.total)
}

// appendRuns notes which rows of the chunk belong to which series.
func (l *loader) appendRuns(c *Chunk) {
	at := len(l.data.X) / len(l.data.Features)
	for _, s := range c.Series {
		if n := len(l.runs); n > 0 && l.runs[n-1].series == s {
			l.runs[n-1].end++
		} else {
			l.runs = append(l.runs, run{s, at, at + 1})
		}
		at++
	}
}

// appendAll appends more to s. When s is full it makes room for all that will
// follow judging by the part that is there, so that columns are hardly ever
// copied and hardly larger than need be.
func appendAll[T any](s, more []T, part float64) []T {
	need := len(s) + len(more)
	if need > cap(s) {
		size := 2 * need
		if part > 0 {
			size = int(1.03 * float64(need) / part)
		}
		s = slices.Grow(s, size-len(s))
	}
	return append(s, more...)
}

// check finds what is wrong with, or odd about, all rows together.
func (l *loader) check(o Options) error {
	d := l.data
	if d.Len() == 0 {
		return errors.New("every row lacks a feature, so none is left (Options.Missing drop)")
	}
	if d.Label == "" {
		return nil
	}
	labelled, none := 0, []string(nil)
	for class, n := range d.Count() {
		if labelled += n; n == 0 {
			none = append(none, d.Classes[class])
		}
	}
	switch {
	case labelled == 0 && !o.LabelOptional:
		return fmt.Errorf("column %q labels no row", d.Label)
	case o.Positive != "" && d.Count()[1] == 0:
		d.warn(fmt.Sprintf("no label equals %q (Options.Positive), so every label is 0", o.Positive))
	case len(none) > 0:
		d.warn("no label is " + table.List(none))
	}
	return nil
}

// settle finds the classes, and warns of one that may not be meant.
func (l *loader) settle() (err error) {
	d := l.data
	var reason string
	unlabelled := 0
	for _, label := range d.Labels {
		if label == Unlabelled {
			unlabelled++
		}
	}
	if d.Classes, reason, err = l.labeler.settle(d.Labels); err != nil {
		for _, note := range classNotes(nil, unlabelled, len(d.Labels)) {
			err = fmt.Errorf("%w; %s", err, note)
		}
		return &table.Error{Column: d.Label, Err: err}
	}
	if reason != "" {
		d.warn(backgroundNote(d.Classes, reason))
	}
	for _, note := range classNotes(d.Classes, unlabelled, len(d.Labels)) {
		d.warn(note)
	}
	if p, ok := l.labeler.classifier.(*positiveClass); ok {
		d.negative = p.others
	}
	for _, name := range d.Classes {
		if table.IsMissing([]byte(name)) && !strings.EqualFold(name, "none") {
			d.warn(fmt.Sprintf("%q is a class, as labels are words; an empty one leaves its row unlabelled", name))
		}
	}
	return nil
}
