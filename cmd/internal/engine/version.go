package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// State is what has become of a version, in TensorFlow Serving's words.
type State string

// States of a version, in the order in which they come.
const (
	Start     State = "START"
	Loading   State = "LOADING"
	Available State = "AVAILABLE"
	Unloading State = "UNLOADING" // it answers what it has begun with
	End       State = "END"
)

// version is a version of a model that is served.
type version struct {
	found
	name     string
	registry *Registry
	options  *Options
	info     *Info
	model    *label.Model

	series  *lane[*seriesJob]
	streams *lane[*streamJob]
	drift   *drift

	mu      sync.Mutex
	users   int  // handles, and 1 until it is retired
	retired bool // no more handles
	gone    chan struct{}
}

// load reads and starts a version, and runs it once.
func load(ctx context.Context, r *Registry, name string, f found) (*version, error) {
	opened, err := model.Open(f.dir)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	o := &r.options
	v := &version{found: f, name: name, registry: r, options: o, info: newInfo(name, f.number, opened.Model), users: 1, gone: make(chan struct{})}
	err = tflib.Quietly(func() error {
		if v.model, err = label.Load(opened, o.Machine); err != nil {
			return err
		}
		return v.warmUp(ctx)
	})
	if err != nil {
		if v.model != nil {
			v.model.Close()
		}
		return nil, fmt.Errorf("%s: %w", f.dir, err)
	}
	v.drift = newDrift(opened.Model)
	v.series = newLane(o, v.runSeries)
	v.streams = newLane(o, v.runStreams)
	return v, nil
}

// warmUp has the networks run once whatever requests will have them run: TensorFlow prepares a
// graph when that happens first.
func (v *version) warmUp(ctx context.Context) error {
	row := v.info.Profile.Mean
	if _, err := v.model.Label(ctx, label.Series{Values: slices.Repeat(row, v.info.Window+1)}); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if v.info.Wait == nil {
		return nil
	}
	s := v.model.Stream()
	if _, err := s.Push(row); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if _, err := s.Flush(); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	return nil
}

// acquire returns nil if the version has been retired.
func (v *version) acquire() *Handle {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.retired {
		return nil
	}
	v.users++
	return &Handle{version: v}
}

// retire has no more requests begin with the version, which goes with the last that has.
func (v *version) retire() {
	v.mu.Lock()
	already := v.retired
	v.retired = true
	v.mu.Unlock()
	if !already {
		v.release()
	}
}

func (v *version) release() {
	v.mu.Lock()
	v.users--
	last := v.users == 0
	v.mu.Unlock()
	if last {
		go v.close()
	}
}

// close frees what the version holds.
func (v *version) close() {
	v.series.close()
	v.streams.close()
	v.model.Close() // there is nobody left to report its error to
	v.options.Observer.Unloaded(v.name, v.number)
	close(v.gone)
}

// drift is how many of the rows that were asked about lie far outside those of the training.
type drift struct {
	fill []float32

	mu   sync.Mutex
	seen *layout.Outside // nil for a model that does not tell its range
}

func newDrift(m *model.Model) *drift {
	d := &drift{fill: m.Profile.Mean}
	if m.Profile.Low != nil {
		d.seen = layout.NewOutside((*layout.Profile)(&m.Profile))
	}
	return d
}

// add looks at rows [n,R].
func (d *drift) add(x []float32) {
	if d.seen == nil {
		return
	}
	x = inputs.Fill(x, d.fill)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen.Add(x)
}

// Handle is a version that stays while requests use it. Any number of goroutines may.
type Handle struct {
	*version
	once sync.Once
}

// Release lets the version go. More than one call does what one does.
func (h *Handle) Release() { h.once.Do(h.release) }

// again is another handle of the same version, also of one that has been retired.
func (h *Handle) again() *Handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users++
	return &Handle{version: h.version}
}

// Name is the model's.
func (h *Handle) Name() string { return h.name }

// Version is the number of the version.
func (h *Handle) Version() int64 { return h.number }

// Info is what a client may know of it.
func (h *Handle) Info() *Info { return h.info }

// Model labels outside of batches, such as files.
func (h *Handle) Model() *label.Model { return h.model }

// Folder is where the version was read from.
func (h *Handle) Folder() string { return h.dir }

// Drift is how many rows were asked about, and how many of these lie far outside the training
// rows' range, feature by feature; rows is 0 for a model that does not tell its range.
func (h *Handle) Drift() (rows int, outside []int) {
	if h.drift.seen == nil {
		return 0, nil
	}
	h.drift.mu.Lock()
	defer h.drift.mu.Unlock()
	return h.drift.seen.Rows, slices.Clone(h.drift.seen.Count)
}

// Saw counts rows [n,R] that were labelled by Model itself.
func (h *Handle) Saw(x []float32) { h.drift.add(x) }

// Waiting is how many requests wait to be run.
func (h *Handle) Waiting() int { return len(h.series.queue) + len(h.streams.queue) }
