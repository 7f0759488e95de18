package graph_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/rnnbin/rnnbin/graph"
)

// The files of a checkpoint.
var checkpointFiles = []string{".index", ".data-00000-of-00001"}

// trained is a session with a state that no other has, and its checkpoint.
func trained(t testing.TB) (s *graph.Session, prefix string) {
	t.Helper()
	s = answer.session(t, 3)
	steps(t, s, iterations(0, 5))
	prefix = filepath.Join(t.TempDir(), "weights")
	if err := s.Save(prefix); err != nil {
		t.Fatal(err)
	}
	return s, prefix
}

func sameState(t testing.TB, what string, got, want map[string][]float32) {
	t.Helper()
	for name, w := range want {
		if !slices.Equal(got[name], w) {
			t.Errorf("%s: other values of %s", what, name)
		}
	}
}

// sameWhole compares the whole state of two sessions, and their number of steps.
func sameWhole(t testing.TB, what string, s, want *graph.Session) {
	t.Helper()
	sameState(t, what, state(t, s), state(t, want))
	if got, n := stepOf(t, s), stepOf(t, want); got != n {
		t.Errorf("%s: step %d, want %d", what, got, n)
	}
}

func stepOf(t testing.TB, s *graph.Session) int64 {
	t.Helper()
	n, err := s.Step()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRestoreWhatWasSaved(t *testing.T) {
	s, prefix := trained(t)
	for _, suffix := range checkpointFiles {
		if _, err := os.Stat(prefix + suffix); err != nil {
			t.Error(err)
		}
	}
	other := answer.session(t, 4)
	if err := other.Restore(prefix); err != nil {
		t.Fatal(err)
	}
	sameWhole(t, "restored", other, s)
	want, got := steps(t, s, iterations(5, 8)), steps(t, other, iterations(5, 8))
	if !slices.Equal(got.Losses, want.Losses) {
		t.Errorf("losses after restoring %v, without a pause %v", got.Losses, want.Losses)
	}
}

// A predictor takes the weights of what a session has saved, and no more.
func TestPredictorTakesTheWeights(t *testing.T) {
	s, prefix := trained(t)
	p := newPredictor(t, answer.config(4))
	if err := only(p).Restore(prefix); err != nil {
		t.Fatal(err)
	}
	got := state(t, only(p))
	if len(got) != len(s.Config().Weights()) {
		t.Errorf("%d variables, the network has %d weights", len(got), len(s.Config().Weights()))
	}
	saved := state(t, s)
	for name, v := range got {
		if !slices.Equal(v, saved[name]) {
			t.Errorf("other values of %s", name)
		}
	}
}

func TestCheckpointOfAnotherNetwork(t *testing.T) {
	_, prefix := trained(t)
	for _, test := range []struct {
		prefix, variable string
		change           func(*graph.Config)
	}{
		{prefix, variables + "basic_rnn_cell/kernel", func(c *graph.Config) { c.Layers[0].Units = 50 }},
		{prefix, variables + "kernel", func(c *graph.Config) { c.Loss = graph.MSE }},
		{prefix, "bidirectional_rnn/fw/basic_rnn_cell/kernel", func(c *graph.Config) { c.Bidirectional = true }}, // not in it
		{prefix + "2", "", func(*graph.Config) {}},
	} {
		c := answer.config(4)
		test.change(&c)
		s := newSession(t, c)
		before := state(t, s)
		var checkpoint *graph.CheckpointError
		if err := s.Restore(test.prefix); !errors.As(err, &checkpoint) || checkpoint.Variable != test.variable {
			t.Errorf("want an error about %q, got %v", test.variable, err)
		}
		sameState(t, "after an error", state(t, s), before)
	}
}

// TestCheckpointThatIsDamaged changes and cuts off bytes here and there. A change
// that TensorFlow does not notice, in a part that says nothing, leaves the state
// as it was saved.
func TestCheckpointThatIsDamaged(t *testing.T) {
	saved, prefix := trained(t)
	want := state(t, saved)
	s := answer.session(t, 4)
	before, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range checkpointFiles {
		whole, err := os.ReadFile(prefix + suffix)
		if err != nil {
			t.Fatal(err)
		}
		var refused, tried int
		for at := 0; at < len(whole); at += len(whole)/30 + 1 {
			changed := slices.Clone(whole)
			changed[at] ^= 0x55
			for what, damaged := range map[string][]byte{"changed": changed, "cut off": whole[:at]} {
				if err := os.WriteFile(prefix+suffix, damaged, 0o644); err != nil {
					t.Fatal(err)
				}
				tried++
				if err := s.Restore(prefix); err != nil {
					refused++
					sameState(t, what, state(t, s), byName(before))
					continue
				}
				sameState(t, what, state(t, s), want)
				if err := s.SetVariables(before); err != nil {
					t.Fatal(err)
				}
			}
		}
		if refused < tried*9/10 {
			t.Errorf("%s: %d of %d damages refused", suffix, refused, tried)
		}
		if err := os.WriteFile(prefix+suffix, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckpointInAFolderThatIsNot(t *testing.T) {
	s := answer.session(t, 0)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(filepath.Join(file, "weights")); err == nil {
		t.Error("no error")
	}
}

// needOriginal skips a test where TensorFlow 1.15.5 is not installed.
func needOriginal(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("TensorFlow 1.15.5 is looked for in the folder of caches, and there is none: ", err)
	}
	if _, err := os.Stat(filepath.Join(cache, "rnnbin", "tensorflow-1.15.5")); err != nil {
		t.Skipf("TensorFlow 1.15.5 is not installed, scripts/original/python does so: %v", err)
	}
}

// inOriginal runs one of the scripts under TensorFlow 1.15.5.
func inOriginal(t *testing.T, script string, args ...string) {
	t.Helper()
	const scripts = "../scripts/original/"
	if out, err := exec.Command(scripts+"python", append([]string{scripts + script}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestTheOriginalReadsCheckpoints has the original program, under TensorFlow
// 1.15.5, restore a checkpoint of ours, save it anew, which we restore, and train on, as we do.
func TestTheOriginalReadsCheckpoints(t *testing.T) {
	needOriginal(t)
	s, prefix := trained(t)
	again := prefix + "-again"
	inOriginal(t, "checkpoint.py", prefix, again)
	seen, err := npz.Open(again + ".npz")
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	want := state(t, s)
	got := map[string][]float32{}
	for name := range want {
		got[name] = golden{t, seen}.array(name)
	}
	sameState(t, "in the original", got, want)

	other := answer.session(t, 4)
	if err := other.Restore(again); err != nil {
		t.Fatal(err)
	}
	sameState(t, "back from the original", state(t, other), want)
	losses := golden{t, seen}.array("losses")
	for i, loss := range steps(t, s, iterations(0, len(losses))).Losses {
		if d := relative(loss, losses[i]); !(d <= 1e-6) {
			t.Errorf("update %d: loss %v, the original's is %v: relative difference %.2g", i, loss, losses[i], d)
		}
	}
}
