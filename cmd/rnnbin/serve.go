package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/rpc"
	"github.com/rnnbin/rnnbin/cmd/internal/serve"
	"github.com/rnnbin/rnnbin/cmd/internal/serve/page"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	engine   engine.Options
	http     serve.Options
	listen   string
	grpc     string // address, too
	versions []string
	quiet    bool
	check    bool

	token, certificate, key, clients string // files
	log                              string // file
}

func (o *serveOptions) addFlags(f *pflag.FlagSet) {
	o.engine, o.http = engine.DefaultOptions(), serve.DefaultOptions()
	o.listen, o.grpc = "127.0.0.1:8501", "127.0.0.1:8500"
	addGroup(f, "Models", o.addModelFlags)
	addGroup(f, "Requests", o.addRequestFlags)
	addGroup(f, "Access", o.addAccessFlags)
	addGroup(f, "Running", o.addRunFlags)
}

func (o *serveOptions) addModelFlags(f *pflag.FlagSet) {
	addFlag(f, "versions", &o.versions, "versions to serve beside the newest of a model: `NAME:3`, or NAME:stable=3 to give one a label")
	addFlag(f, "poll", &o.engine.Poll, "look for new versions every `duration`; 0: never")
}

func (o *serveOptions) addRequestFlags(f *pflag.FlagSet) {
	addFlag(f, "max-batch", &o.engine.MaxBatch, "label up to `n` series, or rows of streams, of waiting requests together")
	addFlag(f, "max-wait", &o.engine.MaxWait, "let a request wait this `duration` for others; 0: those that come while others are\nlabelled are labelled together next")
	addFlag(f, "max-queue", &o.engine.MaxQueue, "refuse requests (429) while `n` wait for a model")
	addFlag(f, "max-rows", &o.engine.MaxRows, "refuse requests of more than `n` rows")
	addFlag(f, "max-body", &o.http.MaxBody, "refuse requests (413) of more than `n` bytes, also when decompressed")
	addFlag(f, "max-bytes", &o.engine.MaxBytes, "refuse requests (429) while the bodies of others take up `n` bytes")
	addFlag(f, "max-streams", &o.engine.MaxStreams, "keep at most `n` streams, with sessions, open")
	addFlag(f, "session-ttl", &o.engine.SessionTTL, "forget a session that was not used for this `duration`")
	addFlag(f, "timeout", &o.http.Timeout, "give a request this `duration` to arrive and to be answered, a stream for each row")
}

func (o *serveOptions) addAccessFlags(f *pflag.FlagSet) {
	addFlag(f, "listen", &o.listen, "`address` to listen at: HOST:PORT, :PORT for all interfaces; port 0 for any that is free")
	addFlag(f, "grpc-listen", &o.grpc, "`address` to listen at for gRPC; none for no gRPC")
	addFlag(f, "token-file", &o.token, "ask for the token in `file`: Authorization: Bearer TOKEN; read again when it changes")
	addFlag(f, "tls-cert", &o.certificate, "speak TLS with the certificate in `file`, which is read again when it changes")
	addFlag(f, "tls-key", &o.key, "key of --tls-cert, a `file`")
	addFlag(f, "tls-clients", &o.clients, "ask for certificates of clients, signed by one in `file`")
	addFlag(f, "max-connections", &o.http.MaxConnections, "have at most `n` connections of each protocol, and of HTTP half as many as files may be open,\nof gRPC two fifths; more wait")
}

func (o *serveOptions) addRunFlags(f *pflag.FlagSet) {
	addFlag(f, "grace", &o.http.Grace, "after SIGTERM, give requests that have begun this `duration` to end")
	addFlag(f, "access-log", &o.log, "append a JSON object for each request to `file`; - for standard error")
	addFlag(f, "pprof", &o.http.Pprof, "serve profiles of the program at /debug/pprof/")
	addFlag(f, "check", &o.check, "serve nothing: fail unless the server at --listen is ready; with --tls-cert over TLS,\nshown as the client's certificate where there is --tls-key")
	addFlag(f, "quiet", &o.quiet, "print errors alone: not which versions are served")
	addFlag(f, "threads", &o.engine.Machine.Threads, "`n` threads for each call of the network; 0: by its size")
	o.engine.Machine.Form, o.engine.Machine.InstructionSet = graph.FormAuto, graph.InstructionSetAuto
	addFormFlags(f, &o.engine.Machine.Form, &o.engine.Machine.InstructionSet)
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [NAME=]MODEL...",
		Short: "Serve trained models over HTTP and gRPC",
		Long: `Label series for programs that ask over HTTP or gRPC, with trained models.

MODEL is a model folder, or a folder of model folders called 1, 2 and so on, such as runs,
which train makes: the newest is served, and a newer one takes its place as soon as it is
there, without a lost request. NAME is what requests call it, by default the folder's name;
for runs/latest and runs/3 it is runs.

TensorFlow Serving's clients work as they are. A model is fed one tensor, series, of the
shape [batch, steps, features], as measured; it gives probabilities [batch, steps, classes]
and labels [batch, steps]. With one feature [batch, steps] will do:

  curl localhost:8501/v1/models/heart:predict -d '{"instances": [[0.1, 0.3, 0.2]]}'
  curl localhost:8501/v1/models/heart            status of its versions
  curl localhost:8501/v1/models/heart/metadata   its tensors, and what is known of it

gRPC is for clients of TensorFlow Serving (PredictionService, ModelService) and of the Open
Inference Protocol, which Triton and KServe speak; rnnbin.v1.StreamService labels rows as they
arrive. The server describes all of it by reflection, and answers health checks.

Series of different lengths come padded, with how many steps of each count: the signature lengths
takes {"series": [...], "lengths": 3}, as an exported model's does.

With "session": "some name" in a request, its rows follow those of the session's requests
before, and its answers are those that are known now; "end": true ends it.

Values are filled, scaled and cut into windows as predict does; what predict would refuse
(wrong features, values that are not finite) is refused with 400 and where it is.

Requests that wait at the same time are labelled together. Answers do not depend on it but
for rounding. Where too much waits, requests are refused at once: 429, with Retry-After.

The Open Inference Protocol (KServe, Triton) is spoken at /v2, with binary tensors and sequences.
What both lack is here too: files of rows with their labels, or with their events, and streams:

  curl localhost:8501/v1/models/heart:label --data-binary @minute5.csv
  curl 'localhost:8501/v1/models/heart:label?events=1&merge-gap=20' --data-binary @minute5.csv
  tail -f rows.jsonl | curl -sNT . -X POST localhost:8501/v1/models/heart:stream

A stream takes a row a line, an object of the features or a list of them, and says a line for
each answer as soon as predict --follow would; {"end": true} ends the series. ?events=1 adds
events as they end, ?probabilities=1 those of all classes. A WebSocket at the same address
says the same.

/openapi.json describes all requests, /metrics counts for Prometheus, /healthz answers when the
server runs, /readyz when it takes requests. SIGTERM has it take no more, answer those that
have begun, and end.

Only programs on this machine can connect, unless --listen names another address: then see
--token-file and --tls-cert.`,
		Example: `  rnnbin serve runs
  rnnbin serve heart=runs/latest pumps=/models/pumps --listen :8501
  rnnbin serve heart=runs --versions heart:stable=3,heart:4 --max-wait 2ms`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runServe(cmd.Context(), o, args, unlessQuiet(o.quiet, cmd.ErrOrStderr()))
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// ballast is bytes that are never touched, and so take no memory, but count as the heap's: the garbage collector
// would run many times a second for what requests leave behind.
const ballast = 64 << 20

func runServe(ctx context.Context, o serveOptions, args []string, errOut io.Writer) error {
	if o.check {
		return o.isReady(ctx)
	}
	sources, err := o.sources(args)
	if err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.secure(); err != nil {
		return err
	}
	close, err := o.openLog(errOut)
	if err != nil {
		return err
	}
	defer close()
	o.http.Metrics = serve.NewMetrics()
	o.engine.Observer = serveLog{o.http.Metrics, errOut}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return flagf("listen", "%w", err)
	}
	defer l.Close()
	g, err := o.listenGRPC()
	if err != nil {
		return flagf("grpc-listen", "%w", err)
	}
	if g != nil {
		defer g.Close()
	}
	r, err := engine.Open(ctx, o.engine, sources...)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(make([]byte, ballast))
	endingOf(ctx).keep.Store(true) // --grace is how long requests may take
	o.http.Version, o.http.Page = programVersion(), page.Handler()
	o.http.MaxConnections = min(o.http.MaxConnections, openFiles()/2) // a tenth remains for versions, and for rows to label
	all, serving := errgroup.WithContext(ctx)
	scheme := "http"
	if o.http.TLS != nil {
		scheme = "https"
	}
	fmt.Fprintf(errOut, "rnnbin: ready: %s://%s", scheme, l.Addr())
	all.Go(func() error { return serve.New(r, o.http).Serve(serving, l) })
	if g != nil {
		fmt.Fprintf(errOut, ", grpc://%s", g.Addr())
		all.Go(func() error { return rpc.New(r, o.rpc()).Serve(serving, g) })
	}
	fmt.Fprintln(errOut)
	err = all.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.http.Grace)
	defer cancel()
	return errors.Join(err, r.Close(closing))
}

// isReady asks the server that these flags start whether it is ready.
func (o *serveOptions) isReady(ctx context.Context) error {
	host, port, err := net.SplitHostPort(o.listen)
	if err != nil {
		return flagf("listen", "%w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	at := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/readyz"}
	// the certificate is for the name that others know the server by
	secure := &tls.Config{InsecureSkipVerify: true}
	if o.certificate != "" {
		at.Scheme = "https"
	}
	if o.key != "" {
		own, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return flagf("tls-cert", "%w", err)
		}
		secure.Certificates = []tls.Certificate{own}
	}
	ctx, cancel := context.WithTimeout(ctx, o.http.Timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return flagf("listen", "%w", err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: secure}}
	r, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s answers %s", at.String(), r.Status)
	}
	return nil
}

// openFiles are how many files the process may have open.
func openFiles() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxInt32
	}
	return int(min(limit.Cur, math.MaxInt32))
}

// listenGRPC is where gRPC is served, nil for none.
func (o *serveOptions) listenGRPC() (net.Listener, error) {
	if o.grpc == "none" {
		return nil, nil
	}
	return net.Listen("tcp", o.grpc)
}

// rpc are the options of gRPC: those of HTTP.
func (o *serveOptions) rpc() rpc.Options {
	h := o.http
	return rpc.Options{
		Version: h.Version, MaxMessage: int(min(h.MaxBody, math.MaxInt)), MaxConnections: min(h.MaxConnections, openFiles()*2/5), Timeout: h.Timeout, Idle: h.Idle, Grace: h.Grace,
		TLS: h.TLS, Allows: h.Token.Allows, Log: h.Log,
	}
}

// validate names the flag of a value that is impossible.
func (o *serveOptions) validate() error {
	if o.engine.MaxBytes < o.http.MaxBody {
		return usagef("max-bytes", "must be at least --max-body, %d, not %d", o.http.MaxBody, o.engine.MaxBytes)
	}
	for _, err := range []error{o.engine.Validate(), o.http.Validate()} {
		var option *engine.OptionError
		switch {
		case errors.As(err, &option):
			return usagef(option.Flag, "%s", option.Reason)
		case err != nil:
			return asUsage(err)
		}
	}
	return nil
}

// secure reads the token and the certificates.
func (o *serveOptions) secure() (err error) {
	if o.token != "" {
		if o.http.Token, err = serve.NewToken(o.token); err != nil {
			return flagf("token-file", "%w", err)
		}
	}
	switch {
	case o.certificate == "" && o.key == "" && o.clients == "":
		return nil
	case o.certificate == "":
		return usageError{errors.New("--tls-key and --tls-clients need --tls-cert")}
	case o.key == "":
		return usagef("tls-cert", "needs --tls-key")
	}
	if o.http.TLS, err = serve.NewTLS(o.certificate, o.key, o.clients); err != nil {
		return flagf("tls-cert", "%w", err)
	}
	return nil
}

// openLog opens the log of requests. Close it.
func (o *serveOptions) openLog(errOut io.Writer) (close func() error, err error) {
	switch o.log {
	case "":
		return func() error { return nil }, nil
	case table.Stdin:
		o.http.Log = slog.New(slog.NewJSONHandler(errOut, nil))
		return func() error { return nil }, nil
	}
	file, err := os.OpenFile(o.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, flagf("access-log", "%w", err)
	}
	o.http.Log = slog.New(slog.NewJSONHandler(file, nil))
	return file.Close, nil
}

// sources are the models of the arguments, with the versions of --versions.
func (o *serveOptions) sources(args []string) ([]engine.Source, error) {
	if len(args) == 0 {
		return nil, usageError{errors.New("name a model folder to serve")}
	}
	var all []engine.Source
	for _, arg := range args {
		s, err := newSource(arg)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.Name == s.Name {
				return nil, usageError{fmt.Errorf("two models are called %q: give one another name, as in NAME=%s", s.Name, s.Path)}
			}
		}
		all = append(all, s)
	}
	for _, text := range o.versions {
		if err := addVersion(all, text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// modelName is what a model may be called: it is part of addresses.
var modelName = regexp.MustCompile(`^[^/:\s]+$`)

// newSource is the model of an argument.
func newSource(arg string) (engine.Source, error) {
	name, path, named := strings.Cut(arg, "=")
	if !named {
		path = arg
		name = nameOf(path)
	}
	if !modelName.MatchString(name) {
		return engine.Source{}, usageError{fmt.Errorf("%q cannot be the name of a model: no slashes, colons and spaces", name)}
	}
	return engine.Source{Name: name, Path: path, Labels: map[string]int64{}}, nil
}

// nameOf is the name of a model without one: that of its folder, or of the folder that this is a
// version in.
func nameOf(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	name := filepath.Base(path)
	if _, err := strconv.Atoi(name); err == nil || name == "latest" {
		return filepath.Base(filepath.Dir(path))
	}
	return name
}

// addVersion adds a value of --versions.
func addVersion(all []engine.Source, text string) error {
	name, version, found := strings.Cut(text, ":")
	label, number, labelled := strings.Cut(version, "=")
	if !labelled {
		label, number = "", version
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || n < 1 || labelled && label == "" {
		return usagef("versions", "must be like NAME:3 or NAME:stable=3, not %q", text)
	}
	for i := range all {
		if all[i].Name != name {
			continue
		}
		if labelled {
			all[i].Labels[label] = n
		} else {
			all[i].Versions = append(all[i].Versions, n)
		}
		return nil
	}
	return usagef("versions", "names the model %q, and there is none of that name", name)
}

// serveLog also prints what becomes of versions.
type serveLog struct {
	engine.Observer
	out io.Writer
}

func (l serveLog) Loaded(name string, version int64, took time.Duration, err error) {
	l.Observer.Loaded(name, version, took, err)
	if err != nil {
		fmt.Fprintf(l.out, "rnnbin: warning: %s version %d is not served: %v\n", name, version, err)
		return
	}
	fmt.Fprintf(l.out, "rnnbin: serving %s version %d (loaded in %v)\n", name, version, took.Round(time.Millisecond))
}

func (l serveLog) Unloaded(name string, version int64) {
	l.Observer.Unloaded(name, version)
	fmt.Fprintf(l.out, "rnnbin: %s version %d has gone\n", name, version)
}
