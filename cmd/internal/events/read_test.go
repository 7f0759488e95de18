package events

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestRead(t *testing.T) {
	const day = 1709251200 // 2024-03-01
	for name, c := range map[string]struct {
		file, content string
		want          []Event
	}{
		"CSV":                  {"e.csv", "start,end,label\n1,3,a\n5.5,7,b\n", []Event{{Start: 1, End: 3, Label: "a"}, {Start: 5.5, End: 7, Label: "b"}}},
		"semicolons, decimals": {"e.csv", "start;end\n1,5;3,25\n", []Event{{Start: 1.5, End: 3.25}}},
		"TSV, other columns":   {"e.tsv", "who\tEnd\tStart\nme\t3\t1\n", []Event{{Start: 1, End: 3}}},
		"instants":             {"e.csv", "sample\n77\n370\n", []Event{{Start: 77, End: 77}, {Start: 370, End: 370}}},
		"an empty end":         {"e.csv", "start,end\n77,\n80,90\n", []Event{{Start: 77, End: 77}, {Start: 80, End: 90}}},
		"timestamps":           {"e.csv", "start,end\n2024-03-01,2024-03-01 00:00:30\n", []Event{{Start: day, End: day + 30}}},
		"what predict writes": {"e.csv", "series,start,end,rows,label,mean_probability,peak_probability\na.csv,0,4,5,1,0.9,0.99\n",
			[]Event{{Series: "a.csv", Start: 0, End: 4, Label: "1"}}},
		"JSON lines": {"e.jsonl", `{"start":1}` + "\n\n" + `{"end":3.5,"start":2,"label":"a","series":"s"}` + "\n",
			[]Event{{Start: 1, End: 1}, {Series: "s", Start: 2, End: 3.5, Label: "a"}}},
		"JSON lines, one":        {"e.json", `{"time":"2024-03-01","end":null}`, []Event{{Start: day, End: day}}},
		"stop":                   {"e.csv", "start,stop,label\n1,3,a\n", []Event{{Start: 1, End: 3, Label: "a"}}},
		"duration":               {"e.csv", "start,duration,label\n1,2.5,a\n4,0,b\n6,,b\n", []Event{{Start: 1, End: 3.5, Label: "a"}, {Start: 4, End: 4, Label: "b"}, {Start: 6, End: 6, Label: "b"}}},
		"BIDS":                   {"e.tsv", "onset\tduration\ttrial_type\tresponse_time\n1.5\t0.5\tgo\t0.3\n", []Event{{Start: 1.5, End: 2, Label: "go"}}},
		"BIDS, without ends":     {"e.tsv", "onset\tduration\ttrial_type\n1.5\tn/a\tgo\n2\t0.5\tgo\n", []Event{{Start: 1.5, End: 1.5, Label: "go"}, {Start: 2, End: 2.5, Label: "go"}}},
		"an end that is NaN":     {"e.csv", "start,end\n77,nan\n80,90\n", []Event{{Start: 77, End: 77}, {Start: 80, End: 90}}},
		"a running clock":        {"e.csv", "start,end\n0:01:02,1:00:00.5\n", []Event{{Start: 62, End: 3600.5}}},
		"sample and symbol":      {"e.csv", "sample,symbol\n77,N\n370,V\n", []Event{{Start: 77, End: 77, Label: "N"}, {Start: 370, End: 370, Label: "V"}}},
		"activity":               {"e.csv", "Start Time,End (s),Activity\n1,3,walk\n", []Event{{Start: 1, End: 3, Label: "walk"}}},
		"a machine":              {"e.csv", "machine,series,start,end\nm1,x,1,3\n", []Event{{Series: "m1", Start: 1, End: 3}}},
		"ELAN":                   {"e.txt", "Tier\tBegin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tAnnotation\na\t00:00:01.500\t00:00:02.000\twalk\n", []Event{{Start: 1.5, End: 2, Label: "walk"}}},
		"Praat":                  {"e.txt", "tmin\ttier\ttext\ttmax\n1.5\ta\twalk\t2\n", []Event{{Start: 1.5, End: 2, Label: "walk"}}},
		"BORIS":                  {"e.csv", "Subject,Behavior,Start (s),Stop (s),Duration (s)\nme,walk,1.5,2,0.5\n", []Event{{Start: 1.5, End: 2, Label: "walk"}}},
		"a name in camels":       {"e.csv", "StartTime,EndTime,eventType\n1,3,walk\n", []Event{{Start: 1, End: 3, Label: "walk"}}},
		"German":                 {"e.csv", "Beginn;Ende;label\n1;3;walk\n", []Event{{Start: 1, End: 3, Label: "walk"}}},
		"a machine, Machine":     {"e.csv", "Machine,starttime,endtime\nm1,1,3\n", []Event{{Series: "m1", Start: 1, End: 3}}},
		"instants by themselves": {"e.csv", "1709251200.5\n1709251201\n", []Event{{Start: day + .5, End: day + .5}, {Start: day + 1, End: day + 1}}},
		"Audacity":               {"e.txt", "0.5\t1.25\twalk\n\\\t100\t200\n2\t2\trun\n", []Event{{Start: 0.5, End: 1.25, Label: "walk"}, {Start: 2, End: 2, Label: "run"}}},
		"Audacity, no labels":    {"e.txt", "0.5\t1.25\n2\t3\n", []Event{{Start: 0.5, End: 1.25}, {Start: 2, End: 3}}},
		"MNE":                    {"e.txt", "# MNE-Annotations\n# orig_time : 2009-08-12 16:15:00\n# onset, duration, description\n5.5, 0.5, T1\n", []Event{{Start: 5.5, End: 6, Label: "T1"}}},
		"MNE, CSV":               {"e.csv", "onset,duration,description\n2024-03-01 00:00:05.000000,2.0,T1\n", []Event{{Start: day + 5, End: day + 7, Label: "T1"}}},
		"JSON lines, duration":   {"e.jsonl", `{"label":"a","onset":1}` + "\n" + `{"onset":2,"duration":1.5,"label":"b"}` + "\n", []Event{{Start: 1, End: 1, Label: "a"}, {Start: 2, End: 3.5, Label: "b"}}},
		"windows": {"e.json", `{"a/x.csv": [["2024-03-01 00:00:00.000000", "2024-03-01 00:00:30.000000"]], "b/y.csv": [], "z": ["2024-03-01"]}`,
			[]Event{{Series: "a/x.csv", Start: day, End: day + 30}, {Series: "z", Start: day, End: day}}},
		"Label Studio": {"e.json", `[{"id": 1, "annotations": [{"was_cancelled": true, "result": [{"type": "timeserieslabels", "value": {"start": 8, "end": 9, "timeserieslabels": ["no"]}}]},
			{"was_cancelled": false, "result": [
			  {"type": "timeserieslabels", "value": {"start": 1.5, "end": 3, "instant": false, "timeserieslabels": ["a"]}},
			  {"type": "choices", "value": {"choices": ["good"]}},
			  {"type": "timeserieslabels", "value": {"start": 4, "end": 4, "instant": true, "timeserieslabels": ["b"]}}]}],
			"predictions": [{"result": [{"type": "timeserieslabels", "value": {"start": 6, "end": 7, "timeserieslabels": ["p"]}}]}],
			"data": {"csv": "/data/upload/1/ab12cd34-x.csv"}}]`,
			[]Event{{Series: "/data/upload/1/ab12cd34-x.csv", Start: 1.5, End: 3, Label: "a"}, {Series: "/data/upload/1/ab12cd34-x.csv", Start: 4, End: 4, Label: "b"}}},
		"Label Studio, two annotations that agree": {"e.json", `[{"annotations": [{"result": [{"type": "timeserieslabels", "value": {"start": 1, "end": 3, "timeserieslabels": ["a"]}}]},
			{"result": [{"type": "timeserieslabels", "value": {"start": 1, "end": 3, "timeserieslabels": ["a"]}}]}], "data": {"csv": "x.csv"}}]`,
			[]Event{{Series: "x.csv", Start: 1, End: 3, Label: "a"}}},
		"Label Studio, CSV": {"e.csv", "csv,id,label,lead_time\n/data/upload/1/ab12cd34-x.csv,1,\"[{\"\"start\"\":1,\"\"end\"\":3,\"\"instant\"\":false,\"\"timeserieslabels\"\":[\"\"a\"\"]}]\",5.5\ny.csv,2,,1\n",
			[]Event{{Series: "/data/upload/1/ab12cd34-x.csv", Start: 1, End: 3, Label: "a"}}},
		"durations of ISO 8601": {"e.jsonl", `{"start":"2024-03-01 00:00:05","duration":"PT1M30S"}` + "\n" + `{"start":"2024-03-01","duration":"P1D"}`, []Event{{Start: day + 5, End: day + 95}, {Start: day, End: day + 86400}}},
		"an end to come":        {"e.csv", "start,end\n1,3\n5,now\n", []Event{{Start: 1, End: 3}, {Start: 5, End: math.Inf(1)}}},
		"another end to come":   {"e.jsonl", `{"start":"2024-03-01","end":"Ongoing"}`, []Event{{Start: day, End: math.Inf(1)}}},
		"Label Studio, JSON_MIN": {"e.json", `[{"csv": "http://h/data/local-files/?d=dir/x.csv", "id": 3, "label": [{"start": 1, "end": 3, "instant": false, "timeserieslabels": ["a"]}], "annotator": 1},
			{"csv": "https://h/b/y.csv?token=1", "id": 4}]`,
			[]Event{{Series: "dir/x.csv", Start: 1, End: 3, Label: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := readList(t, c.file, c.content)
			if err != nil {
				t.Fatal(err)
			}
			var got []Event
			for _, e := range l.events {
				got = append(got, e.Event)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"no start":                      {"e.csv", "since,to\n1,2\n", `e.csv:1: a list of events has a column start (or onset, time, timestamp or sample) and, unless they are instants, end (or stop or duration); one of series or files has only these and label; columns: since, to`},
		"no event":                      {"e.csv", "start,end\n", `e.csv: there is no event`},
		"reversed":                      {"e.csv", "start,end\n1,2\n5,4\n", `e.csv:3: the event ends before it starts: from 5 to 4`},
		"no time":                       {"e.csv", "start,end\n1,2\nx,4\n", `e.csv:3: start of an event: "x" is neither a number nor a timestamp like 2006-01-02T15:04:05Z (Options.TimeFormat '%d.%m.%y %H:%M' names another form)`},
		"missing start":                 {"e.csv", "start,end\n,2\n", `e.csv:2: start of an event: the time is missing`},
		"infinite":                      {"e.csv", "start,end\n1,inf\n", `e.csv:2: end of an event: it is not finite; one that is empty makes an instant, and now is the last row`},
		"mixed":                         {"e.csv", "start,end\n1,2024-03-01\n", `e.csv:2: start 1 and end 2024-03-01 must both be timestamps or both numbers`},
		"no JSON":                       {"e.jsonl", `{"start":1}` + "\n{\n", `e.jsonl:2: "{" is not a JSON object on one line (jq -c . writes them so)`},
		"a line's start":                {"e.jsonl", `{"start":1}` + "\n" + `{"end":2}`, `e.jsonl:2: start of an event: the time is missing`},
		"window of three":               {"e.json", `{"a.csv": [` + "\n" + `["2024-03-01", "2024-03-02", "2024-03-03"]]}`, `e.json:2: "a.csv" has what is neither a time nor a window of two, [start, end]`},
		"window of words":               {"e.json", `{"a.csv": [` + "\n" + `["2024-03-01", null]]}`, `e.json:2: "a.csv" has a window of which start or end is no time`},
		"window reversed":               {"e.json", `{"a.csv": [` + "\n" + `["2024-03-02", "2024-03-01"]]}`, `e.json:2: the event ends before it starts: from 2024-03-02 to 2024-03-01`},
		"window nowhere":                {"e.json", `{"": ["2024-03-01"]}`, `e.json:1: the name of a file is empty`},
		"columns":                       {"e.jsonl", `{"q": 0, "r": 5}`, `e.jsonl:1: a list of events has a column start (or onset, time, timestamp or sample) and, unless they are instants, end (or stop or duration); one of series or files has only these and label; columns: q, r`},
		"Label Studio, CSV, two labels": {"e.csv", "csv,label\nx.csv,\ny.csv,\"[{\"\"start\"\":1,\"\"end\"\":3,\"\"timeserieslabels\"\":[\"\"a\"\",\"\"b\"\"]}]\"\n", `e.csv:3: a region has 2 labels, and an event has one`},
		"an end that is a hyphen":       {"e.csv", "start,end\n1,2\n3,-\n", `e.csv:3: end of an event: "-" is neither a number nor a timestamp like 2006-01-02T15:04:05Z (Options.TimeFormat '%d.%m.%y %H:%M' names another form); one that is empty makes an instant, and now is the last row`},
		"no task":                       {"e.json", `[]`, `e.json: there is no task`},
		"an array of events": {"e.json", `[{"csv": "d.csv", "id": 4},` + "\n" + `{"start": 1, "end": 2}]`,
			`e.json:2: it is no task of Label Studio (an export as JSON or JSON_MIN)`},
		"starts and stops": {"e.csv", "Time,Behavior,Status\n1,walk,START\n2,walk,STOP\n", `e.csv:2: column "Status": rows say where events start, and where they stop: a row for each event is needed, with start and end`},
		"Praat":            {"e.TextGrid", "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n", `e.TextGrid: this is a TextGrid of Praat: save it as a table (Down to Table) with tmin, text and tmax`},
		"two labels": {"e.json", `[{"annotations": [{"result": [` + "\n" + `{"type": "timeserieslabels", "value": {"start": 1, "end": 3, "timeserieslabels": ["a", "b"]}}]}], "data": {"csv": "x.csv"}}]`,
			`e.json:2: a region has 2 labels, and an event has one`},
		"two annotations": {"e.json", `[{"annotations": [{"result": []},{"result": [{"type": "timeserieslabels", "value": {"start": 1, "end": 3, "timeserieslabels": ["a"]}}]}], "data": {"csv": "x.csv"}}]`,
			`e.json:1: "x.csv" has two annotations that differ; export one of them alone, or cancel the other`},
		"a duration that is none": {"e.csv", "start,duration\n1,-2\n", `e.csv:2: the duration of an event is "-2", and not a number of seconds or of the times' units`},
		"Parquet":                 {"e.csv", "PAR1....PAR1", `e.csv: the content is not csv but parquet (Options.Format sets it)`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readList(t, c.file, c.content)
			checkError(t, err, c.want)
		})
	}
}

// A table is the same list in every format.
func TestReadTablesOfTypes(t *testing.T) {
	t.Chdir(t.TempDir())
	schema := arrow.NewSchema([]arrow.Field{{Name: "onset", Type: arrow.FixedWidthTypes.Timestamp_ms}, {Name: "duration", Type: arrow.PrimitiveTypes.Float64}, {Name: "trial_type", Type: arrow.BinaryTypes.String}}, nil)
	batch, _, err := array.RecordFromJSON(memory.NewGoAllocator(), schema, strings.NewReader(`[{"onset":"2024-03-01T00:00:05Z","duration":2,"trial_type":"go"}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"e.parquet", "e.arrow"} {
		var out bytes.Buffer
		var w interface {
			Write(arrow.RecordBatch) error
			Close() error
		}
		if w, err = ipc.NewFileWriter(&out, ipc.WithSchema(schema)); name == "e.parquet" {
			w, err = pqarrow.NewFileWriter(schema, &out, nil, pqarrow.DefaultWriterProps())
		}
		if err = errors.Join(err, w.Write(batch), w.Close()); err != nil {
			t.Fatal(err)
		}
		l, err := readList(t, name, out.String())
		if err != nil {
			t.Fatal(err)
		}
		const start = 1709251205
		if got := l.Events(); len(got) != 1 || got[0] != (Event{Start: start, End: start + 2, Label: "go"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What is not read is named, but for what predict writes, and so is an end that is missing among others.
func TestWarningsOfTables(t *testing.T) {
	for text, want := range map[string]string{
		"start,end,who,Note\n1,2,me,x\n": "e.csv: columns that are not read: who, Note; none is called label, so events have none",
		"start,end,rows\n1,2,2\n":        "",
		"start,end\n1,2\n3,\n4,\n":       "e.csv:3: an event without an end is an instant, the row of its time (events: 2; an end called now is the last row)",
		"onset,duration\n1,2\n3,\n":      "e.csv:3: an event without an end is an instant, the row of its time (events: 1; an end called now is the last row)",
		"sample\n1\n3\n":                 "",
	} {
		l, err := readList(t, "e.csv", text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, w := range l.Warnings {
			got += w.String()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHoldsEvents(t *testing.T) {
	for text, want := range map[string]bool{
		"start,end,label\n1,2,a\n3,4,b\n":           true,
		"Start,END\n2024-03-01,2024-03-02\n":        true,
		"t,x,label\n1,0.5,0\n2,0.25,1\n":            false,
		"start,stop,label\n1,2,a\n":                 true,
		"onset,duration,trial_type\n1,2,a\n":        true,
		"time,duration,x,label\n1,2,3,a\n4,5,3,a\n": false,
		"start,end,x\nhere,there,1\nhere,away,2\n":  false,
	} {
		t.Chdir(t.TempDir())
		writeFile(t, "d.csv", text)
		s, err := series.Look(t.Context(), []string{"d.csv"}, series.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := Holds(s); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"start,end,label\n1,3,a\n", "sample\n77\n", "onset\tduration\ttrial_type\n1\t0.5\tgo\n", "1\t2\twalk\n", "# onset, duration, description\n1,0,a\n", "start;end\n1,5;2\n", `{"start":1}` + "\n", `{"a":[["2024-03-01","2024-03-02"],"2024-03-03"]}`,
		`[{"annotations":[{"result":[{"type":"timeserieslabels","value":{"start":1,"end":3,"timeserieslabels":["a"]}}]}],"data":{"csv":"/x/ab12cd34-d.csv"}}]`,
		`[{"csv":"d.csv","label":[{"start":1,"end":3,"timeserieslabels":["a"]}]}]`, `[[]]`, `[{},0`, `{"a":1}`, "\xff\xfe[\x00]\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		t.Chdir(t.TempDir())
		writeFile(t, "events", string(content))
		l, err := Read(t.Context(), "events", series.Options{})
		if err != nil {
			return
		}
		for _, e := range l.events {
			if !(e.Start <= e.End && e.End-e.Start >= 0) {
				t.Fatalf("event %v", e)
			}
		}
		d := timesOf("d.csv", 0, 1, 2, 3)
		if _, err := l.Mark(Options{Tolerance: series.Length{Value: 1}}, d); err != nil {
			return
		}
		for _, c := range d.Labels {
			if c < 0 || int(c) >= len(d.Classes) {
				t.Fatalf("class %d of %q", c, d.Classes)
			}
		}
	})
}
