package series

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/cmd/internal/table/tabletest"
)

// checkRead reads input as format and checks what must hold of any file: no
// panic, and either an error that says something or columns that fit together.
func checkRead(t *testing.T, input []byte, format table.Format) {
	o := Options{Label: "label", LabelOptional: true, Missing: MissingForward, Format: format}
	checkReadWith(t, input, o)
	checkLook(t, input, o)
	if o.Format != table.JSONL && o.Format.ByRow() {
		o.NoHeader = true
		checkReadWith(t, input, o)
	}
}

// checkLook checks that what Look suggests can be read.
func checkLook(t *testing.T, input []byte, o Options) {
	s, err := look(context.Background(), []string{table.Stdin}, bytes.NewReader(input), o)
	if err != nil || s.Guess.Label == "" || len(s.Guess.Features) == 0 || s.Unreadable > 0 {
		return
	}
	g := s.Guess
	o = Options{Label: g.Label, Series: g.Series, Time: g.Time, Exclude: g.Exclude, NAValues: g.NAValues, Classes: g.Classes, Missing: cmp.Or(g.Missing, MissingError), Format: o.Format}
	d, err := read(context.Background(), []string{table.Stdin}, bytes.NewReader(input), o)
	if err != nil {
		t.Fatalf("%+v: %v", g, err)
	}
	if !slices.Equal(d.Features, g.Features) || d.Input != s.Rows {
		t.Errorf("features %q and %d rows, looked like %q and %d", d.Features, d.Input, g.Features, s.Rows)
	}
}

func checkReadWith(t *testing.T, input []byte, o Options) {
	d, err := read(context.Background(), []string{table.Stdin}, bytes.NewReader(input), o)
	if err != nil {
		if err.Error() == "" {
			t.Error("an error without words")
		}
		return
	}
	n := d.Len()
	if n == 0 || len(d.Features) == 0 || len(d.X) != n*len(d.Features) || d.Labels != nil && len(d.Labels) != n || d.Input != n {
		t.Errorf("%d rows of %d, %d features, %d values, %d labels", n, d.Input, len(d.Features), len(d.X), len(d.Labels))
	}
	for _, class := range d.Labels {
		if class < Unlabelled || int(class) >= len(d.Classes) {
			t.Errorf("class %d of %q", class, d.Classes)
		}
	}
	for _, x := range d.X {
		if math.IsInf(float64(x), 0) {
			t.Error("an infinite feature")
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, s := range tabletest.CSVSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		checkRead(t, input, table.CSV)
		checkRead(t, input, table.TSV)
	})
}

func FuzzReadJSONL(f *testing.F) {
	for _, s := range []string{
		"{\"a\":1,\"label\":0}\n{\"label\":true,\"a\":null}\n",
		"{\"a\":{\"b\":[1]},\"c\":\"\\u0031\"}",
		"{}\n",
		"{\"a\":1}\n{\"a\":1,\"a\":2}",
		"[1]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, table.JSONL) })
}

func FuzzReadParquet(f *testing.F) {
	for _, path := range []string{writeSensors(f), "testdata/durations.parquet"} {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, table.Parquet) })
}

func FuzzReadCompressed(f *testing.F) {
	for _, s := range tabletest.CSVSeeds {
		f.Add([]byte(compress(f, table.Gzip, s)))
		f.Add([]byte(compress(f, table.Zstd, s)))
	}
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, "") })
}

// FuzzDecimalMark checks that what has marks is a number, once they are what its column has.
func FuzzDecimalMark(f *testing.F) {
	for _, s := range []string{"1,5", "-,5e-3", "1.5", "+1,", ",", "1,250,500", "1.250,5", "1.250", "1.250.5", "0.250", "1.250e3", "0x1,8", "1,5e", "1_0,5", " 1,5 ", "\u22121,5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		isNumber := func(text string) bool {
			_, err := table.ParseFloat([]byte(text), 64)
			return err == nil || errors.Is(err, strconv.ErrRange)
		}
		s := table.ShapeOf([]byte(text))
		if plain := !strings.ContainsAny(strings.ToLower(text), "xpin_"); s == table.NoMarks && plain && strings.ContainsAny(text, ".,") && isNumber(strings.ReplaceAll(text, ",", ".")) {
			t.Errorf("%q has no marks", text)
		}
		for _, mark := range []byte(".,?") {
			v, m := value{text: []byte(text)}, decimals{marks: []byte{mark}}
			m.read(&v, 1, 0)
			odd := mark == '?' || s == table.DecimalPoint && mark == ',' || s == table.DecimalComma && mark == '.'
			switch {
			case s == table.NoMarks && string(v.text) != text, s != table.NoMarks && odd != (v.kind == oddKind):
				t.Errorf("%q with %c becomes %+v", text, mark, v)
			case s != table.NoMarks && !odd && !isNumber(string(v.text)):
				t.Errorf("%q with %c becomes %q", text, mark, v.text)
			}
		}
	})
}
