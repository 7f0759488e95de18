package series

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// answerAll streams path to w and answers each row with 0.25 and 0, or 0.75 and
// 1, in turn.
func answerAll(t testing.TB, path string, o Options, open func(r *Reader) (*Writer, error)) {
	t.Helper()
	r, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := open(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	n := 0
	for c := new(Chunk); ; {
		if err = r.Next(c); err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		probability, label := make([]float32, c.Rows()), make([]int16, c.Rows())
		for i := range label {
			label[i] = int16(n % 2)
			probability[i] = .25 + .5*float32(label[i])
			n++
		}
		if err := w.Write(c, probability, label); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// sensorRow has a column of each kind that Parquet files of series hold.
type sensorRow struct {
	Time  time.Time `parquet:"time,timestamp(millisecond)"`
	Who   string    `parquet:"who"`
	Count uint64    `parquet:"count"`
	X     *float64  `parquet:"x,optional"`
	On    bool      `parquet:"on"`
}

func writeSensors(t testing.TB) string {
	t.Helper()
	x, start := []float64{.1, -2e-9}, time.Date(2024, 2, 29, 12, 0, 0, 5e6, time.UTC)
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := parquet.WriteFile(path, []sensorRow{
		{start, "a,b", 1<<64 - 1, &x[0], true},
		{start.Add(time.Second), `"`, 0, nil, false},
		{start.Add(time.Second), "", 7, &x[1], true},
	}); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWriter(t *testing.T) {
	plain := Options{Label: "label", LabelOptional: true, Missing: MissingError}
	sensors := Options{Label: "on", Features: []string{"x"}, Time: "time", Missing: MissingDrop}
	odd := "\ufeffa,\"the note\"\r\n1.50,\"x\n\"\"y\"\"\"\r\n+2,\r\n"
	tests := []struct {
		name, file, content string
		options             Options
		format              Format
		want                string
	}{
		{"CSV keeps its text", "x.csv", odd, plain, "",
			"a,\"the note\",probability,label\n1.50,\"x\n\"\"y\"\"\",0.25,0\n+2,,0.75,1\n"},
		{"CSV to TSV", "x.csv", odd, plain, TSV,
			"a\tthe note\tprobability\tlabel\n1.50\t\"x\n\"\"y\"\"\"\t0.25\t0\n+2\t\t0.75\t1\n"},
		{"CSV to JSON lines", "x.csv", odd, plain, JSONL,
			`{"a":1.50,"the note":"x\n\"y\"","probability":0.25,"label":0}` + "\n" + `{"a":"+2","the note":null,"probability":0.75,"label":1}` + "\n"},
		{"columns are there already", "x.csv", "probability,a,label\n1,2,0\n", Options{Label: "label", Features: []string{"a"}, Missing: MissingError}, "",
			"probability,a,label,predicted_probability,predicted_label\n1,2,0,0.25,0\n"},
		{"rows without features", "x.csv", "a,b\n1,\n2,3\n", Options{Label: "label", LabelOptional: true, Features: []string{"b"}, Missing: MissingDrop}, "",
			"a,b,probability,label\n1,,,\n2,3,0.25,0\n"},
		{"rows without features in JSON", "x.csv", "a,b\n1,\n", Options{Label: "label", LabelOptional: true, Features: []string{"b"}, Missing: MissingDrop}, JSONL,
			`{"a":1,"b":null,"probability":null,"label":null}` + "\n"},
		{"JSON lines keep their text", "x.jsonl", "{\"a\": 1e0 , \"b\":[1, 2] }\n\n{\"c\":null,\"a\":-0}", plain, "",
			`{"a": 1e0 , "b":[1, 2],"probability":0.25,"label":0}` + "\n" + `{"c":null,"a":-0,"probability":0.75,"label":1}` + "\n"},
		{"JSON lines to CSV", "x.jsonl", `{"a":1,"b":[1,2],"c":true}` + "\n" + `{"a":2}`,
			Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingError}, CSV,
			"a,b,c,probability,label\n1,\"[1,2]\",true,0.25,0\n2,,,0.75,1\n"},
		{"Parquet to CSV", writeSensors(t), "", sensors, CSV,
			"time,who,count,x,on,probability,label\n" +
				"2024-02-29T12:00:00.005Z,\"a,b\",18446744073709551615,0.1,true,0.25,0\n" +
				"2024-02-29T12:00:01.005Z,\"\"\"\",0,,false,,\n" +
				"2024-02-29T12:00:01.005Z,,7,-2e-09,true,0.75,1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := test.file
			if test.content != "" {
				path = writeFile(t, test.file, test.content)
			}
			var out bytes.Buffer
			answerAll(t, path, test.options, func(r *Reader) (*Writer, error) { return NewWriter(&out, test.format, r) })
			if out.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", &out, test.want)
			}
		})
	}
}

// Rows survive the way through Parquet, with their types where they have some.
func TestWriterParquet(t *testing.T) {
	dir := t.TempDir()
	toParquet := func(from, name string, o Options) string {
		path := filepath.Join(dir, name)
		answerAll(t, from, o, func(r *Reader) (*Writer, error) { return Create(path, "", r) })
		return path
	}
	toCSV := func(from string, o Options) string {
		var out bytes.Buffer
		answerAll(t, from, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, CSV, r) })
		return out.String()
	}
	again := Options{Label: "label", LabelOptional: true, Features: []string{"x"}, Missing: MissingZero}

	text := writeFile(t, "x.csv", "who,x,t\nz,0.1,2024-01-01\n,-1e-3,2024-01-02\n")
	path := toParquet(text, "text.parquet", again)
	if got, want := toCSV(path, again), "who,x,t,probability,label,predicted_probability,predicted_label\n"+
		"z,0.1,2024-01-01,0.25,0,0.25,0\n,-0.001,2024-01-02,0.75,1,0.75,1\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	path = toParquet(writeSensors(t), "typed.parquet", again)
	rows, err := parquet.ReadFile[sensorRow](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[0].Count != 1<<64-1 || *rows[0].X != .1 || rows[1].X != nil || !rows[2].On {
		t.Errorf("got %+v", rows)
	}
}

// Text columns keep their rows apart over many batches and chunks.
func TestWriterParquetLarge(t *testing.T) {
	var text, want strings.Builder
	text.WriteString("who,x\n")
	want.WriteString("who,x,probability,label,predicted_probability,predicted_label\n")
	for i := range 20_000 {
		line := fmt.Sprintf("row %d,%d", i, i)
		fmt.Fprintln(&text, line)
		fmt.Fprintln(&want, line+[2]string{",0.25,0,0.25,0", ",0.75,1,0.75,1"}[i%2])
	}
	o := Options{Features: []string{"x"}, LabelOptional: true, Missing: MissingError}
	path := filepath.Join(t.TempDir(), "x.parquet")
	answerAll(t, writeFile(t, "x.csv", text.String()), o, func(r *Reader) (*Writer, error) { return Create(path, "", r) })
	var out bytes.Buffer
	answerAll(t, path, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, CSV, r) })
	if out.String() != want.String() {
		t.Error("the rows are not those that were written")
	}
}

// What is read of a column whose values other programs encoded is written so that
// they, and we, can read it again.
func TestParquetEncodings(t *testing.T) {
	number := parquet.Encoded(parquet.Leaf(parquet.Int64Type), &parquet.DeltaBinaryPacked)
	plain := parquet.Optional(parquet.Encoded(parquet.Leaf(parquet.BooleanType), &parquet.Plain))
	runs := parquet.Encoded(parquet.Leaf(parquet.BooleanType), &parquet.RLE)
	write := func(name string, on parquet.Node) string {
		path := filepath.Join(t.TempDir(), name)
		var rows []parquet.Row
		for i := range 100 {
			defined := 0
			if on.Optional() {
				defined = 1
			}
			rows = append(rows, parquet.Row{parquet.BooleanValue(i > 40).Level(0, defined, 0), parquet.Int64Value(int64(i%7)).Level(0, 0, 1)})
		}
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		w := parquet.NewGenericWriter[any](file, parquet.NewSchema("t", parquet.Group{"on": on, "x": number}))
		if _, err := w.WriteRows(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	o := Options{Label: "on", Missing: MissingError}
	path := filepath.Join(t.TempDir(), "again.parquet")
	answerAll(t, write("plain.parquet", plain), o, func(r *Reader) (*Writer, error) { return Create(path, "", r) })
	d, err := Read(context.Background(), []string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	if count := d.Count(); !slices.Equal(count, []int{41, 59}) {
		t.Errorf("labels %v", count)
	}
	_, err = Read(context.Background(), []string{write("runs.parquet", runs)}, o)
	if err == nil || !strings.Contains(err.Error(), `runs.parquet: column "on" holds booleans in run-length encoding`) {
		t.Errorf("error %v", err)
	}
}

func TestParquetValues(t *testing.T) {
	d, err := Read(context.Background(), []string{writeSensors(t)}, Options{Label: "on", Time: "time", Series: "who", Missing: MissingZero, Features: []string{"x"}})
	if err == nil || !strings.Contains(err.Error(), `:3: column "who": the series' name is missing`) {
		t.Errorf("%v, error %v for an empty series name", d, err)
	}
	d, err = Read(context.Background(), []string{writeSensors(t)}, Options{Label: "on", Time: "time", Missing: MissingZero})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(d.Features, " ") != "count x" || d.X[1] != .1 || d.X[3] != 0 || d.X[4] != 7 {
		t.Errorf("features %v, X %v", d.Features, d.X)
	}
	if got := d.Time[1] - d.Time[0]; got != 1 {
		t.Errorf("a second apart by %v", got)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	in := writeFile(t, "x.csv", "a\n1\n")
	o := Options{LabelOptional: true, Missing: MissingError}
	for _, name := range []string{"y.csv", "y.csv.gz", "y.csv.zst"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		answerAll(t, in, o, func(r *Reader) (*Writer, error) {
			w, err := Create(path, "", r)
			if old, _ := os.ReadFile(path); string(old) != "old" {
				t.Errorf("%s is %q before it is complete", name, old)
			}
			return w, err
		})
		d, err := Read(context.Background(), []string{path}, DefaultOptions())
		if err != nil || d.Len() != 1 || d.Labels[0] != 0 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	r, err := Open(context.Background(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := Create(filepath.Join(dir, "z.csv"), "", r)
	if err != nil {
		t.Fatal(err)
	}
	w.Discard()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%v, %v, want only the three files", files, err)
	}
}

// With Follow, each line is a chunk and is answered before the next one is there.
func TestFollow(t *testing.T) {
	in, feed := io.Pipe()
	o := Options{Label: "label", LabelOptional: true, Follow: true, Missing: MissingError}
	go io.WriteString(feed, "a\n1\n")
	r, err := open(context.Background(), Stdin, in, o, newRoster(MaxOpen), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	w, err := NewWriter(&out, "", r)
	if err != nil {
		t.Fatal(err)
	}
	c := new(Chunk)
	for i, line := range []string{"2\n", "3\n4\n", "", ""} {
		if err := r.Next(c); err != nil {
			t.Fatal(err)
		}
		if c.Rows() != 1 {
			t.Errorf("chunk %d has %d rows", i, c.Rows())
		}
		if begun := slices.Equal(c.Begun, []Begun{{0, "standard input"}}); begun != (i == 0) {
			t.Errorf("chunk %d begins %v", i, c.Begun)
		}
		if err := w.Write(c, make([]float32, c.Rows()), make([]int16, c.Rows())); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if want := 2 + i; bytes.Count(out.Bytes(), []byte("\n")) != want {
			t.Errorf("%d chunks came out as %q", i+1, &out)
		}
		if line == "" {
			feed.Close()
		} else {
			io.WriteString(feed, line)
		}
	}
	if err := r.Next(c); err != io.EOF {
		t.Errorf("error %v at the end", err)
	}
}

// A cancelled context ends a Next that waits for standard input.
func TestFollowCancelled(t *testing.T) {
	in, feed := io.Pipe()
	defer feed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.WriteString(feed, "a\n1\n")
		cancel()
	}()
	o := Options{Label: "label", LabelOptional: true, Missing: MissingError}
	r, err := open(ctx, Stdin, in, o, newRoster(MaxOpen), true)
	if err == nil {
		defer r.Close()
		err = r.Next(new(Chunk))
	}
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v", err)
	}
}
