package model

import (
	"bytes"
	"encoding/json"

	"github.com/rnnbin/rnnbin/graph"
)

// Network is a network as model.json has it: without what depends on the machine, for
// which it has the defaults when it was read.
type Network struct{ graph.Config }

// MarshalJSON gives the fields keys of their own.
func (n Network) MarshalJSON() ([]byte, error) { return json.Marshal(networkOf(n.Config)) }

// UnmarshalJSON is the reverse of MarshalJSON. An unknown key is an error.
func (n *Network) UnmarshalJSON(text []byte) error {
	var stored network
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return err
	}
	n.Config = stored.config()
	return nil
}

// network is what is stored of a graph.Config.
type network struct {
	Steps         int     `json:"steps"` // in a window
	Features      int     `json:"features"`
	Lags          []int   `json:"lags,omitempty"`
	Normalize     bool    `json:"normalize"`
	Layers        []layer `json:"layers"` // from the features up
	Bidirectional bool    `json:"bidirectional"`
	Classes       int     `json:"classes"`

	Loss         graph.Loss      `json:"loss"`
	FocalGamma   float32         `json:"focal_gamma"`
	Optimizer    graph.Optimizer `json:"optimizer"`
	LearningRate float32         `json:"learning_rate"`
	Beta1        float32         `json:"beta1"`
	Beta2        float32         `json:"beta2"`
	Epsilon      float32         `json:"epsilon"`
	WeightDecay  float32         `json:"weight_decay"`
	Dropout      float32         `json:"dropout"`
	InputNoise   float32         `json:"input_noise"`
	ClipNorm     float32         `json:"clip_norm"`
	Seed         int64           `json:"seed"`
}

type layer struct {
	Cell       graph.Cell       `json:"cell"`
	Units      int              `json:"units"`
	Activation graph.Activation `json:"activation,omitempty"` // of plain cells
}

func networkOf(c graph.Config) network {
	n := network{
		Steps: c.Window, Features: c.Features, Lags: c.Lags, Normalize: c.Normalize, Layers: []layer{},
		Bidirectional: c.Bidirectional, Classes: c.Classes,
		Loss: c.Loss, FocalGamma: c.FocalGamma, Optimizer: c.Optimizer, LearningRate: c.LearningRate,
		Beta1: c.Beta1, Beta2: c.Beta2, Epsilon: c.Epsilon, WeightDecay: c.WeightDecay,
		Dropout: c.Dropout, InputNoise: c.InputNoise, ClipNorm: c.ClipNorm, Seed: c.Seed,
	}
	for _, l := range c.Layers {
		n.Layers = append(n.Layers, layer(l))
	}
	return n
}

func (n network) config() graph.Config {
	d := graph.DefaultConfig()
	c := graph.Config{
		Window: n.Steps, Features: n.Features, Lags: n.Lags, Normalize: n.Normalize,
		Bidirectional: n.Bidirectional, Classes: n.Classes,
		Loss: n.Loss, FocalGamma: n.FocalGamma, Optimizer: n.Optimizer, LearningRate: n.LearningRate,
		Beta1: n.Beta1, Beta2: n.Beta2, Epsilon: n.Epsilon, WeightDecay: n.WeightDecay,
		Dropout: n.Dropout, InputNoise: n.InputNoise, ClipNorm: n.ClipNorm, Seed: n.Seed,
		Threads: d.Threads, Form: d.Form, InstructionSet: d.InstructionSet,
	}
	for _, l := range n.Layers {
		c.Layers = append(c.Layers, graph.Layer(l))
	}
	return c
}
