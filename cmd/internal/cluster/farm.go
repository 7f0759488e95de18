package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Options are those of a [Farm].
type Options struct {
	Workers []string // their addresses
	TLS     *tls.Config
	Build   Build
	Bits    bool // use only workers whose results are the same bits as this process's

	Replicas int // slots that do a job together

	// Arrival is how long the first worker may let wait, and Absence how long all may be lost
	// before a run ends.
	Arrival, Absence time.Duration

	// Log reports what becomes of workers.
	Log func(format string, args ...any)
}

// DefaultOptions leave out who the workers are.
func DefaultOptions() Options {
	return Options{Bits: true, Replicas: 1, Arrival: time.Minute, Absence: time.Minute}
}

// Farm has jobs done by workers. It is a fit.Runner.
type Farm struct {
	o     Options
	ctx   context.Context
	end   context.CancelFunc
	group sync.WaitGroup
	free  chan *link // slots that do nothing
	half  chan *link // those that have one job to train: another can get ready there

	mu      sync.Mutex
	places  []*place
	changed chan struct{} // one of them
}

// place is a worker's address.
type place struct {
	address string
	tried   bool
	up      int   // slots
	slots   int   // that are kept, 0 if that is not known
	absent  error // why there is none
	refused error // why there will be none
	told    bool  // that one was lost
}

// NewFarm connects to the workers, and compares what they are with this process. It returns when
// all have been asked once and one is there, or as many slots as do a job together; the others are
// used once they are. Close it after use.
func NewFarm(ctx context.Context, o Options) (*Farm, error) {
	f := &Farm{o: o, free: make(chan *link), half: make(chan *link), changed: make(chan struct{}, 1)}
	f.ctx, f.end = context.WithCancel(context.WithoutCancel(ctx))
	if o.Bits {
		go ownBits() // while workers start
	}
	for _, address := range o.Workers {
		p := &place{address: address}
		f.places = append(f.places, p)
		f.group.Go(func() { f.keep(p) })
	}
	for late := time.After(o.Arrival); ; {
		ready, err := f.ready()
		if err == nil && ready {
			return f, nil
		}
		if err == nil {
			select {
			case <-f.changed:
				continue
			case <-late:
				err = f.nobody()
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		f.Close()
		return nil, err
	}
}

// ready reports whether all have been asked and one is there.
func (f *Farm) ready() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	slots, tried, known := 0, true, true
	for _, p := range f.places {
		slots += p.slots
		tried, known = tried && p.tried, known && p.slots > 0
		if other := (*bitsError)(nil); p.refused != nil && !errors.As(p.refused, &other) {
			return false, fmt.Errorf("worker %s: %w", p.address, p.refused)
		}
	}
	if tried && f.over() || known && slots < f.o.Replicas {
		return false, f.nobodyLocked()
	}
	return tried && slots >= f.o.Replicas, nil
}

// over reports whether no worker will ever be there.
func (f *Farm) over() bool {
	for _, p := range f.places {
		if p.refused == nil {
			return false
		}
	}
	return true
}

// LostError is returned when no worker is there, or too few.
type LostError struct {
	has, wants int // slots, where several do a job together
	why        []string
}

func (e *LostError) Error() string {
	if e.wants > 1 {
		return strings.Join(append([]string{fmt.Sprintf("%d slots are to train a network together, and there are %d", e.wants, e.has)}, e.why...), "; ")
	}
	return "no worker is there: " + strings.Join(e.why, "; ")
}

func (f *Farm) nobody() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nobodyLocked()
}

func (f *Farm) nobodyLocked() error {
	e := &LostError{wants: f.o.Replicas}
	for _, p := range f.places {
		if p.up > 0 {
			e.has += p.slots
			continue
		}
		why := p.refused
		if why == nil {
			why = p.absent
		}
		if why == nil {
			why = errors.New("no answer")
		}
		e.why = append(e.why, fmt.Sprintf("%s: %v", p.address, why))
	}
	return e
}

// there reports whether enough of the workers are there, and whether others may be later.
func (f *Farm) there() (now, later bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	up := 0
	for _, p := range f.places {
		up += p.up
	}
	return up >= f.o.Replicas, !f.over()
}

// Slots is the number of jobs that the workers that are there do side by side.
func (f *Farm) Slots() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		n += p.slots
	}
	return n
}

// Close gives up all slots.
func (f *Farm) Close() {
	f.end()
	f.group.Wait()
}

// change changes what is known of a place.
func (f *Farm) change(p *place, to func()) {
	f.mu.Lock()
	to()
	p.tried = true
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// retryEvery is how long a worker is left alone that is not there.
const retryEvery = time.Second

// keep has a slot of a worker, and another one when that is lost, until the farm is closed or the
// worker is refused.
func (f *Farm) keep(p *place) {
	for f.ctx.Err() == nil {
		l, err := f.connect(p)
		if err == nil {
			f.serve(p, l)
			continue
		}
		if refused := (refusedError{}); errors.As(err, &refused) {
			f.refuse(p, refused.error)
			return
		}
		f.miss(p, err)
		select {
		case <-time.After(retryEvery):
		case <-f.ctx.Done():
		}
	}
}

// connect takes a slot that will do.
func (f *Farm) connect(p *place) (*link, error) {
	l, err := connect(f.ctx, p.address, f.o.TLS)
	if err != nil {
		return nil, err
	}
	if err := f.compare(p, l); err != nil {
		l.close(err)
		return nil, err
	}
	return l, nil
}

// compare returns why a worker is not to be used.
func (f *Farm) compare(p *place, l *link) error {
	if differs := l.reply.Build.differs(f.o.Build); differs != "" {
		return refusedError{errors.New("it has " + differs)}
	}
	f.mu.Lock()
	known := p.up > 0 // by another slot
	f.mu.Unlock()
	if !f.o.Bits || known {
		return nil
	}
	own, err := ownBits()
	if err != nil {
		return refusedError{err}
	}
	got, err := bits(&l.at)
	if err == nil && got != own {
		err = refusedError{&bitsError{l.reply.Build.Sets, f.o.Build.Sets}}
	}
	return err
}

// refuse gives up a worker.
func (f *Farm) refuse(p *place, err error) {
	f.change(p, func() {
		if p.refused == nil {
			f.o.Log("warning: worker %s is not used: %v", p.address, err)
		}
		p.refused = err
	})
}

// miss notes that a worker is not there.
func (f *Farm) miss(p *place, err error) {
	f.change(p, func() {
		if p.up == 0 && p.absent == nil && f.ctx.Err() == nil {
			f.o.Log("worker %s is not there yet: %v", p.address, err)
		}
		if p.up == 0 {
			p.absent = err
		}
	})
}

// offer has a slot take jobs, two at most that it has to train, until it is lost.
func (f *Farm) offer(l *link) {
	for jobs := 0; l.lost.Err() == nil; {
		to := []chan *link{f.free, f.half, nil}[jobs]
		select {
		case to <- l:
			jobs++
		case <-l.back:
			jobs--
		case <-l.lost.Done():
		}
	}
}

// serve has a slot take jobs until it is lost.
func (f *Farm) serve(p *place, l *link) {
	f.change(p, func() {
		p.up++
		p.absent = nil
		if p.told {
			f.o.Log("worker %s is there again", p.address)
		}
		p.told = false
		if p.slots == 0 {
			p.slots = l.reply.Slots
			for range p.slots - 1 {
				f.group.Go(func() { f.keep(p) })
			}
		}
	})
	defer context.AfterFunc(f.ctx, func() { l.close(f.ctx.Err()) })()
	f.offer(l)
	f.change(p, func() {
		p.up--
		why := context.Cause(l.lost)
		if p.absent = why; !p.told && f.ctx.Err() == nil && !errors.Is(why, errGivenUp) {
			p.told = true
			f.o.Log("worker %s is lost (%v): what it has not finished begins again elsewhere", p.address, why)
		}
	})
}
