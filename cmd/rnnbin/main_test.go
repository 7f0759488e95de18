package main

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rnnbin": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			models, err := filepath.Abs("../internal/keras/testdata")
			env.Setenv("KERAS", models)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"near": near, "model": makeModel},
	})
}

// near compares two files field by field: numbers may differ by a relative
// tolerance, all else not at all.
//
//	near TOLERANCE GOT WANT
func near(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: near tolerance got want")
	}
	tolerance, err := strconv.ParseFloat(args[0], 64)
	ts.Check(err)
	got, want := strings.Split(ts.ReadFile(args[1]), "\n"), strings.Split(ts.ReadFile(args[2]), "\n")
	if len(got) != len(want) {
		ts.Fatalf("%d lines, want %d:\n%s", len(got)-1, len(want)-1, strings.Join(got, "\n"))
	}
	for i := range want {
		if !nearLine(got[i], want[i], tolerance) {
			ts.Fatalf("line %d:\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
}

func nearLine(got, want string, tolerance float64) bool {
	fields := func(line string) []string {
		return strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })
	}
	g, w := fields(got), fields(want)
	if len(g) != len(w) {
		return false
	}
	for i := range w {
		if g[i] == w[i] {
			continue
		}
		x, err := strconv.ParseFloat(g[i], 64)
		y, errWant := strconv.ParseFloat(w[i], 64)
		if err != nil || errWant != nil || !(math.Abs(x-y) <= tolerance*math.Abs(y)) {
			return false
		}
	}
	return true
}
