package graph

import "testing"

// TestChunks are the parts in which a batch is predicted.
func TestChunks(t *testing.T) {
	seed := DefaultConfig() // holds 2 + 100 + 8 values of a row and 2 * 100 of a sequence
	lags := DefaultConfig() // 20 + 2 * 150 + 2 * 150 in float64 + 8, and 15 rows of 20
	lags.Features, lags.Layers = 10, nil
	for lag := -15; lag < 0; lag++ {
		lags.Lags = append(lags.Lags, lag)
	}
	far := lags // 2^20 rows of 20
	far.Lags = append([]int{-1 << 20}, lags.Lags[1:]...)
	dense := DefaultConfig() // 2 + 2 * 100 + 8, and no state
	dense.Layers = []Layer{{Cell: Dense, Units: 100}}
	both := DefaultConfig() // 2 + 2 * 100 + 8
	both.Bidirectional = true
	portable := both // and 2 * (1 + 100)
	portable.Form = FormPortable

	for name, test := range map[string]struct {
		cfg                   Config
		members, batch, steps int
		want                  chunk
	}{
		"a window":                        {seed, 1, 1, 20, chunk{1, 20}},
		"a batch":                         {seed, 1, 1000, 20, chunk{1000, 7}},
		"a long sequence":                 {seed, 1, 1, 1 << 20, chunk{1, 9530}},
		"five networks":                   {seed, 5, 1, 1 << 20, chunk{1, 1932}},
		"many sequences":                  {seed, 1, 1 << 20, 20, chunk{39945, 2}},
		"lags":                            {lags, 1, 1, 1 << 20, chunk{1, 1669}},
		"lags far behind":                 {far, 1, 2, 1 << 20, chunk{1, 33395}},
		"dense":                           {dense, 1, 1, 1 << 20, chunk{1, 4993}},
		"two directions":                  {both, 1, 100, 2000, chunk{39, 2000}},
		"two directions, five networks":   {both, 5, 100, 2000, chunk{8, 2000}},
		"two directions, portable":        {portable, 1, 100, 2000, chunk{20, 2000}},
		"two directions, a long sequence": {both, 1, 3, 1 << 20, chunk{1, 1 << 20}},
	} {
		if got := test.cfg.chunk(test.members, test.batch, test.steps); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
