package series

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

const stdinName = "standard input"

// source is one opened input: decompressed, its format known.
type source struct {
	name   string // for messages
	format Format
	body   io.Reader // decompressed bytes
	file   *os.File
	size   int64        // of the file as stored; 0 when not known
	used   atomic.Int64 // bytes of it that were used, to within some blocks
	plain  bool         // body is a regular file itself, byte for byte
	ahead  []*readAhead // of the stored and of the decompressed bytes
	unwrap func()       // ends the decompressor
	once   sync.Once    // of Close
}

// openSource opens path and finds out its compression and format. The context
// ends reads that wait for input.
func openSource(ctx context.Context, path string, stdin io.Reader, format Format) (*source, error) {
	s := &source{name: path, format: format, unwrap: func() {}}
	if path == Stdin {
		s.name = stdinName
	} else if err := s.openFile(path); err != nil {
		return nil, err
	} else {
		stdin = s.file
	}
	stored := &countingReader{s.readAhead(ctx, stdin), &s.used}
	if err := s.detect(ctx, path, bufio.NewReaderSize(stored, blockSize)); err != nil {
		s.Close()
		return nil, &Error{File: s.name, Err: err}
	}
	return s, nil
}

// readAhead begins to read r ahead.
func (s *source) readAhead(ctx context.Context, r io.Reader) *readAhead {
	a := newReadAhead(ctx, r)
	s.ahead = append(s.ahead, a)
	return a
}

func (s *source) openFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &Error{File: path, Err: errors.New("this is a folder; name the files in it")}
	}
	if err != nil {
		file.Close()
		return err
	}
	s.file = file
	if info.Mode().IsRegular() {
		s.size = info.Size()
	}
	return nil
}

// detect unwraps the compression, which the first bytes tell, and settles the
// format: the caller's choice, else by name, else by content.
func (s *source) detect(ctx context.Context, path string, raw *bufio.Reader) error {
	head, err := peek(raw)
	if err != nil {
		return err
	}
	compression := compressionOf(head)
	body := raw
	if compression != Plain {
		if body, err = s.decompress(ctx, compression, raw); err != nil {
			return err
		}
		if head, err = peek(body); err != nil {
			return err
		}
	}
	sniffed, err := sniff(head)
	if err != nil {
		return err
	}
	s.body, s.plain = body, compression == Plain && s.size > 0
	if s.format == "" {
		s.format, _ = FormatOf(path)
	}
	if s.format == "" {
		s.format = sniffed
	}
	if (s.format == Parquet) != (sniffed == Parquet) {
		return fmt.Errorf("the content is not %s but %s (--input-format sets it)", s.format, sniffed)
	}
	return nil
}

// decompress unwraps raw on a goroutine of its own.
func (s *source) decompress(ctx context.Context, c Compression, raw *bufio.Reader) (*bufio.Reader, error) {
	var body io.Reader
	switch c {
	case Gzip:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("damaged gzip data: %w", err)
		}
		body = z
	case Zstd:
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, fmt.Errorf("damaged zstd data: %w", err)
		}
		body, s.unwrap = z, z.Close
	}
	return bufio.NewReaderSize(s.readAhead(ctx, &wrappedReader{body, c}), blockSize), nil
}

// Close ends the source, also under a Read, which then fails. With standard input
// a goroutine may go on waiting for input until the program ends.
func (s *source) Close() (err error) {
	s.once.Do(func() { err = s.close() })
	return err
}

func (s *source) close() error {
	var err error
	if s.file != nil {
		err = s.file.Close() // first: it ends a Read under way
	}
	for _, a := range s.ahead {
		a.Close()
	}
	if s.name == stdinName {
		return err
	}
	for _, a := range s.ahead {
		a.wait()
	}
	s.unwrap()
	return err
}

// peek returns the first bytes without consuming them: as many as the shortest
// file with a header and a row has, which is enough for all magic numbers, and
// what else has arrived, so that a slow standard input is not waited for.
func peek(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(len("a\n1\n")); err != nil && err != io.EOF {
		return nil, err
	}
	head, err := r.Peek(r.Buffered())
	if len(head) == 0 && err == nil {
		return nil, errors.New("the file is empty")
	}
	return head, err
}

// countingReader counts what passes.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// wrappedReader says of an error that the compressed data has it.
type wrappedReader struct {
	r io.Reader
	c Compression
}

func (w *wrappedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	switch {
	case err == nil || err == io.EOF || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("the %s data is cut off: %w", w.c, err)
	}
	return n, fmt.Errorf("damaged %s data: %w", w.c, err)
}
