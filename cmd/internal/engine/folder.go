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
	if stamp, err := stampOf(dir); err == nil {
		number, err := strconv.ParseInt(filepath.Base(dir), 10, 64)
		if err != nil || number < 1 {
			number = 1
		}
		return map[int64]found{number: {number, dir, stamp}}, true, nil
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
		version := filepath.Join(dir, e.Name())
		if stamp, err := stampOf(version); err == nil {
			all[number] = found{number, version, stamp}
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

// stampOf tells one model in a folder from the next: its file is replaced, never changed.
func stampOf(dir string) (string, error) {
	info, err := os.Stat(filepath.Join(dir, modelFile))
	if err != nil {
		return "", err
	}
	return fmt.Sprint(dir, " ", info.Size(), " ", info.ModTime().UnixNano()), nil
}
