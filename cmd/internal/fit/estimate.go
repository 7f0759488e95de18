package fit

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/graph"
)

// estimate returns how many seconds the training of a plan takes on all rows, laid out as windows
// of a set, by timing some updates; 0 if they cannot be made, or are too large to be made for this
// alone.
func (r *run) estimate(ctx context.Context, rung int, p Plan, windows layout.Sampler, set *layout.Set) (float64, error) {
	if p.Memory > 1e9 {
		return 0, nil
	}
	s, err := r.session(r.finalTask(rung, 0), set)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	batch := windows.Epoch(p.First)[0]
	const enough, most = 100 * time.Millisecond, 256
	n, took := 0, time.Duration(0) // the first update is not timed: it prepares what all others use
	for next := 1; next <= most && took < enough; next *= 2 {
		starts := make([][]int32, next)
		for i := range starts {
			starts[i] = batch
		}
		begin := time.Now()
		if _, err := s.Train(ctx, graph.Plan{Starts: starts}); err != nil {
			return 0, ctx.Err() // that it diverges is for the run to say
		}
		if next > 1 {
			n, took = next, time.Since(begin)
		}
	}
	return took.Seconds() / float64(n) * float64(p.Epochs*p.Steps), nil
}

// seconds are how many the run takes at most: where every network is trained for every fold, and
// the slowest kinds are chosen; 0 if one of them is not known.
func (r *run) seconds(plans []Plan) float64 {
	folds := float64(len(r.folds))
	compared, rival := 0.0, 0.0
	chosen := map[string]float64{} // by the kind of network
	for _, p := range plans {
		if p.Seconds == 0 {
			return 0
		}
		compared += folds * p.Seconds
		if p.isRival() {
			rival = p.Seconds
		}
		if p.Baseline {
			continue
		}
		members := float64(p.members(r.spec))
		chosen[p.kind()] = max(chosen[p.kind()], (folds*(members-1)+members)*p.Seconds)
	}
	two := slices.Sorted(maps.Values(chosen))
	total := compared + rival
	kinds := min(2, len(two))
	if folds == 0 {
		kinds = 1
	}
	for _, seconds := range two[len(two)-kinds:] {
		total += seconds
	}
	if n, local := r.means.Runner.(sideBySide); local && r.several() {
		total /= float64(n)
	}
	if limit := r.spec.TimeLimit; limit > 0 {
		total = min(total, time.Duration(limit).Seconds())
	}
	return total
}
