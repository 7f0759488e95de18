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
	if d, err := readText("t,x,label\n2024-03-31T02:30Z,1,0\n2024-03-31T02:40:00Z,1,1\n", o); err != nil || d.Time[0] != 1711852200 {
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

// Times are seconds, however they are written, for Read, Look and events alike.
func TestTimesAreRead(t *testing.T) {
	const day, january30, february1 = 24 * 3600, 1706572800, 1706745600
	for _, test := range []struct {
		name   string
		times  []string
		want   []float64
		stamps bool
	}{
		{"whole dates", []string{"20240130", "20240201", "20240229"}, []float64{january30, february1, february1 + 28*day}, true},
		{"whole minutes", []string{"202401302359", "202402010000", "202402010001"}, []float64{january30 + day - 60, february1, february1 + 60}, true},
		{"whole seconds", []string{"20240130000005", "20240201000000", "20240201010000"}, []float64{january30 + 5, february1, february1 + 3600}, true},
		{"whole dates, the day first", []string{"30012024", "31012024", "01022024"}, []float64{january30, january30 + day, january30 + 2*day}, true},
		{"whole dates, the month first", []string{"01302024", "01312024", "02012024"}, []float64{january30, january30 + day, january30 + 2*day}, true},
		{"whole dates of six digits", []string{"240130", "240131", "240201"}, []float64{january30, january30 + day, january30 + 2*day}, true},
		{"likewise, the day first", []string{"300124", "310124", "010224"}, []float64{january30, january30 + day, january30 + 2*day}, true},
		{"whole minutes of short years", []string{"2401302358", "2401302359", "2401310000"}, []float64{january30 + day - 120, january30 + day - 60, january30 + day}, true},
		{"whole seconds, the day first", []string{"30012024235958", "30012024235959", "31012024000000"}, []float64{january30 + day - 2, january30 + day - 1, january30 + day}, true},
		{"whole days of the year", []string{"2023365", "2024001", "2024002"}, []float64{january30 - 30*day, january30 - 29*day, january30 - 28*day}, true},
		{"clock", []string{"00:59:59", "1:02:03", "100:00:00.5"}, []float64{3599, 3723, 360000.5}, false},
		{"stop watch", []string{"0:00.0", "0:59.25", "75:00,5"}, []float64{0, 59.25, 4500.5}, false},
		{"timedelta", []string{"0 days 00:00:01", "0 days 00:01:00.5", "2 days 01:00:00"}, []float64{1, 60.5, 2*day + 3600}, false},
		{"psql", []string{"2024-01-30 01:00:00+01", "2024-01-31 00:00:00.5+00", "2024-02-01 00:00:00-03"}, []float64{january30, january30 + day + 0.5, february1 + 3*3600}, true},
		{"UTC", []string{"2024-01-30 00:00:00 UTC", "2024-01-30 00:00:01 UTC", "2024-02-01 00:00:00 UTC"}, []float64{january30, january30 + 1, february1}, true},
		{"MATLAB", []string{"30-Jan-2024 00:00:00", "30-Jan-2024 00:00:00.5", "01-Feb-2024 00:00:00"}, []float64{january30, january30 + 0.5, february1}, true},
		{"German", []string{"30.01.24 00:00", "30.01.24 00:01", "01.02.24 00:00"}, []float64{january30, january30 + 60, february1}, true},
		{"hyphens", []string{"30-01-2024 00:00", "30-01-2024 00:01", "01-02-2024 00:00"}, []float64{january30, january30 + 60, february1}, true},
		{"hyphens, the month first", []string{"01-30-2024 12:00 AM", "01-30-2024 01:00 AM", "02-01-2024 12:00 AM"}, []float64{january30, january30 + 3600, february1}, true},
		{"names of months", []string{"Jan 30, 2024 12:00 AM", "Jan 30, 2024 1:00 PM", "Feb 1, 2024 12:00 AM"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"logs", []string{"30/Jan/2024:01:00:00 +0100", "30/Jan/2024:01:00:01 +0100", "01/Feb/2024:00:00:00 +0000"}, []float64{january30, january30 + 1, february1}, true},
		{"mail", []string{"Tue, 30 Jan 2024 00:00:00 GMT", "Tue, 30 Jan 2024 00:00:01 GMT", "Thu, 01 Feb 2024 01:00:00 +0100"}, []float64{january30, january30 + 1, february1}, true},
		{"the end of a day", []string{"2024-01-30 00:00", "2024-01-30 23:00", "2024-01-31 24:00"}, []float64{january30, january30 + 23*3600, february1}, true},
		{"SAS", []string{"30JAN2024:00:00:00", "30JAN2024:01:00:00", "01FEB2024:00:00:00.5"}, []float64{january30, january30 + 3600, february1 + 0.5}, true},
		{"Oracle", []string{"30-JAN-24 12.00.00.000000 AM", "30-JAN-24 01.00.00.000000 PM", "01-FEB-24 12.00.00.500000 AM"}, []float64{january30, january30 + 13*3600, february1 + 0.5}, true},
		{"SQL Server", []string{"Jan 30 2024 12:00AM", "Jan 30 2024  1:00PM", "Feb  1 2024 12:00AM"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"DB2", []string{"2024-01-30-00.00.00.000000", "2024-01-30-01.00.00.500000", "2024-02-01-00.00.00.000000"}, []float64{january30, january30 + 3600.5, february1}, true},
		{"Kibana", []string{"Jan 30, 2024 @ 00:00:00.000", "Jan 30, 2024 @ 13:00:00.500", "Feb 1, 2024 @ 00:00:00.000"}, []float64{january30, january30 + 13*3600 + 0.5, february1}, true},
		{"kdb+", []string{"2024.01.30D00:00:00.000000000", "2024.01.30D01:00:00.500000000", "2024.02.01D00:00:00.000000000"}, []float64{january30, january30 + 3600.5, february1}, true},
		{"FIX", []string{"20240130-00:00:00.000", "20240130-01:00:00.500", "20240201-00:00:00.000"}, []float64{january30, january30 + 3600.5, february1}, true},
		{"names of files", []string{"2024-01-30_00-00-00", "2024-01-30_01-00-05", "2024-02-01_00-00-00"}, []float64{january30, january30 + 3605, february1}, true},
		{"thousandths behind a colon", []string{"2024-1-30 0:00:00:000", "2024-1-30 1:00:05:500", "2024-2-1 0:00:00:000"}, []float64{january30, january30 + 3605.5, february1}, true},
		{"a zone and its name", []string{"2024-01-30T01:00+01:00[Europe/Berlin]", "2024-01-30T02:00:05+01:00[Europe/Berlin]", "2024-02-01T01:00:00.5+01:00[Europe/Berlin]"}, []float64{january30, january30 + 3605, february1 + 0.5}, true},
		{"zones behind short clocks", []string{"2024-1-29 19:00-05:00", "2024-1-30 1:00-0500", "2024-2-1 3:00+03"}, []float64{january30, january30 + 6*3600, february1}, true},
		{"Spanish", []string{"30/01/2024 12:00:00 a. m.", "30/01/2024 1:00:00 p. m.", "01/02/2024 12:00:00 a.m."}, []float64{january30, january30 + 13*3600, february1}, true},
		{"marks of directions, and narrow blanks", []string{"\u200e1/\u200e30/\u200e2024, 12:00:00\u202fAM", "1/30/2024, 1:00:00\u202fPM", "2/1/2024, 12:00:00\u202fAM"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"Chinese", []string{"2024年1月30日 00:00", "2024年1月30日 01:00:05", "2024年02月01日 00:00"}, []float64{january30, january30 + 3605, february1}, true},
		{"long names", []string{"Tuesday, January 30th, 2024 12:00 AM", "30. January 2024 13:00", "1st February 2024 0:00:00"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"days of the year", []string{"2024-030T00:00:00", "2024-030T01:00:00.5Z", "2024-032"}, []float64{january30, january30 + 3600.5, february1}, true},
		{"intervals", []string{"30.01.2024 00:00 - 30.01.2024 01:00", "30.01.2024 01:00 - 02:00", "01.02.2024 00:00 - 01.02.2024 01:00"}, []float64{january30, january30 + 3600, february1}, true},
		{"brackets", []string{"[30/Jan/2024:01:00:00 +0100]", "[2024-01-30 00:00:01]", "[01/Feb/2024:00:00:00 +0000]"}, []float64{january30, january30 + 1, february1}, true},
		{"Unix", []string{"Tue Jan 30 00:00:00 UTC 2024", "Tue 30 Jan 2024 01:00:00 AM UTC", "Thu Feb 1 00:00:00 UTC 2024"}, []float64{january30, january30 + 3600, february1}, true},
		{"days of weeks", []string{"2024-W05-2", "2024W053", "2024-W05-4"}, []float64{january30, january30 + day, february1}, true},
		{"quarters", []string{"2023Q4", "2024-Q1", "2024q2"}, []float64{january30 - 121*day, january30 - 29*day, january30 + 62*day}, true},
		{"months of Stata", []string{"2023m12", "2024M01", "2024m2"}, []float64{january30 - 60*day, january30 - 29*day, february1}, true},
		{"durations", []string{"PT0S", "PT1M30S", "P1DT0.5S"}, []float64{0, 90, day + 0.5}, false},
		{"durations of a controller", []string{"T#0s500ms", "T#1m30s", "T#1d_1h"}, []float64{0.5, 90, day + 3600}, false},
		{"durations of Go", []string{"1m30s", "1m31s", "1h0m0s"}, []float64{90, 91, 3600}, false},
		{"PhysioNet", []string{"'0:00.000'", "'0:00.500'", "'1:00.000'"}, []float64{0, 0.5, 60}, false},
		{"places", []string{"2024-01-30 01:00:00 Europe/Berlin", "2024-01-29T19:00:05[America/New_York]", "2024-02-01T00:00Z[UTC]"}, []float64{january30, january30 + 5, february1}, true},
		{"German words", []string{"Di, 30.01.2024 00:00", "Di 30. Jan. 2024 13:00 Uhr", "Donnerstag, 1. Februar 2024"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"French, Spanish", []string{"mar. 30 janv. 2024 00:00", "30 de enero de 2024 13:00", "1 févr. 2024"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"Czech", []string{"30. 1. 2024 0:00", "30. 1. 2024 13:00", "1. 2. 2024 0:00"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"Japanese", []string{"2024年01月30日 00時00分00秒", "2024年1月30日 13時00分", "2024年02月01日"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"a controller", []string{"DT#2024-01-30-00:00:00", "DT#2024-01-30-13:00:00", "DT#2024-02-01-00:00:00"}, []float64{january30, january30 + 13*3600, february1}, true},
		{"slashes, short years", []string{"30/01/24 00", "31/01/24 00", "01/02/24 00"}, []float64{january30, january30 + day, february1}, true},
	} {
		var text, objects []string
		for i, at := range test.times {
			text, objects = append(text, fmt.Sprintf(`"%s",%d,%d`, at, 5*i%3, i%2)), append(objects, fmt.Sprintf(`{"when":%q,"x":%d,"label":%d}`, at, 5*i%3, i%2))
		}
		fields := []arrow.Field{field("when", arrow.BinaryTypes.String), field("x", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
		for _, path := range []string{writeFile(t, "a.csv", "when,x,label\n"+strings.Join(text, "\n")), writeFile(t, "a.jsonl", strings.Join(objects, "\n")), writeTable(t, fields, "["+strings.Join(objects, ",")+"]")} {
			d, err := Read(t.Context(), []string{path}, DefaultOptions())
			if err != nil || d.TimeColumn != "when" || !slices.Equal(d.Time, test.want) || d.Stamps != test.stamps {
				t.Errorf("%s: %s: %+v, %v", test.name, path, d, err)
				continue
			}
			if clock := !test.stamps; d.Seconds != clock {
				t.Errorf("%s: seconds %v", test.name, d.Seconds)
			}
			at, stamp, err := ParseTime(test.times[2], d.Times)
			if err != nil || at != test.want[2] || stamp != test.stamps {
				t.Errorf("%s: an event is at %v, %v", test.name, at, err)
			}
			s, err := Look(t.Context(), []string{path}, Options{})
			if err != nil || s.Guess.Time != "when" {
				t.Errorf("%s: %+v, %v", test.name, s, err)
			}
		}
	}
	if _, err := readText("t,x,label\n2024-01-30 08:00 CET,1,0\n", Options{Label: "label", Time: "t", Missing: MissingError, Times: Times{TimeFormat: "%Y-%m-%d %H:%M %Z"}}); err == nil || !strings.Contains(err.Error(), "a zone called CET has no offset that can be told") {
		t.Errorf("error %v", err)
	}
}

// Numbers lack the zeros in front of dates, which may be told from others by their steps or names alone.
func TestWholeNumbersAsTimes(t *testing.T) {
	const day = 86400
	begin := time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC)
	date := func(form string) func(int) string {
		return func(i int) string { return begin.AddDate(0, 0, i).Format(form) }
	}
	for _, test := range []struct {
		name    string
		of      func(i int) string
		rows    int
		step    float64 // of the time that is found; 0: none
		warning string
	}{
		{"day", date("2012006"), 60, day, ""}, // 20012024, and then 1022024
		{"day", date("1022006"), 60, day, ""},
		{"day", date("20106"), 60, day, ""},
		{"x", date("2012006"), 60, day, ""},
		{"date", func(i int) string { return begin.AddDate(0, 0, i-19).Format("2012006") }, 12, 0, "holds dates whose month may be either number"},
		{"meter", func(i int) string { return fmt.Sprint(12012000 + i) }, 60, 1, ""}, // a day of many years
		{"time", func(i int) string { return fmt.Sprint(101 + i) }, 25, 1, ""},
		{"time", func(i int) string { return fmt.Sprint(i) }, 25, 1, ""},
		{"t", func(i int) string { return begin.Add(time.Duration(10*i) * time.Second).Format("150405") }, 60, 0, "holds hours, minutes and seconds as one number, without dates"},
		{"timestamp", func(i int) string { return fmt.Sprint(2_001_150_800 + i) }, 90, 1, ""}, // seconds up to 2033
	} {
		var rows, objects []string
		for i := range test.rows {
			n := strings.TrimLeft(test.of(i), "0")
			if n == "" {
				n = "0"
			}
			rows = append(rows, fmt.Sprintf("%s,%d,%d", n, i*i%7, i/5%2))
			objects = append(objects, fmt.Sprintf(`{%q:%s,"a":%d,"label":%d}`, test.name, n, i*i%7, i/5%2))
		}
		fields := []arrow.Field{field(test.name, arrow.PrimitiveTypes.Int64), field("a", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
		for _, path := range []string{writeFile(t, "a.csv", test.name+",a,label\n"+strings.Join(rows, "\n")), writeFile(t, "a.jsonl", strings.Join(objects, "\n")), writeTable(t, fields, "["+strings.Join(objects, ",")+"]")} {
			d, err := Read(t.Context(), []string{path}, DefaultOptions())
			if err != nil || (d.TimeColumn != "") != (test.step > 0) || d.TimeColumn != "" && d.Time[test.rows-1] != d.Time[0]+float64(test.rows-1)*test.step || !strings.Contains(fmt.Sprint(d.Warnings), test.warning) {
				t.Errorf("%s, %s: %s: %+v, %v", test.name, test.of(0), path, d, err)
			}
		}
	}
}

// What is tidied is no other time than before.
func TestTidied(t *testing.T) {
	for _, text := range []string{"2024-01-15 08:00:00 CET", "2024-01-15 08:00:00 Europe/Nowhere", "1990m13", "5m", "3d", "1.5m", "p", "PT", "15-01-24 08:00:00", "2024-01-15 08:00:00 GMT+1", "Maybe 15 2024", "2024-01-15T08:00:00+1", "2024-W54", "10.0.0.1 8:00"} {
		if at, _, err := ParseTime(text, Times{}); err == nil {
			t.Errorf("%q is at %v", text, at)
		}
	}
}

// Names of zones that have but letters are those that clocks in Options.TimeZone show.
func TestLettersOfZones(t *testing.T) {
	text := column("time", "2024-10-27 01:30:00 CEST", "2024-10-27 02:30:00 CEST", "2024-10-27 02:30:00 CET", "2024-10-27 03:30:00 CET")
	for _, format := range []string{"", "%Y-%m-%d %H:%M:%S %Z"} {
		o := DefaultOptions()
		o.TimeZone, o.TimeFormat = "Europe/Berlin", format
		d, err := readText(text, o)
		if err != nil || d.TimeColumn != "time" || fmt.Sprintf("%.0f", d.Time) != "[1729985400 1729989000 1729992600 1729996200]" {
			t.Errorf("%q: %+v, %v", format, d, err)
		}
		o.Time, o.TimeZone = "time", "America/New_York"
		if _, err := readText(text, o); err == nil {
			t.Errorf("%q: no error for a zone of Europe in New York", format)
		}
	}
	d, err := readText(text, DefaultOptions())
	if err != nil || !strings.Contains(fmt.Sprint(d.Warnings), `as in "2024-10-27 01:30:00 CEST", so neither the time nor a feature (Options.TimeZone says where CEST is, such as Europe/Berlin)`) {
		t.Errorf("%+v, %v", d, err)
	}
}

// Hours and minutes as one number lack the zeros in front, whatever the dates are like.
func TestHoursAndMinutes(t *testing.T) {
	begin := time.Date(2024, 1, 30, 20, 0, 0, 0, time.UTC)
	if d, err := readText(lines("date,time,x,label", 48, func(i int) string { return fmt.Sprintf("2024-01-30,%d,%d,%d", 50*i, i*i%7, i%2) }), DefaultOptions()); err != nil || d.TimeColumn != "time" {
		t.Errorf("milliseconds: %+v, %v", d, err)
	}
	for _, form := range []string{"2006-01-02", "20060102", "2/1/2006", "1/2/2006", "2.1.2006", "2006/1/2"} {
		text := "date,hrmn,x,label\n"
		for i := range 100 {
			at := begin.Add(time.Duration(i) * 12 * time.Minute)
			text += fmt.Sprintf("%s,%d,%d,%d\n", at.Format(form), 100*at.Hour()+at.Minute(), i*i%7, i%2)
		}
		path := writeFile(t, "a.csv", text)
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || d.TimeColumn != "date,hrmn" {
			t.Errorf("%s: %+v, %v", form, d, err)
			continue
		}
		for i, at := range d.Time {
			if want := float64(begin.Unix() + int64(720*i)); at != want {
				t.Fatalf("%s: row %d is at %v, want %v", form, i, at, want)
			}
		}
		if s, err := Look(t.Context(), []string{path}, Options{}); err != nil || s.Guess.Time != "date,hrmn" || s.Guess.MaxGap != "" {
			t.Errorf("%s: %+v, %v", form, s, err)
		}
		o := DefaultOptions() // as a model reads a single row
		o.Features, o.Time, o.Times = []string{"x"}, d.TimeColumn, d.Times
		if d, err := readText("date,hrmn,x,label\n"+begin.Add(4*time.Hour).Format(form)+",24,1,0\n", o); err != nil || d.Time[0] != float64(begin.Unix()+4*3600+24*60) {
			t.Errorf("%s: a row after midnight: %+v, %v", form, d, err)
		}
	}
}

// Years, months, days and hours in columns of their own are times too, numbers in every format.
func TestTimesInParts(t *testing.T) {
	fields := []arrow.Field{field("Year", arrow.PrimitiveTypes.Int64), field("month", arrow.PrimitiveTypes.Int64), field("Day", arrow.PrimitiveTypes.Float64), field("hour", arrow.PrimitiveTypes.Int64), field("x", arrow.PrimitiveTypes.Int64), field("label", arrow.PrimitiveTypes.Int8)}
	objects := `{"Year":2024,"month":1,"Day":31,"hour":22,"x":1,"label":0},{"Year":2024,"month":1,"Day":31,"hour":23,"x":4,"label":1},{"Year":2024,"month":2,"Day":1,"hour":0,"x":2,"label":0}`
	for path, want := range map[string]string{
		writeFile(t, "a.csv", "Year,month,Day,hour,x,label\n2024,1,31,22,1,0\n2024,1,31,23,4,1\n2024,2,1,0,2,0\n"):                          "Year,month,Day,hour",
		writeFile(t, "b.csv", "x;hour;Datum;label\n1;22;31.1.2024;0\n4;23;31.1.2024;1\n2;0;1.2.2024;0\n"):                                   "Datum,hour",
		writeFile(t, "f.csv", "Date,Time,x,label\n2024-01-31,2200,1,0\n2024-01-31,2300,4,1\n2024-02-01,0,2,0\n"):                            "Date,Time",
		writeFile(t, "g.csv", "year,doy,hhmm,x,label\n2024,31,2200,1,0\n2024,31,2300,4,1\n2024,31,2400,2,0\n"):                              "year,doy,hhmm",
		writeFile(t, "h.csv", "HHMM,Day,Month,Year,x,label\n2200,31,1,2024,1,0\n2300,31,1,2024,4,1\n0,1,2,2024,2,0\n"):                      "Year,Month,Day,HHMM",
		writeFile(t, "d.csv", "HH,YYYYMMDD,x,label\n22,20240131,1,0\n23,20240131,4,1\n24,20240131,2,0\n"):                                   "YYYYMMDD,HH",
		writeFile(t, "e.csv", "Date,Time,x,label\n31/01/2024,22:00:00:000,1,0\n31/01/2024,23:00:00:000,4,1\n01/02/2024,00:00:00:000,2,0\n"): "Date,Time",
		writeFile(t, "j.csv", "date,time,x,label\n310124,220000,1,0\n310124,230000,4,1\n010224,000000,2,0\n"):                               "date,time",
		writeFile(t, "k.csv", "date;time;x;label\n31012024;22:00:00;1;0\n31012024;23:00:00;4;1\n01022024;00:00:00;2;0\n"):                   "date,time",
		writeFile(t, "l.csv", "UTC_date,UTC_time,x,label\n310124,220000.000,1,0\n310124,230000.000,4,1\n010224,000000.000,2,0\n"):           "UTC_date,UTC_time",
		writeFile(t, "i.csv", "Date,Time,x,label\n1/31/2024,10:00p,1,0\n1/31/2024,11:00 p,4,1\n2/1/2024,12:00a,2,0\n"):                      "Date,Time",
		writeFile(t, "c.csv", "x,Date,Time,label\n1,2024-01-31,10:00 pm,0\n4,2024-01-31,11:00 PM,1\n2,2024-02-01,12:00 AM,0\n"):             "Date,Time",
		writeTable(t, fields, "["+objects+"]"): "Year,month,Day,hour",
	} {
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || d.TimeColumn != want || fmt.Sprintf("%v %.0f", d.Features, d.Time) != "[x] [1706738400 1706742000 1706745600]" {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
		s, err := Look(t.Context(), []string{path}, Options{})
		if err != nil || s.Guess.Time != want || s.Guess.Series != "" {
			t.Errorf("%s: %+v, %v", path, s, err)
		}
	}
}
