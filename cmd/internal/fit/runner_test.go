package fit

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// twice is a Runner that loses every job in its course the first time, and does it twice side by side
// then.
type twice struct {
	mu    sync.Mutex
	lost  map[Job]context.CancelFunc // of the first times
	order [][]Job
}

func (r *twice) Run(ctx context.Context, jobs []Job, do func(context.Context, int, *graph.Server) error) error {
	r.order = append(r.order, jobs)
	for i, j := range jobs {
		first, cancel := context.WithCancel(ctx)
		r.mu.Lock()
		r.lost[j] = cancel
		r.mu.Unlock()
		if err := do(first, i, nil); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		var group sync.WaitGroup
		var errs [2]error
		for k := range errs {
			group.Go(func() { errs[k] = do(ctx, i, nil) })
		}
		group.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
	}
	return nil
}

// A job that is done again, or twice at a time, comes to the same and is told once.
func TestJobsDoneAgain(t *testing.T) {
	d := Data{Train: steps(1, 400), Test: steps(2, 100)}
	s := quick()
	s.Threads = 1
	told := func(means Means, lose func(Job)) (map[Job][]Event, *Result) {
		events := map[Job][]Event{}
		r, err := Fit(context.Background(), d, s, means, observe(func(_ context.Context, e Event) error {
			switch e := e.(type) {
			case Progress:
				events[e.Job] = append(events[e.Job], e)
			case EpochEnded:
				events[e.Job] = append(events[e.Job], e)
				if e.Epoch.Epoch == 7 {
					lose(e.Job)
				}
			case JobEnded:
				e.Seconds = 0
				events[e.Job] = append(events[e.Job], e)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return events, r
	}
	want, once := told(Means{}, func(Job) {})
	runner := &twice{lost: map[Job]context.CancelFunc{}}
	got, again := told(Means{Runner: runner}, func(j Job) {
		runner.mu.Lock()
		defer runner.mu.Unlock()
		runner.lost[j]()
	})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("told is\n%v\nwant\n%v", got, want)
	}
	if len(once.Members) != 2 || !slices.Equal(weights(once), weights(again)) {
		t.Error("the members differ")
	}
	compared := runner.order[0] // the network's jobs are longer than those of logistic regression
	if len(compared) != 4 || compared[0].Rung != 1 || compared[1].Rung != 1 || compared[2].Rung != 0 {
		t.Errorf("%v is the order", compared)
	}
}
