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

// seconds are how many the run takes at most; 0 if those of a network are not known.
func (r *run) seconds(p Planned) float64 {
	if slices.ContainsFunc(p.Rungs, func(q Plan) bool { return q.Seconds == 0 }) {
		return 0
	}
	total := p.AtMost(func(q Plan, _ bool) float64 { return q.Seconds })
	if n, local := r.means.Runner.(sideBySide); local && r.several() {
		total /= float64(n)
	}
	if limit := r.spec.TimeLimit; limit > 0 {
		total = min(total, time.Duration(limit).Seconds())
	}
	return total
}

// AtMost is the sum of what trainings cost, by folds and in the end on all rows, where every
// network is trained for every fold and the dearest kinds are chosen.
func (p Planned) AtMost(cost func(q Plan, final bool) float64) float64 {
	folds := float64(len(p.Folds))
	total := 0.0
	chosen := map[string]float64{} // by the kind of network
	for _, q := range p.Rungs {
		fold, final := cost(q, false), cost(q, true)
		total += folds * fold
		if q.isRival() {
			total += final
		}
		if !q.Baseline {
			members := float64(q.Members)
			chosen[q.kind()] = max(chosen[q.kind()], folds*(members-1)*fold+members*final)
		}
	}
	two := slices.Sorted(maps.Values(chosen))
	kinds := min(2, len(two))
	if folds == 0 {
		kinds = 1
	}
	for _, one := range two[len(two)-kinds:] {
		total += one
	}
	return total
}
