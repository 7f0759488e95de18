package fit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// folder is a Store of all states there were.
type folder struct {
	dir     string
	mu      sync.Mutex
	records map[string]map[int][]byte // by digest and step
	saved   int                       // jobs that have ended
	dead    bool                      // as after a crash
	damaged int                       // states of each job, the newest, that Load is to find damaged
}

func newFolder(t *testing.T) *folder {
	return &folder{dir: t.TempDir(), records: map[string]map[int][]byte{}}
}

func (f *folder) prefix(digest string, step int) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%d", digest, step))
}

func (f *folder) Load(digest string, restore func(string, []byte) error) (damaged []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, step := range slices.Backward(slices.Sorted(maps.Keys(f.records[digest]))) {
		if newest := len(f.records[digest]) - 1 - i; newest < f.damaged && step != Done {
			damaged = append(damaged, errors.New(f.prefix(digest, step)))
		} else if err := restore(f.prefix(digest, step), f.records[digest][step]); err == nil {
			break
		}
	}
	return damaged
}

func (f *folder) Save(digest string, step int, record []byte, save func(string) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return nil
	}
	if f.records[digest] == nil {
		f.records[digest] = map[int][]byte{}
	}
	f.records[digest][step] = record
	if step == Done {
		f.saved++
	}
	return save(f.prefix(digest, step))
}

// A run whose jobs are in the store comes to the same, and trains what is missing alone.
func TestResultsInTheStoreAreNotTrainedAnew(t *testing.T) {
	d := Data{Train: steps(1, 400), Test: steps(2, 100), Validation: steps(1, 60)}
	s := quick()
	store := newFolder(t)
	run := func(saved int) (*Result, []JobEnded) {
		t.Helper()
		store.saved = 0
		var mu sync.Mutex
		var ended []JobEnded
		r, err := Fit(context.Background(), d, s, Means{Store: store}, observe(func(_ context.Context, e Event) error {
			if e, ok := e.(JobEnded); ok {
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, e)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if store.saved != saved {
			t.Errorf("%d jobs were trained, want %d", store.saved, saved)
		}
		return r, ended
	}
	const jobs = 4 + 2 + 3 // of two rungs; of the second member; on all rows, with the rival
	first, ended := run(jobs)
	again, loaded := run(0)
	if len(ended) != jobs || len(loaded) != jobs || slices.ContainsFunc(loaded, func(e JobEnded) bool { return !e.Loaded || e.Steps == 0 }) {
		t.Errorf("%+v, then %+v", ended, loaded)
	}
	if !slices.Equal(weights(first), weights(again)) || !reflect.DeepEqual(first.Members[0].History, again.Members[0].History) {
		t.Error("the members differ")
	}
	if !reflect.DeepEqual(first.Judged.Report.Confusion, again.Judged.Report.Confusion) || first.Test.LogLoss != again.Test.LogLoss {
		t.Error("they are judged otherwise")
	}

	delete(store.records, ended[2].Digest)
	run(1)
	d.Train.Labels = slices.Clone(d.Train.Labels)
	d.Train.Labels[0] = 1 - d.Train.Labels[0]
	run(jobs)
	s.Seed += 100
	run(jobs)
	s.EarlyStopping = 2
	run(jobs)
}

// A run that is interrupted again and again, amid epochs, comes to the same as one that is not, to
// the last bit: by a signal, when the state is stored, and by a crash.
func TestInterruptedJobsGoOn(t *testing.T) {
	plain, lstm, dropout, both, epochs := graph.Plain, graph.LSTM, float32(0.3), true, 20
	test, validation := Data{Train: steps(1, 400), Test: steps(2, 100)}, Data{Train: steps(1, 400), Validation: steps(1, 60)}
	for name, of := range map[string]struct {
		Override
		Data
	}{
		"plain":             {Override{Cell: &plain}, validation},
		"LSTM with dropout": {Override{Cell: &lstm, Dropout: &dropout}, test},
		"two directions":    {Override{Bidirectional: &both}, validation},
	} {
		d, s := of.Data, quick()
		of.Epochs, of.Units, of.Steps, of.LearningRate = &epochs, s.Recipe.Units, s.Recipe.Steps, s.Recipe.LearningRate
		s.Recipe = of.Override
		if d.Validation != nil {
			s.EarlyStopping = 8
		}
		want := fit(t, d, s)
		got, interrupted, damaged := interruptedFit(t, d, s)
		if interrupted < 5 || damaged == 0 {
			t.Errorf("%s: interrupted %d times, %d states damaged", name, interrupted, damaged)
		}
		if !slices.Equal(weights(got), weights(want)) {
			t.Errorf("%s: other weights", name)
		}
		for i, m := range want.Members {
			if !reflect.DeepEqual(got.Members[i].History, m.History) || got.Members[i].Best != m.Best {
				t.Errorf("%s: another history", name)
			}
		}
		if marshalled(t, got.Judged) != marshalled(t, want.Judged) {
			t.Errorf("%s: it is judged otherwise", name)
		}
	}
}

// interruptedFit is Fit's result after so many runs that were ended early, by turns in good order or not.
func interruptedFit(t *testing.T, d Data, s Spec) (r *Result, interrupted, damaged int) {
	t.Helper()
	for store := newFolder(t); ; interrupted++ {
		steps, kill := 29+7*interrupted, interrupted%2 == 1
		store.dead, store.damaged = false, interrupted%3
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Fit(ctx, d, s, Means{Store: store, Checkpoint: Interval{Steps: 2}}, observe(func(_ context.Context, e Event) error {
			switch e := e.(type) {
			case Progress:
				if steps -= len(e.Report.Losses); steps <= 0 {
					store.mu.Lock()
					store.dead = kill
					store.mu.Unlock()
					cancel()
				}
			case Noticed:
				if e.Kind == Damaged {
					damaged++
				}
			}
			return nil
		}))
		cancel()
		if err == nil {
			return r, interrupted, damaged
		}
		if !errors.Is(err, context.Canceled) || interrupted > 60 {
			t.Fatalf("interrupted %d times: %v", interrupted, err)
		}
	}
}

func marshalled(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Epochs may be added to a job that has ended.
func TestJobsGrow(t *testing.T) {
	d, s := Data{Train: steps(1, 400)}, quick()
	constant := Constant
	s.Recipe.Schedule, s.Folds, s.Members = &constant, 0, 1
	want := fit(t, d, s)
	few := 7
	store := newFolder(t)
	made := 0
	run := func(epochs *int, longer bool) *Result {
		t.Helper()
		made = 0
		s.Recipe.Epochs = epochs
		r, err := Fit(t.Context(), d, s, Means{Store: store, Longer: longer}, observe(func(_ context.Context, e Event) error {
			if e, ok := e.(Progress); ok {
				made += len(e.Report.Losses)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	all := *quick().Recipe.Epochs
	run(&few, false)
	each := made / few
	if grown := run(&all, true); made != (all-few)*each || !slices.Equal(weights(grown), weights(want)) {
		t.Errorf("%d updates, or other weights", made)
	}
	run(&few, false)
	if run(&all, false); made != all*each {
		t.Errorf("%d updates of a run that is another", made)
	}
}

// full is a Store that has no room.
type full struct{ *folder }

func (full) Save(string, int, []byte, func(string) error) error { return errors.New("no room") }

// A store that fails is told of once, and ends nothing.
func TestWhatCannotBeKept(t *testing.T) {
	told := 0
	r, err := Fit(t.Context(), Data{Train: steps(1, 400)}, quick(), Means{Store: full{newFolder(t)}}, observe(func(_ context.Context, e Event) error {
		if n, ok := e.(Noticed); ok && n.Kind == NotKept {
			told++
		}
		if ended, ok := e.(JobEnded); ok && ended.Digest != "" {
			t.Errorf("%+v is told to be kept", ended)
		}
		return nil
	}))
	if err != nil || len(r.Members) == 0 || told != 1 {
		t.Errorf("told %d times; %v", told, err)
	}
}
