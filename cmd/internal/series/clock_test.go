package series

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Clocks that are set back show an hour twice, in the order of the rows; a time that they skip is no time. Without a zone
// they go back.
func TestTimeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2024, 10, 26, 23, 30, 0, 0, time.UTC)
	var text, objects, stamped []string
	for i := range 30 {
		at := begin.Add(time.Duration(i) * 10 * time.Minute).In(berlin).Format(time.DateTime)
		text, objects = append(text, fmt.Sprintf("%s,%d,%d", at, i*i%7, i%2)), append(objects, fmt.Sprintf(`{"t":%q,"x":%d,"label":%d}`, at, i*i%7, i%2))
		stamped = append(stamped, strings.Replace(objects[i], " ", "T", 1))
	}
	fields := []arrow.Field{field("t", &arrow.TimestampType{Unit: arrow.Second}), field("x", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
	o := DefaultOptions()
	o.Time, o.TimeZone = "t", "Europe/Berlin"
	for _, path := range []string{
		writeFile(t, "a.csv", "t,x,label\n"+strings.Join(text, "\n")), writeFile(t, "a.jsonl", strings.Join(objects, "\n")),
		writeTable(t, fields, "["+strings.Join(stamped, ",")+"]"),
	} {
		d, err := Read(t.Context(), []string{path}, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range d.Time {
			if want := float64(begin.Unix() + int64(600*i)); at != want {
				t.Fatalf("%s: row %d is at %v, want %v", path, i, at, want)
			}
		}
		s, err := Look(t.Context(), []string{path}, Options{Times: Times{TimeZone: "Europe/Berlin"}})
		if err != nil || s.Guess.Time != "t" || s.Guess.MaxGap != "" {
			t.Errorf("%s: %+v, %v", path, s, err)
		}
		utc := o
		utc.TimeZone = ""
		if _, err := Read(t.Context(), []string{path}, utc); err == nil || !strings.Contains(err.Error(), "time goes back") {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if _, err := readText("t,x,label\n2024-03-31 02:30,1,0\n", o); err == nil || !strings.Contains(err.Error(), `standard input:2: column "t": clocks in Europe/Berlin do not show 2024-03-31 02:30:00`) {
		t.Errorf("error %v", err)
	}
	if d, err := readText("t,x,label\n2024-03-31T02:30Z,1,0\n2024-03-31T02:40:00Z,1,1\n", o); err == nil {
		t.Errorf("%v", d.Time)
	}
	if d, err := readText("t,x,label\n2024-03-31T02:30:00Z,1,0\n2024-03-31T02:40:00Z,1,1\n", o); err != nil || d.Time[0] != 1711852200 {
		t.Errorf("with a zone of its own: %v, %v", d, err)
	}
	o.TimeZone = "Berlin"
	if _, err := readText("t,x,label\n", o); err == nil || !strings.Contains(err.Error(), "Options.TimeZone must be the name of a time zone") {
		t.Errorf("error %v", err)
	}
}

// Dates and times of the day in two columns are times, found or said, for Read and Look alike.
func TestTimesInTwoColumns(t *testing.T) {
	for name, text := range map[string]string{
		"2024":    "date,time,x,label\n2024-01-31,23:00,1,0\n2024-01-31,23:30,4,1\n2024-02-01,00:00,2,0\n",
		"dotted":  "date;time;x;label\n31.01.2024;23.00.00;1;0\n31.01.2024;23.30.00;4;1\n01.02.2024;00.00.00;2;0\n",
		"slashed": "time,date,x,label\n23:00,1/31/2024,1,0\n23:30,1/31/2024,4,1\n00:00,2/1/2024,2,0\n",
		"JSON":    `{"time":"23:00:00","date":"2024-01-31","x":1,"label":0}` + "\n" + `{"time":"23:30:00","date":"2024-01-31","x":4,"label":1}` + "\n" + `{"time":"00:00:00.0","date":"2024-02-01","x":2,"label":0}`,
	} {
		for _, column := range []string{"", "date,time"} {
			o := DefaultOptions()
			o.Time = column
			d, err := readText(text, o)
			if err != nil || d.TimeColumn != "date,time" || fmt.Sprint(d.Features, d.Stamps) != "[x] true" || fmt.Sprintf("%.0f", d.Time) != "[1706742000 1706743800 1706745600]" {
				t.Errorf("%s: %+v, %v", name, d, err)
			}
		}
		s, err := Look(t.Context(), []string{writeFile(t, "x", text)}, Options{})
		if err != nil || s.Guess.Time != "date,time" || slices.Contains(s.Guess.Exclude, "time") {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	fields := []arrow.Field{field("date", arrow.FixedWidthTypes.Date32), field("time", arrow.FixedWidthTypes.Time64us), field("x", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
	path := writeTable(t, fields, `[{"date":"2024-01-31","time":"23:00:00","x":1,"label":0},{"date":"2024-01-31","time":"23:30:00.5","x":4,"label":1},{"date":"2024-02-01","time":"00:00:00","x":2,"label":0}]`)
	d, err := Read(t.Context(), []string{path}, DefaultOptions())
	if err != nil || d.TimeColumn != "date,time" || fmt.Sprintf("%.1f", d.Time) != "[1706742000.0 1706743800.5 1706745600.0]" {
		t.Errorf("Parquet: %+v, %v", d, err)
	}
}

// Times are of the kind that they are said to be, in any file.
func TestKindOfTimes(t *testing.T) {
	const numbers, stamps = "t,x,label\n1,1,0\n2,4,1\n", "t,x,label\n2024-01-01,1,0\n2024-01-02,4,1\n"
	o := DefaultOptions()
	o.Time = "t"
	d, err := readText(stamps, o)
	if err != nil || d.TimeKind != StampTimes {
		t.Fatalf("%+v, %v", d, err)
	}
	o.Times = d.Times
	if _, err := readText(numbers, o); err == nil || !strings.Contains(err.Error(), `standard input:2: column "t": "1" is a number, and other times are timestamps`) {
		t.Errorf("error %v", err)
	}
	if d, err := readText("x,label\n1,0\n4,1\n", Options{Label: "label", Features: []string{"x"}, Time: "t", TimeOptional: true, Missing: MissingError}); err != nil || d.Time != nil || d.TimeColumn != "" {
		t.Errorf("without times: %+v, %v", d, err)
	}
}
