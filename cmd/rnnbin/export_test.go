package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
			{Network: graph.Network{Window: 20, Layers: []graph.Layer{{Cell: graph.LSTM, Units: 8}, {Cell: graph.Plain, Activation: graph.Tanh, Units: 8}}}, Inputs: inputs.Inputs{SeriesScale: inputs.Running}, Horizon: 2},
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
	packages := exportPackages(t)
	dir := t.TempDir()
	for name, of := range exportTried {
		writeExported(t, dir, name, of.classes, of.missing, of.kinds, of.members, of.convert)
	}
	checkInPython(t, packages, dir)
}

// exportPackages are what check.py imports.
func exportPackages(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	packages, err := python.Packages("tensorflow-2.18.1", "testdata/export/requirements.txt")
	if err != nil {
		t.Skip("left out: TensorFlow for Python, and ONNX Runtime, cannot be installed: ", err)
	}
	return packages
}

// checkInPython has check.py run what was exported into a folder.
func checkInPython(t *testing.T, packages, dir string) {
	t.Helper()
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

// What train makes of real rows answers elsewhere as predict does, too.
func TestExportOfTrained(t *testing.T) {
	packages := exportPackages(t)
	dir := t.TempDir()
	for name, of := range map[string]struct {
		data   func(t *testing.T, to string) // writes a CSV file, or does nothing if it cannot
		train  []string
		stream bool // the others scale within whole series, or are of two directions
	}{
		"bursts":     {builtInData("bursts"), []string{"--label", "label", "--lookahead", "0", "--epochs", "5"}, true},
		"activities": {builtInData("activities"), []string{"--label", "label", "--series", "series", "--epochs", "5"}, false},
		"ecg":        {sharedData("ecg100_first5min.csv.gz"), []string{"--label", "qrs", "--features", "mlii_mv,v5_mv", "--bidirectional", "--epochs", "1"}, false},
		"skab":       {skabData, []string{"--label", "anomaly", "--features", skabFeatures, "--series", "series", "--epochs", "3"}, false},
	} {
		table := filepath.Join(dir, name+".csv")
		of.data(t, table)
		if _, err := os.Stat(table); err != nil {
			t.Logf("%s is left out: its data are not part of the repository", name)
			continue
		}
		folder := filepath.Join(dir, "trained", name)
		t.Run(name, func(t *testing.T) {
			t.Chdir(dir) // where runs/latest is made
			rnnbin(t, append([]string{"train", table, "--folds", "0", "--seed", "1", "--out", folder}, of.train...)...)
		})
		exportModel(t, dir, name, folder, nil, rowsOf(t, table, folder))
		if _, err := os.Stat(filepath.Join(dir, "models", name, "2", "stream.onnx")); (err == nil) != of.stream {
			t.Errorf("%s: a stream: %v, want %v", name, err == nil, of.stream)
		}
	}
	checkInPython(t, packages, dir)
}

func builtInData(name string) func(*testing.T, string) {
	return func(t *testing.T, to string) { rnnbin(t, "data", name, "--out", to) }
}

func sharedData(name string) func(*testing.T, string) {
	return func(t *testing.T, to string) {
		f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", name))
		if err != nil {
			return
		}
		defer f.Close()
		r, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(to, text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const skabFeatures = "Accelerometer1RMS,Accelerometer2RMS,Current,Pressure,Temperature,Thermocouple,Voltage,Volume Flow RateRMS"

// skabData joins experiments of the Skoltech Anomaly Benchmark, whose folder data/ the variable
// RNNBIN_SKAB names.
func skabData(t *testing.T, to string) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("RNNBIN_SKAB"), "valve*", "*.csv"))
	if err != nil || len(files) == 0 || os.Getenv("RNNBIN_SKAB") == "" {
		return
	}
	all := strings.ReplaceAll(skabFeatures, ",", ";") + ";anomaly;series\n"
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			cells := strings.Split(line, ";")
			all += strings.Join(cells[1:len(cells)-1], ";") + fmt.Sprintf(";%d\n", i)
		}
	}
	if err := os.WriteFile(to, []byte(strings.ReplaceAll(all, ";", ",")), 0o666); err != nil {
		t.Fatal(err)
	}
}

// rowsOf gives rows of a CSV file that follow each other, those of the features of a model, anywhere.
func rowsOf(t *testing.T, table, folder string) func(r *rand.Rand, n int) []float32 {
	t.Helper()
	m, err := label.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []float32
	for _, line := range lines[1:] {
		for _, feature := range m.Task().Features {
			v, err := strconv.ParseFloat(line[slices.Index(lines[0], feature)], 32)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, float32(v))
		}
	}
	R, have := len(m.Task().Features), len(lines)-1
	return func(r *rand.Rand, n int) []float32 {
		at := r.IntN(have - n + 1)
		return rows[at*R : (at+n)*R]
	}
}

// A Go program finds the inputs of what is exported as ONNX by their names, and gets what predict answers.
func TestExportInGo(t *testing.T) {
	library, err := filepath.Glob(filepath.Join(exportPackages(t), "onnxruntime", "capi", "libonnxruntime.*so*"))
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
	exportModel(t, dir, name, folder, convert, wandering)
}

// exportModel exports a model with the program, and writes beside it what it answers to rows that
// follow each other.
func exportModel(t *testing.T, dir, name, folder string, convert []string, rows func(r *rand.Rand, n int) []float32) {
	t.Helper()
	base := filepath.Join(dir, "models", name)
	for _, format := range []string{savedModel, onnx} {
		rnnbin(t, "export", folder, "--out", base, "--format", format)
	}
	m, err := label.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	about := map[string]any{
		"classes": m.Task().Classes, "threshold": m.Task().Threshold, "convert": append([]string{}, convert...),
		"cases": answeredCases(t, dir, name, m, rows),
	}
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
func answeredCases(t *testing.T, dir, name string, m *label.Model, rowsOf func(r *rand.Rand, n int) []float32) []map[string]any {
	t.Helper()
	r := rand.New(rand.NewPCG(2, 2))
	var cases []map[string]any
	for _, shape := range [][2]int{{1, 20}, {1, 500}, {1, 5000}, {64, 20}, {64, 500}, {64, 5000}} {
		batch, rows := shape[0], shape[1]
		var all []label.Series
		var values []float32
		for range batch {
			x := rowsOf(r, rows)
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
