package label

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

var nan, infinity = float32(math.NaN()), float32(math.Inf(1))

// What is missing is what stands in for it, whole and streamed, and nothing that the caller
// has given is changed.
func TestMissingValuesAreFilled(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 31))
	fill := []float32{0.25, 0.75}
	for _, w := range []inputs.Within{inputs.None, inputs.Running, inputs.Whole} {
		R := 2 / w.Columns(1)
		x := randomRows(r, 300)[:300*R]
		holes, full := slices.Clone(x), slices.Clone(x)
		for i := range x {
			if r.IntN(5) == 0 {
				holes[i], full[i] = nan, fill[i%R]
			}
		}
		m := modelOf(&counter{steps: 8}, -2, w)
		m.task.Fill = fill[:R]
		want := labelled(t, m, full)
		before := slices.Clone(holes)
		if got := labelled(t, m, holes); !slices.Equal(got.Probability, want.Probability) {
			t.Errorf("%s: other answers", w)
		}
		streamed := streamed(t, m, holes, 1)
		if w == inputs.Running && !slices.Equal(streamed.Probability, want.Probability) {
			t.Errorf("%s, streamed: other answers", w)
		}
		for i, v := range before {
			if v != holes[i] && v == v {
				t.Fatalf("%s: value %d is %v afterwards", w, i, holes[i])
			}
		}
	}
}

func labelled(t *testing.T, m *Model, x []float32) Answers {
	t.Helper()
	a, err := m.Label(context.Background(), Series{Values: x})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// streamed are the answers of a stream that gets so many rows at a time.
func streamed(t *testing.T, m *Model, x []float32, rows int) Answers {
	t.Helper()
	s := m.Stream()
	var all Answers
	add := func(a Answers, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all.Class, all.Score = append(all.Class, a.Class...), append(all.Score, a.Score...)
		all.Probability, all.Padded = append(all.Probability, a.Probability...), append(all.Padded, a.Padded...)
	}
	for part := range slices.Chunk(x, rows*m.engines[0].raw) {
		add(s.Push(part))
	}
	add(s.Flush())
	return all
}

// A stream answers what Label does, however many rows it gets at a time, and begins anew
// after its end.
func TestStreamAnswersAsLabel(t *testing.T) {
	x := randomRows(rand.New(rand.NewPCG(32, 32)), 150)
	for what, v := range variants() {
		for _, n := range []Network{v.counter(), both{steps: v.steps, lags: v.lags}} {
			m := modelOf(n, v.horizon, inputs.None)
			want := labelled(t, m, x)
			for _, rows := range []int{1, 7, 150} {
				if got := streamed(t, m, x, rows); !slices.Equal(got.Probability, want.Probability) || !slices.Equal(got.Class, want.Class) ||
					!slices.Equal(got.Score, want.Score) || !slices.Equal(got.Padded, want.Padded) {
					t.Fatalf("%s, %T, %d rows at a time: other answers", what, n, rows)
				}
			}
		}
	}
	for _, w := range []inputs.Within{inputs.Running, inputs.Whole} {
		m := modelOf(&counter{steps: 8}, 0, w)
		want := labelled(t, m, x)
		s := m.Stream()
		for range 2 {
			got, err := s.Push(x)
			if err != nil || w == inputs.Whole && got.Len() > 0 {
				t.Fatalf("%s: %d answers, %v", w, got.Len(), err)
			}
			rest, err := s.Flush()
			if err != nil || !slices.Equal(append(got.Probability, rest.Probability...), want.Probability) {
				t.Errorf("%s: other answers, %v", w, err)
			}
		}
	}
}

// Streams that are pushed together answer what each answers by itself, at the same time, though
// they are at different rows and get different numbers of them.
func TestStreamsTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 35))
	for what, v := range variants() {
		for _, n := range []Network{v.counter(), both{steps: v.steps, lags: v.lags}} {
			m := modelOf(n, v.horizon, inputs.None)
			var x [3][]float32
			var alone, together [3]*Stream
			for i := range x {
				x[i], alone[i], together[i] = randomRows(r, 60), m.Stream(), m.Stream()
			}
			for {
				var pushes []*Push
				var want []Answers
				for i := range x {
					rows := min(r.IntN(4), len(x[i])/2)
					part := x[i][:2*rows]
					x[i] = x[i][2*rows:]
					a, err := alone[i].Push(part)
					if err != nil {
						t.Fatal(err)
					}
					want, pushes = append(want, a), append(pushes, &Push{Stream: together[i], Rows: part})
				}
				m.PushAll(context.Background(), pushes)
				for i, p := range pushes {
					if p.Err != nil || !slices.Equal(p.Answers.Probability, want[i].Probability) || !slices.Equal(p.Answers.Padded, want[i].Padded) {
						t.Fatalf("%s, %T: stream %d: other answers, %v", what, n, i, p.Err)
					}
				}
				if len(x[0])+len(x[1])+len(x[2]) == 0 {
					break
				}
			}
			for i := range x {
				want, err := alone[i].Flush()
				if err != nil {
					t.Fatal(err)
				}
				if got, err := together[i].Flush(); err != nil || !slices.Equal(got.Probability, want.Probability) {
					t.Fatalf("%s, %T: stream %d: other answers at the end, %v", what, n, i, err)
				}
			}
		}
	}
}

// A stream's fault is not that of those that are pushed with it.
func TestAFaultOfOneStreamOfMany(t *testing.T) {
	m := modelOf(failing{&counter{steps: 8}}, 0, inputs.None)
	pushes := make([]*Push, 4)
	for i := range pushes {
		pushes[i] = &Push{Stream: m.Stream(), Rows: []float32{1, 2, 3, 4}}
	}
	pushes[1].Rows = []float32{1, 2, 666, 4}
	pushes[3].Rows = []float32{1, infinity}
	m.PushAll(context.Background(), pushes)
	for i, p := range pushes {
		var at *RowError
		if i%2 == 0 && (p.Err != nil || p.Answers.Len() != 2) {
			t.Errorf("stream %d: %d answers, %v", i, p.Answers.Len(), p.Err)
		}
		if i%2 == 1 && (!errors.As(p.Err, &at) || at.Row != i%3) {
			t.Errorf("stream %d: %v", i, p.Err)
		}
	}
}

// failing is a network whose output is not finite where the first feature is 666.
type failing struct{ *counter }

func (f failing) Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error) {
	if at := slices.Index(x, 666); at >= 0 {
		each := len(x) / batch
		return graph.Prediction{}, &graph.NonFiniteError{Sequence: at / each, Step: at % each / 2, Value: nan}
	}
	return f.counter.Predict(ctx, x, batch, state)
}

// A network of two directions answers when its window has filled, not at the end.
func TestStreamOfTwoDirectionsAnswersSoon(t *testing.T) {
	s := modelOf(both{steps: 8}, 0, inputs.None).Stream()
	taken := 0
	for i := range 100 {
		a, err := s.Push([]float32{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		if taken += a.Len(); taken < i-8 {
			t.Fatalf("%d answers after %d rows", taken, i+1)
		}
	}
}

func TestLabelNamesWhatIsWrong(t *testing.T) {
	m := modelOf(&counter{steps: 8}, 0, inputs.None)
	good := Series{Values: make([]float32, 20)}
	bad := slices.Clone(good.Values)
	bad[7] = -infinity
	for _, w := range []inputs.Within{inputs.None, inputs.Whole} { // whose features are scaled by all rows before any is labelled
		m := modelOf(&counter{steps: 8}, 0, w)
		_, err := m.Label(context.Background(), good, Series{Values: bad})
		var at *RowError
		if !errors.As(err, &at) || at.Series != 1 || at.Row != 7/m.engines[0].raw {
			t.Errorf("%s: error %v", w, err)
		}
		s := m.Streams(func(int32) (*inputs.Moments, error) { return inputs.NewMoments(m.engines[0].raw), nil })
		rows := 20 / m.engines[0].raw
		if err := s.Push(context.Background(), make([]int32, rows), good.Values); err != nil {
			t.Fatal(err)
		}
		if err := s.Push(context.Background(), slices.Repeat([]int32{3}, rows), bad); !errors.As(err, &at) || at.Series != 3 || at.Row != rows+7/m.engines[0].raw {
			t.Errorf("%s, streams: error %v", w, err)
		}
	}
	for _, s := range []Series{{Values: make([]float32, 3)}, {Values: good.Values, To: 11}, {Values: good.Values, From: -1, To: 2}, {Values: good.Values, From: 5, To: 4}} {
		var shape *graph.ShapeError
		if _, err := m.Label(context.Background(), good, s); !errors.As(err, &shape) {
			t.Errorf("%d values, rows %d to %d: error %v", len(s.Values), s.From, s.To, err)
		}
	}
	var shape *graph.ShapeError
	if _, err := m.Stream().Push(make([]float32, 3)); !errors.As(err, &shape) {
		t.Errorf("error %v", err)
	}
	values := &counter{steps: 8, loss: graph.MSE}
	kind := Kind{&counter{steps: 8}, inputs.Inputs{SeriesScale: inputs.None}, 0}
	for _, change := range []func(*Task, *Kind){
		func(t *Task, _ *Kind) { t.Features = t.Features[:1] },
		func(t *Task, _ *Kind) { t.Classes = append(t.Classes, "2") },
		func(t *Task, _ *Kind) { t.Fill = nil },
		func(_ *Task, k *Kind) { k.Inputs.SeriesScale = inputs.Running },
		func(_ *Task, k *Kind) { k.Inputs.Rolling = []int{8} },
		func(_ *Task, k *Kind) { k.Networks = values },
	} {
		task, other := m.Task(), kind
		change(&task, &other)
		if _, err := New(task, kind, other); !errors.As(err, &shape) {
			t.Errorf("%+v, %+v: error %v", task, other, err)
		}
	}
	if _, err := New(m.Task()); !errors.As(err, &shape) {
		t.Errorf("no kind: error %v", err)
	}
	kind.Inputs.Ahead = -2
	if _, err := New(m.Task(), kind); err == nil || err.Error() != "inputs: ahead -2 is neither a number of rows nor -1" {
		t.Errorf("error %v", err)
	}
}

func TestNothingToLabel(t *testing.T) {
	m := modelOf(&counter{steps: 8}, 0, inputs.None)
	a, err := m.Label(context.Background(), Series{}, Series{Values: make([]float32, 20), From: 5, To: 5}, Series{})
	if err != nil || a.Len() != 0 {
		t.Errorf("%d answers, %v", a.Len(), err)
	}
	if rest, err := m.Stream().Flush(); err != nil || rest.Len() != 0 {
		t.Errorf("%d answers, %v", rest.Len(), err)
	}
}

// Views share networks and nothing else.
func TestViews(t *testing.T) {
	m := modelOf(&counter{steps: 8}, 0, inputs.None)
	x := randomRows(rand.New(rand.NewPCG(33, 33)), 20000)
	rows := 0
	always := labelled(t, m.WithThreshold(0).WithProgress(func(n int) { rows += n }), x)
	if rows != 20000 || slices.Contains(always.Class, 0) {
		t.Errorf("%d rows of progress", rows)
	}
	never := labelled(t, m.WithThreshold(2), x)
	if slices.Contains(never.Class, 1) || m.Task().Threshold != 0.5 {
		t.Error("the threshold has no effect, or one on the model itself")
	}
	for i := range x[:10] {
		if never.Score[i/2] != never.Probability[i/2*2] {
			t.Errorf("row %d: score %v of %v", i/2, never.Score[i/2], never.Probability[i/2*2:i/2*2+2])
		}
	}
	m.Task().Features[0], m.Task().Fill[0] = "other", 9
	if task := m.Task(); task.Features[0] != "0" || task.Fill[0] != 0 {
		t.Error("a caller changes the model")
	}
}

// Goroutines share a model.
func TestGoroutinesShareAModel(t *testing.T) {
	p := predictors(t, 20)[graph.FormFused]
	m := modelOf(p, 0, inputs.None)
	x := randomRows(rand.New(rand.NewPCG(34, 34)), 3000)
	whole, rows := labelled(t, m, x), streamed(t, m, x[:600], 1)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if i%2 == 0 {
				if a := labelled(t, m, x); !slices.Equal(a.Probability, whole.Probability) {
					t.Error("other bits")
				}
			} else if a := streamed(t, m, x[:600], 1); !slices.Equal(a.Probability, rows.Probability) {
				t.Error("other bits in a stream")
			}
		})
	}
	group.Wait()
}
