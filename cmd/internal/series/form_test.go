package series

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// Numbers with the same unit, and with marks between groups of digits, are numbers in every format; others are named.
func TestNumbersOfAForm(t *testing.T) {
	for _, test := range []struct {
		values [3]string
		want   string // the features
		said   string
	}{
		{[3]string{"1.5 V", "-2 V", "NA"}, "[1.5 -2 0]", `column "c": read as numbers of the unit V, as in "1.5 V"; another unit is an error`},
		{[3]string{"11.3%", "9%", "1e1%"}, "[11.3 9 10]", `the unit %, as in "11.3%"`},
		{[3]string{"5 m/s²", "7 m/s²", ""}, "[5 7 0]", `the unit m/s², as in "5 m/s²"`},
		{[3]string{"3.5 ℃", "4 ℃", "NA"}, "[3.5 4 0]", `the unit ℃, as in "3.5 ℃"`},
		{[3]string{"(1.5)", "2", "(3)"}, "", `its values begin like numbers, but are none, as in "(1.5)"`},
		{[3]string{"3.5mV", "4mV", "\u22120.5mV"}, "[3.5 4 -0.5]", `the unit mV, as in "3.5mV"`},
		{[3]string{"$1,288.18", "$2.50", "$-7"}, "[1288.18 2.5 -7]", `the unit $, as in "$1,288.18"`},
		{[3]string{"1 128,5 €", "12,25 €", "0 €"}, "[1128.5 12.25 0]", `the unit €, as in "1 128,5 €"`},
		{[3]string{"1\u202f128,5", "12,25", "1\u202f000\u202f000"}, "[1128.5 12.25 1e+06]", "marks between groups of three digits are left out of numbers, as in \"1\\u202f128,5\""},
		{[3]string{"1'128.5", "12.25", "7"}, "[1128.5 12.25 7]", `left out of numbers, as in "1'128.5"`},
		{[3]string{"1.5 V", "2 mV", "3 V"}, "", `its values begin like numbers, but are none, as in "1.5 V"`},
		{[3]string{"1.5 V", "2 V", "3"}, "", `its values begin like numbers, but are none, as in "1.5 V"`},
		{[3]string{"1A", "2A", "3A"}, "", `its values begin like numbers, but are none, as in "1A"`},
		{[3]string{"15 Jan", "16 Jan", "17 Jan"}, "", `its values begin like numbers, but are none, as in "15 Jan"`},
		{[3]string{"0x0080", "0x0081", "0x0080"}, "", `its values begin like numbers, but are none, as in "0x0080"`},
		{[3]string{"1 2345", "1 234", "5"}, "", `its values begin like numbers, but are none, as in "1 2345"`},
	} {
		var text, objects []string
		for i, v := range test.values {
			text, objects = append(text, fmt.Sprintf("%q,%d,%d", strings.TrimSpace(v), i, i%2)), append(objects, fmt.Sprintf(`{"c":%q,"x":%d,"label":%d}`, v, i, i%2))
		}
		fields := []arrow.Field{field("c", arrow.BinaryTypes.String), field("x", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
		for _, path := range []string{writeFile(t, "a.csv", "c,x,label\n"+strings.ReplaceAll(strings.Join(text, "\n"), `\u202f`, "\u202f")), writeFile(t, "a.jsonl", strings.Join(objects, "\n")), writeTable(t, fields, "["+strings.Join(objects, ",")+"]")} {
			o := DefaultOptions()
			o.Missing = MissingZero
			d, err := Read(t.Context(), []string{path}, o)
			if err != nil {
				t.Errorf("%q: %v", test.values, err)
				continue
			}
			got := ""
			if len(d.Features) == 2 {
				got = fmt.Sprint([]float32{d.X[0], d.X[2], d.X[4]})
			}
			if got != test.want || !strings.Contains(fmt.Sprint(d.Warnings), test.said) {
				t.Errorf("%s: %q are %s, %v", path, test.values, got, d.Warnings)
			}
		}
	}
	late := "c,label\n" + strings.Repeat("1.5 V,0\n2 V,1\n", sampleRows) + "3 mV,0\n"
	if _, err := readText(late, DefaultOptions()); err == nil || !strings.Contains(err.Error(), `standard input:2002: column "c": "3 mV" is not a number`) {
		t.Errorf("error %v", err)
	}
}
