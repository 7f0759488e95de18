package engine

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
