package series

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// faulty is a file of series a and b with rows that are at fault, in lines 4, 5, 7, 8 and 9
// (in Parquet rows 3, 4, 6, 7, 8): time goes back, text, too large, no series, text. Row 10 is only in order if row 9, with a later time, has left no mark.
func faulty(t *testing.T, format table.Format) (path string, header int) {
	t.Helper()
	type row struct {
		ID string `json:"id"`
		T  int    `json:"t"`
		X  string `json:"x"`
	}
	rows := []row{
		{"a", 1, "1"}, {"b", 1, "2"}, {"a", 0, "3"}, {"b", 2, "high"}, {"a", 2, "4"},
		{"b", 2, "1e39"}, {"", 3, "5"}, {"a", 99, "low"}, {"a", 3, "6"}, {"b", 3, "7"},
	}
	switch format {
	case table.Parquet:
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		fields := []arrow.Field{field("id", arrow.BinaryTypes.String), field("t", arrow.PrimitiveTypes.Int64), field("x", arrow.BinaryTypes.String)}
		return writeTable(t, fields, string(text)), 0
	case table.JSONL:
		text := ""
		for _, r := range rows {
			text += fmt.Sprintf("{\"id\":%q,\"t\":%d,\"x\":%q}\n", r.ID, r.T, r.X)
		}
		return writeFile(t, "x.jsonl", text), 0
	}
	text := "id,t,x\n"
	for _, r := range rows {
		text += fmt.Sprintf("%s,%d,%s\n", r.ID, r.T, r.X)
	}
	return writeFile(t, "x.csv", text), 1
}

func faultyOptions() Options {
	return Options{Features: []string{"x"}, Series: "id", Time: "t", Missing: MissingForward, LabelOptional: true}
}

// drain reads to the end and returns all features, and the error if it is not io.EOF.
func drain(t *testing.T, r *Reader) (x []float32, err error) {
	t.Helper()
	for c := new(Chunk); ; {
		err := r.Next(c)
		if err == io.EOF {
			return x, nil
		}
		if err != nil {
			if again := r.Next(c); again == nil || again.Error() != err.Error() {
				t.Errorf("the error does not stay: %v, then %v", err, again)
			}
			return x, err
		}
		x = append(x, c.X...)
	}
}

func TestRowsBeforeAFaultAreHandedOver(t *testing.T) {
	for _, format := range []table.Format{table.CSV, table.JSONL, table.Parquet} {
		for _, follow := range []bool{false, true} {
			path, header := faulty(t, format)
			o := faultyOptions()
			o.Follow = follow
			r, err := Open(context.Background(), path, o)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			x, err := drain(t, r)
			if want := fmt.Sprintf("%s:%d: column %q: time goes back", path, 3+header, "t"); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: error %v", format, err)
			}
			if !slices.Equal(x, []float32{1, 2}) {
				t.Errorf("%s: before it come %v", format, x)
			}
		}
	}
}

func TestRowsAtFaultAreSkipped(t *testing.T) {
	for _, format := range []table.Format{table.CSV, table.JSONL, table.Parquet} {
		path, header := faulty(t, format)
		var faults []string
		o := faultyOptions()
		o.Skip = func(err *table.Error) { faults = append(faults, fmt.Sprintf("%d %s", err.Line-header, err.Column)) }
		r, err := Open(context.Background(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		x, err := drain(t, r)
		if want := []float32{1, 2, 4, 6, 7}; err != nil || !slices.Equal(x, want) {
			t.Errorf("%s: %v, %v", format, x, err)
		}
		if want := []string{"3 t", "4 x", "6 x", "7 id", "8 x"}; !slices.Equal(faults, want) {
			t.Errorf("%s: faults in %q, want %q", format, faults, want)
		}
	}
}

// Lines that are no rows are skipped, what hides where lines end is not.
func TestLinesAtFault(t *testing.T) {
	for _, test := range []struct {
		name, text, x string
		faults        string
		err           string
	}{
		{"x.csv", "x,y\n1,1\n2\n3,3,3\n4,\"4\"5\n\"5\",\n6\"\n7,7\n", "[1 5 7]", "[3 4 5 7]", ""},
		{"x.csv", "x,y\n1,1\n2\n3,\"3\n4,4\n", "[1]", "[3]", "x.csv:4: "},
		{"x.csv", "x\nhigh\n\nlow\n", "[]", "[2 4]", "none of the 2 rows can be used"},
		{"x.jsonl", "{\"x\":1}\nx\n{\"x\":2}\n[3]\n{\"x\":4,\"x\":4}\n{\"x\":[5]}\n{\"x\":6}", "[1 2 6]", "[2 4 5 6]", ""},
	} {
		var faults []int
		o := Options{Features: []string{"x"}, Missing: MissingError, LabelOptional: true, Skip: func(err *table.Error) { faults = append(faults, err.Line) }}
		r, err := Open(context.Background(), writeFile(t, test.name, test.text), o)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		x, err := drain(t, r)
		if got := fmt.Sprint(x); got != test.x {
			t.Errorf("%q: %s", test.text, got)
		}
		if got := fmt.Sprint(faults); got != test.faults {
			t.Errorf("%q: faults in %s", test.text, got)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: error %v", test.text, err)
		}
	}
}

// An object that brings a key of the answers' is not written with that key twice, and read
// twice it is at fault both times.
func TestKeysOfTheAnswers(t *testing.T) {
	const text = `{"x":1}` + "\n" + `{"x":2,"predicted_label":1}` + "\n" + `{"predicted_probability":0,"x":3}` + "\n" + `{"x":4,"more":5}` + "\n"
	path := writeFile(t, "x.jsonl", text)
	o := Options{LabelOptional: true, Features: []string{"x"}, Missing: MissingError, Twice: true}
	start := func(f table.Format) *Reader {
		r, err := Open(context.Background(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		if _, err := NewWriter(io.Discard, f, r, zeroOrOne); err != nil {
			t.Fatal(err)
		}
		return r
	}
	x, err := drain(t, start(""))
	if want := path + `:2: column "predicted_label": the first object has no such key`; err == nil || !strings.HasPrefix(err.Error(), want) || len(x) != 1 {
		t.Errorf("%v, %v", x, err)
	}
	if x, err := drain(t, start(table.CSV)); err != nil || len(x) != 4 {
		t.Errorf("to CSV: %v, %v", x, err)
	}
	var lines []int
	o.Skip = func(e *table.Error) { lines = append(lines, e.Line) }
	r := start("")
	again, err := r.Again()
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, r := range []*Reader{again, r} {
		if x, err := drain(t, r); err != nil || !slices.Equal(x, []float32{1, 4}) {
			t.Errorf("skipping: %v, %v", x, err)
		}
	}
	if !slices.Equal(lines, []int{2, 3}) {
		t.Errorf("lines %v are named", lines)
	}
}

// What a skipped row lacked does not count as filled.
func TestSkippedRowsAreNotCounted(t *testing.T) {
	o := Options{Features: []string{"x", "y"}, Missing: MissingZero, LabelOptional: true, Skip: func(*table.Error) {}}
	r, err := Open(context.Background(), writeFile(t, "x.csv", "x,y\n1,1\n,high\n,2\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := drain(t, r); err != nil {
		t.Fatal(err)
	}
	if w := r.Warnings(); len(w) != 1 || w[0].Text != "1 of 2 values are missing and filled (zero)" {
		t.Errorf("%v", w)
	}
}

// A series that has waited the longest ends for a new one, and begins anew.
func TestOpenSeriesAreBounded(t *testing.T) {
	const most = 3
	text := "id,t,x\n"
	for _, row := range []string{"a,5,1", "b,5,1", "a,6,1", "c,5,1", "d,5,1", "a,7,1", "b,1,1", "a,8,1", "d,6,1"} {
		text += row + "\n"
	}
	o := Options{Features: []string{"x"}, Series: "id", Time: "t", Missing: MissingError, LabelOptional: true, Follow: true}
	r, err := open(context.Background(), table.Stdin, strings.NewReader(text), o, newRoster(most))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var log bytes.Buffer
	for c := new(Chunk); ; {
		if err := r.Next(c); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&log, c.Series[0])
		for _, b := range c.Begun {
			fmt.Fprint(&log, "+", b.Name)
		}
		for _, e := range c.Ended {
			fmt.Fprint(&log, "-", e)
		}
		fmt.Fprint(&log, " ")
	}
	if got, want := log.String(), "0+a 1+b 0 2+c 3+d-1 0 4+b-2 0 3 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if w := r.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0].String(), `standard input: column "id": 2 series were ended as more than 3 were open`) {
		t.Errorf("%v", w)
	}
}

// A million series take no more memory than those that are open.
func TestAMillionSeries(t *testing.T) {
	const series = 1 << 20
	in, feed := io.Pipe()
	go func() {
		var text bytes.Buffer
		for i := range series {
			fmt.Fprintf(&text, "a series with a rather long name, %d\t1\n", i)
			if text.Len() > 1<<16 {
				text.WriteTo(feed)
			}
		}
		text.WriteTo(feed)
		feed.Close()
	}()
	o := Options{Features: []string{"x"}, Series: "id", Missing: MissingForward, LabelOptional: true, Format: table.TSV}
	r, err := open(context.Background(), table.Stdin, io.MultiReader(strings.NewReader("id\tx\n"), in), o, newRoster(MaxOpen))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	begun, ended, before := 0, 0, uint64(0)
	for c := new(Chunk); ; {
		if err := r.Next(c); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		begun, ended = begun+len(c.Begun), ended+len(c.Ended)
		if before == 0 && ended > 0 {
			before = heap()
		}
	}
	if begun != series || ended != series-MaxOpen || len(r.roster.series) != MaxOpen || r.roster.order.Len() != MaxOpen {
		t.Errorf("%d series began, %d ended, %d are open", begun, ended, len(r.roster.series))
	}
	if after := heap(); after > before+before/2 {
		t.Errorf("%d bytes, of them %d for the first %d series", after, before, MaxOpen)
	}
}
