package config

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// values are flags of every kind.
type values struct {
	Units    int
	Rate     float32
	Fraction float64
	Shuffle  bool
	Label    string
	Weight   string
	Data     []string
	Features []string
	config   string
}

func flags(v *values) *pflag.FlagSet {
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.IntVar(&v.Units, "units", 100, "")
	f.Float32Var(&v.Rate, "rate", 0.001, "")
	f.Float64Var(&v.Fraction, "fraction", 0.2, "")
	f.BoolVar(&v.Shuffle, "shuffle", false, "")
	f.StringVar(&v.Label, "label", "", "")
	f.StringVar(&v.Weight, "weight", "", "")
	f.StringArrayVar(&v.Data, "data", nil, "")
	f.StringSliceVar(&v.Features, "features", nil, "")
	f.StringVar(&v.config, "config", "", "")
	f.SortFlags = false
	return f
}

func TestApply(t *testing.T) {
	text := []byte(`# how it was trained
units: 64     # wide enough
rate: 3e-3
fraction: 0.5
shuffle: true
label: "1"
weight: [1, 5]
data:
  - a,b.csv
  - "c.csv"
features: [x, 'y,z']
`)
	var got values
	f := flags(&got)
	if err := f.Parse([]string{"--fraction=0.1"}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(f, "run.yaml", text); err != nil {
		t.Fatal(err)
	}
	want := values{64, 0.003, 0.1, true, "1", "1,5", []string{"a,b.csv", "c.csv"}, []string{"x", "y,z"}, ""}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(values{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"units", "data", "fraction"} {
		if !f.Changed(name) {
			t.Errorf("%s does not count as set", name)
		}
	}
}

func TestApplyNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		var got values
		if err := Apply(flags(&got), "run.yaml", []byte(text)); err != nil || got.Units != 100 {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestErrorsNameFileLineAndKey(t *testing.T) {
	tests := []struct{ text, want string }{
		{"units: 64\nunit: 3\n", `:2: there is no setting "unit"; the settings are the flags' names`},
		{"config: x\n", `:1: there is no setting "config"; the settings are the flags' names`},
		{"rate: 1\nunits: many\n", `:2: units: invalid value "many": must be an integer`},
		{"units: [1, 2]\n", `:1: units: invalid value "1,2": must be an integer`},
		{"units:\n", ":1: units: must be a value or a list of values"},
		{"label:\n  a: b\n", ":2: label: must be a value or a list of values"},
		{"data:\n- [a]\n", ":2: data: must be a value or a list of values"},
		{"- units\n", `:1: settings are lines of "key: value"`},
		{"units: 1\nrate: 2\nunits: 3\n", `:3: mapping key "units" already defined at [1:1]`},
		{"units: 1\n@x: 1\n", ":2: '@' is a reserved character"},
	}
	for _, test := range tests {
		var v values
		err := Apply(flags(&v), "run.yaml", []byte(test.text))
		if err == nil || err.Error() != "run.yaml"+test.want {
			t.Errorf("%q: %v, want run.yaml%s", test.text, err, test.want)
		}
	}
}

// What Format writes is what Apply reads.
func TestFormat(t *testing.T) {
	var want values
	f := flags(&want)
	args := []string{"--units=3", "--rate=1e-05", "--shuffle", "--label=yes", "--weight=1: #", "--data=- x", "--data=b\nc", `--data=<é>&"\`, "--features=1,2", "--config=c"}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	text, err := Format(f, func(f *pflag.Flag) bool { return f.Name != "fraction" })
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) {
		t.Errorf("no JSON: %s", text)
	}
	var got values
	if err := Apply(flags(&got), "model.json", text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want.config = ""
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(values{})); diff != "" {
		t.Errorf("-want +got:\n%s\nof\n%s", diff, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("units: 64\nweight: [1, 5]\ndata:\n- a\n")
	f.Add("a: *b\n? c\n: |\n  d")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parse([]byte(text)) })
}
