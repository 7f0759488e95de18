package series

import (
	"context"
	"io"
	"os"
	"sync"
)

const (
	blockSize   = 256 << 10
	blocksAhead = 3
)

// readAhead reads on a goroutine of its own, so that reading and decompressing
// overlap parsing, and so that a cancelled context ends a Read which waits for
// standard input. A Read returns what has arrived.
type readAhead struct {
	ctx  context.Context
	full chan block
	free chan []byte
	stop chan struct{}
	once sync.Once
	now  block
	rest []byte // of now.data
}

type block struct {
	data []byte
	err  error // behind data
}

func newReadAhead(ctx context.Context, r io.Reader) *readAhead {
	a := &readAhead{
		ctx:  ctx,
		full: make(chan block, blocksAhead),
		free: make(chan []byte, blocksAhead),
		stop: make(chan struct{}),
	}
	for range blocksAhead {
		a.free <- make([]byte, blockSize)
	}
	go a.run(r)
	return a
}

// run fills free blocks until an error, the end, or Close.
func (a *readAhead) run(r io.Reader) {
	defer close(a.full)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		n, err := r.Read(buf[:blockSize])
		select {
		case a.full <- block{buf[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.data != nil {
			a.free <- a.now.data
		}
		select {
		case a.now = <-a.full:
			if a.now.data == nil { // closed
				a.now.err = os.ErrClosed
			}
		case <-a.stop:
			a.now = block{err: os.ErrClosed}
		case <-a.ctx.Done():
			a.now = block{err: a.ctx.Err()}
		}
		a.rest = a.now.data
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the goroutine, at once unless it waits for input.
func (a *readAhead) Close() { a.once.Do(func() { close(a.stop) }) }

// wait returns when the goroutine has ended. It must follow Close.
func (a *readAhead) wait() {
	for range a.full {
	}
}
