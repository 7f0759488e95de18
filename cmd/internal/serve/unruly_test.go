package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

// listen serves at a port until the function that is returned is called.
func (s *site) listen() (address string, end func()) {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- s.serve.Serve(serving, l) }()
	return l.Addr().String(), func() {
		stop()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	}
}

// Connections without requests cost little, and keep nobody waiting.
func TestIdleConnections(t *testing.T) {
	s := serving(t, DefaultOptions())
	address, end := s.listen()
	defer end()
	for _, say := range []string{"", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"} {
		modeltest.Idle(t, address, say, 100_000, func() error {
			r, err := http.Post("http://"+address+"/v1/models/m:predict", "application/json", strings.NewReader(oneRow))
			if err != nil {
				return err
			}
			defer r.Body.Close()
			if r.StatusCode != 200 {
				return errors.New(r.Status)
			}
			return nil
		})
	}
}

// A body of a gigabyte is refused when too much of it has come, and is not held.
func TestHugeBodies(t *testing.T) {
	s := serving(t, DefaultOptions())
	address, end := s.listen()
	defer end()
	block := []byte(strings.Repeat("[1,2],\n", 10_000))
	for _, header := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n", 1<<30), "Transfer-Encoding: chunked\r\n\r\n"} {
		for path, begin := range map[string]string{
			"/v1/models/m:predict": `{"instances":[[`, "/v1/models/m:label": "x,y\n", "/v2/models/m/infer": `{"inputs":[{"data":[`,
		} {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, header)
			go func() {
				for sent, part := 0, []byte(begin); sent < 1<<30; sent, part = sent+len(part), block {
					if strings.HasPrefix(header, "Transfer") {
						part = fmt.Appendf(nil, "%x\r\n%s\r\n", len(part), part)
					}
					if _, err := c.Write(part); err != nil {
						return
					}
				}
			}()
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(path, err)
			}
			if text, _ := io.ReadAll(r.Body); r.StatusCode != 413 {
				t.Error(path, r.Status, string(text))
			}
		}
	}
}

// A line of a gigabyte ends its stream when too much of it has come, and so does such a message; others are served.
func TestHugeLines(t *testing.T) {
	s := serving(t, DefaultOptions())
	address, end := s.listen()
	defer end()
	block := []byte(strings.Repeat("[1,2],", 10_000))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /v1/models/m:stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	go func() {
		for range 1<<30/len(block) + 1 {
			if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", len(block), block); err != nil {
				return
			}
		}
	}()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r.Body); err != nil || string(text) != `{"error":"the line is longer than 1048576 bytes"}`+"\n" {
		t.Errorf("%q, %v", text, err)
	}
	w, _, err := websocket.Dial(ctx, s.socket(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.CloseNow()
	go func() {
		message, err := w.Writer(ctx, websocket.MessageText)
		for sent := 0; err == nil && sent < 1<<30; sent += len(block) {
			_, err = message.Write(block)
		}
	}()
	if _, _, err := w.Read(ctx); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Error(err)
	}
	if status, text, _ := s.ask("POST", "/v1/models/m:predict", oneRow); status != 200 {
		t.Error(status, text)
	}
	s.wantNothingHeld()
}

// wantNothingHeld fails unless all that was held has been dropped, or soon is.
func (s *site) wantNothingHeld() {
	s.Helper()
	all := int(engine.DefaultOptions().MaxBytes)
	for end := time.Now().Add(10 * time.Second); s.registry.Hold(all) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.Fatal("bytes of streams that have ended are held")
		}
	}
	s.registry.Drop(all)
}

// Lines and messages that do not end count among the bytes of all, so that there may be few of them.
func TestPartsOfLinesAreLimited(t *testing.T) {
	s := serving(t, DefaultOptions())
	all := int(engine.DefaultOptions().MaxBytes)
	if err := s.registry.Hold(all - maxLine/2); err != nil {
		t.Fatal(err)
	}
	const busy = `{"error":"the server is busy: the bodies of other requests leave no room for this one in 1073741824 bytes"}`
	part := strings.Repeat(" ", maxLine*3/4)
	in, out := s.talk("/v1/models/m:stream")
	if _, err := io.WriteString(in, part); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out, 1); got != busy+"\n" {
		t.Error(got)
	}
	in.Close()
	w, _, err := websocket.Dial(ctx, s.socket(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.CloseNow()
	message, err := w.Writer(ctx, websocket.MessageText)
	if err == nil {
		_, err = io.WriteString(message, part)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, text, err := w.Read(ctx); err != nil || string(text) != busy {
		t.Errorf("%q, %v", text, err)
	}
	s.registry.Drop(all - maxLine/2)
	s.wantNothingHeld()
	for range 3 { // long lines that are not too much
		if _, text, _ := s.ask("POST", "/v1/models/m:stream", part+"[1,2]\n"+part+"[3,4]\n"); strings.Count(text, `"row":`) != 2 {
			t.Error(text)
		}
	}
	s.wantNothingHeld()
}

// Files that come slowly, and answers that are not taken, keep no other file waiting.
func TestSlowFiles(t *testing.T) {
	s := serving(t, DefaultOptions())
	s.Client().Timeout = 20 * time.Second
	wide := "x,y,note\n" + strings.Repeat("1,2,"+strings.Repeat("a", 20_000)+"\n", 1000)
	for _, test := range []struct {
		body  string
		size  int
		takes int64 // bytes of the answer
	}{{"x,y\n", 100, 0}, {wide, len(wide), 1}} {
		for range runtime.GOMAXPROCS(0) {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "POST /v1/models/m:label HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", test.size, test.body)
			if _, err := io.CopyN(io.Discard, c, test.takes); err != nil {
				t.Fatal(err)
			}
		}
		if status, text, _ := s.ask("POST", "/v1/models/m:label", "x,y\n1,2\n"); status != 200 {
			t.Error(status, text)
		}
	}
}

// Clients that are slow, or never read are disconnected, and do not affect others.
func TestUnrulyClients(t *testing.T) {
	o := DefaultOptions()
	o.Timeout = time.Second
	s := serving(t, o)
	address, end := s.listen()
	defer end()
	dial := func(say string) net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
		return c
	}
	slow := dial("POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\n")
	defer slow.Close()
	short := dial("POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
	defer short.Close()
	deaf := dial("POST /v1/models/m:stream?probabilities=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	defer deaf.Close()
	go func() {
		lines := strings.Repeat("[1,2]\n", 1000)
		for {
			if _, err := fmt.Fprintf(deaf, "%x\r\n%s\r\n", len(lines), lines); err != nil {
				return
			}
		}
	}()
	for open := 0; open == 0; open, _ = s.registry.Streams() { // until it has begun
		time.Sleep(time.Millisecond)
	}
	for range 20 {
		r, err := http.Post("http://"+address+"/v1/models/m:predict", "application/json", strings.NewReader(oneRow))
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != 200 {
			t.Errorf("another client is answered %d", r.StatusCode)
		}
	}
	for what, c := range map[string]net.Conn{"a slow header": slow, "a body that does not come": short} {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s is waited for", what)
		}
	}
	for open := 1; open > 0; open, _ = s.registry.Streams() { // until the deaf one has been let go
		time.Sleep(time.Millisecond)
	}
}
