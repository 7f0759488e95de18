// Package answer labels the rows of a file with a model, from one end to the other: reading,
// labelling and writing overlap.
package answer

import (
	"cmp"
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/label"
)

// Pipe answers the rows of a file. A few chunks lie between two of its stages. Where features
// are scaled within whole series it reads all rows once before.
type Pipe struct {
	Model  *label.Model
	Reader *series.Reader // opened with Options.Twice for a model that scales by whole series
	Follow bool           // label each row as soon as it can be, and hand its answer over if no more are at hand
	Writer *series.Writer // nil: the answers are for Seen alone
	More   bool           // the Writer is to have rows of another file after these: leave it open

	// Surveyed is called for every chunk of the reading before, with its rows of input;
	// it may be nil.
	Surveyed func(rows int)

	// Seen is called for every answered chunk, in order, before it is written, with the answers
	// to its rows; it may be nil. Its error ends the run.
	Seen func(c *series.Chunk, a label.Answers) error

	streams *label.Streams
	whole   *survey // nil unless features are scaled within whole series
}

// What goes from stage to stage ends with an error in its place among the chunks: io.EOF
// when all has gone through, else the fault that ended it. So what is cut off never looks
// complete, and all that comes before a fault is answered and written.

// between is how many chunks wait between two stages.
const between = 4

// passed is a chunk, with its answers behind the second stage, or what came instead of one.
type passed struct {
	chunk   *series.Chunk
	answers label.Answers
	err     error
}

// Run answers all rows and closes the Writer, if there is one and no more for it. Behind a fault in the data the rows before it
// are answered, as if the data ended there, and written. A fault behind the Reader closes
// that too, which may be waiting for input. When ctx ends, the Reader's own is to
// end with it.
func (p *Pipe) Run(parent context.Context) error {
	if err := p.begin(parent); err != nil {
		return err
	}
	if p.whole != nil {
		defer p.whole.close()
	}
	group, ctx := errgroup.WithContext(parent)
	context.AfterFunc(ctx, func() {
		if parent.Err() == nil && context.Cause(ctx) != context.Canceled { // a stage has failed
			p.Reader.Close()
		}
	})
	read := make(chan passed, between)
	done := make(chan passed, between)
	used := make(chan *series.Chunk, 2*between) // to be filled again
	group.Go(func() error { return p.read(ctx, read, used) })
	group.Go(func() error { return p.answer(ctx, read, done) })
	group.Go(func() error { return p.write(parent, done, used) }) // also what came before a fault
	return group.Wait()
}

// begin makes the streams, having read all rows once where their scale needs it.
func (p *Pipe) begin(ctx context.Context) error {
	streams := p.Model.Streams
	if p.Follow {
		streams = p.Model.Follow
	}
	if !p.Model.ScalesWhole() {
		p.streams = streams(nil)
		return nil
	}
	p.whole = newSurvey(p.Model.Task().Fill)
	p.streams = streams(p.whole.of)
	if err := p.survey(ctx); err != nil {
		p.whole.close()
		return err
	}
	return nil
}

// survey reads all rows once before. What is at fault in them is met again.
func (p *Pipe) survey(ctx context.Context) error {
	r, err := p.Reader.Again()
	if err != nil {
		return err
	}
	defer r.Close()
	return p.whole.read(ctx, r, p.Surveyed)
}

// Early is how many rows were answered before the rows came that their answers should have
// rested on, see [label.Streams.Early].
func (p *Pipe) Early() int {
	if p.streams == nil {
		return 0
	}
	return p.streams.Early()
}

func (p *Pipe) read(ctx context.Context, to chan<- passed, used <-chan *series.Chunk) error {
	for {
		c := new(series.Chunk)
		select {
		case c = <-used:
		default:
		}
		err := p.Reader.Next(c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := send(ctx, to, passed{chunk: c, err: err}); err != nil {
			return err
		}
		if err != nil {
			return nil // the last stage returns it
		}
	}
}

func (p *Pipe) answer(ctx context.Context, from <-chan passed, to chan<- passed) error {
	a := answerer{pipe: p, to: to}
	for {
		in, err := receive(ctx, from)
		if err != nil {
			return err
		}
		if in.err != nil {
			err = p.streams.Flush(ctx)
		} else {
			err = a.push(ctx, in.chunk)
		}
		// A fault in the network comes behind what it has answered, too.
		if failed := a.pass(ctx); failed != nil {
			return failed
		}
		if err != nil {
			err = a.inFile(err)
			if sent := send(ctx, to, passed{err: err}); sent != nil {
				return sent
			}
			return err
		}
		if v := p.whole; v != nil && in.err == io.EOF && v.rows != a.taken {
			in.err = a.inFile(errChanged)
		}
		if in.err != nil {
			return send(ctx, to, passed{err: in.err})
		}
	}
}

// answerer is the second stage.
type answerer struct {
	pipe    *Pipe
	to      chan<- passed
	waiting []*series.Chunk
	taken   int // rows of those before
}

func (a *answerer) push(ctx context.Context, c *series.Chunk) error {
	a.waiting = append(a.waiting, c)
	s := a.pipe.streams
	if err := s.Push(ctx, c.Series, c.X); err != nil {
		return err
	}
	for _, ended := range c.Ended {
		if err := s.End(ctx, ended); err != nil {
			return err
		}
	}
	return nil
}

// pass sends the chunks that are answered.
func (a *answerer) pass(ctx context.Context) error {
	for len(a.waiting) > 0 && a.waiting[0].Rows() <= a.pipe.streams.Ready() {
		c := a.waiting[0]
		a.waiting, a.taken = a.waiting[1:], a.taken+c.Rows()
		if err := send(ctx, a.to, passed{chunk: c, answers: a.pipe.streams.Take(c.Rows())}); err != nil {
			return err
		}
	}
	return nil
}

// inFile tells which file has changed, or where in it the row of a RowError is.
func (a *answerer) inFile(err error) error {
	if err == errChanged {
		return &table.Error{File: a.pipe.Reader.Name(), Err: err}
	}
	var at *label.RowError
	if !errors.As(err, &at) {
		return err
	}
	row := at.Row - a.taken
	for _, c := range a.waiting {
		if row < c.Rows() {
			return a.pipe.Reader.At(c, row, at)
		}
		row -= c.Rows()
	}
	return err
}

func (p *Pipe) write(ctx context.Context, from <-chan passed, used chan<- *series.Chunk) error {
	for {
		a, err := receive(ctx, from)
		switch {
		case err != nil:
			return err
		case a.err == io.EOF && p.More:
			return nil
		case a.err == io.EOF:
			return p.Writer.Close()
		case a.err != nil:
			return cmp.Or(p.Writer.Flush(), a.err)
		}
		if err := p.hand(a); err != nil {
			return err
		}
		if p.Follow && len(from) == 0 {
			if err := p.Writer.Flush(); err != nil {
				return err
			}
		}
		select {
		case used <- a.chunk:
		default:
		}
	}
}

// hand hands over a chunk.
func (p *Pipe) hand(a passed) error {
	if p.Seen != nil {
		if err := p.Seen(a.chunk, a.answers); err != nil {
			return err
		}
	}
	return p.Writer.Write(a.chunk, a.answers.Probability, a.answers.Class)
}

// send sends v unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive returns the error of ctx when that ends first.
func receive[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
