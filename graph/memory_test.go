package graph_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

const memoryVariable = "RNNBIN_TEST_MEMORY"

// TestTrainingMemory compares estimates with the peaks of processes of their own.
func TestTrainingMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peaks are read from /proc")
	}
	if testing.Short() {
		t.Skip("-short")
	}
	layers := func(cell graph.Cell, units ...int) (all []graph.Layer) {
		for _, n := range units {
			all = append(all, graph.Layer{Cell: cell, Units: n})
		}
		return all
	}
	for i, test := range []struct {
		name        string
		c           graph.Config
		batch, rows int
	}{
		{"wide", graph.Config{Network: graph.Network{Window: 8, Features: 2, Classes: 2, Layers: layers(graph.GRU, 1500)}}, 4, 1000},
		{"wide, adamw", graph.Config{Network: graph.Network{Window: 8, Features: 2, Classes: 2, Layers: layers(graph.LSTM, 1000)}, Training: graph.Training{Optimizer: graph.AdamW}}, 4, 1000},
		{"wide, sgd", graph.Config{Network: graph.Network{Window: 8, Features: 2, Classes: 2, Layers: layers(graph.Plain, 3000)}, Training: graph.Training{Optimizer: graph.SGD}}, 4, 1000},
		{"large batches", graph.Config{Network: graph.Network{Window: 50, Features: 2, Classes: 2, Layers: layers(graph.GRU, 32)}}, 4000, 10000},
		{"large batches, two directions", graph.Config{Network: graph.Network{Window: 50, Features: 2, Classes: 2, Layers: layers(graph.LSTM, 32, 32), Bidirectional: true}}, 1000, 10000},
		{"large batches, portable", graph.Config{Network: graph.Network{Window: 50, Features: 2, Classes: 2, Layers: layers(graph.GRU, 32)}, Machine: graph.Machine{Form: graph.FormPortable}}, 1000, 10000},
		{"large batches, dense", graph.Config{Network: graph.Network{Window: 50, Features: 2, Classes: 2, Layers: layers(graph.Dense, 64, 64)}, Training: graph.Training{Dropout: 0.1}}, 4000, 10000},
		{"wide, dense", graph.Config{Network: graph.Network{Window: 1, Features: 2000, Classes: 2, Layers: layers(graph.Dense, 2000, 1000)}}, 512, 1000},
		{"many rows", graph.Config{Network: graph.Network{Window: 20, Features: 8, Classes: 2, Layers: layers(graph.GRU, 4)}}, 8, 2000000},
		{"many inputs", graph.Config{Network: graph.Network{Window: 1, Features: 50, Lags: []int{-4, -3, -2, -1, 0, 1, 2, 3}, Classes: 2}, Training: graph.Training{InputNoise: 0.1}}, 20000, 50000},
	} {
		switch os.Getenv(memoryVariable) {
		case strconv.Itoa(i):
			before := peak(t)
			trainFor(t, test.c, test.batch, test.rows)
			fmt.Printf("took %d kB\n", peak(t)-before)
			return
		case "":
		default:
			continue
		}
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", memoryVariable, i))
		out, err := cmd.CombinedOutput()
		took := regexp.MustCompile(`took (\d+) kB`).FindSubmatch(out)
		if err != nil || took == nil {
			t.Errorf("%s: %v\n%s", test.name, err, out)
			continue
		}
		kB, _ := strconv.ParseFloat(string(took[1]), 64)
		got, want := test.c.TrainingMemory(test.batch, test.rows)/1e6, kB*1024/1e6
		t.Logf("%s: %.0f MB, estimated %.0f", test.name, want, got)
		if !(got > want/2/shadow && got < want*2) {
			t.Errorf("%s: %.0f MB, estimated %.0f", test.name, want, got)
		}
	}
}

// trainFor makes three steps, after a small session that loads what all need.
func trainFor(t *testing.T, c graph.Config, batch, rows int) {
	t.Helper()
	s, err := graph.NewSession(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := graph.Series{X: make([]float32, rows*c.Features), Y: make([]float32, rows)}
	for i := range d.X {
		d.X[i] = float32(i%7) / 7
	}
	starts := make([]int32, batch)
	for i := range starts {
		starts[i] = int32(i % (rows - c.Window))
	}
	if err := s.SetSeries(d); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Train(context.Background(), graph.Plan{Starts: [][]int32{starts, starts, starts}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Variables(); err != nil {
		t.Fatal(err)
	}
}

// peak is the most memory that the process has had, in kilobytes.
func peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
