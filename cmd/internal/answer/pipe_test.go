package answer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

var zeroOrOne = series.Answers{Classes: []string{"0", "1"}}

// features are those of the counter.
var features = []string{"a", "b"}

// newPipe reads a file of the columns id, a and b; the writer is missing.
func newPipe(t *testing.T, text string, o series.Options) *Pipe {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	o.LabelOptional, o.Features, o.Series = true, features, "id"
	if o.Missing == "" {
		o.Missing = series.MissingError
	}
	r, err := series.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return &Pipe{Model: modelOf(&counter{steps: 4}, 0, inputs.None), Reader: r}
}

// rows is n rows of JSON lines, of three series, every hundredth lacking b.
func rows(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id":"s%d","n":%d,"a":0.5`, i%3, i)
		if i%100 != 99 {
			text.WriteString(`,"b":0.25`)
		}
		text.WriteString("}\n")
	}
	return text.String()
}

func TestPipeAnswersEveryRowInOrder(t *testing.T) {
	const n = 50000
	p := newPipe(t, rows(n), series.Options{Missing: series.MissingDrop})
	seen := 0
	p.Seen = func(c *series.Chunk, a label.Answers) error {
		if a.Len() != c.Rows() {
			t.Errorf("%d answers to %d rows", a.Len(), c.Rows())
		}
		seen += c.InputRows()
		return nil
	}
	var out bytes.Buffer
	w, err := series.NewWriter(&out, table.CSV, p.Reader, zeroOrOne) // parses the rows once more while others are read
	if err != nil {
		t.Fatal(err)
	}
	p.Writer = w
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != n+1 || seen != n || lines[0] != "id,n,a,b,predicted_label,predicted_probability" {
		t.Fatalf("%d lines, %d rows seen, the first: %s", len(lines), seen, lines[0])
	}
	for i, line := range lines[1:] {
		f := strings.Split(line, ",")
		if f[1] != fmt.Sprint(i) || (f[4] == "") != (i%100 == 99) || (f[5] == "") != (f[4] == "") {
			t.Fatalf("row %d: %s", i, line)
		}
	}
}

func TestPipeLeavesNoFileBehindAFault(t *testing.T) {
	text := strings.Replace(rows(40000), `"n":35000,"a":0.5`, `"n":35000,"a":"x"`, 1)
	p := newPipe(t, text, series.Options{Missing: series.MissingDrop})
	dir := t.TempDir()
	var err error
	if p.Writer, err = series.Create(filepath.Join(dir, "out"), table.CSV, p.Reader, zeroOrOne); err != nil {
		t.Fatal(err)
	}
	var fault *table.Error
	if err := p.Run(context.Background()); !errors.As(err, &fault) || fault.Line != 35001 {
		t.Errorf("error %v", err)
	}
	p.Writer.Discard()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPipeEndsWithItsContext(t *testing.T) {
	p := newPipe(t, rows(40000), series.Options{Missing: series.MissingDrop})
	ctx, cancel := context.WithCancel(context.Background())
	p.Seen = func(*series.Chunk, label.Answers) error { cancel(); return nil }
	p.Writer, _ = series.NewWriter(io.Discard, "", p.Reader, zeroOrOne)
	if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestPipeReportsTheWriter(t *testing.T) {
	p := newPipe(t, rows(40000), series.Options{Missing: series.MissingDrop})
	r, w := io.Pipe()
	r.Close()
	p.Writer, _ = series.NewWriter(w, "", p.Reader, zeroOrOne)
	if err := p.Run(context.Background()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

// followed is a reader that has one row, and of which more may come.
func followed(t *testing.T, feed io.Writer, in string) *series.Reader {
	t.Helper()
	if _, err := io.WriteString(feed, "id,a,b\ns,1,1\n"); err != nil {
		t.Fatal(err)
	}
	o := series.Options{LabelOptional: true, Features: features, Missing: series.MissingError, Follow: true}
	r, err := series.Open(context.Background(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// With Flush, a row's answer comes before the next row is there.
func TestPipeFollows(t *testing.T) {
	feed, in := openPipe(t)
	r := followed(t, feed, in)
	out, sink := io.Pipe()
	w, err := series.NewWriter(sink, "", r, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	p := Pipe{Model: modelOf(&counter{steps: 4}, 0, inputs.None), Reader: r, Follow: true, Writer: w}
	done := make(chan error)
	go func() {
		done <- p.Run(context.Background())
		sink.Close()
	}()
	lines := bufio.NewScanner(out)
	next := func() string {
		if !lines.Scan() {
			t.Fatal("the answers end early")
		}
		return lines.Text()
	}
	if got := next(); got != "id,a,b,predicted_label,predicted_probability" {
		t.Error(got)
	}
	for i := range 5 {
		if got := next(); !strings.HasPrefix(got, "s,1,1,1,0.") {
			t.Error(got)
		}
		if i < 4 {
			if _, err := io.WriteString(feed, "s,1,1\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A fault is told at once, though no more input comes.
func TestPipeDoesNotWaitForInputBehindAFault(t *testing.T) {
	feed, in := openPipe(t)
	defer feed.Close()
	r := followed(t, feed, in)
	out, sink := io.Pipe()
	out.Close()
	w, err := series.NewWriter(sink, "", r, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	p := Pipe{Model: modelOf(&counter{steps: 4}, 0, inputs.None), Reader: r, Follow: true, Writer: w}
	done := make(chan error)
	go func() { done <- p.Run(context.Background()) }()
	select {
	case err := <-done:
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the pipe waits for more input")
	}
}

// openPipe returns the end of a pipe to write to, and a path for the other.
func openPipe(t *testing.T) (feed *os.File, path string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return w, fmt.Sprintf("/dev/fd/%d", r.Fd())
}

// answersTo is what a pipe writes as CSV of text, and its error.
func answersTo(t *testing.T, text string, o series.Options, horizon int, lags []int, follow bool) (string, error) {
	t.Helper()
	o.Follow = follow
	p := newPipe(t, text, o)
	p.Model, p.Follow = modelOf(&counter{steps: 4, lags: lags}, horizon, inputs.None), follow
	var out bytes.Buffer
	w, err := series.NewWriter(&out, table.CSV, p.Reader, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	p.Writer = w
	err = p.Run(context.Background())
	return out.String(), err
}

// ways are those in which rows wait for others.
var ways = []struct {
	horizon int
	lags    []int
	follow  bool
}{
	{0, nil, true}, {0, nil, false}, {-3, nil, true}, {-3, nil, false}, {0, []int{-1, 2}, true}, {-1, []int{2}, true}, {-2, []int{0, 3}, false},
}

// All rows before a fault are answered, as if the data ended there, however far reading
// is ahead of the rest.
func TestPipeAnswersWhatComesBeforeAFault(t *testing.T) {
	const before = 40
	whole := rows(before)
	for _, way := range ways {
		want, err := answersTo(t, whole, series.Options{}, way.horizon, way.lags, way.follow)
		if err != nil || strings.Count(want, "\n") != before+1 {
			t.Fatalf("%+v: %v\n%s", way, err, want)
		}
		for range 20 {
			bad := whole + `{"id":"s1","n":40,"a":"x","b":1}` + "\n" + rows(10)
			got, err := answersTo(t, bad, series.Options{}, way.horizon, way.lags, way.follow)
			var fault *table.Error
			if !errors.As(err, &fault) || fault.Line != before+1 || fault.Column != "a" {
				t.Fatalf("%+v: error %v", way, err)
			}
			if got != want {
				t.Fatalf("%+v: %d lines\n%s\nwant\n%s", way, strings.Count(got, "\n"), got, want)
			}
		}
	}
}

// Behind a fault the rows go on as if it had not been there.
func TestPipeSkips(t *testing.T) {
	lines := strings.SplitAfter(strings.ReplaceAll(rows(99), `,"n":4`, `,"n":5`), "\n")
	for _, way := range ways {
		want, err := answersTo(t, strings.Join(lines, ""), series.Options{}, way.horizon, way.lags, way.follow)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(lines)
		for i := 90; i > 0; i -= 7 { // between rows of the same series, and of others
			bad = slices.Insert(bad, i, `{"id":"s0","a":1,"b":1e39}`+"\n", "not JSON\n")
		}
		skipped := 0
		got, err := answersTo(t, strings.Join(bad, ""), series.Options{Skip: func(*table.Error) { skipped++ }}, way.horizon, way.lags, way.follow)
		if err != nil || skipped != len(bad)-len(lines) {
			t.Errorf("%+v: %d skipped, %v", way, skipped, err)
		}
		if got != want {
			t.Errorf("%+v:\n%s\nwant\n%s", way, got, want)
		}
	}
}

// Of ever new series only so many are kept, and answers are those of each by itself.
func TestPipeForgetsSeries(t *testing.T) {
	const all, long = series.MaxOpen + 20000, 3
	var text strings.Builder
	for i := range all {
		for k := range long {
			fmt.Fprintf(&text, "{\"id\":\"%d\",\"a\":%d,\"b\":1}\n", i, k)
		}
	}
	for _, follow := range []bool{false, true} {
		p := newPipe(t, text.String(), series.Options{Follow: follow})
		p.Model, p.Follow = modelOf(&counter{steps: 4}, -1, inputs.None), follow
		want := expected([]float32{0, 1, 1, 1, 2, 1}, 4, -1)
		answers := 0
		p.Seen = func(_ *series.Chunk, a label.Answers) error {
			for _, v := range ones(a.Probability) {
				if v != want[answers%long] {
					t.Errorf("answer %d is %v, want %v", answers, v, want[answers%long])
				}
				answers++
			}
			return nil
		}
		p.Writer, _ = series.NewWriter(io.Discard, "", p.Reader, zeroOrOne)
		if err := p.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if answers != all*long || p.streams.Open() != series.MaxOpen {
			t.Errorf("%d answers, %d series are kept", answers, p.streams.Open())
		}
		if w := p.Reader.Warnings(); len(w) != 1 || !strings.Contains(w[0].Text, "20000 series were ended") {
			t.Errorf("%v", w)
		}
	}
}

// Of three classes a pipe writes the most probable one, and how probable it is.
func TestPipeOfThreeClasses(t *testing.T) {
	p := newPipe(t, `{"id":"s","a":0,"b":0}`+"\n"+`{"id":"s","a":2,"b":0.125}`+"\n"+`{"id":"s","a":0,"b":0.75}`+"\n", series.Options{})
	p.Model = modelOf(&three{}, 0, inputs.None)
	p.Seen = func(_ *series.Chunk, a label.Answers) error {
		if len(a.Probability) != 9 || !slices.Equal(a.Class, []int16{0, 1, 2}) {
			t.Errorf("%+v", a)
		}
		return nil
	}
	var out bytes.Buffer
	var err error
	if p.Writer, err = series.NewWriter(&out, table.CSV, p.Reader, series.Answers{Classes: []string{"sit", "run", "walk"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.HasSuffix(lines[1], ",sit,1") || !strings.HasPrefix(lines[2], "s,2,0.125,run,0.5") || lines[3] != "s,0,0.75,walk,0.75" {
		t.Error(out.String())
	}
}
