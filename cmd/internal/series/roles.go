package series

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// roles says where the columns that play a role stand in a file; -1 is nowhere.
type roles struct {
	features                   []int
	label, series, group, time int
	parts                      []int // what follows the time to make it one, such as times of the day behind dates
}

// has reports whether column i is the label, the series, its group or the time.
func (r *roles) has(i int) bool {
	return i == r.label || i == r.series || i == r.group || i == r.time || slices.Contains(r.parts, i)
}

// finder finds roles, for those who read a file and for Look alike.
type finder struct {
	roles
	*input
	profiles []*profile // nil if nobody needs them
	excluded []int
	answers  []bool // columns that predict wrote
	format   string // of times, as strftime has it, that was found out; "": none
	warned   []table.Warning
}

func newFinder(in *input) *finder {
	return &finder{input: in, answers: areAnswers(in.Columns()), roles: roles{label: -1, series: -1, group: -1, time: -1}}
}

func (f *finder) warn(column, format string, args ...any) {
	f.warned = append(f.warned, table.Warning{File: f.Name(), Column: column, Text: fmt.Sprintf(format, args...)})
}

// open reports whether column i has a name and no role, and may get one.
func (f *finder) open(i int) bool {
	return f.Columns()[i] != "" && !f.has(i) && !slices.Contains(f.features, i) && !slices.Contains(f.excluded, i) && !f.answers[i]
}

// named sets the roles that the options name.
func (f *finder) named(o Options) (err error) {
	find := func(name, field string, optional bool) int {
		i := slices.Index(f.Columns(), name)
		if name == "" {
			return -1
		}
		if i < 0 && !optional && err == nil {
			err = f.noColumn(name, field)
		}
		return i
	}
	f.label, f.series = find(o.Label, "Options.Label", o.LabelOptional), find(o.Series, "Options.Series", false)
	f.group = find(o.Group, "Options.Group", false)
	if parts := columnsOf(f.Columns(), o.Time); len(parts) > 1 {
		f.time, f.parts = parts[0], parts[1:]
	} else {
		f.time = find(o.Time, "Options.Time", o.TimeOptional && o.MaxGap == "")
	}
	for _, name := range o.Features {
		i := find(name, "Options.Features", false)
		if f.features = append(f.features, i); i >= 0 && err == nil && isTimeType(f.Types()[i]) {
			err = &table.Error{File: f.Name(), Column: name, Err: errors.New("it holds times, which are no feature (Options.Features)")}
		}
	}
	for _, name := range o.Exclude {
		f.excluded = append(f.excluded, find(name, "Options.Exclude", false))
	}
	return err
}

// find finds all roles.
func (f *finder) find(o Options) error {
	if err := f.named(o); err != nil {
		return err
	}
	if o.Layout == "" && table.LooksWide(f.Reader.Columns()) {
		f.warn("", "each row seems to be a series, in columns such as %s, and is taken for a step of one (Options.Layout wide makes rows of its steps)", table.List(f.Reader.Columns()[max(0, len(f.Reader.Columns())-3):]))
	}
	given := len(o.Features) > 0
	if given && (f.time < 0 && !o.Events || f.time >= 0 && o.Follow) {
		return nil
	}
	var err error
	if f.profiles, err = f.input.profiles(o); err != nil {
		if given && f.time >= 0 { // which reading will come to
			return nil
		}
		return err
	}
	if !given {
		if i := slices.Index(f.Columns(), DefaultOptions().Label); o.Events && i >= 0 && !slices.Contains(f.excluded, i) {
			f.excluded = append(f.excluded, i)
			f.warn(DefaultOptions().Label, "not a feature by its name, nor the labels, which are events (Options.Features says otherwise)")
		}
		err = f.takeNumbers()
	} else if f.time < 0 && f.takeTime(true) {
		f.warn("", "using %q as the time column of events (Options.Time names another)", f.timeName())
	}
	f.warnOfSeries()
	f.findFormat(o)
	return err
}

const serialNote = "looks like days as spreadsheets count them, so lengths of time are in days"

// findFormat finds how times are written as whole numbers.
func (f *finder) findFormat(o Options) {
	if f.time >= 0 && o.TimeFormat == "" {
		f.format = f.partsFormat(append([]int{f.time}, f.parts...))
	}
	if f.time < 0 || len(f.parts) > 0 || o.TimeKind == NumberTimes || f.profiles[f.time].time {
		return
	}
	switch p := f.profiles[f.time]; {
	case p.coarse != "":
		f.warn(p.name, "%s", p.coarseNote())
	case o.TimeFormat == "" && p.isWholeTimes():
		f.format = p.whole
	case p.isSerial() && o.TimeKind == "":
		f.warn(p.name, serialNote)
	}
}

// timeName is the name of the time column, or those of several.
func (f *finder) timeName() string {
	name := f.Columns()[f.time]
	for _, i := range f.parts {
		name += "," + f.Columns()[i]
	}
	return name
}

// columnsOf are the columns that a list of names stands for, with commas between; nil if it stands for none. A name
// may have commas.
func columnsOf(names []string, list string) []int {
	if i := slices.Index(names, list); i >= 0 && list != "" {
		return []int{i}
	}
	for at := range list {
		if i := slices.Index(names, list[:at]); list[at] == ',' && at > 0 && i >= 0 {
			if rest := columnsOf(names, list[at+1:]); rest != nil {
				return append([]int{i}, rest...)
			}
		}
	}
	return nil
}

// partsOfTime are plain names of columns that together are a time.
var partsOfTime = [][]string{{"year", "yr", "yyyy", "yy"}, {"month", "mon", "mo", "mm"}, {"day", "dd", "dy", "day_of_month"}, {"hour", "hr", "hh", "hours", "he", "hour_ending", "hourending"}, {"minute", "min", "minutes", "mm", "mn"}, {"second", "sec", "seconds", "ss"}}

// Likewise, days of the year, which stand for months and days, and what is no part that is needed.
var (
	daysOfYear = []string{"doy", "day_of_year", "dayofyear", "yday", "jday", "julian_day"}
	daysOfWeek = []string{"dow", "day_of_week", "dayofweek", "weekday", "week", "week_of_year", "weekofyear"}
)

// isPartOfTime reports whether the column is called as a part of a time.
func (p *profile) isPartOfTime() bool {
	return slices.ContainsFunc(append(partsOfTime, daysOfYear, daysOfWeek), p.called)
}

// partsFormat is how years with days of the year, or dates with hours and minutes as one number, are written side by side; "" if columns are neither.
func (f *finder) partsFormat(parts []int) string {
	last := len(parts) - 1
	if last < 1 {
		return ""
	}
	formats := []string{"%Y", "%m", "%d", "%H", "%M", "%S"}
	ofYear := f.profiles[parts[1]].called(daysOfYear)
	if ofYear {
		formats = []string{"%Y", "%j", "%H", "%M", "%S"}
	}
	date := strings.Join(formats[:min(last, len(formats))], " ")
	if last == 1 && !ofYear {
		date = f.profiles[parts[0]].dateFormat()
	}
	switch {
	case f.profiles[parts[last]].isClock() && date != "":
		return date + " %H:%M"
	case last == 1 && isUnsure(date):
		f.at(&f.head, 0)
		v := f.when(parts[0], parts[1:])
		return date + map[int]string{1: " %H:%M", 2: " %H:%M:%S"}[bytes.Count(v.text, []byte(":"))]
	case ofYear:
		return strings.Join(formats[:min(last+1, len(formats))], " ")
	}
	return ""
}

// minutes are the columns of minutes and seconds beside one of hours, as far as there are any.
func (f *finder) minutes(hours int) (columns []int) {
	if !f.profiles[hours].called(partsOfTime[3]) {
		return nil
	}
	for _, names := range partsOfTime[4:] {
		i := slices.IndexFunc(f.profiles, func(p *profile) bool { return p.called(names) })
		if i < 0 || !f.open(i) || !f.profiles[i].number() {
			break
		}
		columns = append(columns, i)
	}
	return columns
}

// findParts finds columns that together are times: dates and times of the day, or years, months, days and so on. They
// may go back or not.
func (f *finder) findParts(back bool) []int {
	if f.time >= 0 || f.head.Len() == 0 {
		return nil
	}
	var all [][]int
	f.at(&f.head, 0)
	for day, p := range f.profiles {
		text := f.value(day).appendText(nil)
		hours := p.called(partsOfTime[3]) && p.numbers > 0 || p.soundsLikeTime() && clockDigits.Match(text) || p.isClock()
		if f.open(day) && (hours || !p.number() && clockOfDay.Match(text)) {
			for date, p := range f.profiles {
				if date != day && f.open(date) && (p.isTimes() || p.whole != "" && p.interruptions == 0 && p.whole != clockForm) {
					all = append(all, append([]int{date, day}, f.minutes(day)...))
				}
			}
		}
	}
	for _, chain := range [][][]string{partsOfTime, slices.Concat(partsOfTime[:1], [][]string{daysOfYear}, partsOfTime[3:])} {
		var numbers []int
		for _, names := range chain {
			i := 0
			for i < len(f.profiles) && (slices.Contains(numbers, i) || !f.profiles[i].called(names) && !(names[0] == "hour" && f.profiles[i].isClock())) {
				i++
			}
			if i == len(f.profiles) || !f.open(i) {
				break
			}
			numbers = append(numbers, i)
		}
		if len(numbers) > 1 {
			all = append(all, numbers)
		}
	}
	for _, parts := range all {
		both := profile{rotating: true, clock: f.profiles[parts[0]].clock}
		both.clock.after = math.Inf(-1)
		format := f.partsFormat(parts)
		if both.clock.format, _ = parseTimeFormat(format); format == "" && f.profiles[parts[len(parts)-1]].isClock() && f.profiles[parts[len(parts)-1]].short {
			continue
		}
		for i := range f.head.Len() {
			f.at(&f.head, i)
			v := f.when(parts[0], parts[1:])
			both.add(&v)
		}
		if both.isTimes() && both.rises > 0 && (back || both.falls == 0) {
			return parts
		}
	}
	return nil
}

// takeTime takes the surest column that can be the time. What only counts it takes or not.
func (f *finder) takeTime(counts bool) bool {
	for rank := range timeRanks {
		if rank == partsRank {
			if parts := f.findParts(false); parts != nil {
				f.time, f.parts = parts[0], parts[1:]
				return true
			}
		}
		for i, p := range f.profiles {
			if f.open(i) && p.timeRank() == rank && p.isTime() && (counts || !p.onlyCounts()) {
				f.time = i
				return true
			}
		}
	}
	return false
}

// takeNumbers makes every number column without a role a feature, but for those
// excluded, those that predict wrote and times. The first column that can be the time becomes that. What
// only counts is a feature where there is no other.
func (f *finder) takeNumbers() error {
	sure := f.surely()
	if f.time < 0 && f.takeTime(sure) && !f.Format().Recording() {
		f.warn("", "using %q as the time column, not as a feature (Options.Exclude or Options.Features leaves it out)", f.timeName())
	}
	for i, p := range f.profiles {
		why := p.noFeature()
		switch {
		case f.has(i) || slices.Contains(f.excluded, i) || i == 0 && f.RowNames(): // which the decoder notes
		case p.name == "" && f.Reader.Columns()[i] != "": // which the reader warns of
		case p.name == "":
			f.warn("", "column %d has no name and is not used", i+1)
		case f.beside(i):
			f.warn(p.name, "not a step of a series, so not a feature (Options.Features says otherwise)")
		case f.answers[i]:
			f.warn(p.name, "looks like an answer of predict, so not a feature (Options.Features says otherwise)")
		case p.known == 0:
			f.warn(p.name, "empty in the first %d rows, so not a feature (Options.Features says otherwise)", p.seen)
		case why != "" && (sure || !p.number() || p.isTimes()):
			f.warn(p.name, "%s", why)
		case !p.number():
			f.warn(p.name, "%s", cmp.Or(p.nearlyNumbers(), "not numbers, so not a feature"))
		default:
			if p.namedTime() && p.rises > 0 && p.falls > 0 {
				f.warn(p.name, "is called like a time, but goes up and down, so it is a feature (Options.Exclude %s leaves it out)", table.ShellWord(p.name))
			}
			if likeLabel.MatchString(p.name) && len(p.values) <= fewValues && f.label >= 0 {
				f.warn(p.name, "looks like a second column of labels, but is a feature (Options.Exclude %s leaves it out)", table.ShellWord(p.name))
			}
			f.features = append(f.features, i)
		}
	}
	if len(f.features) == 0 {
		f.warned = nil
		text := "no column of numbers is left to be a feature; columns: " + table.List(f.Reader.Columns())
		for i, p := range f.profiles {
			if why := p.nearlyNumbers(); why != "" && p.name != "" && !f.has(i) {
				text += fmt.Sprintf("; column %q: %s", p.name, why)
				break
			}
		}
		return &table.Error{File: f.Name(), Err: errors.New(text)}
	}
	return nil
}

// surely reports whether a column is surely a feature, so that one that only counts need not be.
func (f *finder) surely() bool {
	for i, p := range f.profiles {
		if f.open(i) && p.number() && !p.likeTime() {
			return true
		}
	}
	return false
}

// warnOfSeries warns of a column that seems to name several series, which are taken for one.
func (f *finder) warnOfSeries() {
	for i, p := range f.profiles {
		if f.series < 0 && p.name != "" && !f.has(i) && p.namesSeries() && !p.isPartOfTime() {
			f.warn(p.name, "looks like the names of %d series, whose rows are taken as those of one (Options.Series %s keeps them apart; DuckDB's PIVOT makes columns of them, if they are what was measured at one time)", len(p.values), table.ShellWord(p.name))
			return
		}
	}
}

// noColumn is the error for a file that lacks a column; it lists those there are, unless the
// decoder left that one out.
func (f *finder) noColumn(name, field string) error {
	for _, w := range f.Warnings() {
		if w.Column == name {
			return &table.Error{File: f.Name(), Column: name, Err: errors.New(w.Text)}
		}
	}
	if line := f.Late(name); line > 0 {
		return &table.Error{File: f.Name(), Line: line, Column: name, Err: fmt.Errorf("the first object has no such key, so it is no column (%s; with null there, or another object in front, it is one)", field)}
	}
	names := f.Columns()
	text := fmt.Sprintf("there is no column %q (%s); columns: %s", name, field, table.List(names))
	if similar := table.Closest(names, name); similar != "" {
		text += fmt.Sprintf("; did you mean %q?", similar)
	}
	if isNumber := func(name string) bool { return table.IsNumber([]byte(name)) }; f.Dialect().Header && slices.ContainsFunc(names, isNumber) {
		text += "; the first line seems to be a row, so names may be missing (`tail -n +1 -f` begins with them; Options.NoHeader calls columns 1, 2 and so on)"
	}
	return &table.Error{File: f.Name(), Err: errors.New(text)}
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
