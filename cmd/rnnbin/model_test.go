package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
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
// most probable one where x is about k. With rolling there is a second kind that gives the same,
// though it also gets the features over centred windows of so many rows. What is not given is as
// here:
//
//	model DIR features=x steps=4 horizon=0 label=label series= time= missing=error threshold=0.5 offset=0 lags= \
//	      members=1 within=none both=no rival=no rolling= range=LOW:HIGH positions=END:CLASS,… classes=0,1
func makeModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: model dir key=value …")
	}
	set := settingsOfModel{
		"features": "x", "steps": "4", "horizon": "0", "label": "label", "series": "", "time": "", "missing": "error",
		"threshold": "0.5", "offset": "0", "lags": "", "members": "1", "within": "none", "both": "no", "rival": "no", "rolling": "", "range": "", "positions": "", "classes": "0,1",
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
	ts.Check(writeModel(ts.MkAbs(args[0]), m, int(numberOf(set["members"])), set["rival"] == "yes"))
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
		Threshold:   numberOf(s["threshold"]),
		ClassWeight: "none",
	}
	k := model.Kind{
		Network:  graph.DefaultConfig().WithDefaults().Network,
		Training: graph.DefaultConfig().WithDefaults().Training,
		Horizon:  int(numberOf(s["horizon"])),
		Inputs:   inputs.Inputs{SeriesScale: inputs.Within(s["within"])},
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
	n := &k.Network
	n.Window, n.Bidirectional = int(numberOf(s["steps"])), s["both"] == "yes"
	n.Layers[0].Units, n.Classes = 1, len(m.Classes)
	if s["lags"] != "" {
		err = (*lagsValue)(&n.Lags).Set(s["lags"])
	}
	m.Kinds = []model.Kind{scaled(k, m.Profile.Mean)}
	if s["rolling"] != "" {
		k.Inputs.Ahead = inputs.Centred
		for rows := range strings.SplitSeq(s["rolling"], ",") {
			k.Inputs.Rolling = append(k.Inputs.Rolling, int(numberOf(rows)))
		}
		m.Kinds = append(m.Kinds, scaled(k, m.Profile.Mean))
	}
	return m, err
}

// scaled is a kind that gets the features less the offset [R], by 2.
func scaled(k model.Kind, offset []float32) model.Kind {
	columns := k.Inputs.Columns(len(offset))
	k.Inputs.Scale = &inputs.Scale{Offset: make([]float32, columns), Divisor: slices.Repeat([]float32{1}, columns)}
	for i, v := range offset {
		k.Inputs.Scale.Offset[i], k.Inputs.Scale.Divisor[i] = v, 2
	}
	k.Network.Features = columns
	return k
}

// writeModel writes the folder of so many networks of one unit, of each kind.
func writeModel(dir string, m *model.Model, members int, rival bool) error {
	w, err := model.Create(dir, true)
	if err != nil {
		return err
	}
	defer w.Close()
	first := &m.Kinds[0]
	last := first.Network.Features - len(m.Columns.Features) // the first feature, within its series if it is there
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
		for k := range m.Kinds {
			if err := writeNetwork(w, &m.Kinds[k], weights); err != nil {
				return err
			}
		}
	}
	if !rival {
		return w.Commit(m)
	}
	m.Rival = &model.Rival{Kind: *first, Threshold: 0.5}
	c := &m.Rival.Network
	c.Layers, c.Bidirectional, c.Lags = nil, false, nil
	m.Rival.Training, m.Rival.Weights = graph.Training{}, nil
	weights := func(name string, v []float32) {
		clear(v)
		v[2*last%len(v)+1] = map[string]float32{"projection/kernel": -8, "projection/bias": 2}[name]
	}
	if err := writeNetwork(w, &m.Rival.Kind, weights); err != nil {
		return err
	}
	return w.Commit(m)
}

// writeNetwork writes one more member of a kind, whose weights are set by name.
func writeNetwork(w *model.Writer, k *model.Kind, weights func(name string, v []float32)) error {
	p, err := graph.NewPredictor(k.Network, graph.Machine{})
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
		weights(v.Name, v.Value)
	}
	if err := network.SetVariables(vars); err != nil {
		return err
	}
	added, err := w.AddWeights(network.Save)
	k.Weights = append(k.Weights, added)
	return err
}

// seal makes the digest of a model.json that of its content, which has been changed:
//
//	seal DIR
func seal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: seal dir")
	}
	path := ts.MkAbs(filepath.Join(args[0], "model.json"))
	text, err := os.ReadFile(path)
	ts.Check(err)
	var m model.Model
	ts.Check(json.Unmarshal(text, &m))
	m.SHA256 = ""
	text, err = json.Marshal(m)
	ts.Check(err)
	m.SHA256 = fmt.Sprintf("%x", sha256.Sum256(text))
	text, err = json.MarshalIndent(m, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(path, text, 0o666))
}
