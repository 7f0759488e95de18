package series

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// twiceText is CSV of three series in turn; one row is at fault.
func twiceText() string {
	var text strings.Builder
	text.WriteString("id,a\n")
	for i := range 20_000 {
		if i == 1234 {
			text.WriteString("s0,x\n")
		}
		fmt.Fprintf(&text, "s%d,%d.25\n", i%3, i)
	}
	return text.String()
}

// all reads what is left of r.
func all(t *testing.T, r *Reader) (x []float32, series []int32) {
	t.Helper()
	for c := new(Chunk); ; {
		err := r.Next(c)
		if err == io.EOF {
			return x, series
		}
		if err != nil {
			t.Fatal(err)
		}
		x, series = append(x, c.X...), append(series, c.Series...)
	}
}

// temporary is the folder of temporary files from here to the end of the test.
func temporary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

// Every kind of input gives the same rows twice, and leaves nothing behind.
func TestAgain(t *testing.T) {
	text := twiceText()
	csv := writeFile(t, "x.csv", text)
	parquet := filepath.Join(t.TempDir(), "x.parquet")
	o := Options{LabelOptional: true, Features: []string{"a"}, Series: "id", Missing: MissingError, Skip: func(*table.Error) {}}
	answerAll(t, csv, o, func(r *Reader) (*Writer, error) { return Create(parquet, "", r, zeroOrOne) })
	stored, err := os.ReadFile(parquet)
	if err != nil {
		t.Fatal(err)
	}
	opened := func(path string) *os.File {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	behind := opened(writeFile(t, "y.csv", "what was read before\n"+text))
	if _, err := behind.Seek(int64(len("what was read before\n")), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile(fifo, []byte(text), 0)

	dir := temporary(t)
	for name, in := range map[string]struct {
		path  string
		stdin io.Reader
	}{
		"a file":                  {csv, nil},
		"a compressed file":       {writeFile(t, "x.csv.gz", compress(t, table.Gzip, text)), nil},
		"Parquet":                 {parquet, nil},
		"compressed Parquet":      {writeFile(t, "x.parquet.zst", compress(t, table.Zstd, string(stored))), nil},
		"a named pipe":            {fifo, nil},
		"a stream":                {table.Stdin, strings.NewReader(text)},
		"a compressed stream":     {table.Stdin, strings.NewReader(compress(t, table.Zstd, text))},
		"a stream of Parquet":     {table.Stdin, strings.NewReader(string(stored))},
		"standard input, a file":  {table.Stdin, opened(csv)},
		"standard input, its end": {table.Stdin, behind},
	} {
		skipped := 0
		o := o
		o.Twice, o.Skip = true, func(*table.Error) { skipped++ }
		r, err := open(context.Background(), in.path, in.stdin, o, newRoster(MaxOpen))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := r.Again()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		x, series := all(t, again)
		if skipped != 0 {
			t.Errorf("%s: a row is named before it is left out", name)
		}
		again.Close()
		wantEmpty(t, dir)
		first, firstSeries := all(t, r)
		if len(x) != 20_000 || !slices.Equal(x, first) || !slices.Equal(series, firstSeries) || series[2] != 2 {
			t.Errorf("%s: %d rows, then %d", name, len(x), len(first))
		}
		if want := !strings.Contains(name, "Parquet"); want != (skipped == 1) {
			t.Errorf("%s: %d rows are named", name, skipped)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantEmpty(t, dir)
	}
}

func TestAgainNeedsTwice(t *testing.T) {
	r, err := open(context.Background(), table.Stdin, strings.NewReader("a\n1\n"), Options{LabelOptional: true, Missing: MissingError}, newRoster(0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Again(); err == nil {
		t.Error("a stream is read twice")
	}
}

// Copying a stream that has no end ends with its context.
func TestTwiceEndsWithItsContext(t *testing.T) {
	dir := temporary(t)
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer feed.Close()
	io.WriteString(feed, "a\n1\n")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = open(ctx, table.Stdin, in, Options{LabelOptional: true, Missing: MissingError, Twice: true}, newRoster(0))
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "standard input: ") {
		t.Errorf("error %v", err)
	}
	wantEmpty(t, dir)
}

func TestTwiceWithoutRoom(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := temporary(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=65536", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	o := Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingError, Twice: true}
	_, err := open(context.Background(), table.Stdin, strings.NewReader(twiceText()), o, newRoster(0))
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "standard input: temporary file: write "+dir) || !strings.HasSuffix(err.Error(), "(TMPDIR names another folder)") {
		t.Errorf("error %v", err)
	}
	wantEmpty(t, dir)
}

func TestTwiceWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	o := Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingError, Twice: true}
	_, err := open(context.Background(), table.Stdin, strings.NewReader("a\n1\n"), o, newRoster(0))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("error %v", err)
	}
}
