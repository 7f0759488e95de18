package judged

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
)

// example are rows of two series, of which the second begins with a row that was not judged.
func example(timed, stamps bool) *Rows {
	r := &Rows{
		Classes:     []string{"no", "time", "ja <&>"},
		Series:      []metrics.Span{{Name: "a", Start: 0, End: 2}, {Name: "b", Start: 2, End: 4}},
		Fold:        []int16{1, 2, 0, 1},
		Label:       []int16{0, 2, -1, 1},
		Answer:      []int16{0, 1, 0, 1},
		Probability: []float32{0.5, 0.25, 0.25, 0, 1, 0, 0, 0, 0, 0.125, 0.75, 0.125},
	}
	if timed {
		r.Time, r.Stamps = []float64{1.5e9, 1.5e9 + 0.25, 0, 1.6e9}, stamps
	}
	return r
}

func written(t *testing.T, r *Rows) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, r := range []*Rows{example(false, false), example(true, false), example(true, true)} {
		got, err := Read(t.Context(), written(t, r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// Rows are known by their numbers in the series, also where only a part of one was at hand.
func TestPartOfASeries(t *testing.T) {
	r := example(true, true)
	want, err := Read(t.Context(), written(t, r))
	if err != nil {
		t.Fatal(err)
	}
	r.Series[1] = metrics.Span{Name: "b", Start: 3, End: 4, First: 1}
	got, err := Read(t.Context(), written(t, r))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// Rows of several batches, and a row that was not judged behind the last one.
func TestManyRows(t *testing.T) {
	n := 1<<17 + 3
	r := &Rows{Classes: []string{"0", "1"}, Series: []metrics.Span{{Name: "a", End: n}}}
	r.grow(n, true)
	for i := range n - 1 {
		r.Fold[i], r.Label[i], r.Answer[i], r.Time[i] = 1, int16(i%2), int16(i/2%2), float64(i)
		r.Probability[2*i], r.Probability[2*i+1] = 0.25, 0.75
	}
	got, err := Read(t.Context(), written(t, r))
	if err != nil {
		t.Fatal(err)
	}
	r.Series[0].End, r.Fold, r.Label, r.Answer, r.Time, r.Probability = n-1, r.Fold[:n-1], r.Label[:n-1], r.Answer[:n-1], r.Time[:n-1], r.Probability[:2*n-2]
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	whole := written(t, example(true, true))
	for _, content := range [][]byte{nil, []byte("ARROW1"), whole[:len(whole)/2]} {
		if _, err := Read(t.Context(), content); err == nil || !strings.HasPrefix(err.Error(), "not a file of judged rows: ") {
			t.Errorf("%d bytes: %v", len(content), err)
		}
	}
}

// The metrics judge the rows that were judged alone.
func TestInput(t *testing.T) {
	report, err := metrics.Evaluate(example(false, false).Input())
	if err != nil {
		t.Fatal(err)
	}
	if report.Steps != 3 || report.Confusion[2][1] != 1 || len(report.Series) != 2 {
		t.Errorf("%d rows in %d series, confusion %v", report.Steps, len(report.Series), report.Confusion)
	}
}

// Whatever a file holds, reading it gives rows or an error.
func FuzzRead(f *testing.F) {
	for _, r := range []*Rows{example(false, false), example(true, false), example(true, true)} {
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Read(t.Context(), content)
		if err != nil {
			return
		}
		if n := len(r.Fold); len(r.Label) != n || len(r.Probability) != n*len(r.Classes) || r.Series[len(r.Series)-1].End != n {
			t.Errorf("%d rows, %d labels, %d probabilities", n, len(r.Label), len(r.Probability))
		}
	})
}
