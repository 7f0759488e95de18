package answer

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Pipe answers the rows of a file from one end to the other: reading, labelling
// and writing overlap, with a few chunks between them. Where features are scaled within
// whole series it reads all rows once before.
type Pipe struct {
	Reader    *series.Reader // opened with Options.Fill and, for layout.Whole, Options.Twice
	Stream    *Stream
	Threshold float64        // of two classes: with at least this probability of the second a row is labelled that
	Writer    *series.Writer // nil: the answers are for Seen alone
	Flush     bool           // hand answers over as soon as no more are at hand
	More      bool           // the Writer is to have rows of another file behind these: leave it open

	// Surveyed is called for every chunk of the reading before, with its rows of input;
	// it may be nil.
	Surveyed func(rows int)

	// Seen is called for every answered chunk, in order, before it is written, with the
	// probabilities [n,C] and the labels [n]; it may be nil. Its error ends the run.
	Seen func(c *series.Chunk, probability []float32, label []int16) error
}

// What goes from stage to stage ends with an error in its place among the chunks: io.EOF
// when all has gone through, else the fault that ended it. So what is cut off never looks
// complete, and all that comes before a fault is answered and written.

// between is how many chunks wait between two stages.
const between = 4

// unanswered is a chunk, or what came instead of one.
type unanswered struct {
	chunk *series.Chunk
	err   error
}

// answered is a chunk with its answers, or what came instead of one.
type answered struct {
	chunk       *series.Chunk
	probability []float32 // [n,C]
	label       []int16   // [n]
	err         error
}

// Run answers all rows and closes the Writer, if there is one and no more for it. Behind a fault in the data the rows before it
// are answered, as if the data ended there, and written. A fault behind the Reader closes
// that too, which may be waiting for input. When ctx ends, the Reader's own is to
// end with it.
func (p *Pipe) Run(parent context.Context) error {
	if v := p.Stream.survey; v != nil {
		defer v.close()
		if err := p.survey(parent, v); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(parent)
	context.AfterFunc(ctx, func() {
		if parent.Err() == nil && context.Cause(ctx) != context.Canceled { // a stage has failed
			p.Reader.Close()
		}
	})
	read := make(chan unanswered, between)
	done := make(chan answered, between)
	used := make(chan *series.Chunk, 2*between) // to be filled again
	group.Go(func() error { return p.read(ctx, read, used) })
	group.Go(func() error { return p.answer(ctx, read, done) })
	group.Go(func() error { return p.write(parent, done, used) }) // also what came before a fault
	return group.Wait()
}

// survey reads all rows once before. What is at fault in them is met again.
func (p *Pipe) survey(ctx context.Context, v *survey) error {
	r, err := p.Reader.Again()
	if err != nil {
		return err
	}
	defer r.Close()
	return v.read(ctx, r, p.Surveyed)
}

func (p *Pipe) read(ctx context.Context, to chan<- unanswered, used <-chan *series.Chunk) error {
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
		if err := send(ctx, to, unanswered{c, err}); err != nil {
			return err
		}
		if err != nil {
			return nil // the last stage returns it
		}
	}
}

func (p *Pipe) answer(ctx context.Context, from <-chan unanswered, to chan<- answered) error {
	a := answerer{pipe: p, to: to}
	for {
		in, err := receive(ctx, from)
		if err != nil {
			return err
		}
		if in.err != nil {
			err = p.Stream.Flush(ctx)
		} else {
			err = a.push(ctx, in.chunk)
		}
		// A fault in the network comes behind what it has answered, too.
		if passed := a.pass(ctx); passed != nil {
			return passed
		}
		if err != nil {
			err = a.inFile(err)
			if sent := send(ctx, to, answered{err: err}); sent != nil {
				return sent
			}
			return err
		}
		if v := p.Stream.survey; v != nil && in.err == io.EOF && v.rows != a.taken {
			in.err = a.inFile(errChanged)
		}
		if in.err != nil {
			return send(ctx, to, answered{err: in.err})
		}
	}
}

// answerer is the second stage.
type answerer struct {
	pipe    *Pipe
	to      chan<- answered
	waiting []*series.Chunk
	taken   int // rows of those before
}

func (a *answerer) push(ctx context.Context, c *series.Chunk) error {
	a.waiting = append(a.waiting, c)
	s := a.pipe.Stream
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
	for len(a.waiting) > 0 && a.waiting[0].Rows() <= a.pipe.Stream.Ready() {
		c := a.waiting[0]
		a.waiting, a.taken = a.waiting[1:], a.taken+c.Rows()
		if err := send(ctx, a.to, a.pipe.take(c)); err != nil {
			return err
		}
	}
	return nil
}

// inFile tells which file has changed, or where in it the row of a RowError is.
func (a *answerer) inFile(err error) error {
	if err == errChanged {
		return &series.Error{File: a.pipe.Reader.Name(), Err: err}
	}
	var at *RowError
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

// take takes the answers to a chunk.
func (p *Pipe) take(c *series.Chunk) answered {
	a := answered{chunk: c, label: make([]int16, c.Rows())}
	a.probability, _ = p.Stream.Take(c.Rows())
	for i := range a.label {
		a.label[i] = Of(p.Stream.l.row(a.probability, i), p.Threshold)
	}
	return a
}

func (p *Pipe) write(ctx context.Context, from <-chan answered, used chan<- *series.Chunk) error {
	for {
		a, err := receive(ctx, from)
		switch {
		case err != nil:
			return err
		case a.err == io.EOF && p.More:
			return nil
		case a.err == io.EOF:
			return p.close()
		case a.err != nil:
			if err := p.flush(); err != nil {
				return err
			}
			return a.err
		}
		if err := p.hand(a); err != nil {
			return err
		}
		if p.Flush && len(from) == 0 {
			if err := p.flush(); err != nil {
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
func (p *Pipe) hand(a answered) error {
	if p.Seen != nil {
		if err := p.Seen(a.chunk, a.probability, a.label); err != nil {
			return err
		}
	}
	if p.Writer == nil {
		return nil
	}
	return p.Writer.Write(a.chunk, a.probability, a.label)
}

func (p *Pipe) flush() error {
	if p.Writer == nil {
		return nil
	}
	return p.Writer.Flush()
}

func (p *Pipe) close() error {
	if p.Writer == nil {
		return nil
	}
	return p.Writer.Close()
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
