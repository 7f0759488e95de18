package table

import (
	"context"
	"io"
	"os"
)

const blockSize = 256 << 10

// readAhead reads a block ahead on a goroutine of its own, so that reading and decompressing
// overlap parsing, and so that a cancelled context ends a Read which waits for standard input.
// A Read returns what has arrived.
type readAhead struct {
	r     *io.PipeReader
	w     *io.PipeWriter
	watch func() bool // ends that of the context
	done  chan struct{}
}

func newReadAhead(ctx context.Context, r io.Reader) *readAhead {
	a := &readAhead{done: make(chan struct{})}
	a.r, a.w = io.Pipe()
	a.watch = context.AfterFunc(ctx, func() { a.w.CloseWithError(ctx.Err()) })
	go func() {
		defer close(a.done)
		// Nothing but Read is to be used of r, which may be a file.
		_, err := io.CopyBuffer(a.w, struct{ io.Reader }{r}, make([]byte, blockSize))
		a.w.CloseWithError(err) // io.EOF behind the last block
	}()
	return a
}

func (a *readAhead) Read(p []byte) (int, error) { return a.r.Read(p) }

// Close ends the goroutine, at once unless it waits for input.
func (a *readAhead) Close() {
	a.watch()
	a.w.CloseWithError(os.ErrClosed)
}

// wait returns when the goroutine has ended. It must follow Close.
func (a *readAhead) wait() { <-a.done }
