package model

import (
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

func TestWait(t *testing.T) {
	for _, test := range []struct {
		lags          []int
		bidirectional bool
		horizon       int
		within        inputs.Within
		rows          int
		finite        bool
	}{
		{nil, false, 0, inputs.None, 0, true},
		{nil, false, 5, inputs.Running, 0, true},
		{nil, false, -5, inputs.Running, 5, true},
		{[]int{-2, 3}, false, -5, inputs.None, 8, true},
		{[]int{3}, false, 2, inputs.None, 1, true},
		{nil, false, -5, inputs.Whole, 0, false},
		{nil, true, 0, inputs.None, 0, false},
	} {
		c := graph.DefaultConfig()
		c.Lags, c.Bidirectional = test.lags, test.bidirectional
		m := Model{Network: c.Network, Horizon: test.horizon, SeriesScale: test.within}
		if rows, finite := m.Wait(); rows != test.rows || finite != test.finite {
			t.Errorf("%+v: waits %d rows, %v", test, rows, finite)
		}
	}
}
