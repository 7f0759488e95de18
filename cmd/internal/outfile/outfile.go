// Package outfile writes files so that a path holds either what it held before
// or the whole of the new content.
package outfile

import (
	"errors"
	"os"

	"github.com/google/renameio/v2"
)

// File is a file being written, without a buffer. Until Commit, its path is
// untouched.
type File struct {
	*os.File
	pending *renameio.PendingFile // nil for what is written to directly
}

// Create begins to write path. What is no regular file, a device or a pipe, is
// written to directly.
func Create(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, &os.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{File: f}, nil
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
	var pathErr *os.PathError
	if errors.As(err, &pathErr) { // it names a temporary file
		return nil, &os.PathError{Op: "create", Path: path, Err: pathErr.Err}
	}
	if err != nil {
		return nil, err
	}
	return &File{f.File, f}, nil
}

// Commit puts the written file in its place.
func (f *File) Commit() error {
	if f.pending == nil {
		return f.Close()
	}
	return f.pending.CloseAtomicallyReplace()
}

// Discard drops what was written, unless it has been committed.
func (f *File) Discard() {
	if f.pending == nil {
		_ = f.Close()
		return
	}
	_ = f.pending.Cleanup()
}
