package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

const oneRow = `{"instances":[[[1,2]]]}`

func TestBodiesHaveALimit(t *testing.T) {
	o := DefaultOptions()
	o.MaxBody = 1000
	s := serving(t, o)
	long := oneRow + strings.Repeat(" ", 1000)
	const answer = `{"error":"the body is larger than 1000 bytes"}`
	s.want("POST", "/v1/models/m:predict", long, 413, answer)
	s.want("POST", "/v1/models/m:label", long, 413, answer)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(long))
	z.Close()
	if packed.Len() > 500 {
		t.Fatal("the packed body is no test")
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", packed.String(), "Content-Encoding", "gzip"); status != 413 || text != answer {
		t.Errorf("%d %s", status, text)
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", "no gzip", "Content-Encoding", "gzip"); status != 400 || !strings.Contains(text, "the body cannot be read: ") {
		t.Errorf("%d %s", status, text)
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", "x", "Content-Encoding", "br"); status != 415 || !strings.Contains(text, "Content-Encoding: br is not supported: use gzip, deflate or none") {
		t.Errorf("%d %s", status, text)
	}
}

// A client that asks before it sends too much need not send it.
func TestLargeBodiesAreNotAskedFor(t *testing.T) {
	s := serving(t, DefaultOptions())
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/models/m:label HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 1<<30)
	if r, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || r.StatusCode != 413 {
		t.Errorf("%v %v", r, err)
	}
}

// A form is not taken for rows.
func TestForms(t *testing.T) {
	s := serving(t, DefaultOptions())
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "rows.csv")
	if err == nil {
		_, err = io.WriteString(file, "x,y\n1,2\n")
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	for _, path := range []string{":label", ":predict", ":stream"} {
		if status, text, _ := s.ask("POST", "/v1/models/m"+path, body.String(), "Content-Type", form.FormDataContentType()); status != 415 || !strings.Contains(text, "send the file itself") {
			t.Error(path, status, text)
		}
	}
}

// Bodies are refused that leave too few bytes for all, and count no more when they are answered.
func TestBodiesOfAllAreLimited(t *testing.T) {
	s := serving(t, DefaultOptions())
	all := int(engine.DefaultOptions().MaxBytes)
	body := `{"instances":[` + nested(modeltest.Rows(1, 30), 2) + `]}`
	for range 3 {
		if status, text, _ := s.ask("POST", "/v1/models/m:predict", body); status != 200 {
			t.Fatal(status, text)
		}
	}
	if err := s.registry.Hold(all - 100); err != nil {
		t.Fatal("what was answered counts: ", err)
	}
	for _, path := range []string{"/v1/models/m:predict", "/v1/models/m:label", "/v2/models/m/infer"} {
		status, text, header := s.ask("POST", path, body)
		if status != 429 || header.Get("Retry-After") != "1" || !strings.Contains(text, `"error":"the server is busy: the bodies of other requests leave no room`) {
			t.Errorf("%s: %d %s, Retry-After %q", path, status, text, header.Get("Retry-After"))
		}
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", `{"instances":[[[1,2]]]}`); status != 200 {
		t.Error("a body that there is room for:", status, text)
	}
	s.registry.Drop(all - 100)
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", body); status != 200 {
		t.Error(status, text)
	}
}

// What is too much says when to come again, in whole seconds.
func TestFailuresHaveTheirStatus(t *testing.T) {
	s := serving(t, DefaultOptions())
	for _, test := range []struct {
		err    error
		status int
		after  string
	}{
		{&engine.Error{Kind: engine.Exhausted, Err: io.EOF, RetryAfter: time.Second}, 429, "1"},
		{&engine.Error{Kind: engine.Unavailable, Err: io.EOF}, 503, ""},
		{context.DeadlineExceeded, 504, ""},
		{io.EOF, 500, ""},
	} {
		path := fmt.Sprint("/fail/", test.status)
		s.serve.handle(path, "test", func(*request) error { return test.err })
		status, text, header := s.ask("GET", path, "")
		if status != test.status || header.Get("Retry-After") != test.after || !strings.HasPrefix(text, `{"error":"`) {
			t.Errorf("%v: %d %s %v", test.err, status, text, header)
		}
	}
}

// A panic is an answer, and a line of the log; the server goes on.
func TestAPanicAnswers500(t *testing.T) {
	o := DefaultOptions()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	s := serving(t, o)
	s.serve.handle("/panic", "test", func(*request) error { panic("of a test") })
	s.want("GET", "/panic", "", 500, `{"error":"internal error"}`)
	s.want("GET", "/healthz", "", 200, "ok")
	s.Server.Close() // and all requests have been reported
	if text := log.String(); !strings.Contains(text, `"msg":"panic","path":"/panic","value":"of a test"`) || !strings.Contains(text, `"status":500`) {
		t.Error(text)
	}
}

func TestAccessLog(t *testing.T) {
	o := DefaultOptions()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	s := serving(t, o)
	s.ask("POST", "/v1/models/m:predict", oneRow)
	s.ask("POST", "/v1/models/other:predict", oneRow)
	s.Server.Close() // and all requests have been reported
	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var l map[string]any
		decode(t, line, &l)
		lines = append(lines, l)
	}
	if len(lines) != 2 || lines[0]["status"] != 200.0 || lines[0]["model"] != "m" || lines[0]["version"] != 1.0 || lines[0]["bytes"].(float64) < 50 ||
		lines[1]["status"] != 404.0 || lines[1]["error"] != "Servable not found for request: Latest(other)" {
		t.Error(log.String())
	}
}

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "")
	if _, err := NewToken(path); err == nil || !strings.Contains(err.Error(), "the token is empty") {
		t.Error(err)
	}
	write(t, path, "secret\n")
	token, err := NewToken(path)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Token, o.Metrics = token, NewMetrics()
	s := serving(t, o)
	for header, want := range map[string]int{"": 401, "Bearer": 401, "Bearer wrong": 401, "Basic secret": 401, "Bearer secret": 200, "bearer  secret": 200} {
		for _, path := range []string{"/v1/models/m", "/v2/models/m", "/metrics", "/openapi.json"} {
			status, text, got := s.ask("GET", path, "", "Authorization", header)
			if status != want || want == 401 && (text != `{"error":"the token is missing or wrong: Authorization: Bearer TOKEN"}` || got.Get("WWW-Authenticate") != "Bearer") {
				t.Errorf("%s with %q: %d %s", path, header, status, text)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		s.want("GET", path, "", 200, "ok")
	}
	write(t, path, "other")
	token.text.looked = time.Time{}
	if status, _, _ := s.ask("GET", "/v1/models/m", "", "Authorization", "Bearer other"); status != 200 {
		t.Errorf("a new token is not known: %d", status)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority signs certificates.
type authority struct {
	*x509.Certificate
	key  *ecdsa.PrivateKey
	path string
}

// newCertificate makes a certificate, signed by an authority or, if that is nil, by itself, and
// writes it and its key.
func newCertificate(t *testing.T, name string, by *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	text, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text})))
	write(t, path+".key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
	if c, err = x509.ParseCertificate(text); err != nil {
		t.Fatal(err)
	}
	return &authority{c, key, path}
}

// A client without a certificate of the right authority, or without TLS, is not served.
func TestTLS(t *testing.T) {
	root, stranger := newCertificate(t, "root", nil), newCertificate(t, "stranger", nil)
	own, client, other := newCertificate(t, "own", root), newCertificate(t, "client", root), newCertificate(t, "other", stranger)
	config, err := NewTLS(own.path, own.path+".key", root.path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "1")
	modeltest.Write(t, dir, modeltest.Spec{})
	r, err := engine.Open(ctx, engine.DefaultOptions(), engine.Source{Name: "m", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(ctx)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.TLS = config
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- New(r, o).Serve(serving, l) }()
	ask := func(scheme string, by *authority) (int, error) {
		pool := x509.NewCertPool()
		pool.AddCert(root.Certificate)
		c := &tls.Config{RootCAs: pool}
		if by != nil {
			pair, err := tls.LoadX509KeyPair(by.path, by.path+".key")
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: c}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(scheme + "://" + l.Addr().String() + "/v1/models/m")
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		return response.StatusCode, nil
	}
	if status, err := ask("https", client); status != 200 || err != nil {
		t.Errorf("the client: %d, %v", status, err)
	}
	for what, by := range map[string]*authority{"nobody": nil, "a stranger": other} {
		if status, err := ask("https", by); err == nil {
			t.Errorf("%s: %d", what, status)
		}
	}
	if status, err := ask("http", nil); err == nil && status != 400 {
		t.Errorf("without TLS: %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := NewTLS(own.path, client.path+".key", ""); err == nil {
		t.Error("a key of another certificate is taken")
	}
	if _, err := NewTLS(own.path, own.path+".key", own.path+".key"); err == nil || !strings.Contains(err.Error(), "there is no certificate") {
		t.Error(err)
	}
}

// The server answers what has begun before it ends, and takes nothing new.
func TestDrain(t *testing.T) {
	s := serving(t, DefaultOptions())
	begun, free := make(chan struct{}), make(chan struct{})
	s.serve.handle("/slow", "test", func(q *request) error {
		close(begun)
		<-free
		return q.answer("done")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(ctx)
	ended, answered := make(chan error), make(chan string)
	go func() { ended <- s.serve.Serve(serving, l) }()
	go func() {
		response, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			t.Error(err)
			answered <- ""
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		answered <- string(text)
	}()
	<-begun
	stop()
	<-s.serve.ending.Done()
	for { // until the listener is closed
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(free)
	if text := <-answered; text != "\"done\"\n" {
		t.Errorf("%q", text)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What is counted is what was asked for.
func TestMetrics(t *testing.T) {
	m := NewMetrics()
	dir := filepath.Join(t.TempDir(), "1")
	modeltest.Write(t, dir, modeltest.Spec{})
	e := engine.DefaultOptions()
	e.Observer, e.Poll = m, 0
	r, err := engine.Open(ctx, e, engine.Source{Name: "m", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(ctx)
	o := DefaultOptions()
	o.Metrics = m
	h := &site{TB: t, registry: r, serve: New(r, o)}
	h.start()
	h.ask("POST", "/v1/models/m:predict", `{"instances":[[[0.5,0.5],[9,0.5]],[[0.5,0.5],[0.5,0.5]]]}`)
	h.ask("POST", "/v1/models/m:predict", `{"instances":[[[0.5]]]}`)
	h.ask("POST", "/v1/models/any:predict", `{"instances":[[[0.5]]]}`)
	h.ask("POST", "/v1/models/m:predict", `{"session":"a","instances":[[[0.5,0.5]]]}`)
	_, text, _ := h.ask("GET", "/metrics", "")
	for _, want := range []string{
		`rnnbin_requests_total{code="200",method="predict",model="m",protocol="tfserving"} 2`,
		`rnnbin_requests_total{code="400",method="predict",model="m",protocol="tfserving"} 1`,
		`rnnbin_requests_total{code="404",method="predict",model="",protocol="tfserving"} 1`,
		`rnnbin_rows_total{kind="series",model="m",version="1"} 4`,
		`rnnbin_rows_total{kind="stream",model="m",version="1"} 1`,
		`rnnbin_batch_series_sum{kind="series",model="m",version="1"} 2`,
		`rnnbin_checked_rows_total{model="m",version="1"} 5`,
		`rnnbin_outside_rows_total{feature="x",model="m",version="1"} 1`,
		`rnnbin_outside_rows_total{feature="y",model="m",version="1"} 0`,
		`rnnbin_streams{kind="session"} 1`,
		`rnnbin_queue_requests{model="m",version="1"} 0`,
		`rnnbin_model_loads_total{model="m",result="ok"} 1`,
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing from\n%s", want, text)
		}
	}
}

// Each path of the description is answered, and each reference leads somewhere.
func TestOpenAPI(t *testing.T) {
	s := serving(t, DefaultOptions())
	_, text, _ := s.ask("GET", "/openapi.json", "")
	var api struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(text), &api); err != nil || len(api.Paths) < 14 {
		t.Fatalf("%v: %s", err, text)
	}
	ids := map[string]bool{}
	for path, methods := range api.Paths {
		for method, of := range methods {
			if ids[of.OperationID] {
				t.Errorf("two operations are called %s", of.OperationID)
			}
			ids[of.OperationID] = true
			path := strings.NewReplacer("{model}", "m", "{session}", "a").Replace(path)
			if _, text, _ := s.ask(strings.ToUpper(method), path, ""); strings.Contains(text, "Malformed request") || strings.Contains(text, "404 page not found") && path != "/metrics" {
				t.Errorf("%s %s: %s", method, path, text)
			}
		}
	}
	for _, reference := range strings.Split(text, `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(reference, `"`)
		if api.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}
