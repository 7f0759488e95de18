package graph_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/rnnbin/rnnbin/graph"
)

// Networks of TensorFlow 1's own cells, run by TensorFlow 1.15.5;
// testdata/cells/README.md describes the files.
var cellNetworks = map[string]struct {
	layers        []graph.Layer
	bidirectional bool
	last          []string // the states after the last step, in our order
	lengths       bool     // the sequences differ in length
}{
	"basic_rnn":          {layers: []graph.Layer{{Cell: graph.Plain, Units: 13, Activation: graph.Tanh}}, last: []string{"h"}},
	"lstm":               {layers: []graph.Layer{{Cell: graph.LSTM, Units: 13}}, last: []string{"c", "h"}},
	"gru":                {layers: []graph.Layer{{Cell: graph.GRU, Units: 13}}, last: []string{"h"}},
	"gru_before":         {layers: []graph.Layer{{Cell: graph.GRUResetBefore, Units: 13}}, last: []string{"h"}},
	"stacked_lstm":       {layers: []graph.Layer{{Cell: graph.LSTM, Units: 13}, {Cell: graph.LSTM, Units: 9}}, last: []string{"cell_0.c", "cell_0.h", "cell_1.c", "cell_1.h"}},
	"stacked_gru":        {layers: []graph.Layer{{Cell: graph.GRU, Units: 13}, {Cell: graph.GRU, Units: 9}}, last: []string{"cell_0.h", "cell_1.h"}},
	"bidirectional_lstm": {layers: []graph.Layer{{Cell: graph.LSTM, Units: 13}}, bidirectional: true},
	"bidirectional_gru":  {layers: []graph.Layer{{Cell: graph.GRU, Units: 13}}, bidirectional: true},
	"lengths_lstm":       {layers: []graph.Layer{{Cell: graph.LSTM, Units: 13}}, last: []string{"c", "h"}, lengths: true},

	"dense":     {layers: []graph.Layer{{Cell: graph.Dense, Units: 13, Activation: graph.ReLU}, {Cell: graph.Dense, Units: 9, Activation: graph.Tanh}}},
	"dense_gru": {layers: []graph.Layer{{Cell: graph.Dense, Units: 9, Activation: graph.Tanh}, {Cell: graph.GRU, Units: 13}}, last: []string{"h"}},

	"lengths_bidirectional_lstm": {layers: []graph.Layer{{Cell: graph.LSTM, Units: 13}}, bidirectional: true, lengths: true},
}

const cellBatch, cellWindow = 5, 7

func TestCellsAreTensorFlow1s(t *testing.T) {
	for name := range cellNetworks {
		for _, f := range forms() {
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				compareCells(t, name, openCells(t, name), cellConfig(name, f))
			})
		}
	}
}

// TestTensorFlow1RestoresCells has TensorFlow 1.15.5's own cells restore checkpoints of
// ours, and predict. One process has them all, as most of its time is that of its start.
func TestTensorFlow1RestoresCells(t *testing.T) {
	needOriginal(t)
	folder := t.TempDir()
	outputs := map[string][]float32{}
	var args []string
	for _, name := range []string{"lstm", "gru_before", "stacked_gru", "bidirectional_gru", "dense", "dense_gru"} {
		s := newSession(t, cellConfig(name, form{}))
		prefix := filepath.Join(folder, name)
		if err := s.Save(prefix); err != nil {
			t.Fatal(err)
		}
		outputs[name] = predict(t, s.Predictor, openCells(t, name).array("x"), cellBatch, nil).Outputs
		args = append(args, "--restore", prefix, name, prefix+".npz")
	}
	inOriginal(t, "cells.py", args...)
	for name, ours := range outputs {
		t.Run(name, func(t *testing.T) {
			seen, err := npz.Open(filepath.Join(folder, name+".npz"))
			if err != nil {
				t.Fatal(err)
			}
			defer seen.Close()
			near(t, "outputs", ours, golden{t, seen}.array("outputs0"), 1e-6)
		})
	}
}

func openCells(t *testing.T, name string) golden {
	t.Helper()
	file, err := npz.Open(filepath.Join("testdata", "cells", name+".npz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return golden{t, file}
}

func cellConfig(name string, f form) graph.Config {
	c := graph.DefaultConfig()
	c.Window, c.Features, c.Classes, c.LearningRate = cellWindow, 3, 3, 0.01
	c.Layers, c.Bidirectional = cellNetworks[name].layers, cellNetworks[name].bidirectional
	f.apply(&c)
	return c
}

// cellSeries are the sequences of a file, each a series of its length, and where they
// begin.
func cellSeries(t *testing.T, g golden, c graph.Config, uneven bool) (d graph.Series, starts []int32) {
	t.Helper()
	lengths := slices.Repeat([]int32{cellWindow}, cellBatch)
	var labels []int32
	if err := g.file.Read("y.npy", &labels); err != nil {
		t.Fatal(err)
	}
	if uneven {
		if err := g.file.Read("lengths.npy", &lengths); err != nil {
			t.Fatal(err)
		}
	}
	x := g.array("x")
	for b, n := range lengths {
		starts = append(starts, int32(len(d.Y)))
		d.Lengths = append(d.Lengths, int(n))
		d.X = append(d.X, x[b*cellWindow*c.Features:][:int(n)*c.Features]...)
		for _, y := range labels[b*cellWindow:][:n] {
			d.Y = append(d.Y, float32(y))
		}
	}
	return d, starts
}

// comparePrediction predicts each sequence by itself.
func comparePrediction(t *testing.T, s *graph.Session, g golden, d graph.Series, starts []int32, last []string) {
	t.Helper()
	c := s.Config()
	outputs := g.array("outputs0")
	for b, n := range d.Lengths {
		p := predict(t, s.Predictor, d.X[int(starts[b])*c.Features:][:n*c.Features], 1, nil)
		near(t, fmt.Sprint("outputs of sequence ", b), p.Outputs, outputs[b*cellWindow*c.Outputs():][:n*c.Outputs()], 1e-6)
		at := 0 // the state's values so far
		for _, name := range last {
			want := g.array("last0|" + name)
			width := len(want) / cellBatch
			near(t, fmt.Sprint("last ", name, " of sequence ", b), p.State[at:at+width], want[b*width:][:width], 1e-6)
			at += width
		}
	}
}

func compareCells(t *testing.T, name string, g golden, c graph.Config) {
	s := newSession(t, c)
	d, starts := cellSeries(t, g, c, cellNetworks[name].lengths)
	if err := s.SetSeries(d); err != nil {
		t.Fatal(err)
	}
	vars := c.Weights()
	named := func(prefix string) map[string][]float32 {
		all := map[string][]float32{}
		for _, v := range vars {
			all[v.Name] = g.array(prefix + "|" + strings.ReplaceAll(v.Name, "/", "."))
		}
		return all
	}
	for i, v := range vars {
		vars[i].Value = named("init")[v.Name]
	}
	if err := s.SetVariables(vars); err != nil {
		t.Fatal(err)
	}
	comparePrediction(t, s, g, d, starts, cellNetworks[name].last)

	grads, loss := gradients(t, s, starts)
	near(t, "loss", []float32{loss}, g.array("loss0"), 1e-6)
	nearAll(t, "gradient", grads, named("grad0"), 1e-5)

	plan := graph.Plan{Starts: slices.Repeat([][]int32{starts}, 10)}
	for i, to := range []int{1, 10} {
		r := steps(t, s, graph.Plan{Starts: plan.Starts[[]int{0, 1}[i]:to]})
		near(t, "losses", r.Losses, g.array("loss_before")[to-len(r.Losses):to], 1e-5)
		// Adam's first steps move a weight by its gradient's sign: see weightTolerance.
		nearAll(t, fmt.Sprint("after step ", to), weights(t, s), named(fmt.Sprint("step", to)), 1e-5)
	}
}
