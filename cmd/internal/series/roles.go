package series

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// roles says where the columns that play a role stand in a file; -1 is nowhere.
type roles struct {
	features                   []int
	label, series, group, time int
	order                      dateOrder // of the time
}

// has reports whether column i is the label, the series, its group or the time.
func (r *roles) has(i int) bool { return i == r.label || i == r.series || i == r.group || i == r.time }

// findRoles looks the options' columns up among a file's.
func findRoles(in *input, o Options) (roles, []table.Warning, error) {
	file, names := in.Name(), in.Columns()
	var err error
	find := func(name, flag string, optional bool) int {
		i := slices.Index(names, name)
		if name == "" {
			return -1
		}
		if i < 0 && !optional && err == nil {
			err = noColumn(in, name, flag)
		}
		return i
	}
	r := roles{label: find(o.Label, "--label", o.LabelOptional), series: find(o.Series, "--series", false), group: find(o.Group, "--group", false), time: find(o.Time, "--time", false)}
	for _, name := range o.Features {
		r.features = append(r.features, find(name, "--features", false))
	}
	var excluded []int
	for _, name := range o.Exclude {
		excluded = append(excluded, find(name, "--exclude", false))
	}
	if err != nil {
		return r, nil, err
	}
	for _, i := range r.features {
		if t := in.Types()[i]; t == table.Time || t == table.Date {
			return r, nil, &table.Error{File: file, Column: names[i], Err: errors.New("it holds times, which are no feature (--features)")}
		}
	}
	if len(o.Features) > 0 && (r.time < 0 && !o.Events || r.time >= 0 && o.Follow) {
		return r, nil, nil
	}
	profiles, err := in.profiles(o)
	if err != nil && len(o.Features) > 0 && r.time >= 0 { // which reading will come to
		return r, nil, nil
	}
	if err != nil {
		return r, nil, err
	}
	var warnings []table.Warning
	if len(o.Features) > 0 {
		warnings = r.takeTime(file, names, profiles)
	} else {
		if i := slices.Index(names, DefaultOptions().Label); o.Events && i >= 0 && !slices.Contains(excluded, i) {
			excluded = append(excluded, i)
			warnings = append(warnings, table.Warning{File: file, Column: names[i], Text: "not a feature by its name, nor the labels, which are events (--features says otherwise)"})
		}
		more, fault := r.takeNumbers(in, profiles, excluded)
		warnings, err = append(warnings, more...), fault
	}
	if r.time >= 0 {
		r.order = profiles[r.time].clock.order
	}
	for _, i := range r.features {
		if p := profiles[i]; 10*p.lost > p.rises+p.falls {
			warnings = append(warnings, table.Warning{File: file, Column: names[i],
				Text: fmt.Sprintf("from %.17g to %.17g, where 32-bit floats do not tell values apart that follow each other: take a constant off before", p.low, p.high)})
		}
	}
	return r, append(warnings, r.warnOfSeries(file, names, profiles)...), err
}

// takeTime takes a time beside features that are given.
func (r *roles) takeTime(file string, names []string, profiles []profile) []table.Warning {
	if r.time >= 0 {
		return nil
	}
	r.time = findTime(names, profiles, func(i int) bool { return r.has(i) || slices.Contains(r.features, i) })
	if r.time < 0 {
		return nil
	}
	return []table.Warning{{File: file, Text: fmt.Sprintf("using %q as the time column of events (--time names another)", names[r.time])}}
}

// findTime returns the first column that can be the time, but for some: one that is called so, or else any. It is -1 if
// none can.
func findTime(names []string, profiles []profile, but func(i int) bool) int {
	for _, named := range []bool{true, false} {
		for i, name := range names {
			if name != "" && !but(i) && (namedTime(name) || !named) && isTime(name, profiles[i]) {
				return i
			}
		}
	}
	return -1
}

// takeNumbers makes every number column without a role a feature, but for those
// excluded, those that predict wrote and times. The first column that can be the time becomes that. What
// only counts is a feature where there is no other.
func (r *roles) takeNumbers(in *input, profiles []profile, excluded []int) ([]table.Warning, error) {
	var warnings []table.Warning
	warn := func(column, text string) {
		warnings = append(warnings, table.Warning{File: in.Name(), Column: column, Text: text})
	}
	file, names := in.Name(), in.Columns()
	written := areAnswers(names)
	but := func(i int) bool {
		return r.has(i) || slices.Contains(excluded, i) || written[i] || i == 0 && in.RowNames()
	}
	features := surely(names, profiles, but)
	if r.time < 0 {
		r.time = findTime(names, profiles, func(i int) bool { return but(i) || !features && onlyCounts(names[i], profiles[i]) })
		if r.time >= 0 {
			warn("", fmt.Sprintf("using %q as the time column, not as a feature (--exclude or --features leaves it out)", names[r.time]))
		}
	}
	for i, name := range names {
		p := profiles[i]
		switch {
		case r.has(i) || slices.Contains(excluded, i):
		case i == 0 && in.RowNames(): // which the decoder notes
		case name == "":
			warn("", fmt.Sprintf("column %d has no name and is not used", i+1))
		case written[i]:
			warn(name, "looks like an answer of predict, so not a feature (--features says otherwise)")
		case p.known == 0:
			warn(name, fmt.Sprintf("empty in the first %d rows, so not a feature (--features says otherwise)", p.seen))
		case noFeature(name, p) != "" && (features || !p.number()):
			warn(name, noFeature(name, p))
		case !p.number():
			warn(name, "not numbers, so not a feature")
		default:
			if namedTime(name) && p.rises > 0 && p.falls > 0 {
				warn(name, fmt.Sprintf("is called like a time, but goes up and down, so it is a feature (--exclude %s leaves it out)", table.ShellWord(name)))
			}
			r.features = append(r.features, i)
		}
	}
	if len(r.features) == 0 {
		return nil, &table.Error{File: file, Err: fmt.Errorf("no column of numbers is left to be a feature; columns: %s", table.List(names))}
	}
	return warnings, nil
}

// surely reports whether a column, but for some, is surely a feature.
func surely(names []string, profiles []profile, but func(i int) bool) bool {
	for i, name := range names {
		if !but(i) && name != "" && profiles[i].number() && !likeTime(name, profiles[i]) {
			return true
		}
	}
	return false
}

// onlyCounts reports whether a column is a time for no other reason than that it counts.
func onlyCounts(name string, p profile) bool { return p.counts() && !namedTime(name) && !p.isEpoch() }

// warnOfSeries warns of a column that seems to name several series, which are taken for one.
func (r *roles) warnOfSeries(file string, names []string, profiles []profile) []table.Warning {
	if r.series >= 0 {
		return nil
	}
	for i, name := range names {
		if name != "" && !r.has(i) && profiles[i].namesSeries(name) {
			return []table.Warning{{File: file, Column: name,
				Text: fmt.Sprintf("looks like the names of %d series, whose rows are taken as those of one (--series %s keeps them apart)", len(profiles[i].values), table.ShellWord(name))}}
		}
	}
	return nil
}

// areAnswers tells which columns predict wrote: predicted_label and the like, and
// probabilities beside them.
func areAnswers(names []string) []bool {
	answers := make([]bool, len(names))
	for i, name := range names {
		answers[i] = predictedName.MatchString(name)
	}
	if slices.Contains(answers, true) {
		for i, name := range names {
			answers[i] = answers[i] || name == "probability" || strings.HasPrefix(name, "probability_")
		}
	}
	return answers
}

var predictedName = regexp.MustCompile("^(predicted_)+(label|probability)$")

// noColumn is the error for a file that lacks a column; it lists those there are, unless the
// decoder left that one out.
func noColumn(in *input, name, flag string) error {
	for _, w := range in.Warnings() {
		if w.Column == name {
			return &table.Error{File: in.Name(), Column: name, Err: errors.New(w.Text)}
		}
	}
	names := in.Columns()
	text := fmt.Sprintf("there is no column %q (%s); columns: %s", name, flag, table.List(names))
	if similar := table.Closest(names, name); similar != "" {
		text += fmt.Sprintf("; did you mean %q?", similar)
	}
	return &table.Error{File: in.Name(), Err: errors.New(text)}
}
