package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// fieldFlags are the flags that set the fields of a graph.Config and of its layers.
var fieldFlags = map[string]string{
	"Window":         "steps",
	"Layers":         "layers",
	"Cell":           "cell",
	"Units":          "units",
	"Activation":     "activation",
	"Lags":           "lags",
	"Dropout":        "dropout",
	"InputNoise":     "input-noise",
	"Loss":           "loss",
	"FocalGamma":     "focal-gamma",
	"Optimizer":      "optimizer",
	"LearningRate":   "learning-rate",
	"WeightDecay":    "weight-decay",
	"ClipNorm":       "clip-norm",
	"Seed":           "seed",
	"Threads":        "threads",
	"Form":           "form",
	"InstructionSet": "instruction-set",
}

// asUsage makes a graph.ConfigError, for a configuration that came from flags, the
// user's mistake, and names the flag.
func asUsage(err error) error {
	var wrong *graph.ConfigError
	if !errors.As(err, &wrong) {
		return err
	}
	if flag, ok := fieldFlags[wrong.Field]; ok {
		return usagef(flag, "%s", wrong.Reason)
	}
	return usageError{wrong}
}

// addFormFlags adds the flags that choose between the ways to compute a network.
func addFormFlags(f *pflag.FlagSet, c *graph.Config) {
	f.StringVar((*string)(&c.Form), "form", string(c.Form), "`form` of the network: fused (operations of our own for what TensorFlow is slow at),\nportable (TensorFlow's operations only, several times slower) or auto, which is fused.\nResults agree to rounding")
	f.StringVar(&c.InstructionSet, "instruction-set", c.InstructionSet, "instruction `set` that the fused form uses: auto, which is the best, or one of those\nthat this processor has: "+strings.Join(graph.InstructionSets(), ", "))
}

// extrasText describes what a network has besides its layers, "" for nothing.
func extrasText(c graph.Config) string {
	text := ""
	if len(c.Lags) > 0 {
		text += fmt.Sprintf(", lags %v", (*lagsValue)(&c.Lags))
	}
	if c.Dropout > 0 {
		text += fmt.Sprintf(", dropout %v", c.Dropout)
	}
	if c.InputNoise > 0 {
		text += fmt.Sprintf(", input noise %v", c.InputNoise)
	}
	return text
}

// formText describes the form of a network on this machine.
func formText(form graph.Form, set string) string {
	if set == "" {
		return string(form)
	}
	return string(form) + ", " + set
}

// chosen is the form that c comes to on this machine, and its instruction set, ""
// for the portable form.
func chosen(c graph.Config) (form graph.Form, set string) {
	switch {
	case c.Form == graph.FormPortable:
		return c.Form, ""
	case c.InstructionSet == graph.InstructionSetAuto:
		return graph.FormFused, graph.InstructionSets()[0]
	}
	return graph.FormFused, c.InstructionSet
}

// newSession is graph.NewSession without what TensorFlow says on the way.
func newSession(c graph.Config) (s *graph.Session, err error) {
	err = tflib.Quietly(func() (err error) { s, err = graph.NewSession(c); return err })
	return s, asUsage(err)
}

// newPredictor is graph.NewPredictor without what TensorFlow says on the way.
func newPredictor(c graph.Config) (p *graph.Predictor, err error) {
	err = tflib.Quietly(func() (err error) { p, err = graph.NewPredictor(c); return err })
	return p, asUsage(err)
}

// restoredPredictor has the network of c and the weights of a checkpoint.
func restoredPredictor(prefix string, c graph.Config) (*graph.Predictor, error) {
	p, err := newPredictor(c)
	if err != nil {
		return nil, err
	}
	err = tflib.Quietly(func() error { return p.Restore(prefix) })
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}
