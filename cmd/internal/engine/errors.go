package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/label"
)

// Kind is what an error means for the client. Each protocol has a code for each.
type Kind int

// The kinds of errors.
const (
	Internal    Kind = iota // the server's fault
	Invalid                 // the request's: it will fail again
	NotFound                // there is no such model, version or session
	Unavailable             // not now: the server starts or stops
	Exhausted               // not now: too much is asked for at the same time
	Deadline                // the client's time was over before the answer
	Canceled                // the client has gone
)

// Error is returned for a request that gets no answer; the client gets its text.
type Error struct {
	Kind       Kind
	Err        error
	RetryAfter time.Duration // of Exhausted and Unavailable: when to ask again; 0 if that is not known
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf is an Error of a kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// KindOf is the kind of any error.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return Deadline
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Internal
}

// asError makes an Error of any error but nil.
func asError(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Kind: KindOf(err), Err: err}
}

// tooBusy is how long a client had better wait when a queue is full.
const tooBusy = time.Second

func exhausted(format string, args ...any) *Error {
	e := Errorf(Exhausted, format, args...)
	e.RetryAfter = tooBusy
	return e
}

// PlaceError is a value or an answer at fault, and where it is among those of a request. Err
// tells what is wrong with it.
type PlaceError struct {
	Series  int    // zero-based
	Row     int    // zero-based, of the series
	Feature string // "" of the whole row
	Err     error
}

func (e *PlaceError) Error() string {
	at := fmt.Sprintf("series %d, row %d", e.Series, e.Row)
	if e.Feature != "" {
		at += fmt.Sprintf(", feature %q", e.Feature)
	}
	return at + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *PlaceError) Unwrap() error { return e.Err }

// placed makes a row that cannot be labelled the request's fault, whose series and rows are
// numbered from the given ones on.
func placed(err error, features []string, series, row int) error {
	var at *label.RowError
	if !errors.As(err, &at) {
		return asError(err)
	}
	place := &PlaceError{Series: at.Series - series, Row: at.Row - row, Err: at}
	var value *graph.ValueError
	if errors.As(at.Err, &value) {
		place.Feature = features[value.Column]
		place.Err = fmt.Errorf("the value is %v: must be %s", value.Value, value.Want)
	}
	return &Error{Kind: Invalid, Err: place}
}
