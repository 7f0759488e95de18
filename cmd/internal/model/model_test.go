package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// example is a model of two features.
func example() *Model {
	network := graph.DefaultConfig()
	network.Features, network.Layers[0].Units = 2, 4
	network.Threads, network.Form = 2, graph.FormPortable
	features := []string{"a", "b"}
	return &Model{
		Version:   "v1",
		Network:   network,
		Columns:   Columns{Label: "label", Features: features, Series: "id", Missing: series.MissingMean},
		Horizon:   -3,
		Scaler:    series.Scaler{Kind: series.Standard, Columns: features, Offset: []float64{1, 2}, Scale: []float64{3, 4}, Fill: []float64{1, 2}},
		Threshold: 0.25,
		Training:  Training{Rows: 100, Epochs: 3},
		Settings:  json.RawMessage(`{"seed":1}`),
		Metrics:   &Metrics{Report: &metrics.Report{Scores: metrics.Scores{Steps: 7, F1: 0.5}, Threshold: 0.25}},
	}
}

// whole is the example with what Commit sets.
func whole() *Model {
	m := example()
	m.Format = Format
	m.Weights = []Weights{{"weights-0123456789ab", "0123456789ab" + strings.Repeat("c", 52)}}
	m.History = "history-0123456789ab.jsonl"
	return m
}

// save stands in for what writes a checkpoint.
func save(content string) func(prefix string) error {
	return func(prefix string) error {
		for _, ending := range weightsEndings {
			if err := os.WriteFile(prefix+ending, []byte(content), 0o666); err != nil {
				return err
			}
		}
		return nil
	}
}

// write writes a whole model.
func write(w *Writer, weights string) error {
	if err := w.AddWeights(save(weights)); err != nil {
		return err
	}
	if err := w.SetHistory([]byte(weights + "\n")); err != nil {
		return err
	}
	return w.Commit(example())
}

// commit writes a whole model and ends w.
func commit(t *testing.T, w *Writer, err error, weights string) string {
	t.Helper()
	check(t, err)
	check(t, write(w, weights))
	w.Close()
	return w.Dir()
}

func create(t *testing.T, dir string) string {
	t.Helper()
	w, err := Create(dir, false)
	return commit(t, w, err, "weights")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks that an error is one line with the given parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nlacks %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
}

// wantNames checks what a folder holds, hidden files included; * stands for a digest.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var got []string
	for _, e := range entries {
		name := e.Name()
		if finished.MatchString(name) {
			name = name[:len("weights-")] + "*" + name[len("weights-")+digits:]
		}
		got = append(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", dir, diff)
	}
}

// files are those of a model.
var files = []string{"history-*.jsonl", "model.json", "weights-*.data-00000-of-00001", "weights-*.index"}

// weightsOf are the weights that a folder's model has.
func weightsOf(t *testing.T, dir string) string {
	t.Helper()
	o, err := Open(dir)
	check(t, err)
	defer o.Close()
	return read(t, o.Checkpoint(0)+weightsEndings[0])
}

// load is what Open reads.
func load(dir string) (*Model, error) {
	o, err := Open(dir)
	if err != nil {
		return nil, err
	}
	o.Close()
	return o.Model, nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(text), 0o666))
}

func TestWhatIsWrittenIsLoaded(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "a", "b"))
	got, err := load(dir)
	check(t, err)
	want := whole()
	want.Created, want.Weights, want.History = got.Created, got.Weights, got.History
	d := graph.DefaultConfig()
	want.Network.Threads, want.Network.Form, want.Network.InstructionSet = d.Threads, d.Form, d.InstructionSet
	want.Settings = got.Settings
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if time.Since(got.Created) > time.Hour {
		t.Errorf("created %v", got.Created)
	}
	if o := got.Options(); o.Series != "id" || o.Missing != series.MissingMean || len(o.Features) != 2 {
		t.Errorf("Options: %+v", o)
	}
	path, settings, err := Settings(dir)
	if err != nil || path != filepath.Join(dir, modelFile) || strings.Join(strings.Fields(string(settings)), "") != `{"seed":1}` {
		t.Errorf("settings %s of %s: %v", settings, path, err)
	}
	wantNames(t, dir, files...)
	wantNames(t, filepath.Dir(dir), "b")
}

// Every field of a network is kept, but for those that belong to the machine.
func TestNetworksAreKept(t *testing.T) {
	c := graph.Config{
		Window: 2, Features: 3, Lags: []int{-1, 4}, Layers: []graph.Layer{{Cell: graph.GRU, Units: 5}, {Cell: graph.Plain, Units: 6, Activation: graph.Tanh}},
		Bidirectional: true, Classes: 7, Loss: graph.Focal, FocalGamma: 8, Optimizer: graph.SGD, LearningRate: 9, Beta1: 10, Beta2: 11, Epsilon: 12,
		WeightDecay: 13, Dropout: 14, InputNoise: 15, ClipNorm: 16, Seed: 17,
		Threads: 1, Form: graph.FormAuto, InstructionSet: graph.InstructionSetAuto,
	}
	text, err := json.Marshal(networkOf(c))
	check(t, err)
	var n network
	check(t, json.Unmarshal(text, &n))
	if diff := cmp.Diff(c, n.config()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	good := create(t, filepath.Join(t.TempDir(), "good"))
	whole := read(t, filepath.Join(good, modelFile))
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(whole, from) {
			t.Fatalf("model.json has no %q:\n%s", from, whole)
		}
		return strings.Replace(whole, from, to, 1)
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"cut off", whole[:len(whole)/2], []string{"damaged: unexpected end of JSON input"}},
		{"empty", "", []string{"damaged"}},
		{"another type", "[1]", []string{"damaged"}},
		{"trailing text", whole + "}", []string{"damaged"}},
		{"newer", change(`"format": 3`, `"format": 4`), []string{"format 4 is newer than this program reads (3)"}},
		{"older", change(`"format": 3`, `"format": 2`), []string{"format 2 is older than this program reads (3); train the model again"}},
		{"no format", "{}", []string{"damaged: format 0"}},
		{"an unknown key", change(`"horizon"`, `"horizont"`), []string{`damaged: json: unknown field "horizont"`}},
		{"an unknown key of the network", change(`"dropout"`, `"drop"`), []string{`damaged: json: unknown field "drop"`}},
		{"units", change(`"units": 4`, `"units": 0`), []string{"damaged: network: Units must be between "}},
		{"classes", change(`"classes": 2`, `"classes": 3`), []string{"damaged: network: 3 classes, not 2"}},
		{"features", change(`"features": 2`, `"features": 3`), []string{"damaged: 2 feature columns for a network of 3"}},
		{"threshold", change(`"threshold": 0.25`, `"threshold": 25`), []string{"damaged: threshold 25"}},
		{"scale", change("3,\n      4", "3,\n      0"), []string{`damaged: scaler: the scale of "b" is 0`}},
		{"scaler's length", change("3,\n      4", "3"), []string{"damaged: scaler: 1 values for 2 features"}},
		{"missing", change(`"missing": "mean"`, `"missing": "x"`), []string{"damaged: columns: --missing"}},
		{"two roles", change(`"series": "id"`, `"series": "a"`), []string{"damaged: columns: "}},
		{"horizon", change(`"horizon": -3`, `"horizon": -300000000`), []string{"damaged: horizon -300000000"}},
		{"weights elsewhere", change(`"prefix": "`, `"prefix": "../`), []string{`damaged: weights: "../weights-`}},
		{"another digest", change(`"sha256": "`, `"sha256": "0`), []string{"damaged: weights: the digest of weights-"}},
		{"history elsewhere", change(`"history": "`, `"history": "/`), []string{`damaged: history: "/history-`}},
	} {
		dir := create(t, filepath.Join(t.TempDir(), "m"))
		path := filepath.Join(dir, modelFile)
		writeFile(t, path, c.text)
		_, err := load(dir)
		t.Log(err)
		wantError(t, err, append(c.want, path+": ")...)
	}
}

func TestLoadNamesWhatIsMissing(t *testing.T) {
	parent := t.TempDir()
	_, err := load(filepath.Join(parent, "nosuch"))
	wantError(t, err, "nosuch: there is no such model folder")
	_, err = load(parent)
	wantError(t, err, parent+": this is no model folder, it has no model.json")

	dir := create(t, filepath.Join(parent, "m"))
	m, err := load(dir)
	check(t, err)
	_, err = load(filepath.Join(dir, modelFile))
	wantError(t, err, "model.json: this is no model folder but a file")
	for _, path := range checkpointFiles(dir, m.Weights[0].Prefix) {
		for _, text := range []string{"", "w", "Weights"} {
			writeFile(t, path, text)
			_, err = load(dir)
			wantError(t, err, m.Weights[0].Prefix, ": the weights are damaged: their digest is not that in model.json")
		}
		check(t, os.Remove(path))
		_, err = load(dir)
		wantError(t, err, path+": the weights are missing")
		writeFile(t, path, "weights")
	}
	_, err = load(dir)
	check(t, err)
}
