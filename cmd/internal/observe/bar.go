// Package observe shows what happens in a run of package fit: to people who wait, as a bar or
// a line now and then, and to scripts, as JSON lines.
package observe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// How often progress is shown.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

// Progress shows how far a run has come and how long it will take: on a terminal in a single
// line, elsewhere in a line every ten seconds. It uses no colours.
type Progress struct {
	course
	out     io.Writer
	columns func() int // of the terminal; nil where out is none
	shown   bool       // there is a line to clear
	last    time.Time  // that something was shown
}

// NewProgress writes to out, which is a terminal of so many columns unless that is nil.
func NewProgress(out io.Writer, columns func() int) *Progress {
	return &Progress{course: course{now: time.Now}, out: out, columns: columns, last: time.Now()}
}

// Observe implements fit.Observer.
func (p *Progress) Observe(_ context.Context, e fit.Event) error {
	p.observe(e)
	if _, made := e.(fit.Progress); !made || p.ended {
		return nil
	}
	every := lineEvery
	if p.columns != nil {
		every = barEvery
	}
	if now := p.now(); now.Sub(p.last) >= every {
		p.last = now
		p.show()
	}
	return nil
}

// show writes what there is to tell; that it cannot be written is no reason to end a run.
func (p *Progress) show() {
	if p.columns != nil {
		p.shown = true
		fmt.Fprintf(p.out, "\r%s\x1b[K", p.bar(p.columns()))
		return
	}
	if text := p.line(); text != "" {
		fmt.Fprintf(p.out, "rnnbin: %s\n", text)
	}
}

// Clear makes room for a line.
func (p *Progress) Clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
