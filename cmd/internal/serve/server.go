package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// Options are how a Server serves.
type Options struct {
	Version string // of the program

	MaxBody        int64         // --max-body: bytes of a request, also decompressed
	MaxConnections int           // --max-connections
	Timeout        time.Duration // --timeout: for a request to arrive, to be answered, and its answer to be taken; streams have it for each
	Idle           time.Duration // for a connection without a request
	Grace          time.Duration // --grace: how long requests may take that have begun when the server is to end

	TLS     *tls.Config  // nil for none
	Token   *Token       // that requests have to bear; nil for none
	Metrics *Metrics     // the registry's observer; nil for none
	Log     *slog.Logger // of requests and panics; nil for none
	Pprof   bool         // --pprof: serve profiles
	Page    http.Handler // of /, for all; nil for none
}

// DefaultOptions are the usual ones.
func DefaultOptions() Options {
	return Options{MaxBody: 64 << 20, MaxConnections: 1 << 14, Timeout: time.Minute, Idle: 2 * time.Minute, Grace: 30 * time.Second}
}

// Validate returns an *[engine.OptionError].
func (o Options) Validate() error {
	for _, option := range []struct {
		flag  string
		value int64
	}{{"max-body", o.MaxBody}, {"max-connections", int64(o.MaxConnections)}, {"timeout", int64(o.Timeout)}} {
		if option.value < 1 {
			return &engine.OptionError{Flag: option.flag, Reason: fmt.Sprintf("must be at least 1, not %d", option.value)}
		}
	}
	if o.Grace < 0 {
		return &engine.OptionError{Flag: "grace", Reason: fmt.Sprintf("must be at least 0, not %v", o.Grace)}
	}
	return nil
}

// Server answers requests with the models of a registry. It is an http.Handler.
type Server struct {
	registry *engine.Registry
	options  Options
	mux      *http.ServeMux
	files    chan struct{}   // has something for each file that is being labelled
	ending   context.Context // ends when streams are to
	end      context.CancelFunc
}

// New returns a Server. The registry stays the caller's to close.
func New(r *engine.Registry, o Options) *Server {
	s := &Server{registry: r, options: o, mux: http.NewServeMux(), files: make(chan struct{}, runtime.GOMAXPROCS(0))}
	s.ending, s.end = context.WithCancel(context.Background())
	if o.Log == nil {
		s.options.Log = slog.New(slog.DiscardHandler)
	}
	s.handle("/v1/models", "rnnbin", (*request).models)
	s.handle("/v1/", "tfserving", (*request).model)
	s.handle("/v2", "oip", (*request).inference)
	s.handle("/v2/", "oip", (*request).inference)
	s.handle("GET /openapi.json", "rnnbin", func(q *request) error { return q.answer(openAPI(o.Version)) })
	if o.Metrics != nil {
		s.mount("GET /metrics", o.Metrics.Handler(r))
	}
	if o.Pprof {
		for path, h := range map[string]http.HandlerFunc{"/": pprof.Index, "/cmdline": pprof.Cmdline, "/profile": pprof.Profile, "/symbol": pprof.Symbol, "/trace": pprof.Trace} {
			s.mount("/debug/pprof"+path, h)
		}
	}
	if o.Page != nil {
		s.mux.Handle("GET /{$}", o.Page) // which has no secrets, and asks the person for the token
	}
	s.handle("/healthz", "health", func(q *request) error { return q.health(false) })
	s.handle("/readyz", "health", func(q *request) error { return q.health(true) })
	return s
}

// handle has a function answer what begins with a path.
func (s *Server) handle(path, protocol string, answer func(*request) error) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		q := &request{out: w, Request: r, Server: s, protocol: protocol}
		q.serve(answer)
	})
}

// mount has a handler answer what begins with a path.
func (s *Server) mount(path string, h http.Handler) {
	s.handle(path, "http", func(q *request) error {
		h.ServeHTTP(q.out, q.Request)
		return nil
	})
}

// ServeHTTP answers a request. From the end on its connection gets no other.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.ending.Err() != nil {
		w.Header().Set("Connection", "close")
	}
	s.mux.ServeHTTP(w, r)
}

// farewell is how long the connections that there are still take a request, whose answer closes them,
// before the idle ones are closed: a request that crosses with that is lost, and few clients ask twice.
const farewell = 300 * time.Millisecond

// serve answers by a function or, if that fails, with its error.
func (q *request) serve(answer func(*request) error) {
	begun := time.Now()
	seen := &recorder{ResponseWriter: q.out}
	q.out = seen
	defer q.drop()
	if !strings.HasSuffix(q.URL.Path, ":stream") { // which has it for each row
		ctx, cancel := context.WithTimeout(q.Context(), q.options.Timeout)
		defer cancel()
		q.Request = q.WithContext(ctx)
	}
	err := q.safely(answer)
	if err != nil && seen.status == 0 {
		q.fail(err)
	}
	q.tell(seen, err, time.Since(begun))
	var panicked *panicError
	if errors.As(err, &panicked) && seen.cut {
		panic(http.ErrAbortHandler) // what was begun must not look complete
	}
}

// panicError is a panic in the program.
type panicError struct{ value any }

func (e *panicError) Error() string { return "internal error" }

// safely makes an error of a panic.
func (q *request) safely(answer func(*request) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p}
			q.options.Log.Error("panic", "path", q.URL.Path, "value", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	if err := q.authorize(); err != nil {
		return err
	}
	return answer(q)
}

// tell reports a request to the log and the observer.
func (q *request) tell(seen *recorder, err error, took time.Duration) {
	if seen.status == 0 {
		seen.status = http.StatusOK
	}
	q.registry.Asked(engine.Request{Protocol: q.protocol, Method: q.method, Name: q.name, Version: q.version, Code: fmt.Sprint(seen.status), Took: took})
	if !q.options.Log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", q.Method), slog.String("path", q.URL.Path), slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes),
		slog.Duration("took", took), slog.String("remote", q.RemoteAddr),
	}
	if q.name != "" {
		attributes = append(attributes, slog.String("model", q.name), slog.Int64("version", q.version))
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	q.options.Log.LogAttrs(context.Background(), slog.LevelInfo, "request", attributes...)
}

// recorder knows what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	cut    bool // of unknown length
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status != http.StatusContinue {
		r.status, r.cut = status, r.Header().Get("Content-Length") == ""
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap is for an http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// model answers what is about a model.
func (q *request) model() error {
	if err := q.parsePath(); err != nil {
		return err
	}
	if rest, isSession := strings.CutPrefix(q.rest, "/sessions/"); isSession {
		q.protocol, q.method, q.rest = "rnnbin", "session", rest
		return q.session()
	}
	q.method = strings.TrimLeft(q.rest, ":/")
	switch q.verb() + " " + q.rest {
	case "GET ":
		q.method = "status"
		return q.status()
	case "GET /metadata":
		return q.metadata()
	case "POST :predict":
		return q.predict()
	case "POST :label":
		q.protocol = "rnnbin"
		return q.labelFile()
	case "POST :stream":
		q.protocol = "rnnbin"
		return q.streamLines()
	case "POST :classify", "POST :regress":
		return engine.Errorf(engine.Invalid, "Expected a signature with the method_name tensorflow/serving%s. Was: tensorflow/serving/predict, for which there is :predict", strings.Replace(q.rest, ":", "/", 1))
	case "GET :stream":
		q.protocol = "rnnbin"
		return q.socket()
	}
	q.method = "" // of which there are any number
	return q.malformed()
}

// Serve answers the requests of a listener until ctx ends, and then those that have begun.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.options.Timeout,
		ReadTimeout:       s.options.Timeout,
		WriteTimeout:      2 * s.options.Timeout, // it begins with the header
		IdleTimeout:       s.options.Idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn),
	}
	l = netutil.LimitListener(l, s.options.MaxConnections)
	if s.options.TLS != nil {
		h.TLSConfig = s.options.TLS
		l = tls.NewListener(l, s.options.TLS)
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.end()
	_ = l.Close() // no other connections
	time.Sleep(farewell)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
	defer cancel()
	err := h.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("requests took longer than --grace %v to end: %w", s.options.Grace, h.Close())
	}
	return err
}
