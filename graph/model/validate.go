package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

const (
	// MaxHorizon is the furthest that a horizon or a lookahead may reach: a typing error
	// or a damaged file is not to ask for more memory than there is.
	MaxHorizon = 1 << 24
	// MaxMembers is how many members a model may have.
	MaxMembers = 100
)

// validate finds what cannot be, or does not fit together.
func (m *Model) validate() error {
	for _, part := range []struct {
		name  string
		check func() error
	}{
		{"network", func() error { return m.checkNetwork(m.Network) }},
		{"training", func() error { return graph.Config{Network: m.Network, Training: m.Training}.Validate() }},
		{"columns", m.Columns.validate},
		{"classes", m.checkClasses},
		{"profile", func() error { return m.Profile.validate(m.Columns.Features) }},
		{"weights", m.checkWeights},
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
	}
	return nil
}

// checkNetwork checks a network that works on the columns and answers the classes.
func (m *Model) checkNetwork(c graph.Network) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if !slices.Contains(inputs.Kinds, m.SeriesScale) {
		return fmt.Errorf("series_scale %q is none of %q", m.SeriesScale, inputs.Kinds)
	}
	if n, columns := m.SeriesScale.Columns(len(m.Columns.Features)), len(m.Columns.Features); c.Features != n {
		return fmt.Errorf("%d features, not %d, for %d columns and series_scale %s", c.Features, n, columns, m.SeriesScale)
	}
	if n := len(m.Classes); c.Classes != n {
		return fmt.Errorf("%d classes, but %d have names", c.Classes, n)
	}
	return nil
}

// validate checks that no column has two roles.
func (c Columns) validate() error {
	if len(c.Features) == 0 {
		return errors.New("there is no feature")
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

// checkClasses checks the names. That there are as many as the network answers is known.
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

func (m *Model) checkWeights() error {
	if n := len(m.Weights); n < 1 || n > MaxMembers {
		return fmt.Errorf("%d members: there must be 1 to %d", n, MaxMembers)
	}
	for _, w := range m.Weights {
		if err := w.validate(); err != nil {
			return err
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
	n, at := len(m.Rival.Network.Layers), m.Rival.Threshold
	switch {
	case n > 0:
		return fmt.Errorf("logistic regression has no layers, not %d", n)
	case !(at >= 0 && at <= 1):
		return fmt.Errorf("threshold %v is not between 0 and 1", at)
	}
	if err := m.checkNetwork(m.Rival.Network); err != nil {
		return err
	}
	return m.Rival.Weights.validate()
}

// checkLookahead checks that no answer rests on more rows than it was allowed to.
func (m *Model) checkLookahead() error {
	if m.Horizon < -MaxHorizon || m.Horizon > MaxHorizon {
		return fmt.Errorf("horizon %d is not between -%d and %d", m.Horizon, MaxHorizon, MaxHorizon)
	}
	if m.Lookahead == All {
		return nil
	}
	n, err := strconv.Atoi(m.Lookahead)
	if err != nil || n < 0 || n > MaxHorizon {
		return fmt.Errorf("%q is neither %s nor a number of rows up to %d", m.Lookahead, All, MaxHorizon)
	}
	if rows, finite := m.Wait(); !finite || rows > n {
		return fmt.Errorf("the network looks further than %d rows ahead", n)
	}
	return nil
}
