package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph"
)

// place of a farm without connections, whose workers are up.
func fakeFarm(slots int) *Farm {
	f := &Farm{free: make(chan *link), half: make(chan *link), places: []*place{{up: slots, slots: slots}}, o: Options{Log: func(string, ...any) {}, Replicas: 1, Absence: time.Minute}}
	for i := range slots {
		l := &link{address: fmt.Sprint(i), at: graph.Server{Target: fmt.Sprint(i)}, back: make(chan struct{})}
		l.lost, l.lose = context.WithCancelCause(context.Background())
		go f.offer(l)
	}
	return f
}

// A job that takes longer than others is done twice, and what ends first counts.
func TestSlowJobIsDoneTwice(t *testing.T) {
	f := fakeFarm(2)
	var mu sync.Mutex
	begun := map[int]int{}
	err := f.Run(t.Context(), make([]fit.Job, 3), func(ctx context.Context, i int, _ *graph.Server) error {
		mu.Lock()
		begun[i]++
		first := begun[i] == 1
		mu.Unlock()
		if i == 1 && first {
			<-ctx.Done()
		}
		return nil
	})
	if err != nil || !reflect.DeepEqual(begun, map[int]int{0: 1, 1: 2, 2: 1}) {
		t.Errorf("%v, %v", begun, err)
	}
}

// A slot has a second job while it does one, as long as there are enough for all slots, and a third
// when that has trained.
func TestJobsGetReady(t *testing.T) {
	for _, test := range []struct {
		slots, jobs int
		trains      bool
		want        int
	}{{1, 9, false, 2}, {4, 40, false, 2}, {4, 4, false, 1}, {1, 9, true, 3}, {4, 40, true, 3}} {
		var mu sync.Mutex
		now := map[string]int{}
		most := 0
		err := fakeFarm(test.slots).Run(t.Context(), make([]fit.Job, test.jobs), func(_ context.Context, _ int, at *graph.Server) error {
			add := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				now[at.Target] += n
				most = max(most, now[at.Target])
			}
			add(1)
			if test.trains {
				at.Turn.Lock()
				time.Sleep(time.Millisecond)
				at.Turn.Unlock()
			}
			time.Sleep(20 * time.Millisecond)
			add(-1)
			return nil
		})
		if err != nil || most != test.want {
			t.Errorf("%+v: %d jobs at a slot; %v", test, most, err)
		}
	}
}

func TestRunEndsWithAnError(t *testing.T) {
	failed := errors.New("it failed")
	err := fakeFarm(2).Run(t.Context(), make([]fit.Job, 9), func(ctx context.Context, i int, _ *graph.Server) error {
		if i == 3 {
			return failed
		}
		return ctx.Err()
	})
	if err != failed {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = fakeFarm(2).Run(ctx, make([]fit.Job, 9), func(ctx context.Context, i int, _ *graph.Server) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
