package page

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/browsertest"
	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/cmd/internal/serve"
)

// served is the address of a server of model m, with the page.
func served(t *testing.T, spec modeltest.Spec, token string) string {
	t.Helper()
	dir := t.TempDir()
	modeltest.Write(t, dir, spec)
	o := engine.DefaultOptions()
	o.Poll = 0
	r, err := engine.Open(t.Context(), o, engine.Source{Name: "m", Path: dir})
	check(t, err)
	h := serve.DefaultOptions()
	h.Page = Handler()
	if token != "" {
		path := filepath.Join(t.TempDir(), "token")
		check(t, os.WriteFile(path, []byte(token), 0o600))
		h.Token, err = serve.NewToken(path)
		check(t, err)
	}
	s := httptest.NewServer(serve.New(r, h))
	t.Cleanup(func() {
		s.Close()
		check(t, r.Close(context.Background()))
	})
	return s.URL
}

// table is rows of two features.
func table(n int) string {
	r := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	b.WriteString("x,\"y\",note\n")
	for i := range n {
		fmt.Fprintf(&b, "%.3f,%.3f,\"a, %d\"\n", r.NormFloat64(), r.NormFloat64(), i)
	}
	return b.String()
}

// The page needs nothing but itself: its policy forbids the rest.
func TestPolicy(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'sha256-") {
		t.Errorf("policy %q", policy)
	}
	if outside := regexp.MustCompile(`(?:https?:)?//[a-z]|url\(|@import`).FindString(style + index); outside != "" || w.Code != 200 {
		t.Errorf("status %d, asks for %q", w.Code, outside)
	}
	again := httptest.NewRequest("GET", "/", nil)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	if Handler().ServeHTTP(w, again); w.Code != 304 {
		t.Errorf("status %d of a page that has not changed", w.Code)
	}
}

// A person with a keyboard labels rows, sees them, takes them away, and plays them as a stream.
func TestByKeyboard(t *testing.T) {
	address := served(t, modeltest.Spec{}, "")
	b := browsertest.Open(t, address+"/", 1200)
	b.Wait("$('status').textContent", "1 model")
	if got := b.Value("document.querySelector('article').textContent"); !strings.Contains(got, "Featuresx, y") || !strings.Contains(got, "Classesno, yes") {
		t.Errorf("the model is described as %q", got)
	}
	const n = 200
	rows := table(n)
	labelled, events := ask(t, address+"/v1/models/m:label", rows), ask(t, address+"/v1/models/m:label?events=1", rows)
	yes, found := strings.Count(labelled, ",yes,"), strings.Count(events, "\n")-1

	b.TabTo("text")
	b.Write(rows)
	b.TabTo("label")
	b.Enter()
	b.Wait("$('summary').textContent", fmt.Sprintf("%d rows: %d no, %d yes; %d events", n, n-yes, yes, found))
	if got := b.Value("$('events').rows.length"); got != fmt.Sprint(found) {
		t.Errorf("%s events are listed, want %d", got, found)
	}
	if got := b.Value("$('chart').getAttribute('aria-label')"); got != fmt.Sprintf("Rows 0 to %d of 2 features, with %d labelled parts", n-1, found) {
		t.Errorf("the picture is called %q", got)
	}
	if got := b.Value("[...$('chart').getContext('2d').getImageData(0, 0, $('chart').width, $('chart').height).data].some(v => v > 0)"); got != "true" {
		t.Error("nothing is drawn")
	}
	for id, want := range map[string]string{"download": labelled, "download-events": events} {
		if got := b.Value("fetch === undefined ? '' : new Promise(done => { const q = new XMLHttpRequest(); q.onload = () => done(q.responseText); q.onerror = () => done('refused'); q.open('GET', $('" + id + "').href); q.send(); })"); got != want && got != "refused" {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
		b.TabTo(id)
	}
	b.TabTo("shown")
	b.Key("Home", 36, "")
	b.Wait("$('chart').getAttribute('aria-label').split(' of ')[0]", "Rows 0 to 9")

	// the same rows, as they come
	b.TabTo("rate")
	b.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2, "commands": []string{"selectAll"}}, nil)
	b.Write("200")
	b.TabTo("play")
	b.Enter()
	b.Wait("$('summary').textContent", fmt.Sprintf("%d rows, %d events", n, found))
	if got := b.Value("shown.labels.filter(l => l === 1).length"); got != fmt.Sprint(yes) {
		t.Errorf("%s rows of the stream are yes, want %d", got, yes)
	}

	// a mistake
	b.TabTo("text")
	b.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2, "commands": []string{"selectAll"}}, nil)
	b.Write("x,z\n1,2\n")
	b.TabTo("play")
	b.Enter()
	b.Wait("$('message').textContent", `There is no column "y"; columns: x, z`)
	for _, asked := range b.Asked() {
		if !strings.HasPrefix(asked, address) && !strings.HasPrefix(asked, "blob:"+address) && !strings.HasPrefix(asked, "data:") {
			t.Errorf("the page asks for %s", asked)
		}
	}
	for _, fault := range b.Faults() {
		if !strings.Contains(fault, "blob:") { // that the test asks for
			t.Errorf("fault %s", fault)
		}
	}
}

// Nothing is wider than a telephone, in the light or in the dark.
func TestOnATelephone(t *testing.T) {
	b := browsertest.Open(t, served(t, modeltest.Spec{Classes: []string{"walking", "sitting", "standing"}}, "")+"/", 390)
	b.Wait("$('status').textContent", "1 model")
	b.TabTo("text")
	b.Write(table(50))
	b.TabTo("label")
	b.Enter()
	b.Wait("$('result').hidden", "false")
	backs := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		if got := b.Value("document.documentElement.scrollWidth - document.documentElement.clientWidth"); got != "0" {
			t.Errorf("%s: the page is %s pixels too wide", scheme, got)
		}
		backs[b.Value("getComputedStyle(document.body).backgroundColor")] = true
	}
	if len(backs) != 2 {
		t.Errorf("the background is %v in both", backs)
	}
	if got := b.Value("$('legend').textContent"); got != "walkingsittingstanding" {
		t.Errorf("the legend is %q", got)
	}
}

// A server that wants a token is asked with the one that the person gives.
func TestToken(t *testing.T) {
	b := browsertest.Open(t, served(t, modeltest.Spec{Bidirectional: true}, "secret")+"/", 800)
	b.Wait("$('login').hidden", "false")
	b.TabTo("token")
	b.Write("secret")
	b.Enter()
	b.Wait("$('status').textContent", "1 model")
	b.Wait("$('play').disabled", "true") // a model of two directions has no streams
	b.TabTo("text")
	b.Write(table(20))
	b.TabTo("label")
	b.Enter()
	b.Wait("$('events-head').rows.length", "1")
}

// ask is the text of a server's answer.
func ask(t *testing.T, url, body string) string {
	t.Helper()
	r, err := http.Post(url, "", strings.NewReader(body))
	check(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	check(t, err)
	return string(text)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
