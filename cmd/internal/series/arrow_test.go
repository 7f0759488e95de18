package series

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// arrowFiles and parquetFiles are those of testdata, which hold the same table.
var (
	polarsFile   = "../../table/testdata/polars.arrow" // as Polars writes it
	arrowFiles   = []string{"plain.arrow", "zstd.arrow", "lz4.feather", "stream.arrows"}
	parquetFiles = []string{"pages2.parquet", "int96.parquet"}
)

// wantCSV is the table of one of the files with answers.
func wantCSV(file string) string {
	if file == "int96.parquet" { // whose times are UTC, and which has a struct
		utc := strings.ReplaceAll(arrowAsCSV, ":00.25,", ":00.25Z,")
		return answers.ReplaceAllString(strings.Replace(utc, ",predicted", ",pair.a,predicted", 1), ",1$1")
	}
	return arrowAsCSV
}

var answers = regexp.MustCompile(`(?m)(,[01]?,(0.75)?)$`)

// arrowAsCSV is that table with answers.
const arrowAsCSV = `time,day,who,x,big,small,half,price,note,on,label,predicted_label,predicted_probability
2024-02-29T12:00:00.25,2024-02-29,anna,0.1,9007199254740993,1,0.5,0.05,a,true,0,0,0.75
2024-02-29T12:01:00.25,2024-02-29,anna,1.5,2,-2,1,1.05,,false,1,1,0.75
2024-02-29T12:02:00.25,2024-02-29,anna,,3,3,1.5,2.05,"ü,",,0,0,0.75
2024-02-29T12:03:00.25,2024-02-29,otto,3.25,4,-4,2,3.05,,true,1,1,0.75
2024-02-29T12:04:00.25,2024-02-29,otto,-4,5,5,2.5,4.05,e,false,,0,0.75
2024-02-29T12:05:00.25,2024-02-29,otto,5,18446744073709551615,-6,3,5.05,f,true,1,1,0.75
`

func TestReadArrow(t *testing.T) {
	o := DefaultOptions()
	o.Missing, o.Series = MissingMean, "who"
	for _, name := range slices.Concat(arrowFiles, parquetFiles) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			d, err := Read(t.Context(), []string{path}, o)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"x", "big", "small", "half", "price", "on"}
			if name == "int96.parquet" {
				want = append(want, "pair.a")
			}
			if !slices.Equal(d.Features, want) {
				t.Errorf("features %q, want %q", d.Features, want)
			}
			if want := []int16{0, 1, 0, 1, Unlabelled, 1}; !slices.Equal(d.Labels, want) {
				t.Errorf("labels %v, want %v", d.Labels, want)
			}
			if d.TimeColumn != "time" || d.Time[0] != 1709208000.25 || d.Time[5] != 1709208300.25 {
				t.Errorf("time %q: %f", d.TimeColumn, d.Time)
			}
			if len(d.Series) != 2 || d.Series[1].Name != "otto" || d.Series[1].Start != 3 {
				t.Errorf("series %v", d.Series)
			}
			if got, want := d.X[5*len(want):][:6], []float32{5, 1 << 64, -6, 3, 5.05, 1}; !slices.Equal(got, want) {
				t.Errorf("last row %v, want %v", got, want)
			}
			if x, on := d.X[2*len(want)], d.X[2*len(want)+5]; x == x || on == on {
				t.Errorf("null is %v and %v", x, on)
			}
			for column, want := range map[string]string{"day": `column "day": holds times, so not a feature`, "note": `column "note": not numbers`} {
				if !strings.Contains(fmt.Sprint(d.Warnings), want) {
					t.Errorf("column %s: warnings %v", column, d.Warnings)
				}
			}
			with := o
			with.Features = []string{"day"}
			if _, err := Read(t.Context(), []string{path}, with); err == nil || !strings.Contains(err.Error(), "holds times, which are no feature") {
				t.Errorf("a date as a feature: error %v", err)
			}
			var out bytes.Buffer
			answerAll(t, path, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, table.CSV, r, zeroOrOne) })
			if want := wantCSV(name); out.String() != want {
				t.Errorf("as CSV\n%s\nwant\n%s", &out, want)
			}
		})
	}
}

// What is compressed, or comes from standard input, is read, too, and so are streams and
// files under each other's names.
func TestArrowFromAnywhere(t *testing.T) {
	for _, name := range arrowFiles {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		o := DefaultOptions()
		o.Missing = MissingZero
		for _, to := range []string{"x.arrow.gz", "x.arrows.zst", "x", "x.arrow", "x.arrows"} {
			_, compression := table.FormatOf(to)
			d, err := Read(t.Context(), []string{writeFile(t, to, compress(t, compression, string(content)))}, o)
			if err != nil || d.Len() != 6 {
				t.Errorf("%s as %s: %v, %v", name, to, d, err)
			}
		}
		if d, err := read(t.Context(), []string{table.Stdin}, bytes.NewReader(content), o); err != nil || d.Len() != 6 {
			t.Errorf("%s from standard input: %v, %v", name, d, err)
		}
		if _, err := Read(t.Context(), []string{writeFile(t, "x.csv", string(content))}, o); err == nil || !strings.Contains(err.Error(), "the content is not csv but arrow") {
			t.Errorf("%s as CSV: error %v", name, err)
		}
	}
}

// Rows with types keep them in all formats that have some; those of other formats become numbers and text.
func TestWriteArrow(t *testing.T) {
	o := DefaultOptions()
	o.Missing = MissingDrop
	withAnswers := func(csv string) string { // and those of rows left out
		lines := strings.Split(csv, "\n")
		lines[3] = strings.Replace(lines[3], ",0,0.75", ",,", 1)
		for i, flip := range map[int]string{4: ",0,0.75", 5: ",1,0.75", 6: ",0,0.75"} {
			lines[i] = lines[i][:len(lines[i])-len(flip)] + flip
		}
		return strings.Join(lines, "\n")
	}
	for _, name := range slices.Concat(arrowFiles, parquetFiles) {
		for _, to := range []string{"again.arrow", "again.arrows", "again.feather.gz", "again.parquet"} {
			again := filepath.Join(t.TempDir(), to)
			answerAll(t, filepath.Join("testdata", name), o, func(r *Reader) (*Writer, error) { return Create(again, "", r, zeroOrOne) })
			if got, want := asCSV(t, again), withAnswers(wantCSV(name)); got != want {
				t.Errorf("%s as %s\n%s\nwant\n%s", name, to, got, want)
			}
		}
	}
	text := "x,note,when,label\n1.5,a,2024-01-01,0\nNaN,,2024-01-02,1\n-2e3,\"b,c\",2024-01-03,0\n"
	again := filepath.Join(t.TempDir(), "again.arrow")
	o.Features, o.Missing = []string{"x"}, MissingZero
	answerAll(t, writeFile(t, "x.csv", text), o, func(r *Reader) (*Writer, error) {
		return Create(again, "", r, Answers{Classes: []string{"no", "yes"}, Probabilities: true})
	})
	want := `x,note,when,label,predicted_label,predicted_probability,probability_no,probability_yes
1.5,a,2024-01-01,0,no,0.75,0.75,0.25
,,2024-01-02,1,yes,0.75,0.25,0.75
-2000,"b,c",2024-01-03,0,no,0.75,0.75,0.25
`
	if got := asCSV(t, again); got != want {
		t.Errorf("CSV as Arrow\n%s\nwant\n%s", got, want)
	}
}

// asCSV is what a file holds.
func asCSV(t *testing.T, path string) string {
	t.Helper()
	r, err := table.Open(t.Context(), path, nil, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	w, err := table.NewWriter(&out, table.CSV, r, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for b := new(table.Batch); r.Next(b, chunkRows) == nil; {
		var rows []int32
		for i := range b.Len() {
			rows = append(rows, int32(i))
		}
		if err := w.Write(b, rows, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Batches of a stream may change their dictionaries.
func TestArrowDictionaries(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "label", Type: dictionary, Nullable: true}}, nil)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	for _, words := range [][]string{{"walk", "sit"}, {"sit", "walk"}, {"lie", "sit"}} {
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		for i, word := range words {
			b.Field(0).(*array.Float64Builder).Append(float64(i))
			if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(word); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(b.NewRecordBatch()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "x.arrows", stream.String())
	d, err := Read(t.Context(), []string{path}, DefaultOptions())
	if err != nil || !slices.Equal(d.Classes, []string{"sit", "lie", "walk"}) || !slices.Equal(d.Labels, []int16{2, 0, 0, 2, 1, 0}) {
		t.Fatalf("%v, %v", d, err)
	}
	o := Options{LabelOptional: true, Missing: MissingError}
	again := filepath.Join(t.TempDir(), "again.arrows")
	answerAll(t, path, o, func(r *Reader) (*Writer, error) { return Create(again, "", r, zeroOrOne) })
	if got := asCSV(t, again); !strings.Contains(got, "\n0,sit,0,0.75\n1,walk,1,0.75\n0,lie,") {
		t.Errorf("written is\n%s", got)
	}
}

// Columns that cannot be read are left out, with a warning, unless they are asked for.
func TestNestedColumns(t *testing.T) {
	interval := field("every", arrow.FixedWidthTypes.MonthInterval)
	fields := []arrow.Field{field("list", arrow.ListOf(arrow.PrimitiveTypes.Int8)), field("x", arrow.PrimitiveTypes.Float64), field("label", arrow.PrimitiveTypes.Int8)}
	rows := `[{"list":[1,2],"x":1,"label":0},{"list":null,"x":2,"label":1}]`
	for _, path := range []string{writeTable(t, fields, rows), writeStream(t, append(fields, interval), rows)} {
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || !slices.Equal(d.X, []float32{1, 2}) || !strings.Contains(fmt.Sprint(d.Warnings), `column "list": left out, as its type is list<`) {
			t.Errorf("%v, %v", d, err)
		}
		o := DefaultOptions()
		o.Features = []string{"list"}
		if _, err := Read(t.Context(), []string{path}, o); err == nil || !strings.Contains(err.Error(), `column "list": left out, as its type is list<`) {
			t.Errorf("as a feature: error %v", err)
		}
	}
}

// Decimals are numbers, whether Parquet stores them as integers or as bytes.
func TestDecimals(t *testing.T) {
	fields := []arrow.Field{field("short", &arrow.Decimal128Type{Precision: 9, Scale: 2}), field("long", &arrow.Decimal128Type{Precision: 38, Scale: 2}), field("label", arrow.PrimitiveTypes.Int64)}
	path := writeTable(t, fields, `[{"short":"1.05","long":"3.00","label":0},{"short":"-2.50","long":"-2.50","label":1},{"short":"0.01","long":"0.01","label":0}]`,
		parquet.WithStoreDecimalAsInteger(true))
	d, err := Read(t.Context(), []string{path}, DefaultOptions())
	if err != nil || !slices.Equal(d.X, []float32{1.05, 3, -2.5, -2.5, .01, .01}) {
		t.Errorf("%v, %v", d, err)
	}
	if got := asCSV(t, path); !strings.Contains(got, "\n1.05,3.00,0\n-2.50,-2.50,1\n") {
		t.Errorf("as CSV\n%s", got)
	}
}

// What a file of Arrow holds can be written as Parquet, whatever its types.
func TestArrowTypesAsParquet(t *testing.T) {
	for _, kind := range []arrow.DataType{
		arrow.Null, arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32,
		arrow.FixedWidthTypes.Float16, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.Binary, arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 3}, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64ns,
		arrow.FixedWidthTypes.Duration_ms, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Berlin"},
		&arrow.Decimal32Type{Precision: 5, Scale: 1}, &arrow.Decimal256Type{Precision: 70, Scale: 1},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int64},
	} {
		path := writeStream(t, []arrow.Field{field("a", kind), field("x", arrow.PrimitiveTypes.Float64)}, `[{"a":null,"x":1},{"x":2}]`)
		again := filepath.Join(t.TempDir(), "again.parquet")
		answerAll(t, path, Options{LabelOptional: true, Features: []string{"x"}, Missing: MissingError}, func(r *Reader) (*Writer, error) { return Create(again, "", r, zeroOrOne) })
		if got, want := asCSV(t, again), "a,x,predicted_label,predicted_probability\n,1,0,0.75\n,2,1,0.75\n"; got != want {
			t.Errorf("%s\n%s\nwant\n%s", kind, got, want)
		}
	}
}

// One file cannot hold columns of different types, but what two formats have alike.
func TestContinueWithOtherTypes(t *testing.T) {
	fieldsOf := func(kind arrow.DataType) []arrow.Field {
		return []arrow.Field{field("x", kind), field("note", arrow.BinaryTypes.String)}
	}
	const rows = `[{"x":1,"note":"a"}]`
	o := Options{LabelOptional: true, Features: []string{"x"}, Missing: MissingError}
	open := func(path string) *Reader {
		r, err := Open(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	first := open(writeTable(t, fieldsOf(arrow.PrimitiveTypes.Float32), rows))
	w, err := NewWriter(io.Discard, table.Arrow, first, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Continue(open(writeStream(t, fieldsOf(arrow.PrimitiveTypes.Float32), rows))); err != nil {
		t.Error(err)
	}
	for _, other := range []string{writeStream(t, fieldsOf(arrow.PrimitiveTypes.Int8), rows), writeFile(t, "x.csv", "x,note\n1,a\n")} {
		want := fmt.Sprintf("%s: its columns have other types than those of %s, so one file cannot hold both (Writer.Format csv can)", other, first.Name())
		if err := w.Continue(open(other)); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// writeStream writes rows, an array of JSON objects, as a stream of Arrow and returns its path.
func writeStream(t *testing.T, fields []arrow.Field, rows string) string {
	t.Helper()
	batch := tableOf(t, fields, rows)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(batch.Schema()))
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "x.arrows", out.String())
}

func TestArrowFaults(t *testing.T) {
	stream := func(name string, kind arrow.DataType) string {
		var out bytes.Buffer
		schema := arrow.NewSchema([]arrow.Field{{Name: name, Type: kind, Nullable: true}}, nil)
		w := ipc.NewWriter(&out, ipc.WithSchema(schema))
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		b.Field(0).AppendNull()
		if err := w.Write(b.NewRecordBatch()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	whole := map[string]string{}
	for _, name := range arrowFiles {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = string(content)
	}
	for _, test := range []struct{ name, content, want string }{
		{"list", stream("x", arrow.ListOf(arrow.PrimitiveTypes.Int8)), "no column holds anything that can be read"},
		{"nulls", stream("x", arrow.Null), "no column holds anything that can be read"},
		{"cut file", whole["plain.arrow"][:2400], ":5: damaged Arrow data: "},
		{"cut stream", whole["stream.arrows"][:2800], ":5: damaged Arrow data: "},
		{"schema alone", whole["stream.arrows"][:600], "damaged Arrow data: "},
		{"magic alone", "ARROW1\x00\x00", "damaged Arrow data: "},
		{"version 1", "FEA1\x00\x00\x00\x00", "a Feather file of version 1"},
		{"long message", "\xff\xff\xff\xff\xff\xff\xff\x7fxxxx", "damaged Arrow data: "},
	} {
		o := DefaultOptions()
		o.Missing = MissingZero
		if _, err := Read(t.Context(), []string{writeFile(t, "x", test.content)}, o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzReadArrow(f *testing.F) {
	for _, name := range append(arrowFiles, polarsFile) {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		checkRead(t, input, "")
		checkRead(t, input, table.Arrow)
		checkRead(t, input, table.ArrowStream)
	})
}

// Damaged files, whatever lengths they claim, are errors or tables, and take little memory.
func TestDamagedTables(t *testing.T) {
	const most = 1 << 31 // bytes allocated for any of them
	const n = 60
	for _, name := range slices.Concat(arrowFiles, parquetFiles, []string{polarsFile}) {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, uint64(len(content))))
		for range n {
			damaged := slices.Clone(content)
			for range 1 + random.IntN(3) {
				at := random.IntN(len(damaged) - 5)
				copy(damaged[at:at+1+random.IntN(5)], [][]byte{{0xff, 0xff, 0xff, 0xff, 0x07}, {0xff, 0xff, 0xff, 0x7f, 0}, {byte(random.IntN(256)), 0x80, 0x80, 0x80, 0x08}}[random.IntN(3)])
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			checkRead(t, damaged, "")
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > most {
				t.Errorf("%s: %d bytes allocated", name, after.TotalAlloc-before.TotalAlloc)
			}
		}
	}
}

// TestDurations reads lengths of time of Parquet, which are seconds whatever their unit, and writes them behind those of other formats.
func TestDurations(t *testing.T) {
	o := DefaultOptions()
	o.Missing = MissingZero
	d, err := Read(t.Context(), []string{"testdata/durations.parquet"}, o)
	if err != nil || fmt.Sprint(d.Features, d.X, d.TimeColumn, d.Time, d.Seconds) != "[rr] [0.8 0.812 0 0.79 0.805 0.811]elapsed[0 0.25 0.5 0.75 1 1.25] true" {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, f := range []table.Format{table.CSV, table.Parquet, table.Arrow} {
		path := filepath.Join(t.TempDir(), "out."+string(f))
		answerAll(t, "testdata/durations.parquet", o, func(r *Reader) (*Writer, error) { return Create(path, f, r, zeroOrOne) })
		again, err := Read(t.Context(), []string{path}, o)
		if err != nil || fmt.Sprint(again.Features, again.X, again.Time) != fmt.Sprint(d.Features, d.X, d.Time) {
			t.Errorf("%s: %+v, %v", f, again, err)
		}
	}
}

// What is in structs are columns as in JSON's objects, and runs are their values; where batches end changes nothing.
func TestStructsAndRuns(t *testing.T) {
	number, word := arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String
	mode := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: word}
	fields := []arrow.Field{
		field("time", number),
		field("v", arrow.StructOf(field("x", number), field("w", arrow.StructOf(field("y", number), field("mode", mode))))),
		field("label", word),
	}
	var rows []string
	for i := range 60 {
		v := fmt.Sprintf(`{"x":%d,"w":{"y":%d.5,"mode":"m%d"}}`, i%7, i%5, i%2)
		if i%9 == 8 {
			v = "null"
		}
		rows = append(rows, fmt.Sprintf(`{"time":%d.25,"v":%s,"label":"l%d"}`, i, v, i/20%2))
	}
	list := "[" + strings.Join(rows, ",") + "]"
	files := []string{writeFile(t, "a.jsonl", strings.Join(rows, "\n")), writeTable(t, fields, list)}
	ends := tableOf(t, []arrow.Field{field("end", arrow.PrimitiveTypes.Int32)}, `[{"end":20},{"end":40},{"end":60}]`).Column(0)
	runs := array.NewRunEndEncodedArray(ends, tableOf(t, fields[2:], `[{"label":"l0"},{"label":"l1"},{"label":"l0"}]`).Column(0), 60, 0)
	encoded := arrow.NewSchema([]arrow.Field{fields[0], fields[1], field("label", runs.DataType())}, nil)
	plain := tableOf(t, fields, list)
	whole := array.NewRecordBatch(encoded, []arrow.Array{plain.Column(0), plain.Column(1), runs}, 60)
	for _, most := range []int64{60, 7, 1} {
		var stream bytes.Buffer
		w := ipc.NewWriter(&stream, ipc.WithSchema(encoded))
		for from := int64(0); from < 60; from += most {
			if err := w.Write(whole.NewSlice(from, min(from+most, 60))); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, writeFile(t, fmt.Sprint(most, ".arrows"), stream.String()))
	}
	want := ""
	for _, file := range files {
		o := DefaultOptions()
		o.Missing = MissingZero
		d, err := Read(t.Context(), []string{file}, o)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		got := strings.ReplaceAll(fmt.Sprint(d.Features, d.TimeColumn, d.X, d.Time, d.Classes, d.Labels, d.Warnings), file, "FILE")
		if want == "" {
			want = got
		}
		if got != want || !strings.HasPrefix(got, "[v.x v.w.y]time[0 0.5 1 1.5") {
			t.Errorf("%s: %s\nwant %s", file, got, want)
		}
	}
}
