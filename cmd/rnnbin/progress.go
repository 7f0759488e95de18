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
	begin time.Time
	last  time.Time
	rows  int
}

// newProgress writes to errOut when that is a terminal and out, which the rows go
// to, is none: they would get mixed up.
func newProgress(out, errOut io.Writer) *progress {
	p := &progress{begin: time.Now(), last: time.Now()}
	if isTerminal(errOut) && !isTerminal(out) {
		p.out = errOut
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// add counts n more rows, and shows all once a second.
func (p *progress) add(n int) {
	p.rows += n
	if p.out == nil || time.Since(p.last) < time.Second {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.out, "\rrnnbin: %d rows, %.0f a second ", p.rows, float64(p.rows)/time.Since(p.begin).Seconds())
}

// end ends the line, if there is one.
func (p *progress) end() {
	if p.out != nil && p.last.After(p.begin.Add(time.Second)) {
		fmt.Fprintln(p.out)
	}
}
