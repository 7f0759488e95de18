package rpc

import (
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
	"github.com/rnnbin/rnnbin/graph/label"
)

type labelStream = grpc.BidiStreamingServer[pb.LabelRequest, pb.LabelResponse]

// label answers each message of a stream with one. A client that does not read gets no more:
// what is sent waits, and so does what it sends.
func (s *server) label(to labelStream) error {
	q, err := to.Recv()
	if err != nil {
		return ended(err)
	}
	h, err := s.acquire(to.Context(), q.Model, engine.Which{Version: q.Version})
	if err != nil {
		return err
	}
	stream, err := h.Stream()
	h.Release() // the stream has its own
	if err != nil {
		return err
	}
	defer stream.Close()
	l := &labelling{info: stream.Handle().Info()}
	l.begin()
	for first := true; ; first = false {
		last := errors.Is(err, io.EOF)
		switch {
		case last:
			q = &pb.LabelRequest{End: true}
		case err != nil:
			return err
		case !first && (q.Model != "" || q.Version != 0):
			return engine.Errorf(engine.Invalid, "the model is named by the first message alone")
		}
		row, a, err2 := push(to.Context(), stream, q.Values, q.End)
		if err2 != nil {
			return err2
		}
		if err := to.Send(l.response(row, a, q.End)); err != nil || last {
			return err
		}
		q, err = to.Recv()
	}
}

// ended makes none of the error of a client that has nothing more to say.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// labelling makes messages of answers.
type labelling struct {
	info   *engine.Info
	finder *events.Finder // of the series
	found  []*pb.LabelResponse_Event
}

// begin begins a series.
func (l *labelling) begin() {
	t := l.info.Model.Threshold
	l.finder = events.NewFinder(events.Rules{Classes: l.info.Classes, Threshold: t, Off: t}, func(e events.Found) error {
		l.found = append(l.found, &pb.LabelResponse_Event{
			Label:           e.Label,
			FirstRow:        int64(e.Start),
			LastRow:         int64(e.End),
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
	_ = l.finder.Add(events.Rows{Series: make([]int32, a.Len()), Probability: a.Probability, Label: a.Class}) // nothing fails
	if end {
		_ = l.finder.Flush()
		l.begin()
	}
	to.Events, l.found = l.found, nil
	return to
}
