package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const jobDigest, otherDigest = "0123456789abcdef", "ba9876543210fedc"

// begun is a folder that a run has put two jobs into before it was killed.
func begun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "m")
	w, err := Create(dir, false)
	check(t, err)
	check(t, w.Jobs("v1").Save(jobDigest, []byte(`{"a":1}`), save("one")))
	check(t, w.Jobs("v1").Save(otherDigest, []byte(`{"b":2}`), save("two")))
	check(t, w.lock.Close())
	return dir
}

// loaded is the record of a job, and what its weights hold.
func loaded(w *Writer, version, digest string) string {
	text := ""
	record, found := w.Jobs(version).Load(digest, func(prefix string) error {
		b, err := os.ReadFile(prefix + weightsEndings[1])
		text = string(b)
		return err
	})
	return fmt.Sprintf("%s %s %v", record, text, found)
}

func TestJobsOutlastAKilledRun(t *testing.T) {
	dir := begun(t)
	_, err := Open(dir)
	wantError(t, err, dir+": no model yet: the run that is to make it has not ended, or was killed (train with --out, the same data and settings goes on)")
	w, err := Create(dir, false)
	check(t, err)
	for _, test := range []struct{ version, digest, want string }{
		{"v1", jobDigest, `{"a":1} one true`},
		{"v1", otherDigest, `{"b":2} two true`},
		{"v2", jobDigest, "  false"},
		{"v1", jobDigest[:digits] + "ffff", "  false"},
		{"v1", "ffffffffffff", "  false"},
	} {
		if got := loaded(w, test.version, test.digest); got != test.want {
			t.Errorf("%s, %s: %q, want %q", test.version, test.digest, got, test.want)
		}
	}
	if _, found := w.Jobs("v1").Load(jobDigest, func(string) error { return errors.New("of another shape") }); found {
		t.Error("weights that cannot be restored are found")
	}
	w.Close() // an error ended the run
	if n := len(jobs(dir)); n != 6 {
		t.Errorf("%d files of jobs are left", n)
	}

	w, err = Create(dir, false)
	commit(t, w, err, "new")
	wantNames(t, dir, files...)
}

func TestDamagedJobsAreNotThere(t *testing.T) {
	dir := begun(t)
	writeFile(t, filepath.Join(dir, jobFile(jobDigest)), `{"rnnbin":"v1","weights":{`)
	other, err := readJob(filepath.Join(dir, jobFile(otherDigest)))
	check(t, err)
	writeFile(t, checkpointFiles(dir, other.Weights.Prefix)[1], "tw")
	w, err := Create(dir, false)
	check(t, err)
	defer w.Close()
	for _, digest := range []string{jobDigest, otherDigest} {
		if got := loaded(w, "v1", digest); !strings.HasSuffix(got, " false") {
			t.Errorf("%s: %q", digest, got)
		}
	}
}

func TestDroppedJobsGo(t *testing.T) {
	dir := begun(t)
	w, err := Create(dir, false)
	check(t, err)
	w.Drop()
	w.Close()
	wantNames(t, dir)
}

// A folder of runs that has jobs is not taken for one that a killed run has left nothing in.
func TestRunsKeepJobs(t *testing.T) {
	root := t.TempDir()
	w, err := CreateRun(root)
	check(t, err)
	check(t, w.Jobs("v1").Save(jobDigest, []byte(`{}`), save("one")))
	check(t, w.lock.Close())
	next, err := CreateRun(root)
	check(t, err)
	defer next.Close()
	if next.Dir() == w.Dir() || len(jobs(w.Dir())) != 3 {
		t.Errorf("%s, then %s", w.Dir(), next.Dir())
	}
}
