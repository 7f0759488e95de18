package serve

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/engine/modeltest"
)

// csvOf are rows of two features.
func csvOf(x []float32) string {
	var b strings.Builder
	b.WriteString("note,y,x\n")
	for row := range slices.Chunk(x, 2) {
		fmt.Fprintf(&b, "a,%v,%v\n", row[1], row[0])
	}
	return b.String()
}

// Rows come back as they were, with the labels that predict gives.
func TestLabelFile(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(3, 50)
	a := s.label("m", x)
	var want, packed strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(csvOf(x)), "\n") {
		if i == 0 {
			want.WriteString(line + ",predicted_label,predicted_probability\n")
			continue
		}
		fmt.Fprintf(&want, "%s,%s,%v\n", line, []string{"no", "yes"}[a.Class[i-1]], a.Score[i-1])
	}
	status, text, header := s.ask("POST", "/v1/models/m:label", csvOf(x))
	if status != 200 || header.Get("Content-Type") != "text/csv; charset=utf-8" || text != want.String() {
		t.Errorf("%d %s\nwant\n%s", status, text, want.String())
	}
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, csvOf(x))
	z.Close()
	if _, text, _ := s.ask("POST", "/v1/models/m:label", packed.String(), "Content-Encoding", "gzip"); text != want.String() {
		t.Errorf("compressed: %s", text)
	}
	_, text, _ = s.ask("POST", "/v1/models/m:label?format=jsonl&probabilities=1", `{"x":0.5,"y":1,"z":"w"}`+"\n")
	b := s.label("m", []float32{0.5, 1})
	if got := fmt.Sprintf(`{"x":0.5,"y":1,"z":"w","predicted_label":"%s","predicted_probability":%v,"probability_no":%v,"probability_yes":%v}`+"\n",
		[]string{"no", "yes"}[b.Class[0]], b.Score[0], b.Probability[0], b.Probability[1]); text != got {
		t.Errorf("%s, want %s", text, got)
	}
}

// Events are runs of rows of the second class.
func TestLabelFileEvents(t *testing.T) {
	s := serving(t, DefaultOptions())
	x := modeltest.Rows(3, 200)
	var want bytes.Buffer
	want.WriteString("series,start,end,rows,label,mean_probability,peak_probability\n")
	class := s.label("m", x).Class
	events := 0
	for i := range class {
		if class[i] == 1 && (i == 0 || class[i-1] == 0) {
			events++
		}
	}
	_, text, _ := s.ask("POST", "/v1/models/m:label?events=1", csvOf(x))
	if !strings.HasPrefix(text, want.String()) || strings.Count(text, ",yes,") != events || events < 3 || strings.Count(text, "\n") != 1+events {
		t.Errorf("%d events, but\n%s", events, text)
	}
	_, text, _ = s.ask("POST", "/v1/models/m:label?events=true&merge-gap=1000&format=jsonl", csvOf(x))
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, `"label":"yes"`) {
		t.Error(text)
	}
}

func TestBadFiles(t *testing.T) {
	s := serving(t, DefaultOptions(), modeltest.Spec{Missing: "error"})
	for _, test := range []struct {
		query, body string
		err         string
	}{
		{"", "x,y\n1,2\n3,oops\n", `body:3: column \"y\": \"oops\" is not a number"}`},
		{"", "x,z\n1,2\n", `body: there is no column \"y\"`},
		{"", "", "body: "},
		{"", csvOf(modeltest.Rows(1, 1001)), "1001 rows are more than the 1000 that one request may have"},
		{"?format=xml", "", `format must be one of [csv tsv jsonl parquet arrow arrows], not \"xml\"`},
		{"?events=1&format=parquet", "", "format of events must be csv, tsv or jsonl, not parquet"},
		{"?probabilities=maybe", "", `probabilities must be 1 or 0, not \"maybe\"`},
		{"?events=1&threshold-off=0.7", "", "threshold-off must be between 0 and the threshold 0.5, not 0.7"},
		{"?events=1&merge-gap=soon", "", `merge-gap must be a duration such as 90s, 5m or 36h, or a number in the units of Time, not \"soon\""}`},
		{"?events=1&merge-gap=5m", csvOf(modeltest.Rows(1, 3)), "merge-gap is a duration, and times are numbers; give a number in their units"},
	} {
		status, text, _ := s.ask("POST", "/v1/models/m:label"+test.query, test.body)
		if status != 400 || !strings.HasPrefix(text, `{"error":"`+test.err) {
			t.Errorf("%s %.50q: %d %s, want %s", test.query, test.body, status, text, test.err)
		}
	}
}
