package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

var ctx = context.Background()

// quick are options of tests, which look at folders themselves.
func quick() Options {
	o := DefaultOptions()
	o.Poll = 0
	return o
}

// open serves the models at paths under the name m.
func open(t *testing.T, o Options, s Source) *Registry {
	t.Helper()
	s.Name = "m"
	r, err := Open(ctx, o, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func acquire(t *testing.T, r *Registry, w Which) *Handle {
	t.Helper()
	h, err := r.Acquire("m", w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Release)
	return h
}

// newest is the version that is served.
func newest(t *testing.T, r *Registry) int64 {
	t.Helper()
	h, err := r.Acquire("m", Which{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Release()
	return h.Version()
}

// rows are random ones of two features.
func rows(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, seed))
	x := make([]float32, 2*n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// wantKind fails unless err is of a kind and says what it should.
func wantKind(t *testing.T, err error, kind Kind, text string) {
	t.Helper()
	if err == nil || KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Fatalf("%v, want one of kind %d with %q", err, kind, text)
	}
}

func equal(a, b label.Answers) bool {
	return slices.Equal(a.Class, b.Class) && slices.Equal(a.Probability, b.Probability) && slices.Equal(a.Padded, b.Padded)
}

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
		series := []label.Series{{Values: rows(1, 40)}, {Values: rows(2, 3)}, {Values: rows(3, 30), From: 10, To: 15}}
		want, err := m.Label(ctx, series...)
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		got, err := h.Label(ctx, series)
		if err != nil || !equal(got, want) || got.Len() != 48 {
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
			x := rows(uint64(i), 5+i)
			want, err := h.Model().Label(ctx, label.Series{Values: x})
			if err != nil {
				t.Error(err)
			}
			got, err := h.Label(ctx, []label.Series{{Values: x}})
			if err != nil || !slices.Equal(got.Class, want.Class) || farthest(got.Probability, want.Probability) > 1e-6 {
				t.Errorf("request %d: other answers, %v", i, err)
			}
		})
	}
	all.Wait()
	h.Release() // what has been answered is told of later, but before the end
	if err := r.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if len(seen.runs) != 1 || seen.runs[0].Series != 8 || seen.runs[0].Rows != 5*8+28 || seen.runs[0].Requests != 8 {
		t.Errorf("they were run as %+v", seen.runs)
	}
}

func farthest(a, b []float32) (most float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		most = max(most, math.Abs(float64(a[i]-b[i])))
	}
	return most
}

// observed is what an observer was told.
type observed struct {
	silent
	mu       sync.Mutex
	runs     []Run
	unloaded []int64
	failed   []error
}

func (o *observed) Ran(r Run) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs = append(o.runs, r)
}

func (o *observed) Loaded(_ string, _ int64, _ time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.failed = append(o.failed, err)
	}
}

func (o *observed) Unloaded(_ string, version int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unloaded = append(o.unloaded, version)
}

func TestBadRequestsSayWhere(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	o := quick()
	o.MaxRows = 10
	h := acquire(t, open(t, o, Source{Path: dir}), Which{})
	bad := rows(1, 5)
	bad[2*3+1] = float32(math.Inf(-1))
	for _, test := range []struct {
		series []label.Series
		text   string
	}{
		{[]label.Series{{Values: rows(1, 2)}, {Values: bad}}, `series 1, row 3, feature "y": -Inf is not a finite number of 32 bits`},
		{[]label.Series{{Values: make([]float32, 3)}}, "series 0: 3 values are not rows of 2 features"},
		{[]label.Series{{Values: rows(1, 6)}, {Values: rows(1, 6)}}, "12 rows are more than the 10 that one request may have"},
	} {
		_, err := h.Label(ctx, test.series)
		wantKind(t, err, Invalid, test.text)
	}
	if a, err := h.Label(ctx, nil); err != nil || a.Len() != 0 {
		t.Errorf("no series: %d answers, %v", a.Len(), err)
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
		got, err := h.Label(ctx, []label.Series{{Values: holes}})
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
				_, a, err := s.Push(ctx, row)
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
			x := rows(1, 4)
			if i == 1 {
				x = far
			}
			a, err := h.Label(ctx, []label.Series{{Values: x}})
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

func TestVersions(t *testing.T) {
	base := t.TempDir()
	version := func(number string) string { return filepath.Join(base, number) }
	modeltest.Write(t, version("2"), modeltest.Spec{})
	modeltest.Write(t, version("10"), modeltest.Spec{Shift: 1})
	if err := os.MkdirAll(version("11"), 0o777); err != nil { // a run that has not ended
		t.Fatal(err)
	}
	o := quick()
	seen := new(observed)
	o.Observer = seen
	r := open(t, o, Source{Path: base, Labels: map[string]int64{"stable": 2}})
	if v := newest(t, r); v != 10 {
		t.Errorf("version %d is the newest", v)
	}
	for _, w := range []Which{{Version: 2}, {Label: "stable"}} {
		h := acquire(t, r, w)
		if h.Version() != 2 {
			t.Errorf("%+v is version %d", w, h.Version())
		}
		h.Release()
	}
	_, err := r.Acquire("m", Which{Version: 7})
	wantKind(t, err, NotFound, "Servable not found for request: Specific(m, 7)")
	_, err = r.Acquire("n", Which{})
	wantKind(t, err, NotFound, "Servable not found for request: Latest(n)")
	_, err = r.Acquire("m", Which{Label: "canary"})
	wantKind(t, err, Invalid, "Unrecognized servable version label: canary")

	old, err := r.Acquire("m", Which{})
	if err != nil {
		t.Fatal(err)
	}
	before, err := old.Label(ctx, []label.Series{{Values: rows(1, 9)}})
	if err != nil {
		t.Fatal(err)
	}
	modeltest.Write(t, version("11"), modeltest.Spec{Shift: 2})
	if err := r.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if v := newest(t, r); v != 11 {
		t.Errorf("version %d is the newest", v)
	}
	_, err = r.Acquire("m", Which{Version: 10})
	wantKind(t, err, NotFound, "Specific(m, 10)")
	wantStates(t, r, "11 AVAILABLE", "10 UNLOADING", "2 AVAILABLE")
	after, err := old.Label(ctx, []label.Series{{Values: rows(1, 9)}})
	if err != nil || !equal(after, before) {
		t.Errorf("the old version gives other answers, %v", err)
	}
	gone := old.gone
	old.Release()
	<-gone
	for len(states(t, r)) == 3 && states(t, r)[1] == "10 UNLOADING" {
		time.Sleep(time.Millisecond)
	}
	wantStates(t, r, "11 AVAILABLE", "10 END", "2 AVAILABLE")
}

func states(t *testing.T, r *Registry) (all []string) {
	t.Helper()
	list, err := r.Status("m", Which{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		all = append(all, fmt.Sprint(s.Version, " ", s.State))
	}
	return all
}

func wantStates(t *testing.T, r *Registry, want ...string) {
	t.Helper()
	if got := states(t, r); !slices.Equal(got, want) {
		t.Errorf("states %q, want %q", got, want)
	}
}

// A model folder is one version; a model that takes its place is the next.
func TestAModelFolderIsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "3")
	modeltest.Write(t, dir, modeltest.Spec{})
	r := open(t, quick(), Source{Path: dir})
	wantStates(t, r, "3 AVAILABLE")
	modeltest.Write(t, dir, modeltest.Spec{Shift: 1})
	for range 2 {
		if err := r.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		if v := newest(t, r); v != 4 {
			t.Errorf("version %d", v)
		}
	}
}

// What cannot be read changes nothing but what is known of it, and is read once.
func TestADamagedVersionIsNotServed(t *testing.T) {
	base := t.TempDir()
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{})
	o := quick()
	seen := new(observed)
	o.Observer = seen
	r := open(t, o, Source{Path: base})
	modeltest.Write(t, filepath.Join(base, "2"), modeltest.Spec{Shift: 1})
	weights, err := filepath.Glob(filepath.Join(base, "2", "*.data-*"))
	if err != nil || len(weights) != 1 {
		t.Fatal(weights, err)
	}
	if err := os.WriteFile(weights[0], []byte("cut off"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(ctx); err == nil || !strings.Contains(err.Error(), "the weights are damaged") {
		t.Errorf("%v", err)
	}
	if err := r.Reload(ctx); err != nil || len(seen.failed) != 1 {
		t.Errorf("it is read again: %v, %v", err, seen.failed)
	}
	wantStates(t, r, "2 END", "1 AVAILABLE")
	if v := newest(t, r); v != 1 {
		t.Errorf("version %d is served", v)
	}
	modeltest.Write(t, filepath.Join(base, "2"), modeltest.Spec{Shift: 2})
	if err := r.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if v := newest(t, r); v != 2 {
		t.Errorf("version %d is served", v)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	base := t.TempDir()
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{})
	empty := t.TempDir()
	wrong := quick()
	wrong.MaxBatch = 0
	for _, test := range []struct {
		o    Options
		s    Source
		text string
	}{
		{quick(), Source{Path: filepath.Join(base, "none")}, "none: no such file or directory"},
		{quick(), Source{Path: empty}, "neither a model folder, which has a model.json, nor a folder of such that are called 1, 2 and so on"},
		{quick(), Source{Path: base, Versions: []int64{4}}, "there is no version 4"},
		{wrong, Source{Path: base}, "--max-batch must be at least 1, not 0"},
	} {
		if _, err := Open(ctx, test.o, test.s); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%v, want %q", err, test.text)
		}
	}
}

// While versions come and go no request is lost, or answered by a mixture of two.
func TestReloadUnderLoad(t *testing.T) {
	base := t.TempDir()
	x := rows(7, 12)
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{Shift: 1})
	r := open(t, quick(), Source{Path: base})
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var mu sync.Mutex
	answers := map[int64]label.Answers{}
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				h, err := r.Acquire("m", Which{})
				if err != nil {
					t.Error(err)
					return
				}
				a, err := h.Label(ctx, []label.Series{{Values: x}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if known, ok := answers[h.Version()]; ok && farthest(known.Probability, a.Probability) > 1e-6 {
					t.Errorf("version %d answers differently", h.Version())
				}
				answers[h.Version()] = a
				mu.Unlock()
				h.Release()
			}
		})
	}
	for n := int64(2); n <= 6; n++ {
		modeltest.Write(t, filepath.Join(base, fmt.Sprint(n)), modeltest.Spec{Shift: float32(n)})
		if err := r.Reload(ctx); err != nil {
			t.Error(err)
		}
		for known := false; !known; {
			mu.Lock()
			_, known = answers[n]
			mu.Unlock()
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	clients.Wait()
	for n := int64(2); n <= 6; n++ {
		if farthest(answers[n].Probability, answers[n-1].Probability) < 1e-3 {
			t.Errorf("versions %d and %d answer alike", n-1, n)
		}
	}
}
