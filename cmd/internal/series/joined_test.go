package series

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Files that were put together have their header in the middle, and InfluxDB's what describes it too.
func TestHeaderAgain(t *testing.T) {
	const described = "#datatype,long,dateTime:RFC3339,double,long\n#default,,,,\n,table,_time,x,label\n"
	for text, want := range map[string]string{
		"x,label\n1,0\n2,1\nx,label\n3,0\n":                         ":4: the header comes again, as where files have been put together, and is skipped (1 in all)",
		"\"x\",\"label\"\r\n1,0\r\n2,1\r\n\"x\",\"label\"\r\n3,0\n": ":4: the header comes again",
		described + ",0,2024-01-01T00:00:00Z,1,0\n,0,2024-01-01T00:00:01Z,2,1\n\n" + described + ",1,2024-01-01T00:00:02Z,3,0\n": ":7: the header comes again, as where files have been put together, and is skipped (3 in all)",
	} {
		o := DefaultOptions()
		o.Features = []string{"x"}
		d, err := readText(text, o)
		if err != nil || !slices.Equal(d.X, []float32{1, 2, 3}) || !strings.Contains(fmt.Sprint(d.Warnings), want) {
			t.Errorf("%q: %+v, %v", text, d, err)
		}
	}
	if d, err := readText("x\n1\n2\n", Options{LabelOptional: true, Missing: MissingError}); err != nil || d.Len() != 2 {
		t.Errorf("%v, %v", d, err)
	}
}

// Names that are values of a first row are told.
func TestNamesThatAreValues(t *testing.T) {
	for text, want := range map[string]bool{
		"2024-01-15\t08:00:00.0\tM001\tON\n2024-01-15\t08:00:07.0\tM002\tOFF\n": true,
		"a,3,0\nb,4,1\n":              true,
		"time,2024-01-15\n1,5\n2,6\n": false,
		"x1,label\n1,0\n2,1\n":        false,
	} {
		s, err := Look(t.Context(), []string{writeFile(t, "a.csv", text)}, Options{})
		if err != nil || strings.Contains(fmt.Sprint(s.Warnings), "look like a row") != want {
			t.Errorf("%q: %v, %v", text, s.Warnings, err)
		}
	}
}

// Fields of objects within objects are columns too.
func TestNestedObjects(t *testing.T) {
	text := `{"at":{"$date":"2024-01-15T08:00:00Z"},"s":{"a":1.5,"b":{"c":2}},"label":0}
{"at":{"$date":"2024-01-15T08:00:01Z"},"s":{"b":{"c":null},"a":"7"},"label":1}
{"at":{"$date":"2024-01-15T08:00:02Z"},"label":1}
`
	o := DefaultOptions()
	o.Missing, o.Format = MissingZero, table.JSONL
	d, err := readText(text, o)
	if err != nil || fmt.Sprintf("%v %v %s", d.Features, d.X, d.TimeColumn) != "[s.a s.b.c] [1.5 2 7 0 0 0] at.$date" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := readText(`{"a.b":1,"a":{"b":2},"label":1}`, o); err == nil || !strings.Contains(err.Error(), "the object has this key twice") {
		t.Errorf("error %v", err)
	}
	deep := strings.Repeat(`{"a":`, 1<<16) + "1" + strings.Repeat("}", 1<<16)
	if d, err := readText(`{"x":1,"label":0,"y":`+deep+"}", o); err != nil || len(d.Features) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// Classes that may not be meant are told.
func TestClassNotes(t *testing.T) {
	for text, want := range map[string]string{
		"x,label\n1,Normal\n2,Attack\n3,A ttack\n": `"A ttack" and "Attack" are two classes, which differ in capital letters or blanks only`,
		"x,label\n1,-999\n2,1\n3,0\n":              "-999 is a class; if it means that there is no label, Options.NAValues -999 counts it so",
	} {
		d, err := readText(text, DefaultOptions())
		if err != nil || !strings.Contains(fmt.Sprint(d.Warnings), want) {
			t.Errorf("%v, %v", d, err)
		}
		s, err := Look(t.Context(), []string{writeFile(t, "a.csv", text+text[len("x,label\n"):])}, Options{})
		if err != nil || !strings.Contains(fmt.Sprint(s.Guess.Notes), want) {
			t.Errorf("%+v, %v", s, err)
		}
	}
}
