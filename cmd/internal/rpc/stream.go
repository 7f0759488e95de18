package rpc

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
	"github.com/rnnbin/rnnbin/graph/label"
)

type labelStream = grpc.BidiStreamingServer[pb.LabelRequest, pb.LabelResponse]

// each has every message of a stream taken, and why there is nothing more, until that is done, nothing comes for long,
// one takes too long, as the client does not read what it is answered, or the server is to end. A message is another one's
// place: it is overwritten by the next.
func each[Q, A any](s *server, to grpc.BidiStreamingServer[Q, A], take func(*Q, error) (done bool, err error)) error {
	w := &waiting{told: make(chan error, 1)}
	defer context.AfterFunc(s.ending, func() { w.end(engine.Errorf(engine.Unavailable, "the server is shutting down")) })()
	idle := engine.NewWatch(s.registry.SessionTTL(), func() { w.end(s.registry.Silent()) })
	defer idle.Stop()
	limit, cut := s.options.Timeout, to.Context().Value(cutKey{}).(context.CancelCauseFunc)
	slow := engine.NewWatch(limit, func() { cut(engine.Errorf(engine.Deadline, "an answer was not taken for %v", limit)) })
	defer slow.Stop()
	from, q := arrivingOf(to.Context()), new(Q)
	one := func() (done bool, err error) {
		idle.Begin()
		if !w.begin() {
			return true, w.ended
		}
		err = to.RecvMsg(q)
		if !w.came() {
			return true, w.ended
		}
		slow.Begin()
		defer slow.End()
		err = s.holding(from, any(q).(proto.Message), func() (failed error) {
			done, failed = take(q, err)
			return failed
		})
		return done, cmp.Or(context.Cause(to.Context()), err)
	}
	// In a goroutine of its own, as nothing but the end of the stream ends a wait for a message.
	go func() {
		w.told <- s.safely(to.Context(), func() error {
			for {
				if done, err := one(); done || err != nil {
					return err
				}
			}
		})
	}()
	return <-w.told
}

// waiting is a stream that waits for a message, or is to end before it does so again.
type waiting struct {
	told  chan error // why the stream ends
	mu    sync.Mutex
	now   bool
	ended error
}

// begin reports whether to wait for a message.
func (w *waiting) begin() bool { return w.set(true) }

// came reports whether what has come is to be taken.
func (w *waiting) came() bool { return w.set(false) }

func (w *waiting) set(now bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
	return w.ended == nil
}

// end ends the stream when what has come is answered.
func (w *waiting) end(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended != nil {
		return
	}
	w.ended = why
	if w.now {
		w.told <- why
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
	series []int32          // zeros
	answer pb.LabelResponse // is another one when it has been sent
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
	to := &l.answer
	to.First, to.Labels, to.Probabilities, to.State = int64(first), to.Labels[:0], a.Probability, nil
	for _, class := range a.Class {
		to.Labels = append(to.Labels, l.info.Classes[class])
	}
	if l.from < 0 {
		l.from = first
	}
	if len(l.series) < a.Len() {
		l.series = make([]int32, a.Len())
	}
	_ = l.finder.Add(events.Rows{Series: l.series[:a.Len()], Probability: a.Probability, Label: a.Class}) // nothing fails
	if end {
		_ = l.finder.Flush()
		l.begin()
	}
	to.Events, l.found = l.found, nil
	return to
}
