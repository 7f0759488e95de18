package fit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// prepare decides which rows train and which networks are compared.
func (r *run) prepare(ctx context.Context, d Data) error {
	s := r.spec
	r.all = layout.Fold{Train: d.Train.Series}
	if s.TestFraction > 0 {
		r.all = layout.Tail(d.Train, s.TestFraction)
	}
	profile, err := layout.Describe(d.Train, r.all.Train)
	if err != nil {
		return err
	}
	r.result.Profile, r.result.Rows = profile, layout.Rows(r.all.Train)
	r.rows = &rows{Data: d.Train, fill: profile.Mean, pieces: r.all.Pieces()}
	if d.Validation != nil {
		r.validation = &rows{Data: d.Validation, fill: profile.Mean, pieces: d.Validation.Series}
	}
	switch {
	case d.Test != nil:
		r.test, r.tested = &rows{Data: d.Test, fill: profile.Mean, pieces: d.Test.Series}, d.Test.Series
	case len(r.all.Held) > 0:
		r.test, r.tested = r.rows, r.all.Held
	}
	if r.test != nil && r.test.scored(r.tested, s.target()) == 0 {
		return errors.New("no test row has both a label and an answer, so there is nothing to test")
	}
	if r.test != nil {
		untaught := layout.Untaught(r.rows.Data, r.test.Data, layout.Fold{Train: r.all.Train, Held: r.tested})
		if len(untaught) > 0 {
			if err := r.tell(ctx, Noticed{Kind: TestUntaught, Class: table.List(untaught)}); err != nil {
				return err
			}
		}
	}
	for _, step := range []func(context.Context) error{r.seenBefore, r.fold, r.copied} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.within = s.within(s.Split.Resolve(d.Train, r.all.Train), len(layout.Groups(r.all.Train)))
	for _, f := range r.folds {
		r.filled = append(r.filled, r.rows.filledFrom(f.Train))
	}
	r.digestRows()
	if err := r.climb(ctx); err != nil {
		return err
	}
	return r.plan(ctx)
}

// within is how features are scaled within series of so many groups that train. Blocks of
// series, held back, would have been seen in the scale of the rows beside them.
func (s *Spec) within(split layout.SplitKind, groups int) inputs.Within {
	switch {
	case s.SeriesScale == SeriesScaleNone || groups < layout.FewestGroups || split == layout.SplitBlocks:
		return inputs.None
	case s.Lookahead.Finite() || split == layout.SplitForward:
		return inputs.Running
	}
	return inputs.Whole
}

// fold divides the rows that train.
func (r *run) fold(ctx context.Context) error {
	count := layout.Count(r.rows.Labels, r.all.Train, len(r.rows.Classes))
	if class := only(count); class >= 0 {
		if err := r.tell(ctx, Noticed{Kind: OneClass, Class: r.rows.Classes[class]}); err != nil {
			return err
		}
	}
	if err := r.nameRare(ctx, count); err != nil {
		return err
	}
	for _, name := range layout.SayLabel(r.rows.Data, r.all.Train, r.spec.Horizon) {
		if err := r.tell(ctx, Noticed{Kind: SaysLabel, Class: name}); err != nil {
			return err
		}
	}
	if r.spec.Folds == 0 {
		return nil
	}
	groups := len(layout.Groups(r.all.Train))
	r.split = r.spec.Split.Resolve(r.rows.Data, r.all.Train)
	if err := r.tellSplit(ctx, groups); err != nil {
		return err
	}
	var err error
	r.folds, err = layout.Folds(r.split, r.rows.Data, r.all.Train, r.spec.Folds)
	most := r.spec.Folds
	if r.split == layout.SplitSeries {
		most = min(most, groups)
	}
	switch n := len(r.folds); {
	case err != nil:
		return r.tell(ctx, Noticed{Kind: NotJudged, Err: err})
	case n < most:
		err = r.tell(ctx, Noticed{Kind: FewerFolds, Number: n})
	}
	if untaught := layout.Untaught(r.rows.Data, r.rows.Data, r.folds...); err == nil && r.split != layout.SplitSeries && len(untaught) > 0 {
		err = r.tell(ctx, Noticed{Kind: Untaught, Class: table.List(untaught)})
	}
	n := len(r.folds)
	r.folds = slices.DeleteFunc(r.folds, func(f layout.Fold) bool { return r.rows.scored(f.Held, r.spec.target()) == 0 })
	if left := n - len(r.folds); err == nil && left > 0 {
		err = r.tell(ctx, Noticed{Kind: EmptyFolds, Number: left})
	}
	if err == nil && r.split == layout.SplitForward && len(r.all.Train) > 1 && !layout.OneClock(r.rows.Data, r.all.Train) {
		err = r.tell(ctx, Noticed{Kind: NoClock})
	}
	return err
}

// tellSplit reports where classes or groups are too few for whole ones to be held back.
func (r *run) tellSplit(ctx context.Context, groups int) error {
	alone := layout.Alone(r.rows.Data, r.all.Train)
	inBlocks := r.split == layout.SplitBlocks && r.spec.Split == layout.SplitAuto
	switch {
	case inBlocks && groups > 1:
		return r.tell(ctx, Noticed{Kind: InBlocks, Number: groups, Class: table.List(alone)})
	case r.split == layout.SplitSeries && len(alone) > 0:
		return r.tell(ctx, Noticed{Kind: OneGroup, Class: table.List(alone)})
	}
	return nil
}

// nameRare reports classes of so few rows, of all that have a label, that they may be errors.
func (r *run) nameRare(ctx context.Context, count []int) error {
	const few, oneIn = 10, 1000
	total := 0
	for _, n := range count {
		total += n
	}
	for c, n := range count {
		if n > 0 && n < few && n*oneIn < total {
			if err := r.tell(ctx, Noticed{Kind: RareClass, Number: n, Class: r.rows.Classes[c]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// only is the class of all rows, -1 if there are several.
func only(count []int) int {
	class := -1
	for c, n := range count {
		switch {
		case n == 0:
		case class >= 0:
			return -1
		default:
			class = c
		}
	}
	return class
}

// climb lists the rungs. Where no answers are compared it is one.
func (r *run) climb(ctx context.Context) error {
	s := r.spec
	recipes, err := s.Recipes()
	if err != nil {
		return err
	}
	for i := range recipes {
		recipe := &recipes[i]
		recipe.Within = recipe.Within && r.within != inputs.None
		if slices.ContainsFunc(recipes[:i], func(before Recipe) bool { return reflect.DeepEqual(*recipe, before) }) { // but for that they are one
			continue
		}
		if err := r.narrow(ctx, recipe); err != nil {
			return err
		}
		r.rungs = append(r.rungs, r.rung(recipe))
	}
	if simple(r.rungs) < 0 {
		return r.rungs[0].Err
	}
	compared := len(r.folds) > 0
	if !compared {
		r.rungs = r.rungs[simple(r.rungs):][:1]
	}
	if (compared || r.test != nil) && !slices.ContainsFunc(r.rungs, func(g *Rung) bool { return g.isRival() }) {
		rival := lagged(s.Lookahead)
		rival.Baseline, rival.Within = true, r.within != inputs.None
		r.rungs = slices.Insert(r.rungs, 0, r.rung(&rival))
	}
	r.result.Rungs = r.rungs
	r.result.Chosen = []int{simple(r.rungs)} // until they are compared
	if m, local := r.means.Runner.(sideBySide); local && r.means.Memory > 0 {
		most := 1.0
		for _, g := range r.rungs {
			if g.Err == nil {
				most = max(most, r.memory(g.Recipe))
			}
		}
		r.means.Runner = sideBySide(max(1, min(float64(m), r.means.Memory/most)))
	}
	for _, g := range r.rungs {
		if err := r.leftOut(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// rung is one of the networks that are compared.
func (r *run) rung(recipe *Recipe) *Rung {
	return &Rung{Recipe: recipe, Threshold: r.spec.Threshold.At, Err: r.possible(recipe)}
}

// narrow takes the longest windows from a recipe until its inputs are not too many.
func (r *run) narrow(ctx context.Context, recipe *Recipe) error {
	const most = 1 << 16
	was := recipe.Rolling
	for n := len(was); n > 0 && r.columns(recipe) > most; n-- {
		recipe.Rolling = was[:n-1]
	}
	if len(recipe.Rolling) == len(was) {
		return nil
	}
	return r.tell(ctx, Noticed{Kind: FewerWindows, Rung: recipe.shape(), Number: len(recipe.Rolling)})
}

// columns is how many inputs the network of a recipe gets of a row.
func (r *run) columns(recipe *Recipe) int { return r.inputs(recipe).Columns(len(r.rows.Features)) }

// inputs are what the network of a recipe gets of a row, but for its scale.
func (r *run) inputs(recipe *Recipe) inputs.Inputs { return recipe.inputs(r.spec, r.within) }

// possible finds what keeps the network of a recipe from being made for these rows.
func (r *run) possible(recipe *Recipe) error {
	n := len(r.rows.Classes)
	if recipe.Network.Loss == graph.MSE && n > 2 && recipe.Windows == nil {
		return wrong("Loss", "%s is for two classes, not %d", graph.MSE, n)
	}
	err := r.config(recipe, Job{}).Validate()
	var of *graph.ConfigError
	if errors.As(err, &of) && of.Field == "Lags" && r.spec.Recipe.Lags == nil && r.spec.Rungs == nil { // which nobody has set
		return fmt.Errorf("%d lags of %d features are too many inputs", len(recipe.Network.Lags), r.columns(recipe))
	}
	if err != nil {
		return err
	}
	if needs := r.memory(recipe); r.means.Memory > 0 && needs > r.means.Memory {
		return &MemoryError{needs, r.means.Memory}
	}
	return nil
}

// memory is about what training the network of a recipe takes.
func (r *run) memory(recipe *Recipe) float64 {
	rows := layout.Rows(r.all.Train)
	scaled := 4 * float64(rows) * float64(r.columns(recipe)) // until the session has them
	return r.config(recipe, Job{}).TrainingMemory(recipe.Batch, rows) + scaled
}

// leftOut reports a rung that cannot be made or trained.
func (r *run) leftOut(ctx context.Context, g *Rung) error {
	if g.Err == nil {
		return nil
	}
	return r.tell(ctx, Noticed{Kind: RungFailed, Rung: g.Name(), Err: g.Err})
}

// plan tells what is going to be done.
func (r *run) plan(ctx context.Context) error {
	p := Planned{
		Rows: layout.Rows(r.all.Train), Count: layout.Count(r.rows.Labels, r.all.Train, len(r.rows.Classes)),
		Split: r.split, Group: r.rows.Group, Folds: r.folds, Test: layout.Rows(r.tested), Within: r.within,
	}
	for i, rung := range r.rungs {
		if rung.Err != nil {
			continue
		}
		windows, set, _, err := r.lay(Job{Rung: i}, r.all)
		if err != nil {
			return err
		}
		plan := Plan{
			Recipe: rung.Recipe, Rung: i, Members: rung.members(r.spec), Inputs: r.inputs(rung.Recipe), Config: r.config(rung.Recipe, Job{Rung: i}),
			Epochs: rung.epochs(windows.Steps()), Steps: windows.Steps(), Memory: r.memory(rung.Recipe),
		}
		if r.preview {
			if plan.Seconds, err = r.estimate(ctx, i, plan, windows, set); err != nil {
				return err
			}
		}
		p.Rungs = append(p.Rungs, plan)
		const few = 100
		if n := plan.Epochs * plan.Steps; n < few && rung.Windows == nil {
			if err := r.tell(ctx, Noticed{Kind: FewUpdates, Rung: rung.Name(), Number: n}); err != nil {
				return err
			}
		}
	}
	p.Seconds = r.seconds(p)
	return r.tell(ctx, p)
}

// simple is the rung to take where none can be judged: the first candidate that is recurrent,
// if one is; -1 if there is none at all.
func simple(rungs []*Rung) int {
	first := -1
	for i, g := range rungs {
		switch {
		case g.Baseline || g.Err != nil && !errors.Is(g.Err, errNothing):
		case !g.isLogistic():
			return i
		case first < 0:
			first = i
		}
	}
	return first
}
