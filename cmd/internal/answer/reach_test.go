package answer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestReachGivesThePartItsAnswers(t *testing.T) {
	const rows, before = 230, 3
	x := randomRows(rand.New(rand.NewPCG(3, 3)), before+rows)
	whole := series.Range{Start: before, End: before + rows}
	for what, v := range variants() {
		probability, padded := expected(x[2*before:], v.steps, v.horizon, v.lags)
		for _, from := range []int{0, 1, 60, 101, 180, 229} {
			part := series.Range{Start: before + from, End: min(before+from+50, whole.End)}
			l := New(v.counter(), v.horizon, layout.None)
			reach := l.Reach(whole, part)
			got, err := l.Label(context.Background(), x, []series.Range{reach})
			if err != nil {
				t.Fatal(err)
			}
			to := part.End - before
			what := fmt.Sprintf("%s, rows %d to %d in %d to %d", what, part.Start, part.End, reach.Start, reach.End)
			wantAnswers(t, what, got.Probability[2*part.Start:2*part.End], got.Padded[part.Start:part.End], probability[from:to], padded[from:to])
			left, right := around(v.lags)
			if most := 50 + 3*v.steps + 2*max(v.horizon, -v.horizon) + left + right; reach.Len() > most {
				t.Errorf("%s: more than %d rows", what, most)
			}
		}
	}
}
