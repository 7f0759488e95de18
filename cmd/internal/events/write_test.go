package events

import (
	"encoding/json"
	"strings"
	"testing"
)

// written is what a file of events holds.
func written(t *testing.T, f Format, all ...Found) string {
	t.Helper()
	var text strings.Builder
	w, err := NewWriter(&text, f, "runs/1")
	if err != nil {
		t.Fatal(err)
	}
	w.Begin("a&b.csv")
	for _, e := range all {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

var (
	numbered = Found{Event: Event{"", 1732000000.125, 1e21, "qrs"}, Rows: 3, MeanProbability: float64(float32(0.9)), PeakProbability: 1}
	stamped  = Found{Event: Event{`a "b", c`, 0, 1, "x\ty"}, Rows: 2, MeanProbability: 0.5, PeakProbability: 0.75,
		StartText: "1970-01-01T01:00:00+01:00", EndText: "1970-01-01T01:00:01+01:00"}
)

func TestWrite(t *testing.T) {
	for _, test := range []struct {
		format Format
		want   string
	}{
		{CSV, "series,start,end,rows,label,mean_probability,peak_probability\n" +
			",1732000000.125,1000000000000000000000,3,qrs,0.9,1\n" +
			"\"a \"\"b\"\", c\",1970-01-01T01:00:00+01:00,1970-01-01T01:00:01+01:00,2,x\ty,0.5,0.75\n"},
		{TSV, "series\tstart\tend\trows\tlabel\tmean_probability\tpeak_probability\n" +
			"\t1732000000.125\t1000000000000000000000\t3\tqrs\t0.9\t1\n" +
			"\"a \"\"b\"\", c\"\t1970-01-01T01:00:00+01:00\t1970-01-01T01:00:01+01:00\t2\t\"x\ty\"\t0.5\t0.75\n"},
		{JSONL, `{"series":null,"start":1732000000.125,"end":1000000000000000000000,"rows":3,"label":"qrs","mean_probability":0.9,"peak_probability":1}` + "\n" +
			`{"series":"a \"b\", c","start":"1970-01-01T01:00:00+01:00","end":"1970-01-01T01:00:01+01:00","rows":2,"label":"x\ty","mean_probability":0.5,"peak_probability":0.75}` + "\n"},
	} {
		if got := written(t, test.format, numbered, stamped); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.format, got, test.want)
		}
	}
}

func TestWriteTask(t *testing.T) {
	instant := stamped
	instant.Series, instant.End, instant.EndText = "", instant.Start, instant.StartText
	got := written(t, LabelStudio, numbered, instant)
	const want = `[{"data":{"csv":"a&b.csv"},"predictions":[{"model_version":"runs/1","score":0.7,"result":[` +
		`{"id":"event-1","from_name":"label","to_name":"ts","type":"timeserieslabels","score":0.9,"value":{"start":1732000000.125,"end":1000000000000000000000,"instant":false,"timeserieslabels":["qrs"]}},` +
		`{"id":"event-2","from_name":"label","to_name":"ts","type":"timeserieslabels","score":0.5,"value":{"start":"1970-01-01T01:00:00+01:00","end":"1970-01-01T01:00:00+01:00","instant":true,"timeserieslabels":["x\ty"]}}]}]}]`
	if compact(t, got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	const none = `[{"data":{"csv":"a&b.csv"},"predictions":[{"model_version":"runs/1","score":0,"result":[]}]}]`
	if got := compact(t, written(t, LabelStudio)); got != none {
		t.Errorf("%s\nwant\n%s", got, none)
	}
}

// Each file is a task.
func TestWriteTasks(t *testing.T) {
	var text strings.Builder
	w, err := NewWriter(&text, LabelStudio, "m")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"a.csv", "b.csv"} {
		w.Begin(file)
		if err := w.Write(numbered); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := compact(t, text.String())
	if strings.Count(got, `"score":0.9,"result":[{"id":"event-1",`) != 2 || !strings.Contains(got, `}]}]},{"data":{"csv":"b.csv"}`) {
		t.Error(got)
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var value json.RawMessage
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{
		"a.csv": CSV, "a.csv.gz": CSV, "a.TSV": TSV, "a.jsonl": JSONL, "a.json": LabelStudio, "a.parquet": "", "a": "", "a.txt": "",
	} {
		if got := FormatOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
