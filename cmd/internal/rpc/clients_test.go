package rpc

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
	"github.com/rnnbin/rnnbin/cmd/internal/python"
)

// clients are what PYTHONPATH has to be for the clients, and for the TensorFlow that tests of
// exports load, which one of them imports.
func clients(t *testing.T) string {
	t.Helper()
	own, err := python.Packages("serving-clients", filepath.Join("testdata", "requirements.txt"))
	if err != nil {
		t.Skip("the clients cannot be installed: ", err)
	}
	tensorflow, err := python.Packages("tensorflow-2.18.1", filepath.Join("..", "..", "rnnbin", "testdata", "export", "requirements.txt"))
	if err != nil {
		t.Skip("TensorFlow cannot be installed: ", err)
	}
	return own + string(filepath.ListSeparator) + tensorflow
}

// The official clients of TensorFlow Serving and Triton work with this server.
func TestPythonClients(t *testing.T) {
	path := clients(t)
	s := serve(t, modeltest.Spec{}, Options{})
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
	ask := exec.Command("python3", filepath.Join("testdata", "clients.py"), s.address, fixture)
	ask.Env = append(os.Environ(), "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1", "TF_CPP_MIN_LOG_LEVEL=3")
	if out, err := ask.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
