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
		"sums among the rows": {strings.ReplaceAll(lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d", i, i%7, i/8%2)
		}), "\n40,", "\nSubtotal,9,\n40,"), "a ", "[0]", `column "time": looks like the time, but 1 of the first 61 values are none, such as "Subtotal", so neither the time nor a feature`},
		"classes in columns of their own": {lines("time,a,class_b,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d,%d", i, i%7, i/8%3/2, i/8%3%2)
		}), "a,class_b time", "[0 0] 0", `column "class_b": looks like a second column of labels, but is a feature (Options.Exclude class_b leaves it out)`},
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
		"a measurement of LabVIEW": {"LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t,\n***End_of_Header***\t\n\t\nChannels\t2\t\t\nSamples\t60\t60\t\nDelta_X\t0,5\t0,5\t\n***End_of_Header***\t\t\t\nX_Value\ta\tlabel\tComment\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%d,%d\t%d,25\t%d", i/2, i%2*5, i%7, i/8%2)
		}), "\n"), "a X_Value", "[0.25] 0", ":1: lines up to 9 are headers of LabVIEW, and are skipped"},
		"a waveform of LabVIEW": {"Waveform\tV\tW\nt0\t15/01/2024\t15/01/2024\ndelta t\t0.5\t0.5\n\ntime\ta\tlabel\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%s\t%d\t%d", hour(i).Format("02/01/2006 15:04:05"), i%7, i/8%2)
		}), "\n"), "a time", "[0] 1.7038944e+09", ":1: lines up to 4 are skipped as a preamble"},
		"a preamble that blanks divide": {"Data acquisition\nSample rate:\t100\n\nData1\n\nTime (s)\tAI 1 (V)\tlabel\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("0,%02d\t%d,5\t%d", i, i%7, i/8%2)
		}), "\n"), "AI 1 (V) Time (s)", "[0.5] 0", ":1: lines up to 5 are skipped as a preamble"},
		"words of hexadecimal digits": {lines("time,node,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%s,%d,%d", i, []string{"1e5", "2e10", "a3f", "12"}[i*i/2%4], i%7, i/8%2)
		}), "a time", "[0] 0", `column "node": holds words of hexadecimal digits, as "a3f" is, so not a feature`},
		"names and units in comments, as buoys have them": {"#YY MM DD hh mm WSPD GST label\n#yr mo dy hr mn m/s m/s -\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%s %d %d %d", hour(i).Format("2006 01 02 15 04"), i%7, i%5, i/8%2)
		}), "\n"), "WSPD,GST YY,MM,DD,hh,mm", "[0 0] 1.7038944e+09", ":2: taken as the units of the columns, and no row: yr, mo, dy"},
		"words in a comment": {"# all that rig seven label\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%d %d %d %d %d", i, i%7, i*i%5, i*i%3, i/8%2)
		}), "\n"), "that,rig,seven all", "[0 0 0] 0", ":1: this comment is taken as the names of the columns: all, that, rig, seven, label"},
		"dates of a terminal, and clocks of six digits": {lines("<DATE>,<TIME>,<CLOSE>,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format("20060102,150405"), i%7, i/8%2)
		}), "<CLOSE> <DATE>,<TIME>", "[0] 1.7038944e+09", ""},
		"dates, hours and minutes": {lines("date,hour,min,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Add(time.Duration(i)*time.Minute).Format("2006-01-02,15,4"), i%7, i/8%2)
		}), "a date,hour,min", "[0] 1.7038944e+09", ""},
		"days up to the end of a month": {lines("year,month,day,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(24*i).Format("2006,1,2"), i%7, i/8%2)
		}), "a year,month,day", "[0] 1.7038944e+09", ""},
		"dates that come but once": {lines("date,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", []string{hour(i).Format(time.DateOnly), ""}[min(i%12, 1)], i%7, i/8%2)
		}), "a ", "[0]", `column "date": 5 of the first 60 values are times, and others are none, such as empty ones, so neither`},
		"a comment and names in one": {"# of rig 7 b\n# time a label n\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%d %d %d %d", i, i%7, i/8%2, i%3)
		}), "\n"), "a,n time", "[0 0] 0", ":1: lines that begin with # before the header are skipped (1 in all)"},
		"dates and hours as one number": {lines("MESS_DATUM;a;label", 60, func(i int) string {
			return fmt.Sprintf("%s;%d;%d", hour(i).Format("2006010215"), i%7, i/8%2)
		}), "a MESS_DATUM", "[0] 1.7038944e+09", ""},
		"dates beside clocks of four digits": {lines("UTC_DATE UTC_TIME a label", 60, func(i int) string {
			return fmt.Sprintf("%s %d %d", hour(i).Format("20060102 1504"), i%7, i/8%2)
		}), "a UTC_DATE,UTC_TIME", "[0] 1.7038944e+09", ""},
		"headers of pandas, of several lines": {"Price,a,label\nTicker,AAPL,AAPL\nDate,,\n" + strings.TrimPrefix(lines("", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(24*i).Format(time.DateOnly), i%7, i/8%2)
		}), "\n"), "a Price", "[0] 1.7038944e+09", `:3: names the first column "Date"`},
		"a clock that jitters beside the time": {lines("time,seconds_elapsed,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%.3f,%d,%d", 1_703_894_400+i, float64(i)+float64(i*i%5)/100, i%7, i/8%2)
		}), "a time", "[0] 1.7038944e+09", `column "seconds_elapsed": looks like a second time, so not a feature`},
		"the number of a row in front of the time": {lines("\"\",time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d,%d", i+1, 5*i, i%7, i/8%2)
		}), "a time", "[0] 0", `column "Unnamed: 0": looks like a second time`},
		"years, months and days beside dates with hours": {lines("Year,Month,Day,Date/Time (LST),a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format("2006,01,02,2006-01-02 15:04"), i%7, i/8%2)
		}), "Year,Month,Day,a Date/Time (LST)", "[2023 12 30 0] 1.7038944e+09", ""},
		"the number of a row in front of dates and hours": {lines("#,\"Date Time, GMT-05:00\",a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%s,%d,%d", i+1, hour(i).Format("01/02/06 03:04:05 PM"), i%7, i/8%2)
		}), "a Date Time, GMT-05:00", "[0] 1.7038944e+09", `column "#": looks like a second time`},
		"a time beside others": {lines("start_time,time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%s,%d,%d", hour(i/8*8).Format(time.DateTime), hour(i).Format(time.DateTime), i%7, i/8%2)
		}), "a time", "[0] 1.7038944e+09", `column "start_time": holds times, so not a feature`},
		"Julian dates": {lines("JD,a,label", 60, func(i int) string {
			return fmt.Sprintf("%.6f,%d,%d", 2460324+float64(i)/1440, i%7, i/8%2)
		}), "a JD", "[0] 2.460324e+06", ""},
		"days of MATLAB": {lines("datenum,a,label", 60, func(i int) string {
			return fmt.Sprintf("%.8f,%d,%d", 739250+float64(i)/1440, i%7, i/8%2)
		}), "a datenum", "[0] 739250", ""},
		"a time that does not change": {lines("timestamp,a,label", 60, func(i int) string {
			return fmt.Sprintf("1703894400,%d,%d", i%7, i/8%2)
		}), "a ", "[0]", `column "timestamp": looks like a time, but is the same in the first 60 rows, so neither the time nor a feature`},
		"times that are rounded to the same": {lines("t,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d", 1<<60+i, i%7, i/8%2)
		}), "a ", "[0]", `column "t": whole numbers beyond 9007199254740992 (2^53) are rounded`},
		"times that a spreadsheet has rounded": {lines("timestamp,a,label", 60, func(i int) string {
			return fmt.Sprintf("%.5E,%d,%d", 1.70389e12+float64(i)*4e6, i%7, i/8%2)
		}), "a ", "[0]", `column "timestamp": is written with so few digits that rows are not told apart, as in "1.70389E+12" (spreadsheets do so; numbers in full are read), so neither the time nor a feature`},
		"a round time with an exponent, as R writes it": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", strings.ReplaceAll(fmt.Sprint(99_990+i), "100000", "1e+05"), i%7, i/8%2)
		}), "a time", "[0] 99990", ""},
		"clocks without dates": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format("15:04"), i%7, i/8%2)
		}), "a ", "[0]", `column "time": holds times of the day without dates, as in "00:00", so neither the time nor a feature`},
		"clocks with seconds and without dates": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", hour(i).Format("15:04:05"), i%7, i/8%2)
		}), "a ", "[0]", `column "time": holds times of the day, which begin anew at midnight`},
		"numbers with flags behind commas": {lines("DATE,TMP,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,\"+%04d,1\",%d,%d", hour(i).Format(time.DateTime), i%7*30, i%7, i/8%2)
		}), "a DATE", "[0] 1.7038944e+09", `column "TMP": its values begin like numbers, but are none, as in "+0000,1", so not a feature`},
		"numbers that stand for missing ones": {lines("time,a,b,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%g,%d", i, []int{i % 7, -9999}[i%9/8], []float64{999.9, float64(i%4) / 8}[min(i%13, 1)], i/8%2)
		}), "a,b time", "[0 999.9] 0", `column "a": -9999 in 6 rows is far from all other values; if it means that one is missing, Options.NAValues -9999 counts it so column "b": 999.9 in 5 rows is far`},
		"a clock of years and months": {lines("year,month,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%d,%d", 1970+i/12, i%12+1, i%7, i/8%2)
		}), "a year,month", "[0] 0", ""},
		"prices of a terminal": {lines("<DATE>\t<TIME>\t<OPEN>\tlabel", 60, func(i int) string {
			return fmt.Sprintf("%s\t%d\t%d", hour(i).Format("2006.01.02\t15:04:05"), i%7, i/8%2)
		}), "<OPEN> <DATE>,<TIME>", "[0] 1.7038944e+09", ""},
		"blanks around commas": {lines(" time , a , label ", 60, func(i int) string {
			return fmt.Sprintf(" %d , %d , %d ", i, i%7, i/8%2)
		}), "a time", "[0] 0", "using \"time\" as the time column, not as a feature (Options.Exclude or Options.Features leaves it out)]"},
		"a mark among labels": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%s", i, i%7, []string{"0", "1", "?"}[i/8%3])
		}), "a time", "[0] 0", `column "label": '?' is a class; if it means that there is no label, Options.NAValues '?' counts it so`},
		"a mark of a spreadsheet among labels": {lines("time,a,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%d,%s", i, i%7, []string{"0", "1", "#NULL!"}[i/8%3])
		}), "a time", "[0] 0", `column "label": '#NULL!' is a class; if it means that there is no label, Options.NAValues '#NULL!' counts it so`},
		"days of the week": {lines("time,weekday,a,label", 80, func(i int) string {
			return fmt.Sprintf("%d,%s,%d,%d", i, time.Weekday(i%7), i*i%7, i/8%2)
		}), "a time", "[0] 0", `column "weekday": not numbers, so not a feature]`},
		"numbers among dates": {lines("day,a,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%d,%d", []string{hour(24 * i).Format(time.DateOnly), fmt.Sprint(45290 + i)}[i%5/4], i%7, i/8%2)
		}), "a ", "[0]", `column "day": 48 of the first 60 values are times, and others are none, such as numbers, so neither`},
		"true among numbers": {lines("time,a,b,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%s,%d,%d", i, []string{fmt.Sprint(i % 7), "TRUE"}[i/59], i%2, i/8%2)
		}), "a,b time", "[0 0] 0", `:61: column "a": true and false stand among numbers other than 1 and 0, and count as these`},
		"nothing but true and false": {lines("time,a,b,label", 60, func(i int) string {
			return fmt.Sprintf("%d,%t,%s,%d", i, i%3 > 0, []string{"false", "1"}[i%2], i/8%2)
		}), "a,b time", "[0 0] 0", `(Options.Exclude or Options.Features leaves it out)]`},
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
			if got := strings.Join(s.Guess.Features, ",") + " " + s.Guess.Time; got != strings.Replace(test.features, ",class_b", "", 1) || s.Guess.Series != "" {
				t.Errorf("Look finds features and time %q, not %q, and the series %q", got, test.features, s.Guess.Series)
			}
		})
	}
}

// What cannot be told is an error or a warning.
func TestFilesThatCannotBeTold(t *testing.T) {
	for text, want := range map[string]string{
		"time,a,label\n0,-1,179,0\n1,2,049,1\n2,-0,5,0\n":               `a.txt:2: 4 fields, and the header has 3: numbers seem to have decimal commas, as in "-0,5"`,
		`{"status":"ok","data":[{"a":1,"label":0},{"a":2,"label":1}]}`:  `:1: the only object has rows in it, in "data" (jq -c '.data[]' makes lines of them)`,
		`{"a":[1,2,3],"label":[0,1,1]}`:                                 `:1: the only object has columns in it, as arrays such as "a"`,
		`{"a":1,"label":0,"all":[1,2]}` + "\n" + `{"a":2,"label":1}`:    "",
		`{"a":1}` + "\n" + `{"a":2,"label":1}`:                          `:2: column "label": the first object has no such key, so it is no column (Options.Label; with null there, or another object in front, it is one)`,
		`{"a":{"0":1,"1":2},"label":{"0":0,"1":1}}`:                     ":1: the only object has columns in it, with a key for each row, as pandas writes them",
		"<!DOCTYPE html>\n<p>no such file</p>\n":                        "this is a web page, perhaps in place of the file",
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\n":    "this is a pointer of Git LFS: `git lfs pull` fetches the file",
		`[["a","label"],[1,0],[2,1]]`:                                   "a JSON array of arrays: write its rows as lines (jq -r '.[]|@csv') or as objects",
		"{\n\"a\": 1,\n\"label\": 0\n}":                                 `:1: "{" is not a JSON object on one line (jq -c . writes them so)`,
		`{"v":{"a":1},"label":0}` + "\n" + `{"v":null,"label":1}`:       `:2: column "v.a": the value is missing`,
		"a,label\nr1,0,1\nr2,3,0":                                       "",
		"ts=2024-01-15T08:00:00Z level=info msg=\"a b\" x=3\n":          "this is logfmt",
		"weather,location=us temp=82,h=3 1465839830100400200\n":         "this is line protocol of InfluxDB",
		"# HELP cpu seconds\n# TYPE cpu counter\ncpu{m=\"a\"} 0.5 17\n": "this is what an exporter tells Prometheus",
		"-- a dump\n\nDROP TABLE IF EXISTS `m`;\n":                      "this is a dump of a database",
		"COPY public.m (time, a) FROM stdin;\n1\t2\n":                   "this is a dump of a database",
		"-[ RECORD 1 ]-\ntime | 1\na | 2\n":                             "this is a table of psql with a line for each value",
		"$GPGGA,080000,4807.038,N\n$GPGGA,080001,4807.039,N\n":          "this is NMEA 0183",
		"- time: 1\n  a: 2\n":                                           "this is YAML",
		"[0, 1.5, 0]\n[1, 2.5, 1]\n":                                    "this is a JSON array in each line",
		"\n<table><tr><td>time</td></tr></table>\n":                     "this is a web page",
		`{"columns":["a","label"],"index":[0,1],"data":[[1,0],[2,1]]}`:  `rows in it, as arrays in "data" (jq -r '.data[]|@csv' makes CSV of them`,
		`{"schema":{"fields":[{"n":1}]},"data":[{"a":1},{"a":2}]}`:      `rows in it, in "data"`,
		"\"time;a;label\"\n\"1;2,5;0\"\n":                               `each line seems to be in quotes, which hide what is between fields`,
		"a,label\n\"say \\\"hi\\\"\",0\n":                               `(a " within one is written twice)`,
		"time,a,label\n1,\\N,0\n2,3,1\n":                                `:2: column "a": the value is missing`,
		`{"acc":[1,2],"label":0}` + "\n" + `{"acc":[2,2],"label":1}`:    `columns: acc, label; column "acc": its values begin like numbers, but are none, as in "[1,2]"`,
		"a,label\n٠٫٥,0\n١٫٥,1\n":                                       `column "a": its values begin like numbers, but are none`,
	} {
		_, err := Read(t.Context(), []string{writeFile(t, "a.txt", text)}, DefaultOptions())
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

// Look does not take for missing what means something else, but infinite numbers.
func TestLookAtOddValues(t *testing.T) {
	for odd, want := range map[string]string{"Infinity": "[Infinity]", "1e400": "[1e400]", "ERR": "[ERR]", "label": "[]"} {
		text := strings.Replace(lines("time,a,label", 60, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i*i%7, i/8%2) }), "\n40,4,", "\n40,"+odd+",", 1)
		s, err := Look(t.Context(), []string{writeFile(t, "a.csv", text)}, Options{})
		if err != nil || fmt.Sprint(s.Guess.NAValues) != want || !strings.Contains(fmt.Sprint(s.Guess.Notes), fmt.Sprintf("such as %q", odd)) {
			t.Errorf("%s: %v, %v, %v", odd, s.Guess.NAValues, s.Guess.Notes, err)
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
	named := Options{Label: "label", Series: "id", Missing: MissingError}
	named.SetLayout(WideLayout)
	path := writeFile(t, "n.csv", lines("id,t0,t1,t2,label", 3, func(i int) string { return fmt.Sprintf("%c,%d,2,3,%d", 'a'+i, i, i%2) }))
	if d, err := Read(t.Context(), []string{path}, named); err != nil || len(d.Features) != 1 || d.Features[0] != "value" || d.Series[2].Name != "c" {
		t.Errorf("%+v, %v", d, err)
	}
}
