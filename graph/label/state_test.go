package label

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

// statefulModels are models with all that a stream has to remember.
func statefulModels() map[string]*Model {
	all := map[string]*Model{}
	for what, v := range variants() {
		all[what] = modelOf(v.counter(), v.horizon, inputs.None)
		all[what+", both"] = modelOf(both{steps: v.steps, lags: v.lags}, v.horizon, inputs.None)
	}
	all["running"] = modelOf(&counter{steps: 8}, 0, inputs.Running)
	all["whole"] = modelOf(&counter{steps: 8}, 0, inputs.Whole)
	for name, kinds := range mixtures() {
		m, err := New(Task{Features: []string{"a", "b"}, Classes: []string{"0", "1"}, Fill: []float32{0, 0}, Threshold: 0.5}, kinds...)
		if err != nil {
			panic(err)
		}
		all[name] = m
	}
	return all
}

// A stream that goes on from a state elsewhere answers the same bits, wherever it was taken.
func TestStateMoves(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 37))
	for what, m := range statefulModels() {
		R := len(m.task.Features)
		x := randomRows(r, 70)[:70*R]
		want, got := m.Stream(), m.Stream()
		for at := 0; at < 70; {
			n := min(1+r.IntN(5), 70-at)
			rows := x[at*R : (at+n)*R]
			at += n
			state, err := got.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if got, err = m.Restore(state); err != nil {
				t.Fatalf("%s, row %d: %v", what, at, err)
			}
			a, err := want.Push(rows)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := got.Push(rows); err != nil || !slices.Equal(a.Probability, b.Probability) || !slices.Equal(a.Padded, b.Padded) {
				t.Fatalf("%s, row %d: other answers, %v", what, at, err)
			}
		}
		a, err := want.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := got.Flush(); err != nil || !slices.Equal(a.Probability, b.Probability) {
			t.Fatalf("%s, at the end: other answers, %v", what, err)
		}
	}
}

// Whatever the state, it is refused, or a stream goes on without a panic where only numbers were
// changed.
func FuzzState(f *testing.F) {
	models := statefulModels()
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range models {
			if !yield(name) {
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(38, 38))
	for i, name := range names {
		s := models[name].Stream()
		if _, err := s.Push(randomRows(r, 30)[:20*len(models[name].task.Features)]); err != nil {
			f.Fatal(err)
		}
		state, err := s.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, state)
		f.Add(i, state[:len(state)-1])
	}
	f.Fuzz(func(t *testing.T, i int, state []byte) {
		m := models[names[uint(i)%uint(len(names))]]
		if s, err := m.Restore(state); err == nil {
			if again, err := s.MarshalBinary(); err != nil || len(again) != len(state) {
				t.Fatalf("%d bytes of %d, %v", len(again), len(state), err)
			}
		}
	})
}
