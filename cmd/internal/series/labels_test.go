package series

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// labelled is a file with the given labels, each the number of its row as a feature.
func labelled(labels ...string) string {
	var text strings.Builder
	text.WriteString("a,label\n")
	for i, label := range labels {
		fmt.Fprintf(&text, "%d,%s\n", i*i, label)
	}
	return text.String()
}

func TestClasses(t *testing.T) {
	const u = Unlabelled
	for _, test := range []struct {
		labels, classes string
		want            []int16
	}{
		{"0 1 1", "0 1", []int16{0, 1, 1}},
		{"1 0 1.0", "0 1", []int16{1, 0, 1}},
		{"1 NA  1 0", "0 1", []int16{1, u, u, 1, 0}},
		{"1 1", "0 1", []int16{1, 1}},
		{"yes no yes", "no yes", []int16{1, 0, 1}},
		{"TRUE FALSE NA", "FALSE TRUE", []int16{1, 0, u}},
		{"True true", "False True", []int16{1, 1}},
		{"NO no", "NO YES", []int16{0, 0}},
		{"y n n/a", "n y", []int16{1, 0, u}},
		{"no TRUE 1.0 null", "0 1", []int16{0, 1, 1, u}},
		{"N V F N", "N F V", []int16{0, 2, 1, 0}},
		{"N F", "F N", []int16{1, 0}}, // two beats, not twice no
		{"1 y", "1 y", []int16{0, 1}},
		{"3 1 2 1", "1 2 3", []int16{2, 0, 1, 0}},
		{"10 9 nan -1", "-1 9 10", []int16{2, 1, u, 0}},
		{"1 2.0 2", "1 2", []int16{0, 1, 1}},
		{"walk run  walk", "walk run", []int16{0, 1, u, 0}},
		{"burst none burst", "none burst", []int16{1, 0, 1}},
		{"fault OK fault overheat", "OK fault overheat", []int16{1, 0, 1, 2}},
		{"normal rest rest x", "rest normal x", []int16{1, 0, 0, 2}},
		{"b a b", "b a", []int16{0, 1, 0}},
		{"b NA 10 9 n/a", "9 10 NA b n/a", []int16{3, 2, 1, 0, 4}},
		{"inf 0x10 1", "1 0x10 inf", []int16{2, 1, 0}},
		{"Run run", "Run run", []int16{0, 1}},
	} {
		d, err := readText(labelled(strings.Split(test.labels, " ")...), DefaultOptions())
		if err != nil {
			t.Errorf("%s: %v", test.labels, err)
			continue
		}
		if got := strings.Join(d.Classes, " "); got != test.classes || !slices.Equal(d.Labels, test.want) {
			t.Errorf("%s: classes %s and labels %v, want %s and %v", test.labels, got, d.Labels, test.classes, test.want)
		}
	}
}

// Classes that are given keep their order, and take no others.
func TestGivenClasses(t *testing.T) {
	const u = Unlabelled
	for _, test := range []struct {
		classes, labels string
		want            []int16
		err             string
	}{
		{"walk run sit", "run walk  run", []int16{1, 0, u, 1}, ""},
		{"walk run", "walk runn", nil, `standard input:3: column "label": the label is "runn", which is none of the classes walk, run; did you mean "run"?`},
		{"walk run", "walk NA", nil, `standard input:3: column "label": the label is "NA", which is none of the classes walk, run; an empty one leaves the row unlabelled`},
		{"none burst", "burst none", []int16{1, 0}, ""},
		{"2 1", "1 2.00 NA", []int16{1, 0, u}, ""},
		{"0.5 1", "0.50 1", []int16{0, 1}, ""},
		{"1 2", "3", nil, `the label is "3", which is none of the classes 1, 2`},
		{"0 1", "no TRUE y NA", []int16{0, 1, 1, u}, ""},
		{"yes no", "1 false", []int16{0, 1}, ""},
		{"0 1", "0 2", nil, `the label is "2", which is none of the classes 0, 1 (with Options.Positive 2 that value means 1 and every other 0)`},
		{"N F", "n", nil, `the label is "n", which is none of the classes N, F`},
	} {
		o := DefaultOptions()
		o.Classes = strings.Split(test.classes, " ")
		d, err := readText(labelled(strings.Split(test.labels, " ")...), o)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s with %s: error %v, want %s", test.labels, test.classes, err, test.err)
			}
		case err != nil:
			t.Errorf("%s with %s: %v", test.labels, test.classes, err)
		case !slices.Equal(d.Classes, o.Classes) || !slices.Equal(d.Labels, test.want):
			t.Errorf("%s with %s: classes %v and labels %v, want %v", test.labels, test.classes, d.Classes, d.Labels, test.want)
		}
	}
}

// What is no label of a class is said at the row that gives it away.
func TestNoClasses(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("id", i)
	}
	few := slices.Clone(many)
	few[100] = few[0]
	if d, err := readText(labelled(few...), DefaultOptions()); err != nil || len(d.Classes) != 100 {
		t.Errorf("100 classes: %v", err)
	}
	for _, test := range []struct {
		labels []string
		want   string
	}{
		{[]string{"1", "0.37"}, `standard input:3: column "label": the label is "0.37", a number with a fraction: the column looks like a measurement`},
		{many, `standard input:102: column "label": the label is "id100", and 100 others came before it: the column looks like a measurement`},
		{[]string{"walk", "walk"}, `column "label": every label is "walk", so there is nothing to tell apart`},
		{[]string{"2", "2.0", ""}, `column "label": every label is "2", so`},
		{[]string{"NA", "none", ""}, `column "label" labels no row`},
	} {
		if _, err := readText(labelled(test.labels...), DefaultOptions()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

// Labels that may not be meant so are told, by reading and by a look alike.
func TestNotesOnLabels(t *testing.T) {
	for text, want := range map[string]string{
		"a b   a b":                     `2 of 6 rows have no label, and nothing is learned from them`,
		"yes No n yes No n maybe maybe": `"No" and "n" are two classes, as other labels mean neither yes nor no`,
		"N F V N F V":                   "",
		"on off on off":                 "",
		"a a a a a b":                   `"a" is the background class, the most frequent`,
	} {
		path := writeFile(t, "a.csv", labelled(strings.Split(text, " ")...))
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		s, err := Look(t.Context(), []string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for who, all := range map[string]string{"Read": fmt.Sprint(d.Warnings), "Look": fmt.Sprint(s.Guess.Notes)} {
			if !strings.Contains(all, want) || want == "" && (strings.Contains(all, "two classes") || text[0] == 'o' && strings.Contains(all, "background")) {
				t.Errorf("%s of %q: %s, not %s", who, text, all, want)
			}
		}
	}
}

// A positive value is class 1; NA among numbers is no label, among words it is one.
func TestPositive(t *testing.T) {
	const u = Unlabelled
	for _, test := range []struct {
		positive, labels string
		want             []int16
	}{
		{"burst", "burst none NA  x", []int16{1, 0, 0, u, 0}},
		{"none", "burst none", []int16{0, 1}},
		{"2", "2.0 1 NA", []int16{1, 0, u}},
		{"true", "true false null", []int16{1, 0, u}},
	} {
		o := DefaultOptions()
		o.Positive = test.positive
		d, err := readText(labelled(strings.Split(test.labels, " ")...), o)
		if err != nil || strings.Join(d.Classes, " ") != "0 1" || !slices.Equal(d.Labels, test.want) {
			t.Errorf("%s of %s: %+v, %v, want %v", test.positive, test.labels, d, err, test.want)
		}
	}
}

// Classes are those of all files, of every format.
func TestClassesOfFiles(t *testing.T) {
	files := []string{
		writeFile(t, "a.csv", "a,label\n1,walk\n2,sit\n"),
		writeFile(t, "b.jsonl", `{"a":1,"label":"run"}`+"\n"+`{"a":2,"label":null}`+"\n"+`{"a":2,"label":"sit"}`),
	}
	d, err := Read(t.Context(), files, DefaultOptions())
	if err != nil || strings.Join(d.Classes, " ") != "sit run walk" || !slices.Equal(d.Labels, []int16{2, 0, 1, Unlabelled, 0}) {
		t.Errorf("%+v, %v", d, err)
	}
	o := Options{Label: "on", Features: []string{"x"}, Missing: MissingZero}
	d, err = Read(t.Context(), []string{writeSensors(t)}, o)
	if err != nil || strings.Join(d.Classes, " ") != "false true" || !slices.Equal(d.Labels, []int16{1, 0, 1}) {
		t.Errorf("%+v, %v", d, err)
	}
	d, err = readText(`{"a":1,"label":true}`+"\n"+`{"a":1,"label":false}`, DefaultOptions())
	if err != nil || strings.Join(d.Classes, " ") != "false true" || !slices.Equal(d.Labels, []int16{1, 0}) {
		t.Errorf("%+v, %v", d, err)
	}
	o.Label = "count"
	d, err = Read(t.Context(), []string{writeSensors(t)}, o)
	if err != nil || strings.Join(d.Classes, " ") != "0 7 18446744073709551615" || !slices.Equal(d.Labels, []int16{2, 0, 1}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestClassWarnings(t *testing.T) {
	d, err := readText(labelled("a", "b", "NA", "none"), DefaultOptions())
	const background = `column "label": "none" is the background class, by its name; the others make events (Options.Classes with another one first says otherwise)`
	if err != nil || len(d.Warnings) != 2 || d.Warnings[0].String() != background || d.Warnings[1].String() != `column "label": "NA" is a class, as labels are words; an empty one leaves its row unlabelled` {
		t.Errorf("%v, %v", d.Warnings, err)
	}
}

// A machine that runs is uneventful, a person is not.
func TestRunning(t *testing.T) {
	for _, test := range [][]string{{"running", "stopped", "stopped"}, {"Walking", "Walking", "running"}} {
		d, err := readText(labelled(test...), DefaultOptions())
		if err != nil || d.Classes[0] != test[0] {
			t.Errorf("%v, %v, want %q first", d.Classes, err, test[0])
		}
	}
}

// The background is the same in every format, and for look.
func TestBackground(t *testing.T) {
	labels := []string{"fault", "ok", "fault", "fault", "none yet", "none yet"}
	rows := make([]string, len(labels))
	for i, label := range labels {
		rows[i] = fmt.Sprintf(`{"a":%d,"label":%q}`, i*i, label)
	}
	for _, path := range []string{
		writeFile(t, "a.csv", labelled(labels...)),
		writeFile(t, "a.jsonl", strings.Join(rows, "\n")),
		writeTable(t, []arrow.Field{field("a", arrow.PrimitiveTypes.Int64), field("label", arrow.BinaryTypes.String)}, "["+strings.Join(rows, ",")+"]"),
	} {
		d, err := Read(t.Context(), []string{path}, DefaultOptions())
		if err != nil || !slices.Equal(d.Classes, []string{"ok", "fault", "none yet"}) || !strings.Contains(fmt.Sprint(d.Warnings), `"ok" is the background class`) {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
		o := DefaultOptions()
		o.Classes = []string{"fault", "ok", "none yet"}
		if d, err := Read(t.Context(), []string{path}, o); err != nil || !slices.Equal(d.Classes, o.Classes) || len(d.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
	}
	path := writeFile(t, "b.csv", labelled(strings.Fields("none burst none none burst NA burst NA")...))
	if s, err := Look(t.Context(), []string{path}, Options{}); err != nil || !slices.Equal(s.Guess.Classes, []string{"none", "NA", "burst"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestClassesOptions(t *testing.T) {
	for want, o := range map[string]Options{
		`Options.Classes lists "a" alone`:        {Classes: []string{"a"}},
		`Options.Classes lists "a" twice`:        {Classes: []string{"a", "b", "a"}},
		`Options.Classes holds an empty name`:    {Classes: []string{"a", ""}},
		`Options.Classes cannot be used with it`: {Classes: []string{"a", "b"}, Positive: "a"},
		`Options.Classes lists more than 32767`:  {Classes: strings.Split(strings.Repeat("x", 32767)+"x", "")},
	} {
		o.Label, o.Missing = "label", MissingError
		if len(o.Classes) > 100 {
			for i := range o.Classes {
				o.Classes[i] = fmt.Sprint(i)
			}
		}
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
