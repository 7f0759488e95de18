package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Error is a fault of a model folder. It reads "path: message".
type Error struct {
	Path string // of the folder or of a file in it
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Opened is a model whose weights stay where they are until Close, whatever becomes of
// the folder meanwhile: a run that replaces the model leaves them to a later one.
type Opened struct {
	*Model
	Dir string // of the folder, links resolved

	locked []*os.File // the weights
}

// Open reads a folder's model.json, once, and checks that the weights are those it names.
// What is wrong is an *[Error] that names the folder or the file.
func Open(dir string) (*Opened, error) {
	dir, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	text, err := readModel(dir)
	if err != nil {
		return nil, err
	}
	for {
		o := &Opened{Dir: dir}
		err := o.open(text)
		if err == nil {
			return o, nil
		}
		o.Close()
		now, _ := readModel(dir)
		if now == nil || bytes.Equal(now, text) {
			return nil, err
		}
		text = now // another model has taken its place
	}
}

// open parses a model.json and locks the weights.
func (o *Opened) open(text []byte) error {
	var err error
	if o.Model, err = parse(text); err != nil {
		return &Error{filepath.Join(o.Dir, modelFile), err}
	}
	for _, w := range o.checkpoints() {
		if err := o.lock(w); err != nil {
			return err
		}
	}
	return nil
}

// lock opens the files of a checkpoint and compares their digest.
func (o *Opened) lock(w Weights) error {
	paths := checkpointFiles(o.Dir, w.Prefix)
	var readers []io.Reader
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return missing(path, err)
		}
		o.locked = append(o.locked, f)
		readers = append(readers, f)
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH) // where there are no locks, a replaced model's weights may go
		if _, err := os.Stat(path); err != nil {        // it went before the lock
			return missing(path, err)
		}
	}
	sum, err := digest(readers...)
	if err != nil {
		return pathError(err)
	}
	if sum != w.SHA256 {
		return &Error{paths[len(paths)-1], errors.New("the weights are damaged: their digest differs from the one in " + modelFile)}
	}
	return nil
}

// missing is the error of weights that are not there.
func missing(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{path, errors.New("the weights are missing")}
	}
	return pathError(err)
}

// Checkpoint is the path of weights, as graph.Member.Restore takes it.
func (o *Opened) Checkpoint(w Weights) string { return filepath.Join(o.Dir, w.Prefix) }

// Read reads the model's History or Judged, and compares the digest that its name has.
func (o *Opened) Read(name string) ([]byte, error) {
	path := filepath.Join(o.Dir, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{path, errors.New("the file is missing")}
	}
	if err != nil {
		return nil, pathError(err)
	}
	if sum, err := digest(bytes.NewReader(content)); err != nil || !strings.Contains(name, sum[:digits]) {
		return nil, &Error{path, errors.New("the file is damaged: its digest differs from the one in its name")}
	}
	return content, nil
}

// Close lets go of the weights.
func (o *Opened) Close() {
	for _, f := range o.locked {
		_ = f.Close() // only read
	}
	o.locked = nil
}

// Read reads a folder's model.json, and nothing else. Without one the error is an fs.ErrNotExist.
func Read(dir string) (*Model, error) {
	path := filepath.Join(dir, modelFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, pathError(err)
	}
	m, err := parse(text)
	if err != nil {
		return nil, &Error{path, err}
	}
	return m, nil
}

// Settings are those of the training run in a folder, a JSON object, and the file that has them.
func Settings(dir string) (path string, settings []byte, err error) {
	if dir, err = resolve(dir); err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, modelFile)
	m, err := Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if r, err := ReadRun(dir); err == nil {
			return filepath.Join(dir, runFile), r.Settings, nil
		}
		_, err = readModel(dir) // which says what there is
		return "", nil, err
	case err != nil:
		return "", nil, err
	case len(m.Settings) == 0:
		return "", nil, &Error{path, errors.New("the model has no settings: rnnbin did not train it")}
	}
	return path, m.Settings, nil
}

// resolve follows links, so that one which is set anew leads to one model only.
func resolve(dir string) (string, error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &Error{dir, errors.New("no such model folder")}
	}
	if err != nil {
		return "", pathError(err)
	}
	info, err := os.Stat(resolved)
	switch {
	case err != nil:
		return "", pathError(err)
	case !info.IsDir():
		return "", &Error{dir, errors.New("not a model folder")}
	}
	return resolved, nil
}

func readModel(dir string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, modelFile))
	if errors.Is(err, fs.ErrNotExist) {
		if r, err := ReadRun(dir); err == nil {
			return nil, &Error{dir, noModel(r.State)}
		}
		return nil, &Error{dir, fmt.Errorf("not a model folder: it has no %s", modelFile)}
	}
	if err != nil {
		return nil, pathError(err)
	}
	return text, nil
}

// noModel is the error of a folder whose run has not made a model.
func noModel(s RunState) error {
	switch s {
	case Running:
		return errors.New("no model yet: the run that is to make it has not ended")
	case Killed:
		return errors.New("no model yet: the run that was to make it was killed (rnnbin train --resume goes on with it)")
	}
	return fmt.Errorf("no model yet: the run that was to make it has %s (rnnbin train --resume goes on with it)", s)
}

// parse reads a model.json.
func parse(text []byte) (*Model, error) {
	var head struct{ Format int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	switch {
	case head.Format > Format:
		return nil, fmt.Errorf("format %d is newer than this rnnbin supports (%d): use a newer one", head.Format, Format)
	case head.Format < 1:
		return nil, fmt.Errorf("damaged: format %d", head.Format)
	case head.Format < Format:
		return nil, fmt.Errorf("format %d is older than this rnnbin supports (%d): train the model again", head.Format, Format)
	}
	m := new(Model)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if sum, err := m.sum(); err != nil || sum != m.SHA256 {
		return nil, errors.New("damaged, or changed by hand: its content has another digest than its sha256")
	}
	return m, nil
}

// pathError makes an Error of one that the system gave.
func pathError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &Error{e.Path, e.Err}
	}
	return err
}
