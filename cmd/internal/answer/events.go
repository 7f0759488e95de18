package answer

import (
	"cmp"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/label"
)

// EventRules are rules whose lengths are still to be compared with times.
type EventRules struct {
	events.Rules
	MergeGap, MinLength series.Length
}

// Of are the rules for rows that have times or not, which are timestamps, numbers of seconds or others.
func (r EventRules) Of(timed, stamps, seconds bool) (events.Rules, error) {
	rules := r.Rules
	rules.Timed, rules.MergeGap, rules.MinLength = timed, r.MergeGap.Value, r.MinLength.Value
	for _, length := range []series.Length{r.MergeGap, r.MinLength} {
		if err := length.Check(stamps, seconds); err != nil {
			return rules, err
		}
	}
	return rules, nil
}

// Events finds the events in the answers to the rows of readers, one after the other.
type Events struct {
	Rules EventRules
	Found func(events.Found) error // is called for each event as soon as it is certain

	reader *series.Reader // the current one
	name   string         // of its series, if no column names them
	finder *events.Finder // of its first chunk on, which tells what times are
}

// Begin ends all series, and goes on with the rows of a reader. Where no column names the series,
// events have the given name.
func (e *Events) Begin(r *series.Reader, name string) error {
	err := e.End()
	e.reader, e.name = r, name
	return err
}

// Add goes on with the rows of a chunk. It is a wrong rule that its error is about, if it is not
// that of Found.
func (e *Events) Add(c *series.Chunk, a label.Answers) error {
	if e.finder == nil {
		rules, err := e.Rules.Of(e.reader.HasTime(), c.Stamps, c.Seconds)
		if err != nil {
			return &RuleError{err}
		}
		e.finder = events.NewFinder(rules, e.Found)
	}
	for _, b := range c.Begun {
		e.finder.Begin(b.Series, cmp.Or(b.Key, e.name))
	}
	rows := events.Rows{Series: c.Series, Time: c.Time, Probability: a.Probability, Label: a.Class}
	if c.Stamps {
		rows.TimeText = func(i int) string { return e.reader.Timestamp(c, i) }
	}
	if err := e.finder.Add(rows); err != nil {
		return err
	}
	for _, series := range c.Ended {
		if err := e.finder.End(series); err != nil {
			return err
		}
	}
	return nil
}

// End ends all series.
func (e *Events) End() error {
	f := e.finder
	if e.finder = nil; f == nil {
		return nil
	}
	return f.Flush()
}

// RuleError is returned for a rule that cannot be used with the rows' times.
type RuleError struct{ Err error }

func (e *RuleError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RuleError) Unwrap() error { return e.Err }
