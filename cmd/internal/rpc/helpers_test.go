package rpc

import (
	"cmp"
	"context"
	"crypto/tls"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/label"
)

var ctx = context.Background()

// served is a server of model m, and a connection to it.
type served struct {
	*grpc.ClientConn
	registry *engine.Registry
	stop     context.CancelFunc
	done     chan error   // what Serve returns
	model    *label.Model // the same, by itself
	address  string
}

func serve(t *testing.T, spec modeltest.Spec, o Options) *served {
	t.Helper()
	dir := t.TempDir()
	modeltest.Write(t, dir, spec)
	return serveAt(t, dir, engine.DefaultOptions(), o)
}

// serveAt serves a folder.
func serveAt(t *testing.T, dir string, e engine.Options, o Options) *served {
	t.Helper()
	e.Poll = 0
	r, err := engine.Open(ctx, e, engine.Source{Name: "m", Path: dir, Labels: nil})
	check(t, err)
	t.Cleanup(func() { check(t, r.Close(ctx)) })
	m, err := label.Open(dir)
	if err == nil { // else it is a folder of versions
		t.Cleanup(func() { m.Close() })
	}
	o.MaxMessage = cmp.Or(o.MaxMessage, 1<<20)
	o.Timeout, o.Grace, o.MaxConnections = cmp.Or(o.Timeout, time.Minute), cmp.Or(o.Grace, time.Minute), cmp.Or(o.MaxConnections, 100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- New(r, o).Serve(serving, l)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		check(t, <-done)
	})
	client := insecure.NewCredentials()
	if o.TLS != nil {
		client = credentials.NewTLS(&tls.Config{RootCAs: o.TLS.RootCAs, ServerName: "localhost"})
	}
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(client))
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return &served{conn, r, stop, done, m, l.Addr().String()}
}

// want are the model's own answers to each of the series.
func (s *served) want(t *testing.T, series ...[]float32) label.Answers {
	t.Helper()
	var all []label.Series
	for _, x := range series {
		all = append(all, label.Series{Values: x})
	}
	a, err := s.model.Label(ctx, all...)
	check(t, err)
	return a
}

// names are the classes of answers.
func (s *served) names(a label.Answers) (names []string) {
	for _, class := range a.Class {
		names = append(names, s.model.Class(class))
	}
	return names
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless err has the code, and the text in its message.
func wantError(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if err == nil || status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), text) {
		t.Errorf("%v, want %v with %q", err, code, text)
	}
}

// near fails unless probabilities agree to rounding.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%s: %d probabilities, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-6) {
			t.Fatalf("%s: probability %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// same fails unless lists are equal.
func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// call calls a method.
func call[A any](s *served, method string, q any) (*A, error) {
	return callIn[A](ctx, s, method, q)
}

func callIn[A any](ctx context.Context, s *served, method string, q any) (*A, error) {
	a := new(A)
	return a, s.Invoke(ctx, method, q, a)
}

// texts are the elements of a tensor of text.
func texts(all [][]byte) []string {
	text := make([]string, len(all))
	for i, b := range all {
		text[i] = string(b)
	}
	return text
}
