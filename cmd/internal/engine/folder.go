package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Source is where a model comes from.
type Source struct {
	Name     string
	Path     string           // of its folder, or of a base folder of versions
	Versions []int64          // served beside the newest one
	Labels   map[string]int64 // names of versions, which are served, too
}

// found is a version on the disk.
type found struct {
	number int64
	dir    string
	stamp  string // another one when the model has been replaced
	files  string // another one when a file of the folder has changed, as while it is copied
}

// modelFile is the file that makes a folder a model's.
const modelFile = "model.json"

// look lists the versions that a path has. A model folder is one alone: the number that it is
// called by, links resolved, else 1.
func look(path string) (all map[int64]found, single bool, err error) {
	dir, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, false, missing(path, err)
	}
	if f, err := newFound(dir); err == nil {
		number, err := strconv.ParseInt(filepath.Base(dir), 10, 64)
		if err != nil || number < 1 {
			number = 1
		}
		f.number = number
		return map[int64]found{number: f}, true, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, false, missing(path, err)
	}
	all = map[int64]found{}
	for _, e := range entries {
		number, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || number < 1 {
			continue
		}
		if f, err := newFound(filepath.Join(dir, e.Name())); err == nil {
			f.number = number
			all[number] = f
		}
	}
	if len(all) == 0 {
		return nil, false, fmt.Errorf("%s: neither a model folder, which has a %s, nor a folder of such that are called 1, 2 and so on", path, modelFile)
	}
	return all, false, nil
}

func missing(path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", path, e.Err)
	}
	return err
}

// newFound is the model in a folder, whose file is replaced, never changed.
func newFound(dir string) (f found, err error) {
	stamp := func(info fs.FileInfo) string {
		return fmt.Sprint(info.Name(), " ", info.Size(), " ", info.ModTime().UnixNano(), "\n")
	}
	info, err := os.Stat(filepath.Join(dir, modelFile))
	if err != nil {
		return f, err
	}
	f = found{dir: dir, stamp: dir + " " + stamp(info)}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			f.files += stamp(info)
		}
	}
	return f, err
}
