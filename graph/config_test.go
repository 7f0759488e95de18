package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/rnnbin/rnnbin/graph"
)

// TestZerosMeanTheUsual lists every default; what does not apply stays zero.
func TestZerosMeanTheUsual(t *testing.T) {
	network := graph.Network{Window: 3, Features: 2, Classes: 2, Layers: []graph.Layer{{Cell: graph.Plain, Units: 4}, {Cell: graph.GRU, Units: 4}, {Cell: graph.Dense, Units: 4}}}
	full := network
	full.Layers = []graph.Layer{{Cell: graph.Plain, Units: 4, Activation: graph.ReLU}, {Cell: graph.GRU, Units: 4}, {Cell: graph.Dense, Units: 4, Activation: graph.ReLU}}
	full.Loss = graph.OneHotXent
	machine := graph.Machine{Threads: 1, Form: graph.FormAuto, InstructionSet: graph.InstructionSetAuto}
	focal := full
	focal.Loss = graph.Focal
	for _, test := range []struct{ given, want graph.Config }{
		{
			graph.Config{Network: network},
			graph.Config{full, graph.Training{Optimizer: graph.Adam, LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, machine},
		},
		{
			graph.Config{focal, graph.Training{Optimizer: graph.SGD}, graph.Machine{}},
			graph.Config{focal, graph.Training{FocalGamma: 2, Optimizer: graph.SGD, LearningRate: 0.001}, machine},
		},
	} {
		got := newSession(t, test.given).Config()
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v became %+v, want %+v", test.given, got, test.want)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%+v: %v", got, err)
		}
	}
	p := newPredictor(t, graph.Config{Network: network})
	if !reflect.DeepEqual(p.Network(), full) || p.Machine() != machine {
		t.Errorf("a predictor's network %+v and machine %+v", p.Network(), p.Machine())
	}
}

// TestSettingsWithoutEffect are errors, whichever it is. They used to be ignored, but for
// activations and dropout.
func TestSettingsWithoutEffect(t *testing.T) {
	for _, test := range []struct {
		err    string
		change func(*graph.Config)
	}{
		{"FocalGamma is for the loss focal, not xent", func(c *graph.Config) { c.FocalGamma = 2 }},
		{"WeightDecay is for the optimizer adamw, not adam", func(c *graph.Config) { c.WeightDecay = 0.01 }},
		{"Beta1 is for the optimizers adam and adamw, not sgd", func(c *graph.Config) { c.Optimizer, c.Beta1 = graph.SGD, 0.9 }},
		{"Beta2 is for the optimizers adam and adamw, not sgd", func(c *graph.Config) { c.Optimizer, c.Beta2 = graph.SGD, 0.9 }},
		{"Epsilon is for the optimizers adam and adamw, not rmsprop", func(c *graph.Config) { c.Optimizer, c.Epsilon = graph.RMSProp, 1e-8 }},
		{"Dropout is for the outputs of layers, and there is none", func(c *graph.Config) { c.Layers, c.Dropout = nil, 0.1 }},
		{"Bidirectional is for recurrent layers, and there is none", func(c *graph.Config) { c.Layers, c.Bidirectional = nil, true }},
		{"Bidirectional is for recurrent layers, and there is none",
			func(c *graph.Config) { c.Layers, c.Bidirectional = []graph.Layer{{Cell: graph.Dense, Units: 4}}, true }},
		{"Layers[0].Activation is for plain and dense cells, gru has its own functions",
			func(c *graph.Config) { c.Layers = []graph.Layer{{Cell: graph.GRU, Units: 1, Activation: graph.Tanh}} }},
		{"InstructionSet is for the fused form, not portable",
			func(c *graph.Config) { c.Form, c.InstructionSet = graph.FormPortable, "generic" }},
	} {
		c := graph.DefaultConfig()
		test.change(&c)
		var config *graph.ConfigError
		if err := c.Validate(); !errors.As(err, &config) || err.Error() != test.err {
			t.Errorf("error %v, want %s", err, test.err)
		}
	}
}

// TestSlicesAreCopied: a session used to share Lags and Layers with its caller, in both
// directions. One that changed them afterwards shifted outputs by a row, or made Predict
// panic.
func TestSlicesAreCopied(t *testing.T) {
	c := smallConfig(graph.OneHotXent, graph.Tanh, form{})
	c.Lags = []int{-1, 0, 1}
	s := smallSession(t, c)
	x := randoms(9 * c.Features)
	want := predict(t, s.Predictor, x, 1, nil)
	got := s.Config()
	for _, n := range []graph.Network{c.Network, got.Network, s.Network()} {
		copy(n.Lags, []int{-3, -2, 5})
		n.Layers[0].Units = 99
	}
	s.Members()[0] = nil
	again := predict(t, s.Predictor, x, 1, nil)
	if !sameBits(again.Outputs, want.Outputs) || !sameBits(again.State, want.State) {
		t.Error("other outputs")
	}
	if n := s.Network(); !slices.Equal(n.Lags, []int{-1, 0, 1}) || n.Layers[0].Units != 13 {
		t.Errorf("the network became %+v", n)
	}
}

// TestConfigAsJSON: the three parts share one object, and unknown keys can be refused.
func TestConfigAsJSON(t *testing.T) {
	c := graph.Config{
		Network:  graph.Network{Window: 3, Features: 2, Classes: 2, Lags: []int{-1, 0}, Layers: []graph.Layer{{Cell: graph.LSTM, Units: 4}}, Loss: graph.Focal},
		Training: graph.Training{FocalGamma: 1, Optimizer: graph.AdamW, LearningRate: 0.5, WeightDecay: 0.25, Seed: 7},
		Machine:  graph.Machine{Threads: 2},
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"steps":3,"features":2,"lags":[-1,0],"layers":[{"cell":"lstm","units":4}],` +
		`"bidirectional":false,"classes":2,"loss":"focal","focal_gamma":1,"optimizer":"adamw","learning_rate":0.5,` +
		`"weight_decay":0.25,"seed":7,"threads":2}`
	if string(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	var back graph.Config
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("read back as %+v, error %v", back, err)
	}
	decoder = json.NewDecoder(bytes.NewReader([]byte(`{"steps":3,"window":3}`)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err == nil {
		t.Error("an unknown key is not refused")
	}
}
