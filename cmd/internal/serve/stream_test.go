package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

// followed are lines that a stream of a model is to say after each row, and after its end.
func (s *site) followed(x []float32) (each []string, rest string) {
	s.Helper()
	h, err := s.registry.Acquire("m", engine.Which{})
	if err != nil {
		s.Fatal(err)
	}
	defer h.Release()
	stream := h.Model().Stream()
	row := 0
	text := func(probability []float32, class []int16) (lines string) {
		for i, c := range class {
			p := probability[2*i : 2*i+2]
			lines += fmt.Sprintf(`{"row":%d,"predicted_label":"%s","predicted_probability":%s,"probabilities":[%s,%s]}`+"\n",
				row, []string{"no", "yes"}[c], appendFloat(nil, p[c]), appendFloat(nil, p[0]), appendFloat(nil, p[1]))
			row++
		}
		return lines
	}
	for r := range slices.Chunk(x, 2) {
		a, err := stream.Push(r)
		if err != nil {
			s.Fatal(err)
		}
		each = append(each, text(a.Probability, a.Class))
	}
	a, err := stream.Flush()
	if err != nil {
		s.Fatal(err)
	}
	return each, text(a.Probability, a.Class) + `{"end":true}` + "\n"
}

// fractions are the numbers of answers that rounding may change: on some processors from one run to the next.
var fractions = regexp.MustCompile(`\d\.\d+(e-\d+)?`)

// nearly reports whether answers are the same but for rounding.
func nearly(got, want string) bool {
	a, b := fractions.FindAllString(got, -1), fractions.FindAllString(want, -1)
	for i := range min(len(a), len(b)) {
		x, _ := strconv.ParseFloat(a[i], 64)
		y, _ := strconv.ParseFloat(b[i], 64)
		if math.Abs(x-y) > 1e-6 {
			return false
		}
	}
	return fractions.ReplaceAllString(got, "#") == fractions.ReplaceAllString(want, "#")
}

// talk begins a stream of JSON lines.
func (s *site) talk(path string) (in *io.PipeWriter, out *bufio.Reader) {
	s.Helper()
	return s.talkTo(s.Client(), s.URL+path)
}

// talkTo begins one at an address.
func (s *site) talkTo(client *http.Client, address string) (in *io.PipeWriter, out *bufio.Reader) {
	s.Helper()
	r, in := io.Pipe()
	answer := make(chan *http.Response)
	go func() {
		response, err := client.Post(address, "application/jsonl", r)
		if err != nil {
			s.Error(err)
		}
		answer <- response
	}()
	response := <-answer
	s.Cleanup(func() { in.Close(); response.Body.Close() })
	return in, bufio.NewReader(response.Body)
}

// socket is where a WebSocket is a stream.
func (s *site) socket() string {
	return strings.Replace(s.URL, "http", "ws", 1) + "/v1/models/m:stream"
}

// read reads as many lines as a text has.
func read(t *testing.T, out *bufio.Reader, lines int) (text string) {
	t.Helper()
	for range lines {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, text+line)
		}
		text += line
	}
	return text
}

// Each row is answered as soon as it can be, as predict --follow does, and the end answers the rest.
func TestStreamLines(t *testing.T) {
	for _, spec := range []modeltest.Spec{{}, {Horizon: -2}} {
		s := serving(t, DefaultOptions(), spec)
		x := modeltest.Rows(5, 20)
		each, rest := s.followed(x)
		in, out := s.talk("/v1/models/m:stream?probabilities=1")
		for range 2 { // the second series begins anew
			for i, want := range each {
				line := fmt.Sprintf("[%v,%v]\n", x[2*i], x[2*i+1])
				if i%2 == 1 {
					line = fmt.Sprintf(`{"y":%v,"other":{},"x":%v}`+"\n", x[2*i+1], x[2*i])
				}
				if _, err := io.WriteString(in, line); err != nil {
					t.Fatal(err)
				}
				if got := read(t, out, strings.Count(want, "\n")); !nearly(got, want) {
					t.Fatalf("row %d: %s, want %s", i, got, want)
				}
			}
			if _, err := io.WriteString(in, `{"end":true}`+"\n"); err != nil {
				t.Fatal(err)
			}
			if got := read(t, out, strings.Count(rest, "\n")); !nearly(got, rest) {
				t.Fatalf("at the end: %s, want %s", got, rest)
			}
		}
		in.Close()
		if text, err := io.ReadAll(out); err != nil || len(text) > 0 { // nothing has begun
			t.Errorf("%q, %v", text, err)
		}
		if open, _ := s.registry.Streams(); open != 0 {
			t.Errorf("%d streams are open", open)
		}
	}
}

// Lines that come together are answered together, and events are those of the file.
func TestStreamEvents(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(3, 200)
	var lines strings.Builder
	for row := range slices.Chunk(x, 2) {
		fmt.Fprintf(&lines, "[%v,%v]\n", row[0], row[1])
	}
	_, text, _ := s.ask("POST", "/v1/models/m:stream?events=1", lines.String())
	_, want, _ := s.ask("POST", "/v1/models/m:label?events=1&format=jsonl", csvOf(x))
	type event struct {
		Series, Label    string
		Start, End, Rows int
	}
	var got, wanted []event
	for line := range strings.Lines(text) {
		var said struct{ Event *event }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatal(err, line)
		}
		if said.Event != nil {
			got = append(got, *said.Event)
		}
	}
	for line := range strings.Lines(want) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err, line)
		}
		wanted = append(wanted, e)
	}
	if !slices.Equal(got, wanted) || len(wanted) < 3 || strings.Count(text, `{"row":`) != 200 || !strings.HasSuffix(text, `{"end":true}`+"\n") {
		t.Errorf("%v, want %v", got, wanted)
	}
}

func TestBadStreams(t *testing.T) {
	s := serving(t, DefaultOptions())
	for body, want := range map[string]string{
		"[1,2]\n[1]\n":             `{"error":"line 2: wanted 2 features, got 1"}`,
		"[1,2,3]":                  `{"error":"line 1: wanted 2 features, got 3"}`,
		`{"z":1}`:                  `{"error":"line 1: the object has none of the model's features"}`,
		`{"x":`:                    `{"error":"line 1: JSON Parse error: the text ends where a number is missing at offset: 5"}`,
		"[1,2] [3,4]\n":            `{"error":"line 1: JSON Parse error: there is more after the end at offset: 6"}`,
		"[1,Infinity]\n":           `{"error":"up to line 1: series 0, row 0, feature \"y\": +Inf is not a finite number of 32 bits"}`,
		strings.Repeat(" ", 2<<20): `{"error":"the line is longer than 1048576 bytes"}`,
	} {
		_, text, _ := s.ask("POST", "/v1/models/m:stream", body)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if got := lines[len(lines)-1]; got != want {
			t.Errorf("%.40q: %s, want %s", body, got, want)
		}
	}
	for body, want := range map[string]string{
		"[1]\n[2]\n[3]\n[NaN]\n[Infinity]\n[4]\n": `{"error":"up to line 6: series 0, row 4, feature \"z\": `,
		"[1]\n[2]\n[3]\n[NaN]\n[4,4]\n[4]\n":      `{"error":"line 5: wanted 1 features, got 2"}`,
	} {
		if _, text, _ := s.ask("POST", "/v1/models/n:stream", body); strings.Count(text, "predicted_label") != 4 || !strings.Contains(text, want) {
			t.Errorf("rows before one at fault: %s", text)
		}
	}
	s.want("POST", "/v1/models/m:stream?events=2", "", 400, `{"error":"events must be 1 or 0, not \"2\""}`)
	s.want("POST", "/v1/models/other:stream", "", 404, `{"error":"Servable not found for request: Latest(other)"}`)
	both := serving(t, DefaultOptions(), modeltest.Spec{Bidirectional: true})
	both.want("POST", "/v1/models/m:stream", "", 400, `{"error":"model m has no streams: its network is of two directions, so labels depend on all later rows"}`)
}

// A WebSocket says what lines say.
func TestSocket(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(5, 10)
	each, rest := s.followed(x)
	w, _, err := websocket.Dial(ctx, s.socket()+"?probabilities=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.CloseNow()
	say := func(text, want string) {
		t.Helper()
		if err := w.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, got, err := w.Read(ctx)
		if err != nil || !nearly(string(got)+"\n", want) {
			t.Fatalf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for i := 0; i < 10; i += 2 { // two rows a message
		say(fmt.Sprintf("[%v,%v]\n[%v,%v]", x[2*i], x[2*i+1], x[2*i+2], x[2*i+3]), each[i]+each[i+1])
	}
	say(`{"end":true}`, rest)
	say("[1]", `{"error":"wanted 2 features, got 1"}`+"\n")
	if _, _, err := w.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Error(err)
	}
	if _, _, err := websocket.Dial(ctx, s.socket(), &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://elsewhere.example"}}}); err == nil {
		t.Error("a page of another site may connect")
	}
}

// everywhere does something over HTTP/1.1 and over HTTP/2, which only TLS brings.
func everywhere(t *testing.T, e engine.Options, o Options, do func(t *testing.T, s *site, client *http.Client, stream string)) {
	own := newCertificate(t, "own", nil)
	for name, scheme := range map[string]string{"HTTP/1.1": "http", "HTTP/2": "https"} {
		t.Run(name, func(t *testing.T) {
			o := o
			if scheme == "https" {
				var err error
				if o.TLS, err = NewTLS(own.path, own.path+".key", ""); err != nil {
					t.Fatal(err)
				}
			}
			s := servingBy(t, e, o)
			address, end := s.listen()
			defer end()
			pool := x509.NewCertPool()
			pool.AddCert(own.Certificate)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			do(t, s, &http.Client{Transport: transport}, scheme+"://"+address+"/v1/models/m:stream")
		})
	}
}

// A stream lasts, however long its client says nothing, and ends whole.
func TestQuietStreams(t *testing.T) {
	o := DefaultOptions()
	o.Timeout = 100 * time.Millisecond
	everywhere(t, engine.DefaultOptions(), o, func(t *testing.T, s *site, client *http.Client, stream string) {
		in, out := s.talkTo(client, stream)
		for range 2 {
			time.Sleep(4 * o.Timeout)
			if _, err := io.WriteString(in, "[1,2]\n"); err != nil {
				t.Fatal(err)
			}
			read(t, out, 1)
		}
		if _, err := io.WriteString(in, `{"end":true}`+"\n"); err != nil {
			t.Fatal(err)
		}
		read(t, out, 1)
		time.Sleep(4 * o.Timeout)
		in.Close()
		if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

// A stream of which nothing is heard for long enough ends, and says so.
func TestSilentStreams(t *testing.T) {
	e := engine.DefaultOptions()
	e.SessionTTL = 300 * time.Millisecond
	const want = `{"error":"nothing has come for 300ms"}` + "\n"
	everywhere(t, e, DefaultOptions(), func(t *testing.T, s *site, client *http.Client, stream string) {
		in, out := s.talkTo(client, stream)
		if _, err := io.WriteString(in, "[1,2]\n"); err != nil {
			t.Fatal(err)
		}
		read(t, out, 1)
		if rest, err := io.ReadAll(out); err != nil || string(rest) != want {
			t.Errorf("%q, %v", rest, err)
		}
		w, _, err := websocket.Dial(ctx, s.socket(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.CloseNow()
		if _, text, err := w.Read(ctx); err != nil || string(text)+"\n" != want {
			t.Errorf("WebSocket: %q, %v", text, err)
		}
		if _, _, err := w.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Error(err)
		}
	})
}

// A client that asks whether to send rows, as curl does, is told so, before the answers begin.
func TestStreamsExpectRows(t *testing.T) {
	s := serving(t, DefaultOptions())
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /v1/models/m:stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
	b := bufio.NewReader(c)
	for _, want := range []string{"100 Continue", "200 OK"} {
		r, err := http.ReadResponse(b, nil)
		if err != nil || r.Status != want {
			t.Fatalf("%v %v, want %s", r, err, want)
		}
	}
}

// Rows may be compressed.
func TestCompressedStreams(t *testing.T) {
	o := DefaultOptions()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := serving(t, o)
	address, end := s.listen()
	s.URL = "http://" + address
	const rows = "[1,2]\n[3,4]\n"
	_, want, _ := s.ask("POST", "/v1/models/m:stream", rows)
	var gzipped, deflated bytes.Buffer
	for coding, of := range map[string]struct {
		*bytes.Buffer
		io.WriteCloser
	}{"gzip": {&gzipped, gzip.NewWriter(&gzipped)}, "deflate": {&deflated, zlib.NewWriter(&deflated)}} {
		if _, err := io.WriteString(of.WriteCloser, rows); err != nil {
			t.Fatal(err)
		}
		of.Close()
		if _, text, _ := s.ask("POST", "/v1/models/m:stream", of.String(), "Content-Encoding", strings.ToUpper(coding)); text != want {
			t.Errorf("%s: %s, want %s", coding, text, want)
		}
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:stream", rows, "Content-Encoding", "br"); status != 415 {
		t.Error(status, text)
	}
	end()
	if strings.Contains(log.String(), "panic") {
		t.Error(log.String())
	}
}

// Streams end when the server is to, and say so.
func TestStreamsEndWithTheServer(t *testing.T) {
	s := serving(t, DefaultOptions())
	_, out := s.talk("/v1/models/m:stream")
	w, _, err := websocket.Dial(ctx, s.socket(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.CloseNow()
	s.serve.end()
	if text, err := io.ReadAll(out); err != nil || string(text) != `{"error":"the server is shutting down"}`+"\n" {
		t.Errorf("%s, %v", text, err)
	}
	if _, _, err := w.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Error(err)
	}
}

// Requests of a session are one series.
func TestSessionRequests(t *testing.T) {
	s := serving(t, DefaultOptions(), modeltest.Spec{Horizon: -2})
	x := modeltest.Rows(6, 10)
	whole := s.label("m", x)
	var labels []string
	push := func(body string) (first int) {
		t.Helper()
		status, text, _ := s.ask("POST", "/v1/models/m:predict", body)
		var got struct {
			Predictions []prediction
			Session     string
			First       int
		}
		if decode(t, text, &got); status != 200 || got.Session != "a" {
			t.Fatalf("%d %s", status, text)
		}
		labels = append(labels, got.Predictions[0].Labels...)
		return got.First
	}
	if first := push(`{"session":"a","instances":[` + nested(x[:8], 2) + `]}`); first != 0 || len(labels) != 2 {
		t.Errorf("from %d on, %d answers", first, len(labels))
	}
	if first := push(`{"session":"a","instances":[` + nested(x[8:], 2) + `],"end":true}`); first != 2 || len(labels) != 10 {
		t.Errorf("from %d on, %d answers", first, len(labels))
	}
	for i, class := range whole.Class {
		if labels[i] != []string{"no", "yes"}[class] {
			t.Errorf("row %d is %s", i, labels[i])
		}
	}
	s.want("POST", "/v1/models/m:predict", `{"session":"a","instances":[[[1,2]],[[1,2]]]}`, 400, `{"error":"a session is one series, and there are 2"}`)
	s.want("POST", "/v1/models/m:predict", `{"end":true}`, 400, `{"error":"'end' is about a session, and none is named: 'session' is missing"}`)
	s.want("DELETE", "/v1/models/m/sessions/a", "", 204, "")
	s.ask("POST", "/v1/models/m:predict", `{"session":"a b/ü","instances":[[[1,2]]]}`)
	s.want("DELETE", "/v1/models/m/sessions/a%20b%2F%C3%BC", "", 204, "")
	s.want("DELETE", "/v1/models/m/sessions/a", "", 404, `{"error":"model m has no session \"a\""}`)
}

// A stream and a session go on elsewhere from their state.
func TestStateMoves(t *testing.T) {
	s := serving(t, DefaultOptions(), modeltest.Spec{Horizon: -2})
	x := modeltest.Rows(8, 12)
	each, rest := s.followed(x)
	line := func(i int) string { return fmt.Sprintf("[%v,%v]\n", x[2*i], x[2*i+1]) }
	var first, second strings.Builder
	for i := range 12 {
		if i < 6 {
			first.WriteString(line(i))
		} else {
			second.WriteString(line(i))
		}
	}
	_, text, _ := s.ask("POST", "/v1/models/m:stream?probabilities=1", first.String()+`{"state":true}`)
	before, state, found := strings.Cut(text, `{"state":"`)
	state, _, _ = strings.Cut(state, `"`)
	if !found || !nearly(before, strings.Join(each[:6], "")) {
		t.Fatalf("%s\nwant\n%s", text, strings.Join(each[:6], ""))
	}
	_, text, _ = s.ask("POST", "/v1/models/m:stream?probabilities=1", `{"state":"`+state+`"}`+"\n"+second.String())
	if want := strings.Join(each[6:], "") + rest; !nearly(text, want) {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	_, text, _ = s.ask("POST", "/v1/models/m:stream", `{"state":"AAAA"}`)
	if text != `{"error":"line 1: the state is damaged, or that of another model than m version 1"}`+"\n" {
		t.Error(text)
	}

	s.ask("POST", "/v1/models/m:predict", `{"session":"a","instances":[`+nested(x[:12], 2)+`]}`)
	status, moved, _ := s.ask("GET", "/v1/models/m/sessions/a", "")
	if status != 200 || len(moved) < 100 {
		t.Fatalf("%d %q", status, moved)
	}
	s.want("PUT", "/v1/models/m/sessions/b", moved, 204, "")
	s.want("PUT", "/v1/models/m/sessions/b", moved, 400, `{"error":"model m has a session \"b\" already"}`)
	_, a, _ := s.ask("POST", "/v1/models/m:predict", `{"session":"a","instances":[`+nested(x[12:], 2)+`]}`)
	_, b, _ := s.ask("POST", "/v1/models/m:predict", `{"session":"b","instances":[`+nested(x[12:], 2)+`]}`)
	if strings.Replace(a, `"session":"a"`, `"session":"b"`, 1) != b || !strings.Contains(b, `"first":4`) {
		t.Errorf("%s\n%s", a, b)
	}
}
