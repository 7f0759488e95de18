package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestStatesOfARun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	_, err := ReadRun(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	begin := func() *Writer {
		t.Helper()
		w, err := Create(dir, true)
		check(t, err)
		check(t, w.BeginRun(RunRecord{Version: "v1", Seed: 7, Settings: []byte(`{"seed":7}`)}))
		return w
	}
	want := func(state RunState, reason string) {
		t.Helper()
		r, err := ReadRun(dir)
		check(t, err)
		if r.State != state || r.Reason != reason || r.Version != "v1" || r.Seed != 7 || r.Begun.IsZero() || r.Ended.IsZero() != (state == Running || state == Killed) {
			t.Errorf("%+v", r)
		}
	}
	w := begin()
	want(Running, "")
	check(t, w.lock.Close()) // as the system does
	want(Killed, "")
	w = begin()
	check(t, w.EndRun(Stopped, "interrupted"))
	w.Close()
	want(Stopped, "interrupted")
	wantNames(t, dir, runFile)

	w = begin()
	check(t, write(w, "new"))
	check(t, w.EndRun(Finished, ""))
	w.Close()
	want(Finished, "")
	wantNames(t, dir, slices.Insert(slices.Clone(files), 3, runFile)...)

	// A model that no run has made takes the place of one that a run has.
	w, err = Create(dir, true)
	commit(t, w, err, "imported")
	wantNames(t, dir, files...)

	w = begin()
	w.Drop()
	check(t, w.EndRun(Failed, "no row has a label"))
	w.Close()
	wantNames(t, dir, files...)

	// What another run has left stays, to go on from, when one that begins there comes to nothing.
	w = begin()
	job := strings.Repeat("ab", 32)
	check(t, w.Jobs("v1", 1).Save(job, 7, []byte("{}"), func(prefix string) error { return os.WriteFile(prefix+".index", nil, 0o666) }))
	check(t, w.EndRun(Stopped, "interrupted"))
	w.Close()
	w = begin()
	w.Drop()
	check(t, w.EndRun(Failed, "training needs too much"))
	w.Close()
	want(Stopped, "interrupted")
	if damaged := w.Jobs("v1", 1).Load(job, func(string, []byte) error { return errors.New("read") }); len(damaged) != 1 {
		t.Errorf("there are %d states of its job", len(damaged))
	}

	for _, text := range []string{"{", `{"rnnbin":"v1","state":"lost"}`} {
		writeFile(t, filepath.Join(dir, runFile), text)
		_, err = ReadRun(dir)
		wantError(t, err, filepath.Join(dir, runFile)+": damaged: ")
	}
}

// A file of that name that other programs have made is not replaced.
func TestARunOfOthersStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, runFile)
	writeFile(t, path, `{"command":"make"}`)
	_, err := Create(dir, true)
	wantError(t, err, path+": not that of a run of rnnbin's, so it is not replaced")
	if got := read(t, path); got != `{"command":"make"}` {
		t.Errorf("it is %s", got)
	}
}
