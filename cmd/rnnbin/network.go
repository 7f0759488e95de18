package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/tflib"
	"github.com/rnnbin/rnnbin/graph"
)

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

// element is what the path of a setting has for the place of a list's element.
var element = regexp.MustCompile(`\[\d+\]`)

// fieldError names the flag of a field, given by its path: "Layers[1].Units" is one of Units.
func fieldError(err error, field, reason string) error {
	name := strings.TrimPrefix(element.ReplaceAllString(field, ""), "Layers.")
	if flag := flagOf(name); flag != "" {
		return flagf(flag, "%s", reason)
	}
	return fmt.Errorf("%w", err)
}

// flagOf is the flag of train that sets a field, "" if none does.
func flagOf(field string) string {
	if field == "Window" {
		field = "Steps"
	}
	name := strings.ToLower(strings.TrimPrefix(capital.ReplaceAllString(field, "-$0"), "-"))
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(trainOptions).addFlags(flags)
	if flags.Lookup(name) == nil {
		return ""
	}
	return name
}

var capital = regexp.MustCompile(`[A-Z]`)

// Help of the flags that choose between the ways to compute a network.
const formUsage = "`form` of the network: fused (operations of our own for what TensorFlow is slow at),\nportable (TensorFlow's operations only, several times slower) or auto, which is fused.\nResults agree to rounding"

var instructionSetUsage = "instruction `set` that the fused form uses: auto, which is the best, or one of those\nthat this processor has: " + strings.Join(graph.InstructionSets(), ", ")

// addFormFlags adds these flags.
func addFormFlags(f *pflag.FlagSet, form *graph.Form, set *string) {
	addFlag(f, "form", form, formUsage, names(graph.Forms())...)
	addFlag(f, "instruction-set", set, instructionSetUsage, append([]string{graph.InstructionSetAuto}, graph.InstructionSets()...)...)
}

// extrasText describes what a network and its training have besides layers, "" for nothing.
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

// chosen is the form that m comes to on this machine, and its instruction set, ""
// for the portable form.
func chosen(m graph.Machine) (form graph.Form, set string) {
	switch {
	case m.Form == graph.FormPortable:
		return m.Form, ""
	case m.InstructionSet == graph.InstructionSetAuto:
		return graph.FormFused, graph.InstructionSets()[0]
	}
	return graph.FormFused, m.InstructionSet
}

// newSession is a session in this process, with an error that names the flag of a wrong setting.
func newSession(c graph.Config) (*graph.Session, error) {
	s, err := tflib.NewSession(nil, c)
	return s, withFlag(err)
}

// setState gives a session the state of a network that a run has trained.
func setState(s *graph.Session, t *fit.Trained) error {
	return errors.Join(s.SetVariables(t.State), s.SetStep(int64(t.Steps)))
}

// sessionOf has a network that a run has trained.
func sessionOf(t *fit.Trained) (*graph.Session, error) {
	s, err := newSession(t.Config)
	if err != nil {
		return nil, err
	}
	if err := tflib.Quietly(func() error { return setState(s, t) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
