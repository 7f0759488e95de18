package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/python"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
	"github.com/rnnbin/rnnbin/graph/model"
)

// exportTried are models that differ in what their graphs are made of, and the signatures that
// tf2onnx is to convert, which takes it long.
var exportTried = map[string]struct {
	classes []string
	missing string
	kinds   []model.Kind
	convert []string
	members int
}{
	"usual": { // as train makes them, but for units
		[]string{"running", "lying", "stairs", "standing", "walking"}, "error",
		[]model.Kind{
			{Network: graph.Network{Window: 1, Layers: []graph.Layer{{Cell: graph.Dense, Units: 32}}},
				Inputs: inputs.Inputs{SeriesScale: inputs.Whole, Rolling: []int{12}, Ahead: inputs.Centred}},
			{Network: graph.Network{Window: 64, Bidirectional: true, Layers: []graph.Layer{{Cell: graph.GRU, Units: 8}}},
				Inputs: inputs.Inputs{SeriesScale: inputs.Whole, Rolling: []int{12}, Ahead: inputs.Centred}},
		},
		[]string{"serving_default"}, 2,
	},
	"stream": {
		[]string{"0", "1"}, "forward",
		[]model.Kind{
			{Network: graph.Network{Window: 32, Layers: []graph.Layer{{Cell: graph.GRU, Units: 16}}}, Inputs: inputs.Inputs{SeriesScale: inputs.Running, Rolling: []int{5}}},
			{Network: graph.Network{Window: 20, Layers: []graph.Layer{{Cell: graph.LSTM, Units: 8}}}, Inputs: inputs.Inputs{SeriesScale: inputs.Running}, Horizon: 2},
		},
		[]string{"stream"}, 1,
	},
	"cells": {
		[]string{"no", "yes"}, "mean",
		[]model.Kind{
			{Network: graph.Network{Window: 1, Lags: []int{-20, 0, 36}}, Inputs: inputs.Inputs{SeriesScale: inputs.None}},
			{Network: graph.Network{Window: 20, Lags: []int{-2, 5}, Layers: []graph.Layer{{Cell: graph.GRUResetBefore, Units: 8}, {Cell: graph.Plain, Units: 8}}}, Inputs: inputs.Inputs{SeriesScale: inputs.None}, Horizon: -3},
		},
		nil, 2,
	},
}

// exportFeatures is the number of features of those models.
const exportFeatures = 2

// Python's loaders, saved_model_cli and, converted by tf2onnx, ONNX Runtime answer as predict.
func TestExportInPython(t *testing.T) {
	if testing.Short() {
		t.Skip("Python's TensorFlow takes half a minute")
	}
	packages, err := python.Packages("tensorflow-2.18.1", "testdata/export/requirements.txt")
	if err != nil {
		t.Skip("left out: TensorFlow for Python cannot be installed: ", err)
	}
	dir := t.TempDir()
	for name, of := range exportTried {
		writeExported(t, dir, name, of.classes, of.missing, of.kinds, of.members, of.convert)
	}
	script, err := os.ReadFile("testdata/export/check.py") // so that go test knows when it has changed
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command("python3", "-", dir)
	check.Stdin = bytes.NewReader(script)
	check.Env = append(os.Environ(), "PYTHONPATH="+packages, "PYTHONDONTWRITEBYTECODE=1")
	out, err := check.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// A Go program finds the inputs of what is exported as ONNX by their names, and gets what predict answers.
func TestExportInGo(t *testing.T) {
	if testing.Short() {
		t.Skip("has another module built")
	}
	packages, err := python.Packages("tensorflow-2.18.1", "testdata/export/requirements.txt")
	if err != nil {
		t.Skip("left out: the library of ONNX Runtime comes with Python's package, which cannot be installed: ", err)
	}
	library, err := filepath.Glob(filepath.Join(packages, "onnxruntime", "capi", "libonnxruntime.*so*"))
	if err != nil || len(library) != 1 {
		t.Fatalf("%v: ONNX Runtime's library is not one of %v", err, library)
	}
	dir := t.TempDir()
	of := exportTried["stream"]
	writeExported(t, dir, "stream", of.classes, of.missing, of.kinds, of.members, nil)
	if out, err := exec.Command("go", "run", "-C", "testdata/onnxruntime_go", ".", library[0], dir, "stream").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// writeExported makes a model, exports it with the program, and writes beside it what it answers.
func writeExported(t *testing.T, dir, name string, classes []string, missing string, kinds []model.Kind, members int, convert []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	folder := filepath.Join(dir, "trained", name)
	m := &model.Model{
		Version: "test", Columns: model.Columns{Label: "label", Features: []string{"x", "y"}, Missing: missing},
		Classes: classes, Lookahead: model.All, Threshold: 0.4, ClassWeight: "none", Profile: model.Profile{Mean: []float32{100, -1}},
	}
	for _, k := range kinds {
		k.Network.Features, k.Network.Classes = k.Inputs.Columns(exportFeatures), len(classes)
		k.Inputs.Scale = &inputs.Scale{}
		for range k.Network.Features {
			s := k.Inputs.Scale
			s.Center, s.Spread = append(s.Center, 50*r.Float32()), append(s.Spread, 0.5+10*r.Float32())
			s.Offset, s.Divisor = append(s.Offset, r.Float32()), append(s.Divisor, 0.5+r.Float32())
		}
		m.Kinds = append(m.Kinds, k)
	}
	w, err := model.Create(folder, false)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range m.Kinds {
		for range members {
			perturb := func(_ string, v []float32) {
				for k := range v {
					v[k] += 0.2 * (r.Float32() - 0.5)
				}
			}
			if err := writeNetwork(w, &m.Kinds[i], perturb); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	base := filepath.Join(dir, "models", name)
	for _, format := range []string{savedModel, onnx} {
		if code := run([]string{"export", folder, "--out", base, "--format", format}, strings.NewReader(""), &out, &errOut); code != exitOK {
			t.Fatalf("exit code %d: %s", code, &errOut)
		}
	}
	about := map[string]any{"classes": classes, "threshold": m.Threshold, "convert": append([]string{}, convert...), "cases": answeredCases(t, r, dir, name, folder)}
	text, err := json.Marshal(about)
	if err == nil {
		err = os.WriteFile(filepath.Join(base, "1.json"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answeredCases are batches of series, whose values and answers are in files. The last is the
// largest.
func answeredCases(t *testing.T, r *rand.Rand, dir, name, folder string) []map[string]any {
	t.Helper()
	m, err := label.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var cases []map[string]any
	for _, shape := range [][2]int{{1, 20}, {1, 500}, {1, 5000}, {64, 20}, {64, 500}, {64, 5000}} {
		batch, rows := shape[0], shape[1]
		var all []label.Series
		var values []float32
		for range batch {
			x := wandering(r, rows)
			all, values = append(all, label.Series{Values: x}), append(values, x...)
		}
		a, err := m.Label(context.Background(), all...)
		if err != nil {
			t.Fatal(err)
		}
		c := map[string]any{"batch": batch, "rows": rows}
		for key, content := range map[string]any{"series": values, "probability": a.Probability, "class": a.Class} {
			file := fmt.Sprintf("%s-%d-%d.%s", name, batch, rows, key)
			raw, err := binary.Append(nil, binary.LittleEndian, content)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), raw, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			c[key] = file
		}
		cases = append(cases, c)
	}
	return cases
}

// wandering are rows of two features about 100 and 0 that wander, jump and stay.
func wandering(r *rand.Rand, rows int) []float32 {
	x := make([]float32, 0, rows*exportFeatures)
	at := []float64{100, 0}
	for range rows {
		for k := range at {
			switch r.IntN(20) {
			case 0:
				at[k] = slices.Max([]float64{100 - 100*float64(k), -50}) + 10*r.NormFloat64()
			case 1, 2, 3, 4:
			default:
				at[k] += r.NormFloat64()
			}
			x = append(x, float32(at[k]))
		}
	}
	return x
}
