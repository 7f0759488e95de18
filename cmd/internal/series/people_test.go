package series

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// lines are a header and so many rows.
func lines(header string, n int, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(row(i) + "\n")
	}
	return b.String()
}

var newYear = time.Date(2023, 12, 30, 0, 0, 0, 0, time.UTC)

// Files as people have them are read as these would read them, and Look finds the same features and the same time.
func TestFilesOfPeople(t *testing.T) {
	hour := func(i int) time.Time { return newYear.Add(time.Duration(i) * time.Hour) }
	for name, test := range map[string]struct {
		text     string
		features string // and the time, between blanks
		first    string // row of features, and the time
		warning  string
	}{
		"a clock of years, days of the year and hours": {lines("year,doy,hour,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d,%d,%d", hour(i).Year(), hour(i).YearDay(), hour(i).Hour(), i%7, i/8%2)
		}), "a year,doy,hour", "[0] 1.7038944e+09", `using "year,doy,hour" as the time column`},
		"hours beside a time": {lines("timestamp,hour,day_of_year,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d,%d,%d", hour(i).Format(time.DateTime), hour(i).Hour(), hour(i).YearDay(), i%7, i/8%2)
		}), "hour,day_of_year,a timestamp", "[0 364 0] 1.7038944e+09", ""},
		"hours that never begin anew": {lines("hour,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d", i, i%7, i/8%2)
		}), "a hour", "[0] 0", ""},
		"a table for people": {"| time | a | label |\n|---:|---|:---:|\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("| %d | %d | %d |", i, i%7, i/8%2)
		}), "\n"), "a time", "[0] 0", ":2: lines that only draw a table are skipped (1 in all)"},
		"a table of MySQL": {"+------+---+-------+\n| time | a | label |\n+------+---+-------+\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("| %d | %d | %d |", i, i%7, i/8%2)
		}), "\n") + "+------+---+-------+\n", "a time", "[0] 0", ":1: lines that only draw a table are skipped (3 in all)"},
		"a sum at the end": {lines("day,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(24*i).Format(time.DateOnly), i%7, i/8%2)
		}) + "Total,171,\n", "a ", "[0]", `:62: column "day": "Total" looks like a row that sums up the others, and is read as one of them (take it out of the file)`},
		"times but for one": {lines("day,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(24*i).Format(time.DateOnly), i%7, i/8%2)
		}) + "later,171,\n", "a ", "[0]", `column "day": 60 of the first 61 values are times, and others are none, such as "later", so neither the time nor a feature`},
		"whole numbers that are rounded": {lines("k,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d", 9007199254740992+i*i%5, i%7, i/8%2)
		}), "k,a ", "[0 0]", `:3: column "k": whole numbers beyond 9007199254740992 (2^53) are rounded`},
		"times that are rounded": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d", 1_700_000_000_000_000_000+100*i, i%7, i/8%2)
		}), "a time", "[0] 1.7e+18", `:3: column "time": whole numbers beyond 9007199254740992 (2^53) are rounded`},
		"a table of a logger, TOA5": {`"TOA5","CR1000","CR1000","12345","Table1"
"TIMESTAMP","RECORD","a","label"
"TS","RN","Volts",""
"","","Avg",""
` + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf(`"%s",%d,%d,%d`, hour(i).Format(time.DateTime), i, i%7, i/8%2)
		}), "\n"), "a TIMESTAMP", "[0] 1.7038944e+09", `:3: taken as the units of the columns, and no row: TS, RN, Volts`},
		"times as C writes them": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format(time.ANSIC), i%7, i/8%2)
		}), "a time", "[0] 1.7038944e+09", ""},
		"times as browsers write them": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s GMT+0100 (CET),%d,%d", hour(i+1).Format("Mon Jan 02 2006 15:04:05"), i%7, i/8%2)
		}), "a time", "[0] 1.7038944e+09", ""},
		"years of two digits": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format("02-Jan-06 15:04:05"), i%7, i/8%2)
		}), "a time", "[0] 1.7038944e+09", ""},
		"times of another form": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("day %d,%d,%d", i, i%7, i/8%2)
		}), "a ", "[0]", `column "time": is called like a time, but its values are none of a known form, as in "day 0", so neither the time nor a feature (Options.TimeFormat says how they are written)`},
		"dates that may be two, and clocks": {lines("Date,Time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i+24*5).Format("01/02/2006,03:04 PM"), i%7, i/8%2)
		}), "a ", "[0]", `column "Date": holds dates whose month may be either number`},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "a.csv", test.text)
			d, err := Read(t.Context(), []string{path}, DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Features, ",") + " " + d.TimeColumn; got != test.features {
				t.Errorf("features and time %q, not %q", got, test.features)
			}
			first := fmt.Sprint(d.X[:len(d.Features)])
			if d.Time != nil {
				first += fmt.Sprint(" ", d.Time[0])
			}
			if first != test.first {
				t.Errorf("the first row is %s, not %s", first, test.first)
			}
			all := fmt.Sprint(d.Warnings)
			if !strings.Contains(all, test.warning) {
				t.Errorf("warnings %s, not %s", all, test.warning)
			}
			s, err := Look(t.Context(), []string{path}, DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.Guess.Features, ",") + " " + s.Guess.Time; got != test.features || s.Guess.Series != "" {
				t.Errorf("Look finds features and time %q, not %q, and the series %q", got, test.features, s.Guess.Series)
			}
		})
	}
}

// What cannot be told is an error or a warning.
func TestFilesThatCannotBeTold(t *testing.T) {
	for text, want := range map[string]string{
		"time,a,label\n0,-1,179,0\n1,2,049,1\n2,-0,5,0\n": `a.csv:2: 4 fields, and the header has 3: numbers seem to have decimal commas, as in "-0,5"`,
		"a,label\nr1,0,1\nr2,3,0":                         "",
	} {
		_, err := Read(t.Context(), []string{writeFile(t, "a.csv", text)}, DefaultOptions())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
	o := DefaultOptions()
	o.NoHeader, o.Label = true, "2"
	for text, want := range map[string]bool{"1704448800.0,1704448800.0\n32.0, 32.0\n1,0\n2,1\n": true, "1704448800,0\n32,0\n1,0\n2,1\n": false} {
		d, err := Read(t.Context(), []string{writeFile(t, "a.csv", text)}, o)
		if err != nil || strings.Contains(fmt.Sprint(d.Warnings), ":1: the first two rows look like when a recording began") != want {
			t.Errorf("%q: %+v, %v", text, d, err)
		}
	}
}

// Rows of several files that are series each are told apart by Look as by Read.
func TestLookAtWideFiles(t *testing.T) {
	file := func() string {
		return writeFile(t, "w.csv", lines("t0,t1,t2,label", 3, func(i int) string { return fmt.Sprintf("%d,2,3,%d", i, i%2) }))
	}
	o := DefaultOptions()
	o.SetLayout(WideLayout)
	paths := []string{file(), file()}
	s, err := Look(t.Context(), paths, o)
	if err != nil || s.Series != 6 || s.Guess.Time != "step" {
		t.Errorf("%+v, %v", s, err)
	}
	if d, err := Read(t.Context(), paths, o); err != nil || len(d.Series) != 6 {
		t.Errorf("%+v, %v", d, err)
	}
}
