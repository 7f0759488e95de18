package label

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/graph/inputs"
)

func TestReachGivesThePartItsAnswers(t *testing.T) {
	const rows = 230
	x := randomRows(rand.New(rand.NewPCG(3, 3)), rows)
	for what, v := range variants() {
		probability, padded := expected(x, v.steps, v.horizon, v.lags)
		for _, from := range []int{0, 1, 60, 101, 180, 229} {
			to := min(from+50, rows)
			l := modelOf(v.counter(), v.horizon, inputs.None)
			got, err := l.Label(context.Background(), Series{Values: x, From: from, To: to})
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%s, rows %d to %d", what, from, to)
			wantAnswers(t, what, got.Probability, got.Padded, probability[from:to], padded[from:to])
			start, end := l.engines[0].needed(rows, from, to)
			left, right := around(v.lags)
			if most := 50 + 3*v.steps + 2*max(v.horizon, -v.horizon) + left + right; end-start > most {
				t.Errorf("%s: more than %d rows", what, most)
			}
		}
	}
}
