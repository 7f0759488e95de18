package cluster

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Data goes to a worker once, whichever of its slots asks.
func TestDataGoesOnce(t *testing.T) {
	address, _ := worker(t, 2)
	config, err := Secret(secret)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("rows "), chunk/2)
	var sent int64
	var folder string
	var again *link
	for range 2 {
		l, err := connect(t.Context(), address, config)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close(nil)
		for range 2 {
			path, err := l.at.Put(data)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			folder = filepath.Dir(path)
		}
		sent += l.sent.Load()
		again = l
	}
	if sent != int64(len(data)) {
		t.Errorf("%d bytes were sent of %d", sent, len(data))
	}
	if err := os.RemoveAll(folder); err != nil { // as those do who clear away what is old
		t.Fatal(err)
	}
	path, err := again.at.Put(data)
	if got, failed := os.ReadFile(path); err != nil || failed != nil || !bytes.Equal(got, data) {
		t.Errorf("%s: %d bytes, %v, %v", path, len(got), err, failed)
	}
}

// Workers that share a folder are sent data once, and leave it there for others.
func TestSharedFolder(t *testing.T) {
	dir := t.TempDir()
	config, err := Secret(secret)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("rows of all")
	var sent int64
	for range 2 {
		address, _ := worker(t, 1, dataVariable+"="+dir)
		l, err := connect(t.Context(), address, config)
		if err != nil {
			t.Fatal(err)
		}
		path, err := l.at.Put(data)
		if got, failed := os.ReadFile(path); err != nil || failed != nil || !bytes.Equal(got, data) || filepath.Dir(path) != dir {
			t.Errorf("%s: %q, %v, %v", path, got, err, failed)
		}
		sent += l.sent.Load()
		l.close(nil)
	}
	if sent != int64(len(data)) {
		t.Errorf("%d bytes were sent of %d", sent, len(data))
	}
}

// Files that were used longest ago make way for others.
func TestFilesMakeWay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := newStore("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, digest := range []string{"a", "b", "a", "c", "d"} {
		f := s.use(digest, maxFiles/3)
		if err := os.WriteFile(s.path(f), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"a", "c", "d", lockName}) {
		t.Errorf("%v are left", names)
	}
	if s.empty(); len(s.files) > 0 {
		t.Errorf("%d files are left", len(s.files))
	}
}

// What a worker that was killed has left is removed by the next one.
func TestFoldersLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	one, err := newStore("")
	if err != nil {
		t.Fatal(err)
	}
	other, err := newStore("")
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if _, err := os.Stat(one.dir); err != nil {
		t.Errorf("the folder of a worker that runs is gone: %v", err)
	}
	one.lock.Close() // as if it had been killed
	last, err := newStore("")
	if err != nil {
		t.Fatal(err)
	}
	last.close()
	if _, err := os.Stat(one.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}
