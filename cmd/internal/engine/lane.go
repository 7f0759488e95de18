package engine

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// job is a request that can be run with others.
type job interface {
	context() context.Context
	size() (series, rows int) // at least 1 each
	fail(err error)           // answers it
}

// lane runs jobs together that wait at the same time.
type lane[J job] struct {
	options *Options
	run     func([]J)
	queue   chan J
	workers sync.WaitGroup

	others  func() int    // how many jobs there can be at the same time; nil if that is not known
	waiting atomic.Int64  // series in the queue
	wanted  atomic.Int64  // by a batch that waits for them to be so many
	enough  chan struct{} // has something when they may be

	turn sync.Mutex // of the worker that gathers: two would divide what one could run
	next *J         // was gathered, and did not fit
	last int        // jobs of the batch before
}

// batchRows is how many rows are run together, but for those of one request.
const batchRows = 1 << 16

func newLane[J job](o *Options, run func([]J), others func() int) *lane[J] {
	l := &lane[J]{options: o, run: run, others: others, queue: make(chan J, o.MaxQueue), enough: make(chan struct{}, 1)}
	l.wanted.Store(math.MaxInt64)
	return l
}

// start starts the workers.
func (l *lane[J]) start() *lane[J] {
	for range runtime.GOMAXPROCS(0) {
		l.workers.Go(func() {
			for jobs := l.gather(); len(jobs) > 0; jobs = l.gather() {
				l.safely(jobs)
			}
		})
	}
	return l
}

// offer has a job run, or refuses it at once.
func (l *lane[J]) offer(j J) error {
	select {
	case l.queue <- j:
		l.came(j)
		return nil
	default:
		return exhausted("the server is busy: %d requests wait already", cap(l.queue))
	}
}

// put has a job run as soon as there is room for it.
func (l *lane[J]) put(j J) error {
	select {
	case l.queue <- j:
		l.came(j)
		return nil
	case <-j.context().Done():
		return reason(j.context())
	}
}

// came ends the wait of a batch that a job fills.
func (l *lane[J]) came(j J) {
	series, _ := j.size()
	if l.waiting.Add(int64(series)) >= l.wanted.Load() {
		select {
		case l.enough <- struct{}{}:
		default:
		}
	}
}

// close ends the workers. Nobody may enqueue any more.
func (l *lane[J]) close() {
	close(l.queue)
	l.workers.Wait()
}

// gather waits for a job and takes what waits with it, no job when the lane is closed.
func (l *lane[J]) gather() (jobs []J) {
	l.turn.Lock()
	defer l.turn.Unlock()
	var series, rows int
	for series < l.options.MaxBatch {
		j, ok := l.receive(len(jobs) == 0)
		if !ok {
			break
		}
		if j.context().Err() != nil { // nobody waits for it
			j.fail(reason(j.context()))
			continue
		}
		s, r := j.size()
		if len(jobs) > 0 && (series+s > l.options.MaxBatch || rows+r > batchRows) {
			l.next = &j
			break
		}
		if jobs, series, rows = append(jobs, j), series+s, rows+r; len(jobs) == 1 {
			l.wait(series)
		}
	}
	l.last = len(jobs)
	return jobs
}

// turns is how often goroutines that are ready go first, as they may bring jobs, before a batch is run. Batches grow
// with the load by that; where nothing is ready it takes no time.
const turns = 4

// receive is the next job, unless there is none.
func (l *lane[J]) receive(wait bool) (j J, ok bool) {
	if l.next != nil {
		j, l.next = *l.next, nil
		return j, true
	}
	for range turns {
		select {
		case j, ok = <-l.queue:
			return j, l.took(j, ok)
		default:
			runtime.Gosched()
		}
	}
	if wait {
		j, ok = <-l.queue
		l.took(j, ok)
	}
	return j, ok
}

func (l *lane[J]) took(j J, ok bool) bool {
	if ok {
		series, _ := j.size()
		l.waiting.Add(int64(-series))
	}
	return ok
}

// What jobs bring with them takes the processor longer than they do in a large batch: a row of a stream has to be read, and its answer
// sent. So the next batch waits for about that time, up to a limit, rather than take the processor for the few rows that have come.
const (
	rest     = 25 * time.Microsecond // for each job of the batch before but one
	mostRest = time.Millisecond
)

// wait has a batch, which has so many series, wait for others, as long as there may be any.
func (l *lane[J]) wait(series int) {
	most, full := l.options.MaxWait, min(l.options.MaxBatch-series, cap(l.queue))
	if most == 0 && l.others != nil {
		most, full = min(time.Duration(l.last-1)*rest, mostRest), min(full, l.others()-1)
	}
	if most <= 0 {
		return
	}
	l.wanted.Store(int64(full))
	defer l.wanted.Store(math.MaxInt64)
	late := time.NewTimer(most)
	defer late.Stop()
	for l.waiting.Load() < int64(full) {
		select {
		case <-l.enough:
		case <-late.C:
			return
		}
	}
}

// safely runs jobs. A panic is an answer, too.
func (l *lane[J]) safely(jobs []J) {
	defer func() {
		if p := recover(); p != nil {
			for _, j := range jobs {
				j.fail(Errorf(Internal, "panic: %v", p))
			}
		}
	}()
	l.run(jobs)
}
