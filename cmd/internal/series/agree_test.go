package series

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// agreeing are columns of every type: what a row has, as JSON.
var agreeing = []struct {
	field arrow.Field
	value func(r *rand.Rand, i int) string
}{
	{field("x", arrow.PrimitiveTypes.Float64), func(r *rand.Rand, _ int) string { return fmt.Sprint(math.Round(1000*r.NormFloat64())/1000 + 0) }},
	{field("holey", arrow.PrimitiveTypes.Float64), func(r *rand.Rand, _ int) string { return []string{"null", "1.5", "-2"}[r.IntN(3)] }},
	{field("n", arrow.PrimitiveTypes.Int64), func(r *rand.Rand, _ int) string { return fmt.Sprint(r.IntN(1000)) }},
	{field("on", arrow.FixedWidthTypes.Boolean), func(r *rand.Rand, _ int) string { return fmt.Sprint(r.IntN(2) == 0) }},
	{field("far", arrow.PrimitiveTypes.Int64), func(_ *rand.Rand, i int) string { return fmt.Sprint(3_000_000_000 + 7*i%50) }},
	{field("row", arrow.PrimitiveTypes.Int64), func(_ *rand.Rand, i int) string { return fmt.Sprint(5 + i) }},
	{field("epoch", arrow.PrimitiveTypes.Int64), func(_ *rand.Rand, i int) string { return fmt.Sprint(1_700_000_000 + 3*i + i%2) }},
	{field("down", arrow.PrimitiveTypes.Int64), func(_ *rand.Rand, i int) string { return fmt.Sprint(1_700_000_000 - 3*i) }},
	{field("at", &arrow.TimestampType{Unit: arrow.Second}), func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("%q", time.Unix(int64(1_700_000_000+60*i), 0).UTC().Format("2006-01-02T15:04:05"))
	}},
	{field("lacking", &arrow.TimestampType{Unit: arrow.Second}), func(_ *rand.Rand, i int) string {
		if i == 7 {
			return "null"
		}
		return fmt.Sprintf("%q", time.Unix(int64(1_700_000_000+60*i), 0).UTC().Format("2006-01-02T15:04:05"))
	}},
	{field("note", arrow.BinaryTypes.String), func(r *rand.Rand, _ int) string { return []string{`"a"`, `"b c"`, `"d"`, "null"}[r.IntN(4)] }},
	{field("typed", arrow.BinaryTypes.String), func(r *rand.Rand, i int) string { return []string{`"1.5"`, `"2"`, `"?"`}[min(i%40, 1)+i%40/39] }},
	{field("comma", arrow.BinaryTypes.String), func(r *rand.Rand, _ int) string { return []string{`"1,5"`, `"-0,25"`, `"3"`}[r.IntN(3)] }},
	{field("faulty", arrow.BinaryTypes.String), func(r *rand.Rand, i int) string {
		return []string{`"7"`, `"-1e39"`, `"7x"`, "null"}[[]int{0, 1, 2, 3, 0}[i%30/6]*(i%6/5)]
	}},
	{field("machine", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string { return []string{`"a"`, `"b"`}[i%2] }},
	{field("zoned", &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}), func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("%q", time.Unix(int64(1_700_000_000+90*i), 0).UTC().Format(time.RFC3339))
	}},
	{field("date", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("%q", time.Unix(int64(1_700_000_000+600*i), 0).UTC().Format("02.01.2006"))
	}},
	{field("clock", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("%q", time.Unix(int64(1_700_000_000+600*i), 0).UTC().Format("15:04:05"))
	}},
	{field("day", arrow.PrimitiveTypes.Int64), func(_ *rand.Rand, i int) string {
		return time.Unix(int64(1_700_000_000+43_200*i), 0).UTC().Format("20060102")
	}},
	{field("lap", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string { return fmt.Sprintf(`"%d:%02d.5"`, i/3, i%3*20) }},
	{field("volts", arrow.BinaryTypes.String), func(r *rand.Rand, _ int) string { return []string{`"1.5 V"`, `"-2 V"`, "null"}[r.IntN(3)] }},
	{field("mode", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}), func(r *rand.Rand, _ int) string {
		return []string{`"idle"`, `"busy"`, `"off"`, "null"}[r.IntN(4)]
	}},
	{field("level", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Float64}), func(r *rand.Rand, _ int) string {
		return []string{"0.5", "2", "null"}[r.IntN(3)]
	}},
	{field("label", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string { return []string{`"ok"`, `"hot"`}[i/7%2] }},
}

// A column means the same in every format: the same data, guess and error, but for where it is.
func TestFormatsAgree(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		columns := slices.Clone(agreeing[:len(agreeing)-1])
		r.Shuffle(len(columns), func(i, k int) { columns[i], columns[k] = columns[k], columns[i] })
		columns = append(columns[:1+r.IntN(9)], agreeing[len(agreeing)-1])
		var names, objects []string
		var fields []arrow.Field
		var values [][]string
		for _, c := range columns {
			names, fields = append(names, c.field.Name), append(fields, c.field)
		}
		for i := range 120 {
			var object, row []string
			for _, c := range columns {
				v := c.value(r, i)
				object = append(object, fmt.Sprintf("%q:%s", c.field.Name, v))
				row = append(row, strings.TrimPrefix(strings.Trim(v, `"`), "null"))
			}
			objects, values = append(objects, "{"+strings.Join(object, ",")+"}"), append(values, row)
		}
		separated := func(comma rune) string {
			var text strings.Builder
			w := csv.NewWriter(&text)
			w.Comma = comma
			w.WriteAll(append([][]string{names}, values...))
			return text.String()
		}
		batch := tableOf(t, fields, "["+strings.Join(objects, ",")+"]")
		var stream bytes.Buffer
		w := ipc.NewWriter(&stream, ipc.WithSchema(batch.Schema()))
		if err := w.Write(batch); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		var first string
		for i, path := range []string{
			writeFile(t, "x.csv", separated(',')), writeFile(t, "x.tsv", separated('\t')), writeFile(t, "x.jsonl", strings.Join(objects, "\n")),
			writeTable(t, fields, "["+strings.Join(objects, ",")+"]"), writeFile(t, "x.arrows", stream.String()),
		} {
			o := DefaultOptions()
			o.Missing = MissingForward
			got := readAs(t, path, o)
			o.NAValues = []string{"?"}
			got += readAs(t, path, o) + answeredAs(t, path, o)
			s, err := Look(t.Context(), []string{path}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%+v, %d rows, %d series", s.Guess, s.Rows, s.Series)
			got = strings.ReplaceAll(got, path, "FILE")
			if first == "" {
				first = got
			}
			if got != first {
				t.Fatalf("seed %d, format %d, columns %v\n%s\nas CSV it is\n%s", seed, i, names, got, first)
			}
		}
	}
}

// readAs is what comes of reading a file, without its name and lines.
func readAs(t *testing.T, path string, o Options) string {
	t.Helper()
	d, err := Read(t.Context(), []string{path}, o)
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), ": ")
		return text
	}
	var text []string
	for _, w := range d.Warnings {
		text = append(text, w.Text)
	}
	return fmt.Sprint(d.Features, d.X, d.Labels, d.Classes, d.TimeColumn, d.Time, d.Stamps, text)
}

// answeredAs is the answers to the rows of a file as CSV, and which rows are at fault.
func answeredAs(t *testing.T, path string, o Options) string {
	t.Helper()
	var out bytes.Buffer
	header := 0
	if ext := filepath.Ext(path); ext == ".csv" || ext == ".tsv" {
		header = 1
	}
	o.LabelOptional, o.Classes = true, []string{"ok", "hot"}
	o.Skip = func(e *table.Error) { fmt.Fprintln(&out, e.Line-header, e.Column, e.Err) }
	r, err := Open(t.Context(), path, o)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	w, err := NewWriter(&out, table.CSV, r, zeroOrOne)
	if err != nil {
		t.Fatal(err)
	}
	c := new(Chunk)
	for err = r.Next(c); err == nil; err = r.Next(c) {
		if err := w.Write(c, make([]float32, 2*c.Rows()), make([]int16, c.Rows())); err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || err != io.EOF {
		fmt.Fprintln(&out, err)
	}
	return strings.NewReplacer(`"1,5"`, "1.5", `"-0,25"`, "-0.25").Replace(out.String()) // which CSV keeps
}
