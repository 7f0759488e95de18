package series

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// checkRead reads input as format and checks what must hold of any file: no
// panic, and either an error that says something or columns that fit together.
func checkRead(t *testing.T, input []byte, format Format) {
	o := Options{Label: "label", LabelOptional: true, Missing: MissingForward, Format: format}
	checkReadWith(t, input, o)
	checkLook(t, input, o)
	if o.Format != JSONL && !o.Format.typed() {
		o.NoHeader = true
		checkReadWith(t, input, o)
	}
}

// checkLook checks that what Look suggests can be read.
func checkLook(t *testing.T, input []byte, o Options) {
	s, err := look(context.Background(), []string{Stdin}, bytes.NewReader(input), o)
	if err != nil || s.Guess.Label == "" || len(s.Guess.Features) == 0 || s.Unreadable > 0 {
		return
	}
	g := s.Guess
	o = Options{Label: g.Label, Series: g.Series, Time: g.Time, Exclude: g.Exclude, NAValues: g.NAValues, Classes: g.Classes, Missing: cmp.Or(g.Missing, MissingError), Format: o.Format}
	d, err := read(context.Background(), []string{Stdin}, bytes.NewReader(input), o)
	if err != nil {
		t.Fatalf("%+v: %v", g, err)
	}
	if !slices.Equal(d.Features, g.Features) || d.Input != s.Rows {
		t.Errorf("features %q and %d rows, looked like %q and %d", d.Features, d.Input, g.Features, s.Rows)
	}
}

func checkReadWith(t *testing.T, input []byte, o Options) {
	d, err := read(context.Background(), []string{Stdin}, bytes.NewReader(input), o)
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

var csvSeeds = []string{
	"a,label\n1,0\n2,1\n",
	"\ufeffa,label\r\n1,0\r\n",
	"\"a\",\"b\"\"c\"\n\"1\n2\",3\n",
	"a\n\n\"\"\n1\n",
	"a,b\n1\n",
	"a,b\n\"1\"x,2\n",
	"a\n1\r",
	"a;label\n1,5;0\n2;1\n",
	"a|\"b|c\"\n1|2\n",
	"a\tb\n1e3\t-,5\n",
	"# x\n# a,b\n1,2\n",
	"a;b\nx;1;2\n",
	"\xff\xfea\x00\n\x001\x00\n\x00",
	"\xfe\xff\x00a\x00\n\x001\x00\n",
	"gr\xf6\xdfe,gr\u00f6\u00dfe\n1,2\n",
	"a,label\n1,NO\n1,true\n1,NA\n",
	"a,label\n1,walk\n1,02\n1,2.0\n1,none\n",
}

func FuzzReadCSV(f *testing.F) {
	for _, s := range csvSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		checkRead(t, input, CSV)
		checkRead(t, input, TSV)
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
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, JSONL) })
}

func FuzzReadParquet(f *testing.F) {
	file, err := os.ReadFile(writeSensors(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, Parquet) })
}

func FuzzReadCompressed(f *testing.F) {
	for _, s := range csvSeeds {
		f.Add([]byte(compress(f, Gzip, s)))
		f.Add([]byte(compress(f, Zstd, s)))
	}
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, "") })
}

// FuzzSplit compares the splitter with encoding/csv: the same records, or an
// error in the same record, with each delimiter.
func FuzzSplit(f *testing.F) {
	for _, s := range csvSeeds {
		for i := range delimiters {
			f.Add(s, i)
		}
	}
	f.Fuzz(func(t *testing.T, input string, i int) {
		comma := delimiters[uint(i)%uint(len(delimiters))]
		want, wantErr := standardRecords(input, comma)
		got, gotErr := ownRecords(input, comma)
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("error %v, encoding/csv has %v", gotErr, wantErr)
		}
		if len(got) != len(want) {
			t.Fatalf("%q, encoding/csv has %q", got, want)
		}
		for i := range want {
			if strings.Join(got[i], "\x00") != strings.Join(want[i], "\x00") {
				t.Fatalf("record %d is %q, encoding/csv has %q", i, got[i], want[i])
			}
		}
	})
}

func standardRecords(input string, comma byte) (records [][]string, err error) {
	r := csv.NewReader(strings.NewReader(input))
	r.FieldsPerRecord, r.Comma = -1, rune(comma)
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, fields)
	}
}

func ownRecords(input string, comma byte) (records [][]string, err error) {
	d := &csvDecoder{buf: newLineBuffer(strings.NewReader(input)), comma: comma}
	row := make([]value, len(input)+1)
	var rec record
	for {
		n, err := d.record(row, &rec)
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		var fields []string
		for _, v := range row[:n] {
			fields = append(fields, string(v.text))
		}
		records = append(records, fields)
		again := make([]value, n)
		d.split(&rec, again)
		for i, v := range again {
			if string(v.text) != fields[i] {
				return records, errors.New("split differs from next")
			}
		}
	}
}

// FuzzUTF8 checks that text becomes UTF-8, whatever parts it comes in, and UTF-8 stays.
func FuzzUTF8(f *testing.F) {
	for _, s := range csvSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		whole, err := io.ReadAll(&utf8Reader{r: bytes.NewReader(input)})
		if err != nil || !utf8.Valid(whole) {
			t.Fatalf("%q, %v", whole, err)
		}
		if utf8.Valid(input) && !bytes.Equal(whole, input) {
			t.Errorf("%q became %q", input, whole)
		}
		for name, r := range map[string]io.Reader{"bytes": iotest.OneByteReader(bytes.NewReader(input)), "halves": iotest.HalfReader(bytes.NewReader(input)), "the error with the data": iotest.DataErrReader(bytes.NewReader(input))} {
			if got, err := io.ReadAll(&utf8Reader{r: r}); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("%s: %q, %v, want %q", name, got, err, whole)
			}
		}
	})
}

// FuzzDecimalMark checks that what has marks is a number, once they are what its column has.
func FuzzDecimalMark(f *testing.F) {
	for _, s := range []string{"1,5", "-,5e-3", "1.5", "+1,", ",", "1,250,500", "1.250,5", "1.250", "1.250.5", "0.250", "1.250e3", "0x1,8", "1,5e", "1_0,5", " 1,5 ", "\u22121,5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		isNumber := func(text string) bool {
			_, err := parseFloat([]byte(text), 64)
			return err == nil || errors.Is(err, strconv.ErrRange)
		}
		s := shapeOf([]byte(text))
		if plain := !strings.ContainsAny(strings.ToLower(text), "xpin_"); s == noMarks && plain && strings.ContainsAny(text, ".,") && isNumber(strings.ReplaceAll(text, ",", ".")) {
			t.Errorf("%q has no marks", text)
		}
		for _, mark := range []byte(".,?") {
			row := []value{{text: []byte(text)}, {text: []byte("1.5")}}
			withPoints(row, []byte{mark, '.'}, nil)
			odd := mark == '?' || s == decimalPoint && mark == ',' || s == decimalComma && mark == '.'
			switch {
			case s == noMarks && string(row[0].text) != text, s != noMarks && odd != (row[0].kind == oddKind), string(row[1].text) != "1.5":
				t.Errorf("%q with %c becomes %+v, beside %q", text, mark, row[0], row[1].text)
			case s != noMarks && !odd && !isNumber(string(row[0].text)):
				t.Errorf("%q with %c becomes %q", text, mark, row[0].text)
			}
		}
	})
}

// FuzzParseFloat32 compares with strconv.
func FuzzParseFloat32(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.5", ".5", "5.", "-", ".", "", "16777215", "16777216", "0.000000001", "1e3", "123456789", "1.2.3", "--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "_\u2212") || strings.TrimSpace(text) != text || len(text) > 3 && strings.Contains("true false", strings.ToLower(text)) {
			return
		}
		want, wantErr := strconv.ParseFloat(text, 32)
		got, err := parseFloat32([]byte(text))
		if (err == nil) != (wantErr == nil) || math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, err, want, wantErr)
		}
		want, wantErr = strconv.ParseFloat(text, 64)
		if got, err := parseFloat([]byte(text), 64); (err == nil) != (wantErr == nil) || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%q of 64 bits: %v, %v, want %v, %v", text, got, err, want, wantErr)
		}
	})
}
