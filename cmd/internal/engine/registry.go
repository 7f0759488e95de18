package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Registry is the models that are served. Any number of goroutines may use it.
type Registry struct {
	options Options
	names   []string
	models  map[string]*served
	bytes   *semaphore.Weighted // of bodies that are in memory

	stop    context.CancelFunc // ends watching
	watcher sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	streams  int // open ones
	sessions map[sessionKey]*session
}

// Which is the version that a request is for: that of a label or a number, else the newest.
type Which struct {
	Version int64
	Label   string
}

// ParseVersion is the version that a client names by its number, or the newest for "".
func ParseVersion(number string) (w Which, err error) {
	if number == "" {
		return w, nil
	}
	w.Version, err = strconv.ParseInt(number, 10, 64)
	if err != nil || w.Version < 1 {
		return w, Errorf(Invalid, "Failed to convert version: %s to numeric.", number)
	}
	return w, nil
}

// Status is what has become of a version.
type Status struct {
	Version int64
	State   State
	Err     error // why it could not be served, or not be read again
}

// served is a model in its versions.
type served struct {
	Source
	registry *Registry

	looking sync.Mutex // one look at a time

	mu      sync.Mutex
	all     map[int64]*version // those that answer
	newest  int64              // of them
	refused map[int64]found    // that could not be read
	states  map[int64]Status
}

// Open reads and starts the models, all of them or none, and watches their folders until Close.
func Open(ctx context.Context, o Options, sources ...Source) (*Registry, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Observer == nil {
		o.Observer = silent{}
	}
	r := &Registry{options: o, models: map[string]*served{}, bytes: semaphore.NewWeighted(o.MaxBytes), sessions: map[sessionKey]*session{}}
	for _, s := range sources {
		if r.models[s.Name] != nil {
			return nil, fmt.Errorf("two models are called %q", s.Name)
		}
		r.names = append(r.names, s.Name)
		r.models[s.Name] = &served{Source: s, registry: r, all: map[int64]*version{}, refused: map[int64]found{}, states: map[int64]Status{}}
	}
	for _, name := range r.names {
		if err := r.models[name].look(ctx); err != nil {
			r.Close(ctx)
			return nil, err
		}
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.watcher.Go(func() { r.watch(watching) })
	return r, nil
}

// watch looks at the folders and at the sessions every now and then.
func (r *Registry) watch(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(r.options.Poll, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.options.Poll > 0 {
			_ = r.Reload(ctx) // the observer and the versions' states tell
		}
		r.endIdleSessions(time.Now())
	}
}

// Reload looks at the folders now, and returns what could not be read.
func (r *Registry) Reload(ctx context.Context) error {
	var failed []error
	for _, name := range r.names {
		failed = append(failed, r.models[name].look(ctx))
	}
	return errors.Join(failed...)
}

// Close ends the sessions and waits until all requests and streams that have begun are answered,
// or ctx ends. No other can begin.
func (r *Registry) Close(ctx context.Context) error {
	if r.stop != nil {
		r.stop()
		r.watcher.Wait()
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.endIdleSessions(time.Time{})
	var going []*version
	for _, s := range r.models {
		s.mu.Lock()
		for number, v := range s.all {
			v.retire()
			going = append(going, v)
			delete(s.all, number)
			s.states[number] = Status{Version: number, State: Unloading}
		}
		s.mu.Unlock()
	}
	for _, v := range going {
		select {
		case <-v.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Names are those of the models, in the order in which they were given.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// Ready reports whether requests are answered: from Open, which has read every model, to Close.
func (r *Registry) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closed
}

// Hold counts bytes of a request's body until they are dropped, or refuses them: there are too many of others.
func (r *Registry) Hold(bytes int) error {
	if !r.bytes.TryAcquire(int64(bytes)) {
		return exhausted("the server is busy: the bodies of other requests leave no room for this one in %d bytes", r.options.MaxBytes)
	}
	return nil
}

// Drop lets bytes go that were held.
func (r *Registry) Drop(bytes int) { r.bytes.Release(int64(bytes)) }

// Asked notifies the observer of a request.
func (r *Registry) Asked(q Request) { r.options.Observer.Asked(q) }

// Acquire returns a version of a model, to be released after use.
func (r *Registry) Acquire(name string, w Which) (*Handle, error) {
	if !r.Ready() {
		return nil, Errorf(Unavailable, "the server is shutting down")
	}
	s := r.models[name]
	if s == nil {
		return nil, s.unknown(name, w)
	}
	return s.acquire(w)
}

func (s *served) acquire(w Which) (*Handle, error) {
	number, err := s.numbered(w)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.all[cmp.Or(number, s.newest)]; v != nil {
		if h := v.acquire(); h != nil {
			return h, nil
		}
	}
	return nil, s.unknown(s.Name, w)
}

// numbered is the number of a version, 0 for the newest.
func (s *served) numbered(w Which) (int64, error) {
	if w.Label == "" {
		return w.Version, nil
	}
	number := s.Labels[w.Label]
	if number == 0 {
		return 0, Errorf(Invalid, "Unrecognized servable version label: %s", w.Label)
	}
	return number, nil
}

// unknown is the error for a model that is not served, in TensorFlow Serving's words.
func (*served) unknown(name string, w Which) error {
	if w.Version != 0 {
		return Errorf(NotFound, "Servable not found for request: Specific(%s, %d)", name, w.Version)
	}
	return Errorf(NotFound, "Servable not found for request: Latest(%s)", name)
}

// Status lists the versions of a model that are or were served, the newest first, or one of them.
func (r *Registry) Status(name string, w Which) ([]Status, error) {
	s := r.models[name]
	if s == nil {
		return nil, s.noVersion(name, w)
	}
	number, err := s.numbered(w)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Status
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(s.states))) {
		if number == 0 || n == number {
			all = append(all, s.states[n])
		}
	}
	if len(all) == 0 {
		return nil, s.noVersion(name, w)
	}
	return all, nil
}

// Available are the numbers of the versions that are served, as text, the oldest first.
func (r *Registry) Available(name string) ([]string, error) {
	all, err := r.Status(name, Which{})
	var numbers []string
	for _, s := range slices.Backward(all) {
		if s.State == Available {
			numbers = append(numbers, strconv.FormatInt(s.Version, 10))
		}
	}
	return numbers, err
}

// Entry is a version of a model in an index, in the words of the Open Inference Protocol.
type Entry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"` // READY, LOADING, UNLOADING or UNAVAILABLE
	Reason  string `json:"reason"`
}

// Index lists the versions of all models, the oldest first: those that are served, or all that are or were.
func (r *Registry) Index(ready bool) []Entry {
	index := []Entry{}
	for _, name := range r.names {
		all, _ := r.Status(name, Which{}) // none where there is an error
		for _, s := range slices.Backward(all) {
			e := Entry{Name: name, Version: strconv.FormatInt(s.Version, 10)}
			switch s.State {
			case Available:
				e.State = "READY"
			case Loading, Unloading:
				e.State = string(s.State)
			default:
				e.State = "UNAVAILABLE"
			}
			if s.Err != nil {
				e.Reason = s.Err.Error()
			}
			if !ready || s.State == Available {
				index = append(index, e)
			}
		}
	}
	return index
}

func (*served) noVersion(name string, w Which) error {
	if w.Version != 0 {
		return Errorf(NotFound, "Could not find version %d of model %s", w.Version, name)
	}
	return Errorf(NotFound, "Could not find any versions of model %s", name)
}

// look reads what has changed in the model's folder, and serves it.
func (s *served) look(ctx context.Context) error {
	s.looking.Lock()
	defer s.looking.Unlock()
	all, err := s.find()
	if err != nil {
		return err // what is served goes on being so
	}
	var failed []error
	wanted := s.wanted(all)
	for _, f := range wanted {
		if s.has(f) {
			continue
		}
		if err := s.load(ctx, f); err != nil {
			failed = append(failed, err)
		}
	}
	s.retire(wanted)
	return errors.Join(append(failed, s.lacking(all)...)...)
}

// find lists the versions that there are. A model folder whose model has been replaced has another
// version.
func (s *served) find() (map[int64]found, error) {
	all, single, err := look(s.Path)
	if err != nil || !single {
		return all, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range all { // one alone
		f.number = s.numberOf(f)
		return map[int64]found{f.number: f}, nil
	}
	return all, nil
}

// numberOf is the version that a model folder is: a known one, or the next.
func (s *served) numberOf(f found) int64 {
	last := int64(0)
	for n, v := range s.all {
		if v.stamp == f.stamp {
			return n
		}
		last = max(last, n)
	}
	for n, refused := range s.refused {
		if refused.stamp == f.stamp {
			return n
		}
		last = max(last, n)
	}
	return max(f.number, last+1)
}

// wanted are the newest version and those that are asked for, the oldest first.
func (s *served) wanted(all map[int64]found) []found {
	asked := s.asked()
	newest := slices.Max(slices.Collect(maps.Keys(all)))
	var wanted []found
	for _, number := range slices.Sorted(maps.Keys(all)) {
		if number == newest || slices.Contains(asked, number) {
			wanted = append(wanted, all[number])
		}
	}
	return wanted
}

// asked are the versions that are asked for.
func (s *served) asked() []int64 {
	return slices.Concat(s.Versions, slices.Collect(maps.Values(s.Labels)))
}

// lacking are errors for versions that are asked for and not there.
func (s *served) lacking(all map[int64]found) (failed []error) {
	for _, number := range s.asked() {
		if _, found := all[number]; !found {
			failed = append(failed, fmt.Errorf("%s: there is no version %d", s.Path, number))
		}
	}
	return failed
}

// has reports whether a version is served, or is known not to be readable.
func (s *served) has(f found) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.all[f.number]
	refused := s.refused[f.number]
	return v != nil && v.stamp == f.stamp || refused.stamp == f.stamp && refused.files == f.files
}

// load serves a version, in the place of one of its number.
func (s *served) load(ctx context.Context, f found) error {
	o := &s.registry.options
	s.set(f.number, Loading, nil)
	begun := time.Now()
	v, err := load(ctx, s.registry, s.Name, f)
	o.Observer.Loaded(s.Name, f.number, time.Since(begun), err)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.all[f.number]
	if err != nil {
		state := End
		if before != nil {
			state = Available
		}
		s.refused[f.number], s.states[f.number] = f, Status{f.number, state, err}
		return err
	}
	delete(s.refused, f.number)
	s.all[f.number], s.states[f.number] = v, Status{Version: f.number, State: Available}
	if before != nil {
		before.retire()
	}
	return nil
}

func (s *served) set(number int64, state State, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[number] == nil {
		s.states[number] = Status{number, state, err}
	}
}

// retire has the newest of the versions that are wanted be the one that is served by default, and
// ends those that are not wanted.
func (s *served) retire(wanted []found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range wanted {
		if s.all[f.number] != nil {
			s.newest = f.number
		}
	}
	for number, v := range s.all {
		if number == s.newest || slices.ContainsFunc(wanted, func(f found) bool { return f.number == number }) {
			continue
		}
		delete(s.all, number)
		s.states[number] = Status{Version: number, State: Unloading}
		v.retire()
		go func() {
			<-v.gone
			s.set(number, End, nil)
		}()
	}
}
