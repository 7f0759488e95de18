// Package release puts models into base folders as model servers watch them: BASE/1, BASE/2 and
// so on, of which the greatest number is the newest.
package release

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

// Add has write fill a folder, and makes it the next version in base, a folder that is made if
// need be: the version appears whole, or not at all. It returns the version's folder. Errors
// name the path.
func Add(base string, write func(dir string) error) (string, error) {
	if err := os.MkdirAll(base, 0o777); err != nil {
		return "", named(err)
	}
	sweep(base)
	part, err := os.MkdirTemp(base, partName) // servers pass over what is no number
	if err != nil {
		return "", named(err)
	}
	defer os.RemoveAll(part)
	if locked, err := outfile.Lock(part, os.O_RDONLY); err == nil { // where there are no locks, nobody sweeps
		defer locked.Close()
	}
	dir := filepath.Join(part, "version")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", named(err)
	}
	if err := write(dir); err != nil {
		return "", named(err)
	}
	if err := flush(dir); err != nil {
		return "", named(err)
	}
	return place(base, dir)
}

// partName is what the folder of a version is called that is not whole yet.
const partName = ".part-"

// sweep removes what programs that were killed have left of versions. What cannot be removed is left to the next one.
func sweep(base string) {
	entries, _ := os.ReadDir(base)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), partName) || time.Since(info.ModTime()) < time.Hour { // it may not be locked yet
			continue
		}
		part := filepath.Join(base, e.Name())
		if locked, err := outfile.Lock(part, os.O_RDONLY); err == nil {
			_ = os.RemoveAll(part)
			locked.Close()
		}
	}
}

// place renames dir to the next version. Another program may be faster.
func place(base, dir string) (string, error) {
	for {
		n, err := next(base)
		if err != nil {
			return "", err
		}
		version := filepath.Join(base, strconv.FormatInt(n, 10))
		err = os.Rename(dir, version)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = settle(base)
		}
		return version, named(err)
	}
}

// next is one more than the greatest version in base.
func next(base string) (int64, error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return 0, named(err)
	}
	var last int64
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			last = max(last, n)
		}
	}
	if last == math.MaxInt64 {
		return 0, fmt.Errorf("%s: no version number is left after %d", base, last)
	}
	return last + 1, nil
}

// flush makes sure that all below dir is on the disk.
func flush(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return settle(path)
	})
}

func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// named puts the path first, without the name of the system call.
func named(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.New, link.Err)
	}
	return err
}
