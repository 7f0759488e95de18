package model

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	}
}

// fill writes what stands in for the weights.
func fill(t *testing.T, w *Writer, content string) {
	t.Helper()
	if err := writeWeights(w, content); err != nil {
		t.Fatal(err)
	}
}

func writeWeights(w *Writer, content string) error {
	for _, name := range weightsFiles {
		if err := os.WriteFile(w.Path(name), []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// commit writes a whole folder.
func commit(t *testing.T, w *Writer, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w, "weights")
	if err := w.Commit(example()); err != nil {
		t.Fatal(err)
	}
	return w.Dir()
}

func create(t *testing.T, dir string) string {
	t.Helper()
	w, err := Create(dir, false)
	return commit(t, w, err)
}

// wantError checks that an error is one line with the given parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
}

// wantNames checks what a folder holds, hidden files included.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", dir, diff)
	}
}

func TestWhatIsWrittenIsLoaded(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "a", "b"))
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Format, want.Created, want.Network = Format, got.Created, portable(want.Network)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if time.Since(got.Created) > time.Hour {
		t.Errorf("created %v", got.Created)
	}
	if c := got.Network; c.Threads != 1 || c.Form != graph.FormAuto {
		t.Errorf("%d threads and form %s are kept", c.Threads, c.Form)
	}
	if o := got.Options(); o.Series != "id" || o.Missing != series.MissingMean || len(o.Features) != 2 {
		t.Errorf("Options: %+v", o)
	}
	wantNames(t, filepath.Dir(dir), "b")
}

func TestTheFolderIsTheOldOneUntilCommit(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "m")
	w, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w, "new")
	if _, err := Load(dir); err == nil {
		t.Error("there is a model before Commit")
	}
	w.Discard()
	wantNames(t, parent)

	create(t, dir)
	if w, err = Create(dir, true); err != nil {
		t.Fatal(err)
	}
	fill(t, w, "new")
	if got := read(t, filepath.Join(dir, weightsFiles[0])); got != "weights" {
		t.Errorf("before Commit the weights are %q", got)
	}
	if err := w.Commit(example()); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if got := read(t, filepath.Join(dir, weightsFiles[0])); got != "new" {
		t.Errorf("after Commit the weights are %q", got)
	}
	wantNames(t, parent, "m")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExchangeSlowly(t *testing.T) {
	parent := t.TempDir()
	a, b := filepath.Join(parent, "a"), filepath.Join(parent, "b")
	for _, dir := range []string{a, b} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(dir)), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := exchangeSlowly(a, b); err != nil {
		t.Fatal(err)
	}
	wantNames(t, a, "b")
	wantNames(t, b, "a")
}

// replaceFor names the folder that a copy of this test program is to replace
// again and again.
const replaceFor = "MODEL_TEST_REPLACE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(replaceFor); dir != "" {
		fmt.Println(replaceUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// replaceUntilKilled ends with an error only.
func replaceUntilKilled(dir string) error {
	for i := 0; ; i++ {
		w, err := Create(dir, true)
		if err != nil {
			return err
		}
		if err := writeWeights(w, fmt.Sprint(i)); err != nil {
			return err
		}
		if err := w.Commit(example()); err != nil {
			return err
		}
		if i == 0 {
			fmt.Println("begun")
		}
	}
}

func TestAKilledProgramLeavesAModel(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	for i := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), replaceFor+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "begun\n" {
			t.Fatal(line, err)
		}
		time.Sleep(time.Duration(3*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		if _, err := Load(dir); err != nil {
			t.Fatal(err)
		}
		if a, b := read(t, filepath.Join(dir, weightsFiles[0])), read(t, filepath.Join(dir, weightsFiles[1])); a != b {
			t.Errorf("weights of two models: %q, %q", a, b)
		}
	}
}

func TestRunsAreNumbered(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	first, err := CreateRun(root)
	if err != nil {
		t.Fatal(err)
	}
	second, err := CreateRun(root)
	if err != nil {
		t.Fatal(err)
	}
	if first.Dir() != filepath.Join(root, "1") || second.Dir() != filepath.Join(root, "2") {
		t.Errorf("%s, %s", first.Dir(), second.Dir())
	}
	first.Discard()
	dir := commit(t, second, nil)
	for range 2 {
		if err := SetLatest(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(filepath.Join(root, "latest")); err != nil {
		t.Error(err)
	}
	third, err := CreateRun(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetLatest(commit(t, third, nil)); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(root, "latest")); to != "3" {
		t.Errorf("latest is %q: %v", to, err)
	}
	wantNames(t, root, "2", "3", "latest")

	// What the link points to is replaced, the link stays.
	w, err := Create(filepath.Join(root, "latest"), true)
	commit(t, w, err)
	wantNames(t, root, "2", "3", "latest")
}

func TestCreateRefuses(t *testing.T) {
	parent := t.TempDir()
	dir := create(t, filepath.Join(parent, "m"))
	_, err := Create(dir, false)
	wantError(t, err, dir+": the folder exists (--force replaces it)")

	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Create(parent, true)
	wantError(t, err, parent+": this is no model folder and is not replaced")
	_, err = Create(file, true)
	wantError(t, err, file+": not a directory")
	_, err = Create(filepath.Join(file, "m"), true)
	wantError(t, err, file)
	err = SetLatest(dir)
	if err != nil {
		t.Error(err)
	}
	wantNames(t, parent, "file", "latest", "m")
	root := filepath.Join(parent, "runs")
	create(t, filepath.Join(root, "latest")) // a folder of that name
	_, err = CreateRun(root)
	wantError(t, err, filepath.Join(root, "latest")+": this is no link and is not replaced (--out ")
	wantNames(t, root, "latest")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}

	w, err := Create(filepath.Join(parent, "n"), false)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, w.Commit(example()), weightsFiles[0]+": the weights are missing")
	fill(t, w, "weights")
	create(t, filepath.Join(parent, "n")) // by another program
	wantError(t, w.Commit(example()), "n: ")
	w.Discard()
	wantNames(t, parent, "file", "latest", "m", "n")
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
		{"newer", change(`"format": 2`, `"format": 3`), []string{"format 3 is newer than this program reads (2)"}},
		{"older", change(`"format": 2`, `"format": 1`), []string{"format 1 is older than this program reads (2); train the model again"}},
		{"no format", "{}", []string{"damaged: format 0"}},
		{"units", change(`"Units": 4`, `"Units": 0`), []string{"damaged: network: Units must be between "}},
		{"classes", change(`"Classes": 2`, `"Classes": 3`), []string{"damaged: network: 3 classes, not 2"}},
		{"features", change(`"Features": 2`, `"Features": 3`), []string{"damaged: 2 feature columns for a network of 3"}},
		{"threshold", change(`"threshold": 0.25`, `"threshold": 25`), []string{"damaged: threshold 25"}},
		{"scale", change("3,\n      4", "3,\n      0"), []string{`damaged: scaler: the scale of "b" is 0`}},
		{"scaler's length", change("3,\n      4", "3"), []string{"damaged: scaler: 1 values for 2 features"}},
		{"missing", change(`"missing": "mean"`, `"missing": "x"`), []string{"damaged: columns: --missing"}},
		{"two roles", change(`"series": "id"`, `"series": "a"`), []string{"damaged: columns: "}},
		{"horizon", change(`"horizon": -3`, `"horizon": -300000000`), []string{"damaged: horizon -300000000"}},
	} {
		dir := create(t, filepath.Join(t.TempDir(), "m"))
		path := filepath.Join(dir, modelFile)
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Load(dir)
		t.Log(err)
		wantError(t, err, append(c.want, path+": ")...)
	}
}

func TestLoadNamesWhatIsMissing(t *testing.T) {
	parent := t.TempDir()
	_, err := Load(filepath.Join(parent, "nosuch"))
	wantError(t, err, "nosuch: there is no such model folder")
	_, err = Load(parent)
	wantError(t, err, parent+": this is no model folder, it has no model.json")

	dir := create(t, filepath.Join(parent, "m"))
	_, err = Load(filepath.Join(dir, modelFile))
	wantError(t, err, "model.json: this is no model folder but a file")
	for _, name := range weightsFiles {
		path := filepath.Join(dir, name)
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		_, err = Load(dir)
		wantError(t, err, path+": the weights are damaged: the file is empty")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err = Load(dir)
		wantError(t, err, path+": the weights are missing")
		if err := os.WriteFile(path, []byte("weights"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
