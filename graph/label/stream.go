package label

import (
	"context"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

// Stream labels the rows of one series as they arrive, each as soon as it can be: with a
// horizon and lags that need no later row at once; a network of two directions when a window
// has filled; a model that scales within whole series, whose scale only the last row settles,
// at the end, so that its rows are kept until then.
//
// A Stream is for one goroutine at a time; a model may have many.
type Stream struct {
	s    *Streams
	kept []float32 // [n,R] rows that wait for the end of the series
}

// Stream begins to label a series.
func (m *Model) Stream() *Stream {
	if !m.ScalesWhole() {
		return &Stream{s: m.Follow(nil)}
	}
	s := new(Stream)
	s.s = m.Streams(func(int32) (*inputs.Moments, error) {
		moments := inputs.NewMoments(len(m.task.Features))
		moments.Add(inputs.Fill(s.kept, m.task.Fill))
		return moments, nil
	})
	return s
}

// Push adds a row, [R], or several, [n,R], see [Model.Values], and returns the answers that are known now, to
// these rows or to earlier ones: none, one or many, in order. NaN is a value that is missing.
// After an error the stream cannot be used any more.
func (s *Stream) Push(rows []float32) (Answers, error) {
	if !s.s.m.ScalesWhole() {
		return s.push(rows)
	}
	s.kept = append(s.kept, rows...)
	return Answers{}, nil
}

func (s *Stream) push(rows []float32) (Answers, error) {
	if err := s.s.Push(context.Background(), make([]int32, len(rows)/len(s.s.m.task.Features)), rows); err != nil {
		return Answers{}, err
	}
	return s.s.Take(s.s.Ready()), nil
}

// Flush ends the series and returns the answers to its rows that have none yet. The next row
// begins another series.
func (s *Stream) Flush() (Answers, error) {
	ctx := context.Background()
	if len(s.kept) > 0 {
		if err := s.s.Push(ctx, make([]int32, len(s.kept)/len(s.s.m.task.Features)), s.kept); err != nil {
			return Answers{}, err
		}
		s.kept = nil
	}
	if err := s.s.End(ctx, 0); err != nil {
		return Answers{}, err
	}
	if err := s.s.Flush(ctx); err != nil {
		return Answers{}, err
	}
	return s.s.Take(s.s.Ready()), nil
}
