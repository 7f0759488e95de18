package series

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// A Reader takes care of what is missing as Missing has it; a value carried forward is one
// that was there.
func TestMissing(t *testing.T) {
	const text = "id,x,y\na,1,1\na,2,\nb,3,4\na,,3\n"
	nan := float32(math.NaN())
	tests := []struct {
		missing Missing
		want    []float32
	}{
		{MissingMean, []float32{1, 1, 2, nan, 3, 4, nan, 3}},
		{MissingForward, []float32{1, 1, 2, 1, 3, 4, 2, 3}},
		{MissingZero, []float32{1, 1, 2, 0, 3, 4, 0, 3}},
	}
	for _, test := range tests {
		o := Options{Features: []string{"x", "y"}, Series: "id", Missing: test.missing, LabelOptional: true}
		r, err := Open(t.Context(), writeFile(t, "x.csv", text), o)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		x, err := drain(t, r)
		if same := func(a, b float32) bool { return a == b || a != a && b != b }; err != nil || !slices.EqualFunc(x, test.want, same) {
			t.Errorf("%s: %v, %v, want %v", test.missing, x, err, test.want)
		}
	}
}

// What the first row holds does not decide: a bad value is an error with its line wherever it stands, unless it is said to
// be missing, in every format.
func TestBadValues(t *testing.T) {
	const rows = 60
	for _, bad := range []string{"?", "ERR", "#DIV/0!"} {
		for _, at := range []int{0, 1, 50} {
			var text, objects []string
			for i := range rows {
				v := fmt.Sprint(i * i % 7)
				if i == at {
					v = bad
				}
				text, objects = append(text, fmt.Sprintf("%s,%d", v, i%2)), append(objects, fmt.Sprintf(`{"a":%q,"label":%d}`, v, i%2))
			}
			fields := []arrow.Field{field("a", arrow.BinaryTypes.String), field("label", arrow.PrimitiveTypes.Int8)}
			for path, line := range map[string]int{
				writeFile(t, "a.csv", "a,label\n"+strings.Join(text, "\n")): at + 2,
				writeFile(t, "a.jsonl", strings.Join(objects, "\n")):        at + 1,
				writeTable(t, fields, "["+strings.Join(objects, ",")+"]"):   at + 1,
			} {
				_, err := Read(t.Context(), []string{path}, DefaultOptions())
				if want := fmt.Sprintf(`%s:%d: column "a": %q is not a number (Options.NAValues %[3]q counts it as missing)`, path, line, bad); err == nil || err.Error() != want {
					t.Errorf("error %v, want %s", err, want)
				}
				o := DefaultOptions()
				o.NAValues, o.Missing = []string{bad}, MissingForward
				d, err := Read(t.Context(), []string{path}, o)
				if err != nil || d.Len() != rows || at > 0 && d.X[at] != d.X[at-1] {
					t.Errorf("%s: %v, %v", path, d, err)
				}
				s, err := Look(t.Context(), []string{path}, Options{})
				if err != nil || !slices.Equal(s.Guess.NAValues, o.NAValues) || !slices.Equal(s.Guess.Features, []string{"a"}) {
					t.Errorf("%s: %+v, %v", path, s, err)
				}
			}
		}
	}
}

// Numbers may mean that a value is missing, too, in whatever form.
func TestNAValues(t *testing.T) {
	fields := []arrow.Field{field("a", arrow.PrimitiveTypes.Float64), field("label", arrow.PrimitiveTypes.Int8)}
	const objects = `{"a":-200,"label":0}` + "\n" + `{"a":3,"label":1}`
	for _, path := range []string{
		writeFile(t, "a.csv", "a,label\n-200.0,0\n3,1\n"), writeFile(t, "a.jsonl", objects),
		writeTable(t, fields, "["+strings.ReplaceAll(objects, "\n", ",")+"]"),
	} {
		d, err := Read(t.Context(), []string{path}, Options{Label: "label", NAValues: []string{"-200"}, Missing: MissingZero})
		if err != nil || !slices.Equal(d.X, []float32{0, 3}) {
			t.Errorf("%s: %v, %v", path, d, err)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, test := range []struct {
		text string
		rows int // -1: the first row is an error
	}{
		{"t,a,label\ns,m/s,\n0,1.5,0\n1,2.5,1\n", 2},
		{"a,state\n\u00b0C,-\n1.5,on\n2.5,off\n3.5,on\n", 3},
		{"a,state\nx,on\n1.5,on\n2.5,off\n3.5,on\n", -1},
		{"a,b,label\n?,ERR,\n1.5,1,0\n2.5,2,1\n", -1},
		{"a,b,label\nm,1,\n1.5,1,0\n2.5,2,1\n", -1},
	} {
		o := DefaultOptions()
		if strings.Contains(test.text, "state") {
			o.Label = "state"
		}
		d, err := readText(test.text, o)
		switch {
		case test.rows < 0:
			if err == nil || !strings.HasPrefix(err.Error(), "standard input:2: ") {
				t.Errorf("%q: %v", test.text, err)
			}
		case err != nil || d.Len() != test.rows || !strings.Contains(fmt.Sprint(d.Warnings), "standard input:2: taken as the units of the columns"):
			t.Errorf("%q: %+v, %v", test.text, d, err)
		}
	}
}

// What 32-bit floats would lose is kept, in every format, wherever the values are.
func TestValuesThatAreLost(t *testing.T) {
	var text, objects []string
	var want []float32
	at := func(i int) int { return 60*(i%2) + i*i%30 }
	for i := range 1500 {
		x := 3_000_000_000 + at(i)
		if want = append(want, float32(at(i))); i%700 == 3 { // a sensor that was off, and one row of the first 1000
			x, want[i] = 0, -3e9
		}
		text, objects = append(text, fmt.Sprintf("%d,%d,%d", x, i%3, i%2)), append(objects, fmt.Sprintf(`{"x":%d,"y":%d,"label":%d}`, x, i%3, i%2))
	}
	fields := []arrow.Field{field("x", arrow.PrimitiveTypes.Int64), field("y", arrow.PrimitiveTypes.Int8), field("label", arrow.PrimitiveTypes.Int8)}
	csv := "x,y,label\n" + strings.Join(text, "\n")
	for _, path := range []string{
		writeFile(t, "a.csv", csv), writeFile(t, "a.jsonl", strings.Join(objects, "\n")), writeTable(t, fields, "["+strings.Join(objects, ",")+"]"), table.Stdin,
	} {
		d, err := read(t.Context(), []string{path}, strings.NewReader(csv), DefaultOptions())
		if err != nil || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].String(), `column "x": 32-bit floats do not tell its values apart, so 3000000000 is taken off`) {
			t.Fatalf("%s: %v, %v", path, d.Warnings, err)
		}
		for i, x := range want {
			if got := d.X[2*i]; got != x || d.X[2*i+1] != float32(i%3) {
				t.Fatalf("%s: row %d is %v, want %v", path, i, d.X[2*i:2*i+2], x)
			}
		}
	}
}

// What 32-bit floats hold well enough is as it was measured.
func TestValuesThatAreNotLost(t *testing.T) {
	for name, x := range map[string]func(i int) float64{
		"integers":      func(i int) float64 { return float64(1<<24 - 1500 + i) },
		"noise":         func(i int) float64 { return 1000 + math.Sin(float64(i*i)) },
		"small steps":   func(i int) float64 { return float64(i) * 1e-9 },
		"around a unit": func(i int) float64 { return 1 + float64(i)*1e-3 },
		"far outlier":   func(i int) float64 { return float64(i%7) + 3e9*float64(i/1499) },
	} {
		text := "x,y,label\n"
		for i := range 1500 {
			text += fmt.Sprintf("%.17g,%d,%d\n", x(i), i%3, i%2)
		}
		o := DefaultOptions()
		o.Features = []string{"x", "y"}
		d, err := readText(text, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range 1500 {
			if got := d.X[2*i]; got != float32(x(i)) {
				t.Fatalf("%s: row %d is %v, want %v", name, i, got, x(i))
			}
		}
	}
}
