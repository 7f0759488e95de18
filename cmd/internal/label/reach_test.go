package label

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func TestReachGivesThePartItsAnswers(t *testing.T) {
	const rows, before = 230, 3
	x := randomRows(rand.New(rand.NewPCG(3, 3)), before+rows)
	whole := series.Range{Start: before, End: before + rows}
	for _, steps := range stepsTried {
		for _, horizon := range horizonsTried {
			probability, padded := expected(x[2*before:], steps, horizon)
			for _, from := range []int{0, 1, 60, 101, 180, 229} {
				part := series.Range{Start: before + from, End: min(before+from+50, whole.End)}
				l := New(&counter{steps: steps}, horizon)
				reach := l.Reach(whole, part)
				got, err := l.Label(context.Background(), x, []series.Range{reach})
				if err != nil {
					t.Fatal(err)
				}
				to := part.End - before
				what := fmt.Sprintf("steps %d, horizon %d, rows %d to %d in %d to %d", steps, horizon, part.Start, part.End, reach.Start, reach.End)
				wantAnswers(t, what, got.Probability[part.Start:part.End], got.Padded[part.Start:part.End], probability[from:to], padded[from:to])
				if most := 50 + 3*steps + 2*max(horizon, -horizon); reach.Len() > most {
					t.Errorf("%s: more than %d rows", what, most)
				}
			}
		}
	}
}
