package series

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func TestMaxGap(t *testing.T) {
	const stamps = "t,a,label\n2024-01-01 10:00,1,0\n2024-01-01 10:05,2,1\n2024-01-01T10:10:01Z,3,0\n2024-01-01 10:11,4,0\n2024-01-02,5,1\n"
	const two = "s,t,a,label\nu,1,1,0\nv,1,2,1\nu,2,,0\nu,9,,1\nv,2.5,5,0\nu,10,6,0\nv,9,7,0\n"
	tests := []struct {
		name, text string
		options    Options
		series     string
		x          []float32
	}{
		{"timestamps", stamps, Options{MaxGap: "5m"}, "in 2, in (2) 2, in (3) 1", []float32{1, 2, 3, 4, 5}},
		{"none is that long", stamps, Options{MaxGap: "20h"}, "in 5", []float32{1, 2, 3, 4, 5}},
		{"none", stamps, Options{MaxGap: "0"}, "in 5", []float32{1, 2, 3, 4, 5}},
		{"milliseconds", "t,a,label\n1700000000000,1,0\n1700000001000,2,0\n1700000002001,3,1\n", Options{MaxGap: "1000"}, "in 2, in (2) 1", []float32{1, 2, 3}},
		{"time goes back", "t,a,label\n5,1,0\n6,2,0\n5,3,1\n7,4,1\n", Options{MaxGap: "10"}, "in 2, in (2) 2", []float32{1, 2, 3, 4}},
		{"each series has its own", two, Options{Series: "s", MaxGap: "6.5"}, "u 2, v 3, u (2) 2", []float32{1, 0, 2, 5, 7, 0, 6}},
		{"nothing is carried over", two, Options{Series: "s", MaxGap: "2", Missing: MissingForward}, "u 2, v 2, u (2) 2, v (2) 1", []float32{1, 1, 2, 5, float32(math.NaN()), 6, 7}},
		{"rows that are left out have a time", two, Options{Series: "s", MaxGap: "6.5", Missing: MissingDrop}, "u 1, v 3, u (2) 1", []float32{1, 2, 5, 7, 6}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := test.options
			o.Label, o.Time, o.Features = "label", "t", []string{"a"}
			if o.Missing == "" {
				o.Missing = MissingZero
			}
			d, err := readText(test.text, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range d.Series {
				got = append(got, fmt.Sprintf("%s %d", strings.Replace(s.Name, "standard input", "in", 1), s.Len()))
			}
			if strings.Join(got, ", ") != test.series {
				t.Errorf("series %v, want %s", got, test.series)
			}
			if same := func(a, b float32) bool { return a == b || a != a && b != b }; !slices.EqualFunc(d.X, test.x, same) {
				t.Errorf("X %v, want %v", d.X, test.x)
			}
		})
	}
}

// A row at fault begins no series, and what ends is told where rows arrive one by one.
func TestMaxGapOfAStream(t *testing.T) {
	const text = "t,x\n1,1\n99,high\n3,2\n99,3\n"
	o := Options{Features: []string{"x"}, Time: "t", MaxGap: "10", Missing: MissingError, LabelOptional: true, Skip: func(*table.Error) {}}
	for _, follow := range []bool{false, true} {
		o.Follow = follow
		r, err := open(context.Background(), table.Stdin, strings.NewReader(text), o, newRoster(MaxOpen))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var numbers, ended []int32
		var begun []Begun
		for c := new(Chunk); ; {
			if err := r.Next(c); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			numbers, begun, ended = append(numbers, c.Series...), append(begun, c.Begun...), append(ended, c.Ended...)
		}
		if !slices.Equal(numbers, []int32{0, 0, 1}) || !slices.Equal(begun, []Begun{{0, "standard input", "", "standard input"}, {1, "standard input" + " (2)", "", "standard input"}}) || !slices.Equal(ended, []int32{0}) {
			t.Errorf("series %v, begun %v, ended %v", numbers, begun, ended)
		}
		if w := fmt.Sprint(r.Warnings()); !strings.Contains(w, `standard input: column "t": a new series begins at each gap of more than 10 (1 in all)`) {
			t.Error(w)
		}
	}
}

// A series that has been cut makes room for others as one.
func TestMaxGapOfBoundedSeries(t *testing.T) {
	const text = "id,t,x\na,1,1\na,50,1\nb,1,1\nc,1,1\na,51,1\n"
	o := Options{Features: []string{"x"}, Series: "id", Time: "t", MaxGap: "10", Missing: MissingError, LabelOptional: true}
	r, err := open(context.Background(), table.Stdin, strings.NewReader(text), o, newRoster(2))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := new(Chunk)
	if err := r.Next(c); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Series, []int32{0, 1, 2, 3, 4}) || !slices.Equal(c.Ended, []int32{0, 1, 2}) || len(r.roster.series) != 2 {
		t.Errorf("series %v, ended %v", c.Series, c.Ended)
	}
}

func TestMaxGapErrors(t *testing.T) {
	numbers, stamps := "t,a,label\n1,1,0\n", "t,a,label\n2024-01-01,1,0\n"
	for _, test := range []struct{ text, gap, time, want string }{
		{numbers, "5m", "t", `standard input:2: column "t": Options.MaxGap is a duration, and times are numbers`},
		{stamps, "300", "t", `standard input:2: column "t": Options.MaxGap is a number, and times are timestamps`},
		{numbers, "5", "", "Options.MaxGap 5 needs Options.Time"},
		{numbers, "-5", "t", "Options.MaxGap must be a duration such as 90s, 5m or 36h"},
		{numbers, "NaN", "t", "Options.MaxGap must be"},
		{numbers, "soon", "t", "Options.MaxGap must be"},
	} {
		_, err := readText(test.text, Options{Label: "label", Time: test.time, MaxGap: test.gap, Missing: MissingError, Skip: func(*table.Error) {}})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.gap, err, test.want)
		}
	}
}

// Holes are noted where no gap is asked for, once and with the first.
func TestHoles(t *testing.T) {
	rows := func(n int, steps ...float64) string {
		var text strings.Builder
		text.WriteString("t,a,label\n")
		at := 0.
		for i := range n {
			fmt.Fprintf(&text, "%v,%d,%d\n", at, i*i%7, i%2)
			at += .5 * float64(i%2) // two rows have each time
			if i >= 20 && i%20 == 0 && i/20 <= len(steps) {
				at += steps[i/20-1]
			}
		}
		return text.String()
	}
	for _, test := range []struct{ name, text, want string }{
		{"none", rows(100), ""},
		{"long steps, but no holes", rows(100, 4, 4.5), ""},
		{"two", rows(100, 5.5, 1, 30), `standard input:23: column "t": time jumps by more than 10 times its usual step of 0.5 (2 in all); with Options.MaxGap`},
		{"far behind", rows(3000, slices.Concat(make([]float64, 140), []float64{50})...), `standard input:2823: column "t": time jumps`},
		{"too few rows to tell", "t,a,label\n1,1,0\n2,1,1\n100,1,0\n", ""},
	} {
		o := Options{Label: "label", Time: "t", Features: []string{"a"}, Missing: MissingError}
		d, err := readText(test.text, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(d.Warnings); (test.want == "") != (got == "[]") || !strings.HasPrefix(got, "["+test.want) {
			t.Errorf("%s: %s, want %q", test.name, got, test.want)
		}
		o.MaxGap = "1000"
		if d, err := readText(test.text, o); err != nil || len(d.Warnings) > 0 {
			t.Errorf("%s: %v, %v", test.name, d, err)
		}
	}
}

// Errors have the file's own text of a time.
func TestTimeGoesBack(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"2024-01-01 10:00\n2024-01-01T11:59:00+02:00\n", "from 2024-01-01 10:00 to 2024-01-01T11:59:00+02:00"},
		{"2024-02-01\n2024-01-31\n", "from 2024-02-01 to 2024-01-31"},
		{"1700000000500\n1700000000400\n", "from 1700000000500 to 1700000000400"},
		{"0.3\n2e-1\n", "from 0.3 to 2e-1"},
	} {
		_, err := readText("t,a,label\n"+strings.ReplaceAll(test.text, "\n", ",1,0\n"), Options{Label: "label", Time: "t", Missing: MissingError})
		if err == nil || !strings.Contains(err.Error(), `standard input:3: column "t": time goes back in series "standard input": `) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// A run has one kind of time.
func TestKindsOfTime(t *testing.T) {
	o := Options{Label: "label", Time: "t", Missing: MissingError}
	for want, text := range map[string]string{
		`standard input:3: column "t": "12" is a number, and other times are timestamps`:                   "2024-02-01\n12\n",
		`standard input:3: column "t": "2024-02-01T00:00:00Z" is a timestamp, and other times are numbers`: "12\n2024-02-01T00:00:00Z\n",
	} {
		if _, err := readText("t,a,label\n"+strings.ReplaceAll(text, "\n", ",1,0\n"), o); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	files := []string{writeFile(t, "a.csv", "t,a,label\n1,1,0\n"), writeFile(t, "b.csv", "t,a,label\n2024-02-01,1,1\n")}
	if _, err := Read(t.Context(), files, o); err == nil || !strings.Contains(err.Error(), "times are timestamps in some files and numbers in others") {
		t.Error(err)
	}
}

// Dates and timestamps of Parquet are times, and keep their text.
func TestParquetTimes(t *testing.T) {
	fields := []arrow.Field{
		field("day", arrow.FixedWidthTypes.Date32),
		field("at", &arrow.TimestampType{Unit: arrow.Microsecond}),
		field("time", &arrow.TimestampType{Unit: arrow.Millisecond}),
		field("x", arrow.PrimitiveTypes.Float64),
	}
	start := time.Date(2024, 2, 28, 23, 59, 59, 250e6, time.UTC)
	write := func(at ...int) string {
		var rows []string
		for i, d := range at {
			now := start.Add(time.Duration(d) * time.Second)
			rows = append(rows, fmt.Sprintf(`{"day":%q,"at":%q,"time":%[2]q,"x":%d}`, now.Format(time.DateOnly), now.Format("2006-01-02T15:04:05.999"), i))
		}
		return writeTable(t, fields, "["+strings.Join(rows, ",")+"]")
	}
	o := Options{LabelOptional: true, Missing: MissingError}
	path := write(0, 1, 100_000)
	d, err := Read(t.Context(), []string{path}, o)
	if err != nil || !slices.Equal(d.Features, []string{"x"}) || d.TimeColumn != "time" {
		t.Fatalf("%v, %v", d, err)
	}
	for _, column := range []string{"day", "at"} {
		if want := fmt.Sprintf("%s: column %q: holds times, so not a feature (Options.Time %s", path, column, column); !strings.Contains(fmt.Sprint(d.Warnings), want) {
			t.Errorf("warnings %v, want %q", d.Warnings, want)
		}
		with := o
		with.Features = []string{column}
		if _, err := Read(t.Context(), []string{path}, with); err == nil || !strings.Contains(err.Error(), "holds times") {
			t.Errorf("as a feature: error %v", err)
		}
		with.Features, with.Time, with.MaxGap = nil, column, "25h"
		if d, err := Read(t.Context(), []string{path}, with); err != nil || len(d.Series) != map[string]int{"day": 1, "at": 2}[column] {
			t.Errorf("as the time: %v, %v", d, err)
		}
	}
	back := write(100_000, 1)
	for column, want := range map[string]string{"day": "from 2024-03-01 to 2024-02-29", "at": "from 2024-03-01T03:46:39.25Z to 2024-02-29T00:00:00.25Z"} {
		with := o
		with.Time = column
		if _, err := Read(t.Context(), []string{back}, with); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	var out bytes.Buffer
	answerAll(t, path, o, func(r *Reader) (*Writer, error) { return NewWriter(&out, table.CSV, r, zeroOrOne) })
	if want := "\n2024-02-29,2024-02-29T00:00:00.25,"; !strings.Contains(out.String(), want) {
		t.Errorf("written is %s", &out)
	}
}

// A file whose rows are further apart than those of the one before, or of the model, is told, unless something makes up for it.
func TestRowsFurtherApart(t *testing.T) {
	every := func(step float64) string {
		return writeFile(t, "a.csv", lines("time,a,label", 60, func(i int) string { return fmt.Sprintf("%g,%d,%d", step*float64(i), i%7, i/8%2) }))
	}
	const want = "a.csv: column \"time\": rows are usually 0.5 apart, and those of the model, or of files before, 0.1"
	for _, test := range []struct {
		steps  []float64
		change func(*Options)
		want   string
	}{
		{[]float64{0.1, 0.5}, func(*Options) {}, want},
		{[]float64{0.5}, func(o *Options) { o.TimeStep = 0.1 }, want},
		{[]float64{0.1, 0.11}, func(*Options) {}, ""},
		{[]float64{0.5}, func(o *Options) { o.TimeStep, o.Elapsed, o.Time = 0.1, true, "time" }, ""},
	} {
		var paths []string
		for _, step := range test.steps {
			paths = append(paths, every(step))
		}
		o := DefaultOptions()
		test.change(&o)
		d, err := Read(t.Context(), paths, o)
		if err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprint(d.Warnings); !strings.Contains(all, test.want) || test.want == "" && strings.Contains(all, "apart") {
			t.Errorf("%v: warnings %s, not %s", test.steps, all, test.want)
		}
		if first := test.steps[0]; o.TimeStep == 0 && math.Abs(d.TimeStep-first) > 1e-9 {
			t.Errorf("%v: the usual step is %v", test.steps, d.TimeStep)
		}
	}
}
