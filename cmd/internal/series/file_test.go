package series

import (
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func TestTable(t *testing.T) {
	want := []TableRow{{2, []string{"1.5", "a b"}}, {4, []string{"", "c"}}}
	for name, text := range map[string]string{
		"e.csv": "start,label\n1.5, a b \n\n,c\n",
		"e.txt": "start;label\n1,5;a b\n\n;c\n",
		"e.tsv": "\ufeffstart\tlabel\n1.5\ta b\n\n\t\"c\"\n",
	} {
		file, err := table.ReadFile(t.Context(), writeFile(t, name, text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewTable(file, false)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(got.Rows, want, func(a, b TableRow) bool { return a.Line == b.Line && slices.Equal(a.Fields, b.Fields) })
		if !same || !slices.Equal(got.Columns, []string{"start", "label"}) || len(got.Warnings) == 0 {
			t.Errorf("%s: %v, %v, %v", name, got.Columns, got.Rows, got.Warnings)
		}
	}
}

func TestReadFileUnwraps(t *testing.T) {
	for _, c := range []table.Compression{table.Plain, table.Gzip, table.Zstd} {
		file, err := table.ReadFile(t.Context(), writeFile(t, "e.json", compress(t, c, "[{\n}]\n")))
		if err != nil || string(file.Content) != "[{\n}]\n" {
			t.Errorf("%q: %v, %v", c, file, err)
		}
	}
}

func TestSortLabels(t *testing.T) {
	got := SortLabels([]string{"b", "10", "9.0", "a", "9", "b"})
	if want := []string{"9", "10", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEventsFindTheirTime(t *testing.T) {
	const text = "sample,x,label\n5,0.5,0\n6,0.25,1\n7,0.75,1\n8,0.5,0\n"
	o := DefaultOptions()
	o.Label, o.LabelOptional = "", true
	for _, features := range [][]string{nil, {"x"}} {
		o.Features, o.Events = features, true
		d, err := readText(text, o)
		if err != nil {
			t.Fatal(err)
		}
		if d.TimeColumn != "sample" || !slices.Equal(d.Time, []float64{5, 6, 7, 8}) || !slices.Equal(d.Features, []string{"x"}) {
			t.Errorf("features %v: time %q %v, features %v", features, d.TimeColumn, d.Time, d.Features)
		}
		o.Events = false
		if d, err = readText(text, o); err != nil {
			t.Fatal(err)
		}
		if (d.TimeColumn == "") != (features != nil) {
			t.Errorf("features %v, no events: time %q", features, d.TimeColumn)
		}
	}
}

func TestDropLabel(t *testing.T) {
	s := &Survey{
		Columns: []ColumnSurvey{{Name: "qrs", Type: WholeNumbers, Role: "label"}, {Name: "x", Type: Numbers, Role: "feature"}},
		Guess:   Guess{Label: "qrs"},
	}
	s.DropLabel()
	if s.Guess.Label != "" || !slices.Equal(s.Guess.Exclude, []string{"qrs"}) || s.Columns[0].Role != "excluded" || s.Columns[1].Role != "feature" {
		t.Errorf("%+v", s)
	}
	noLabel, err := Look(t.Context(), []string{writeFile(t, "d.csv", "t,x\n1,0.5\n2,0.25\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := len(noLabel.Guess.Notes)
	noLabel.DropLabel()
	if before != 1 || len(noLabel.Guess.Notes) != 0 {
		t.Errorf("%d notes, then %q", before, noLabel.Guess.Notes)
	}
}
