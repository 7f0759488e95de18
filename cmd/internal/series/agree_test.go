package series

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// agreeing are columns of every type: what a row has, as JSON.
var agreeing = []struct {
	field arrow.Field
	value func(r *rand.Rand, i int) string
}{
	{field("x", arrow.PrimitiveTypes.Float64), func(r *rand.Rand, _ int) string { return fmt.Sprintf("%.3f", r.NormFloat64()) }},
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
	{field("note", arrow.BinaryTypes.String), func(r *rand.Rand, _ int) string { return []string{`"a"`, `"b c"`, `"d"`, "null"}[r.IntN(4)] }},
	{field("typed", arrow.BinaryTypes.String), func(r *rand.Rand, i int) string { return []string{`"1.5"`, `"2"`, `"?"`}[min(i%40, 1)+i%40/39] }},
	{field("machine", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string { return []string{`"a"`, `"b"`}[i%2] }},
	{field("label", arrow.BinaryTypes.String), func(_ *rand.Rand, i int) string { return []string{`"ok"`, `"hot"`}[i/7%2] }},
}

// A column means the same in every format: the same data, guess and error, but for where it is.
func TestFormatsAgree(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		columns := slices.Clone(agreeing[:len(agreeing)-1])
		r.Shuffle(len(columns), func(i, k int) { columns[i], columns[k] = columns[k], columns[i] })
		columns = append(columns[:1+r.IntN(6)], agreeing[len(agreeing)-1])
		var names, objects, rows []string
		var fields []arrow.Field
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
			objects, rows = append(objects, "{"+strings.Join(object, ",")+"}"), append(rows, strings.Join(row, ","))
		}
		table := strings.Join(names, ",") + "\n" + strings.Join(rows, "\n")
		batch := tableOf(t, fields, "["+strings.Join(objects, ",")+"]")
		var stream bytes.Buffer
		w := ipc.NewWriter(&stream, ipc.WithSchema(batch.Schema()))
		if err := w.Write(batch); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		var first string
		for i, path := range []string{
			writeFile(t, "x.csv", table), writeFile(t, "x.tsv", strings.ReplaceAll(table, ",", "\t")), writeFile(t, "x.jsonl", strings.Join(objects, "\n")),
			writeTable(t, fields, "["+strings.Join(objects, ",")+"]"), writeFile(t, "x.arrows", stream.String()),
		} {
			o := DefaultOptions()
			o.Missing = MissingForward
			got := readAs(t, path, o)
			o.NAValues = []string{"?"}
			got += readAs(t, path, o)
			s, err := Look(t.Context(), []string{path}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%+v, %d rows, %d series", s.Guess, s.Rows, s.Series)
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
