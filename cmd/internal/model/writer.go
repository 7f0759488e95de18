package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// latest is the link beside numbered folders that points to the newest.
const latest = "latest"

// Writer writes a folder. All files go into a hidden one beside it, which
// Commit puts in its place in one step: whenever the program or the machine
// stops, the path holds what it held before or the whole new model.
type Writer struct {
	dir     string // where the folder will be
	temp    string // where it is written, "" behind Commit and Discard
	replace bool   // of what is there
	claimed bool   // dir is an empty folder that this Writer made
}

// Create begins to write the folder dir. A path that exists is refused, unless
// it is an empty folder, or force is set and it is a model folder.
func Create(dir string, force bool) (*Writer, error) {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved // so that a link stays and what it points to is replaced
	}
	dir = filepath.Clean(dir)
	exists, err := checkTarget(dir, force)
	if err != nil {
		return nil, err
	}
	return begin(&Writer{dir: dir, replace: exists})
}

// CreateRun begins to write the folder with the next free number in root, which
// is claimed at once, so that runs side by side get numbers of their own.
func CreateRun(root string) (*Writer, error) {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return nil, pathError(err)
	}
	if err := checkLatest(filepath.Join(root, latest)); err != nil {
		return nil, err
	}
	for {
		n, err := lastRun(root)
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(root, strconv.Itoa(n+1))
		err = os.Mkdir(dir, 0o777)
		if errors.Is(err, fs.ErrExist) { // another run was quicker
			continue
		}
		if err != nil {
			return nil, pathError(err)
		}
		return begin(&Writer{dir: dir, claimed: true})
	}
}

// lastRun is the highest number that a folder in root has.
func lastRun(root string) (int, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return 0, pathError(err)
	}
	last := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			last = max(last, n)
		}
	}
	return last, nil
}

// Check reports a path that Create would refuse, and makes nothing.
func Check(dir string, force bool) error {
	_, err := checkTarget(dir, force)
	return err
}

// checkTarget reports whether something is to be replaced.
func checkTarget(dir string, force bool) (exists bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, pathError(err)
	case len(entries) == 0:
		return false, nil
	case !force:
		return false, &Error{dir, errors.New("the folder exists (--force replaces it)")}
	}
	if _, err := os.Stat(filepath.Join(dir, modelFile)); err != nil {
		return false, &Error{dir, errors.New("this is no model folder and is not replaced")}
	}
	return true, nil
}

func begin(w *Writer) (*Writer, error) {
	parent, name := filepath.Split(w.dir)
	err := os.MkdirAll(filepath.Join(parent, "."), 0o777)
	for err == nil {
		w.temp = filepath.Join(parent, fmt.Sprintf(".%s.%08x", name, rand.Uint32()))
		if err = os.Mkdir(w.temp, 0o777); err == nil {
			return w, nil
		}
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	var e *fs.PathError
	if errors.As(err, &e) { // it names a temporary folder
		err = &Error{w.dir, fmt.Errorf("the folder cannot be made: %w", e.Err)}
	}
	w.temp = ""
	w.Discard()
	return nil, err
}

// Dir is where the folder will be.
func (w *Writer) Dir() string { return w.dir }

// Path is where a file of the folder is to be written.
func (w *Writer) Path(name string) string { return filepath.Join(w.temp, name) }

// Commit writes model.json and puts the folder in its place. The weights must
// have been written.
func (w *Writer) Commit(m *Model) error {
	if err := w.write(m); err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	if err := w.place(); err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	w.temp, w.claimed = "", false
	return nil
}

// write writes model.json.
func (w *Writer) write(m *Model) error {
	stored := *m
	stored.Format = Format
	stored.Network = portable(m.Network)
	if stored.Created.IsZero() {
		stored.Created = time.Now().UTC().Truncate(time.Second)
	}
	if err := stored.validate(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.Path(modelFile), append(text, '\n'), 0o666); err != nil {
		return err
	}
	return checkWeights(w.temp)
}

// place moves the folder to where it belongs.
func (w *Writer) place() error {
	if err := syncFolder(w.temp); err != nil {
		return err
	}
	if !w.replace {
		if err := syscall.Rename(w.temp, w.dir); err != nil { // unlike os.Rename it replaces an empty folder
			return &Error{w.dir, err}
		}
		return syncFile(filepath.Dir(w.dir))
	}
	if err := exchange(w.temp, w.dir); err != nil {
		return &Error{w.dir, err}
	}
	if err := syncFile(filepath.Dir(w.dir)); err != nil {
		return err
	}
	return os.RemoveAll(w.temp) // the old one
}

// exchangeSlowly is exchange where the system has no call for it: for a moment
// there is no folder b, and a crash then leaves both under hidden names.
func exchangeSlowly(a, b string) error {
	old := a + ".old"
	if err := os.Rename(b, old); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(old, b))
	}
	return os.Rename(old, a)
}

// syncFolder makes sure that the folder and its files are on the disk.
func syncFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncFile(dir)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Discard drops what was written. Behind Commit it does nothing.
func (w *Writer) Discard() {
	if w.temp != "" {
		_ = os.RemoveAll(w.temp)
		w.temp = ""
	}
	if w.claimed {
		_ = os.Remove(w.dir)
		w.claimed = false
	}
}

// SetLatest makes the link "latest" beside dir point to it, in one step.
func SetLatest(dir string) error {
	link := filepath.Join(filepath.Dir(dir), latest)
	if err := checkLatest(link); err != nil {
		return err
	}
	return renameio.Symlink(filepath.Base(dir), link)
}

// checkLatest refuses what is there and no link.
func checkLatest(link string) error {
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return &Error{link, errors.New("this is no link and is not replaced (--out names another folder)")}
	}
	return nil
}
