package fit

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
)

// folder is a Store.
type folder struct {
	dir     string
	mu      sync.Mutex
	records map[string][]byte
	saved   int
}

func (f *folder) Load(digest string, restore func(string) error) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	record, found := f.records[digest]
	return record, found && restore(filepath.Join(f.dir, digest)) == nil
}

func (f *folder) Save(digest string, record []byte, save func(string) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records[digest] = record
	f.saved++
	return save(filepath.Join(f.dir, digest))
}

// A run whose jobs are in the store comes to the same, and trains what is missing alone.
func TestResultsInTheStoreAreNotTrainedAnew(t *testing.T) {
	d := Data{Train: steps(1, 400), Test: steps(2, 100), Validation: steps(1, 60)}
	s := quick()
	store := &folder{dir: t.TempDir(), records: map[string][]byte{}}
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
