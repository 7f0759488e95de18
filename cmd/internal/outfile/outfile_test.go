package outfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, content string) *File {
	t.Helper()
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePathHoldsTheOldOrTheNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := write(t, path, "old").Commit(); err != nil {
		t.Fatal(err)
	}
	f := write(t, path, "new")
	if got := read(t, path); got != "old" {
		t.Errorf("before Commit: %q", got)
	}
	f.Discard()
	if got := read(t, path); got != "old" {
		t.Errorf("after Discard: %q", got)
	}
	if err := write(t, path, "new").Commit(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("after Commit: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestADeviceIsWrittenTo(t *testing.T) {
	f := write(t, os.DevNull, "x")
	if err := f.Commit(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced: %v %v", os.DevNull, info, err)
	}
}

func TestErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nosuch", "f")} {
		if _, err := Create(path); err == nil || !strings.Contains(err.Error(), path+":") {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

// A new file may be read as the umask says, one that is replaced as before.
func TestPermissions(t *testing.T) {
	dir := t.TempDir()
	plain, path := filepath.Join(dir, "plain"), filepath.Join(dir, "f")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	mode := func(path string) os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	if err := write(t, path, "new").Commit(); err != nil {
		t.Fatal(err)
	}
	if mode(path) != mode(plain) {
		t.Errorf("a new file has %v, not %v", mode(path), mode(plain))
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := write(t, path, "newer").Commit(); err != nil {
		t.Fatal(err)
	}
	if mode(path) != 0o640 {
		t.Errorf("a replaced file has %v", mode(path))
	}
}
