package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/graph/label"
)

var ctx = context.Background()

// site is a server of tests.
type site struct {
	testing.TB
	*httptest.Server
	registry *engine.Registry
	serve    *Server
}

// serving serves the model m in a folder, and n of one feature and three classes.
func serving(t *testing.T, o Options, specs ...modeltest.Spec) *site {
	t.Helper()
	return servingBy(t, engine.DefaultOptions(), o, specs...)
}

// servingBy serves them by an engine with these options.
func servingBy(t *testing.T, e engine.Options, o Options, specs ...modeltest.Spec) *site {
	t.Helper()
	specs = append(specs, modeltest.Spec{}, modeltest.Spec{Features: []string{"z"}, Classes: []string{"0", "1", "2"}})
	e.Poll, e.MaxRows = 0, 1000
	var sources []engine.Source
	for i, name := range []string{"m", "n"} {
		dir := filepath.Join(t.TempDir(), "1")
		modeltest.Write(t, dir, specs[i])
		sources = append(sources, engine.Source{Name: name, Path: dir, Labels: map[string]int64{"stable": 1}})
	}
	r, err := engine.Open(ctx, e, sources...)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{TB: t, registry: r, serve: New(r, o)}
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s.start()
	return s
}

// start listens until the test ends.
func (s *site) start() {
	s.Server = httptest.NewServer(s.serve)
	s.Cleanup(func() {
		s.serve.end()
		s.Server.Close()
	})
}

// ask sends a request, and returns the status and the body of the answer.
func (s *site) ask(method, path, body string, header ...string) (int, string, http.Header) {
	s.Helper()
	q, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	r, err := s.Client().Do(q)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.Fatal(err)
	}
	return r.StatusCode, string(text), r.Header
}

// want fails unless a request has this answer.
func (s *site) want(method, path, body string, status int, answer string) {
	s.Helper()
	got, text, _ := s.ask(method, path, body)
	if got != status || strings.TrimSpace(text) != answer {
		s.Errorf("%s %s %.200s:\n%d %s\nwant\n%d %s", method, path, body, got, text, status, answer)
	}
}

// label is what the model of a name itself answers.
func (s *site) label(name string, series ...[]float32) label.Answers {
	s.Helper()
	h, err := s.registry.Acquire(name, engine.Which{})
	if err != nil {
		s.Fatal(err)
	}
	defer h.Release()
	var all []label.Series
	for _, x := range series {
		all = append(all, label.Series{Values: x})
	}
	a, err := h.Model().Label(ctx, all...)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// nested are rows as JSON has them.
func nested(x []float32, features int) string {
	var all [][]float32
	for row := range slices.Chunk(x, features) {
		all = append(all, row)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// decode reads JSON.
func decode(t *testing.T, text string, to any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
