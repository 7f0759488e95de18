package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Check reports a path that Create would refuse, and makes nothing.
func Check(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError(err)
	}
	taken, others := false, false
	for _, e := range entries {
		name := e.Name()
		taken = taken || name == modelFile
		others = others || name != modelFile && name != eventsFolder && !finished.MatchString(name) && !unfinished.MatchString(name) && !jobPattern.MatchString(name)
		if name == runFile && !isOurs(filepath.Join(dir, runFile)) {
			return &Error{filepath.Join(dir, runFile), errors.New("not that of a run of rnnbin's, so it is not replaced")}
		}
	}
	switch {
	case taken && !force:
		return &Error{dir, errors.New("the folder already holds a model (--force replaces it)")}
	case taken && !isOurs(filepath.Join(dir, modelFile)):
		return &Error{filepath.Join(dir, modelFile), errors.New("not a model of rnnbin's, so it is not replaced")}
	case others && !force:
		return &Error{dir, errors.New("the folder is not empty (--force adds the model and keeps the other files)")}
	}
	return nil
}

// isOurs reports whether a model.json or run.json is rnnbin's, of whatever format: other
// programs have files of these names.
func isOurs(path string) bool {
	text, err := os.ReadFile(path)
	var head struct {
		Format *int
		State  *RunState
		Rnnbin *string
	}
	return err == nil && json.Unmarshal(text, &head) == nil && (head.Format != nil || head.State != nil) && head.Rnnbin != nil
}

// errBusy is the error of a folder that another process has locked.
var errBusy = errors.New("another run is writing to the folder")

// lockFolder locks the folder that is at dir. The system lets go of it when the process
// ends, however it ends.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, pathError(err)
	}
	if err = tryLock(f); err == nil {
		err = stillAt(f, dir)
	}
	if err != nil {
		_ = f.Close()
		return nil, &Error{dir, err}
	}
	return f, nil
}

func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("cannot be locked: %w", err)
	}
	return nil
}

// stillAt reports a folder that was removed before it was locked.
func stillAt(f *os.File, dir string) error {
	locked, err := f.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(dir); err != nil || !os.SameFile(locked, now) {
		return errBusy
	}
	return nil
}

// clean removes the files of ours in dir that its model.json does not name, but for those that
// are being read, and for the files of jobs that are to be kept. What cannot be removed is left
// to the next run.
func clean(dir string, keep func(name string) bool) {
	entries, _ := os.ReadDir(dir)
	used, known := inUse(dir)
	used = append(used, runFile)
	for _, e := range entries {
		name := e.Name()
		if of := interruptedPattern.FindStringSubmatch(name); of != nil {
			removeNameless(dir, of[1])
		}
		if unfinished.MatchString(name) || known && finished.MatchString(name) && !slices.Contains(used, name) || jobPattern.MatchString(name) && !keep(name) {
			removeUnread(filepath.Join(dir, name))
		}
	}
}

// inUse are the files of the model in dir; known is false for one that this program
// cannot read, whose files it does not know.
func inUse(dir string) (used []string, known bool) {
	text, err := os.ReadFile(filepath.Join(dir, modelFile))
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	m, err := parse(text)
	if err != nil {
		return nil, false
	}
	return m.files(), true
}

// removeUnread removes a file unless an Opened holds it.
func removeUnread(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if !errors.Is(tryLock(f), errBusy) {
		_ = os.Remove(path)
	}
}
