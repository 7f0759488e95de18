package release

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

func fill(dir string) error {
	return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o666)
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestVersionsFollowEachOther(t *testing.T) {
	base := filepath.Join(t.TempDir(), "deep", "base")
	for _, want := range []string{"1", "2"} {
		if dir, err := Add(base, fill); err != nil || dir != filepath.Join(base, want) {
			t.Fatalf("%s, %v, want version %s", dir, err, want)
		}
	}
	for _, name := range []string{"7", "notes", "12x"} {
		if err := os.Mkdir(filepath.Join(base, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if dir, err := Add(base, fill); err != nil || filepath.Base(dir) != "8" {
		t.Fatalf("%s, %v, want version 8", dir, err)
	}
	if got, want := namesIn(t, base), []string{"1", "12x", "2", "7", "8", "notes"}; !slices.Equal(got, want) {
		t.Errorf("%v in the folder, want %v", got, want)
	}
	info, err := os.Stat(filepath.Join(base, "8"))
	if err != nil || info.Mode().Perm()&0o55 == 0 { // a server may be another user's
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A version that cannot be written leaves nothing.
func TestNothingIsLeftOfAVersionThatFailed(t *testing.T) {
	base := t.TempDir()
	failure := errors.New("no")
	if _, err := Add(base, func(dir string) error { return errors.Join(fill(dir), failure) }); !errors.Is(err, failure) {
		t.Fatalf("error %v", err)
	}
	if names := namesIn(t, base); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// What a program that was killed has left of a version goes with the next one, but not what one is writing.
func TestPartsOfVersionsGo(t *testing.T) {
	base := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{partName + "left", partName + "new", partName + "busy", ".other"} {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := fill(dir); err != nil {
			t.Fatal(err)
		}
		if name == partName+"new" {
			continue
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	busy, err := outfile.Lock(filepath.Join(base, partName+"busy"), os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	write := func(dir string) error {
		if err := os.Chtimes(filepath.Dir(dir), old, old); err != nil {
			return err
		}
		if _, err := Add(base, fill); err != nil { // another program
			return err
		}
		return fill(dir)
	}
	if _, err := Add(base, write); err != nil {
		t.Fatal(err)
	}
	if got, want := namesIn(t, base), []string{".other", partName + "busy", partName + "new", "1", "2"}; !slices.Equal(got, want) {
		t.Errorf("%v in the folder, want %v", got, want)
	}
}

// Writers at the same time get a version each.
func TestVersionsAtTheSameTime(t *testing.T) {
	base := t.TempDir()
	const n = 8
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := Add(base, fill); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if names := namesIn(t, base); len(names) != n {
		t.Errorf("%v, want %d versions", names, n)
	}
}

func TestBaseIsAFile(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	if err := os.WriteFile(base, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(base, fill); err == nil || !strings.HasPrefix(err.Error(), base+": ") {
		t.Errorf("error %v, want one that begins with the path", err)
	}
}
