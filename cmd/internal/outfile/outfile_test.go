package outfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, content string) *File {
	t.Helper()
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, content); err != nil {
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
	if hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".f*")); len(hidden) != 1 {
		t.Errorf("the new content is not beside its place: %v", hidden)
	}
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

// A link stays one, wherever it leads, and what it leads to is replaced.
func TestLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"there", "real/sub"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link("real/sub", "folder")
	link("second", "first")
	for name, c := range map[string]struct{ path, target string }{
		"a file":             {link("there/f", "a"), "there/f"},
		"absolute":           {link(filepath.Join(dir, "there/g"), "b"), "there/g"},
		"a link to a link":   {filepath.Join(dir, "first"), "there/h"},
		"into a linked one":  {link("folder/../i", "c"), "real/i"},
		"through the folder": {filepath.Join(dir, "folder", "j"), "real/sub/j"},
	} {
		link("there/h", "second")
		target := filepath.Join(dir, c.target)
		for _, content := range []string{"new", "newer"} { // the target is not there at first
			f := write(t, c.path, content)
			if hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(target), ".*")); len(hidden) != 1 {
				t.Errorf("%s: the new content is not beside its place: %v", name, hidden)
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(target); err != nil || !info.Mode().IsRegular() || read(t, target) != content {
				t.Errorf("%s: %v %v", name, info, err)
			}
		}
		if info, err := os.Lstat(c.path); name != "through the folder" && (err != nil || info.Mode().Type() != os.ModeSymlink) {
			t.Errorf("%s: the link became %v %v", name, info, err)
		}
		_ = os.Remove(filepath.Join(dir, "second"))
	}
	if _, err := Create(link("round", "round")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: error %v", err)
	}
}

// A file that the process has open is written on, whatever names it.
func TestAnOpenFileIsWrittenOn(t *testing.T) {
	dir := t.TempDir()
	for i, folder := range []string{"/dev/fd", "/proc/self/fd"} {
		if _, err := os.Stat(folder); err != nil {
			t.Logf("%s is not tried: %v", folder, err)
			continue
		}
		path := filepath.Join(dir, fmt.Sprint(i))
		open, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		if _, err := open.WriteString("before, "); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, fmt.Sprint("link", i))
		if err := os.Symlink(filepath.Join(folder, fmt.Sprint(open.Fd())), link); err != nil {
			t.Fatal(err)
		}
		if err := write(t, link, "new").Commit(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, fmt.Sprint(open.Fd())), ", newer").Discard() // too late
		if got := read(t, path); got != "before, new, newer" {
			t.Errorf("%s: %q", folder, got)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%s: the link became %v %v", folder, info, err)
		}
	}
}

func TestAPipeIsWrittenTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		b, _ := os.ReadFile(path)
		got <- b
	}()
	if err := write(t, path, "x").Commit(); err != nil {
		t.Error(err)
	}
	if b := <-got; string(b) != "x" {
		t.Errorf("%q", b)
	}
}

// What cannot be written is an error that names the file, not the hidden one.
func TestWriteErrorsNameThePath(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no device that is always full")
	}
	f, err := Create("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "write /dev/full:") {
		t.Errorf("error %v", err)
	}

	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	f = write(t, path, "new")
	if err := os.Mkdir(path, 0o777); err != nil { // meanwhile
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil || !strings.Contains(err.Error(), "write "+path+":") {
		t.Errorf("error %v", err)
	}
	f.Discard()
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
