package model

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// eventsFolder is the folder of a run's event files, in that of its model.
const eventsFolder = "tensorboard"

// EventPrefix is what names of event files begin with, by which TensorBoard finds them.
const EventPrefix = "events.out.tfevents."

// Events is the folder for event files about the run, which stay beside its model.
func (w *Writer) Events() string {
	w.events = true
	return w.path(eventsFolder)
}

// RemoveEvents removes the event files in dir and the folders below it, but for folders that
// keep is true of, if it is not nil, and the folders that are then empty. It follows no link.
func RemoveEvents(dir string, keep func(folder string) bool) {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			RemoveEvents(path, keep)
		case strings.HasPrefix(e.Name(), EventPrefix) && (keep == nil || !keep(dir)):
			_ = os.Remove(path)
		}
	}
	_ = os.Remove(dir) // unless something is left
}

// eventsSize is how many bytes the event files of a folder have.
func eventsSize(dir string) (total int64) {
	_ = filepath.WalkDir(filepath.Join(dir, eventsFolder), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(e.Name(), EventPrefix) {
			return nil
		}
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}
