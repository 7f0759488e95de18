package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/rnnbin/rnnbin/graph"
)

// Options are how models are served.
type Options struct {
	Machine graph.Machine

	MaxBatch int           // --max-batch: series, or rows of streams, that are run together
	MaxWait  time.Duration // --max-wait: for a batch to fill; 0: what waits is run as soon as anything can be
	MaxQueue int           // --max-queue: requests of a model that wait, at most
	MaxRows  int           // --max-rows: rows of a request, at most
	MaxBytes int64         // --max-bytes: of the bodies of all requests that are being answered, at most

	MaxStreams int           // --max-streams: streams that are open, sessions among them, at most
	SessionTTL time.Duration // --session-ttl: how long a session lasts that is not used

	Poll     time.Duration // --poll: time between two looks at the folders; 0: only one
	Observer Observer      // nil for none
}

// DefaultOptions are the usual ones.
func DefaultOptions() Options {
	return Options{
		MaxBatch: 64, MaxQueue: 1024, MaxRows: 1 << 20, MaxBytes: 1 << 30,
		MaxStreams: 100_000, SessionTTL: 10 * time.Minute,
		Poll: 2 * time.Second,
	}
}

// OptionError is returned for an option that is impossible.
type OptionError struct {
	Flag   string
	Reason string
}

func (e *OptionError) Error() string { return fmt.Sprintf("--%s %s", e.Flag, e.Reason) }

// Validate returns an *[OptionError], or an error of graph's about Machine.
func (o Options) Validate() error {
	for _, option := range []struct {
		flag     string
		possible bool
		least    any
		value    any
	}{
		{"max-batch", o.MaxBatch >= 1, 1, o.MaxBatch},
		{"max-wait", o.MaxWait >= 0, 0, o.MaxWait},
		{"max-queue", o.MaxQueue >= 1, 1, o.MaxQueue},
		{"max-rows", o.MaxRows >= 1, 1, o.MaxRows},
		{"max-bytes", o.MaxBytes >= 1, 1, o.MaxBytes},
		{"max-streams", o.MaxStreams >= 0, 0, o.MaxStreams},
		{"session-ttl", o.SessionTTL > 0, time.Nanosecond, o.SessionTTL},
		{"poll", o.Poll >= 0, 0, o.Poll},
	} {
		if !option.possible {
			return &OptionError{option.flag, fmt.Sprintf("must be at least %v, not %v", option.least, option.value)}
		}
	}
	return o.Machine.Validate()
}

// Observer is notified of what happens. Its methods are called from many goroutines and must not block.
type Observer interface {
	// Ran is called after series, or rows of streams, were run together.
	Ran(Run)
	// Loaded is called when a version starts being served or, with an error, could not be loaded.
	Loaded(name string, version int64, took time.Duration, err error)
	// Unloaded is called after a version has been freed.
	Unloaded(name string, version int64)
	// Asked is called after a request was answered, through [Registry.Asked].
	Asked(Request)
}

// Run is requests that were run together.
type Run struct {
	Name     string
	Version  int64
	Streams  bool          // they are rows of streams
	Requests int           // of clients
	Series   int           // of these
	Rows     int           // of these
	Waited   time.Duration // by the request that waited longest
	Took     time.Duration
	Err      error // of one of them, at least
}

// Request is a request that has been answered.
type Request struct {
	Protocol string // such as "tfserving"
	Method   string // such as "predict"
	Name     string // of the model, "" if that is not known
	Version  int64  // 0 if that is not known
	Code     string // of the protocol's
	Took     time.Duration
}

// silent observes nothing.
type silent struct{}

func (silent) Ran(Run)                                    {}
func (silent) Loaded(string, int64, time.Duration, error) {}
func (silent) Unloaded(string, int64)                     {}
func (silent) Asked(Request)                              {}

var _ Observer = silent{}

// reason is why a context ended, as an Error.
func reason(ctx context.Context) error { return asError(context.Cause(ctx)) }
