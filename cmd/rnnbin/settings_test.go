package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/graph"
)

// parse has the options of a command line.
func parseTrain(t *testing.T, args ...string) *trainOptions {
	t.Helper()
	var o trainOptions
	cmd := newTrain()
	cmd.ResetFlags()
	o.addFlags(cmd.Flags())
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return &o
}

func writeSettings(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir) // paths in the settings are relative to their folder
	path := filepath.Join(dir, "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheCommandLineWins(t *testing.T) {
	path := writeSettings(t, `
data:
  files: [a.csv, b.csv]
  label: beat
  features: [x, y]
lookahead: 20
members: 3
seed: 7
recipe:
  cell: lstm
  units: [32, 16]
  learning_rate: 1e-2
`)
	o := parseTrain(t, "--config", path, "--label", "other", "--features", "z", "--units", "8", "--dropout", "0.5", "--members=1")
	if err := o.load(o.config, o.flags); err != nil {
		t.Fatal(err)
	}
	d, r := o.Data, o.Recipe
	if !slices.Equal(d.Files, []string{"a.csv", "b.csv"}) || d.Label != "other" || !slices.Equal(d.Features, []string{"z"}) {
		t.Errorf("data %+v", d)
	}
	if o.Lookahead != 20 || o.Members != 1 || o.Seed != 7 || o.Folds != fit.DefaultSpec().Folds {
		t.Errorf("lookahead %v, %d members, seed %d, %d folds", o.Lookahead, o.Members, o.Seed, o.Folds)
	}
	if *r.Cell != graph.LSTM || !slices.Equal(r.Units, []int{8}) || *r.LearningRate != 0.01 || *r.Dropout != 0.5 || r.Steps != nil {
		t.Errorf("recipe %+v", r)
	}
}

func TestSettingsMakeTheRunAgain(t *testing.T) {
	o := parseTrain(t, "--data", "a.csv", "--label", "beat", "--lookahead", "0", "--threshold", "auto", "--cell", "plain",
		"--activation", "relu", "--lags=-2:0", "--bidirectional=false", "--class-weight", "1=5")
	text, err := o.effective(".")
	if err != nil {
		t.Fatal(err)
	}
	again := parseTrain(t, "--config", writeSettings(t, string(text)))
	if err := again.load(again.config, again.flags); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	o.Preset = again.Preset // of no account
	if !reflect.DeepEqual(o.settings, again.settings) {
		t.Errorf("%+v\n%+v", o.settings, again.settings)
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"members: 3\nmembrs: 4\n":            `:2: unknown field "membrs"`,
		"members: many\n":                    ":1: ",
		"recipe:\n  units: 3\n":              ":2: ",
		"lookahead: some\n":                  `must be all or a number of rows, not "some"`,
		"members: 1\nmembers: 2\n":           ":2: ",
		"a: [\n":                             ": ",
		"recipe:\n  steps: 3\n  colour: 1\n": `:3: unknown field "colour"`,
	} {
		path := writeSettings(t, text)
		o := parseTrain(t, "--config", path)
		if err := o.load(o.config, o.flags); err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHorizonAndLookahead(t *testing.T) {
	for _, test := range []struct {
		args      string
		lookahead fit.Lookahead
		horizon   int
		wrong     bool
	}{
		{"", fit.All, 0, false},
		{"--horizon=-20", 20, 0, false},
		{"--horizon=5", 0, 5, false},
		{"--lookahead=20", 20, 0, false},
		{"--lookahead=0 --horizon=5", 0, 5, false},
		{"--lookahead=3 --horizon=5", 0, 0, true},
		{"--lookahead=3 --horizon=-5", 0, 0, true},
		{"--lookahead=all --horizon=5", 0, 0, true},
	} {
		o := parseTrain(t, strings.Fields("--data=x "+test.args)...)
		err := o.settle()
		if (err != nil) != test.wrong || err == nil && (o.spec().Lookahead != test.lookahead || o.spec().Horizon != test.horizon) {
			t.Errorf("%q: lookahead %v, horizon %d, %v", test.args, o.spec().Lookahead, o.spec().Horizon, err)
		}
	}
}

func TestPathsOfSettings(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "runs", "1"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("1", filepath.Join(root, "runs", "latest")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	o := parseTrain(t, "--data", "days/*.csv", "--data", "-", "--data", filepath.Join(root, "all.csv"), "--test-data", "../t.csv")
	text, err := o.effective(filepath.Join("runs", "latest"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"files":["../../days/*.csv","-","../../all.csv"]`, `"test_data":["../../../t.csv"]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if err := os.WriteFile(filepath.Join("runs", "1", "s.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(filepath.Dir(root), "t.csv")
	for dir, want := range map[string][]string{
		root:                        {"days/*.csv", "-", "all.csv", outside},
		filepath.Join(root, "runs"): {filepath.Join(root, "days/*.csv"), "-", filepath.Join(root, "all.csv"), outside},
	} {
		t.Chdir(dir)
		again := parseTrain(t)
		if err := again.load(filepath.Join(root, "runs", "latest", "s.json"), again.flags); err != nil {
			t.Fatal(err)
		}
		if got := append(again.Data.Files, again.Data.Test...); !slices.Equal(got, want) {
			t.Errorf("in %s: %q, want %q", dir, got, want)
		}
	}
}
