package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/renameio/v2"
)

// latest is the link beside numbered folders that points to the newest.
const latest = "latest"

// CreateRun begins to write the folder with the next free number in root, which
// is claimed at once, so that runs side by side get numbers of their own. Folders of
// runs that were killed before they had anything are removed.
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
		w, err := begin(&Writer{dir: dir, made: true})
		if errors.Is(err, errBusy) || errors.Is(err, fs.ErrNotExist) { // another run took it for a killed one's
			continue
		}
		return w, err
	}
}

// lastRun is the highest number that a folder in root has, without those that killed
// runs have left.
func lastRun(root string) (int, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return 0, pathError(err)
	}
	last := 0
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err == nil && !removeAbandoned(filepath.Join(root, e.Name())) {
			last = max(last, n)
		}
	}
	return last, nil
}

// removeAbandoned removes the folder of a run that was killed before it had a run.json, and
// reports whether it has. Such a folder holds nothing but unfinished files of ours, and nobody
// has locked it.
func removeAbandoned(dir string) bool {
	if Check(dir, false) != nil {
		return false
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return false
	}
	defer lock.Close()
	if Check(dir, false) != nil { // it has got a model before the lock was free
		return false
	}
	clean(dir, always)
	return os.Remove(dir) == nil
}

// SetLatest makes the link "latest" in root, which is made if need be, point to the folder
// dir, in one step.
func SetLatest(root, dir string) error {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return pathError(err)
	}
	link := filepath.Join(root, latest)
	if err := checkLatest(link); err != nil {
		return err
	}
	var real [2]string
	for i, path := range []string{root, dir} { // behind a link .. leads elsewhere
		path, err := filepath.EvalSymlinks(path)
		if err == nil {
			real[i], err = filepath.Abs(path)
		}
		if err != nil {
			return pathError(err)
		}
	}
	to, err := filepath.Rel(real[0], real[1])
	if err != nil {
		return err
	}
	return renameio.Symlink(to, link)
}

// checkLatest refuses what is there and no link.
func checkLatest(link string) error {
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return &Error{link, errors.New("not a link, so it is not replaced (--out names another folder)")}
	}
	return nil
}
