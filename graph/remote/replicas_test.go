package remote

import (
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// replicas are a session's servers, n of them.
func replicas(t *testing.T, n int) *graph.Server {
	at := server(t)
	for range n - 1 {
		at.Others = append(at.Others, server(t))
	}
	return at
}

// spread is a plan of updates whose batches are not divided evenly: some are in one part of the rows.
func spread(updates, rows int) graph.Plan {
	var p graph.Plan
	for i := range updates {
		starts := []int32{int32(i * 37 % rows), int32(i * 11 % (rows / 3)), int32(rows - 1 - i%5), int32(i * 7 % (rows / 4)), 0}
		if i%5 == 4 {
			for k := range starts {
				starts[k] = int32(i + k) // all in the first part
			}
		}
		p.Starts = append(p.Starts, starts)
	}
	return p
}

// weighted are rows of weights 0 to 2.
func weighted(n int) graph.Series {
	d := rows(n)
	for k := range n {
		d.W = append(d.W, float32(k%3))
	}
	return d
}

// With the same batches, several servers come to the losses and the gradients of one process, random
// numbers included.
func TestReplicas(t *testing.T) {
	const updates, n, close = 50, 240, 1e-6
	at := []*graph.Server{replicas(t, 2), replicas(t, 3)}
	plan := spread(updates, n)
	for i, c := range configs() {
		train := func(s *graph.Session) (losses []float32) {
			if err := s.SetSeries(weighted(n)); err != nil {
				t.Fatal(err)
			}
			r, err := s.Train(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			loss, err := s.Loss(t.Context(), plan.Starts[1])
			if err != nil {
				t.Fatal(err)
			}
			return append(r.Losses, loss)
		}
		one, several := open(t, nil, c), open(t, at[i%2], c)
		want, got := train(one), train(several)
		worst := 0.0
		for k := range want {
			worst = max(worst, math.Abs(float64(got[k]-want[k])))
		}
		if !(worst <= close) || len(got) != updates+1 || want[0] == want[updates-1] {
			t.Errorf("%d servers, network %d: losses differ by %v", 2+i%2, i, worst)
		}
		sameGradients(t, one, several, plan.Starts[2])
		sameState(t, several, c)
	}
}

// sameGradients compares gradients of the same state.
func sameGradients(t *testing.T, one, several *graph.Session, starts []int32) {
	t.Helper()
	state, err := one.Variables()
	if err != nil {
		t.Fatal(err)
	}
	if err := several.SetVariables(state); err != nil {
		t.Fatal(err)
	}
	want, err := one.Gradients(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := several.Gradients(t.Context(), starts)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		for k, v := range w.Value {
			if d := math.Abs(float64(got[i].Value[k] - v)); !(d <= 3e-6) || got[i].Name != w.Name {
				t.Errorf("%s[%d]: %v, want %v", w.Name, k, got[i].Value[k], v)
			}
		}
	}
}

// sameState compares a session with one of this process that is restored from its checkpoint.
func sameState(t *testing.T, s *graph.Session, c graph.Config) {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "saved")
	if err := s.Save(prefix); err != nil {
		t.Fatal(err)
	}
	restored := open(t, nil, c)
	if err := restored.Restore(prefix); err != nil {
		t.Fatal(err)
	}
	var got, want result
	got.see(t, restored)
	want.see(t, s)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("restored it is\n%v\nwant\n%v", got, want)
	}
}
