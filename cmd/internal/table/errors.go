package table

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a fault in a file. It reads "file:line: column "x": message"; parts
// that are not known are left out.
type Error struct {
	File   string
	Line   int    // from 1; in Parquet, Arrow and arrays of JSON the row; 0 when the whole file is meant
	Column string // "" when no single column is meant
	Err    error
	Row    bool // the fault is that of one row, behind which the file can be read on
}

// OfRow reports whether an error is the fault of one row.
func OfRow(err error) bool {
	var fault *Error
	return errors.As(err, &fault) && fault.Row
}

func (e *Error) Error() string { return describe(e.File, e.Line, e.Column, e.Err.Error()) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Warning is an oddity that does not prevent the work.
type Warning struct {
	File   string
	Line   int    // as in Error
	Column string // as in Error
	Text   string
}

func (w Warning) String() string { return describe(w.File, w.Line, w.Column, w.Text) }

func describe(file string, line int, column, text string) string {
	var parts []string
	switch {
	case file != "" && line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", file, line))
	case file != "":
		parts = append(parts, file)
	}
	if column != "" {
		parts = append(parts, fmt.Sprintf("column %q", column))
	}
	return strings.Join(append(parts, text), ": ")
}

// Excerpt quotes text for a message, shortened if it is long.
func Excerpt(text []byte) string {
	const most = 40
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q and %d more bytes", text[:most], len(text)-most)
}
