// Package rpc serves models over gRPC: TensorFlow Serving's PredictionService and ModelService,
// the Open Inference Protocol, streams that keep their state, health and reflection.
//
//	err := rpc.New(registry, rpc.Options{MaxMessage: 1 << 20}).Serve(ctx, listener)
package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// Options are how models are served.
type Options struct {
	Version string // of the program

	MaxMessage     int           // --max-body: bytes of a message from a client
	MaxConnections int           // --max-connections
	Timeout        time.Duration // --timeout: for a call to be answered, but for streams; for a connection to be made
	Idle           time.Duration // for a connection without calls
	Grace          time.Duration // --grace: how long calls may take that have begun when the server is to end

	TLS    *tls.Config                     // nil for none
	Allows func(authorization string) bool // whether that header lets a client in; nil for all
	Log    *slog.Logger                    // of calls and panics; nil for none
}

const (
	maxCalls      = 1024        // at the same time, of a connection
	streamWorkers = 64          // goroutines that answer call after call: their stacks need not grow for each
	windowSize    = 1 << 20     // bytes that a client may send ahead; a size that adapts would ask each client for its round trip, again and again
	pingsApart    = time.Second // of clients that keep a quiet stream's connection alive, at least; more end it
)

// Server answers calls with the models of a registry.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
	*server
}

// server has the methods of the services.
type server struct {
	registry *engine.Registry
	options  Options
	single   map[string]bool // methods that take one message and give one
	ending   context.Context // ends when streams are to
	end      context.CancelFunc
}

// New returns a Server. The registry stays the caller's to close.
func New(r *engine.Registry, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{registry: r, options: o, single: map[string]bool{}}
	s.ending, s.end = context.WithCancel(context.Background())
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(o.MaxMessage),
		grpc.MaxConcurrentStreams(maxCalls),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: o.Idle, Time: time.Minute}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingsApart, PermitWithoutStream: true}),
		grpc.ConnectionTimeout(o.Timeout),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.StaticStreamWindowSize(windowSize), grpc.StaticConnWindowSize(windowSize),
		grpc.InTapHandle(s.begin),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
	}
	secure := insecure.NewCredentials()
	if o.TLS != nil {
		secure = credentials.NewTLS(o.TLS)
	}
	options = append(options, grpc.Creds(counting{secure, r}))
	g := &Server{grpc.NewServer(options...), health.NewServer(), s}
	for _, d := range []*grpc.ServiceDesc{&predictionService, &modelService, &inferenceService, &streamService} {
		g.grpc.RegisterService(d, s)
		g.health.SetServingStatus(d.ServiceName, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(g.grpc, g.health)
	reflection.Register(g.grpc)
	for service, info := range g.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			s.single["/"+service+"/"+m.Name] = !m.IsClientStream && !m.IsServerStream
		}
	}
	return g
}

// Serve answers the calls of a listener until ctx ends, and then those that have begun.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(netutil.LimitListener(l, s.options.MaxConnections)) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.health.Shutdown()
	s.end()
	slow := time.AfterFunc(s.options.Grace, s.grpc.Stop)
	s.grpc.GracefulStop()
	if !slow.Stop() {
		return fmt.Errorf("calls took longer than --grace %v to end", s.options.Grace)
	}
	return <-failed
}

// called is the record of a call for the observer and the log; its method adds the model.
type called struct{ engine.Request }

type calledKey struct{}

// about records the model and the version that a call is for, 0 until there is known to be such a one.
func about(ctx context.Context, name string, version int64) {
	c := ctx.Value(calledKey{}).(*called)
	c.Name, c.Version = name, version
}

// cutKey is of what ends a stream of messages that waits for its client, who may be told no more than Canceled.
type cutKey struct{}

// begin limits how long a call may take from its header on: clients may send slowly.
func (s *server) begin(ctx context.Context, i *tap.Info) (context.Context, error) {
	if s.single[i.FullMethodName] {
		limited, cancel := context.WithTimeout(ctx, s.options.Timeout)
		_ = cancel // ctx ends with the call
		return limited, nil
	}
	ctx, cut := context.WithCancelCause(ctx)
	return context.WithValue(ctx, cutKey{}, cut), nil
}

func (s *server) unary(ctx context.Context, q any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	err = s.call(ctx, info.FullMethod, func(ctx context.Context) error {
		return s.holding(arrivingOf(ctx), q.(proto.Message), func() error {
			answer, err = handle(ctx, q)
			return err
		})
	})
	return answer, err
}

// holding answers a message, which has arrived, unless there are too many bytes of others.
func (s *server) holding(from *arriving, q proto.Message, answer func() error) error {
	n := proto.Size(q)
	_ = from.count(-n - overhead)
	if err := s.registry.Hold(n); err != nil {
		return err
	}
	defer s.registry.Drop(n)
	return answer()
}

func (s *server) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return s.call(stream.Context(), info.FullMethod, func(ctx context.Context) error {
		return handle(service, inContext{stream, ctx})
	})
}

// inContext is a stream with another context.
type inContext struct {
	grpc.ServerStream
	ctx context.Context
}

func (s inContext) Context() context.Context { return s.ctx }

// call does what every call has in common.
func (s *server) call(ctx context.Context, method string, handle func(context.Context) error) (err error) {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	c := &called{engine.Request{Protocol: service, Method: name}}
	begun := time.Now()
	defer func() {
		err = statusOf(err)
		c.Code, c.Took = status.Code(err).String(), time.Since(begun)
		s.tell(ctx, c, err)
	}()
	ctx = context.WithValue(ctx, calledKey{}, c)
	return s.safely(ctx, func() error {
		if !s.lets(ctx, service) {
			return status.Error(codes.Unauthenticated, "the token is missing or wrong: authorization: Bearer TOKEN")
		}
		return handle(ctx)
	})
}

// safely makes an error of a panic.
func (s *server) safely(ctx context.Context, f func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = status.Error(codes.Internal, "internal error")
			c := ctx.Value(calledKey{}).(*called)
			s.options.Log.Error("panic", "path", "/"+c.Protocol+"/"+c.Method, "value", fmt.Sprint(what), "stack", string(debug.Stack()))
		}
	}()
	return f()
}

// tell reports a call to the observer and the log.
func (s *server) tell(ctx context.Context, c *called, err error) {
	s.registry.Asked(c.Request)
	if !s.options.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attributes := []slog.Attr{slog.String("path", c.Protocol+"/"+c.Method), slog.String("code", c.Code), slog.Duration("took", c.Took)}
	if from, ok := peer.FromContext(ctx); ok {
		attributes = append(attributes, slog.String("remote", from.Addr.String()))
	}
	if c.Name != "" {
		attributes = append(attributes, slog.String("model", c.Name), slog.Int64("version", c.Version))
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	s.options.Log.LogAttrs(ctx, slog.LevelInfo, "request", attributes...)
}

// lets reports whether a client may call a service. Whether the server is well is no secret.
func (s *server) lets(ctx context.Context, service string) bool {
	if s.options.Allows == nil || service == healthpb.Health_ServiceDesc.ServiceName {
		return true
	}
	given := append(metadata.ValueFromIncomingContext(ctx, "authorization"), "")
	return len(given) <= 2 && s.options.Allows(given[0])
}

var codeOf = map[engine.Kind]codes.Code{
	engine.Internal:    codes.Internal,
	engine.Invalid:     codes.InvalidArgument,
	engine.NotFound:    codes.NotFound,
	engine.Unavailable: codes.Unavailable,
	engine.Exhausted:   codes.ResourceExhausted,
	engine.Deadline:    codes.DeadlineExceeded,
	engine.Canceled:    codes.Canceled,
}

// statusOf is an error as clients get it.
func statusOf(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	s := status.New(codeOf[engine.KindOf(err)], err.Error())
	var e *engine.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}); err == nil {
			s = detailed
		}
	}
	return s.Err()
}

// acquire returns a version of a model, and records it for the observer and the log.
func (s *server) acquire(ctx context.Context, name string, w engine.Which) (*engine.Handle, error) {
	about(ctx, name, 0)
	h, err := s.registry.Acquire(name, w)
	if err != nil {
		return nil, err
	}
	about(ctx, name, h.Version())
	return h, nil
}
