package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// makeModel writes a model folder whose weights are set by hand: the probability
// depends on the first feature x alone, or on what it is within its series, at the first
// lag, and is 0.5 at 0.5. Further members have a higher one, the rival, if there is one,
// gives label 1 where x is below 0.5. Of more than two classes the k-th, from 0 on, is the
// most probable one where x is about k. What is not given is as here:
//
//	model DIR features=x steps=4 horizon=0 label=label series= time= missing=error threshold=0.5 offset=0 lags= \
//	      members=1 within=none both=no rival=no range=LOW:HIGH positions=END:CLASS,… classes=0,1
func makeModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: model dir key=value …")
	}
	set := settingsOfModel{
		"features": "x", "steps": "4", "horizon": "0", "label": "label", "series": "", "time": "", "missing": "error",
		"threshold": "0.5", "offset": "0", "lags": "", "members": "1", "within": "none", "both": "no", "rival": "no", "range": "", "positions": "", "classes": "0,1",
	}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		if _, known := set[key]; !known {
			ts.Fatalf("model: unknown key %q", key)
		}
		set[key] = value
	}
	m, err := set.model()
	ts.Check(err)
	ts.Check(writeModel(ts.MkAbs(args[0]), m, int(numberOf(set["members"])), set["rival"] == "yes", float32(numberOf(set["offset"]))))
}

type settingsOfModel map[string]string

// numberOf is NaN for a text that is none.
func numberOf(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN() // which no model has
	}
	return v
}

func (s settingsOfModel) model() (*model.Model, error) {
	features := strings.Split(s["features"], ",")
	m := &model.Model{
		Version:     "test",
		Columns:     model.Columns{Label: s["label"], Features: features, Series: s["series"], Time: s["time"], Missing: s["missing"]},
		Classes:     strings.Split(s["classes"], ","),
		Lookahead:   model.All,
		Horizon:     int(numberOf(s["horizon"])),
		SeriesScale: inputs.Within(s["within"]),
		Threshold:   numberOf(s["threshold"]),
		ClassWeight: "none",
		Network:     graph.DefaultConfig().WithDefaults().Network,
		Training:    graph.DefaultConfig().WithDefaults().Training,
	}
	for range features {
		m.Profile.Mean = append(m.Profile.Mean, float32(numberOf(s["offset"])))
		if low, high, found := strings.Cut(s["range"], ":"); found {
			m.Profile.Low, m.Profile.High = append(m.Profile.Low, float32(numberOf(low))), append(m.Profile.High, float32(numberOf(high)))
		}
	}
	var r reports
	for run := range strings.SplitSeq(s["positions"], ",") {
		if end, class, found := strings.Cut(run, ":"); found {
			r.Positions.Runs = append(r.Positions.Runs, metrics.Run{End: int(numberOf(end)), Class: int16(numberOf(class))})
		}
	}
	var err error
	if m.Reports, err = json.Marshal(r); err != nil {
		return nil, err
	}
	n := &m.Network
	n.Window, n.Features, n.Normalize, n.Bidirectional = int(numberOf(s["steps"])), m.SeriesScale.Columns(len(features)), true, s["both"] == "yes"
	n.Layers[0].Units, n.Classes = 1, len(m.Classes)
	if s["lags"] == "" {
		return m, nil
	}
	return m, (*lagsValue)(&n.Lags).Set(s["lags"])
}

// writeModel writes the folder of so many networks of one unit.
func writeModel(dir string, m *model.Model, members int, rival bool, offset float32) error {
	w, err := model.Create(dir, true)
	if err != nil {
		return err
	}
	defer w.Close()
	last := m.Network.Features - len(m.Columns.Features) // the first feature, within its series if it is there
	for i := range members {
		weights := func(name string, v []float32) {
			switch clear(v); {
			case strings.HasSuffix(name, "cell/kernel"):
				v[last] = 8 // the state is ReLU's
			case strings.HasSuffix(name, "projection/kernel"), strings.HasSuffix(name, "wrapper/kernel"):
				for k := range v {
					v[k] = float32(k)
				}
			case strings.HasSuffix(name, "projection/bias"), strings.HasSuffix(name, "wrapper/bias"):
				for k := range v[1:] { // with two classes sigmoid(state - 2), the state being 4x
					v[k+1] = float32(i) - 2*float32((k+1)*(k+1))
				}
			}
		}
		if err := writeNetwork(m.Network, m, offset, weights, w.AddWeights); err != nil {
			return err
		}
	}
	if !rival {
		return w.Commit(m)
	}
	c := m.Network
	c.Layers, c.Bidirectional, c.Lags = nil, false, nil
	weights := func(name string, v []float32) {
		clear(v)
		v[2*last%len(v)+1] = map[string]float32{"projection/kernel": -8, "projection/bias": 2}[name]
	}
	err = writeNetwork(c, m, offset, weights, func(save func(string) error) error { return w.SetRival(c, 0.5, save) })
	if err != nil {
		return err
	}
	return w.Commit(m)
}

// writeNetwork writes a network whose weights are set by name, with raw features scaled by
// the offset and 2.
func writeNetwork(n graph.Network, m *model.Model, offset float32, weights func(name string, v []float32), write func(save func(string) error) error) error {
	p, err := graph.NewPredictor(n, graph.Machine{})
	if err != nil {
		return err
	}
	defer p.Close()
	network := p.Members()[0]
	vars, err := network.Variables()
	if err != nil {
		return err
	}
	for _, v := range vars {
		switch v.Name {
		case graph.NormalizationOffset, graph.NormalizationScale:
			for k := range m.Columns.Features {
				v.Value[k] = map[string]float32{graph.NormalizationOffset: offset, graph.NormalizationScale: 2}[v.Name]
			}
		default:
			weights(v.Name, v.Value)
		}
	}
	if err := network.SetVariables(vars); err != nil {
		return err
	}
	return write(network.Save)
}
