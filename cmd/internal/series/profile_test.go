package series

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// column returns CSV of a column with the given values, and of a feature.
func column(name string, values ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s,x,label\n", name)
	for i, v := range values {
		fmt.Fprintf(&text, "%s,%d,%d\n", v, 7*i%5, i%2)
	}
	return text.String()
}

func TestTimeIsFoundByNameAndValues(t *testing.T) {
	tests := []struct {
		name, text string
		options    Options
		time       string
		features   string
	}{
		{"counter", column("sample", "0", "1", "2", "3"), DefaultOptions(), "sample", "x"},
		{"any case", column("Time", "5", "6", "7"), DefaultOptions(), "Time", "x"},
		{"seconds since 1970", column("timestamp", "1700000000", "1700000001", "1700000002"), DefaultOptions(), "timestamp", "x"},
		{"rounded to milliseconds", column("t", "0", "0.003", "0.006", "0.008", "0.011"), DefaultOptions(), "t", "x"},
		{"another name", column("count", "0", "1", "2"), DefaultOptions(), "", "count x"},
		{"rows left out", column("t", "20", "21", "24", "60"), DefaultOptions(), "t", "x"},
		{"whole seconds", column("t", "7", "7", "7", "8", "8"), DefaultOptions(), "t", "x"},
		{"up and down", column("t", "20", "21", "19", "23", "25"), DefaultOptions(), "", "t x"},
		{"not rising", column("index", "1", "1", "1"), DefaultOptions(), "", "index x"},
		{"falling", column("step", "3", "2", "1"), DefaultOptions(), "", "step x"},
		{"a gap", column("t", "1", "2", "", "4", "5"), Options{Label: "label", Missing: MissingZero}, "", "t x"},
		{"too few rows to tell", column("t", "1", "2"), DefaultOptions(), "", "t x"},
		{"chosen as a feature", column("t", "1", "2", "3"), Options{Label: "label", Features: []string{"t"}, Missing: MissingError}, "", "t"},
		{"another time is given", "t,x,label\n1,5,0\n2,6,1\n3,9,1\n", Options{Label: "label", Time: "x", Missing: MissingError}, "x", "t"},
		{"timestamps", column("date", "2015-02-04 17:51:00", "2015-02-04 17:51:59", "2015-02-04 17:53:00"), DefaultOptions(), "date", "x"},
		{"dates", column("Timestamp", "2015-02-04", "2015-02-04", "2015-02-05"), DefaultOptions(), "Timestamp", "x"},
		{"timestamps that go back", column("time", "2015-02-04", "2015-02-05", "2015-02-03", "2015-02-06"), DefaultOptions(), "", "x"},
		{"some are missing", column("time", "2015-02-04", "", "2015-02-05", "2015-02-06"), DefaultOptions(), "", "x"},
		{"some are none", column("time", "2015-02-04", "2015-02-05", "noon", "2015-02-06"), DefaultOptions(), "", "x"},
		{"timestamps by another name", column("at", "2015-02-04", "2015-02-05", "2015-02-06"), DefaultOptions(), "", "x"},
		{"excluded", column("time", "2015-02-04", "2015-02-05", "2015-02-06"), Options{Label: "label", Exclude: []string{"time"}, Missing: MissingError}, "", "x"},
		{"JSON", "{\"t\":1,\"x\":5,\"label\":0}\n{\"t\":2,\"x\":3,\"label\":1}\n{\"t\":3,\"x\":3,\"label\":1}\n", DefaultOptions(), "t", "x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := readText(test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Features, " "); d.TimeColumn != test.time || got != test.features {
				t.Errorf("time %q, features %q, want %q and %q", d.TimeColumn, got, test.time, test.features)
			}
			if (d.Time != nil) != (test.time != "") {
				t.Errorf("times %v", d.Time)
			}
			said := strings.Contains(fmt.Sprint(d.Warnings), "as the time column")
			if found := test.time != "" && test.options.Time == ""; said != found {
				t.Errorf("warnings %v", d.Warnings)
			}
		})
	}
}

// Later files have their time where the first one has it.
func TestTimeOfSeveralFiles(t *testing.T) {
	first := writeFile(t, "1.csv", column("t", "0", "1", "2"))
	second := writeFile(t, "2.csv", column("t", "0", "5", "6"))
	d, err := Read(t.Context(), []string{first, second}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Time) != 6 || len(d.X) != 6 || d.Time[4] != 5 {
		t.Errorf("times %v, features %v", d.Time, d.X)
	}
}

// A time is found in Parquet too.
func TestTimeInParquet(t *testing.T) {
	path := writeTable(t, []arrow.Field{field("t", arrow.PrimitiveTypes.Int64), field("x", arrow.PrimitiveTypes.Float64), field("label", arrow.FixedWidthTypes.Boolean)},
		`[{"t":0,"x":5,"label":true},{"t":1,"x":3,"label":false},{"t":2,"x":4,"label":true}]`)
	d, err := Read(t.Context(), []string{path}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if d.TimeColumn != "t" || len(d.X) != 3 || d.X[0] != 5 {
		t.Errorf("time %q, features %q %v", d.TimeColumn, d.Features, d.X)
	}
}

// Why a column is no feature is told.
func TestColumnsThatAreNoFeatures(t *testing.T) {
	for want, text := range map[string]string{
		`column "c": empty in the first 3 rows, so not a feature (--features says otherwise)`:         column("c", "", "NaN", ""),
		`column "c": not numbers, so not a feature`:                                                   column("c", "a", "b", "3"),
		`column "c": holds times, so not a feature (--time c checks their order)`:                     column("c", "2015-02-04", "2015-02-03", "2015-02-04T12:00"),
		`using "sample" as the time column, not as a feature (--exclude or --features leaves it out)`: column("sample", "1", "2", "3"),
	} {
		d, err := readText(text, Options{Label: "label", Missing: MissingError})
		if err != nil || len(d.Warnings) != 1 || d.Warnings[0].String() != "standard input: "+want {
			t.Errorf("%v, %v, want %q", d, err, want)
		}
	}
}
