package series

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// dialectOfBits is a way to write a table; every combination of bits is one.
type dialectOfBits struct {
	comma                                            byte
	told, header, commas, comment, crlf, quotes, bom bool
	encoding                                         encoding.Encoding // nil for UTF-8
}

func newDialectOfBits(bits uint16) dialectOfBits {
	next := func(n uint16) uint16 {
		v := bits % n
		bits /= n
		return v
	}
	flag := func() bool { return next(2) == 1 }
	d := dialectOfBits{comma: ",\t;| "[next(5)], told: flag(), header: flag(), commas: flag(), comment: flag(), crlf: flag(), quotes: flag()}
	switch next(5) {
	case 1:
		d.bom = true
	case 2:
		d.encoding = charmap.ISO8859_1
	case 3:
		d.encoding = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case 4:
		d.encoding = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	d.commas = d.commas && d.comma != ','
	d.comment = d.comment && d.header // without names a comment may hold them
	return d
}

// write writes rows of numbers, which have points.
func (d dialectOfBits) write(names []string, rows [][]string) (string, error) {
	var text strings.Builder
	end := "\n"
	if d.crlf {
		end = "\r\n"
	}
	line := func(fields []string) {
		for i, f := range fields {
			if i > 0 {
				text.WriteByte(d.comma)
			}
			if d.quotes {
				f = `"` + f + `"`
			}
			text.WriteString(f)
		}
		text.WriteString(end)
	}
	if d.bom {
		text.WriteString("\ufeff")
	}
	if d.comment {
		text.WriteString("# exported" + end)
	}
	if d.header {
		line(names)
	}
	for _, row := range rows {
		var fields []string
		for _, f := range row {
			if d.commas {
				f = strings.Replace(f, ".", ",", 1)
			}
			fields = append(fields, f)
		}
		line(fields)
	}
	if d.encoding == nil {
		return text.String(), nil
	}
	return d.encoding.NewEncoder().String(text.String())
}

func (d dialectOfBits) options() Options {
	o := Options{Label: "étiquette", Missing: MissingError, NoHeader: !d.header}
	if !d.header {
		o.Label = "3"
	}
	if d.told {
		o.Delimiter = string(d.comma)
	}
	return o
}

// FuzzDialects writes a table in a dialect and expects to read the same, from bytes two of
// which make a row.
func FuzzDialects(f *testing.F) {
	for bits := range uint16(4 * 64 * 5) {
		f.Add([]byte{1, 2, 3, 4, 250, 17}, bits)
	}
	f.Fuzz(func(t *testing.T, input []byte, bits uint16) {
		var rows [][]string
		var want []float32
		for i := 0; i+1 < len(input) && len(rows) < 100; i += 2 {
			x := fmt.Sprintf("%d.%02d", int8(input[i]), input[i+1]%100)
			y := fmt.Sprintf("%d.5e-%d", input[i+1], input[i]%3)
			rows = append(rows, []string{x, y, strconv.Itoa(i / 2 % 2)})
			for _, text := range []string{x, y} {
				v, _ := strconv.ParseFloat(text, 32)
				want = append(want, float32(v))
			}
		}
		if len(rows) == 0 {
			return
		}
		dialect := newDialectOfBits(bits)
		text, err := dialect.write([]string{"größe", "y", "étiquette"}, rows)
		if err != nil {
			t.Fatal(err)
		}
		o := dialect.options()
		for _, format := range []table.Format{table.CSV, table.TSV, ""} {
			if o.Format = format; format == table.TSV && dialect.comma != '\t' {
				continue
			}
			d, err := read(context.Background(), []string{table.Stdin}, bytes.NewReader([]byte(text)), o)
			if err != nil {
				t.Fatalf("%+v: %v\n%q", dialect, err, text)
			}
			if !slices.Equal(d.X, want) || d.Len() != len(rows) || d.Labels[0] != 0 {
				t.Errorf("%+v: %v, want %v\n%q", dialect, d.X, want, text)
			}
			if dialect.header && d.Features[0] != "größe" {
				t.Errorf("%+v: features %q", dialect, d.Features)
			}
		}
	})
}
