package graph_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

func TestSuggestThreads(t *testing.T) {
	for _, test := range []struct {
		cell                            graph.Cell
		steps, units, batch, cpus, want int
	}{
		{graph.Plain, 20, 100, 10, 8, 1},   // the original
		{graph.Plain, 2000, 100, 10, 2, 2}, // long
		{graph.Plain, 20, 512, 64, 8, 8},   // wide
		{graph.Plain, 20, 1024, 3, 8, 3},   // no more than windows
		{graph.Plain, 1, 1, 1, 1, 1},
		{graph.Dense, 20, 100, 512, 8, 1}, // of a single input
		{graph.Dense, 20, 1000, 512, 8, 5},
	} {
		c := graph.DefaultConfig()
		c.Window, c.Layers[0] = test.steps, graph.Layer{Cell: test.cell, Units: test.units}
		if got := c.SuggestThreads(test.batch, test.cpus); got != test.want {
			t.Errorf("%+v: %d threads", test, got)
		}
	}
}

// TestEachSessionHasItsThreads: TensorFlow's pool is not the one that the first session
// in the process has asked for.
func TestEachSessionHasItsThreads(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads are counted in /proc")
	}
	newSession(t, graph.DefaultConfig()) // on one thread
	const many = 40                      // more than the Go runtime starts by itself meanwhile
	c := graph.DefaultConfig()
	c.Form, c.Threads = graph.FormPortable, many
	before := threads(t)
	s := newSession(t, c)
	if got := threads(t) - before; got < many {
		t.Errorf("a session for %d threads started %d", many, got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := threads(t) - before; got >= many {
		t.Errorf("%d threads are left of a session that is closed", got)
	}
}

// threads is the number of threads of this process.
func threads(t testing.TB) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
