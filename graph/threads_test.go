package graph_test

import (
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

func TestSuggestThreads(t *testing.T) {
	for _, test := range []struct{ steps, units, batch, cpus, want int }{
		{20, 100, 10, 8, 1},   // the original
		{2000, 100, 10, 2, 2}, // long
		{20, 512, 64, 8, 8},   // wide
		{20, 1024, 3, 8, 3},   // no more than windows
		{1, 1, 1, 1, 1},
	} {
		c := graph.DefaultConfig()
		c.Steps, c.Units = test.steps, test.units
		if got := c.SuggestThreads(test.batch, test.cpus); got != test.want {
			t.Errorf("%+v: %d threads", test, got)
		}
	}
}
