package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/rnnbin/rnnbin/cmd/internal/table/tabletest"
)

// FuzzSplit compares the splitter with encoding/csv: the same records, or an
// error in the same record, with each delimiter.
func FuzzSplit(f *testing.F) {
	single := delimiters[:len(delimiters)-1] // not runs of blanks
	for _, s := range tabletest.CSVSeeds {
		for i := range single {
			f.Add(s, i)
		}
	}
	f.Fuzz(func(t *testing.T, input string, i int) {
		drawn := func(line string) bool { return isRule(trimEOL([]byte(line))) }
		if strings.Contains(input, "\r\r") || strings.Contains(input, ` "`) || slices.ContainsFunc(strings.SplitAfter(input, "\n"), drawn) {
			return
		}
		comma := single[uint(i)%uint(len(single))]
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
		if !onlyDelimiters(fields) {
			records = append(records, fields)
		}
	}
}

// onlyDelimiters reports whether a record is one that is left out.
func onlyDelimiters(fields []string) bool {
	return len(fields) > 1 && strings.TrimSpace(strings.Join(fields, "")) == ""
}

func ownRecords(input string, comma byte) (records [][]string, err error) {
	d := &textDecoder{buf: newLineBuffer(strings.NewReader(input)), layout: layout{comma: comma}}
	var b Batch
	for {
		row, _, err := d.record(&b)
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		var fields []string
		for _, f := range d.fields {
			fields = append(fields, string(f.of(b.text)))
		}
		if !onlyDelimiters(fields) { // in quotes
			records = append(records, fields)
		}
		again := fieldsOf(row.of(b.text), comma)
		if !slices.EqualFunc(again, fields, func(a []byte, b string) bool { return string(a) == b }) {
			return records, errors.New("what is kept of the row has other fields")
		}
	}
}

// FuzzUTF8 checks that text becomes UTF-8, whatever parts it comes in, and UTF-8 stays.
func FuzzUTF8(f *testing.F) {
	for _, s := range tabletest.CSVSeeds {
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

// FuzzParseBoth compares with strconv, which takes no exponents of Fortran.
func FuzzParseBoth(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.5", ".5", "5.", "-", ".", "", "16777215", "16777216", "0.000000001", "1e3", "123456789", "1.2.3", "--1", "1.5D+0"} {
		f.Add(s)
	}
	exponents := strings.NewReplacer("D+", "e+", "D-", "e-", "d+", "e+", "d-", "e-")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "_\u2212") || strings.TrimSpace(text) != text || len(text) > 3 && strings.Contains("true false", strings.ToLower(text)) {
			return
		}
		plain := exponents.Replace(text)
		want, wantErr := strconv.ParseFloat(plain, 32)
		got, exact, err := ParseBoth([]byte(text))
		if (err == nil) != (wantErr == nil) && !math.IsInf(want, 0) || err == nil && float32(exact) != got && got == got && math.Abs(exact-float64(got)) > math.Abs(exact)/(1<<24) || math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, err, want, wantErr)
		}
		want, wantErr = strconv.ParseFloat(plain, 64)
		if got, err := ParseFloat([]byte(text), 64); (err == nil) != (wantErr == nil) || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%q of 64 bits: %v, %v, want %v, %v", text, got, err, want, wantErr)
		}
	})
}
