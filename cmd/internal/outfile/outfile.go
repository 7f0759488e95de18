// Package outfile writes files so that a path holds either what it held before
// or the whole of the new content, and locks them.
package outfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// File is a file being written, without a buffer. Until Commit, its path is
// untouched, unless that is no regular file. Errors name the path.
type File struct {
	path    string
	file    *os.File
	pending *renameio.PendingFile // nil for what is written to directly
}

// Create begins to write path, or what it leads to if it is a symbolic link, which then
// stays one. A device or a pipe is written to directly, and so is a file that the process
// has open: /dev/stdout, /dev/fd/1 and /proc/self/fd/1 are its standard output.
//
// The content is gathered in a hidden file beside the one it is for, since a rename does
// not reach from one file system into another.
func Create(path string) (*File, error) {
	f := &File{path: path}
	if err := f.create(); err != nil {
		return nil, f.named("create", err)
	}
	return f, nil
}

// Exists reports whether there is a file that Create would replace.
func Exists(path string) bool {
	target, err := follow(path)
	if err != nil {
		return false
	}
	_, open := descriptor(target)
	info, err := os.Stat(target)
	return err == nil && !open && info.Mode().IsRegular()
}

func (f *File) create() error {
	target, err := follow(f.path)
	if err != nil {
		return err
	}
	if fd, ok := descriptor(target); ok {
		f.file, err = duplicate(fd)
		return err
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		return errors.New("is a directory")
	case err == nil && !info.Mode().IsRegular():
		f.file, err = os.OpenFile(target, os.O_WRONLY, 0)
		return err
	}
	f.pending, err = renameio.NewPendingFile(target, renameio.WithTempDir(filepath.Dir(target)),
		renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
	if err == nil {
		f.file = f.pending.File
	}
	return err
}

// follow is where path leads: to no symbolic link to a regular file, or to none. There
// need not be anything.
func follow(path string) (string, error) {
	const most = 40 // links, as Linux has it
	for range most {
		dir, name := filepath.Split(path)
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, name)
		if _, ok := descriptor(path); ok {
			return path, nil
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return path, nil
		}
		link, err := os.Readlink(path)
		if err != nil { // no link, or nothing at all
			return path, nil
		}
		if !filepath.IsAbs(link) {
			link = dir + string(filepath.Separator) + link // what .. means there depends on links
		}
		path = link
	}
	return "", syscall.ELOOP
}

// descriptor is the number of the process's open file that a path without links in its
// folder stands for.
func descriptor(path string) (fd int, ok bool) {
	dir, name := filepath.Split(path)
	if dir != "/dev/fd/" && dir != fmt.Sprintf("/proc/%d/fd/", os.Getpid()) {
		return 0, false
	}
	fd, err := strconv.Atoi(name)
	return fd, err == nil
}

// duplicate shares an open file's place in it. Opened by its name, a regular file would
// be written from its start on, and a socket not at all.
func duplicate(fd int) (*os.File, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(n), strconv.Itoa(fd)), nil
}

// named is err with the file's own path: others are of no use to whoever reads it.
func (f *File) named(op string, err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &os.PathError{Op: op, Path: f.path, Err: err}
}

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	return n, f.named("write", err)
}

// Commit puts the written file in its place.
func (f *File) Commit() error {
	if f.pending == nil {
		return f.named("write", f.file.Close())
	}
	return f.named("write", f.pending.CloseAtomicallyReplace())
}

// Discard drops what was written, unless it has been committed.
func (f *File) Discard() {
	if f.pending == nil {
		_ = f.file.Close()
		return
	}
	_ = f.pending.Cleanup()
}

// Lock opens a file or a folder that nobody else has locked, with flags of [os.OpenFile]. It is locked until it is closed.
func Lock(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err == nil {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
		}
	}
	return f, err
}
