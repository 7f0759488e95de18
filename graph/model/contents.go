package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Contents is what a folder holds.
type Contents struct {
	Folder     string `json:"folder"` // links resolved
	Model      *Model `json:"model"`
	Parameters int    `json:"parameters"` // of all members
	Files      []File `json:"files"`      // the model's, and the folder of event files; others there may be do not count
}

// File is a file of a folder.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Inspect reads what a folder holds, but for the weights.
func Inspect(dir string) (*Contents, error) {
	o, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	c := &Contents{Folder: o.Dir, Model: o.Model}
	for _, k := range o.Kinds {
		c.Parameters += len(k.Weights) * k.Network.Parameters()
	}
	for _, name := range o.files() {
		info, err := os.Stat(filepath.Join(o.Dir, name))
		if errors.Is(err, fs.ErrNotExist) { // the history; without the others there is no model
			continue
		}
		if err != nil {
			return nil, pathError(err)
		}
		c.Files = append(c.Files, File{name, info.Size()})
	}
	if size := eventsSize(o.Dir); size > 0 {
		c.Files = append(c.Files, File{eventsFolder, size})
	}
	return c, nil
}
