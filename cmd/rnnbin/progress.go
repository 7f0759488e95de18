package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows on a terminal how work is getting on.
type progress struct {
	out   io.Writer // nil when nobody watches
	done  string    // with the rows
	begin time.Time
	last  time.Time // that a line was shown, or of begin
	shown bool      // a line is to be ended
	rows  int
}

// newProgress writes to errOut when that is a terminal and out, which the rows go
// to, is none: they would get mixed up.
func newProgress(out, errOut io.Writer) *progress {
	p := new(progress)
	if isTerminal(errOut) && !isTerminal(out) {
		p.out = errOut
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// unlessQuiet is errOut for a command to write to, unless that is to be quiet. Its error is written by
// run.
func unlessQuiet(quiet bool, errOut io.Writer) io.Writer {
	if quiet {
		return io.Discard
	}
	return errOut
}

// addRead counts n more rows that are read.
func (p *progress) addRead(n int) { p.count(n, "read") }

// add counts n more rows that are labelled.
func (p *progress) add(n int) { p.count(n, "labelled") }

// addMeasured counts n more rows of a reading that is for the scale of their series.
func (p *progress) addMeasured(n int) { p.count(n, "read for their scale") }

// count counts n more rows, and shows all once a second.
func (p *progress) count(n int, done string) {
	if p.out == nil {
		return
	}
	if p.done != done {
		p.end()
		*p = progress{out: p.out, done: done, begin: time.Now(), last: time.Now()}
	}
	p.rows += n
	if time.Since(p.last) < time.Second {
		return
	}
	p.last, p.shown = time.Now(), true
	fmt.Fprintf(p.out, "\rrnnbin: %d rows %s, %.0f a second ", p.rows, done, float64(p.rows)/time.Since(p.begin).Seconds())
}

// end ends the line, if there is one.
func (p *progress) end() {
	if p.shown {
		p.shown = false
		fmt.Fprintln(p.out)
	}
}
