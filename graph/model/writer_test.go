package model

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestTheFolderIsTheOldOneUntilCommit(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "m")
	w, err := Create(dir, false)
	check(t, err)
	_, err = w.AddWeights(save("new"))
	check(t, err)
	if _, err := load(dir); err == nil {
		t.Error("there is a model before Commit")
	}
	w.Close()
	wantNames(t, parent)

	create(t, dir)
	w, err = Create(dir, true)
	check(t, err)
	_, err = w.AddWeights(save("new"))
	check(t, err)
	if got := weightsOf(t, dir); got != "weights" {
		t.Errorf("before Commit the weights are %q", got)
	}
	w.Close()
	wantNames(t, dir, files...)

	w, err = Create(dir, true)
	commit(t, w, err, "new")
	if got := weightsOf(t, dir); got != "new" {
		t.Errorf("after Commit the weights are %q", got)
	}
	wantNames(t, dir, files...)
	wantNames(t, parent, "m")
}

func TestOtherFilesStay(t *testing.T) {
	dir := t.TempDir()
	others := map[string]string{
		"a note": "a", "weights.index": "b", "weights-1.index": "c", "weights-0123456789ab.index.bak": "d",
		"history.jsonl": "e", "config.yaml": "f", "weights-unfinished": "g", "model-unfinished.json~": "h",
	}
	for name, text := range others {
		writeFile(t, filepath.Join(dir, name), text)
	}
	_, err := Create(dir, false)
	wantError(t, err, dir+": the folder is not empty (--force adds the model and keeps the other files)")
	for _, text := range []string{"weights", "new"} {
		w, err := Create(dir, true)
		commit(t, w, err, text)
		if got := weightsOf(t, dir); got != text {
			t.Errorf("the weights are %q, want %q", got, text)
		}
	}
	for name, text := range others {
		if got := read(t, filepath.Join(dir, name)); got != text {
			t.Errorf("%s is %q", name, got)
		}
	}
	entries, err := os.ReadDir(dir)
	if n := len(entries); err != nil || n != len(others)+len(files) {
		t.Errorf("%d files: %v", n, err)
	}
}

// What killed runs leave does not hinder the next one, which removes it.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	leave := func() {
		check(t, os.MkdirAll(dir, 0o777))
		for _, name := range []string{
			unfinishedModel, unfinishedHistory, unfinishedWeights + ".index", unfinishedWeights + ".data-00000-of-00001.tempstate123",
			"weights-0123456789ab.index", "history-0123456789ab.jsonl",
		} {
			writeFile(t, filepath.Join(dir, name), "x")
		}
	}
	leave()
	create(t, dir)
	wantNames(t, dir, files...)
	leave()
	w, err := Create(dir, true)
	check(t, err)
	w.Close()
	wantNames(t, dir, files...)
	if got := weightsOf(t, dir); got != "weights" {
		t.Errorf("the weights are %q", got)
	}
}

// A model of another format is replaced by force, and only then: the files it needs are
// not known.
func TestAnotherFormatIsKeptUntilCommit(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	path := filepath.Join(dir, modelFile)
	writeFile(t, path, `{"format": 9, "rnnbin": "v9"}`)
	_, err := Create(dir, false)
	wantError(t, err, dir+": the folder already holds a model (--force replaces it)")
	w, err := Create(dir, true)
	check(t, err)
	w.Close()
	wantNames(t, dir, files...)
	w, err = Create(dir, true)
	commit(t, w, err, "new")
	wantNames(t, dir, files...)
	if got := weightsOf(t, dir); got != "new" {
		t.Errorf("the weights are %q", got)
	}
}

func TestCreateRefuses(t *testing.T) {
	parent := t.TempDir()
	dir := create(t, filepath.Join(parent, "m"))
	_, err := Create(dir, false)
	wantError(t, err, dir+": the folder already holds a model (--force replaces it)")

	file := filepath.Join(parent, "file")
	writeFile(t, file, "")
	_, err = Create(file, true)
	wantError(t, err, file+": not a directory")
	_, err = Create(filepath.Join(file, "m"), true)
	wantError(t, err, file)

	other := filepath.Join(parent, "other")
	check(t, os.Mkdir(other, 0o777))
	for _, text := range []string{"", "{}", `{"format": "layers-model"}`, `{"format": 1}`} {
		writeFile(t, filepath.Join(other, modelFile), text)
		_, err = Create(other, true)
		wantError(t, err, filepath.Join(other, modelFile)+": not a model of rnnbin's, so it is not replaced")
	}
	wantNames(t, other, modelFile)

	w, err := Create(filepath.Join(parent, "n"), false)
	check(t, err)
	wantError(t, w.Commit(example()), "write the model: networks: 0: weights: there is no member")
	wantError(t, w.Commit(whole()), "write the model: the weights weights-cccccccccccc were not written")
	w.Close()
	wantNames(t, parent, "file", "m", "other")
}

// A model that somebody else puts into the folder is not replaced.
func TestAModelThatCameMeanwhileStays(t *testing.T) {
	parent := t.TempDir()
	w, err := Create(filepath.Join(parent, "m"), false)
	check(t, err)
	added, err := w.AddWeights(save("new"))
	check(t, err)
	copied := read(t, filepath.Join(create(t, filepath.Join(parent, "n")), modelFile))
	writeFile(t, filepath.Join(w.Dir(), modelFile), copied)
	if !w.Taken() {
		t.Error("the folder is not taken")
	}
	wantError(t, w.Commit(example(added, added)), w.Dir()+": another model has appeared in the folder")
	w.Close()
	wantNames(t, w.Dir(), modelFile)
	if got := read(t, filepath.Join(w.Dir(), modelFile)); got != copied {
		t.Errorf("it is replaced by\n%s", got)
	}
}

func TestTheFolderComesBack(t *testing.T) {
	w, err := Create(filepath.Join(t.TempDir(), "m"), false)
	check(t, err)
	check(t, os.RemoveAll(w.Dir()))
	if got := weightsOf(t, commit(t, w, nil, "new")); got != "new" {
		t.Errorf("the weights are %q", got)
	}
}

func TestTwoWritersAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	first, err := Create(dir, false)
	check(t, err)
	for _, force := range []bool{false, true} {
		_, err = Create(dir, force)
		wantError(t, err, dir+": another run is writing to the folder")
	}
	if got := weightsOf(t, commit(t, first, nil, "first")); got != "first" {
		t.Errorf("the weights are %q", got)
	}
	w, err := Create(dir, true)
	commit(t, w, err, "second")
}

func TestPlacesOfAllKinds(t *testing.T) {
	parent := t.TempDir()
	t.Chdir(parent)
	check(t, os.Mkdir("empty", 0o777))
	check(t, os.Mkdir("target", 0o777))
	check(t, os.Symlink("target", "link"))
	check(t, os.Mkdir("here", 0o777))
	for _, dir := range []string{"empty", "link", "new", "a/b/", "./d"} {
		create(t, dir)
		wantNames(t, dir, files...)
	}
	wantNames(t, "target", files...)
	if info, err := os.Lstat("link"); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	t.Chdir("here")
	create(t, ".")
	wantNames(t, ".", files...)
	wantNames(t, parent, "a", "d", "empty", "here", "link", "new", "target")
}

// mount mounts a file system of so many bytes.
func mount(t *testing.T, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprint("size=", size), "tmpfs", dir).CombinedOutput()
	if err != nil {
		t.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

func TestMountPoint(t *testing.T) {
	dir := mount(t, 1<<20)
	create(t, dir)
	w, err := Create(dir, true)
	commit(t, w, err, "new")
	wantNames(t, dir, files...)
}

// When the disk is full, the old model stays, and of the new one nothing.
func TestFullDisk(t *testing.T) {
	dir := mount(t, 128<<10)
	create(t, dir)
	for _, size := range []int{200 << 10, 45 << 10} { // the first file does not fit, or a later one
		w, err := Create(dir, true)
		check(t, err)
		err = write(w, strings.Repeat("x", size))
		wantError(t, err, "no space left on device", dir)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v is no ENOSPC", err)
		}
		w.Close()
		wantNames(t, dir, files...)
		if got := weightsOf(t, dir); got != "weights" {
			t.Errorf("the weights are %q", got)
		}
	}
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	check(t, err)
	for err == nil {
		_, err = ballast.Write(make([]byte, 1024))
	}
	check(t, ballast.Close())
	w, err := Create(dir, true) // an empty file fits
	check(t, err)
	wantError(t, write(w, "new"), "no space left on device")
	w.Close()
	if got := weightsOf(t, dir); got != "weights" {
		t.Errorf("the weights are %q", got)
	}
}

func TestRunsAreNumbered(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	first, err := CreateRun(root)
	check(t, err)
	second, err := CreateRun(root)
	check(t, err)
	if first.Dir() != filepath.Join(root, "1") || second.Dir() != filepath.Join(root, "2") {
		t.Errorf("%s, %s", first.Dir(), second.Dir())
	}
	first.Close()
	dir := commit(t, second, nil, "weights")
	for range 2 {
		check(t, SetLatest(root, dir))
	}
	third, err := CreateRun(root)
	check(t, SetLatest(root, commit(t, third, err, "third")))
	if to, err := os.Readlink(filepath.Join(root, "latest")); to != "3" {
		t.Errorf("latest is %q: %v", to, err)
	}
	wantNames(t, root, "2", "3", "latest")

	// What the link points to is replaced, the link stays.
	w, err := Create(filepath.Join(root, "latest"), true)
	if dir := commit(t, w, err, "fourth"); dir != filepath.Join(root, "3") {
		t.Errorf("latest is %s", dir)
	}
	wantNames(t, root, "2", "3", "latest")

	check(t, os.Remove(filepath.Join(root, "latest")))
	create(t, filepath.Join(root, "latest")) // a folder of that name
	_, err = CreateRun(root)
	wantError(t, err, filepath.Join(root, "latest")+": not a link, so it is not replaced (--out ")
	wantNames(t, root, "2", "3", "latest")
}

// Folders of runs that were killed go; those of others and of runs under way stay.
func TestKilledRunsAreRemoved(t *testing.T) {
	root := t.TempDir()
	create(t, filepath.Join(root, "1"))
	running, err := CreateRun(root)
	check(t, err)
	for _, name := range []string{"3", "4", "5"} {
		check(t, os.Mkdir(filepath.Join(root, name), 0o777))
	}
	writeFile(t, filepath.Join(root, "3", unfinishedModel), "")
	writeFile(t, filepath.Join(root, "4", "weights-0123456789ab.index"), "")
	writeFile(t, filepath.Join(root, "4", "note"), "")
	w, err := CreateRun(root)
	commit(t, w, err, "weights")
	wantNames(t, root, "1", "2", "4", "5")
	wantNames(t, filepath.Join(root, "4"), "note", "weights-*.index")
	commit(t, running, nil, "weights")
}

// A model that is being read stays whole while another takes its place.
func TestOpenHoldsTheWeights(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	o, err := Open(dir)
	check(t, err)
	w, err := Create(dir, true)
	commit(t, w, err, "new")
	if got := checkpointsOf(t, o); got != "weights" {
		t.Errorf("the weights are %q", got)
	}
	o.Close()
	w, err = Create(dir, true)
	check(t, err)
	w.Close()
	wantNames(t, dir, files...)
}

// A model that is replaced again and again is at every moment a whole one.
func TestOpenWhileReplaced(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	var stop atomic.Bool
	done := make(chan error)
	go func() {
		for i := 0; !stop.Load(); i++ {
			w, err := Create(dir, true)
			if err == nil {
				err = write(w, fmt.Sprint(i))
				w.Close()
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for begin := time.Now(); time.Since(begin) < time.Second; {
		o, err := Open(dir)
		if err != nil {
			t.Error(err)
			break
		}
		checkpointsOf(t, o)
		o.Close()
	}
	stop.Store(true)
	check(t, <-done)
}

// A link that is set anew leads to one model only.
func TestOpenThroughALinkThatChanges(t *testing.T) {
	parent := t.TempDir()
	for _, name := range []string{"a", "b"} {
		w, err := Create(filepath.Join(parent, name), false)
		commit(t, w, err, name)
	}
	check(t, SetLatest(parent, filepath.Join(parent, "a")))
	o, err := Open(filepath.Join(parent, latest))
	check(t, err)
	defer o.Close()
	check(t, SetLatest(parent, filepath.Join(parent, "b")))
	if got := checkpointsOf(t, o); got != "a" {
		t.Errorf("the weights are %q", got)
	}
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
		if err := write(w, fmt.Sprint(i)); err != nil {
			return err
		}
		w.Close()
		if i == 0 {
			fmt.Println("begun")
		}
	}
}

func TestAKilledProgramLeavesAModel(t *testing.T) {
	dir := create(t, filepath.Join(t.TempDir(), "m"))
	for i := range 16 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), replaceFor+"="+dir)
		out, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "begun\n" {
			t.Fatal(line, err)
		}
		time.Sleep(time.Duration(1700*i) * time.Microsecond)
		check(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		weightsOf(t, dir)
		w, err := Create(dir, true)
		check(t, err)
		w.Close()
		wantNames(t, dir, files...)
	}
}
