package rpc

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
	"github.com/rnnbin/rnnbin/graph/label"
)

type labelStream = grpc.BidiStreamingServer[pb.LabelRequest, pb.LabelResponse]

// message is what a client has sent, or why there is nothing more.
type message[Q any] struct {
	q   *Q
	err error
}

// receive hands over what a client sends until it ends, or ctx does.
func receive[Q, A any](ctx context.Context, from grpc.BidiStreamingServer[Q, A]) <-chan message[Q] {
	all := make(chan message[Q])
	go func() {
		for {
			q, err := from.Recv()
			select {
			case all <- message[Q]{q, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return all
}

// each has every message of a stream taken, and why there is nothing more, until that is done, nothing comes for long,
// one takes too long, as the client does not read what it is answered, or the server is to end.
func each[Q, A any](s *server, to grpc.BidiStreamingServer[Q, A], take func(*Q, error) (done bool, err error)) error {
	ctx, end := context.WithCancelCause(to.Context())
	defer end(nil)
	defer context.AfterFunc(s.ending, func() { end(engine.Errorf(engine.Unavailable, "the server is shutting down")) })()
	ttl, limit := s.registry.SessionTTL(), s.options.Timeout
	idle := time.AfterFunc(ttl, func() { end(s.registry.Silent()) })
	defer idle.Stop()
	cut := to.Context().Value(cutKey{}).(context.CancelCauseFunc)
	slow := time.AfterFunc(limit, func() { cut(engine.Errorf(engine.Deadline, "an answer was not taken for %v", limit)) })
	slow.Stop()
	messages := receive(ctx, to)
	for {
		select {
		case m := <-messages:
			idle.Reset(ttl)
			slow.Reset(limit)
			done := false
			err := s.holding(ctx, any(m.q).(proto.Message), func() (err error) {
				done, err = take(m.q, m.err)
				return err
			})
			slow.Stop()
			if done || err != nil {
				return cmp.Or(context.Cause(to.Context()), err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// label answers each message of a stream with one.
func (s *server) label(to labelStream) error {
	l := &labelling{server: s, to: to}
	defer l.close()
	return each(s, to, l.take)
}

// open begins the stream that a first message asks for.
func (s *server) open(ctx context.Context, q *pb.LabelRequest) (*engine.Stream, error) {
	h, err := s.acquire(ctx, q.Model, engine.Which{Version: q.Version})
	if err != nil {
		return nil, err
	}
	defer h.Release() // the stream has its own
	if len(q.State) > 0 {
		return h.Restore(q.State)
	}
	return h.Stream()
}

// labelling answers the messages of a stream.
type labelling struct {
	server *server
	to     labelStream
	stream *engine.Stream // nil before the first message
	info   *engine.Info
	finder *events.Finder // of the series
	from   int            // the first row that it has got, -1 for none
	found  []*pb.LabelResponse_Event
}

func (l *labelling) close() {
	if l.stream != nil {
		l.stream.Close()
	}
}

// take answers a message, and reports whether it was the last.
func (l *labelling) take(q *pb.LabelRequest, ended error) (done bool, err error) {
	ctx := l.to.Context()
	done = errors.Is(ended, io.EOF)
	switch {
	case done && l.stream == nil:
		return true, nil
	case done:
		q = &pb.LabelRequest{End: true}
	case ended != nil:
		return false, ended
	case l.stream == nil:
		if l.stream, err = l.server.open(ctx, q); err != nil {
			return false, err
		}
		l.info = l.stream.Handle().Info()
		l.begin()
	case q.Model != "" || q.Version != 0 || len(q.State) > 0:
		return false, engine.Errorf(engine.Invalid, "model, version and state are the first message's alone")
	}
	first, a, err := l.stream.PushUntil(ctx, q.Values, q.End)
	if err != nil {
		return false, err
	}
	answer := l.response(first, a, q.End)
	if q.WantState {
		if answer.State, err = l.stream.State(ctx); err != nil {
			return false, err
		}
	}
	return done, l.to.Send(answer)
}

// begin begins a series.
func (l *labelling) begin() {
	l.from = -1
	t := l.info.Model.Threshold
	l.finder = events.NewFinder(events.Rules{Classes: l.info.Classes, Threshold: t, Off: t}, func(e events.Found) error {
		l.found = append(l.found, &pb.LabelResponse_Event{
			Label:           e.Label,
			FirstRow:        int64(l.from) + int64(e.Start),
			LastRow:         int64(l.from) + int64(e.End),
			MeanProbability: e.MeanProbability,
			PeakProbability: e.PeakProbability,
		})
		return nil
	})
}

// response has the answers to rows from first on, after which the series may end.
func (l *labelling) response(first int, a label.Answers, end bool) *pb.LabelResponse {
	to := &pb.LabelResponse{First: int64(first), Probabilities: a.Probability}
	for _, class := range a.Class {
		to.Labels = append(to.Labels, l.info.Classes[class])
	}
	if l.from < 0 {
		l.from = first
	}
	_ = l.finder.Add(events.Rows{Series: make([]int32, a.Len()), Probability: a.Probability, Label: a.Class}) // nothing fails
	if end {
		_ = l.finder.Flush()
		l.begin()
	}
	to.Events, l.found = l.found, nil
	return to
}
