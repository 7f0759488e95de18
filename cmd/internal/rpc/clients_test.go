package rpc

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/cmd/internal/python"
	httpserve "github.com/rnnbin/rnnbin/cmd/internal/serve"
)

// packages are a file of requirements as Python's modules.
func packages(t *testing.T, name, requirements string) string {
	t.Helper()
	path, err := python.Packages(name, requirements)
	if err != nil {
		t.Skip("the clients cannot be installed: ", err)
	}
	return path
}

// The official clients of TensorFlow Serving and Triton work with this server. One of them imports
// the TensorFlow that tests of exports load.
func TestPythonClients(t *testing.T) {
	askWith(t, "clients.py", packages(t, "serving-clients", filepath.Join("testdata", "requirements.txt")),
		packages(t, "tensorflow-2.18.1", filepath.Join("..", "..", "rnnbin", "testdata", "export", "requirements.txt")))
}

// So do KServe's, which have Triton's messages, too, and cannot be in one program with them.
func TestKServeClients(t *testing.T) {
	askWith(t, "kserve_clients.py", packages(t, "kserve-client", filepath.Join("testdata", "kserve.txt")))
}

// askWith has a script with clients ask servers of one model over gRPC and over HTTP.
func askWith(t *testing.T, script string, packages ...string) {
	t.Helper()
	s := serve(t, modeltest.Spec{}, Options{})
	http := httptest.NewServer(httpserve.New(s.registry, httpserve.DefaultOptions()))
	defer http.Close()
	const batch, steps = 3, 25
	var series [][][]float32
	var flat [][]float32
	for b := range batch {
		flat = append(flat, modeltest.Rows(uint64(b), steps))
		series = append(series, slices.Collect(slices.Chunk(flat[b], 2)))
	}
	a := s.want(t, flat...)
	followed, err := s.model.Stream().Push(flat[0])
	check(t, err)
	text, err := json.Marshal(map[string]any{
		"series":        series,
		"probabilities": slices.Collect(slices.Chunk(slices.Collect(slices.Chunk(a.Probability, 2)), steps)),
		"labels":        slices.Collect(slices.Chunk(s.names(a), steps)),
		"stream":        slices.Collect(slices.Chunk(followed.Probability, 2)),
	})
	check(t, err)
	fixture := filepath.Join(t.TempDir(), "fixture.json")
	check(t, os.WriteFile(fixture, text, 0o666))
	ask := exec.Command("python3", filepath.Join("testdata", script), s.address, strings.TrimPrefix(http.URL, "http://"), fixture)
	ask.Env = append(os.Environ(), "PYTHONPATH="+strings.Join(packages, string(filepath.ListSeparator)), "PYTHONDONTWRITEBYTECODE=1", "TF_CPP_MIN_LOG_LEVEL=3")
	if out, err := ask.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
