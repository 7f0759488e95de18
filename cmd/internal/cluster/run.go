package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// errGivenUp is why a slot is closed whose worker is there.
var errGivenUp = errors.New("its slot is given up")

const (
	lookEvery   = 250 * time.Millisecond
	maxAttempts = 3 // of a job that fails while its worker is there
	slowest     = time.Second
)

// attempt is a job at a team.
type attempt struct {
	job      int
	team     team
	begun    time.Time
	cancel   context.CancelFunc
	finished chan struct{}
	trained  atomic.Bool // and has given back its slot
	err      error       // in the end
	lost     bool        // so was the worker
}

// schedule is a call of Run.
type schedule struct {
	*Farm
	do      func(ctx context.Context, i int, at *graph.Server) error
	pending []int // jobs, the next one first
	running []*attempt
	done    []bool // jobs
	failed  []int  // how often they did
	left    int
	longest time.Duration // that a job took
	ended   chan *attempt
	team    team      // that is not whole yet
	since   time.Time // there were enough workers
}

// Run implements fit.Runner. When no job is left to begin, one that takes longer than all others did
// is begun a second time on a worker that is free.
func (f *Farm) Run(ctx context.Context, jobs []fit.Job, do func(ctx context.Context, i int, at *graph.Server) error) error {
	// what sessions and workers say is passed on while jobs get ready
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1))
	// TensorFlow logs a line for each of many calls that a lost worker does not answer
	return tflib.Quietly(func() error { return f.run(ctx, jobs, do) })
}

func (f *Farm) run(ctx context.Context, jobs []fit.Job, do func(ctx context.Context, i int, at *graph.Server) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &schedule{Farm: f, do: do, done: make([]bool, len(jobs)), failed: make([]int, len(jobs)), left: len(jobs), longest: slowest, ended: make(chan *attempt), since: time.Now()}
	for i := range jobs {
		s.pending = append(s.pending, i)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var err error
	fail := func(why error) {
		if err == nil && why != nil {
			err = why
			stop()
		}
	}
	for s.left > 0 && err == nil || len(s.running) > 0 {
		next, wanted := s.next()
		free, half, done := f.free, f.half, ctx.Done()
		if !wanted || err != nil {
			free = nil
		}
		if len(s.pending) < f.Slots() || f.o.Replicas > 1 || err != nil { // the last ones are for slots that are free
			half = nil
		}
		if err != nil {
			done = nil
		}
		select {
		case l := <-half:
			s.begin(ctx, next, team{l})
		case l := <-free:
			if s.team = append(s.team.there(), l); len(s.team) >= f.o.Replicas {
				s.begin(ctx, next, s.team)
				s.team = nil
			}
		case a := <-s.ended:
			fail(s.end(a))
		case <-tick.C:
			fail(s.lost())
		case <-done:
			fail(context.Cause(ctx))
		}
	}
	s.team.leave()
	return err
}

// lost returns an error if no worker has been there for too long.
func (s *schedule) lost() error {
	now, later := s.there()
	if now {
		s.since = time.Now()
	}
	if !later && !now || time.Since(s.since) > s.o.Absence {
		return s.nobody()
	}
	return nil
}

// next is the job that a free worker gets.
func (s *schedule) next() (job int, wanted bool) {
	if len(s.pending) > 0 {
		return s.pending[0], true
	}
	for _, a := range s.running { // the one that began first is the first
		if s.done[a.job] || a.trained.Load() || time.Since(a.begun) <= s.longest {
			continue
		}
		if !slices.ContainsFunc(s.running, func(other *attempt) bool { return other != a && other.job == a.job }) {
			return a.job, true
		}
	}
	return 0, false
}

// begin has a job done.
func (s *schedule) begin(ctx context.Context, job int, t team) {
	if len(s.pending) > 0 {
		s.pending = s.pending[1:]
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &attempt{job: job, team: t, begun: time.Now(), cancel: cancel, finished: make(chan struct{})}
	s.running = append(s.running, a)
	go func() {
		leave := sync.OnceFunc(t.leave)
		a.err = t.do(s.o.TLS, func() { a.trained.Store(true); leave() }, func(at *graph.Server) error { return s.do(ctx, job, at) })
		if failed := (*graph.ServerError)(nil); errors.As(a.err, &failed) {
			a.lost = t.ping()
			t.close() // new processes may do better
		}
		cancel()
		close(a.finished)
		s.ended <- a
		leave()
	}()
}

// end notes what came of an attempt.
func (s *schedule) end(a *attempt) error {
	s.running = slices.DeleteFunc(s.running, func(other *attempt) bool { return other == a })
	if s.done[a.job] {
		return nil
	}
	if failed := (*graph.ServerError)(nil); errors.As(a.err, &failed) {
		if !a.lost {
			s.failed[a.job]++
			s.o.Log("warning: worker %s: %v; its job begins again", a.team[0].address, a.err)
		}
		if s.failed[a.job] >= maxAttempts {
			return fmt.Errorf("worker %s: %w", a.team[0].address, a.err)
		}
		if !slices.ContainsFunc(s.running, func(other *attempt) bool { return other.job == a.job }) {
			s.pending = slices.Insert(s.pending, 0, a.job)
		}
		return nil
	}
	if a.err != nil {
		return a.err
	}
	s.done[a.job] = true
	s.left--
	s.longest = max(s.longest, time.Since(a.begun))
	for _, other := range s.running {
		if other.job == a.job {
			other.cancel()
			time.AfterFunc(pingEvery, func() { // if it does not end by itself
				select {
				case <-other.finished:
				default:
					other.team.close()
				}
			})
		}
	}
	return nil
}
