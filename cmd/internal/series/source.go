package series

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// source is one opened input: decompressed, its format known.
type source struct {
	name   string // for messages
	format Format
	body   io.Reader // decompressed bytes
	file   *os.File
	size   int64        // of the file as stored; 0 when not known
	raw    atomic.Int64 // bytes of it that were read
	plain  bool         // body is the file itself, byte for byte
	unwrap func()       // ends the decompressor
}

// openSource opens path and finds out its compression and format. The context
// ends reads that wait for input.
func openSource(ctx context.Context, path string, stdin io.Reader, format Format) (*source, error) {
	s := &source{name: path, format: format, unwrap: func() {}}
	raw := stdin
	if path == Stdin {
		s.name = "standard input"
	} else if err := s.openFile(path); err != nil {
		return nil, err
	} else {
		raw = s.file
	}
	if err := s.detect(path, bufio.NewReaderSize(&countingReader{raw, &s.raw}, blockSize)); err != nil {
		s.Close()
		return nil, &Error{File: s.name, Err: err}
	}
	if s.format != Parquet {
		s.body = newReadAhead(ctx, s.body, &s.raw)
	}
	return s, nil
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
func (s *source) detect(path string, raw *bufio.Reader) error {
	head, err := peek(raw)
	if err != nil {
		return err
	}
	compression := compressionOf(head)
	body, err := s.decompress(compression, raw)
	if err != nil {
		return err
	}
	if compression != Plain {
		if head, err = peek(body); err != nil {
			return err
		}
	}
	sniffed, err := sniff(head)
	if err != nil {
		return err
	}
	s.body, s.plain = body, compression == Plain && s.file != nil
	if s.format == "" {
		s.format, _ = FormatOf(path)
	}
	if s.format == "" {
		s.format = sniffed
	}
	if (s.format == Parquet) != (sniffed == Parquet) {
		return fmt.Errorf("the content is not %s but %s (--format sets it)", s.format, sniffed)
	}
	return nil
}

func (s *source) decompress(c Compression, raw *bufio.Reader) (*bufio.Reader, error) {
	switch c {
	case Gzip:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("damaged gzip data: %w", err)
		}
		return bufio.NewReaderSize(&wrappedReader{z, Gzip}, blockSize), nil
	case Zstd:
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, fmt.Errorf("damaged zstd data: %w", err)
		}
		s.unwrap = z.Close
		return bufio.NewReaderSize(&wrappedReader{z, Zstd}, blockSize), nil
	}
	return raw, nil
}

// Close ends the source. With standard input a goroutine may go on waiting for
// input until the program ends.
func (s *source) Close() error {
	ahead, _ := s.body.(*readAhead)
	if s.file == nil {
		if ahead != nil {
			ahead.Close()
		}
		return nil
	}
	err := s.file.Close() // first: it ends a Read under way
	if ahead != nil {
		ahead.Close()
		ahead.wait()
	}
	s.unwrap()
	return err
}

// used is how many bytes of the file are parsed, roughly; 0 when it is not known.
func (s *source) used() int64 {
	if ahead, ok := s.body.(*readAhead); ok {
		return ahead.used()
	}
	return 0
}

// peek returns the first bytes without consuming them: what has arrived of the
// first block, so that a slow standard input is not waited for.
func peek(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(6); err != nil && err != io.EOF {
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
	case err == io.EOF || err == nil:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("the %s data is cut off: %w", w.c, err)
	}
	return n, fmt.Errorf("damaged %s data: %w", w.c, err)
}
