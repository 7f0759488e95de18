package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// example is a model of two features and two kinds, which share the weights: one of networks
// that are told what a row is within its series, one of others, on rolling windows.
func example(weights ...Weights) *Model {
	c := graph.DefaultConfig().WithDefaults()
	c.Features, c.Layers[0].Units = 4, 4
	rolling := c.Network
	rolling.Features, rolling.Window = 12, 1
	scale := &inputs.Scale{Offset: make([]float32, 12), Divisor: slices.Repeat([]float32{2}, 12)}
	half := len(weights) / 2
	return &Model{
		Version:     "v1",
		Columns:     Columns{Label: "label", Features: []string{"a", "b"}, Series: "id", Missing: "mean"},
		Classes:     []string{"0", "1"},
		Lookahead:   "3",
		Profile:     Profile{Mean: []float32{1, 2}, Low: []float32{-1, 0}, High: []float32{3, 4}},
		Threshold:   0.25,
		ClassWeight: "balanced",
		Kinds: []Kind{
			{Network: c.Network, Training: c.Training, Horizon: -3, Inputs: inputs.Inputs{SeriesScale: inputs.Running}, Weights: weights[:half]},
			{Network: rolling, Inputs: inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{9}, Ahead: 2, Scale: scale}, Weights: weights[half:]},
		},
		Run:      Run{Rows: 100, Members: 3, Epochs: 3},
		Reports:  json.RawMessage(`{"judged":{"f1":0.5}}`),
		Settings: json.RawMessage(`{"seed":1}`),
	}
}

// logistic is the example's rival.
func logistic(weights Weights) *Rival {
	k := example().Kinds[0]
	k.Network.Layers, k.Network.Lags = []graph.Layer{}, []int{-4, 0}
	k.Training, k.Weights = graph.Training{}, []Weights{weights}
	return &Rival{k, 0.25}
}

// whole is the example with what Commit sets.
func whole() *Model {
	m := example(weightsNamed("c"), weightsNamed("d"), weightsNamed("e"))
	m.Format = Format
	m.Rival = logistic(weightsNamed("f"))
	m.History, m.Judged = "history-0123456789ab.jsonl", "judged-0123456789ab.arrow"
	return m
}

func weightsNamed(letter string) Weights {
	sum := strings.Repeat(letter, 64)
	return Weights{"weights-" + sum[:digits], sum}
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

// write writes a whole model, whose checkpoints begin with the given text.
func write(w *Writer, weights string) error {
	var all []Weights
	for _, network := range []string{"", " 2", " 3", " rival"} {
		added, err := w.AddWeights(save(weights + network))
		if err != nil {
			return err
		}
		all = append(all, added)
	}
	if err := errors.Join(w.SetHistory([]byte(weights+"\n")), w.SetJudged([]byte(weights))); err != nil {
		return err
	}
	m := example(all[:3]...)
	m.Rival = logistic(all[3])
	return w.Commit(m)
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
		if finished.MatchString(name) && name != runFile {
			kind, rest, _ := strings.Cut(name, "-")
			name = kind + "-*" + rest[digits:]
		}
		got = append(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", dir, diff)
	}
}

// files are those of a model.
var files = slices.Concat([]string{"history-*.jsonl", "judged-*.arrow", "model.json"},
	slices.Repeat([]string{"weights-*.data-00000-of-00001", "weights-*.index"}, 4))

// weightsOf are the weights that the first member of a folder's model has. It checks that the
// other checkpoints are of the same model.
func weightsOf(t *testing.T, dir string) string {
	t.Helper()
	o, err := Open(dir)
	check(t, err)
	defer o.Close()
	return checkpointsOf(t, o)
}

func checkpointsOf(t *testing.T, o *Opened) string {
	t.Helper()
	first := ""
	for i, w := range o.checkpoints() {
		for _, ending := range weightsEndings {
			got := read(t, o.Checkpoint(w)+ending)
			if i == 0 {
				first = got
			}
			if want := first + []string{"", " 2", " 3", " rival"}[i]; got != want || first == "" {
				t.Errorf("the weights %d are %q, want %q", i, got, want)
			}
		}
	}
	return first
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
	checkpoints := got.checkpoints()
	if n := len(checkpoints); n != 4 {
		t.Fatalf("%d checkpoints", n)
	}
	want.Kinds, want.Rival = example(checkpoints[:3]...).Kinds, logistic(checkpoints[3])
	want.Created, want.History, want.Judged, want.SHA256 = got.Created, got.History, got.Judged, got.SHA256
	same := cmp.Comparer(func(a, b json.RawMessage) bool { // but for the indentation
		var x, y bytes.Buffer
		return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
	})
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if time.Since(got.Created) > time.Hour {
		t.Errorf("created %v", got.Created)
	}
	path, settings, err := Settings(dir)
	if err != nil || path != filepath.Join(dir, modelFile) || strings.Join(strings.Fields(string(settings)), "") != `{"seed":1}` {
		t.Errorf("settings %s of %s: %v", settings, path, err)
	}
	wantNames(t, dir, files...)
	wantNames(t, filepath.Dir(dir), "b")
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
		{"newer", change(`"format": 8`, `"format": 9`), []string{"format 9 is newer than this rnnbin supports (8)"}},
		{"older", change(`"format": 8`, `"format": 7`), []string{"format 7 is older than this rnnbin supports (8): train the model again"}},
		{"no format", "{}", []string{"damaged: format 0"}},
		{"an unknown key", change(`"horizon"`, `"horizont"`), []string{`damaged: json: unknown field "horizont"`}},
		{"an unknown key of the network", change(`"bidirectional"`, `"both"`), []string{`damaged: json: unknown field "both"`}},
		{"an unknown key of the training", change(`"optimizer"`, `"optim"`), []string{`damaged: json: unknown field "optim"`}},
		{"a setting without effect", change(`"optimizer"`, `"weight_decay": 1, "optimizer"`), []string{"damaged: networks: 0: training: WeightDecay is for the optimizer adamw"}},
		{"units", change(`"units": 4`, `"units": 0`), []string{"damaged: networks: 0: network: Layers[0].Units must be between "}},
		{"classes", change(`"classes": 2`, `"classes": 3`), []string{"damaged: networks: 0: network: 3 classes, but 2 have names"}},
		{"features", change(`"features": 4`, `"features": 3`), []string{"damaged: networks: 0: network: 3 features, not the 4 that its inputs make of 2 columns"}},
		{"a kind of scale", change(`"running"`, `"walking"`), []string{`damaged: networks: 0: inputs: series_scale "walking" is none of `}},
		{"no scale within series", change(`"running"`, `"none"`), []string{"damaged: networks: 0: network: 4 features, not the 2 that its inputs make of 2 columns"}},
		{"equal classes", change("\"0\",\n    \"1\"", `"0", "0"`), []string{`damaged: classes: two are called "0"`}},
		{"swapped classes", change("\"0\",\n    \"1\"", `"1", "0"`), []string{"damaged, or changed by hand: its content has another digest than its sha256"}},
		{"a class without a name", change("\"0\",\n    \"1\"", `"0", ""`), []string{"damaged: classes: one has no name"}},
		{"threshold", change(`"threshold": 0.25`, `"threshold": 25`), []string{"damaged: threshold 25"}},
		{"a mean short", change("1,\n      2", "1"), []string{"damaged: profile: mean: 1 values for 2 features"}},
		{"a range without its end", change(`"high": [`, `"high": null, "mean": [`), []string{"damaged: profile: high: 0 values for 2 features"}},
		{"a range upside down", change("3,\n      4", "3, -4"), []string{`damaged: profile: low 0 of "b" is above high -4`}},
		{"a huge mean", change("1,\n      2", "1, 1e39"), []string{"damaged: json: cannot unmarshal number 1e39"}},
		{"two roles", change(`"series": "id"`, `"series": "a"`), []string{`damaged: columns: "a" has two roles`}},
		{"horizon", change(`"horizon": -3`, `"horizon": -300000000`), []string{"damaged: networks: 0: horizon -300000000"}},
		{"lookahead", change(`"lookahead": "3"`, `"lookahead": "some"`), []string{`damaged: lookahead: "some" is neither all nor a number of rows up to `}},
		{"a lookahead below the horizon", change(`"lookahead": "3"`, `"lookahead": "2"`), []string{"damaged: lookahead: the networks look further than 2 rows ahead"}},
		{"two directions", change(`"bidirectional": false`, `"bidirectional": true`), []string{"damaged: lookahead: the networks look further than 3 rows ahead"}},
		{"whole series", change(`"running"`, `"whole"`), []string{"damaged: lookahead: the networks look further than 3 rows ahead"}},
		{"windows", change(`"rolling": [
          9`, `"rolling": [
          9, 3`), []string{"damaged: networks: 1: inputs: rolling: 3 after 9 is not ascending"}},
		{"more windows", change(`"rolling": [
          9`, `"rolling": [
          9, 11`), []string{"damaged: networks: 1: inputs: scale: offset: 12 values for 22 columns"}},
		{"centred windows", change(`"ahead": 2`, `"ahead": -1`), []string{"damaged: lookahead: the networks look further than 3 rows ahead"}},
		{"a divisor", change(`"divisor": [
            2`, `"divisor": [
            0`), []string{"damaged: networks: 1: inputs: scale: divisor: value 0 is 0, not "}},
		{"an unknown key of the inputs", change(`"rolling"`, `"roll"`), []string{`damaged: json: unknown field "roll"`}},
		{"no member", change(`"run": {`, `"networks": [], "run": {`), []string{"damaged: networks: 0 members: there must be 1 to 100"}},
		{"weights elsewhere", change(`"prefix": "`, `"prefix": "../`), []string{`damaged: networks: 0: weights: "../weights-`}},
		{"another digest", change(`"sha256": "`, `"sha256": "0`), []string{"damaged: networks: 0: weights: the digest of weights-"}},
		{"history elsewhere", change(`"history": "`, `"history": "/`), []string{`damaged: history: "/history-`}},
		{"answers elsewhere", change(`"judged": "judged-`, `"judged": "../judged-`), []string{`damaged: judged: "../judged-`}},
		{"a rival of layers", change(`"layers": []`, `"layers": [{"cell": "gru", "units": 4}]`), []string{"damaged: rival: logistic regression has no layers, not 1"}},
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
	wantError(t, err, "nosuch: no such model folder")
	_, err = load(parent)
	wantError(t, err, parent+": not a model folder: it has no model.json")

	dir := create(t, filepath.Join(parent, "m"))
	m, err := load(dir)
	check(t, err)
	_, err = load(filepath.Join(dir, modelFile))
	wantError(t, err, "model.json: not a model folder")
	for _, w := range m.checkpoints() {
		for _, path := range checkpointFiles(dir, w.Prefix) {
			whole := read(t, path)
			for _, text := range []string{"", "w", strings.ToUpper(whole)} {
				writeFile(t, path, text)
				_, err = load(dir)
				wantError(t, err, w.Prefix, ": the weights are damaged: their digest differs from the one in model.json")
			}
			check(t, os.Remove(path))
			_, err = load(dir)
			wantError(t, err, path+": the weights are missing")
			writeFile(t, path, whole)
		}
	}
	_, err = load(dir)
	check(t, err)
}

// Files beside the weights are compared with the digest in their names, too.
func TestReadFindsDamage(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	o, err := Open(dir)
	check(t, err)
	defer o.Close()
	for _, name := range []string{o.History, o.Judged} {
		content, err := o.Read(name)
		if err != nil || !strings.HasPrefix(string(content), "weights") {
			t.Errorf("%s holds %q, %v", name, content, err)
		}
		writeFile(t, filepath.Join(dir, name), "Weights")
		_, err = o.Read(name)
		wantError(t, err, name+": the file is damaged: its digest differs from the one in its name")
		check(t, os.Remove(filepath.Join(dir, name)))
		_, err = o.Read(name)
		wantError(t, err, name+": the file is missing")
	}
}

// The weights of two members that changed places are found, and so are those of the rival in
// a member's place.
func TestLoadFindsWeightsThatChangedPlaces(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	m, err := load(dir)
	check(t, err)
	all := m.checkpoints()
	for i, a := range all {
		for _, b := range all[i+1:] {
			swap(t, dir, a.Prefix, b.Prefix)
			_, err = load(dir)
			wantError(t, err, ": the weights are damaged: their digest differs from the one in model.json")
			swap(t, dir, a.Prefix, b.Prefix)
		}
	}
	_, err = load(dir)
	check(t, err)
}

func swap(t *testing.T, dir, a, b string) {
	t.Helper()
	from, to := checkpointFiles(dir, a), checkpointFiles(dir, b)
	for i := range from {
		x, y := read(t, from[i]), read(t, to[i])
		writeFile(t, from[i], y)
		writeFile(t, to[i], x)
	}
}

// Members of equal weights share their files.
func TestMembersOfEqualWeights(t *testing.T) {
	w, err := Create(filepath.Join(t.TempDir(), "m"), false)
	check(t, err)
	var all []Weights
	for range 2 {
		added, err := w.AddWeights(save("equal"))
		check(t, err)
		all = append(all, added)
	}
	check(t, w.Commit(example(all...)))
	w.Close()
	m, err := load(w.Dir())
	check(t, err)
	if a, b := m.Kinds[0].Weights, m.Kinds[1].Weights; len(a) != 1 || !slices.Equal(a, b) || m.Rival != nil {
		t.Errorf("members %v and %v, rival %v", a, b, m.Rival)
	}
	wantNames(t, w.Dir(), files[2:5]...)
}
