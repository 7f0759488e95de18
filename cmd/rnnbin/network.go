package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

// fieldFlags are the flags that set the fields of a fit.Spec, of its recipes and networks.
var fieldFlags = map[string]string{
	"Lookahead":      "lookahead",
	"Horizon":        "horizon",
	"Scale":          "scale",
	"SeriesScale":    "series-scale",
	"ClassWeight":    "class-weight",
	"Folds":          "folds",
	"Split":          "split",
	"TestFraction":   "test-fraction",
	"Threshold":      "threshold",
	"EarlyStopping":  "early-stopping",
	"Network":        "network",
	"Members":        "members",
	"Window":         "steps",
	"Layers":         "layers",
	"Cell":           "cell",
	"Units":          "units",
	"Activation":     "activation",
	"Bidirectional":  "bidirectional",
	"Lags":           "lags",
	"Dropout":        "dropout",
	"InputNoise":     "input-noise",
	"Loss":           "loss",
	"FocalGamma":     "focal-gamma",
	"Stride":         "stride",
	"BatchSize":      "batch-size",
	"Epochs":         "epochs",
	"Optimizer":      "optimizer",
	"LearningRate":   "learning-rate",
	"WeightDecay":    "weight-decay",
	"Schedule":       "schedule",
	"Warmup":         "warmup",
	"DecayEvery":     "decay-every",
	"Decay":          "decay",
	"ClipNorm":       "clip-norm",
	"Seed":           "seed",
	"Threads":        "threads",
	"Form":           "form",
	"InstructionSet": "instruction-set",
}

// asUsage makes an impossible setting a wrong flag.
func asUsage(err error) error {
	if named := withFlag(err); named != err {
		return usageError{named}
	}
	return err
}

// withFlag names the flag of an impossible setting.
func withFlag(err error) error {
	var spec *fit.SpecError
	var network *graph.ConfigError
	switch {
	case errors.As(err, &spec):
		return fieldError(spec, spec.Field, spec.Reason)
	case errors.As(err, &network):
		return fieldError(network, network.Field, network.Reason)
	}
	return err
}

func fieldError(err error, field, reason string) error {
	if flag, ok := fieldFlags[field]; ok {
		return flagf(flag, "%s", reason)
	}
	return fmt.Errorf("%w", err)
}

// Help of the flags that choose between the ways to compute a network.
const formUsage = "`form` of the network: fused (operations of our own for what TensorFlow is slow at),\nportable (TensorFlow's operations only, several times slower) or auto, which is fused.\nResults agree to rounding"

var instructionSetUsage = "instruction `set` that the fused form uses: auto, which is the best, or one of those\nthat this processor has: " + strings.Join(graph.InstructionSets(), ", ")

// addFormFlags adds these flags.
func addFormFlags(f *pflag.FlagSet, c *graph.Machine) {
	c.Form, c.InstructionSet = graph.FormAuto, graph.InstructionSetAuto
	f.StringVar((*string)(&c.Form), "form", string(c.Form), formUsage)
	f.StringVar(&c.InstructionSet, "instruction-set", c.InstructionSet, instructionSetUsage)
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
	return s, withFlag(err)
}

// sessionOf has a network that a run has trained.
func sessionOf(t *fit.Trained) (*graph.Session, error) {
	s, err := newSession(t.Config)
	if err != nil {
		return nil, err
	}
	if err := tflib.Quietly(func() error { return s.SetVariables(t.State) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
