package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Writer writes a model into its folder. Weights and history get names that no other
// content has; then Commit renames model.json, which names them, over the old one:
// whenever the program or the machine stops, the folder has the old model or the new
// one, whole. Files that are not rnnbin's stay as they are.
type Writer struct {
	dir     string
	lock    *os.File   // of the folder; nil behind Close
	replace bool       // a model that is in the folder
	made    bool       // the folder was made for this model
	whole   bool       // Jobs are not needed any more
	run     *RunRecord // that was begun; nil without
	before  []byte     // run.json of the run before it; nil without
	others  bool       // that run may be gone on with, by its jobs
	jobs    *Jobs      // nil without
	dropped bool
	events  bool // the folder's event files are the run's

	weights []Weights // that were written
	history string
	judged  string
}

// Create begins to write the model into the folder dir, making it if need be. A folder
// that is not empty is refused, unless force is set or what it holds is left over from
// killed runs; so is one in which another Writer is at work.
func Create(dir string, force bool) (*Writer, error) {
	if err := Check(dir, force); err != nil {
		return nil, err
	}
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, pathError(err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // a link may be set anew meanwhile
		return nil, pathError(err)
	}
	return begin(&Writer{dir: dir, replace: force, made: made})
}

// begin locks the folder, removes what killed runs have left and sees whether files can
// be made.
func begin(w *Writer) (*Writer, error) {
	var err error
	if w.lock, err = lockFolder(w.dir); err != nil {
		return nil, err
	}
	err = Check(w.dir, w.replace) // another Writer may have been at work
	if err == nil {
		clean(w.dir, always)
		err = w.try()
	}
	if err != nil {
		w.Close()
		return nil, w.cannot(err)
	}
	return w, nil
}

// try sees whether files can be made.
func (w *Writer) try() error {
	if err := os.WriteFile(w.path(unfinishedModel), nil, 0o666); err != nil {
		return err
	}
	return os.Remove(w.path(unfinishedModel))
}

// cannot names the folder in an error that names a file under its unfinished name, which may be
// one of TensorFlow's, in its words.
func (w *Writer) cannot(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &Error{w.dir, fmt.Errorf("cannot be written to: %w", e.Err)}
	}
	for _, number := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES} {
		if err != nil && strings.Contains(strings.ToLower(err.Error()), number.Error()) {
			return &Error{w.dir, fmt.Errorf("cannot be written to: %w", number)}
		}
	}
	return err
}

// Dir is the folder.
func (w *Writer) Dir() string { return w.dir }

func (w *Writer) path(name string) string { return filepath.Join(w.dir, name) }

// Taken reports whether somebody has put a model into the folder that is not to be
// replaced.
func (w *Writer) Taken() bool {
	_, err := os.Lstat(w.path(modelFile))
	return err == nil && !w.replace
}

// AddWeights has save write the weights of a network, as a checkpoint of the given prefix, for
// a [Kind] of the model to come.
func (w *Writer) AddWeights(save func(prefix string) error) (Weights, error) {
	added, err := w.write(save)
	if err != nil {
		return Weights{}, fmt.Errorf("write the weights: %w", w.cannot(err))
	}
	w.weights = append(w.weights, added)
	return added, nil
}

// write has save write a checkpoint, and names it by its content.
func (w *Writer) write(save func(prefix string) error) (Weights, error) {
	if err := os.MkdirAll(w.dir, 0o777); err != nil { // it may have been removed meanwhile
		return Weights{}, pathError(err)
	}
	if err := save(w.path(unfinishedWeights)); err != nil {
		return Weights{}, err
	}
	paths := checkpointFiles(w.dir, unfinishedWeights)
	sum, err := digestOf(paths)
	if err != nil {
		return Weights{}, err
	}
	written := Weights{"weights-" + sum[:digits], sum}
	for i, path := range checkpointFiles(w.dir, written.Prefix) {
		if err := finish(paths[i], path); err != nil {
			return Weights{}, err
		}
	}
	return written, nil
}

// SetHistory writes the history of the epochs.
func (w *Writer) SetHistory(lines []byte) (err error) {
	w.history, err = w.writeNamed(unfinishedHistory, lines)
	return err
}

// SetJudged writes the answers that the networks were judged by, an Arrow file.
func (w *Writer) SetJudged(content []byte) (err error) {
	w.judged, err = w.writeNamed(unfinishedJudged, content)
	return err
}

// writeNamed writes a file that has the digest of its content in its name.
func (w *Writer) writeNamed(unfinished string, content []byte) (name string, err error) {
	sum, err := digest(bytes.NewReader(content))
	kind, ending, _ := strings.Cut(unfinished, "-unfinished")
	name = kind + "-" + sum[:digits] + ending
	if err == nil {
		err = w.writeFile(unfinished, name, content)
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, w.cannot(err))
	}
	return name, nil
}

// writeFile writes a file that has its name once it is on the disk.
func (w *Writer) writeFile(unfinished, name string, text []byte) error {
	path := w.path(unfinished)
	if err := os.WriteFile(path, text, 0o666); err != nil {
		return err
	}
	return finish(path, w.path(name))
}

// finish gives a file its name once it is on the disk.
func finish(path, name string) error {
	if err := flush(path); err != nil {
		return err
	}
	return os.Rename(path, name)
}

// flush makes sure that a file or a folder is on the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Commit makes the model, whose weights were written, with the history that was, the folder's.
func (w *Writer) Commit(m *Model) error {
	if err := w.commit(m); err != nil {
		return fmt.Errorf("write the model: %w", w.cannot(err))
	}
	w.made, w.whole = false, m.Run.Partial == ""
	if !w.events { // those there are tell of the model that was there before
		RemoveEvents(w.path(eventsFolder), nil)
	}
	return nil
}

// Drop has Close remove all that is left of the run, but for what was there before it.
func (w *Writer) Drop() { w.dropped = true }

func (w *Writer) commit(m *Model) error {
	whole := *m
	whole.Format, whole.History, whole.Judged = Format, w.history, w.judged
	whole.Kinds = slices.Clone(m.Kinds)
	for i := range whole.Kinds {
		k := &whole.Kinds[i]
		k.Network = k.Network.WithDefaults()
	}
	if m.Rival != nil {
		rival := *m.Rival
		rival.Network = rival.Network.WithDefaults()
		whole.Rival = &rival
	}
	if whole.Created.IsZero() {
		whole.Created = time.Now().UTC().Truncate(time.Second)
	}
	if err := whole.validate(); err != nil {
		return err
	}
	for _, c := range whole.checkpoints() {
		if !slices.Contains(w.weights, c) {
			return fmt.Errorf("the weights %s were not written", c.Prefix)
		}
	}
	var err error
	if whole.SHA256, err = whole.sum(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&whole, "", "  ")
	if err != nil {
		return err
	}
	path := w.path(unfinishedModel)
	if err := os.WriteFile(path, append(text, '\n'), 0o666); err != nil {
		return err
	}
	if err := flush(w.dir); err != nil { // the names of the weights
		return err
	}
	if w.Taken() {
		return &Error{w.dir, errors.New("another model has appeared in the folder")}
	}
	if err := finish(path, w.path(modelFile)); err != nil {
		return err
	}
	return flush(w.dir)
}

// keeps reports whether Close leaves a file of a job in the folder.
func (w *Writer) keeps(name string) bool {
	return !w.whole && (!w.dropped || w.others) || w.jobs != nil && w.jobs.isDamaged(name)
}

// always keeps all files.
func always(string) bool { return true }

// Close ends the writing. It removes what Commit has not made part of a model, but for [Jobs]
// that may be needed; the folder too if it was made for it and nothing is left; and the files
// of a model that was replaced.
func (w *Writer) Close() {
	if w.lock == nil {
		return
	}
	clean(w.dir, w.keeps)
	switch {
	case w.dropped && w.run != nil && w.before != nil:
		_ = w.writeFile(unfinishedRun, runFile, w.before)
	case w.dropped && w.run != nil, w.whole && w.run == nil: // it is of a run that made an older model
		_ = os.Remove(w.path(runFile))
	}
	if w.dropped && w.events {
		RemoveEvents(w.path(eventsFolder), nil)
	}
	if w.made {
		_ = os.Remove(w.dir) // unless somebody has put something there
	}
	_ = w.lock.Close()
	w.lock = nil
}
