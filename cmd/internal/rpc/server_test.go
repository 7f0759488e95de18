package rpc

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log/slog"
	"math/big"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	serving "github.com/wamuir/graft/tensorflow/serving/apis_go_proto"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	pb "github.com/rnnbin/rnnbin/cmd/internal/rpc/inferencepb"
	"github.com/rnnbin/rnnbin/cmd/internal/rpc/streampb"
)

const healthMethod = "/grpc.health.v1.Health/Check"

func TestHealth(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	for _, service := range []string{"", "tensorflow.serving.PredictionService", "inference.GRPCInferenceService", "rnnbin.v1.StreamService"} {
		a, err := call[healthpb.HealthCheckResponse](s, healthMethod, &healthpb.HealthCheckRequest{Service: service})
		check(t, err)
		if a.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("service %q is %v", service, a.Status)
		}
	}
	_, err := call[healthpb.HealthCheckResponse](s, healthMethod, &healthpb.HealthCheckRequest{Service: "m"})
	wantError(t, err, codes.NotFound, "unknown service")
}

// Tools such as grpcurl find every method, and the messages that it takes and gives.
func TestReflection(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	stream, err := reflectionpb.NewServerReflectionClient(s).ServerReflectionInfo(ctx)
	check(t, err)
	for service, methods := range map[string][]string{
		"tensorflow.serving.PredictionService": {"Predict", "GetModelMetadata"},
		"tensorflow.serving.ModelService":      {"GetModelStatus"},
		"inference.GRPCInferenceService":       {"ServerLive", "ModelInfer", "ModelStreamInfer"},
		"rnnbin.v1.StreamService":              {"Label"},
	} {
		check(t, stream.Send(&reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
		}))
		a, err := stream.Recv()
		check(t, err)
		var found []string
		for _, text := range a.GetFileDescriptorResponse().GetFileDescriptorProto() {
			file := new(descriptorpb.FileDescriptorProto)
			check(t, proto.Unmarshal(text, file))
			for _, d := range file.Service {
				for _, m := range d.Method {
					found = append(found, m.GetName())
				}
			}
		}
		for _, name := range methods {
			if !slices.Contains(found, name) {
				t.Errorf("%s: found %q, not %s", service, found, name)
			}
		}
	}
	check(t, stream.CloseSend())
}

func TestToken(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{Allows: func(header string) bool { return header == "Bearer secret" }})
	live := func(headers ...string) error {
		_, err := callIn[pb.ServerLiveResponse](metadata.AppendToOutgoingContext(ctx, headers...), s, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest))
		return err
	}
	for _, headers := range [][]string{nil, {"authorization", "Bearer other"}, {"authorization", "secret"}, {"authorization", "Bearer secret", "authorization", "Bearer secret"}} {
		wantError(t, live(headers...), codes.Unauthenticated, "the token is missing or wrong")
	}
	check(t, live("authorization", "Bearer secret"))
	if _, err := s.label(t).Recv(); err == nil {
		t.Error("a stream needs no token")
	} else {
		wantError(t, err, codes.Unauthenticated, "the token is missing or wrong")
	}
	if _, err := call[healthpb.HealthCheckResponse](s, healthMethod, new(healthpb.HealthCheckRequest)); err != nil {
		t.Error("health needs a token:", err)
	}
}

// selfSigned is a certificate for localhost, and what trusts it.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(cryptorand.Reader, template, template, &key.PublicKey, key)
	check(t, err)
	parsed, err := x509.ParseCertificate(der)
	check(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: roots}
}

func TestTLS(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{TLS: selfSigned(t)})
	_, err := call[pb.ServerLiveResponse](s, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest))
	check(t, err)
	plain, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(t, err)
	defer plain.Close()
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := plain.Invoke(soon, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest), new(pb.ServerLiveResponse)); err == nil {
		t.Error("it is served without TLS, too")
	}
}

func TestMessagesAreLimited(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{MaxMessage: 10_000})
	big := predictRequest("", inputs{"series": series32(modeltest.Rows(1, 2000), 1, 2000, 2)})
	_, err := call[serving.PredictResponse](s, predictMethod, big)
	wantError(t, err, codes.ResourceExhausted, "larger than max")
	_, err = call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(modeltest.Rows(1, 1000), 1, 1000, 2)}))
	check(t, err)
}

// A message that does not come is not waited for.
func TestSlowMessages(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{Timeout: 100 * time.Millisecond})
	for _, method := range []string{predictMethod, inferenceMethods + "ModelInfer", healthMethod} {
		soon, cancel := context.WithTimeout(ctx, 20*time.Second)
		c, err := s.NewStream(soon, &grpc.StreamDesc{ClientStreams: true}, method)
		check(t, err)
		err = c.RecvMsg(new(serving.PredictResponse))
		wantError(t, err, codes.DeadlineExceeded, "")
		if soon.Err() != nil {
			t.Errorf("%s: %v", method, err)
		}
		cancel()
	}
}

// Messages that are not whole count among the bytes of all, until their connection ends.
func TestUnfinishedMessages(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	e := engine.DefaultOptions()
	e.MaxBytes = 4 << 20
	for name, o := range map[string]Options{"plain": {}, "TLS": {TLS: selfSigned(t)}} {
		s := serveAt(t, dir, e, o)
		var all []net.Conn
		refused := make(chan error, 8)
		for range cap(refused) {
			c, err := net.Dial("tcp", s.address)
			check(t, err)
			if o.TLS != nil {
				c = tls.Client(c, &tls.Config{RootCAs: o.TLS.RootCAs, ServerName: "localhost", NextProtos: []string{"h2"}})
			}
			all = append(all, c)
			_, err = io.WriteString(c, http2.ClientPreface)
			check(t, err)
			f := http2.NewFramer(c, nil)
			check(t, f.WriteSettings())
			var header bytes.Buffer
			h := hpack.NewEncoder(&header)
			for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", predictMethod}, {":authority", "a"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
				check(t, h.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
			}
			check(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header.Bytes(), EndHeaders: true}))
			check(t, f.WriteData(1, false, binary.BigEndian.AppendUint32([]byte{0}, 1_000_000)))
			go func() {
				for range 60 {
					_ = f.WriteData(1, false, make([]byte, 1<<14))
				}
			}()
			go func() {
				_, err := io.Copy(io.Discard, c)
				refused <- err
			}()
		}
		<-refused // the others may remain
		if got := s.registry.Hold(4 << 20); got == nil {
			t.Errorf("%s: messages that arrive do not count", name)
		}
		for _, c := range all {
			c.Close()
		}
		for { // until the server knows
			_, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(modeltest.Rows(1, 3), 1, 3, 2)}))
			if err == nil {
				break
			}
			if code := status.Code(err); code != codes.ResourceExhausted && code != codes.Unavailable {
				t.Fatal(err)
			}
		}
	}
}

// A client may keep its connection alive.
func TestPings(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	c, err := net.Dial("tcp", s.address)
	check(t, err)
	defer c.Close()
	_, err = io.WriteString(c, http2.ClientPreface)
	check(t, err)
	f := http2.NewFramer(c, c)
	check(t, f.WriteSettings())
	check(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	for n := range byte(5) {
		time.Sleep(pingsApart + pingsApart/10)
		check(t, f.WritePing(false, [8]byte{n}))
		for answered := false; !answered; {
			frame, err := f.ReadFrame()
			check(t, err)
			if g, ok := frame.(*http2.GoAwayFrame); ok {
				t.Fatalf("ping %d: %v %s", n, g.ErrCode, g.DebugData())
			}
			p, ok := frame.(*http2.PingFrame)
			answered = ok && p.IsAck() && p.Data[0] == n
		}
	}
}

// Connections without calls cost little, and keep nobody waiting.
func TestIdleConnections(t *testing.T) {
	for _, say := range []string{"", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
		s := serve(t, modeltest.Spec{}, Options{MaxConnections: 20_000})
		modeltest.Idle(t, s.address, say, 100_000, func() error {
			_, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(modeltest.Rows(1, 3), 1, 3, 2)}))
			return err
		})
	}
}

// repeated is a message of so many blocks of zeros.
type repeated struct{ block, times int }

func (repeated) Name() string { return "proto" }

func (r repeated) Marshal(any) (mem.BufferSlice, error) {
	return slices.Repeat(mem.BufferSlice{mem.SliceBuffer(make([]byte, r.block))}, r.times), nil
}

func (repeated) Unmarshal(mem.BufferSlice, any) error { return nil }

// A message of a gigabyte is refused before it is here.
func TestHugeMessages(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{MaxMessage: 64 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, method := range []string{predictMethod, inferenceMethods + "ModelInfer", "/rnnbin.v1.StreamService/Label"} {
		c, err := s.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method, grpc.ForceCodecV2(repeated{1 << 20, 1 << 10}))
		check(t, err)
		check(t, c.SendMsg(struct{}{}))
		wantError(t, c.RecvMsg(struct{}{}), codes.ResourceExhausted, "received message larger than max (1073741824 vs. 67108864)")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

// Messages are refused, also of streams, that leave too few bytes for all, and count no more when they are answered.
func TestMessagesOfAllAreLimited(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	all := int(engine.DefaultOptions().MaxBytes)
	q := predictRequest("", inputs{"series": series32(modeltest.Rows(1, 100), 1, 100, 2)})
	const busy = "the bodies of other requests leave no room"
	for range 3 {
		_, err := call[serving.PredictResponse](s, predictMethod, q)
		check(t, err)
	}
	check(t, s.registry.Hold(all-100))
	_, err := call[serving.PredictResponse](s, predictMethod, q)
	wantError(t, err, codes.ResourceExhausted, busy)
	stream := s.label(t)
	check(t, stream.Send(&streampb.LabelRequest{Model: "m", Values: make([]float64, 200)}))
	_, err = stream.Recv()
	wantError(t, err, codes.ResourceExhausted, busy)
	s.registry.Drop(all - 100)
	_, err = call[serving.PredictResponse](s, predictMethod, q)
	check(t, err)
}

// A panic is answered with an error, is logged, and does not affect other calls.
func TestPanics(t *testing.T) {
	boom := true
	var log strings.Builder
	s := serve(t, modeltest.Spec{}, Options{
		Allows: func(string) bool {
			if boom {
				panic("of a test")
			}
			return true
		},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	live := func() error {
		_, err := call[pb.ServerLiveResponse](s, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest))
		return err
	}
	wantError(t, live(), codes.Internal, "internal error")
	boom = false
	check(t, live())
	for _, text := range []string{`msg=panic path=/inference.GRPCInferenceService/ServerLive value="of a test"`, "server_test.go", "code=Internal", "code=OK", "remote=127.0.0.1:"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("log %s, want %q", log.String(), text)
		}
	}
}

// asks remembers the requests that the observer was notified of.
type asks struct {
	engine.Observer
	mu  sync.Mutex
	all []engine.Request
}

func (o *asks) Ran(engine.Run)                             {}
func (o *asks) Loaded(string, int64, time.Duration, error) {}
func (o *asks) Asked(r engine.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, r)
}
func (o *asks) Unloaded(string, int64) {}

func TestRequestsAreToldOf(t *testing.T) {
	dir := t.TempDir()
	modeltest.Write(t, dir, modeltest.Spec{})
	e := engine.DefaultOptions()
	seen := new(asks)
	e.Observer = seen
	s := serveAt(t, dir, e, Options{})
	_, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(modeltest.Rows(1, 3), 1, 3, 2)}))
	check(t, err)
	_, err = call[pb.ModelInferResponse](s, inferenceMethods+"ModelInfer", inferRequest(typed(modeltest.Rows(1, 3), 1, 3, 2)))
	check(t, err)
	// Who asks for what there is not may ask for any number of it, which metrics had better not keep.
	_, err = call[pb.ModelMetadataResponse](s, inferenceMethods+"ModelMetadata", &pb.ModelMetadataRequest{Name: "n", Version: "3"})
	wantError(t, err, codes.NotFound, "")
	_, err = call[serving.GetModelStatusResponse](s, statusMethod, &serving.GetModelStatusRequest{ModelSpec: &serving.ModelSpec{Name: "n", VersionChoice: &serving.ModelSpec_Version{Version: wrapperspb.Int64(3)}}})
	wantError(t, err, codes.NotFound, "")
	want := []engine.Request{
		{Protocol: "tensorflow.serving.PredictionService", Method: "Predict", Name: "m", Version: 1, Code: "OK"},
		{Protocol: "inference.GRPCInferenceService", Method: "ModelInfer", Name: "m", Version: 1, Code: "OK"},
		{Protocol: "inference.GRPCInferenceService", Method: "ModelMetadata", Name: "n", Code: "NotFound"},
		{Protocol: "tensorflow.serving.ModelService", Method: "GetModelStatus", Name: "n", Code: "NotFound"},
	}
	for i := range seen.all {
		if seen.all[i].Took <= 0 {
			t.Errorf("%+v took no time", seen.all[i])
		}
		seen.all[i].Took = 0
	}
	same(t, "requests", seen.all, want)
}

// A server that shuts down answers what has begun, and takes no more.
func TestShutdown(t *testing.T) {
	begun := make(chan bool)
	end := make(chan bool)
	var slow atomic.Bool
	s := serve(t, modeltest.Spec{}, Options{Allows: func(string) bool {
		if slow.Swap(false) {
			begun <- true
			<-end
		}
		return true
	}})
	answered := make(chan error)
	slow.Store(true)
	go func() {
		_, err := call[serving.PredictResponse](s, predictMethod, predictRequest("", inputs{"series": series32(modeltest.Rows(1, 3), 1, 3, 2)}))
		answered <- err
	}()
	<-begun
	stream := s.label(t)
	asked(t, stream, &streampb.LabelRequest{Model: "m", Values: modeltest.Wide(modeltest.Rows(1, 2))})
	s.stop()
	_, err := stream.Recv()
	wantError(t, err, codes.Unavailable, "the server is shutting down")
	for { // until it takes no more: what is asked meanwhile is answered
		soon, cancel := context.WithTimeout(ctx, time.Minute)
		_, err := callIn[healthpb.HealthCheckResponse](soon, s, healthMethod, new(healthpb.HealthCheckRequest))
		cancel()
		if err != nil {
			wantError(t, err, codes.Unavailable, "")
			break
		}
	}
	end <- true
	check(t, <-answered)
	check(t, <-s.done)
}

// A call that takes longer than the timeout is cut off, and is reported.
func TestGrace(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	s := serve(t, modeltest.Spec{}, Options{Grace: time.Millisecond, Allows: func(string) bool {
		begun <- true
		<-end
		return true
	}})
	go call[pb.ServerLiveResponse](s, inferenceMethods+"ServerLive", new(pb.ServerLiveRequest))
	<-begun
	s.stop()
	time.AfterFunc(50*time.Millisecond, func() { close(end) })
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "calls took longer than --grace 1ms to end") {
		t.Errorf("%v", err)
	}
}

// No message, however odd, is the server's fault.
func FuzzModelInfer(f *testing.F) {
	dir := f.TempDir()
	modeltest.Write(f, dir, modeltest.Spec{})
	e := engine.DefaultOptions()
	e.Poll = 0
	r, err := engine.Open(ctx, e, engine.Source{Name: "m", Path: dir})
	check(f, err)
	f.Cleanup(func() { r.Close(ctx) })
	s := &server{registry: r, options: Options{}}
	long := inferRequest(typed(modeltest.Rows(1, 3), 1<<40, 3, 2))
	long.RawInputContents = [][]byte{{1}}
	for _, q := range []*pb.ModelInferRequest{inferRequest(typed(modeltest.Rows(1, 3), 1, 3, 2)), inferRequest(), long} {
		text, err := proto.Marshal(q)
		check(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		q := new(pb.ModelInferRequest)
		if proto.Unmarshal(text, q) != nil {
			return
		}
		q.ModelName = "m"
		_, err := s.modelInfer(context.WithValue(ctx, calledKey{}, new(called)), q)
		if err != nil && engine.KindOf(err) == engine.Internal {
			t.Error(err)
		}
	})
}

// silent is a stream whose messages say nothing.
type silent struct {
	grpc.ServerStream
	ctx context.Context
}

func (s silent) Context() context.Context { return s.ctx }
func (silent) RecvMsg(any) error          { return nil }

// A panic about a message of a stream is an error of that stream alone.
func TestPanicsOfStreams(t *testing.T) {
	s := serve(t, modeltest.Spec{}, Options{})
	in := peer.NewContext(ctx, &peer.Peer{AuthInfo: &arriving{registry: s.registry}})
	in = context.WithValue(in, cutKey{}, context.CancelCauseFunc(func(error) {}))
	in = context.WithValue(in, calledKey{}, new(called))
	to := &grpc.GenericServerStream[streampb.LabelRequest, streampb.LabelResponse]{ServerStream: silent{ctx: in}}
	err := each(New(s.registry, Options{Timeout: time.Minute}).server, to, func(*streampb.LabelRequest, error) (bool, error) { panic("of a test") })
	wantError(t, err, codes.Internal, "internal error")
}
