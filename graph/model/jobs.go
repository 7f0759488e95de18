package model

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Jobs keeps the trainings of a run in the folder of a [Writer], what each has come to and
// checkpoints of those that have not ended, so that they outlast a run that is killed. Those of a
// run with the same version of the program that ended early are there to be read. Close removes
// them after Commit has made a whole model.
type Jobs struct {
	w       *Writer
	version string // of the program
	keep    int

	saving  sync.Mutex // a job may be done twice at a time
	mu      sync.Mutex
	damaged map[string]bool // stems of files
}

// Jobs are those in the folder. Of each that has not ended the last few checkpoints are kept.
func (w *Writer) Jobs(version string, keep int) *Jobs {
	w.jobs = &Jobs{w: w, version: version, keep: keep, damaged: map[string]bool{}}
	return w.jobs
}

// Done is the step of a job that has come to its end.
const Done = math.MaxInt

// job is the content of a job's file. Its other files have names that begin as that does.
type job struct {
	Version string            `json:"rnnbin"`
	Digest  string            `json:"digest"` // of all that the result follows from
	Files   map[string]string `json:"files"`  // SHA-256 of each, by what follows the stem of its name
	Record  json.RawMessage   `json:"record"` // what only the program understands
	SHA256  string            `json:"sha256"` // of all these
}

// sum is what SHA256 has to be.
func (k job) sum() (string, error) {
	k.SHA256 = ""
	return sumOf(k)
}

// Load has restore read the newest state of the job of a digest from a checkpoint of the prefix,
// and what was saved with it. Those that are damaged are left as they are, and restore gets the
// one before; the errors, of type *[Error], name them.
func (j *Jobs) Load(digest string, restore func(prefix string, record []byte) error) (damaged []error) {
	for _, stem := range stems(j.w.dir, digest) {
		kept, err := j.read(stem)
		if err == nil && (kept.Digest != digest || kept.Version != j.version) {
			continue
		}
		if err == nil {
			err = restore(j.w.path(stem), kept.Record)
		}
		if err == nil {
			break
		}
		j.mu.Lock()
		j.damaged[stem] = true
		j.mu.Unlock()
		damaged = append(damaged, &Error{j.w.path(stem), fmt.Errorf("damaged: %w", err)})
	}
	return damaged
}

// read reads a job's file, and checks the others.
func (j *Jobs) read(stem string) (*job, error) {
	text, err := os.ReadFile(j.w.path(stem + ".json"))
	if err != nil {
		return nil, unnamed(err)
	}
	kept := new(job)
	if err := json.Unmarshal(text, kept); err != nil {
		return nil, err
	}
	if sum, err := kept.sum(); err != nil || sum != kept.SHA256 {
		return nil, errors.New("its digest is another")
	}
	for ending, want := range kept.Files {
		if sum, err := digestOf([]string{j.w.path(stem + ending)}); err != nil || sum != want {
			return nil, cmp.Or(unnamed(err), fmt.Errorf("the digest of its %s is another", ending))
		}
	}
	return kept, nil
}

// unnamed is an error without the path that it is about.
func unnamed(err error) error {
	var e *fs.PathError
	var of *Error
	switch {
	case errors.As(err, &of):
		return fmt.Errorf("%s: %w", filepath.Base(of.Path), of.Err)
	case errors.As(err, &e):
		return fmt.Errorf("%s: %w", filepath.Base(e.Path), e.Err)
	}
	return err
}

// Save keeps the state of the job of a digest after so many training steps, or [Done], with the
// record, JSON. It has save write the state as a checkpoint of the prefix; a second one may have
// the prefix with -best behind it.
func (j *Jobs) Save(digest string, step int, record []byte, save func(prefix string) error) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	if err := os.MkdirAll(j.w.dir, 0o777); err != nil { // it may have been removed meanwhile
		return pathError(err)
	}
	unfinished, stem := j.w.path("job-"+digest[:digits]+unfinishedJob), j.w.path(stemOf(digest, step))
	err := j.save(unfinished, stem, job{Version: j.version, Digest: digest, Record: record}, save)
	if err != nil {
		removeAll(glob(unfinished))
		return j.w.cannot(err)
	}
	j.prune(digest, step)
	return nil
}

// save writes files under unfinished names and renames them, that of the job last.
func (j *Jobs) save(unfinished, stem string, of job, save func(prefix string) error) error {
	removeAll(glob(unfinished)) // left over
	if err := save(unfinished); err != nil {
		return err
	}
	of.Files = map[string]string{}
	paths := glob(unfinished)
	for _, path := range paths {
		sum, err := digestOf([]string{path})
		if err != nil {
			return err
		}
		of.Files[strings.TrimPrefix(path, unfinished)] = sum
	}
	var err error
	if of.SHA256, err = of.sum(); err != nil {
		return err
	}
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	if err := os.WriteFile(unfinished+".json", text, 0o666); err != nil {
		return err
	}
	for _, path := range append(paths, unfinished+".json") {
		if err := finish(path, stem+strings.TrimPrefix(path, unfinished)); err != nil {
			return err
		}
	}
	return flush(j.w.dir)
}

// glob are the paths that begin with a prefix.
func glob(prefix string) []string {
	var paths []string
	dir, base := filepath.Split(prefix)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), base) {
			paths = append(paths, dir+e.Name())
		}
	}
	return paths
}

// prune removes the checkpoints of a job that those after them make needless, but for the damaged.
func (j *Jobs) prune(digest string, step int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := 0
	for _, stem := range stems(j.w.dir, digest) {
		switch {
		case j.damaged[stem] || stem == stemOf(digest, Done):
		case step != Done && kept < j.keep:
			kept++
		default:
			removeAll(filesOf(j.w.dir, stem))
		}
	}
}

// isDamaged reports whether a file is of a state that Load has found to be damaged.
func (j *Jobs) isDamaged(name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	stem, _, _ := strings.Cut(name, ".")
	return j.damaged[strings.TrimSuffix(stem, "-best")]
}

// removeNameless removes files of the job of a digest that have been given their names when a
// run was killed, before the one that is given its name last.
func removeNameless(dir, digest string) {
	for _, stem := range stems(dir, digest) {
		if _, err := os.Stat(filepath.Join(dir, stem+".json")); errors.Is(err, fs.ErrNotExist) {
			removeAll(filesOf(dir, stem))
		}
	}
}

// removeAll removes files. What cannot be removed is left to the next run.
func removeAll(paths []string) {
	for _, path := range paths {
		_ = os.Remove(path)
	}
}

// stemOf is what the names of the files begin with that a job has after so many steps.
func stemOf(digest string, step int) string {
	if step == Done {
		return "job-" + digest[:digits]
	}
	return fmt.Sprintf("job-%s-%d", digest[:digits], step)
}

// stems are those of the files in a folder that are of the job of a digest, the newest first.
func stems(dir, digest string) []string {
	steps := map[int]bool{}
	for _, path := range glob(filepath.Join(dir, stemOf(digest, Done))) {
		if found := jobPattern.FindStringSubmatch(filepath.Base(path)); found != nil {
			step, err := strconv.Atoi(strings.TrimPrefix(found[1], "-"))
			if err != nil {
				step = Done
			}
			steps[step] = true
		}
	}
	var all []string
	for _, step := range slices.Backward(slices.Sorted(maps.Keys(steps))) {
		all = append(all, stemOf(digest, step))
	}
	return all
}

// filesOf are the paths of the files of a stem.
func filesOf(dir, stem string) []string {
	return slices.DeleteFunc(glob(filepath.Join(dir, stem)), func(path string) bool {
		rest := strings.TrimPrefix(filepath.Base(path), stem)
		return !strings.HasPrefix(rest, ".") && !strings.HasPrefix(rest, "-best.")
	})
}
