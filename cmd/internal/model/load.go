package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rnnbin/rnnbin/graph"
)

// Error is a fault of a model folder. It reads "path: message".
type Error struct {
	Path string // of the folder or of a file in it
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Load reads a folder's model.json and checks that the weights are there. What
// is wrong is an *[Error] that names the folder or the file.
func Load(dir string) (*Model, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, modelFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{dir, fmt.Errorf("this is no model folder, it has no %s", modelFile)}
	}
	if err != nil {
		return nil, pathError(err)
	}
	m, err := parse(text)
	if err != nil {
		return nil, &Error{path, err}
	}
	return m, checkWeights(dir)
}

func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{dir, errors.New("there is no such model folder")}
	case err != nil:
		return pathError(err)
	case !info.IsDir():
		return &Error{dir, errors.New("this is no model folder but a file")}
	}
	return nil
}

// parse reads a model.json.
func parse(text []byte) (*Model, error) {
	var head struct{ Format int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if head.Format > Format {
		return nil, fmt.Errorf("format %d is newer than this program reads (%d); a newer rnnbin reads it", head.Format, Format)
	}
	if head.Format < 1 {
		return nil, fmt.Errorf("damaged: format %d", head.Format)
	}
	if head.Format < Format {
		return nil, fmt.Errorf("format %d is older than this program reads (%d); train the model again", head.Format, Format)
	}
	m := &Model{Network: portable(graph.DefaultConfig())}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return m, nil
}

func checkWeights(dir string) error {
	for _, name := range weightsFiles {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &Error{path, errors.New("the weights are missing")}
		case err != nil:
			return pathError(err)
		case !info.Mode().IsRegular():
			return &Error{path, errors.New("this is no file")}
		case info.Size() == 0:
			return &Error{path, errors.New("the weights are damaged: the file is empty")}
		}
	}
	return nil
}

// pathError makes an Error of one that the system gave.
func pathError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &Error{e.Path, e.Err}
	}
	return err
}

// portable is c without what belongs to the machine.
func portable(c graph.Config) graph.Config {
	d := graph.DefaultConfig()
	c.Threads, c.Form, c.InstructionSet = d.Threads, d.Form, d.InstructionSet
	return c
}
