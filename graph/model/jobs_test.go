package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	check(t, w.BeginRun(RunRecord{Version: "v1", Settings: []byte("{}")}))
	jobs := w.Jobs("v1", 2)
	check(t, jobs.Save(jobDigest, Done, []byte(`{"a":1}`), save("one")))
	check(t, jobs.Save(otherDigest, Done, []byte(`{"b":2}`), save("two")))
	check(t, w.lock.Close())
	return dir
}

// loaded is the record of a job and what its weights hold, behind the damaged ones.
func loaded(j *Jobs, digest string) string {
	text := ""
	damaged := j.Load(digest, func(prefix string, record []byte) error {
		b, err := os.ReadFile(prefix + weightsEndings[1])
		text = fmt.Sprintf("%s %s", record, b)
		return err
	})
	for _, err := range slices.Backward(damaged) {
		text = filepath.Base(err.Error()) + "; " + text
	}
	return text
}

func TestJobsOutlastAKilledRun(t *testing.T) {
	dir := begun(t)
	_, err := Open(dir)
	wantError(t, err, dir+": no model yet: the run that was to make it was killed (rnnbin train --resume goes on with it)")
	w, err := Create(dir, false)
	check(t, err)
	for _, test := range []struct{ version, digest, want string }{
		{"v1", jobDigest, `{"a":1} one`},
		{"v1", otherDigest, `{"b":2} two`},
		{"v2", jobDigest, ""},
		{"v1", jobDigest[:digits] + "ffff", ""},
		{"v1", "ffffffffffff", ""},
	} {
		if got := loaded(w.Jobs(test.version, 2), test.digest); got != test.want {
			t.Errorf("%s, %s: %q, want %q", test.version, test.digest, got, test.want)
		}
	}
	w.Close() // an error ended the run
	if n := len(glob(filepath.Join(dir, "job-"))); n != 6 {
		t.Errorf("%d files of jobs are left", n)
	}

	w, err = Create(dir, false)
	commit(t, w, err, "new")
	wantNames(t, dir, files...)
}

// names are those of a job's files, but for what is the same in each.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	for _, path := range glob(filepath.Join(dir, "job-")) {
		if name := filepath.Base(path); strings.HasSuffix(name, ".json") {
			all = append(all, strings.TrimPrefix(strings.TrimSuffix(name, ".json"), "job-"+jobDigest[:digits]))
		}
	}
	return strings.Join(all, " ")
}

func TestTheLastCheckpointsOfAJobAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	w, err := Create(dir, false)
	check(t, err)
	defer w.Close()
	jobs := w.Jobs("v1", 2)
	for _, test := range []struct {
		step int
		want string
	}{{8, "-8"}, {9, "-8 -9"}, {100, "-100 -9"}, {101, "-100 -101"}, {Done, ""}} {
		check(t, jobs.Save(jobDigest, test.step, fmt.Appendf(nil, `{"at":%d}`, test.step), save(fmt.Sprint(test.step))))
		if got := names(t, dir); got != test.want {
			t.Errorf("after step %d there are %q, want %q", test.step, got, test.want)
		}
		if got, want := loaded(jobs, jobDigest), fmt.Sprintf(`{"at":%d} %[1]d`, test.step); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	full := errors.New("disk full")
	err = jobs.Save(otherDigest, 1, []byte(`{}`), func(prefix string) error {
		writeFile(t, prefix+weightsEndings[0], "part")
		return full
	})
	if files := glob(filepath.Join(dir, "job-")); !errors.Is(err, full) || len(files) != 3 {
		t.Errorf("%v; %q", err, files)
	}
}

// What is damaged is named, and stays; the state before it is taken.
func TestDamagedCheckpoints(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 3) },
		"flipped": func(path string) error {
			text, err := os.ReadFile(path)
			if err == nil {
				text[len(text)/2] ^= 4
				err = os.WriteFile(path, text, 0o666)
			}
			return err
		},
		"missing": os.Remove,
	} {
		for _, ending := range append([]string{".json"}, weightsEndings...) {
			dir := filepath.Join(t.TempDir(), "m")
			w, err := Create(dir, false)
			check(t, err)
			for step := range 2 {
				check(t, w.Jobs("v1", 2).Save(jobDigest, step, fmt.Appendf(nil, `{"at":%d}`, step), save(fmt.Sprint("weights ", step))))
			}
			newest := filepath.Join(dir, stemOf(jobDigest, 1))
			check(t, damage(newest+ending))
			left := len(filesOf(dir, filepath.Base(newest)))
			jobs := w.Jobs("v1", 2)
			if got := loaded(jobs, jobDigest); !strings.HasPrefix(got, filepath.Base(newest)+": damaged: ") || !strings.HasSuffix(got, `; {"at":0} weights 0`) {
				t.Errorf("%s, %s: %q", name, ending, got)
			}
			for step := 2; step < 6; step++ {
				check(t, jobs.Save(jobDigest, step, []byte(`{}`), save("later")))
			}
			check(t, jobs.Save(jobDigest, Done, []byte(`{}`), save("ended")))
			commit(t, w, nil, "new")
			if now := len(filesOf(dir, filepath.Base(newest))); now != left {
				t.Errorf("%s, %s: %d files are left of it, want %d", name, ending, now, left)
			}
		}
	}
}

// A state that was being given its names when the run was killed is no damaged one.
func TestACheckpointThatWasNotFinishedGoes(t *testing.T) {
	dir := begun(t)
	for _, name := range []string{stemOf(jobDigest, 7) + ".index", "job-" + jobDigest[:digits] + unfinishedJob + ".json", "job-" + jobDigest[:digits] + unfinishedJob + ".data-00000-of-00001"} {
		writeFile(t, filepath.Join(dir, name), "x")
	}
	check(t, os.Rename(filepath.Join(dir, stemOf(jobDigest, Done)+".json"), filepath.Join(dir, stemOf(jobDigest, 6)+".json")))
	for _, ending := range weightsEndings {
		check(t, os.Rename(filepath.Join(dir, stemOf(jobDigest, Done)+ending), filepath.Join(dir, stemOf(jobDigest, 6)+ending)))
	}
	w, err := Create(dir, false)
	check(t, err)
	defer w.Close()
	if got := loaded(w.Jobs("v1", 2), jobDigest); got != `{"a":1} one` {
		t.Errorf("%q", got)
	}
	if files := glob(filepath.Join(dir, "job-")); len(files) != 6 {
		t.Errorf("%q", files)
	}
}

// A state that cannot be restored is as good as damaged.
func TestCheckpointsOfAnotherShape(t *testing.T) {
	w, err := Create(begun(t), false)
	check(t, err)
	defer w.Close()
	damaged := w.Jobs("v1", 2).Load(jobDigest, func(string, []byte) error { return errors.New("of another shape") })
	if len(damaged) != 1 || !strings.HasSuffix(damaged[0].Error(), ": damaged: of another shape") {
		t.Errorf("%v", damaged)
	}
}

func TestDroppedJobsGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	w, err := Create(dir, false)
	check(t, err)
	check(t, w.BeginRun(RunRecord{Version: "v1"}))
	check(t, w.Jobs("v1", 2).Save(jobDigest, Done, []byte(`{}`), save("one")))
	w.Drop()
	w.Close()
	wantNames(t, filepath.Dir(dir))
}

// A folder of runs that has jobs is not taken for one that a killed run has left nothing in.
func TestRunsKeepJobs(t *testing.T) {
	root := t.TempDir()
	w, err := CreateRun(root)
	check(t, err)
	check(t, w.Jobs("v1", 2).Save(jobDigest, Done, []byte(`{}`), save("one")))
	check(t, w.lock.Close())
	next, err := CreateRun(root)
	check(t, err)
	defer next.Close()
	if next.Dir() == w.Dir() || len(glob(filepath.Join(w.Dir(), "job-"))) != 3 {
		t.Errorf("%s, then %s", w.Dir(), next.Dir())
	}
}
