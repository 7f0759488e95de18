package model

import (
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/scale"
)

func TestWait(t *testing.T) {
	for _, test := range []struct {
		lags          []int
		bidirectional bool
		horizon       int
		within        scale.Within
		rows          int
		finite        bool
	}{
		{nil, false, 0, scale.None, 0, true},
		{nil, false, 5, scale.Running, 0, true},
		{nil, false, -5, scale.Running, 5, true},
		{[]int{-2, 3}, false, -5, scale.None, 8, true},
		{[]int{3}, false, 2, scale.None, 1, true},
		{nil, false, -5, scale.Whole, 0, false},
		{nil, true, 0, scale.None, 0, false},
	} {
		c := graph.DefaultConfig()
		c.Lags, c.Bidirectional = test.lags, test.bidirectional
		m := Model{Network: c.Network, Horizon: test.horizon, SeriesScale: test.within}
		if rows, finite := m.Wait(); rows != test.rows || finite != test.finite {
			t.Errorf("%+v: waits %d rows, %v", test, rows, finite)
		}
	}
}
