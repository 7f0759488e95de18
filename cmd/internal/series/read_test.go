package series

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func TestReadValues(t *testing.T) {
	nan := float32(math.NaN())
	with := func(change func(*Options)) Options {
		o := DefaultOptions()
		change(&o)
		return o
	}
	plain := DefaultOptions()
	missing := func(m Missing) Options { return with(func(o *Options) { o.Missing = m }) }
	tests := []struct {
		name, text string
		options    Options
		features   string
		x          []float32
		labels     []int16
	}{
		{"plain", "a,b,label\n1,2,0\n3,4,1\n", plain, "a b", []float32{1, 2, 3, 4}, []int16{0, 1}},
		{"no line feed at the end", "a,label\n1,0\n2,1", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"byte order mark and CRLF", "\ufeffa,label\r\n1,0\r\n2,1\r\n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"quotes", "\"a\",\"label\"\n\"1.5\",\"0\"\n\"-2\",1\n", plain, "a", []float32{1.5, -2}, []int16{0, 1}},
		{"a line feed and quotes in a field", "a,note,label\n1,\"x\ny \"\"z\"\"\",0\n2,,1\n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"blanks around", " a , label \n 1 , 0 \n\t2,1 \n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"blank lines", "\n\na,label\n\n1,0\n\r\n2,1\n\n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"tabs", "a\tlabel\n1\t0\n2\t1\n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"words for labels", "a,label\n1,no\n2,TRUE\n3,\n4,NA\n5,1.0\n", plain, "a", []float32{1, 2, 3, 4, 5}, []int16{0, 1, -1, -1, 1}},
		{"positive word", "a,label\n1,N\n2,V\n3,\n4,A\n", with(func(o *Options) { o.Positive = "V" }), "a", []float32{1, 2, 3, 4}, []int16{0, 1, -1, 0}},
		{"positive number", "a,label\n1,0\n2,2.0\n3,1\n", with(func(o *Options) { o.Positive = "2" }), "a", []float32{1, 2, 3}, []int16{0, 1, 0}},
		{"chosen features in their order", "a,b,c,label\n1,2,3,0\n4,5,6,1\n", with(func(o *Options) { o.Features = []string{"c", "a"} }), "c a", []float32{3, 1, 6, 4}, []int16{0, 1}},
		{"columns that are excluded", "a,b,sample,label\n1,2,1,0\n3,4,2,1\n", with(func(o *Options) { o.Exclude = []string{"sample", "a"} }), "b", []float32{2, 4}, []int16{0, 1}},
		{"what predict wrote", "a,probability,probability_x,predicted_label,predicted_predicted_probability,label\n1,2,3,4,5,1\n", plain, "a", []float32{1}, []int16{1}},
		{"a probability of its own", "a,probability,label\n1,2,0\n", plain, "a probability", []float32{1, 2}, []int16{0}},
		{"an answer that is asked for", "predicted_label,label\n1,0\n", with(func(o *Options) { o.Features = []string{"predicted_label"} }), "predicted_label", []float32{1}, []int16{0}},
		{"text column left out", "a,who,label\n1,x,0\n2,y,1\n", plain, "a", []float32{1, 2}, []int16{0, 1}},
		{"row names", "\"a\",\"label\"\n\n\"1\",3,0\n\"2\",4,1\n", plain, "a", []float32{3, 4}, []int16{0, 1}},
		{"no label needed", "a,b\n1,2\n", with(func(o *Options) { o.LabelOptional = true }), "a b", []float32{1, 2}, nil},
		{"many ways to write a number", "a,label\n+1,0\n.5,1\n1e3,0\n-0.000001234,0\n16777217,0\n0.1,0\n123456.789012345,0\n", plain, "a",
			[]float32{1, .5, 1000, -1.234e-06, 16777216, .1, 123456.79}, []int16{0, 1, 0, 0, 0, 0, 0}},
		{"missing forward", "a,label\n,0\n2,1\nNaN,1\n,0\n3,0\n", missing(MissingForward), "a", []float32{nan, 2, 2, 2, 3}, []int16{0, 1, 1, 0, 0}},
		{"missing zero", "a,label\n1,0\nn/a,1\n", missing(MissingZero), "a", []float32{1, 0}, []int16{0, 1}},
		{"missing mean", "a,label\n1,0\n,1\n", missing(MissingMean), "a", []float32{1, nan}, []int16{0, 1}},
		{"missing drop", "a,b,label\n1,2,0\n3,,1\n5,6,1\n", missing(MissingDrop), "a b", []float32{1, 2, 5, 6}, []int16{0, 1}},
		{"JSON lines", `{"a":1,"label":0}` + "\n" + `{"label":true,"a":2.5e0}` + "\n", plain, "a", []float32{1, 2.5}, []int16{0, 1}},
		{"JSON with gaps", `{"a":1,"label":null}` + "\n\n" + `{"a":"2","label":"yes","more":[1]}`, plain, "a", []float32{1, 2}, []int16{-1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := readText(test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Features, " "); got != test.features {
				t.Errorf("features %q, want %q", got, test.features)
			}
			same := func(a, b float32) bool { return a == b || a != a && b != b }
			if !slices.EqualFunc(d.X, test.x, same) {
				t.Errorf("X %v, want %v", d.X, test.x)
			}
			if !slices.Equal(d.Labels, test.labels) {
				t.Errorf("labels %v, want %v", d.Labels, test.labels)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	plain := DefaultOptions()
	timed := Options{Label: "label", Missing: MissingError, Time: "t"}
	manyColumns := ""
	for i := range 30 {
		manyColumns += fmt.Sprintf("c%d,", i)
	}
	tests := []struct {
		name, text string
		options    Options
		want       string
	}{
		{"empty", "", plain, "standard input: the file is empty"},
		{"only blank lines", "\n\n", plain, "standard input: the file is empty"},
		{"header only", "a,label\n", plain, "standard input: there are no rows"},
		{"no header", "1,2,0\n3,4,1\n", plain, "standard input:1: the first line holds only numbers; it must name the columns"},
		{"semicolons that are not asked for", "a;label\n1;0\n", Options{Label: "label", Delimiter: ",", Missing: MissingError}, `separated by ";" (Options.Delimiter ";" reads that)`},
		{"text in a number", "a,label\n1,0\n2x,1\n", plain, `standard input:3: column "a": "2x" is not a number`},
		{"line behind a quoted line feed", "a,n,label\n1,\"\n\n\",0\nx,,1\n", plain, `standard input:5: column "a": "x" is not a number`},
		{"empty feature", "a,label\n1,0\n,1\n", plain, `standard input:3: column "a": the value is missing (Options.Missing says`},
		{"infinite feature", "a,label\n1,0\n-Inf,1\n", plain, `standard input:3: column "a": "-Inf" is outside the range of a 32-bit float`},
		{"large feature", "a,label\n1e39,0\n", plain, `standard input:2: column "a": "1e39" is outside the range`},
		{"no label at all", "a,label\n1,\n", plain, `column "label" labels no row`},
		{"short row", "a,b,label\n1,2,0\n1,0\n", plain, "standard input:3: 2 fields, expected 3 as in the header"},
		{"long row", "a,label\n1,0\n1,0,2\n", plain, "standard input:3: 3 fields, expected 2 as in the header"},
		{"row names for some", "a,label\nx,1,0\n1,0\n", plain, "standard input:3: 2 fields, expected 3 as in the header"},
		{"wrong column to exclude", "alpha,label\n1,0\n", Options{Label: "label", Exclude: []string{"alhpa"}, Missing: MissingError}, `there is no column "alhpa" (Options.Exclude); columns: alpha, label; did you mean "alpha"?`},
		{"all are excluded", "a,label\n1,0\n", Options{Label: "label", Exclude: []string{"a"}, Missing: MissingError}, "no column of numbers is left to be a feature"},
		{"wrong column", "a,lable\n1,0\n", plain, `standard input: there is no column "label" (Options.Label); columns: a, lable; did you mean "lable"?`},
		{"carriage returns alone", "a,label\r1,0\r2,1\r", plain, "standard input:1: lines seem to end in carriage returns alone"},
		{"wrong column of odd ones", "\"a\nb\"," + strings.Repeat("c", 100) + "\n", plain, `columns: "a\nb", "` + strings.Repeat("c", 40) + `" and 60 more bytes`},
		{"wrong column of many", manyColumns + "lable\n", plain, `columns: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, … lable (31 in all); did you mean "lable"?`},
		{"no number column", "a,label\nx,0\n", plain, "no column of numbers is left to be a feature; columns: a, label"},
		{"bare quote", "a,label\n1\",0\n", plain, `standard input:2: a " in a field that does not begin with one`},
		{"text behind a quote", "a,label\n\"1\"2,0\n", plain, `standard input:2: text behind the closing " of a field`},
		{"open quote", "a,label\n1,0\n\"1,0\n2,1\n", plain, `standard input:3: a " opens a field and none closes it`},
		{"time goes back", "t,a,label\n1,1,0\n3,1,0\n2,1,1\n", timed, `standard input:4: column "t": time goes back in series "standard input": from 3 to 2`},
		{"time in seconds goes back", "t,a,label\n1700000001,1,0\n1700000000.5,1,0\n", timed, `from 1700000001 to 1700000000.5 (`},
		{"no time", "t,a,label\n1,1,0\nNaN,1,0\n", timed, `standard input:3: column "t": the time is missing`},
		{"timestamp goes back", "t,a,label\n2024-01-01T10:00:00Z,1,0\n2024-01-01T10:30:00+01:00,1,0\n", timed, `standard input:3: column "t": time goes back`},
		{"no timestamp", "t,a,label\nnoon,1,0\n", timed, `standard input:2: column "t": "noon" is neither a number nor a timestamp`},
		{"no time", "t,a,label\n1,1,0\n,1,0\n", timed, `standard input:3: column "t": the time is missing`},
		{"time that is no number", "t,a,label\n3,1,0\nnan,1,0\n1,1,0\n", timed, `standard input:3: column "t": the time is missing`},
		{"zip", "PK\x03\x04....", plain, "this is a zip archive or a spreadsheet"},
		{"UTF-16 without a byte order mark", "a\x00,\x00\n\x001\x00\n\x00", plain, "standard input:1: the first line holds zero bytes: this is no text, or UTF-16 without"},
		{"UTF-16 that is empty", "\xff\xfe", plain, "standard input: the file is empty"},
		{"UTF-16 that is cut off", "\xff\xfea\x00\n\x001\x00\n\x002", Options{LabelOptional: true, Features: []string{"a"}, Missing: MissingError}, `standard input:3: column "a": "�" is not a number`},
		{"JSON of no object", "{\"a\":1,\"label\":0}\n[1]\n", plain, `standard input:2: "[1]" is not a JSON object on one line`},
		{"JSON with a key twice", "{\"a\":1,\"label\":0}\n{\"a\":1,\"a\":2,\"label\":0}\n", plain, `standard input:2: column "a": the object has this key twice`},
		{"damaged Parquet", "PAR1 and then nonsense \x04\x00\x00\x00PAR1", plain, "damaged Parquet data"},
		{"Parquet cut off", "PAR1 and then the end", plain, "damaged Parquet data"},
		{"all dropped", "a,b,label\n1,,0\n", Options{Label: "label", Missing: MissingDrop, Features: []string{"b"}}, "every row lacks a feature"},
		{"all dropped, each column once", "a,b,label\n1,,0\n,2,1\n", Options{Label: "label", Missing: MissingDrop}, "every row lacks a feature"},
		{"two roles", "a,label\n", Options{Label: "a", Time: "a", Missing: MissingError}, `Options.Label and Options.Time both name "a"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := readText(test.text, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestReadSeriesColumn(t *testing.T) {
	o := Options{Label: "label", Series: "s", Time: "t", Missing: MissingForward}
	d, err := readText("s,t,a,label\nu,1,10,0\nv,1,20,1\nu,2,,1\nw,0,30,0\nv,1,21,0\n", o)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{10, 10, 20, 21, 30}; !slices.Equal(d.X, want) {
		t.Errorf("X %v, want %v", d.X, want)
	}
	if want := []int16{0, 1, 1, 0, 0}; !slices.Equal(d.Labels, want) {
		t.Errorf("labels %v, want %v", d.Labels, want)
	}
	if want := []float64{1, 2, 1, 1, 0}; !slices.Equal(d.Time, want) {
		t.Errorf("time %v, want %v", d.Time, want)
	}
	stdin := "standard input"
	if want := []Range{{"u", "u", stdin, 0, 2, 0}, {"v", "v", stdin, 2, 4, 0}, {"w", "w", stdin, 4, 5, 0}}; !slices.Equal(d.Series, want) {
		t.Errorf("series %v, want %v", d.Series, want)
	}
}

// A series may begin with rows that are left out.
func TestReadSeriesDropped(t *testing.T) {
	o := Options{Label: "label", Series: "s", Missing: MissingDrop, Features: []string{"a"}}
	d, err := readText("s,a,label\nu,,0\nv,1,1\nu,2,0\nw,,1\n", o)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{2, 1}; !slices.Equal(d.X, want) {
		t.Errorf("X %v, want %v", d.X, want)
	}
	if d.Input != 4 {
		t.Errorf("%d rows of input", d.Input)
	}
	stdin := "standard input"
	if want := []Range{{"u", "u", stdin, 0, 1, 0}, {"v", "v", stdin, 1, 2, 0}}; !slices.Equal(d.Series, want) {
		t.Errorf("series %v, want %v", d.Series, want)
	}
}

// What belongs to one group says so: the parts of a series, and series of one value of the
// group column.
func TestGroups(t *testing.T) {
	const text = "s,who,t,a,label\nu,7,1,1,0\nv,8,1,2,1\nu,7,9,3,1\nw,7,1,4,0\n"
	o := Options{Label: "label", Series: "s", Time: "t", MaxGap: "5", Missing: MissingError}
	for group, want := range map[string][]string{"": {"u (2) u", "u u", "v v", "w w"}, "who": {"u (2) 7", "u 7", "v 8", "w 7"}} {
		o.Group = group
		d, err := readText(text, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range d.Series {
			got = append(got, s.Name+" "+s.Group)
		}
		if slices.Sort(got); !slices.Equal(got, want) || d.Group != group {
			t.Errorf("group %q: %v, want %v", group, got, want)
		}
		if slices.Contains(d.Features, "who") != (group == "") {
			t.Errorf("group %q: features %v", group, d.Features)
		}
	}
	for text, want := range map[string]string{
		"s,who,t,a,label\nu,7,1,1,0\nu,8,2,3,1\n": `standard input:3: column "who": series "u" is of group "7" and of "8"`,
		"s,who,t,a,label\nu,7,1,1,0\nu,,2,3,1\n":  `standard input:3: column "who": the group's name is missing (Options.Group)`,
		"s,whom,t,a,label\nu,7,1,1,0\n":           `there is no column "who" (Options.Group); columns: s, whom, t, a, label; did you mean "whom"?`,
	} {
		o.Group = "who"
		if _, err := readText(text, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	o.Series = "who"
	if err := o.Validate(); err == nil || err.Error() != `Options.Series and Options.Group both name "who"` {
		t.Errorf("error %v", err)
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"b.csv":     "a,label\n3,1\n",
		"a.tsv.gz":  compress(t, table.Gzip, "label\ta\n0\t1\n1\t2\n"),
		"c.jsonl":   compress(t, table.Zstd, `{"label":0,"a":4}`), // compressed, whatever its name says
		"other.txt": "no data",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	patterns := []string{filepath.Join(dir, "[ab].*"), filepath.Join(dir, "c.jsonl"), filepath.Join(dir, "b.csv")}
	d, err := Read(context.Background(), patterns, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 2, 3, 4}; !slices.Equal(d.X, want) {
		t.Errorf("X %v, want %v", d.X, want)
	}
	var ends []int
	for _, s := range d.Series {
		ends = append(ends, s.End)
	}
	if want := []int{2, 3, 4}; !slices.Equal(ends, want) {
		t.Errorf("series end at %v, want %v", ends, want)
	}
	if _, err := Read(context.Background(), []string{filepath.Join(dir, "*.nothing")}, DefaultOptions()); err == nil {
		t.Error("no error though no file matches")
	}
}

// Files after the first need not have the columns that are excluded.
func TestExcludeInSeveralFiles(t *testing.T) {
	paths := []string{writeFile(t, "1.csv", "a,b,label\n1,2,0\n"), writeFile(t, "2.csv", "label;a\n1;3\n")}
	d, err := Read(t.Context(), paths, Options{Label: "label", Exclude: []string{"b"}, Missing: MissingError})
	if err != nil || !slices.Equal(d.X, []float32{1, 3}) {
		t.Errorf("%v, %v", d, err)
	}
}

// Rows without a line feed, or nested without an end, are not followed for ever.
func TestNoPositive(t *testing.T) {
	const text = "a,label\n1,running\n2,still\n3,running\n4,\n"
	read := func(positive string) error {
		d, err := readText(text, Options{Label: "label", Positive: positive, Missing: MissingError})
		if err != nil {
			t.Fatal(err)
		}
		return d.NoPositive(positive)
	}
	if err := read("running"); err != nil {
		t.Error(err)
	}
	const want = `column "label": no label is "runing" (Options.Positive); labels: running, still; did you mean "running"?`
	if err := read("runing"); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestReadHuge(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a line", "a,label\n1" + strings.Repeat(" ", 16<<20) + ",0\n", "standard input:2: a row is longer than 16 MB"},
		{"an open quote", "a,label\n1,\"" + strings.Repeat("\n", 16<<20) + "\n", "standard input:2: a row is longer than 16 MB"},
		{"nested JSON", `{"a":` + strings.Repeat("[", 8<<20), "is not a JSON object on one line"},
	}
	for _, test := range tests {
		if _, err := readText(test.text, DefaultOptions()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %.200v, want %q", test.name, err, test.want)
		}
	}
	field := strings.Repeat("x", 8<<20)
	d, err := readText("a,b,label\n1,"+field+",0\n2,y,1\n", DefaultOptions())
	if err != nil || d.Len() != 2 {
		t.Errorf("a long field: %v", err)
	}
}

func TestReadTruncated(t *testing.T) {
	var text strings.Builder
	writeBenchCSV(&text, 20_000, 3, false)
	for _, c := range []table.Compression{table.Gzip, table.Zstd} {
		whole := compress(t, c, text.String())
		_, err := readText(whole[:len(whole)/2], DefaultOptions())
		if err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%s: error %v, want one that says the data is cut off", c, err)
		}
	}
}

func TestReadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Read(ctx, []string{writeFile(t, "x.csv", "a,label\n1,0\n")}, DefaultOptions())
	if err == nil {
		t.Error("no error though the context is cancelled")
	}
}

// The rows of a large file arrive all, whatever the size of blocks and chunks.
func TestReadLarge(t *testing.T) {
	var text strings.Builder
	const rows = 300_001
	writeBenchCSV(&text, rows, 3, false)
	o := DefaultOptions()
	o.Features = []string{"time", "a", "b"}
	d, err := readText(text.String(), o)
	if err != nil {
		t.Fatal(err)
	}
	if d.Len() != rows || len(d.Labels) != rows || len(d.X) != rows*3 {
		t.Fatalf("%d rows, %d labels, %d features, want %d rows", d.Len(), len(d.Labels), len(d.X), rows)
	}
	for i := range rows {
		if int(d.X[3*i]) != i || int(d.Labels[i]) != i&1 {
			t.Fatalf("row %d: sample %v, label %d", i, d.X[3*i], d.Labels[i])
		}
	}
}

func TestReadECG(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "ecg100_first5min.csv.gz")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the ECG record is not part of the repository: ", err)
	}
	d, err := Read(context.Background(), []string{path}, Options{Label: "qrs", Features: []string{"mlii_mv", "v5_mv"}, Missing: MissingError})
	if err != nil {
		t.Fatal(err)
	}
	if count := d.Count(); d.Len() != 108_000 || !slices.Equal(count, []int{94_273, 13_727}) {
		t.Errorf("%d rows, %d zeros and ones", d.Len(), count)
	}
}

func TestReadWarnings(t *testing.T) {
	var counter strings.Builder
	counter.WriteString("count,a,who,,label\n")
	for i := range 20 {
		fmt.Fprintf(&counter, "%d,%d,x,1,%d\n", i, i*i, i%2)
	}
	filled := Options{Label: "label", Features: []string{"a"}, Missing: MissingZero}
	tests := []struct {
		name, text string
		options    Options
		want       []string
	}{
		{"columns", counter.String(), DefaultOptions(), []string{
			`standard input: using "count" as the time column, not as a feature (Options.Exclude or Options.Features leaves it out)`,
			`standard input: column "who": not numbers, so not a feature`,
			`standard input: column 4 has no name and is not used`}},
		{"filled", "a,label\n,0\n2,1\n", filled, []string{`standard input: column "a": 1 of 2 values are missing and filled (zero)`}},
		{"dropped", "a,label\n,0\n2,1\n1,0\n", Options{Label: "label", Missing: MissingDrop}, []string{"standard input: 1 of 3 rows lack a feature and are left out"}},
		{"answers", "a,probability,predicted_label,label\n1,2,3,1\n", DefaultOptions(), []string{
			`standard input: column "probability": looks like an answer of predict, so not a feature (Options.Features says otherwise)`,
			`standard input: column "predicted_label": looks like an answer of predict, so not a feature (Options.Features says otherwise)`,
			`column "label": no label is 0`}},
		{"blank lines", "a,label\n1,0\n\n\n2,1\n", DefaultOptions(), []string{"standard input:3: lines with nothing in them are skipped (2 in all)"}},
		{"unknown key", "{\"a\":1,\"label\":0}\n{\"b\":1,\"a\":1,\"label\":1}", DefaultOptions(), []string{
			`standard input:2: keys that the first object does not have are not read: b`}},
		{"one class", "a,label\n1,0\n", DefaultOptions(), []string{`column "label": no label is 1`}},
		{"positive that never is", "a,label\n1,x\n", Options{Label: "label", Positive: "y", Missing: MissingError}, []string{
			`column "label": no label equals "y" (Options.Positive), so every label is 0`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := readText(test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range d.Warnings {
				got = append(got, w.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// Series are called as their names are without blanks around them, in every format.
func TestSeriesNamesAreTrimmed(t *testing.T) {
	const objects = `{"id":"a ","x":1,"label":0}` + "\n" + `{"id":" a","x":2,"label":1}` + "\n" + `{"id":"b","x":3,"label":1}`
	fields := []arrow.Field{field("id", arrow.BinaryTypes.String), field("x", arrow.PrimitiveTypes.Float64), field("label", arrow.PrimitiveTypes.Int8)}
	for _, path := range []string{
		writeFile(t, "a.csv", "id,x,label\na ,1,0\n a,2,1\nb,3,1\n"), writeFile(t, "a.jsonl", objects),
		writeTable(t, fields, "["+strings.ReplaceAll(objects, "\n", ",")+"]"),
	} {
		d, err := Read(t.Context(), []string{path}, Options{Label: "label", Series: "id", Missing: MissingError})
		if err != nil || len(d.Series) != 2 || d.Series[0].Name != "a" || d.Series[0].Len() != 2 {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
	}
}

// One file tells day from month for those that follow.
func TestDatesOfFiles(t *testing.T) {
	files := []string{writeFile(t, "a.csv", "when,x,label\n31/1/2024,1,0\n1/2/2024,2,1\n2/2/2024,4,1\n"), writeFile(t, "b.csv", "when,x,label\n3/2/2024,1,0\n4/2/2024,1,1\n")}
	d, err := Read(t.Context(), files, DefaultOptions())
	if err != nil || d.TimeColumn != "when" || d.Time[4]-d.Time[0] != 4*86400 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := Read(t.Context(), files[1:], Options{Label: "label", Time: "when", Missing: MissingError}); err == nil || !strings.Contains(err.Error(), `b.csv:2: column "when": "3/2/2024" may be two dates (Options.TimeFormat`) {
		t.Error(err)
	}
}

func TestSkipRows(t *testing.T) {
	d, err := readText("station 7, \"north\n\na,label\n1,0\n2,1\n", Options{Label: "label", SkipRows: 2, Missing: MissingError})
	if err != nil || !slices.Equal(d.X, []float32{1, 2}) {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := readText("x\na,label\n1,0\n1,z,0\n", Options{Label: "label", SkipRows: 1, Missing: MissingError}); err == nil || err.Error() != "standard input:4: 3 fields, expected 2 as in the header" {
		t.Error(err)
	}
}
