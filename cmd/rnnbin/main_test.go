package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rnnbin": main, "dawdle": dawdle})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for name, path := range map[string]string{
				"KERAS": "../internal/keras/testdata", "EVENTS": "../internal/events/testdata", "LABELSTUDIO": labelStudio,
				"RECORDINGS": "../internal/table/testdata/recordings", "ORIGINAL": "../../graph/testdata/original",
			} {
				path, err := filepath.Abs(path)
				if err != nil {
					return err
				}
				env.Setenv(name, path)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "mounts":
				return exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", t.TempDir()).Run() == nil, nil
			case "root":
				return os.Geteuid() == 0, nil
			case "labelstudio":
				return hasLabelStudio(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"near": near, "model": makeModel, "seal": seal, "labelstudio": checkLabelStudio, "freeport": freePort, "certificate": makeCertificate, "ask": ask, "crowd": crowd},
	})
}

// dawdle stands for a run that a signal ends, and that takes longer than grace to do so:
//
//	dawdle none|keep|commit
//
// It has nothing that is worth keeping, or has, or is amid a commit.
func dawdle() {
	tflib.Loaded()
	ctx, stop := notify(context.Background(), os.Stderr)
	defer stop()
	e := endingOf(ctx)
	switch os.Args[1] {
	case "keep":
		e.keep.Store(true)
	case "commit":
		e.begin()
	}
	fmt.Println("begun")
	<-ctx.Done()
	time.Sleep(grace + 700*time.Millisecond)
	if os.Args[1] == "keep" {
		e.begin()
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Println("committed")
	os.Exit(report(withSignal(ctx, &endedEarly{ctx.Err(), "kept"}), os.Stderr))
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
		return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,:[]{}", r) }) // CSV, tables or JSON
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
