package series

import (
	"fmt"
	"slices"
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

func TestTimeIsFound(t *testing.T) {
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
		{"whole dates", column("day", "20240130", "20240131", "20240201", "20240205"), DefaultOptions(), "day", "x"},
		{"whole dates and hours", column("when", "202401302200", "202401302300", "202401310000", "202401310700"), DefaultOptions(), "when", "x"},
		{"dates of no month", column("n", "20240130", "20240131", "20240132", "20240140"), DefaultOptions(), "", "n x"},
		{"a clock that runs", column("lap", "0:00.0", "0:59.5", "1:00.7"), DefaultOptions(), "lap", "x"},
		{"hours or minutes", column("lap", "8:00", "8:01", "9:30"), DefaultOptions(), "", "x"},
		{"the index of a frame by time", column("", "2024-01-30 08:00", "2024-01-30 09:00", "2024-01-31"), DefaultOptions(), "Unnamed: 0", "x"},
		{"the index of a frame in disorder", column("", "7", "2", "5", "3"), DefaultOptions(), "", "x"},
		{"the index of two frames", column("", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "0", "1"), DefaultOptions(), "", "x"},
		{"years of two digits", column("at", "15/01/24 22", "15/01/24 23", "16/01/24 00", "16/01/24 01"), DefaultOptions(), "at", "x"},
		{"years of two digits, which may come first", column("at", "24/01/15", "24/01/16", "24/01/17"), DefaultOptions(), "", "x"},
		{"years of two digits, the month first", column("at", "1/31/24 9:00", "1/31/24 9:30", "2/1/24 10:00"), DefaultOptions(), "at", "x"},
		{"the full time beside its parts", "date,clock,time,x,label\n2024-01-30,08:00,2024-01-30 08:00:10,5,0\n2024-01-30,08:00,2024-01-30 08:00:20,6,1\n2024-01-30,08:01,2024-01-30 08:01:20,9,1\n", DefaultOptions(), "time", "x"},
		{"another name", column("count", "0", "1", "2"), DefaultOptions(), "", "count x"},
		{"rows left out", column("t", "20", "21", "24", "60"), DefaultOptions(), "t", "x"},
		{"whole seconds", column("t", "7", "7", "7", "8", "8"), DefaultOptions(), "t", "x"},
		{"up and down", column("t", "20", "21", "19", "23", "25"), DefaultOptions(), "", "t x"},
		{"not rising", column("index", "1", "1", "1"), DefaultOptions(), "", "index x"},
		{"falling", column("step", "3", "2", "1"), DefaultOptions(), "", "x"},
		{"a unit", column("Time (s)", "0", "0.25", "0.75"), DefaultOptions(), "Time (s)", "x"},
		{"milliseconds", column("timestamp_ms", "5", "7", "11"), DefaultOptions(), "timestamp_ms", "x"},
		{"short", column("ts", "5", "7", "11"), DefaultOptions(), "ts", "x"},
		{"seconds since 1970 by another name", column("when", "1700000000", "1700000001", "1700000003"), DefaultOptions(), "when", "x"},
		{"microseconds since 1970", column("when", "1700000000000000", "1700000001000000", "1700000001000010"), DefaultOptions(), "when", "x"},
		{"the index of pandas", column("Unnamed: 0", "0", "1", "2"), DefaultOptions(), "Unnamed: 0", "x"},
		{"the other index of pandas", column("__index_level_0__", "0", "2", "5"), DefaultOptions(), "__index_level_0__", "x"},
		{"the number of the row", column("row", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"), DefaultOptions(), "row", "x"},
		{"a name goes before", "n,t,x,label\n" + strings.Join([]string{"0,1,5,0", "1,2,1,1", "2,4,5,0", "3,5,1,0", "4,7,5,0", "5,8,1,1", "6,9,5,1", "7,11,1,0", "8,12,3,0", "9,13,3,0"}, "\n"), DefaultOptions(), "t", "x"},
		{"rows are numbered, too", "sample,time,x,label\n1,0.1,5,0\n2,0.2,3,1\n3,0.4,6,1\n", DefaultOptions(), "time", "x"},
		{"words and a unit", column("LocalTime [min]", "0", "5", "7"), DefaultOptions(), "LocalTime [min]", "x"},
		{"a temperature that rises", column("t_min", "0", "5", "7"), DefaultOptions(), "", "t_min x"},
		{"newest first", column("time", "2015-02-04 10:02", "2015-02-04 10:01", "2015-02-04 10:00"), DefaultOptions(), "", "x"},
		{"newest first, since 1970", column("when", "1700000003", "1700000002", "1700000000"), DefaultOptions(), "", "x"},
		{"a counter far from 1970", column("meter", "3000000000", "3000000060", "3000000115"), DefaultOptions(), "", "meter x"},
		{"nothing but a counter", "n,label\n0,0\n1,0\n2,0\n3,0\n4,0\n5,1\n6,1\n7,1\n8,1\n9,1\n", DefaultOptions(), "", "n"},
		{"dates with slashes", column("date", "1/2/2015", "2/2/2015", "13/2/2015", "1/3/2015"), DefaultOptions(), "date", "x"},
		{"dates with the month first", column("date", "1/2/2015", "1/13/2015", "2/1/2015"), DefaultOptions(), "date", "x"},
		{"dates that may be two", column("date", "1/2/2015", "1/3/2015", "1/4/2015"), DefaultOptions(), "", "x"},
		{"dates in a format", column("date", "1/2/2015", "2/2/2015", "1/3/2015"), Options{Label: "label", Times: Times{TimeFormat: "%d/%m/%Y"}, Missing: MissingError}, "date", "x"},
		{"a gap", column("t", "1", "2", "", "4", "5"), Options{Label: "label", Missing: MissingZero}, "", "x"},
		{"too few rows to tell", column("t", "1", "2"), DefaultOptions(), "", "t x"},
		{"chosen as a feature", column("t", "1", "2", "3"), Options{Label: "label", Features: []string{"t"}, Missing: MissingError}, "", "t"},
		{"another time is given", "t,x,label\n1,5,0\n2,6,1\n3,9,1\n", Options{Label: "label", Time: "x", Missing: MissingError}, "x", "t"},
		{"timestamps", column("date", "2015-02-04 17:51:00", "2015-02-04 17:51:59", "2015-02-04 17:53:00"), DefaultOptions(), "date", "x"},
		{"dates", column("Timestamp", "2015-02-04", "2015-02-04", "2015-02-05"), DefaultOptions(), "Timestamp", "x"},
		{"timestamps that go back", column("time", "2015-02-04", "2015-02-05", "2015-02-03", "2015-02-06"), DefaultOptions(), "", "x"},
		{"some are missing", column("time", "2015-02-04", "", "2015-02-05", "2015-02-06"), DefaultOptions(), "", "x"},
		{"some are none", column("time", "2015-02-04", "2015-02-05", "noon", "2015-02-06"), DefaultOptions(), "", "x"},
		{"timestamps by another name", column("at", "2015-02-04", "2015-02-05", "2015-02-06"), DefaultOptions(), "at", "x"},
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

// A time is found, and its order seen, in float64, in every format.
func TestTimeOfEveryFormat(t *testing.T) {
	var text, objects, back []string
	for i := range 40 {
		now := 1_700_000_000 + 2*i + i%2 // float32 has the same for all
		text = append(text, fmt.Sprintf("%d,%d,%d", now, i*i%7, i%2))
		objects = append(objects, fmt.Sprintf(`{"at":%d,"x":%d,"label":%d}`, now, i*i%7, i%2))
	}
	for _, object := range slices.Backward(objects) {
		back = append(back, object)
	}
	fields := []arrow.Field{field("at", arrow.PrimitiveTypes.Int64), field("x", arrow.PrimitiveTypes.Float64), field("label", arrow.PrimitiveTypes.Int8)}
	for path, time := range map[string]string{
		writeFile(t, "a.csv", "at,x,label\n"+strings.Join(text, "\n")): "at",
		writeFile(t, "a.jsonl", strings.Join(objects, "\n")):           "at",
		writeTable(t, fields, "["+strings.Join(objects, ",")+"]"):      "at",
		writeFile(t, "b.jsonl", strings.Join(back, "\n")):              "",
		writeTable(t, fields, "["+strings.Join(back, ",")+"]"):         "",
	} {
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || d.TimeColumn != time || !slices.Equal(d.Features, []string{"x"}) || len(d.Warnings) != 1 {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
		s, err := Look(t.Context(), []string{path}, Options{})
		if err != nil || s.Guess.Time != time || !slices.Equal(s.Guess.Features, []string{"x"}) {
			t.Errorf("%s: %+v, %v", path, s, err)
		}
	}
}

// Rows of several machines in turn are no series.
func TestRowsInTurn(t *testing.T) {
	for _, name := range []string{"machine", "rig"} {
		var text strings.Builder
		fmt.Fprintf(&text, "time,%s,x,label\n", name)
		for i := range 60 {
			fmt.Fprintf(&text, "%d,%c,%d,%d\n", i/3, 'a'+i%3, i*i%7, i/5%2)
		}
		path := writeFile(t, "a.csv", text.String())
		want := fmt.Sprintf(`column %q: looks like the names of 3 series, whose rows are taken as those of one (Options.Series %s keeps them apart; DuckDB's PIVOT makes columns of them`, name, name)
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || !strings.Contains(fmt.Sprint(d.Warnings), want) {
			t.Errorf("%v, %v", d, err)
		}
		s, err := Look(t.Context(), []string{path}, Options{})
		if err != nil || s.Guess.Series != name {
			t.Errorf("%+v, %v", s, err)
		}
		o := DefaultOptions()
		o.Series = name
		if d, err := Read(t.Context(), []string{path}, o); err != nil || len(d.Series) != 3 || len(d.Warnings) != 1 {
			t.Errorf("%v, %v", d, err)
		}
	}
}

// Why a column is no feature is told.
func TestColumnsThatAreNoFeatures(t *testing.T) {
	for want, text := range map[string]string{
		`column "step": runs backwards, as where the newest row comes first: bring the rows into the order of time. It is neither the time nor a feature`: column("step", "3", "2", "1"),
		`column "t": looks like the time, but lacks 1 of the first 5 values, so neither the time nor a feature (Options.Features says otherwise)`:         column("t", "1", "2", "", "4", "5"),
		`column "t": is called like a time, but goes up and down, so it is a feature (Options.Exclude t leaves it out)`:                                   column("t", "20", "21", "19", "23", "25"),
		`column "when": holds dates whose month may be either number, so not a feature (Options.TimeFormat says which)`:                                   column("when", "1/2/2015", "1/3/2015", "1/4/2015"),
		`column "c": empty in the first 3 rows, so not a feature (Options.Features says otherwise)`:                                                       column("c", "", "NaN", ""),
		`column "Unnamed: 0": is the index of the rows, so not a feature (Options.Features says otherwise)`:                                               column("", "20", "21", "19", "23", "25"),
		`column "c": not numbers, so not a feature`:                                                               column("c", "a", "b", "3"),
		`column "c": its values begin like numbers, but are none, as in "$3.5", so not a feature`:                 column("c", "$3.5", "$-2", "7 V", "m1"),
		`column "c": holds times, so not a feature (Options.Time c checks their order)`:                           column("c", "2015-02-04", "2015-02-03", "2015-02-04T12:00"),
		`using "sample" as the time column, not as a feature (Options.Exclude or Options.Features leaves it out)`: column("sample", "1", "2", "3"),
	} {
		d, err := readText(text, Options{Label: "label", Missing: MissingError})
		if err != nil || len(d.Warnings) != 1 || d.Warnings[0].String() != "standard input: "+want {
			t.Errorf("%v, %v, want %q", d, err, want)
		}
	}
}
