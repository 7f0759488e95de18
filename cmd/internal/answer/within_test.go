package answer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/label"
)

// wholeText is JSON lines of series of several lengths, in turn, some of one row or of equal
// ones, with the rows of each series as numbers.
func wholeText(r *rand.Rand) (text string, in inTurn) {
	var b strings.Builder
	for i := range 3000 {
		s, v := int32(i%7), float32(r.NormFloat64())
		switch {
		case i == 1500:
			s = 7 // of one row
		case s == 6:
			v = 0.1 // constant
		case s == 5 && i > 1000:
			s = 4
		}
		fmt.Fprintf(&b, `{"id":"s%d","a":%v}`+"\n", s, v)
		in.series, in.x = append(in.series, s), append(in.x, v)
	}
	return b.String(), in
}

// wholePipe answers what is at path, of the columns id and a, by whole series. The output
// is in out.
func wholePipe(t *testing.T, path string, o series.Options, out io.Writer) *Pipe {
	t.Helper()
	o.LabelOptional, o.Features, o.Series = true, []string{"a"}, "id"
	o.Missing, o.Twice = series.MissingError, true
	r, err := series.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	w, err := series.NewWriter(out, table.CSV, r, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	return &Pipe{Model: modelOf(&counter{steps: 8}, -3, inputs.Whole), Reader: r, Writer: w}
}

// fileOf is a new file of that text.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// streamOf is a path to a stream of that text.
func streamOf(t *testing.T, text string) string {
	t.Helper()
	feed, path := openPipe(t)
	go func() {
		io.WriteString(feed, text)
		feed.Close()
	}()
	return path
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

// A file, a stream and memory give the same answers by whole series, and nothing is left.
func TestPipeByWholeSeries(t *testing.T) {
	text, in := wholeText(rand.New(rand.NewPCG(14, 14)))
	want := in.expected()
	dir := temporary(t)
	for name, path := range map[string]string{"file": fileOf(t, text), "stream": streamOf(t, text)} {
		p := wholePipe(t, path, series.Options{}, io.Discard)
		surveyed := 0
		p.Surveyed = func(rows int) { surveyed += rows }
		var got []float32
		p.Seen = func(_ *series.Chunk, a label.Answers) error {
			got = append(got, ones(a.Probability)...)
			wantEmpty(t, dir)
			return nil
		}
		if err := p.Run(context.Background()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(got, want) || surveyed != len(want) {
			t.Errorf("%s: %d answers, %d rows surveyed; other bits than in memory", name, len(got), surveyed)
		}
	}
	wantEmpty(t, dir)
}

// Two kinds of network ask for the scale of each series, which is there for both, also once the
// series has ended.
func TestPipeByWholeSeriesOfTwoKinds(t *testing.T) {
	text, in := wholeText(rand.New(rand.NewPCG(18, 18)))
	p := wholePipe(t, fileOf(t, text), series.Options{}, io.Discard)
	p.Model = modelOfKinds(kindOf(&counter{steps: 8}, -3, inputs.Whole), kindOf(&counter{steps: 20}, 2, inputs.Whole))
	want := make([]float32, len(in.x))
	for s := range slices.Max(in.series) + 1 {
		var one label.Series
		for i, of := range in.series {
			if of == s {
				one.Values = append(one.Values, in.x[i])
			}
		}
		a, err := p.Model.Label(context.Background(), one)
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for i, of := range in.series {
			if of == s {
				want[i] = a.Probability[2*next+1]
				next++
			}
		}
	}
	var got []float32
	p.Seen = func(_ *series.Chunk, a label.Answers) error {
		got = append(got, ones(a.Probability)...)
		return nil
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d answers, other bits than in memory", len(got))
	}
}

// The scales of series that ended are kept outside of memory, and one that begins anew is
// another series.
func TestPipeByWholeSeriesForgetsThem(t *testing.T) {
	const many = series.MaxOpen + 5000
	var text strings.Builder
	for range 2 { // so that the first ones are ended when they come again
		for i := range many {
			for k := range 3 {
				fmt.Fprintf(&text, `{"id":"%d","a":%d}`+"\n", i, (i+k*k)%100)
			}
		}
	}
	dir := temporary(t)
	p := wholePipe(t, fileOf(t, text.String()), series.Options{}, io.Discard)
	row := 0
	p.Seen = func(_ *series.Chunk, a label.Answers) error {
		for _, v := range ones(a.Probability) {
			i, k := row/3%many, row%3
			x := []float32{float32(i % 100), float32((i + 1) % 100), float32((i + 4) % 100)}
			want := expected(inputs.Inputs{SeriesScale: inputs.Whole}.Expand(x, 1, []inputs.Range{{End: 3}}), 8, -3)
			if v != want[k] {
				t.Fatalf("row %d: %v, want %v", row, v, want[k])
			}
			row++
		}
		return nil
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if row != 6*many || len(p.whole.open) != series.MaxOpen || p.streams.Open() != series.MaxOpen {
		t.Errorf("%d answers, %d scales and %d series in memory", row, len(p.whole.open), p.streams.Open())
	}
	wantEmpty(t, dir)
}

// Rows before a fault are answered as if the data ended there; rows that are left out are named once.
func TestPipeByWholeSeriesWithFaults(t *testing.T) {
	text, _ := wholeText(rand.New(rand.NewPCG(15, 15)))
	lines := strings.SplitAfter(text, "\n")
	answers := func(text string, o series.Options) (string, error) {
		var out bytes.Buffer
		p := wholePipe(t, streamOf(t, text), o, &out)
		err := p.Run(context.Background())
		return out.String(), err
	}
	const bad = `{"id":"s0","a":"x"}` + "\n"
	want, err := answers(strings.Join(lines[:900], ""), series.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := answers(strings.Join(lines[:900], "")+bad+strings.Join(lines[900:], ""), series.Options{})
	var fault *table.Error
	if !errors.As(err, &fault) || fault.Line != 901 || fault.Column != "a" || !strings.HasPrefix(fault.File, "/dev/fd/") {
		t.Errorf("error %v", err)
	}
	if got != want {
		t.Errorf("%d lines, want %d", strings.Count(got, "\n"), strings.Count(want, "\n"))
	}

	if want, err = answers(text, series.Options{}); err != nil {
		t.Fatal(err)
	}
	var named []int
	o := series.Options{Skip: func(e *table.Error) { named = append(named, e.Line) }}
	got, err = answers(bad+strings.Join(lines[:900], "")+bad+strings.Join(lines[900:], ""), o)
	if err != nil || got != want || !slices.Equal(named, []int{1, 902}) {
		t.Errorf("named %v, %v; the same answers: %v", named, err, got == want)
	}
}

// Rows that changed after they were surveyed are not answered by scales of others.
func TestPipeByWholeSeriesThatChange(t *testing.T) {
	text, _ := wholeText(rand.New(rand.NewPCG(16, 16)))
	path := fileOf(t, strings.Repeat(text, 20)) // more than is read ahead
	for what, change := range map[string]func() error{
		"cut off": func() error { return os.Truncate(path, int64(15*len(text))) },
		"other names": func() error {
			return os.WriteFile(path, []byte(strings.Repeat(strings.ReplaceAll(text, `:"s`, `:"t`), 20)), 0)
		},
	} {
		if err := os.WriteFile(path, []byte(strings.Repeat(text, 20)), 0); err != nil {
			t.Fatal(err)
		}
		p := wholePipe(t, path, series.Options{}, io.Discard)
		rows := 0
		p.Surveyed = func(n int) {
			if rows += n; rows == 20*3000 {
				if err := change(); err != nil {
					t.Error(err)
				}
			}
		}
		err := p.Run(context.Background())
		if !errors.Is(err, errChanged) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

// A survey ends with its context.
func TestSurveyEndsWithItsContext(t *testing.T) {
	text, _ := wholeText(rand.New(rand.NewPCG(17, 17)))
	dir := temporary(t)
	p := wholePipe(t, streamOf(t, strings.Repeat(text, 10)), series.Options{}, io.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	surveyed := 0
	p.Surveyed = func(rows int) {
		surveyed += rows
		cancel()
	}
	p.Seen = func(*series.Chunk, label.Answers) error { t.Error("rows are answered nevertheless"); return nil }
	if err := p.Run(ctx); !errors.Is(err, context.Canceled) || surveyed == 30000 {
		t.Errorf("%d rows surveyed, error %v", surveyed, err)
	}
	wantEmpty(t, dir)
}
