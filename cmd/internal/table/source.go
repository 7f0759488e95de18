package table

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
	wide   Format // of the rows, if each is a series
	packed Compression
	comma  byte         // between the fields of CSV and TSV; 0: the rows tell
	body   io.Reader    // decompressed bytes; of text as UTF-8
	utf16  bool         // it was UTF-16
	text   *utf8Reader  // body, if that is text
	file   *os.File     // what was opened for it; nil for standard input
	copies []*os.File   // temporary files, and those that a header names
	stored io.ReaderAt  // the bytes of a regular file
	size   int64        // of them; 0 when not known
	again  bool         // stored can be read once more
	used   atomic.Int64 // bytes of the input that were used, to within some blocks
	plain  bool         // body is stored, byte for byte
	stuck  bool         // a Read may wait for input until the program ends
	ahead  []*readAhead // of the stored and of the decompressed bytes
	unwrap func()       // ends the decompressor
	once   sync.Once    // of Close
}

// openSource opens path and finds out its compression and format. The context
// ends reads that wait for input. With Options.Twice it can be read once more.
func openSource(ctx context.Context, path string, stdin io.Reader, o Options) (*source, error) {
	s := &source{name: path, format: o.Format, unwrap: func() {}}
	s.comma, _ = ParseDelimiter(o.Delimiter)
	if path == Stdin {
		s.name, s.stuck = stdinName, true
	} else if err := s.openFile(path); err != nil {
		return nil, err
	} else {
		stdin = s.file
	}
	if o.Twice {
		section, err := s.keep(ctx, stdin)
		if err != nil {
			s.Close()
			return nil, &Error{File: s.name, Err: err}
		}
		stdin = section
	}
	if err := s.begin(ctx, path, stdin); err != nil {
		return nil, err
	}
	if err := s.checkText(o); err != nil {
		s.Close()
		return nil, &Error{File: s.name, Err: err}
	}
	return s, nil
}

// checkText refuses what only text has of a file that has rows of another kind.
func (s *source) checkText(o Options) error {
	switch {
	case s.format == CSV || s.format == TSV:
	case o.Delimiter != "":
		return fmt.Errorf("Options.Delimiter is for CSV, and this is %s", s.format)
	case o.NoHeader:
		return fmt.Errorf("Options.NoHeader is for CSV and TSV, and this is %s", s.format)
	case o.SkipRows > 0:
		return fmt.Errorf("Options.SkipRows is for CSV and TSV, and this is %s", s.format)
	}
	return nil
}

// begin begins to read r, which is closed if that fails.
func (s *source) begin(ctx context.Context, path string, r io.Reader) error {
	stored := &countingReader{s.readAhead(ctx, r), &s.used}
	if err := s.detect(ctx, path, bufio.NewReaderSize(stored, blockSize)); err != nil {
		s.Close()
		return &Error{File: s.name, Err: err}
	}
	return nil
}

// keep makes of in what can be read more than once: a regular file as it is now or, of
// anything else, a copy.
func (s *source) keep(ctx context.Context, in io.Reader) (*io.SectionReader, error) {
	file, from, size := regular(in)
	if file == nil {
		ahead := newReadAhead(ctx, in) // which ends with ctx also while it waits
		defer ahead.Close()
		var err error
		if file, size, err = s.copied(ahead); err != nil {
			return nil, err
		}
	}
	section := io.NewSectionReader(file, from, size)
	s.stored, s.size, s.stuck, s.again = section, size, false, true
	return section, nil
}

// reopen begins to read the same bytes once more, from the first one on. It must be
// closed before s.
func (s *source) reopen(ctx context.Context) (*source, error) {
	if !s.again {
		return nil, fmt.Errorf("%s was not opened to be read twice", s.name)
	}
	r := &source{name: s.name, format: cmp.Or(s.wide, s.format), comma: s.comma, stored: s.stored, size: s.size, unwrap: func() {}}
	return r, r.begin(ctx, s.name, io.NewSectionReader(s.stored, 0, s.size))
}

// regular is the regular file that r is, and which of its bytes are still to be read;
// nil if it is none, or seems to be empty, as those in /proc do.
func regular(r io.Reader) (file *os.File, from, size int64) {
	file, ok := r.(*os.File)
	if !ok {
		return nil, 0, 0
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, 0, 0
	}
	if from, err = file.Seek(0, io.SeekCurrent); err != nil {
		return nil, 0, 0
	}
	return file, from, info.Size() - from
}

// copied is a temporary file of what r has, and its size. It is closed with s.
func (s *source) copied(r io.Reader) (*os.File, int64, error) {
	file, err := Scratch()
	if err != nil {
		return nil, 0, err
	}
	s.copies = append(s.copies, file)
	size, err := io.Copy(file, r)
	return file, size, scratchError(err)
}

// Scratch makes a temporary file, in $TMPDIR, that goes away with its last descriptor,
// however the program ends.
func Scratch() (*os.File, error) {
	file, err := os.CreateTemp("", "rnnbin-*")
	if err != nil {
		return nil, scratchError(err)
	}
	os.Remove(file.Name())
	return file, nil
}

// scratchError says what to do about an error of a temporary file, if err is one.
func scratchError(err error) error {
	var at *os.PathError
	if errors.As(err, &at) && at.Op != "read" {
		return fmt.Errorf("temporary file: %w (TMPDIR names another folder)", err)
	}
	return err
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
	if header := strings.TrimSuffix(path, ".dat") + ".hea"; err == nil && info.IsDir() {
		err = &Error{File: path, Err: errors.New("this is a folder; name the files in it")}
	} else if _, fault := os.Stat(header); fault == nil && header != path+".hea" {
		err = &Error{File: path, Err: fmt.Errorf("these are signals of a record of WFDB; name its header, %s", header)}
	}
	if err != nil {
		file.Close()
		return err
	}
	s.file = file
	if info.Mode().IsRegular() {
		s.stored, s.size = file, info.Size()
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
	s.packed = compression
	body := raw
	if compression != Plain {
		if body, err = s.decompress(ctx, compression, raw); err != nil {
			return err
		}
		if head, err = peek(body); err != nil {
			return err
		}
	}
	if s.utf16 = isUTF16(head); s.utf16 {
		body = bufio.NewReaderSize(fromUTF16(body), blockSize)
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
	s.settleComma()
	if s.format == WFDB {
		sniffed = WFDB // text that is like any other
	}
	if s.format.arrow() && sniffed.arrow() {
		s.format = sniffed // as names do not tell files from streams
	}
	if s.format != sniffed && (s.format.typed() || sniffed.typed()) {
		return fmt.Errorf("the content is not %s but %s (Options.Format sets it)", s.format, sniffed)
	}
	if !s.format.typed() {
		s.text = &utf8Reader{r: body}
		s.body = s.text
	}
	return nil
}

// warnings are the oddities of the text's encoding.
func (s *source) warnings() []Warning {
	var all []Warning
	if s.utf16 {
		all = append(all, Warning{File: s.name, Text: "UTF-16 is read as UTF-8"})
	}
	if s.text != nil && s.text.foreign {
		all = append(all, Warning{File: s.name, Text: "some of the text is not UTF-8, and taken as Latin-1 (windows-1252; iconv -t UTF-8 converts others)"})
	}
	return all
}

// settleComma makes TSV and tabs the same.
func (s *source) settleComma() {
	switch {
	case s.format == TSV && s.comma == 0:
		s.comma = '\t'
	case s.format == TSV && s.comma != '\t':
		s.format = CSV
	}
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
	for _, f := range s.copies {
		f.Close()
	}
	for _, a := range s.ahead {
		a.Close()
	}
	if s.stuck {
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

// wrappedReader reports that the compressed data, not the program, is at fault.
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
