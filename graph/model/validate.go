package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/graph"
)

const (
	// MaxHorizon is the furthest that a horizon or a lookahead may reach: a typing error
	// or a damaged file is not to ask for more memory than there is.
	MaxHorizon = 1 << 24
	// MaxMembers is how many members a model may have, of all kinds.
	MaxMembers = 100
)

// validate finds what cannot be, or does not fit together.
func (m *Model) validate() error {
	for _, part := range []struct {
		name  string
		check func() error
	}{
		{"networks", m.checkKinds},
		{"columns", m.Columns.validate},
		{"classes", m.checkClasses},
		{"profile", func() error { return m.Profile.validate(m.Columns.Features) }},
		{"rival", m.checkRival},
		{"lookahead", m.checkLookahead},
	} {
		if err := part.check(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	switch {
	case !(m.Threshold >= 0 && m.Threshold <= 1):
		return fmt.Errorf("threshold %v is not between 0 and 1", m.Threshold)
	case m.History != "" && !historyPattern.MatchString(m.History): // a file that is not in the folder must not be read
		return fmt.Errorf("history: %q is not the name of a history", m.History)
	case m.Judged != "" && !judgedPattern.MatchString(m.Judged):
		return fmt.Errorf("judged: %q is not the name of such a file", m.Judged)
	}
	return nil
}

// checkKinds checks the kinds and how many members they have.
func (m *Model) checkKinds() error {
	members := 0
	for i := range m.Kinds {
		k := &m.Kinds[i]
		if err := m.checkKind(k); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		if len(k.Weights) == 0 {
			return fmt.Errorf("%d: weights: there is no member", i)
		}
		members += len(k.Weights)
	}
	if members < 1 || members > MaxMembers {
		return fmt.Errorf("%d members: there must be 1 to %d", members, MaxMembers)
	}
	return nil
}

// checkKind checks networks that work on the columns and answer the classes.
func (m *Model) checkKind(k *Kind) error {
	features := len(m.Columns.Features)
	for _, part := range []struct {
		name string
		err  error
	}{
		{"network", k.Network.Validate()},
		{"training", graph.Config{Network: k.Network, Training: k.Training}.Validate()},
		{"inputs", k.Inputs.Validate(features)},
	} {
		if part.err != nil {
			return fmt.Errorf("%s: %w", part.name, part.err)
		}
	}
	c := k.Network
	switch n := k.Inputs.Columns(features); {
	case c.Features != n:
		return fmt.Errorf("network: %d features, not the %d that its inputs make of %d columns", c.Features, n, features)
	case c.Classes != len(m.Classes):
		return fmt.Errorf("network: %d classes, but %d have names", c.Classes, len(m.Classes))
	case k.Horizon < -MaxHorizon || k.Horizon > MaxHorizon:
		return fmt.Errorf("horizon %d is not between -%d and %d", k.Horizon, MaxHorizon, MaxHorizon)
	}
	for _, w := range k.Weights {
		if err := w.validate(); err != nil {
			return fmt.Errorf("weights: %w", err)
		}
	}
	return nil
}

// validate checks that no column has two roles.
func (c Columns) validate() error {
	if len(c.Features) == 0 {
		return errors.New("there is no feature")
	}
	if n := len(c.Shift); c.Shift != nil && n != len(c.Features) {
		return fmt.Errorf("shift: %d values for %d features", n, len(c.Features))
	}
	for _, v := range c.Shift {
		if v-v != 0 {
			return fmt.Errorf("shift: %v is not a finite number", v)
		}
	}
	if kind := c.Times.TimeKind; !slices.Contains([]string{"", "numbers", "timestamps"}, kind) {
		return fmt.Errorf("times: kind %q is neither numbers nor timestamps", kind)
	}
	seen := map[string]bool{}
	for i, name := range slices.Concat([]string{c.Label, c.Series, c.Time}, c.Features) {
		switch role := i < 3; {
		case role && name == "":
		case name == "":
			return errors.New("a feature has no name")
		case seen[name]:
			return fmt.Errorf("%q has two roles", name)
		}
		seen[name] = true
	}
	return nil
}

// checkClasses checks the names. That there are as many as the networks answer is known.
func (m *Model) checkClasses() error {
	seen := map[string]bool{}
	for _, name := range m.Classes {
		switch {
		case name == "":
			return errors.New("one has no name")
		case seen[name]:
			return fmt.Errorf("two are called %q", name)
		}
		seen[name] = true
	}
	return nil
}

// validate finds what would make an index panic or give no numbers.
func (p Profile) validate(features []string) error {
	known := p.Low != nil || p.High != nil
	for _, values := range []struct {
		name   string
		of     []float32
		needed bool
	}{{"mean", p.Mean, true}, {"low", p.Low, known}, {"high", p.High, known}} {
		if n := len(values.of); values.needed && n != len(features) {
			return fmt.Errorf("%s: %d values for %d features", values.name, n, len(features))
		}
		for _, v := range values.of {
			if v-v != 0 {
				return fmt.Errorf("%s: %v is not a finite number", values.name, v)
			}
		}
	}
	for k := range p.Low {
		if p.Low[k] > p.High[k] {
			return fmt.Errorf("low %v of %q is above high %v", p.Low[k], features[k], p.High[k])
		}
	}
	return nil
}

// validate checks the names: a file that is not in the folder must not be read.
func (w Weights) validate() error {
	if !prefixPattern.MatchString(w.Prefix) {
		return fmt.Errorf("%q is not the name of a checkpoint", w.Prefix)
	}
	if !strings.HasPrefix("weights-"+w.SHA256, w.Prefix) {
		return fmt.Errorf("the digest of %s is %q", w.Prefix, w.SHA256)
	}
	return nil
}

func (m *Model) checkRival() error {
	if m.Rival == nil {
		return nil
	}
	layers, members, at := len(m.Rival.Network.Layers), len(m.Rival.Weights), m.Rival.Threshold
	switch {
	case layers > 0:
		return fmt.Errorf("logistic regression has no layers, not %d", layers)
	case members != 1:
		return fmt.Errorf("%d members: there must be 1", members)
	case !(at >= 0 && at <= 1):
		return fmt.Errorf("threshold %v is not between 0 and 1", at)
	}
	return m.checkKind(&m.Rival.Kind)
}

// checkLookahead checks that no answer rests on more rows than it was allowed to.
func (m *Model) checkLookahead() error {
	if m.Lookahead == All {
		return nil
	}
	n, err := strconv.Atoi(m.Lookahead)
	if err != nil || n < 0 || n > MaxHorizon {
		return fmt.Errorf("%q is neither %s nor a number of rows up to %d", m.Lookahead, All, MaxHorizon)
	}
	if rows, finite := m.Wait(); !finite || rows > n {
		return fmt.Errorf("the networks look further than %d rows ahead", n)
	}
	return nil
}
