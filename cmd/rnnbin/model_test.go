package main

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rnnbin/rnnbin/cmd/internal/model"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// makeModel writes a model folder whose weights are set by hand: the probability
// depends on the first feature x alone, at the first lag, and is 0.5 at 0.5. What is
// not given is as here:
//
//	model DIR features=x steps=4 horizon=0 label=label series= time= missing=error threshold=0.5 offset=0 lags=
func makeModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: model dir key=value …")
	}
	set := map[string]string{
		"features": "x", "steps": "4", "horizon": "0", "label": "label", "series": "", "time": "", "missing": "error",
		"threshold": "0.5", "offset": "0", "lags": "",
	}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		if _, known := set[key]; !known {
			ts.Fatalf("model: unknown key %q", key)
		}
		set[key] = value
	}
	number := func(key string) float64 {
		v, err := strconv.ParseFloat(set[key], 64)
		ts.Check(err)
		return v
	}
	m := &model.Model{
		Version:   "test",
		Network:   graph.DefaultConfig(),
		Horizon:   int(number("horizon")),
		Threshold: number("threshold"),
	}
	m.Columns = model.Columns{Label: set["label"], Features: strings.Split(set["features"], ","), Series: set["series"], Time: set["time"], Missing: series.Missing(set["missing"])}
	m.Scaler = series.Scaler{Kind: series.Standard, Columns: m.Columns.Features}
	for range m.Columns.Features {
		m.Scaler.Offset = append(m.Scaler.Offset, number("offset"))
		m.Scaler.Scale = append(m.Scaler.Scale, 2)
		m.Scaler.Fill = append(m.Scaler.Fill, number("offset"))
	}
	m.Network.Window, m.Network.Features, m.Network.Layers[0].Units = int(number("steps")), len(m.Columns.Features), 1
	if set["lags"] != "" {
		ts.Check((*lagsValue)(&m.Network.Lags).Set(set["lags"]))
	}
	ts.Check(writeModel(ts.MkAbs(args[0]), m))
}

// writeModel writes the folder of a network of one unit.
func writeModel(dir string, m *model.Model) error {
	w, err := model.Create(dir, true)
	if err != nil {
		return err
	}
	defer w.Close()
	predictor, err := newPredictor(m.Network)
	if err != nil {
		return err
	}
	defer predictor.Close()
	vars, err := predictor.Variables()
	if err != nil {
		return err
	}
	cell, projection, bias := vars[0].Value, vars[2].Value, vars[3].Value
	clear(cell)
	cell[0] = 8                       // of the first feature; the state is ReLU's
	copy(projection, []float32{0, 1}) // sigmoid(state - 2)
	copy(bias, []float32{0, -2})
	if err := predictor.SetVariables(vars); err != nil {
		return err
	}
	if err := w.AddWeights(predictor.Save); err != nil {
		return err
	}
	return w.Commit(m)
}
