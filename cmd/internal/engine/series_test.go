package engine

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// A request alone gets the bits that label.Model.Label gives, of every kind of model.
func TestAnswersAreThoseOfTheModel(t *testing.T) {
	for _, s := range []modeltest.Spec{{}, {Bidirectional: true}, {Horizon: -3, Members: 2}, {SeriesScale: inputs.Whole}, {SeriesScale: inputs.Running}} {
		dir := t.TempDir()
		modeltest.Write(t, dir, s)
		h := acquire(t, open(t, quick(), Source{Path: dir}), Which{})
		m, err := label.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		a, b := modeltest.Rows(1, 40), modeltest.Rows(2, 3)
		want, err := m.Label(ctx, label.Series{Values: a}, label.Series{Values: b})
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		got, err := h.Label(ctx, [][]float64{modeltest.Wide(a), modeltest.Wide(b)})
		if err != nil || !equal(got, want) || got.Len() != 43 {
			t.Errorf("%+v: %d other answers, %v", s, got.Len(), err)
		}
	}
}

// Requests that are run together each get the answers to their own rows.
func TestRequestsShareBatches(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	o := quick()
	seen := new(observed)
	o.MaxWait, o.MaxBatch, o.Observer = time.Minute, 8, seen
	r := open(t, o, Source{Path: dir})
	h := acquire(t, r, Which{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			x := modeltest.Rows(uint64(i), 5+i)
			want, err := h.Model().Label(ctx, label.Series{Values: x})
			if err != nil {
				t.Error(err)
			}
			got, err := h.Label(ctx, [][]float64{modeltest.Wide(x)})
			if err != nil || !slices.Equal(got.Class, want.Class) || farthest(got.Probability, want.Probability) > 1e-6 {
				t.Errorf("request %d: other answers, %v", i, err)
			}
		})
	}
	all.Wait()
	h.Release() // the observer is notified after the answers, but before Close returns
	if err := r.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if len(seen.runs) != 1 || seen.runs[0].Series != 8 || seen.runs[0].Rows != 5*8+28 || seen.runs[0].Requests != 8 {
		t.Errorf("they were run as %+v", seen.runs)
	}
}

func TestBadRequestsSayWhere(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	o := quick()
	o.MaxRows = 10
	h := acquire(t, open(t, o, Source{Path: dir}), Which{})
	bad, two, six := modeltest.Wide(modeltest.Rows(1, 5)), modeltest.Wide(modeltest.Rows(1, 2)), modeltest.Wide(modeltest.Rows(1, 6))
	bad[2*3+1] = math.Inf(-1)
	for _, test := range []struct {
		series [][]float64
		text   string
	}{
		{[][]float64{two, bad}, `series 1, row 3, feature "y": -Inf is not a finite number of 32 bits`},
		{[][]float64{make([]float64, 3)}, "series 0: 3 values are not rows of 2 features"},
		{[][]float64{six, six}, "12 rows are more than the 10 that one request may have"},
	} {
		_, err := h.Label(ctx, test.series)
		wantKind(t, err, Invalid, test.text)
	}
	if a, err := h.Label(ctx, nil); err != nil || a.Len() != 0 {
		t.Errorf("no series: %d answers, %v", a.Len(), err)
	}
}

// What the model takes off its values is taken off in 64 bits, in requests and streams.
func TestShift(t *testing.T) {
	for _, missing := range []string{"mean", "zero", "forward"} {
		dir := t.TempDir()
		modeltest.Write(t, dir, modeltest.Spec{TakenOff: []float64{3e9, 0}, Missing: missing})
		h := acquire(t, open(t, quick(), Source{Path: dir}), Which{})
		values := []float32{1, 2, 0, 3, 4, 5, 8, -1}
		rows := modeltest.Wide(values)
		for i := 0; i < len(rows); i += 2 {
			rows[i] += 3e9
		}
		rows[4] = math.NaN()
		values[4] = map[string]float32{"mean": 0.25, "zero": -3e9, "forward": 0}[missing]
		want, err := h.Model().Label(ctx, label.Series{Values: values})
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.Label(ctx, [][]float64{rows})
		if err != nil || !equal(got, want) {
			t.Errorf("%s: %v, want %v, %v", missing, got.Probability, want.Probability, err)
		}
		s, err := h.Stream()
		if err != nil {
			t.Fatal(err)
		}
		_, got, err = s.PushUntil(ctx, rows, true)
		if s.Close(); err != nil || farthest(got.Probability, want.Probability) > 1e-6 {
			t.Errorf("%s: a stream gives %v, want %v, %v", missing, got.Probability, want.Probability, err)
		}
	}
}

// What is missing is filled as in the training data, in one request and in a stream.
func TestMissingValues(t *testing.T) {
	nan := float32(math.NaN())
	holes := []float32{nan, 1, 2, nan, nan, 3}
	for missing, full := range map[string][]float32{
		"mean": {0.25, 1, 2, 0.25, 0.25, 3}, "zero": {0, 1, 2, 0, 0, 3}, "forward": {0.25, 1, 2, 1, 2, 3}, "error": nil, "drop": nil,
	} {
		dir := t.TempDir()
		modeltest.Write(t, dir, modeltest.Spec{Missing: missing})
		h := acquire(t, open(t, quick(), Source{Path: dir}), Which{})
		got, err := h.Label(ctx, [][]float64{modeltest.Wide(holes)})
		if full == nil {
			wantKind(t, err, Invalid, `series 0, row 0, feature "x": the value is missing, and the model was trained to fill none`)
			continue
		}
		want, failed := h.Model().Label(ctx, label.Series{Values: full})
		if err != nil || failed != nil || !equal(got, want) {
			t.Errorf("%s: other answers, %v, %v", missing, err, failed)
		}
		s, err := h.Stream()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 2 { // the second begins anew
			var streamed label.Answers
			for row := range slices.Chunk(holes, 2) {
				_, a, err := s.Push(ctx, modeltest.Wide(row))
				if err != nil {
					t.Fatal(err)
				}
				streamed = joined(streamed, a)
			}
			if farthest(streamed.Probability, want.Probability) > 1e-6 {
				t.Errorf("%s: other answers of a stream", missing)
			}
			if _, _, err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if holes[0] == holes[0] || holes[3] == holes[3] {
			t.Fatal("the request has been changed")
		}
	}
}

// What one request lacks costs those that run with it nothing.
func TestAFaultIsThatOfOneRequest(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{SeriesScale: inputs.Running})
	o := quick()
	o.MaxWait, o.MaxBatch = time.Minute, 3
	h := acquire(t, open(t, o, Source{Path: dir}), Which{})
	far := slices.Repeat([]float32{math.MaxFloat32, -math.MaxFloat32}, 2) // whose state is not finite
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			x := modeltest.Rows(1, 4)
			if i == 1 {
				x = far
			}
			a, err := h.Label(ctx, [][]float64{modeltest.Wide(x)})
			if i != 1 && (err != nil || a.Len() != 4) {
				t.Errorf("request %d: %d answers, %v", i, a.Len(), err)
			}
			if i == 1 && err != nil {
				var at *PlaceError
				if !errors.As(err, &at) || at.Series != 0 || KindOf(err) != Invalid {
					t.Errorf("request 1: %v", err)
				}
			}
		})
	}
	all.Wait()
}

func TestAFullQueueIsAnErrorAtOnce(t *testing.T) {
	o := quick()
	o.MaxQueue = 2
	free := make(chan struct{})
	l := newLane(&o, func(jobs []*seriesJob) {
		<-free
		for _, j := range jobs {
			j.answer(label.Answers{}, nil)
		}
	})
	defer l.close()
	var waiting []*seriesJob
	for {
		j := testJob()
		err := l.offer(j)
		if err != nil {
			wantKind(t, err, Exhausted, "the server is busy: 2 requests wait already")
			var e *Error
			if !errors.As(err, &e) || e.RetryAfter == 0 {
				t.Error("it does not say when to come again")
			}
			break
		}
		if waiting = append(waiting, j); len(waiting) > 1000 {
			t.Fatal("the queue is never full")
		}
	}
	close(free)
	for _, j := range waiting {
		if a := <-j.done; a.err != nil {
			t.Error(a.err)
		}
	}
}

func testJob() *seriesJob {
	return &seriesJob{ctx: ctx, series: make([]label.Series, 1), rows: 1, done: make(chan seriesAnswer, 1)}
}

// A panic answers the requests that were run, and the lane goes on.
func TestAPanicIsAnAnswer(t *testing.T) {
	o := quick()
	first := true
	l := newLane(&o, func(jobs []*seriesJob) {
		if first {
			first = false
			panic("of a test")
		}
		for _, j := range jobs {
			j.answer(label.Answers{}, nil)
		}
	})
	defer l.close()
	answer := func() error {
		j := testJob()
		if err := l.offer(j); err != nil {
			t.Fatal(err)
		}
		return (<-j.done).err
	}
	wantKind(t, answer(), Internal, "panic: of a test")
	if err := answer(); err != nil {
		t.Error(err)
	}
}
