package main

import (
	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/model"
)

// comparedEvents says how evaluate finds and compares events.
type comparedEvents struct {
	rules     answer.EventRules
	tolerance series.Length
	onset     bool
}

// comparedEvents reads the flags.
func (o *evaluateOptions) comparedEvents(m *model.Model) (c comparedEvents, err error) {
	if c.rules, err = o.events.rules(m.Classes, m.Threshold); err != nil {
		return c, err
	}
	c.onset = o.tolerance != ""
	if c.tolerance, err = series.ParseLength("--event-tolerance", o.tolerance); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// of is the same for the times of the data.
func (c *comparedEvents) of(d *series.Data) (by metrics.EventInput, err error) {
	by = metrics.EventInput{Time: d.Time, Stamps: d.Stamps, Tolerance: c.tolerance.Value, Onset: c.onset}
	if by.Rules, err = c.rules.Of(d.Time != nil, d.Stamps, d.Seconds); err != nil {
		return by, usageError{err}
	}
	if err := c.tolerance.Check(d.Stamps, d.Seconds); err != nil {
		return by, usageError{err}
	}
	return by, nil
}
