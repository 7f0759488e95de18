package main

import (
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/answer"
	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// eventFlags are the flags of what finds events in answers: predict and evaluate.
type eventFlags struct {
	off       float64
	mergeGap  string
	minLength string

	changed func(flag string) bool
}

func (o *eventFlags) addFlags(f *pflag.FlagSet) {
	addFlag(f, "threshold-off", &o.off, "an event begins at the threshold and lasts while the positive class has at least this\n`probability` (default the threshold)")
	addFlag(f, "merge-gap", &o.mergeGap, "join events of one class that are at most this `time` apart, a duration\nsuch as 5m for timestamps, else a number; without times a number of rows")
	addFlag(f, "min-length", &o.minLength, "then leave out events shorter than this `time` from first to last row; without times\na number of rows")
}

// given is the first of the flags that is set, "" if none is.
func (o *eventFlags) given() string {
	for _, flag := range []string{"threshold-off", "merge-gap", "min-length"} {
		if o.changed(flag) {
			return flag
		}
	}
	return ""
}

// rules are those for a model.
func (o *eventFlags) rules(classes []string, threshold float64) (r answer.EventRules, err error) {
	r.Rules = events.Rules{Classes: classes, Threshold: threshold, Off: threshold}
	if o.changed("threshold-off") {
		switch r.Off = o.off; {
		case len(classes) > 2:
			return r, usagef("threshold-off", "cannot be used with this model: it predicts the most probable of its %d classes", len(classes))
		case !(o.off >= 0 && o.off <= threshold):
			return r, usagef("threshold-off", "must be between 0 and the threshold %v, not %v", threshold, o.off)
		}
	}
	if r.MergeGap, err = series.ParseLength("--merge-gap", o.mergeGap); err == nil {
		r.MinLength, err = series.ParseLength("--min-length", o.minLength)
	}
	if err != nil {
		return r, usageError{err}
	}
	return r, nil
}
