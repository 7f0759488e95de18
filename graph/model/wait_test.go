package model

import (
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

func TestWait(t *testing.T) {
	none, running, whole := inputs.Inputs{SeriesScale: inputs.None}, inputs.Inputs{SeriesScale: inputs.Running}, inputs.Inputs{SeriesScale: inputs.Whole}
	rolling := func(ahead int) inputs.Inputs {
		return inputs.Inputs{SeriesScale: inputs.None, Rolling: []int{4, 10}, Ahead: ahead}
	}
	for _, test := range []struct {
		lags          []int
		bidirectional bool
		horizon       int
		inputs        inputs.Inputs
		rows          int
		finite        bool
	}{
		{nil, false, 0, none, 0, true},
		{nil, false, 5, running, 0, true},
		{nil, false, -5, running, 5, true},
		{[]int{-2, 3}, false, -5, none, 8, true},
		{[]int{3}, false, 2, none, 1, true},
		{nil, false, -5, whole, 0, false},
		{nil, true, 0, none, 0, false},
		{nil, false, 0, rolling(0), 0, true},
		{nil, false, 0, rolling(3), 3, true},
		{nil, false, 0, rolling(inputs.Centred), 4, true},
		{[]int{-2, 3}, false, -5, rolling(3), 11, true},
		{[]int{3}, false, 2, rolling(3), 4, true},
		{nil, false, 5, rolling(3), 0, true},
		{nil, true, 0, rolling(0), 0, false},
	} {
		c := graph.DefaultConfig()
		c.Lags, c.Bidirectional = test.lags, test.bidirectional
		k := Kind{Network: c.Network, Horizon: test.horizon, Inputs: test.inputs}
		for _, m := range []Model{{Kinds: []Kind{k}}, {Kinds: []Kind{{Inputs: none}, k}}, {Kinds: []Kind{k, {Inputs: none}}}} {
			if rows, finite := m.Wait(); rows != test.rows || finite != test.finite {
				t.Errorf("%+v: waits %d rows, %v", test, rows, finite)
			}
		}
	}
}
