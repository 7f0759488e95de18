package engine

import (
	"context"
	"runtime"
	"sync"
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

	turn sync.Mutex // of the worker that gathers: two would divide what one could run
	next *J         // was gathered, and did not fit
}

// batchRows is how many rows are run together, but for those of one request.
const batchRows = 1 << 16

func newLane[J job](o *Options, run func([]J)) *lane[J] {
	l := &lane[J]{options: o, run: run, queue: make(chan J, o.MaxQueue)}
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
		return nil
	default:
		return exhausted("the server is busy: %d requests wait already", cap(l.queue))
	}
}

// put has a job run as soon as there is room for it.
func (l *lane[J]) put(j J) error {
	select {
	case l.queue <- j:
		return nil
	case <-j.context().Done():
		return reason(j.context())
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
	var late <-chan time.Time
	for series < l.options.MaxBatch {
		j, ok := l.receive(late)
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
		if jobs, series, rows = append(jobs, j), series+s, rows+r; late == nil {
			late = l.late()
		}
	}
	return jobs
}

// turns is how often goroutines that are ready go first, as they may bring jobs, before a batch is run. Batches grow
// with the load by that; where nothing is ready it takes no time.
const turns = 4

// receive is the next job, unless there is none until late, or to come.
func (l *lane[J]) receive(late <-chan time.Time) (j J, ok bool) {
	if l.next != nil {
		j, l.next = *l.next, nil
		return j, true
	}
	for range turns {
		select {
		case j, ok = <-l.queue:
			return j, ok
		default:
			runtime.Gosched()
		}
	}
	select {
	case j, ok = <-l.queue:
	case <-late:
	}
	return j, ok
}

// now is always past.
var now = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// late tells when a batch that begins now is to be run, however full.
func (l *lane[J]) late() <-chan time.Time {
	if l.options.MaxWait == 0 {
		return now
	}
	return time.After(l.options.MaxWait)
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
