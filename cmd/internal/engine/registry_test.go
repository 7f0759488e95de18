package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/label"
)

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
	before, err := old.Label(ctx, [][]float64{modeltest.Wide(modeltest.Rows(1, 9))})
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
	after, err := old.Label(ctx, [][]float64{modeltest.Wide(modeltest.Rows(1, 9))})
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

// A folder that is being copied is read again when more of it is there.
func TestAFolderThatIsBeingCopied(t *testing.T) {
	base := t.TempDir()
	modeltest.Write(t, filepath.Join(base, "1"), modeltest.Spec{})
	r := open(t, quick(), Source{Path: base})
	whole := filepath.Join(t.TempDir(), "whole")
	modeltest.Write(t, whole, modeltest.Spec{Shift: 1})
	if err := os.Mkdir(filepath.Join(base, "2"), 0o777); err != nil {
		t.Fatal(err)
	}
	weights, err := filepath.Glob(filepath.Join(whole, "weights-*"))
	if err != nil || len(weights) == 0 {
		t.Fatal(weights, err)
	}
	for _, file := range append([]string{filepath.Join(whole, "model.json")}, weights...) {
		if v := newest(t, r); v != 1 {
			t.Errorf("version %d is served before %s is there", v, file)
		}
		if err := os.Link(file, filepath.Join(base, "2", filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
		_ = r.Reload(ctx) // fails until all are there
	}
	if v := newest(t, r); v != 2 {
		t.Errorf("version %d is served at last", v)
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
	x := modeltest.Rows(7, 12)
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
				a, err := h.Label(ctx, [][]float64{modeltest.Wide(x)})
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
