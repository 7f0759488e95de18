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

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

var zeroOrOne = Answers{Classes: zeroOne}

// answerAll streams path to w and answers the rows with 0 and 1 in turn, each with a
// probability of 0.75.
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
		probability, label := make([]float32, 2*c.Rows()), make([]int16, c.Rows())
		for i := range label {
			label[i] = int16(n % 2)
			probability[2*i], probability[2*i+1] = .25, .25
			probability[2*i+n%2] = .75
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

// writeSensors writes a column of each kind that Parquet files of series hold.
func writeSensors(t testing.TB) string {
	t.Helper()
	return writeTable(t, []arrow.Field{
		field("time", arrow.FixedWidthTypes.Timestamp_ms),
		field("who", arrow.BinaryTypes.String),
		field("count", arrow.PrimitiveTypes.Uint64),
		field("x", arrow.PrimitiveTypes.Float64),
		field("on", arrow.FixedWidthTypes.Boolean),
	}, `[{"time":"2024-02-29T12:00:00.005Z","who":"a,b","count":18446744073709551615,"x":0.1,"on":true},
		{"time":"2024-02-29T12:00:01.005Z","who":"\"","count":0,"on":false},
		{"time":"2024-02-29T12:00:01.005Z","who":"","count":7,"x":-2e-9,"on":true}]`)
}

func TestWriter(t *testing.T) {
	plain := Options{Label: "label", LabelOptional: true, Missing: MissingError}
	sensors := Options{Label: "on", Features: []string{"x"}, Time: "time", Missing: MissingDrop}
	odd := "\ufeffa,\"the note\"\r\n1.50,\"x\n\"\"y\"\"\"\r\n+2,\r\n"
	tests := []struct {
		name, file, content string
		options             Options
		format              table.Format
		want                string
	}{
		{"CSV keeps its text", "x.csv", odd, plain, "",
			"a,\"the note\",predicted_label,predicted_probability\n1.50,\"x\n\"\"y\"\"\",0,0.75\n+2,,1,0.75\n"},
		{"CSV to TSV", "x.csv", odd, plain, table.TSV,
			"a\tthe note\tpredicted_label\tpredicted_probability\n1.50\t\"x\n\"\"y\"\"\"\t0\t0.75\n+2\t\t1\t0.75\n"},
		{"CSV to JSON lines", "x.csv", odd, plain, table.JSONL,
			`{"a":1.50,"the note":"x\n\"y\"","predicted_label":0,"predicted_probability":0.75}` + "\n" + `{"a":"+2","the note":null,"predicted_label":1,"predicted_probability":0.75}` + "\n"},
		{"columns are there already", "x.csv", "predicted_probability,a,label\n1,2,0\n", Options{Label: "label", Features: []string{"a"}, Missing: MissingError}, "",
			"predicted_probability,a,label,predicted_label_2,predicted_probability_2\n1,2,0,0,0.75\n"},
		{"rows without features", "x.csv", "a,b\n1,\n2,3\n", Options{Label: "label", LabelOptional: true, Features: []string{"b"}, Missing: MissingDrop}, "",
			"a,b,predicted_label,predicted_probability\n1,,,\n2,3,0,0.75\n"},
		{"rows without features in JSON", "x.csv", "a,b\n1,\n", Options{Label: "label", LabelOptional: true, Features: []string{"b"}, Missing: MissingDrop}, table.JSONL,
			`{"a":1,"b":null,"predicted_label":null,"predicted_probability":null}` + "\n"},
		{"JSON lines keep their text", "x.jsonl", "{\"a\": 1e0 , \"b\":[1, 2] }\n\n{\"c\":null,\"a\":-0}", plain, "",
			`{"a": 1e0 , "b":[1, 2],"predicted_label":0,"predicted_probability":0.75}` + "\n" + `{"c":null,"a":-0,"predicted_label":1,"predicted_probability":0.75}` + "\n"},
		{"JSON lines to CSV", "x.jsonl", `{"a":1,"b":[1,2],"c":true}` + "\n" + `{"a":2}`,
			Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingError}, table.CSV,
			"a,b,c,predicted_label,predicted_probability\n1,\"[1,2]\",true,0,0.75\n2,,,1,0.75\n"},
		{"Parquet to CSV", writeSensors(t), "", sensors, table.CSV,
			"time,who,count,x,on,predicted_label,predicted_probability\n" +
				"2024-02-29T12:00:00.005Z,\"a,b\",18446744073709551615,0.1,true,0,0.75\n" +
				"2024-02-29T12:00:01.005Z,\"\"\"\",0,,false,,\n" +
				"2024-02-29T12:00:01.005Z,,7,-2e-09,true,1,0.75\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := test.file
			if test.content != "" {
				path = writeFile(t, test.file, test.content)
			}
			var out bytes.Buffer
			answerAll(t, path, test.options, func(r *Reader) (*Writer, error) { return NewWriter(&out, test.format, r, zeroOrOne) })
			if out.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", &out, test.want)
			}
		})
	}
}

// answerOne writes the only row of a file, answered with the given class of three.
func answerOne(t *testing.T, path string, class int16, open func(r *Reader) (*Writer, error)) {
	t.Helper()
	r, err := Open(t.Context(), path, Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingDrop})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := open(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	c := new(Chunk)
	if err := r.Next(c); err != nil {
		t.Fatal(err)
	}
	if c.Rows() != 1 || c.InputRows() != 2 {
		t.Fatalf("%d of %d rows", c.Rows(), c.InputRows())
	}
	if err := w.Write(c, []float32{0.25, 0.125, 0.625}, []int16{class}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Labels are written by their names, each with its own probability or with those of all.
func TestWriterClasses(t *testing.T) {
	words, numbers := []string{"a, b", "run", `"x"`}, []string{"-1", "2", "10"}
	for _, test := range []struct {
		format  table.Format
		class   int16
		answers Answers
		want    string
	}{
		{table.CSV, 0, Answers{Classes: words}, "a,predicted_label,predicted_probability\n1,\"a, b\",0.25\n,,\n"},
		{table.CSV, 1, Answers{words, true}, "a,predicted_label,predicted_probability,\"probability_a, b\",probability_run,\"probability_\"\"x\"\"\"\n1,run,0.125,0.25,0.125,0.625\n,,,,,\n"},
		{table.TSV, 0, Answers{Classes: words}, "a\tpredicted_label\tpredicted_probability\n1\ta, b\t0.25\n\t\t\n"},
		{table.CSV, 2, Answers{Classes: numbers}, "a,predicted_label,predicted_probability\n1,10,0.625\n,,\n"},
		{table.JSONL, 2, Answers{words, true}, `{"a":1,"predicted_label":"\"x\"","predicted_probability":0.625,"probability_a, b":0.25,"probability_run":0.125,"probability_\"x\"":0.625}` + "\n" +
			`{"predicted_label":null,"predicted_probability":null,"probability_a, b":null,"probability_run":null,"probability_\"x\"":null}` + "\n"},
		{table.JSONL, 0, Answers{Classes: numbers}, `{"a":1,"predicted_label":-1,"predicted_probability":0.25}` + "\n" + `{"predicted_label":null,"predicted_probability":null}` + "\n"},
		{table.JSONL, 0, Answers{Classes: []string{"1", "2", "03"}}, `{"a":1,"predicted_label":"1","predicted_probability":0.25}` + "\n" + `{"predicted_label":null,"predicted_probability":null}` + "\n"},
	} {
		var out bytes.Buffer
		answerOne(t, writeFile(t, "x.jsonl", `{"a":1}`+"\n{}\n"), test.class, func(r *Reader) (*Writer, error) { return NewWriter(&out, test.format, r, test.answers) })
		if out.String() != test.want {
			t.Errorf("%s, %v:\n%s\nwant\n%s", test.format, test.answers, &out, test.want)
		}
	}
}

// In Parquet labels are text, or integers where all names are.
func TestWriterClassesParquet(t *testing.T) {
	for _, test := range []struct {
		classes []string
		kind    arrow.Type
		want    string
	}{
		{[]string{"sit", "run", "walk"}, arrow.STRING, "a,predicted_label,predicted_probability,probability_sit,probability_run,probability_walk\n1,run,0.125,0.25,0.125,0.625\n,,,,,\n"},
		{[]string{"1", "5", "9"}, arrow.INT64, "a,predicted_label,predicted_probability,probability_1,probability_5,probability_9\n1,5,0.125,0.25,0.125,0.625\n,,,,,\n"},
	} {
		path := filepath.Join(t.TempDir(), "x.parquet")
		answerOne(t, writeFile(t, "x.jsonl", `{"a":1}`+"\n{}\n"), 1, func(r *Reader) (*Writer, error) { return Create(path, "", r, Answers{test.classes, true}) })
		r, err := Open(t.Context(), path, Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingZero})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if kind := r.Types()[1]; (kind == table.Number) != (test.kind == arrow.INT64) {
			t.Errorf("%v: labels are %v", test.classes, kind)
		}
		var out bytes.Buffer
		w, err := NewWriter(&out, table.CSV, r, zeroOrOne)
		if err != nil {
			t.Fatal(err)
		}
		c := new(Chunk)
		if err := r.Next(c); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(c, []float32{0.5, 0.5, 0.5, 0.5}, []int16{0, 0}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(out.String(), ",predicted_label_2,predicted_probability_2\n", "\n")
		if got = strings.ReplaceAll(got, ",0,0.5\n", "\n"); got != test.want {
			t.Errorf("%v:\n%s\nwant\n%s", test.classes, got, test.want)
		}
	}
}

// All columns get the same number, the first that is free for each.
func TestAnswerColumns(t *testing.T) {
	a := Answers{[]string{"no", "yes"}, true}
	for _, test := range []struct{ others, want string }{
		{"a", "predicted_label predicted_probability probability_no probability_yes"},
		{"probability_no a", "predicted_label_2 predicted_probability_2 probability_no_2 probability_yes_2"},
		{"predicted_label predicted_probability_2", "predicted_label_3 predicted_probability_3 probability_no_3 probability_yes_3"},
	} {
		if got := strings.Join(a.columns(strings.Fields(test.others)), " "); got != test.want {
			t.Errorf("beside %s: %s, want %s", test.others, got, test.want)
		}
	}
}

// Rows survive the way through Parquet, with their types where they have some.
func TestWriterParquet(t *testing.T) {
	dir := t.TempDir()
	toParquet := func(from, name string, o Options) string {
		path := filepath.Join(dir, name)
		answerAll(t, from, o, func(r *Reader) (*Writer, error) { return Create(path, "", r, zeroOrOne) })
		return path
	}
	toCSV := func(from string, o Options) string {
		var out bytes.Buffer
		answerAll(t, from, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, table.CSV, r, zeroOrOne) })
		return out.String()
	}
	again := Options{Label: "label", LabelOptional: true, Features: []string{"x"}, Missing: MissingZero}

	text := writeFile(t, "x.csv", "who,x,t\nz,0.1,2024-01-01\n,-1e-3,2024-01-02\n")
	path := toParquet(text, "text.parquet", again)
	if got, want := toCSV(path, again), "who,x,t,predicted_label,predicted_probability,predicted_label_2,predicted_probability_2\n"+
		"z,0.1,2024-01-01,0,0.75,0,0.75\n,-0.001,2024-01-02,1,0.75,1,0.75\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	path = toParquet(writeSensors(t), "typed.parquet", again)
	if got, want := asCSV(t, path), `time,who,count,x,on,predicted_label,predicted_probability
2024-02-29T12:00:00.005Z,"a,b",18446744073709551615,0.1,true,0,0.75
2024-02-29T12:00:01.005Z,"""",0,,false,1,0.75
2024-02-29T12:00:01.005Z,,7,-2e-09,true,0,0.75
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Text columns keep their rows apart over many batches and chunks.
func TestWriterParquetLarge(t *testing.T) {
	var text, want strings.Builder
	text.WriteString("who,x\n")
	want.WriteString("who,x,predicted_label,predicted_probability,predicted_label_2,predicted_probability_2\n")
	for i := range 20_000 {
		line := fmt.Sprintf("row %d,%d", i, i)
		fmt.Fprintln(&text, line)
		fmt.Fprintln(&want, line+[2]string{",0,0.75,0,0.75", ",1,0.75,1,0.75"}[i%2])
	}
	o := Options{Features: []string{"x"}, LabelOptional: true, Missing: MissingError}
	path := filepath.Join(t.TempDir(), "x.parquet")
	answerAll(t, writeFile(t, "x.csv", text.String()), o, func(r *Reader) (*Writer, error) { return Create(path, "", r, zeroOrOne) })
	var out bytes.Buffer
	answerAll(t, path, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, table.CSV, r, zeroOrOne) })
	if out.String() != want.String() {
		t.Error("the rows are not those that were written")
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
			w, err := Create(path, "", r, zeroOrOne)
			if old, _ := os.ReadFile(path); string(old) != "old" {
				t.Errorf("%s is %q before it is complete", name, old)
			}
			return w, err
		})
		d, err := Read(context.Background(), []string{path}, Options{Label: "predicted_label", Missing: MissingError})
		if err != nil || d.Len() != 1 || d.Labels[0] != 0 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	r, err := Open(context.Background(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := Create(filepath.Join(dir, "z.csv"), "", r, zeroOrOne)
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
	r, err := open(context.Background(), table.Stdin, in, o, newRoster(MaxOpen))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	w, err := NewWriter(&out, "", r, zeroOrOne)
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
		if begun := slices.Equal(c.Begun, []Begun{{0, "standard input", "", "standard input"}}); begun != (i == 0) {
			t.Errorf("chunk %d begins %v", i, c.Begun)
		}
		if err := w.Write(c, make([]float32, 2*c.Rows()), make([]int16, c.Rows())); err != nil {
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
	r, err := open(ctx, table.Stdin, in, o, newRoster(MaxOpen))
	if err == nil {
		defer r.Close()
		err = r.Next(new(Chunk))
	}
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v", err)
	}
}
