package table

import (
	"bytes"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A column of every type has its values as numbers or text, and as CSV shows them, also in a part of a batch.
func TestColumnTypes(t *testing.T) {
	dictionary := func(of arrow.DataType) arrow.DataType {
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: of}
	}
	const none = -1
	for _, test := range []struct {
		kind    arrow.DataType
		values  [2]string // as JSON; a null comes between them
		is      Type
		numbers [2]float64
		texts   [2]string
	}{
		{arrow.FixedWidthTypes.Boolean, [2]string{"true", "false"}, Bool, [2]float64{1, 0}, [2]string{"true", "false"}},
		{arrow.PrimitiveTypes.Int8, [2]string{"-5", "7"}, Number, [2]float64{-5, 7}, [2]string{"-5", "7"}},
		{arrow.PrimitiveTypes.Uint16, [2]string{"5", "65535"}, Number, [2]float64{5, 65535}, [2]string{"5", "65535"}},
		{arrow.PrimitiveTypes.Int64, [2]string{"9007199254740993", "0"}, Number, [2]float64{1 << 53, 0}, [2]string{"9007199254740993", "0"}},
		{arrow.PrimitiveTypes.Float32, [2]string{"0.1", "2"}, Number, [2]float64{float64(float32(0.1)), 2}, [2]string{"0.1", "2"}},
		{arrow.PrimitiveTypes.Float64, [2]string{"0.1", "1e300"}, Number, [2]float64{0.1, 1e300}, [2]string{"0.1", "1e+300"}},
		{arrow.FixedWidthTypes.Float16, [2]string{"0.5", "-2"}, Number, [2]float64{0.5, -2}, [2]string{"0.5", "-2"}},
		{&arrow.Decimal128Type{Precision: 9, Scale: 2}, [2]string{`"1.05"`, `"3.00"`}, Number, [2]float64{1.05, 3}, [2]string{"1.05", "3.00"}},
		{arrow.FixedWidthTypes.Date32, [2]string{`"1970-01-02"`, `"1970-01-01"`}, Date, [2]float64{86400, 0}, [2]string{"1970-01-02", "1970-01-01"}},
		{arrow.FixedWidthTypes.Date64, [2]string{`"1970-01-02"`, `"1970-01-01"`}, Date, [2]float64{86400, 0}, [2]string{"1970-01-02", "1970-01-01"}},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, [2]string{`"1970-01-01 00:00:01.5"`, `"1970-01-01 00:01:00"`}, Time, [2]float64{1.5, 60}, [2]string{"1970-01-01T00:00:01.5", "1970-01-01T00:01:00"}},
		{&arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, [2]string{`"1970-01-01 00:01:00Z"`, `"1970-01-01 00:00:00Z"`}, Time, [2]float64{60, 0}, [2]string{"1970-01-01T00:01:00Z", "1970-01-01T00:00:00Z"}},
		{arrow.FixedWidthTypes.Time32s, [2]string{`"00:01:00"`, `"00:00:01"`}, Text, [2]float64{}, [2]string{"00:01:00", "00:00:01"}},
		{arrow.FixedWidthTypes.Duration_ms, [2]string{`"1500ms"`, `"2ms"`}, Number, [2]float64{1.5, 0.002}, [2]string{"1.5", "0.002"}},
		{arrow.BinaryTypes.String, [2]string{`"a b"`, `""`}, Text, [2]float64{none, none}, [2]string{"a b", ""}},
		{arrow.BinaryTypes.LargeString, [2]string{`"ä"`, `"1"`}, Text, [2]float64{none, none}, [2]string{"ä", "1"}},
		{arrow.BinaryTypes.StringView, [2]string{`"a text of more than twelve bytes"`, `"x"`}, Text, [2]float64{none, none}, [2]string{"a text of more than twelve bytes", "x"}},
		{arrow.BinaryTypes.Binary, [2]string{`"YQ=="`, `"Yg=="`}, Text, [2]float64{none, none}, [2]string{"a", "b"}},
		{extensions.NewUUIDType(), [2]string{`"00000000-0000-0000-0000-00000000000a"`, `"60000000-0000-0000-0000-00000000000b"`}, Text, [2]float64{none, none}, [2]string{"00000000-0000-0000-0000-00000000000a", "60000000-0000-0000-0000-00000000000b"}},
		{dictionary(arrow.BinaryTypes.String), [2]string{`"walk"`, `"sit"`}, Text, [2]float64{none, none}, [2]string{"walk", "sit"}},
		{dictionary(arrow.PrimitiveTypes.Float64), [2]string{"0.5", "3"}, Number, [2]float64{0.5, 3}, [2]string{"0.5", "3"}},
		{dictionary(&arrow.TimestampType{Unit: arrow.Second}), [2]string{`"1970-01-01 00:01:00"`, `"1970-01-01 00:00:07"`}, Time, [2]float64{60, 7}, [2]string{"1970-01-01T00:01:00", "1970-01-01T00:00:07"}},
	} {
		fields := []arrow.Field{{Name: "x", Type: test.kind, Nullable: true}}
		rows := `[{"x":` + test.values[0] + `},{"x":null},{"x":` + test.values[1] + `}]`
		batch, _, err := array.RecordFromJSON(memory.NewGoAllocator(), arrow.NewSchema(fields, nil), strings.NewReader(rows))
		if err != nil {
			t.Fatalf("%s: %v", test.kind, err)
		}
		var stream bytes.Buffer
		w := ipc.NewWriter(&stream, ipc.WithSchema(batch.Schema()))
		if err := w.Write(batch); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		r, err := Open(t.Context(), Stdin, &stream, Options{})
		if err != nil {
			t.Fatalf("%s: %v", test.kind, err)
		}
		defer r.Close()
		if is := r.Types()[0]; is != test.is {
			t.Errorf("%s is %d, want %d", test.kind, is, test.is)
		}
		b := new(Batch)
		for i := range 3 {
			if err := r.Next(b, 1); err != nil || b.Len() != 1 || b.Lines[0] != i+1 {
				t.Fatalf("%s: row %d: %v, %v", test.kind, i, b.Lines, err)
			}
			c, text := &b.Columns[0], ""
			number, isNull := math.NaN(), i == 1
			if i != 1 {
				text, number = test.texts[i/2], test.numbers[i/2]
			}
			if got := string(c.AppendText(nil, 0)); got != text {
				t.Errorf("%s: row %d is %q, want %q", test.kind, i, got, text)
			}
			if test.is == Text {
				if null := c.Text(0) == nil; null != isNull {
					t.Errorf("%s: row %d is null: %v", test.kind, i, null)
				}
			} else if got := c.Float(0); got != number && (got == got || number == number) {
				t.Errorf("%s: row %d is %v, want %v", test.kind, i, got, number)
			}
		}
	}
}

// Polars writes the first message of a file without its length, and dictionaries last; the file may come by a pipe.
func TestPolars(t *testing.T) {
	content, err := os.ReadFile("testdata/polars.arrow")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"testdata/polars.arrow", Stdin} {
		r, err := Open(t.Context(), path, bytes.NewReader(content), Options{})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer r.Close()
		var b Batch
		if err := r.Next(&b, 10); err != nil || b.Len() != 3 || b.Columns[0].Float(1) != 2 || string(b.Columns[1].Text(1)) != "b" {
			t.Errorf("%s: %d rows, %v", path, b.Len(), err)
		}
	}
	for n := range len(content) {
		if r, err := Open(t.Context(), Stdin, bytes.NewReader(content[:n]), Options{Format: Arrow}); err == nil {
			var b Batch
			for err == nil {
				err = r.Next(&b, 10)
			}
			if err == io.EOF {
				t.Errorf("%d bytes are a whole file", n)
			}
			r.Close()
		}
	}
}
