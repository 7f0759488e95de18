package series

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// atomicFile is a file that takes its name when it is complete.
type atomicFile struct {
	*os.File
	path string // "" once the file is complete or removed, or if it is a device
}

// createAtomic begins a file beside path. What is no regular file, such as
// /dev/stdout, is written directly.
func createAtomic(path string) (*atomicFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &atomicFile{File: file}, err
	}
	file, err := os.OpenFile(fmt.Sprintf("%s.%d.partial", path, os.Getpid()), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	return &atomicFile{file, path}, err
}

// Commit gives the complete file its name.
func (f *atomicFile) Commit() error {
	if f.path == "" {
		return f.Close()
	}
	err := f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	f.path = ""
	return err
}

// Discard removes the file unless it is complete.
func (f *atomicFile) Discard() {
	if f.path == "" {
		return
	}
	f.path = ""
	f.Close()
	os.Remove(f.Name())
}

// newCompressor wraps w; closing it leaves w open.
func newCompressor(w io.Writer, c Compression) (io.WriteCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewWriter(w), nil
	case Zstd:
		return zstd.NewWriter(w)
	}
	return plainWriter{w}, nil
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }
