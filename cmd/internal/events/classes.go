package events

import (
	"errors"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// mostClasses is how many classes are found out: with more, labels look like something else.
const mostClasses = 100

// classifier gives events the numbers of their classes.
type classifier struct {
	classes  []string // [C] names, the first being that of rows outside
	positive string   // the label that is class 1, others being of no interest; "": classes
}

// newClassifier takes the classes from the options or, without any, from the events.
func (l *List) newClassifier(of []listed, o Options) (*classifier, error) {
	c := &classifier{classes: o.Classes, positive: o.Positive}
	if o.Positive != "" {
		c.classes = []string{"0", "1"}
	}
	if len(c.classes) > 0 {
		return c, nil
	}
	var labels []string
	known, nameless := map[string]bool{}, -1
	for i, e := range of {
		if e.Label == "" {
			nameless = i
		} else if !known[e.Label] {
			known[e.Label] = true
			labels = append(labels, e.Label)
		}
	}
	if nameless >= 0 && len(labels) > 0 {
		return nil, l.at(of[nameless].line, l.labelColumn, "the event has no label, and others have one, such as %q", labels[0])
	}
	if len(labels) > mostClasses {
		return nil, l.at(0, l.labelColumn, "there are %d labels, which looks like something else (Options.Classes lists classes of any number)", len(labels))
	}
	if l.whole {
		return c, l.wholeClasses(c, of)
	}
	c.classes = classNames(series.SortLabels(labels))
	if len(c.classes) < 2 {
		return nil, l.at(0, l.labelColumn, "all events are %q, the background class; list the background first in Options.Classes", c.classes[0])
	}
	return c, nil
}

// wholeClasses are the labels of whole series, which leave nothing to other classes.
func (l *List) wholeClasses(c *classifier, of []listed) error {
	var labels []string
	var count []int
	for _, e := range of {
		i := slices.Index(labels, e.Label)
		if i < 0 {
			i, labels, count = len(labels), append(labels, e.Label), append(count, 0)
		}
		count[i]++
	}
	names, note, err := series.ClassesOf(labels, count)
	if err != nil {
		return l.at(0, l.labelColumn, "%w", err)
	}
	if c.classes = names; note != "" {
		l.Warnings = append(l.Warnings, table.Warning{File: l.File, Column: l.labelColumn, Text: note})
	}
	return nil
}

// classNames puts the class of rows outside before the labels: 0 beside numbers, else that which is called as
// uneventful rows are, or none. Who is running does so in an event.
func classNames(labels []string) []string {
	outside := "none"
	switch {
	case len(labels) == 0:
		return []string{"0", "1"}
	case series.AreNumbers(labels):
		outside = "0"
	default:
		for _, name := range labels {
			if series.IsBackground(name) && !strings.EqualFold(name, "running") && outside == "none" {
				outside = name
			}
		}
	}
	labels = slices.DeleteFunc(labels, func(name string) bool { return name == outside })
	return slices.Insert(labels, 0, outside)
}

// class is the number of an event's class.
func (c *classifier) class(label string) (int16, error) {
	switch {
	case label != "":
	case c.positive != "":
		return 0, errors.New("the event has no label, so none that Options.Positive means")
	case len(c.classes) == 2:
		return 1, nil
	default:
		return 0, errors.New("the event has no label, and there are several classes: " + table.List(c.classes))
	}
	names := c.classes
	if c.positive != "" {
		names = series.PositiveLabels(c.positive)
	}
	class, err := series.ClassOf(names, label)
	switch {
	case c.positive != "" && err == nil && class != series.Unlabelled:
		return 1, nil
	case c.positive != "":
		return 0, nil
	case err == nil && class == series.Unlabelled:
		err = errors.New("the label is missing")
	}
	return class, err
}
