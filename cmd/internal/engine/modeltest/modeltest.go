// Package modeltest writes model folders for tests of what serves models.
package modeltest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// Spec is a model that Write writes. Its networks have the weights that training begins with.
type Spec struct {
	Features      []string  // default x and y
	TakenOff      []float64 // model.Columns.Shift
	Classes       []string  // default no and yes
	Window        int       // default 8
	Bidirectional bool
	Horizon       int
	SeriesScale   inputs.Within // default none
	Members       int           // default 1
	Missing       string        // default mean
	Shift         float32       // added to what each network says for the last class, so that versions differ
}

// Write writes the folder, in the place of a model that is there.
func Write(t testing.TB, dir string, s Spec) {
	t.Helper()
	k := model.Kind{
		Network: graph.Network{Window: cmp.Or(s.Window, 8), Bidirectional: s.Bidirectional, Layers: []graph.Layer{{Cell: graph.GRU, Units: 6}}},
		Horizon: s.Horizon,
		Inputs:  inputs.Inputs{SeriesScale: cmp.Or(s.SeriesScale, inputs.None)},
	}
	if s.Features == nil {
		s.Features = []string{"x", "y"}
	}
	if s.Classes == nil {
		s.Classes = []string{"no", "yes"}
	}
	R := len(s.Features)
	k.Network.Features, k.Network.Classes = k.Inputs.Columns(R), len(s.Classes)
	w, err := model.Create(dir, true)
	check(t, err)
	defer w.Close()
	p, err := graph.NewEnsemble(k.Network, cmp.Or(s.Members, 1), graph.Machine{})
	check(t, err)
	defer p.Close()
	for _, member := range p.Members() {
		shift(t, member, s.Shift)
		weights, err := w.AddWeights(member.Save)
		check(t, err)
		k.Weights = append(k.Weights, weights)
	}
	check(t, w.Commit(&model.Model{
		Version:     "test",
		Columns:     model.Columns{Label: "label", Features: s.Features, Shift: s.TakenOff, Missing: cmp.Or(s.Missing, "mean")},
		Classes:     s.Classes,
		Lookahead:   model.All,
		Profile:     model.Profile{Mean: slices.Repeat([]float32{0.25}, R), Low: slices.Repeat([]float32{-1}, R), High: slices.Repeat([]float32{1}, R)},
		Threshold:   0.5,
		ClassWeight: "none",
		Kinds:       []model.Kind{k},
	}))
}

// Rows are n random rows of two features, [n,2].
func Rows(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, seed))
	x := make([]float32, 2*n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// Wide are numbers as 64 bits have them.
func Wide(x []float32) []float64 {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}

// Narrow are numbers as 32 bits have them.
func Narrow(x []float64) []float32 {
	narrow := make([]float32, len(x))
	for i, v := range x {
		narrow[i] = float32(v)
	}
	return narrow
}

// shift adds to the bias of the last class.
func shift(t testing.TB, m *graph.Member, by float32) {
	t.Helper()
	vars, err := m.Variables()
	check(t, err)
	for _, v := range vars {
		if strings.HasSuffix(v.Name, "/bias") && (strings.Contains(v.Name, "projection") || strings.Contains(v.Name, "wrapper")) {
			v.Value[len(v.Value)-1] += by
		}
	}
	check(t, m.SetVariables(vars))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
