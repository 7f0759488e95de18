// Package browsertest drives a page in headless Chromium, for tests of pages.
package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Browser is a page in Chromium, which is told what to do by its DevTools' protocol.
type Browser struct {
	t       *testing.T
	conn    *websocket.Conn
	session string

	mu      sync.Mutex
	calls   int
	answers map[int]chan json.RawMessage
	asked   []string // addresses of all requests
	faults  []string // errors of the page's script, and what its policy forbids
}

// Program is the path of Chromium. It skips the test where there is none.
func Program(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium")
	return ""
}

// Open opens an address in a window of a width, and skips the test where there is no Chromium.
func Open(t *testing.T, address string, width int) *Browser {
	t.Helper()
	program := Program(t)
	profile, err := os.MkdirTemp("", "rnnbin-page-") // not of the test, which may end before the last process of the browser does
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(profile) })
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with the processes that it has started
		cmd.Wait()
	})
	debugger := ""
	lines := bufio.NewScanner(said)
	for debugger == "" && lines.Scan() {
		_, debugger, _ = strings.Cut(lines.Text(), "DevTools listening on ")
	}
	go io.Copy(io.Discard, said)
	conn, _, err := websocket.Dial(t.Context(), debugger, nil)
	check(t, err)
	conn.SetReadLimit(64 << 20)
	b := &Browser{t: t, conn: conn, answers: map[int]chan json.RawMessage{}}
	go b.listen()
	var target struct{ TargetID string }
	b.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.Call(domain+".enable", nil, nil)
	}
	b.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.Call("Page.navigate", map[string]any{"url": address}, nil)
	return b
}

// listen hands answers over, and keeps what the page does.
func (b *Browser) listen() {
	for {
		_, text, err := b.conn.Read(context.Background())
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
			Method string
			Params struct {
				Request          struct{ URL string }
				Entry            struct{ Level, Text string }
				ExceptionDetails struct{ Text string }
			}
		}
		if json.Unmarshal(text, &m) != nil {
			continue
		}
		b.mu.Lock()
		switch m.Method {
		case "":
			b.answers[m.ID] <- m.Result
			if m.Error != nil {
				b.faults = append(b.faults, m.Error.Message)
			}
		case "Network.requestWillBeSent":
			b.asked = append(b.asked, m.Params.Request.URL)
		case "Log.entryAdded":
			if m.Params.Entry.Level == "error" {
				b.faults = append(b.faults, m.Params.Entry.Text)
			}
		case "Runtime.exceptionThrown":
			b.faults = append(b.faults, m.Params.ExceptionDetails.Text)
		}
		b.mu.Unlock()
	}
}

// Call has the browser do something, and decodes what that comes to.
func (b *Browser) Call(method string, params, result any) {
	b.t.Helper()
	b.mu.Lock()
	b.calls++
	answer := make(chan json.RawMessage, 1)
	b.answers[b.calls] = answer
	m := map[string]any{"id": b.calls, "method": method}
	b.mu.Unlock()
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	check(b.t, err)
	check(b.t, b.conn.Write(b.t.Context(), websocket.MessageText, text))
	select {
	case got := <-answer:
		if result != nil {
			check(b.t, json.Unmarshal(got, result))
		}
	case <-time.After(time.Minute):
		b.t.Fatalf("%s is not answered", method)
	}
}

// Value is what an expression gives, as text.
func (b *Browser) Value(expression string) string {
	b.t.Helper()
	var got struct{ Result struct{ Value any } }
	b.Call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	return fmt.Sprint(got.Result.Value)
}

// Wait waits until an expression gives a text, which it does or the test ends in a minute.
func (b *Browser) Wait(expression, want string) {
	b.t.Helper()
	got := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = b.Value(expression); got == want {
			return
		}
	}
	b.t.Fatalf("%s is %q, want %q; faults %q", expression, got, want, b.faults)
}

// Key presses a key and lets it go.
func (b *Browser) Key(name string, code int, text string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		p := map[string]any{"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code}
		if kind == "keyDown" {
			p["text"] = text
		}
		b.Call("Input.dispatchKeyEvent", p, nil)
	}
}

// Enter presses that key.
func (b *Browser) Enter() { b.t.Helper(); b.Key("Enter", 13, "\r") }

// TabTo moves the focus to an element, by the Tab key alone.
func (b *Browser) TabTo(id string) {
	b.t.Helper()
	for range 40 {
		if b.Value("document.activeElement.id") == id {
			return
		}
		b.Key("Tab", 9, "")
	}
	b.t.Fatalf("Tab does not reach %q", id)
}

// Write writes where the focus is.
func (b *Browser) Write(text string) {
	b.t.Helper()
	b.Call("Input.insertText", map[string]any{"text": text}, nil)
}

// Asked are the addresses that the page has asked for.
func (b *Browser) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

// Faults are errors of the page's script, and what its policy forbids.
func (b *Browser) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.faults)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
