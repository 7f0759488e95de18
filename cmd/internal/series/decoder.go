package series

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// decoder reads the rows of one file, whatever its format.
type decoder interface {
	// columns are the names of the columns, in the file's order.
	columns() []string
	// sample tells what the first rows say of each column, and leaves them to be
	// read; an error is that of the first row. With Options.Follow it takes only rows
	// that it need not wait for, and the first.
	sample(o Options) ([]profile, error)
	// next reads a row into row, which has one value per column, and into rec,
	// as it was written. Both are valid until the next call. At the end it
	// returns io.EOF; other errors are complete but for the file's name.
	next(row []value, rec *record) error
	// split parses what next returned once more. It may run at the same time as
	// next.
	split(r *record, row []value)
	// warnings are the oddities met so far.
	warnings() []Warning
}

// record is a row as it was written.
type record struct {
	text  []byte      // without the line's end; nil in formats with types
	batch *arrowBatch // that has the row, in formats with types
	line  int         // of the file, from 1
	marks []byte      // decimals.marks of CSV
}

// newDecoder reads what precedes the first row.
func newDecoder(s *source, o Options) (decoder, error) {
	var d decoder
	var err error
	switch s.format {
	case CSV, TSV:
		d, err = newCSVDecoder(s.body, s.comma, o)
	case JSONL:
		d, err = newJSONDecoder(s.body, o)
	default:
		d, err = newArrowDecoder(s, o)
	}
	if err == nil {
		err = checkNames(d.columns())
	}
	if err != nil {
		return nil, inFile(s.name, err)
	}
	return d, nil
}

// naValues are those of Options.NAValues.
type naValues struct {
	texts   []string
	numbers []float64
}

func newNAValues(texts []string) *naValues {
	if len(texts) == 0 {
		return nil
	}
	na := &naValues{texts: texts}
	for _, text := range texts {
		if x, ok := (value{text: []byte(text)}).float(); ok {
			na.numbers = append(na.numbers, x)
		}
	}
	return na
}

// strike makes values null that mean that there is none.
func (na *naValues) strike(row []value) {
	if na == nil {
		return
	}
	for i, v := range row {
		if na.has(v) {
			row[i] = value{kind: nullKind}
		}
	}
}

func (na *naValues) has(v value) bool {
	if text := bytes.TrimSpace(v.text); v.kind != numberKind && slices.ContainsFunc(na.texts, func(na string) bool { return string(text) == na }) {
		return true
	}
	if len(na.numbers) == 0 {
		return false
	}
	x, ok := v.float()
	return ok && slices.Contains(na.numbers, x)
}

// warningsOf are those of a source and of its decoder.
func warningsOf(s *source, d decoder) []Warning {
	all := s.warnings()
	for _, w := range d.warnings() {
		w.File = s.name
		all = append(all, w)
	}
	return all
}

// checkNames refuses columns that cannot be told apart.
func checkNames(names []string) error {
	seen := map[string]int{}
	for i, name := range names {
		if first, twice := seen[name]; twice && name != "" {
			return fmt.Errorf("columns %d and %d are both called %q", first+1, i+1, name)
		}
		seen[name] = i
	}
	return nil
}

// inFile adds the file's name to an error of a decoder.
func inFile(name string, err error) error {
	var e *Error
	switch {
	case err == io.EOF:
		return err
	case errors.As(err, &e):
		e.File = name
		return e
	}
	return &Error{File: name, Err: err}
}

// sampleLines is decoder.sample for lines of text in b, which it leaves as it
// was.
func sampleLines(d decoder, b *lineBuffer, o Options) ([]profile, error) {
	b.peekLine(0) // at least one row, unless there is none
	defer b.hold()()
	var rec record
	row := make([]value, len(d.columns()))
	profiles := newProfiles(len(row), o)
	var first error // that reading will come to
	seen := 0
	for n := 0; n < sampleRows && (n == 0 || b.goOn(o.Follow)); n++ {
		err := d.next(row, &rec)
		if err != nil {
			if first = cmp.Or(first, err); !ofRow(err) {
				break
			}
			continue
		}
		seen++
		for i, v := range row {
			profiles[i].add(v)
		}
	}
	if seen == 0 {
		return profiles, first
	}
	return profiles, nil
}
