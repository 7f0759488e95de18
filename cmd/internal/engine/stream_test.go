package engine

import (
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// followed are the answers of a stream of the model itself, row by row, and its end.
func followed(t *testing.T, m *label.Model, x []float32) (all label.Answers) {
	t.Helper()
	s := m.Stream()
	add := func(a label.Answers, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = joined(all, a)
	}
	for row := range slices.Chunk(x, 2) {
		add(s.Push(row))
	}
	add(s.Flush())
	return all
}

func joined(a, b label.Answers) label.Answers {
	return label.Answers{Class: append(a.Class, b.Class...), Score: append(a.Score, b.Score...),
		Probability: append(a.Probability, b.Probability...), Padded: append(a.Padded, b.Padded...)}
}

// Streams answer what streams of the model itself answer, as soon, though they are run together.
func TestStreams(t *testing.T) {
	for _, s := range []modeltest.Spec{{}, {Horizon: -3}, {Horizon: 2, Members: 2}, {SeriesScale: inputs.Running}} {
		dir := t.TempDir()
		modeltest.Write(t, dir, s)
		r := open(t, quick(), Source{Path: dir})
		h := acquire(t, r, Which{})
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				x := modeltest.Rows(uint64(i), 30)
				want := followed(t, h.Model(), x)
				stream, err := h.Stream()
				if err != nil {
					t.Error(err)
					return
				}
				defer stream.Close()
				var got label.Answers
				for at := range 30 {
					first, a, err := stream.Push(ctx, modeltest.Wide(x[2*at:2*at+2]))
					if err != nil || first != got.Len() || got.Len()+a.Len() != max(0, at+1-*h.Info().Wait) {
						t.Errorf("%+v: row %d: answers from %d on, %d, %v", s, at, first, a.Len(), err)
					}
					got = joined(got, a)
				}
				_, a, err := stream.Flush(ctx)
				if got = joined(got, a); err != nil || !slices.Equal(got.Class, want.Class) || farthest(got.Probability, want.Probability) > 1e-6 || !slices.Equal(got.Padded, want.Padded) {
					t.Errorf("%+v: other answers, %v", s, err)
				}
			})
		}
		all.Wait()
	}
}

func TestStreamsThatCannotBe(t *testing.T) {
	for text, s := range map[string]modeltest.Spec{
		"model m has no streams: its network is of two directions":       {Bidirectional: true},
		"model m has no streams: it scales features within whole series": {SeriesScale: inputs.Whole},
		"the server has as many streams as it may: 0":                    {},
	} {
		dir := t.TempDir()
		modeltest.Write(t, dir, s)
		o := quick()
		o.MaxStreams = 0
		_, err := acquire(t, open(t, o, Source{Path: dir}), Which{}).Stream()
		kind := Invalid
		if s.SeriesScale == "" && !s.Bidirectional {
			kind = Exhausted
		}
		wantKind(t, err, kind, text)
	}
}

func TestFaultsOfStreams(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	s, err := acquire(t, open(t, quick(), Source{Path: dir}), Which{}).Stream()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = s.Push(ctx, modeltest.Wide(modeltest.Rows(1, 4))); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Push(ctx, []float64{1, 2, math.Inf(1), 4})
	wantKind(t, err, Invalid, `series 0, row 1, feature "x": +Inf is not a finite number`)
	_, _, err = s.Push(ctx, []float64{1, 2, 3})
	wantKind(t, err, Invalid, "3 values are not rows of 2 features")
	if first, a, err := s.Push(ctx, modeltest.Wide(modeltest.Rows(1, 1))); err != nil || first != 4 || a.Len() != 1 {
		t.Errorf("afterwards: answers from %d on, %d, %v", first, a.Len(), err)
	}
	s.Close()
	s.Close()
	_, _, err = s.Push(ctx, modeltest.Wide(modeltest.Rows(1, 1)))
	wantKind(t, err, NotFound, "the stream has been closed")
}

// A session is a stream that stays with its version, until it ends or is forgotten.
func TestSessions(t *testing.T) {
	base := t.TempDir()
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{})
	r := open(t, quick(), Source{Path: base})
	push := func(id string, n int, w Which) (first int, version int64) {
		t.Helper()
		s, done, err := r.Session("m", w, id)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		first, _, err = s.Push(ctx, modeltest.Wide(modeltest.Rows(1, n)))
		if err != nil {
			t.Fatal(err)
		}
		return first, s.Handle().Version()
	}
	push("a", 3, Which{})
	modeltest.Write(t, filepath.Join(base, "2"), modeltest.Spec{Shift: 1})
	if err := r.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if first, version := push("a", 2, Which{}); first != 3 || version != 1 {
		t.Errorf("it goes on from row %d in version %d", first, version)
	}
	if first, version := push("b", 2, Which{}); first != 0 || version != 2 {
		t.Errorf("another begins at row %d in version %d", first, version)
	}
	_, _, err := r.Session("m", Which{Version: 2}, "a")
	wantKind(t, err, Invalid, `session "a" is of version 1`)
	_, _, err = r.Session("n", Which{}, "a")
	wantKind(t, err, NotFound, "Latest(n)")
	if open, sessions := r.Streams(); open != 2 || sessions != 2 {
		t.Errorf("%d streams are open, %d sessions", open, sessions)
	}
	if err := r.EndSession("m", "a"); err != nil {
		t.Error(err)
	}
	wantKind(t, r.EndSession("m", "a"), NotFound, `model m has no session "a"`)
	if first, version := push("a", 2, Which{}); first != 0 || version != 2 {
		t.Errorf("after its end it goes on from row %d in version %d", first, version)
	}
	r.endIdleSessions(time.Now().Add(r.options.SessionTTL / 2))
	if _, sessions := r.Streams(); sessions != 2 {
		t.Errorf("%d sessions are left before their time is over", sessions)
	}
	r.endIdleSessions(time.Now().Add(r.options.SessionTTL))
	if open, sessions := r.Streams(); open != 0 || sessions != 0 {
		t.Errorf("%d streams are open, %d sessions", open, sessions)
	}
}

// A stream goes on from its state in another server of the same model, and in no other.
func TestStateMovesBetweenServers(t *testing.T) {
	spec := modeltest.Spec{Horizon: -2, SeriesScale: inputs.Running, Missing: "forward"}
	var registries []*Registry
	dir := filepath.Join(t.TempDir(), "1")
	modeltest.Write(t, dir, spec)
	for range 2 {
		registries = append(registries, open(t, quick(), Source{Path: dir}))
	}
	spec.Shift = 1
	other := t.TempDir()
	modeltest.Write(t, other, spec)
	stranger := acquire(t, open(t, quick(), Source{Path: other}), Which{})

	x := modeltest.Rows(3, 20)
	x[20] = float32(math.NaN()) // which the last value before stands in for
	whole, err := acquire(t, registries[0], Which{}).Stream()
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	push := func(s *Stream, x []float32) (int, label.Answers) {
		first, a, err := s.Push(ctx, modeltest.Wide(x))
		if err != nil {
			t.Fatal(err)
		}
		return first, a
	}
	push(whole, x[:20])
	state, err := whole.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, want := push(whole, x[20:])
	for _, h := range []*Handle{acquire(t, registries[0], Which{}), acquire(t, registries[1], Which{})} {
		s, err := h.Restore(state)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if from, got := push(s, x[20:]); from != first || !equal(got, want) || want.Len() != 10 {
			t.Errorf("from %d on other answers", from)
		}
	}
	changed := slices.Clone(state)
	changed[len(changed)/2]++
	for _, state := range [][]byte{nil, state[:40], changed} {
		_, err := acquire(t, registries[1], Which{}).Restore(state)
		wantKind(t, err, Invalid, "the state is damaged, or that of another model than m version 1")
	}
	_, err = stranger.Restore(state)
	wantKind(t, err, Invalid, "that of another model")

	if err := registries[1].RestoreSession("m", Which{}, "s", state); err != nil {
		t.Fatal(err)
	}
	wantKind(t, registries[1].RestoreSession("m", Which{}, "s", state), Invalid, `model m has a session "s" already`)
	if again, err := registries[1].SessionState(ctx, "m", "s"); err != nil || !slices.Equal(again, state) {
		t.Errorf("another state, %v", err)
	}
	_, err = registries[1].SessionState(ctx, "m", "t")
	wantKind(t, err, NotFound, `model m has no session "t"`)
}
