package events

import (
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestMark(t *testing.T) {
	hours := func(t *testing.T) []*series.Data {
		return []*series.Data{hoursOf(t, "d.csv", "01:00", "02:00", "03:00", "04:00", "05:00")}
	}
	rows := func(*testing.T) []*series.Data { return []*series.Data{rowsOf("d.csv", 5)} }
	times := func(*testing.T) []*series.Data { return []*series.Data{timesOf("d.csv", 0, 0.1, 0.2, 0.3, 0.4)} }
	seconds := func(*testing.T) []*series.Data {
		d := timesOf("d.csv", 0, 0.1, 0.2, 0.3, 0.4)
		d.TimeColumn = "Time (s)"
		return []*series.Data{d}
	}
	two := func(*testing.T) []*series.Data {
		return []*series.Data{joined(timesOf("x/a.csv", 0, 1, 2), timesOf("x/b.csv", 0, 1, 2))}
	}
	for name, c := range map[string]struct {
		file, content string
		data          func(*testing.T) []*series.Data
		options       Options
		classes       string
		want          string // labels of each data
		warning       string // part of one
	}{
		"rows":               {"e.csv", "start,end\n1,2\n4,9\n", rows, Options{}, "0 1", "01101", "e.csv:3: 1 events go on behind the last row for longer than before it, and end there"},
		"an end to come":     {"e.csv", "start,end\n0.1,0.1\n0.3,now\n", times, Options{}, "0 1", "01011", ""},
		"early, two":         {"e.csv", "start,end\n1,1\n2,3\n", func(*testing.T) []*series.Data { return []*series.Data{timesOf("d.csv", 0, 1, 2, 3, 5000)} }, Options{}, "0 1", "01110", `e.csv:2: all events are in the first 500-th of series "d.csv"; if units differ`},
		"both ends":          {"e.csv", "start,end\n0.1,0.3\n", times, Options{}, "0 1", "01110", ""},
		"instants":           {"e.csv", "time\n0.1\n0.4\n", times, Options{Tolerance: length(t, "0")}, "0 1", "01001", ""},
		"tolerance":          {"e.csv", "time\n0.3\n", times, Options{Tolerance: series.Length{Value: 0.1}}, "0 1", "00111", ""},
		"tolerance, between": {"e.csv", "time\n0.15\n", times, Options{Tolerance: series.Length{Value: 0.05}}, "0 1", "01100", ""},
		"tolerance of rows":  {"e.csv", "start,end\n0,\n3,4\n", rows, Options{Tolerance: series.Length{Value: 1}}, "0 1", "11011", ""},
		"durations":          {"e.csv", "start,duration\n0.1,0.2\n", times, Options{}, "0 1", "01100", ""},
		"durations of rows":  {"e.csv", "start,duration,label\n0,2,a\n2,2,b\n", rows, Options{}, "none a b", "11220", ""},
		"timestamps":         {"e.json", `{"z/d.csv": [["2024-03-01 02:00:00", "2024-03-01T03:30:00Z"]]}`, hours, Options{}, "0 1", "01100", ""},
		"a duration":         {"e.json", `{"z/d.csv": ["2024-03-01 02:00:00"]}`, hours, Options{Tolerance: length(t, "1h")}, "0 1", "11100", ""},
		"milliseconds": {"e.json", `[{"annotations": [{"result": [{"type": "timeserieslabels", "value": {"start": 1709258400000, "end": 1709262000000.5, "timeserieslabels": ["up"]}}]}], "data": {"csv": "/u/00aa11bb-d.csv"}}]`,
			hours, Options{}, "none up", "01100", ""},
		"whole files":     {"e.csv", "file,label\na.csv,up\nb,down\nc.csv,up\n", two, Options{}, "down up", "111000", ""},
		"whole, numbers":  {"e.jsonl", `{"series":"x/a.csv","label":7}` + "\n" + `{"series":"b.csv","label":3}`, two, Options{}, "3 7", "111000", ""},
		"names":           {"e.csv", "start,end,label\n0,0,b\n2,3,a\n", rows, Options{}, "none a b", "20110", ""},
		"numbers":         {"e.csv", "start,end,label\n0,0,10\n2,3,9.0\n", rows, Options{}, "0 9 10", "20110", ""},
		"a one":           {"e.csv", "start,end,label\n0,0,1\n", rows, Options{}, "0 1", "10000", ""},
		"none among them": {"e.csv", "start,end,label\n0,1,none\n2,3,a\n", rows, Options{}, "none a", "00110", ""},
		"normal":          {"e.csv", "start,stop,label\n0,1,Normal\n2,3,a\n", rows, Options{}, "Normal a", "00110", `e.csv: rows outside events are "Normal", by its name`},
		"running":         {"e.csv", "start,stop,label\n0,1,running\n2,3,a\n", rows, Options{}, "none a running", "22110", ""},
		"classes":         {"e.csv", "start,end,label\n0,0,b\n2,3,a\n", rows, Options{Classes: []string{"rest", "b", "a"}}, "rest b a", "10220", ""},
		"classes, all":    {"e.csv", "start,end,label\n0,1,rest\n2,4,b\n", rows, Options{Classes: []string{"rest", "b"}}, "rest b", "00111", ""},
		"two classes":     {"e.csv", "start,end\n0,1\n", rows, Options{Classes: []string{"none", "b"}}, "none b", "11000", ""},
		"positive":        {"e.csv", "start,end,label\n0,4,noise\n2,3,b\n", rows, Options{Positive: "b"}, "0 1", "00110", ""},
		"several":         {"e.csv", "start,end,label\n0,0,a\n2,3,b\n4,4,c\n", rows, Options{Positive: "b,c"}, "0 1", "00111", ""},
		"the same":        {"e.csv", "start,end\n0,2\n1,3\n1,1\n", rows, Options{}, "0 1", "11110", "e.csv:3: 2 events overlap with others of the same label, and count as one with them"},
		"beyond":          {"e.csv", "start,end,label\n0,5,a\n2,7,a\n", rows, Options{}, "none a", "11111", "e.csv:3: 1 events go on behind the last row for longer than before it, and end there"},
		"beyond in time":  {"e.csv", "start,end,label\n0.3,4,a\n", times, Options{}, "none a", "00011", "e.csv:2: 1 events go on behind"},
		"meeting":         {"e.csv", "start,end,label\n0,2,a\n2,3,b\n", rows, Options{}, "none a b", "11220", "e.csv:3: 1 events start on the last row of another"},
		"no such row":     {"e.csv", "start,end,label\n0,2,a\n", rows, Options{Classes: []string{"none", "a", "b"}}, "none a b", "11100", "e.csv: no row is b"},
		"series":          {"e.csv", "series,start,end\nb.csv,0,1\nx/a.csv,2,2\n", two, Options{}, "0 1", "001110", ""},
		"one empty":       {"e.csv", "series,start,end\nx/b.csv,0,1\n", two, Options{}, "0 1", "000110", `e.csv: 1 of 2 series have no event: all their rows are "0"`},
		"windows, others": {"e.json", `{"y/b.csv": [1], "x/b.csv": [[1, 2]], "x/a.csv": [0], "c.csv": [[8, 9]]}`, two, Options{}, "0 1", "100011", ""},
		"compressed": {"e.json", `{"d.csv": [[0, 1]]}`, func(*testing.T) []*series.Data { return []*series.Data{rowsOf("/u/d.csv.gz", 3)} },
			Options{}, "0 1", "110", ""},
		"several data": {"e.csv", "start,end\n1,3\n12,19\n", func(*testing.T) []*series.Data {
			return []*series.Data{timesOf("a.csv", 0, 1, 2), timesOf("b.csv", 10, 11, 12)}
		}, Options{}, "0 1", "011 001", "e.csv:3: 1 events go on behind"},
		"several in turn": {"e.csv", "start,end\n2,11\n", func(*testing.T) []*series.Data {
			return []*series.Data{joined(timesOf("b.csv", 10, 11, 12), timesOf("a.csv", 0, 1, 2))}
		}, Options{}, "0 1", "110001", ""},
		"behind a gap": {"e.csv", "series,start,end\na.csv,2,11\n", func(*testing.T) []*series.Data {
			return []*series.Data{joined(timesOf("a.csv", 0, 1, 2), timesOf("a.csv (2)", 10, 11, 12))}
		}, Options{Divided: true}, "0 1", "001110", ""},
		"numbers of rows": {"e.csv", "start_sample,end_sample\n1,2\n", times, Options{}, "0 1", "01100", `e.csv: column "start_sample" is taken for numbers of rows, from 0 in each series, and not for times (column "t" of the data)`},
		"samples by number": {"e.csv", "sample\n12\n", func(*testing.T) []*series.Data { return []*series.Data{timesOf("d.csv", 10, 11, 12)} },
			Options{Tolerance: length(t, "0")}, "0 1", "001", ""},
		"rows behind a gap": {"e.csv", "sample,series\n1,a.csv\n4,a.csv\n", func(*testing.T) []*series.Data {
			return []*series.Data{joined(timesOf("a.csv", 0, 0.1, 0.2), timesOf("a.csv (2)", 10, 10.1, 10.2))}
		}, Options{Divided: true, Tolerance: length(t, "0")}, "0 1", "010010", "numbers of rows"},
		"milliseconds, named":  {"e.csv", "Start (ms),End (ms)\n100,300\n", seconds, Options{}, "0 1", "01110", ""},
		"durations, named":     {"e.csv", "start,duration_ms\n0.1,200\n", seconds, Options{}, "0 1", "01100", ""},
		"minutes":              {"e.csv", "start,Duration (min)\n2024-03-01 02:00:00,60\n", hours, Options{}, "0 1", "01000", ""},
		"a clock's duration":   {"e.csv", "start,duration\n2024-03-01 02:00:00,1:30:00\n", hours, Options{}, "0 1", "01100", ""},
		"a duration with unit": {"e.csv", "start,duration\n2024-03-01 02:00:00,90m\n", hours, Options{}, "0 1", "01100", ""},
		"since 1970":           {"e.csv", "1709258400\n", hours, Options{Tolerance: length(t, "0")}, "0 1", "01000", ""},
		"since 1970, ms":       {"e.csv", "from,to\n1709258400000,1709262000000\n", hours, Options{}, "0 1", "01100", ""},
		"timestamps, since 1970": {"e.csv", "start,end\n2024-03-01 02:00:00,2024-03-01 03:00:00\n", func(*testing.T) []*series.Data {
			return []*series.Data{timesOf("d.csv", 1709254800e3, 1709258400e3, 1709262000e3)}
		}, Options{}, "0 1", "011", ""},
		"days":        {"e.csv", "start,end\n2024-03-01,2024-03-01\n", hours, Options{}, "0 1", "11111", "e.csv:2: an end that is a day alone is the end of that day (events: 1)"},
		"a zone":      {"e.csv", "start,end\n2024-03-01T03:00:00+01:00,2024-03-01T03:00:00Z\n", hours, Options{}, "0 1", "01100", "either events or the times of the data name no time zone, and are taken as UTC"},
		"a date":      {"e.csv", "date,start,end\n2024-03-01,02:00:00,03:00:00\n", hours, Options{}, "0 1", "01100", ""},
		"an order":    {"e.csv", "start,end\n01/03/2024 02:00,01/03/2024 03:00\n13/03/2023 02:00,13/03/2024 00:00\n", hours, Options{}, "0 1", "11111", "overlap"},
		"other paths": {"e.csv", `file,start,end` + "\n" + `C:\X\A.wav,0,1` + "\n", two, Options{}, "0 1", "110000", "1 of 2 series have no event"},
		"an array":    {"e.json", `[{"start": 1, "end": 2}, {"start": 4, "end": 4}]`, rows, Options{}, "0 1", "01101", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := readList(t, c.file, c.content)
			if err != nil {
				t.Fatal(err)
			}
			all := c.data(t)
			warnings, err := l.Mark(c.options, all...)
			if err != nil {
				t.Fatal(err)
			}
			var got, texts []string
			for _, d := range all {
				got = append(got, labelsOf(d))
				if classes := strings.Join(d.Classes, " "); classes != c.classes || d.Events != c.file || d.Label != "" {
					t.Errorf("classes %s of %s, want %s", classes, d.Events, c.classes)
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for _, w := range warnings {
				texts = append(texts, w.String())
			}
			if text := strings.Join(texts, "\n"); !strings.Contains(text, c.warning) || c.warning == "" && text != "" {
				t.Errorf("warnings %q, want %q", text, c.warning)
			}
		})
	}
}

func TestMarkErrors(t *testing.T) {
	rows, times := rowsOf("d.csv", 5), timesOf("d.csv", 0, 1, 2, 3, 4)
	hours := hoursOf(t, "d.csv", "01:00", "02:00", "03:00")
	two := joined(timesOf("x/a.csv", 0, 1, 2), timesOf("x/b.csv", 0, 1, 2))
	dropped := rowsOf("d.csv", 5)
	dropped.Input = 6
	task := func(name, more string) string {
		return `{"annotations": [{"result": [{"type": "timeserieslabels", "value": {"start": 1, "end": 2, "timeserieslabels": ["a"]}}]}], "data": {"csv": "` + name + `"}` + more + `}`
	}
	for name, c := range map[string]struct {
		file, content string
		data          *series.Data
		options       Options
		want          string
	}{
		"outside":           {"e.csv", "start,end\n1,2\n7,9\n", times, Options{}, `e.csv:3: no row is from 7 to 9: the times of series "d.csv" are from 0 to 4`},
		"other units":       {"e.csv", "start,end\n500,700\n", times, Options{}, `e.csv:2: no row is from 500 to 700: the times of series "d.csv" are from 0 to 4 (units that differ are known by names of columns such as start_s and t_ms)`},
		"outside, rows":     {"e.csv", "start,end\n5,9\n", rows, Options{}, `e.csv:2: no row is from 5 to 9: series "d.csv" has the rows 0 to 4, as there is no time column (Options.Time names one)`},
		"between":           {"e.csv", "start,end\n1.2,1.8\n", times, Options{}, `e.csv:2: no row of series "d.csv" is from 1.2 to 1.8, between two rows`},
		"instant":           {"e.csv", "time\n1.2\n", times, Options{Tolerance: length(t, "0")}, `e.csv:2: no row of series "d.csv" is at 1.2, between two rows (Options.Tolerance takes those around it)`},
		"no ends":           {"e.csv", "start,label\n1,a\n", times, Options{}, `e.csv: no column gives the end of events (end, stop or duration); if they are instants, Options.Tolerance says how far around each rows belong to it, 0 for the row itself`},
		"an end's name":     {"e.jsonl", `{"start":1,"lasted_until_ms":2}`, times, Options{}, `e.jsonl: no column gives the end of events (end, stop or duration); if "lasted_until_ms" does, call it end or duration; if they are instants, Options.Tolerance says how far around each rows belong to it, 0 for the row itself`},
		"overlapping":       {"e.csv", "start,end,label\n0,3,a\n1,1,a\n2,4,b\n", times, Options{}, `e.csv:4: the event (b from 2 to 4) overlaps with that of line 2 (a from 0 to 3), which has another label`},
		"nameless":          {"e.csv", "start,end,label\n0,1,a\n2,4,\n", times, Options{}, `e.csv:3: column "label": the event has no label, and others have one, such as "a"`},
		"of 3 classes":      {"e.csv", "start,end\n0,1\n", times, Options{Classes: []string{"a", "b", "c"}}, `e.csv:2: column "label": the event has no label, and there are several classes: a, b, c`},
		"no class":          {"e.csv", "start,end,label\n0,1,walkng\n", times, Options{Classes: []string{"none", "walking"}}, `e.csv:2: column "label": the label is "walkng", which is none of the classes none, walking; did you mean "walking"?`},
		"one class":         {"e.csv", "start,end,label\n0,1,none\n", times, Options{}, `e.csv: column "label": all events are "none", the background class; list the background first in Options.Classes`},
		"no positive":       {"e.csv", "start,end,label\n0,1,a\n2,3,b\n", times, Options{Positive: "c"}, `e.csv: no event is "c" (Options.Positive); labels: a, b`},
		"no labels":         {"e.csv", "start,end\n0,1\n", times, Options{Positive: "c"}, `e.csv: events have no labels, so none is "c" (Options.Positive)`},
		"numbers":           {"e.csv", "start,end\n1,2\n", hours, Options{}, `e.csv:2: the event starts at 1, a number, and the times of the data are timestamps`},
		"timestamps":        {"e.csv", "start,end\n2024-03-01,2024-03-02\n", times, Options{}, `e.csv:2: the event starts at 2024-03-01, a timestamp, and the times of the data are numbers (column "t")`},
		"a unit":            {"e.csv", "start,end_ms\n1,2\n", times, Options{}, `e.csv: column "end_ms": it has a unit, and column "t" of the data has none: a name without one, such as start or duration, is for times of the same unit`},
		"units":             {"e.csv", "start_ms,end_ms\n1,2\n", times, Options{}, `e.csv: column "start_ms": it has a unit, and column "t" of the data has none: a name without one, such as start or duration, is for times of the same unit`},
		"unit of durations": {"e.csv", "start,duration_ms\n1,2\n", times, Options{}, `e.csv: column "duration_ms": it has a unit, and column "t" of the data has none: a name without one, such as start or duration, is for times of the same unit`},
		"rows":              {"e.csv", "sample\n7\n", timesOf("d.csv", 0, 0.5), Options{Tolerance: length(t, "0")}, `e.csv:2: no row is at 7: series "d.csv" has the rows 0 to 1, and column "sample" counts rows`},
		"no times":          {"e.csv", "start,end\n2024-03-01,2024-03-02\n", rows, Options{}, `e.csv:2: the event starts at 2024-03-01, a timestamp, and the data has no time column (Options.Time names one)`},
		"a duration":        {"e.csv", "time\n1\n", times, Options{Tolerance: length(t, "1s")}, `Options.Tolerance is a duration, and times are numbers; give a number in their units`},
		"no duration":       {"e.csv", "time\n2024-03-01\n", hours, Options{Tolerance: length(t, "1")}, `Options.Tolerance is a number, and times are timestamps; give a duration, such as 5m`},
		"rows left out":     {"e.csv", "start,end\n0,1\n", dropped, Options{}, `e.csv: cannot place events by row number: rows with missing features were dropped, or resampled; set Options.Time`},
		"two series":        {"e.csv", "start,end\n0,1\n", two, Options{}, `e.csv: events have no series, and the data has 2 whose times overlap: a column series says which (x/a.csv, x/b.csv)`},
		"no series":         {"e.csv", "series,start,end\nx/a.csv,0,1\nx/c.csv,0,1\n", two, Options{}, `e.csv:3: column "series": the data has no series "x/c.csv"; did you mean "x/a.csv"?`},
		"series, some":      {"e.csv", "series,start,end\nx/a.csv,0,1\n,0,1\n", two, Options{}, `e.csv:3: column "series": the event has no series, and others have one`},
		"ambiguous":         {"e.csv", "series,start,end\nd.csv,0,1\n", joined(timesOf("x/d.csv", 0, 1), timesOf("y/d.csv", 0, 1)), Options{}, `e.csv:2: "d.csv" may be "x/d.csv" or "y/d.csv"`},
		"ambiguous file":    {"e.json", `{"x/d.csv": [0], "y/d.csv": [1]}`, times, Options{}, `e.json:1: "d.csv" may be "x/d.csv", and so may others`},
		"no entry":          {"e.json", `{"x/a.csv": [[0, 1]]}`, two, Options{}, `e.json: there is no entry for "x/b.csv"; did you mean "x/a.csv"?`},
		"none near":         {"e.json", `{"x/something.csv": [[0, 1]]}`, times, Options{}, `e.json: there is no entry for "d.csv"; there is: x/something.csv`},
		"no annotation":     {"e.json", `[{"annotations": [], "predictions": [{}], "data": {"csv": "d.csv"}}]`, times, Options{}, `e.json:1: "d.csv": the task has no annotation; its predictions are no labels until someone has submitted them`},
		"nameless task":     {"e.json", "[" + task("d.csv", "") + ",\n" + strings.Replace(task("", ""), "csv", "x", 1) + "]", times, Options{}, `e.json:2: the task names no file of data, and others do`},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := readList(t, c.file, c.content)
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.Mark(c.options, c.data)
			checkError(t, err, c.want)
		})
	}
}

func TestCopiesOfTheLabelsAreReported(t *testing.T) {
	l, err := readList(t, "e.csv", "start,end\n1,2\n")
	if err != nil {
		t.Fatal(err)
	}
	d := rowsOf("d.csv", 4)
	d.Features, d.X = []string{"x", "qrs"}, []float32{0, 0, 0, 1, 0, 1, 0, 0}
	warnings, err := l.Mark(Options{}, d)
	if err != nil || len(warnings) != 1 || warnings[0].Column != "qrs" {
		t.Errorf("%v, %v", warnings, err)
	}
}
