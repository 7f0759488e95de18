package graph_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/rnnbin/rnnbin/graph"
)

// scaler is an offset and a scale for each feature.
type scaler struct{ offset, scale []float32 }

// scalers of three features, none of whose quotients are exact.
var (
	scalerA = scaler{[]float32{0.3, -1.7, 12.1}, []float32{0.7, 3, -0.13}}
	scalerB = scaler{[]float32{-0.9, 0.1, 0}, []float32{1.9, 0.3, 1}}
)

func (z scaler) variables() []graph.Variable {
	return []graph.Variable{
		{Name: graph.NormalizationOffset, Shape: []int{len(z.offset)}, Value: z.offset},
		{Name: graph.NormalizationScale, Shape: []int{len(z.scale)}, Value: z.scale},
	}
}

// of is x [N,F] scaled by the float32 operations of Go.
func (z scaler) of(x []float32) []float32 {
	scaled := make([]float32, len(x))
	for i, v := range x {
		f := i % len(z.offset)
		scaled[i] = (v - z.offset[f]) / z.scale[f]
	}
	return scaled
}

// normalizedConfigs are networks that normalise, whose inputs, layers and optimizers
// differ.
func normalizedConfigs(f form) map[string]graph.Config {
	base := smallConfig(graph.OneHotXent, graph.Tanh, f)
	base.Normalize, base.LearningRate = true, 0.01
	lags, both, random, none, one, reset := base, base, base, base, base, base
	lags.Lags = []int{-4, 0, 2, 20}
	both.Layers, both.Bidirectional = []graph.Layer{{Cell: graph.GRU, Units: 13}}, true
	both.Lags, both.InputNoise, both.Optimizer = []int{-1, 1}, 0.1, graph.AdamW
	random.InputNoise, random.Dropout = 0.2, 0.3
	none.Layers, none.Lags = nil, []int{-2, 0}
	one.Features, one.Lags = 1, []int{-1, 0, 3}
	reset.Layers, reset.Bidirectional = []graph.Layer{{Cell: graph.GRUResetBefore, Units: 5}}, true
	return map[string]graph.Config{
		"plain": base, "lags": lags, "GRU, two directions, lags, noise, AdamW": both, "noise and dropout": random,
		"no layer, lags": none, "one feature, lags": one, "unrolled GRU, two directions": reset,
	}
}

// inNormalizedNetworks tests each network in both forms, with a scaler for its features.
func inNormalizedNetworks(t *testing.T, test func(*testing.T, graph.Config, scaler)) {
	for _, f := range []form{portable, {}} {
		for name, c := range normalizedConfigs(f) {
			z := scaler{scalerA.offset[:c.Features], scalerA.scale[:c.Features]}
			t.Run(fmt.Sprintf("%s/%s", name, f), func(t *testing.T) { test(t, c, z) })
		}
	}
}

// normalizing is a session that scales raw rows by z, and one without Normalize that is
// given scaled rows.
func normalizing(t *testing.T, c graph.Config, z scaler) (raw, scaled *graph.Session) {
	t.Helper()
	d := randomSeries(40, c.Features, c.Classes)
	d.Lengths = smallLengths
	raw = newSession(t, c)
	c.Normalize = false
	scaled = newSession(t, c)
	if err := errors.Join(raw.SetVariables(z.variables()), raw.SetSeries(d)); err != nil {
		t.Fatal(err)
	}
	d.X = z.of(d.X)
	if err := scaled.SetSeries(d); err != nil {
		t.Fatal(err)
	}
	return raw, scaled
}

// TestNormalizedTrainingIsThatOfScaledRows compares bits of losses, norms and the whole
// state with those of rows that were scaled before.
func TestNormalizedTrainingIsThatOfScaledRows(t *testing.T) {
	inNormalizedNetworks(t, func(t *testing.T, c graph.Config, z scaler) {
		s, want := normalizing(t, c, z)
		report, wantReport := stepsFrom(t, s, 5, 10), stepsFrom(t, want, 5, 10)
		if !sameBits(report.Losses, wantReport.Losses) || !sameBits(report.Norms, wantReport.Norms) {
			t.Errorf("losses %v, of scaled rows %v", report.Losses, wantReport.Losses)
		}
		got := state(t, s)
		sameState(t, "after ten steps", got, state(t, want))
		for _, v := range z.variables() {
			if !sameBits(got[v.Name], v.Value) {
				t.Errorf("training has changed %s from %v to %v", v.Name, v.Value, got[v.Name])
			}
		}
	})
}

// TestNormalizedEvaluationIsThatOfScaledRows: loss, gradients and predictions.
func TestNormalizedEvaluationIsThatOfScaledRows(t *testing.T) {
	const batch = 2
	inNormalizedNetworks(t, func(t *testing.T, c graph.Config, z scaler) {
		s, want := normalizing(t, c, z)
		grads, loss := gradients(t, s, smallStarts)
		wantGrads, wantLoss := gradients(t, want, smallStarts)
		if len(grads) != len(wantGrads) || !sameBits([]float32{loss}, []float32{wantLoss}) {
			t.Errorf("%d gradients and loss %v, want %d and %v", len(grads), loss, len(wantGrads), wantLoss)
		}
		sameState(t, "gradients", grads, wantGrads)

		before, behind := c.Context()
		for _, n := range []int{1, 5, c.Window} {
			x := randoms(batch * (before + n + behind) * c.Features)
			got, exact := predict(t, s.Predictor, x, batch, nil), predict(t, want.Predictor, z.of(x), batch, nil)
			if !sameBits(got.Outputs, exact.Outputs) || !sameBits(got.Probability, exact.Probability) || !sameBits(got.State, exact.State) {
				t.Errorf("%d steps: outputs %v, of scaled rows %v", n, got.Outputs, exact.Outputs)
			}
		}
	})
}

// TestNormalizationStartsWithoutEffect, and is neither trained nor counted.
func TestNormalizationStartsWithoutEffect(t *testing.T) {
	inNormalizedNetworks(t, func(t *testing.T, c graph.Config, _ scaler) {
		plain := c
		plain.Normalize = false
		if c.Parameters() != plain.Parameters() {
			t.Errorf("%d parameters, %d without", c.Parameters(), plain.Parameters())
		}
		s, want := smallSession(t, c), smallSession(t, plain)
		steps(t, s, randomPlan(2))
		steps(t, want, randomPlan(2))
		got, exact := state(t, s), state(t, want)
		sameState(t, "state", got, exact)
		if len(got) != len(exact)+2 {
			t.Errorf("%d variables, %d without offset and scale", len(got), len(exact))
		}
		offset, scale := make([]float32, c.Features), slices.Repeat([]float32{1}, c.Features)
		if !slices.Equal(got[graph.NormalizationOffset], offset) || !slices.Equal(got[graph.NormalizationScale], scale) {
			t.Errorf("offset %v and scale %v", got[graph.NormalizationOffset], got[graph.NormalizationScale])
		}
	})
}

// TestMembersNormalizeOnTheirOwn gives the members of an ensemble different offsets and
// scales, and compares with predictors of scaled rows.
func TestMembersNormalizeOnTheirOwn(t *testing.T) {
	const batch, steps = 2, 6
	for _, f := range []form{portable, {}} {
		c := normalizedConfigs(f)["lags"]
		all := newEnsemble(t, c, 2)
		before, behind := c.Context()
		x := randoms(batch * (before + steps + behind) * c.Features)
		single := c
		single.Normalize = false
		var want []float32
		for i, z := range []scaler{scalerA, scalerB} {
			if err := all.Members()[i].SetVariables(z.variables()); err != nil {
				t.Fatal(err)
			}
			outputs := predict(t, withWeights(t, single, all.Members()[i]), z.of(x), batch, nil).Outputs
			if want == nil {
				want = make([]float32, len(outputs))
			}
			for k, v := range outputs {
				want[k] += v / 2
			}
		}
		near(t, fmt.Sprint(f, ": outputs"), predict(t, all, x, batch, nil).Outputs, want, 1e-6)
	}
}

// withWeights is a predictor that does not normalize, with the weights of m.
func withWeights(t *testing.T, c graph.Config, m *graph.Member) *graph.Predictor {
	t.Helper()
	vars, err := m.Variables()
	if err != nil {
		t.Fatal(err)
	}
	p := newPredictor(t, c)
	if err := only(p).SetVariables(vars[:len(c.Weights())]); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCheckpointsHoldTheNormalization of each member; a session's is a predictor's too.
func TestCheckpointsHoldTheNormalization(t *testing.T) {
	c := normalizedConfigs(form{})["lags"]
	s, _ := normalizing(t, c, scalerA)
	steps(t, s, randomPlan(3))
	all := newEnsemble(t, c, 2)
	if err := all.Members()[1].SetVariables(scalerB.variables()); err != nil {
		t.Fatal(err)
	}
	prefixes := []string{filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")}
	if err := errors.Join(s.Save(prefixes[0]), all.Members()[1].Save(prefixes[1])); err != nil {
		t.Fatal(err)
	}

	loaded := newEnsemble(t, c, 2)
	for i, want := range []map[string][]float32{state(t, s), state(t, all.Members()[1])} {
		m := loaded.Members()[i]
		if err := m.Restore(prefixes[i]); err != nil {
			t.Fatal(err)
		}
		got := state(t, m)
		if len(got) != len(c.Weights())+2 {
			t.Errorf("member %d: %d variables of %d weights", i, len(got), len(c.Weights()))
		}
		for name, v := range got {
			if !sameBits(v, want[name]) {
				t.Errorf("member %d: %s is %v, was %v", i, name, v, want[name])
			}
		}
	}

	again := newSession(t, c)
	if err := again.Restore(prefixes[0]); err != nil {
		t.Fatal(err)
	}
	sameState(t, "the session's checkpoint", state(t, again), state(t, s))
}

// TestCheckpointWithoutNormalization is refused, as is one with a scale of 0.
func TestCheckpointWithoutNormalization(t *testing.T) {
	c := normalizedConfigs(form{})["plain"]
	s := newSession(t, c)
	before, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "weights")
	refused := func(variable string) error {
		t.Helper()
		var checkpoint *graph.CheckpointError
		err := s.Restore(prefix)
		if !errors.As(err, &checkpoint) || checkpoint.Variable != variable {
			t.Errorf("want an error about %s, got %v", variable, err)
		}
		sameState(t, "after an error", state(t, s), byName(before))
		return err
	}

	c.Normalize = false
	if err := newSession(t, c).Save(prefix); err != nil {
		t.Fatal(err)
	}
	refused(graph.NormalizationOffset)

	vars := slices.Clone(before)
	for i, v := range vars {
		if v.Name == graph.NormalizationScale {
			vars[i].Value = []float32{1, 0, 1}
		}
	}
	writeCheckpoint(t, prefix, vars)
	var variable *graph.ValueError
	if err := refused(graph.NormalizationScale); !errors.As(err, &variable) || variable.Row != 1 {
		t.Errorf("a scale of 0: error %v", err)
	}
}

// writeCheckpoint has TensorFlow write variables that no network of ours would hold.
func writeCheckpoint(t *testing.T, prefix string, vars []graph.Variable) {
	t.Helper()
	s := op.NewScope()
	var names []string
	var values []tf.Output
	for _, v := range vars {
		shape := make([]int32, len(v.Shape))
		for i, n := range v.Shape {
			shape[i] = int32(n)
		}
		vs := s.SubScope("variable")
		names = append(names, v.Name)
		values = append(values, op.Reshape(vs, op.Const(vs.SubScope("values"), v.Value), op.Const(vs.SubScope("shape"), shape)))
	}
	save := op.SaveV2(s, op.Const(s.SubScope("prefix"), prefix), op.Const(s.SubScope("names"), names),
		op.Const(s.SubScope("whole"), make([]string, len(names))), values)
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Run(nil, nil, []*tf.Operation{save}); err != nil {
		t.Fatal(err)
	}
}

// TestNormalizationThatCannotBeUsed: nothing is changed by it.
func TestNormalizationThatCannotBeUsed(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	c := normalizedConfigs(form{})["plain"]
	p := only(newPredictor(t, c))
	before := state(t, p)
	for name, values := range map[string][]float32{
		graph.NormalizationOffset: {nan, inf, -inf},
		graph.NormalizationScale:  {nan, inf, -inf, 0, float32(math.Copysign(0, -1)), 0x1p-127, -0x1p-149},
	} {
		for _, bad := range values {
			v := graph.Variable{Name: name, Shape: []int{3}, Value: []float32{2, 2, bad}}
			kernel := graph.Variable{Name: variables + "bias", Shape: []int{2}, Value: []float32{5, 5}}
			err := p.SetVariables([]graph.Variable{kernel, v})
			var variable *graph.ValueError
			if !errors.As(err, &variable) || variable.Name != name || variable.Row != 2 {
				t.Errorf("%s of %v: error %v", name, bad, err)
			}
			sameState(t, "after an error", state(t, p), before)
		}
	}
	for _, good := range []float32{0x1p-126, -0x1p-126, math.MaxFloat32} {
		v := graph.Variable{Name: graph.NormalizationScale, Shape: []int{3}, Value: []float32{1, 1, good}}
		if err := p.SetVariables([]graph.Variable{v}); err != nil {
			t.Error(err)
		}
	}
	var shape *graph.ShapeError
	c.Normalize = false
	if err := only(newPredictor(t, c)).SetVariables(scalerA.variables()); !errors.As(err, &shape) {
		t.Errorf("a network that does not normalise: error %v", err)
	}
}
