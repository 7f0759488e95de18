package label

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Pipe answers the rows of a file from one end to the other: reading, labelling
// and writing overlap, with a few chunks between them.
type Pipe struct {
	Reader    *series.Reader
	Scaler    *series.Scaler
	Stream    *Stream
	Threshold float64 // a probability of at least this is label 1
	Writer    *series.Writer
	Flush     bool // hand answers over as soon as no more are at hand

	// Seen is called for every answered chunk, in order, before it is written;
	// it may be nil. The chunk's features are scaled.
	Seen func(c *series.Chunk, probability []float32, label []int8)
}

// A stage closes its channel when all has gone through. One that fails leaves
// it open, and the group ends the context of the others: so what is cut off
// never looks complete.

// between is how many chunks wait between two stages.
const between = 4

// answered is a chunk with its answers.
type answered struct {
	chunk       *series.Chunk
	probability []float32 // [n]
	label       []int8    // [n]
}

// Run answers all rows and closes the Writer. A fault behind the Reader closes
// that too, which may be waiting for input. When ctx ends, the Reader's own is to
// end with it.
func (p *Pipe) Run(parent context.Context) error {
	group, ctx := errgroup.WithContext(parent)
	context.AfterFunc(ctx, func() {
		if parent.Err() == nil && context.Cause(ctx) != context.Canceled { // a stage has failed
			p.Reader.Close()
		}
	})
	read := make(chan *series.Chunk, between)
	done := make(chan answered, between)
	used := make(chan *series.Chunk, 2*between) // to be filled again
	group.Go(func() error { return p.read(ctx, read, used) })
	group.Go(func() error { return p.answer(ctx, read, done) })
	group.Go(func() error { return p.write(ctx, done, used) })
	return group.Wait()
}

func (p *Pipe) read(ctx context.Context, to chan<- *series.Chunk, used <-chan *series.Chunk) error {
	for {
		c := new(series.Chunk)
		select {
		case c = <-used:
		default:
		}
		err := p.Reader.Next(c)
		if err == io.EOF {
			close(to)
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.Reader.Scale(p.Scaler, c); err != nil {
			return err
		}
		if err := send(ctx, to, c); err != nil {
			return err
		}
	}
}

func (p *Pipe) answer(ctx context.Context, from <-chan *series.Chunk, to chan<- answered) error {
	var waiting []*series.Chunk
	pass := func() error {
		for len(waiting) > 0 && waiting[0].Rows() <= p.Stream.Ready() {
			if err := send(ctx, to, p.take(waiting[0])); err != nil {
				return err
			}
			waiting = waiting[1:]
		}
		return nil
	}
	for {
		c, err := receive(ctx, from)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := p.Stream.Push(ctx, c.Series, c.X); err != nil {
			return err
		}
		waiting = append(waiting, c)
		if err := pass(); err != nil {
			return err
		}
	}
	if err := p.Stream.Flush(ctx); err != nil {
		return err
	}
	if err := pass(); err != nil {
		return err
	}
	close(to)
	return nil
}

// take takes the answers to a chunk.
func (p *Pipe) take(c *series.Chunk) answered {
	a := answered{chunk: c, label: make([]int8, c.Rows())}
	probability, _ := p.Stream.Take(c.Rows())
	a.probability = append(a.probability, probability...)
	for i, v := range probability {
		a.label[i] = Of(v, p.Threshold)
	}
	return a
}

func (p *Pipe) write(ctx context.Context, from <-chan answered, used chan<- *series.Chunk) error {
	for {
		a, err := receive(ctx, from)
		if err == io.EOF {
			return p.Writer.Close()
		}
		if err != nil {
			return err
		}
		if p.Seen != nil {
			p.Seen(a.chunk, a.probability, a.label)
		}
		if err := p.Writer.Write(a.chunk, a.probability, a.label); err != nil {
			return err
		}
		if p.Flush && len(from) == 0 {
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

// send sends v unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive returns io.EOF when the channel is closed, and the error of ctx when
// that ends first.
func receive[T any](ctx context.Context, from <-chan T) (T, error) {
	var none T
	select {
	case v, ok := <-from:
		if !ok {
			return none, io.EOF
		}
		return v, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
