// Package rpc serves models over gRPC: TensorFlow Serving's PredictionService and ModelService,
// the Open Inference Protocol, streams that keep their state, health and reflection.
//
//	s := rpc.New(registry, rpc.Options{})
//	go s.Serve(listener)
//	defer s.Shutdown(ctx)
package rpc

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// Options are how models are served.
type Options struct {
	Version    string        // of the program
	MaxMessage int           // --max-body: bytes of a message from a client
	Idle       time.Duration // for a connection without calls; 0 for ever
	TLS        *tls.Config   // nil for none
	Token      func() string // that calls have to bear; nil or "" for none
	Log        *slog.Logger  // of calls and panics; nil for none
}

// maxCalls is how many calls one connection may have at the same time.
const maxCalls = 1024

// Server serves models.
type Server struct {
	*grpc.Server
	health *health.Server
}

type server struct {
	registry *engine.Registry
	options  Options
}

// New is a server of the models of a registry.
func New(r *engine.Registry, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{r, o}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(o.MaxMessage),
		grpc.MaxConcurrentStreams(maxCalls),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: o.Idle}),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
	}
	if o.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(o.TLS)))
	}
	g := &Server{grpc.NewServer(options...), health.NewServer()}
	for _, d := range []*grpc.ServiceDesc{&predictionService, &modelService, &inferenceService, &streamService} {
		g.RegisterService(d, s)
		g.health.SetServingStatus(d.ServiceName, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(g, g.health)
	reflection.Register(g)
	return g
}

// Shutdown takes no more calls, and waits until those that there are have been answered, or ctx ends.
func (s *Server) Shutdown(ctx context.Context) {
	s.health.Shutdown()
	defer context.AfterFunc(ctx, s.Stop)()
	s.GracefulStop()
}

// called is what is to be told of a call, which its method adds to.
type called struct{ engine.Request }

type calledKey struct{}

// about tells of which model and version a call is.
func about(ctx context.Context, name string, version int64) {
	c := ctx.Value(calledKey{}).(*called)
	c.Name, c.Version = name, version
}

func (s *server) unary(ctx context.Context, q any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	err = s.call(ctx, info.FullMethod, func(ctx context.Context) error {
		answer, err = handle(ctx, q)
		return err
	})
	return answer, err
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
		if what := recover(); what != nil {
			err = status.Error(codes.Internal, "internal error")
			s.options.Log.Error("panic", "path", method, "value", fmt.Sprint(what), "stack", string(debug.Stack()))
		}
		err = statusOf(err)
		c.Code, c.Took = status.Code(err).String(), time.Since(begun)
		s.tell(ctx, c, err)
	}()
	if !s.lets(ctx, service) {
		return status.Error(codes.Unauthenticated, "the token is missing or wrong: authorization: Bearer TOKEN")
	}
	return handle(context.WithValue(ctx, calledKey{}, c))
}

// tell tells the observer and the log of a call.
func (s *server) tell(ctx context.Context, c *called, err error) {
	s.registry.Asked(c.Request)
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
	token := ""
	if s.options.Token != nil {
		token = s.options.Token()
	}
	if token == "" || service == healthpb.Health_ServiceDesc.ServiceName {
		return true
	}
	given := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(given) != 1 {
		return false
	}
	scheme, bearer, _ := strings.Cut(given[0], " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(bearer)), []byte(token)) == 1
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

// acquire returns a version of a model, and tells of it.
func (s *server) acquire(ctx context.Context, name string, w engine.Which) (*engine.Handle, error) {
	about(ctx, name, w.Version)
	h, err := s.registry.Acquire(name, w)
	if err != nil {
		return nil, err
	}
	about(ctx, name, h.Version())
	return h, nil
}
