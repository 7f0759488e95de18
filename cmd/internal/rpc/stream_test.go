package rpc

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
)

type labelClient = grpc.BidiStreamingClient[pb.LabelRequest, pb.LabelResponse]

func (s *served) label(t *testing.T) labelClient {
	t.Helper()
	stream, err := s.NewStream(ctx, &streamService.Streams[0], "/rnnbin.v1.StreamService/Label")
	check(t, err)
	return &grpc.GenericClientStream[pb.LabelRequest, pb.LabelResponse]{ClientStream: stream}
}

// asked is the answer to one message.
func asked(t *testing.T, c labelClient, q *pb.LabelRequest) *pb.LabelResponse {
	t.Helper()
	if err := c.Send(q); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	a, err := c.Recv()
	check(t, err)
	return a
}

// Each row is answered as a stream of the model itself answers it, as soon, and the end of one
// series begins another.
func TestStream(t *testing.T) {
	for _, spec := range []modeltest.Spec{{}, {Horizon: -3}, {Classes: []string{"a", "b", "c"}}} {
		s := serve(t, spec, Options{})
		c := s.label(t)
		for n := range 2 {
			x := modeltest.Rows(uint64(n), 30)
			own := s.model.Stream()
			var rest []float32
			var text []string
			for at := range 30 {
				want, err := own.Push(x[2*at : 2*at+2])
				check(t, err)
				q := &pb.LabelRequest{Values: modeltest.Wide(x[2*at : 2*at+2]), End: at == 29 && n == 0}
				if at == 0 && n == 0 {
					q.Model = "m"
				}
				if at == 29 {
					last, err := own.Flush()
					check(t, err)
					rest, text = last.Probability, s.names(last)
				}
				if q.End {
					want.Probability, rest = append(want.Probability, rest...), nil
				}
				a := asked(t, c, q)
				if at+spec.Horizon < 0 {
					same(t, "early answers", a.Labels, nil)
					continue
				}
				near(t, "a row", a.Probabilities, want.Probability)
				if first := int64(at + spec.Horizon); a.First != first {
					t.Errorf("the answer to row %d is to %d, want %d", at, a.First, first)
				}
			}
			if n == 1 {
				check(t, c.CloseSend())
				a, err := c.Recv()
				check(t, err)
				same(t, "labels at the end", a.Labels, text)
				if len(rest) > 0 {
					near(t, "the end", a.Probabilities, rest)
				}
			}
		}
		if _, err := c.Recv(); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		if open, _ := s.registry.Streams(); open != 0 {
			t.Errorf("%d streams are open", open)
		}
	}
}

// Events are runs of rows of one class other than the first, each told once.
func TestStreamEvents(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	x := modeltest.Rows(1, 200)
	want := s.want(t, x).Class
	if !slices.Contains(want, 0) || !slices.Contains(want, 1) {
		t.Fatal("the test's rows have one class")
	}
	c := s.label(t)
	var labels []string
	marked := make([]bool, 200)
	take := func(a *pb.LabelResponse) {
		labels = append(labels, a.Labels...)
		for _, e := range a.Events {
			if e.Label != "yes" || e.MeanProbability <= 0 || e.PeakProbability < e.MeanProbability || e.LastRow >= int64(len(labels)) {
				t.Errorf("event %v after %d rows", e, len(labels))
			}
			for row := e.FirstRow; row <= e.LastRow; row++ {
				if marked[row] {
					t.Errorf("row %d is in two events", row)
				}
				marked[row] = true
			}
		}
	}
	take(asked(t, c, &pb.LabelRequest{Model: "m", Values: modeltest.Wide(x[:2])}))
	for at := 1; at < 200; at++ {
		take(asked(t, c, &pb.LabelRequest{Values: modeltest.Wide(x[2*at : 2*at+2]), End: at == 199}))
	}
	for row, label := range labels {
		if marked[row] != (label == "yes") {
			t.Errorf("row %d is %s, in an event: %v", row, label, marked[row])
		}
	}
	check(t, c.CloseSend())
}

func TestStreamErrors(t *testing.T) {
	for _, test := range []struct {
		spec     modeltest.Spec
		messages []*pb.LabelRequest
		code     codes.Code
		text     string
	}{
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "n"}}, codes.NotFound, "Latest(n)"},
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "m", Version: 3}}, codes.NotFound, "Specific(m, 3)"},
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "m", State: []byte("made up")}}, codes.InvalidArgument, "the state is damaged"},
		{modeltest.Spec{Bidirectional: true}, []*pb.LabelRequest{{Model: "m"}}, codes.InvalidArgument, "two directions"},
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "m", Values: make([]float64, 3)}}, codes.InvalidArgument, "3 values are not rows of 2 features"},
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "m", Values: []float64{1, math.Inf(1)}}}, codes.InvalidArgument, `feature "y"`},
		{modeltest.Spec{}, []*pb.LabelRequest{{Model: "m"}, {Model: "m"}}, codes.InvalidArgument, "model, version and state are the first message's alone"},
	} {
		s := serve(t, test.spec, Options{})
		c := s.label(t)
		var err error
		for _, q := range test.messages {
			check(t, c.Send(q))
			_, err = c.Recv()
		}
		wantError(t, err, test.code, test.text)
		if open, _ := s.registry.Streams(); open != 0 {
			t.Errorf("%s: %d streams are open", test.text, open)
		}
	}
	s := serve(t, modeltest.Spec{}, Options{})
	c := s.label(t)
	check(t, c.CloseSend())
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("a stream without messages: %v", err)
	}
}

// A stream that nothing comes of makes room.
func TestIdleStream(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	o := engine.DefaultOptions()
	o.SessionTTL = 200 * time.Millisecond
	s := serveAt(t, dir, o, Options{})
	c := s.label(t)
	check(t, c.Send(&pb.LabelRequest{Model: "m", Values: []float64{1, 2}}))
	_, err := c.Recv()
	check(t, err)
	_, err = c.Recv()
	wantError(t, err, codes.DeadlineExceeded, "nothing has come for 200ms")
	if open, _ := s.registry.Streams(); open != 0 {
		t.Errorf("%d streams are open", open)
	}
}

// A stream whose client does not read makes room, too.
func TestDeafStream(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{Timeout: time.Second / 2})
	stream := s.label(t)
	check(t, stream.Send(&pb.LabelRequest{Model: "m"}))
	_, err := stream.Recv()
	check(t, err)
	go func() {
		q := &pb.LabelRequest{Values: modeltest.Wide(modeltest.Rows(1, 2000))}
		for stream.Send(q) == nil {
		}
	}()
	for open := 1; open > 0; open, _ = s.registry.Streams() {
		time.Sleep(time.Millisecond)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	if code := status.Code(err); code != codes.Canceled && code != codes.DeadlineExceeded { // which of the two, the library's speed decides
		t.Error(err)
	}
}

// A stream goes on in another server as if it had not moved.
func TestStreamsMove(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{Horizon: -2})
	one, other := serveAt(t, dir, engine.DefaultOptions(), Options{}), serveAt(t, dir, engine.DefaultOptions(), Options{})
	x := modeltest.Rows(5, 60)
	stay, move := one.label(t), one.label(t)
	want := asked(t, stay, &pb.LabelRequest{Model: "m", Values: modeltest.Wide(x[:50])})
	got := asked(t, move, &pb.LabelRequest{Model: "m", Values: modeltest.Wide(x[:50]), WantState: true})
	if len(got.State) == 0 || len(want.State) != 0 {
		t.Fatalf("states of %d and %d bytes", len(got.State), len(want.State))
	}
	same(t, "before", got.Labels, want.Labels)
	moved := other.label(t)
	want = asked(t, stay, &pb.LabelRequest{Values: modeltest.Wide(x[50:]), End: true})
	got = asked(t, moved, &pb.LabelRequest{Model: "m", State: got.State, Values: modeltest.Wide(x[50:]), End: true})
	near(t, "after", got.Probabilities, want.Probabilities)
	if got.First != 23 || want.First != 23 {
		t.Errorf("the answers begin with row %d, want 23", got.First)
	}
	last := len(got.Events) - 1
	if len(want.Events) == 0 || last >= 0 && (got.Events[last].LastRow != want.Events[len(want.Events)-1].LastRow) {
		t.Errorf("events %v, want the last of %v", got.Events, want.Events)
	}
	for _, c := range []labelClient{stay, move, moved} {
		check(t, c.CloseSend())
	}
}

// Streams beside each other do not disturb each other; one whose client goes away is closed.
func TestManyStreams(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	o := engine.DefaultOptions()
	o.MaxStreams = 50
	s := serveAt(t, dir, o, Options{})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			x := modeltest.Rows(uint64(i), 20)
			want, err := s.model.Stream().Push(x)
			check(t, err)
			c := s.label(t)
			var got []float32
			for at := range 20 {
				q := &pb.LabelRequest{Values: modeltest.Wide(x[2*at : 2*at+2])}
				if at == 0 {
					q.Model = "m"
				}
				got = append(got, asked(t, c, q).Probabilities...)
			}
			near(t, "stream", got, want.Probability)
			check(t, c.CloseSend())
			for err == nil {
				_, err = c.Recv()
			}
		})
	}
	all.Wait()

	for range 20 { // clients that go away
		gone, cancel := context.WithCancel(ctx)
		stream, err := s.NewStream(gone, &streamService.Streams[0], "/rnnbin.v1.StreamService/Label")
		check(t, err)
		c := &grpc.GenericClientStream[pb.LabelRequest, pb.LabelResponse]{ClientStream: stream}
		asked(t, c, &pb.LabelRequest{Model: "m", Values: modeltest.Wide(modeltest.Rows(1, 1))})
		cancel()
		if _, err := c.Recv(); !errors.Is(err, context.Canceled) {
			wantError(t, err, codes.Canceled, "canceled")
		}
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		open, _ := s.registry.Streams()
		if open == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d streams stay open", open)
		}
	}
}
