package series

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Guess is what columns seem to be for: the options that a training on the files takes.
type Guess struct {
	Label    string   `json:"label,omitempty"`   // "" if no column looks like labels
	Classes  []string `json:"classes,omitempty"` // of labels that are words, the background first
	Series   string   `json:"series,omitempty"`
	Time     string   `json:"time,omitempty"`
	MaxGap   string   `json:"max_gap,omitempty"` // where Time goes back here and there
	Features []string `json:"features"`
	Exclude  []string `json:"exclude,omitempty"`
	NAValues []string `json:"na_values,omitempty"` // texts among numbers that may mean that values are missing
	Missing  Missing  `json:"missing,omitempty"`   // "" where no feature is missing
	Notes    []string `json:"notes,omitempty"`
}

// labelNames are names of label columns, the surest first.
var labelNames = []string{"label", "labels", "target", "class", "truth", "ground_truth", "is_anomaly", "anomaly", "outlier", "fault", "occupancy", "activity", "state", "event", "y"}

var (
	likeLabel  = regexp.MustCompile(`(?i)(label|target|class|anomal|outlier|fault|attack|change_?point|truth)`)
	likeSeries = regexp.MustCompile(`(?i)^(series|subject|patient|device|machine|unit|sensor|station|session|experiment|recording|record|run|user|file|group|id|.*[ _]id)$`)
)

const (
	groupRows = 10 // rows of a series on average, at least, where the column's name is one for it
	groupRun  = 20 // consecutive rows, where it is not
)

// guesser makes the guess of a looker.
type guesser struct {
	*looker
	order []order // [times] within the series
}

// finish completes the survey.
func (l *looker) finish() {
	g := guesser{looker: l}
	for i := range g.columns {
		g.columns[i].settle()
	}
	g.guessLabel()
	g.guessSeries()
	g.noteGroups()
	g.guessTime()
	g.guessFeatures()
	if l.fault != nil {
		g.note("%v: a row that cannot be read (%d in all), at which train stops", l.fault, l.survey.Unreadable)
	}
	g.describe()
}

// guessLabel takes the column of few values whose name is the best, else the last one.
func (g *guesser) guessLabel() {
	best := math.MaxInt
	for i, c := range g.columns {
		rank := slices.Index(labelNames, strings.ToLower(g.profiles[i].name))
		switch {
		case rank >= 0:
		case likeLabel.MatchString(g.profiles[i].name):
			rank = len(labelNames)
		default:
			rank = len(labelNames) + 1
		}
		if g.holdsClasses(i) && (rank < best || rank == best && rank > len(labelNames)) && (rank <= len(labelNames) || c.comesBack() && !g.profiles[i].namesSeries() && !g.profiles[i].isPartOfTime()) {
			best, g.label = rank, i
		}
	}
	if g.label < 0 {
		g.note(noLabelNote, fewValues)
		return
	}
	g.survey.Guess.Label = g.profiles[g.label].name
	g.guessClasses(g.columns[g.label].order)
}

// guessClasses orders the values of the labels if they are words.
func (g *guesser) guessClasses(values []*ValueSurvey) {
	var labels []string
	var count []int
	for _, v := range values {
		labels, count = append(labels, v.Value), append(count, v.Rows)
	}
	names, note, err := ClassesOf(labels, count)
	if err != nil {
		return
	}
	notes := classNotes(names, g.columns[g.label].missing, g.survey.Rows)
	if note != "" {
		notes, g.survey.Guess.Classes = append(notes, note), names
	}
	for _, note := range notes {
		g.note("column %q: %s", g.survey.Guess.Label, note)
	}
}

// holdsClasses reports whether column i has a few values, each more than once unless it is called as labels are.
func (g *guesser) holdsClasses(i int) bool {
	c := &g.columns[i]
	return len(c.order) > 1 && c.fractions == 0 && g.profiles[i].name != "" && !likeSeries.MatchString(g.profiles[i].name) && !g.answers[i] &&
		(g.profiles[i].name == DefaultOptions().Label || !slices.ContainsFunc(c.order, func(v *ValueSurvey) bool { return v.Rows < 2 }))
}

// comesBack reports whether words come again after others, as those do that are no names of
// parts of the file.
func (c *columnLook) comesBack() bool {
	runs := 0
	for _, v := range c.order {
		runs += v.Runs
	}
	return c.words == 0 || runs > len(c.order)
}

// guessSeries takes the column that names series by its name, by long runs of each word, or
// because time never goes back within its values, though it does in the file.
func (g *guesser) guessSeries() {
	g.order = g.groupings[0].order
	g.survey.Series = len(g.groupings[0].groups)
	cured := false
	for _, by := range g.groupings[1:] {
		i := by.column
		if len(by.groups) < 2 || i == g.label || g.profiles[i].name == "" || g.profiles[i].isPartOfTime() || g.profiles[i].isTimes() || slices.ContainsFunc(g.times, func(t *timeLook) bool { return (t.column == i || slices.Contains(t.parts, i)) && !t.failed }) {
			continue
		}
		cures := g.cures(by)
		named := (likeSeries.MatchString(g.profiles[i].name) || g.profiles[i].namesSeries()) && g.survey.Rows >= groupRows*len(by.groups)
		long := g.columns[i].numbers == 0 && by.runs == len(by.groups) && g.survey.Rows >= groupRun*by.runs
		if (named || long || cures || g.profiles[i].name == g.options.Series) && (g.series < 0 || cures && !cured) {
			g.series, g.order, cured = i, by.order, cures
			g.survey.Series, g.survey.Guess.Series = len(by.groups), g.profiles[i].name
		}
	}
}

// noteGroups reports columns that look like groups of series, by their names and how many values they have.
func (g *guesser) noteGroups() {
	for _, by := range g.groupings[1:] {
		name := g.profiles[by.column].name
		if n := len(by.groups); n > 1 && n < g.survey.Series && by.column != g.label && likeSeries.MatchString(name) {
			g.note("column %q has fewer values than there are series; if it names what they share, such as a patient, Options.Group %s keeps those together when they are judged", name, table.ShellWord(name))
		}
	}
}

// cures reports whether a time goes back in a file, but not within the groups.
func (g *guesser) cures(by *grouping) bool {
	for i, t := range g.times {
		if !t.failed && g.groupings[0].order[i].falls > 0 && by.order[i].falls == 0 && by.order[i].rises > 0 {
			return true
		}
	}
	return false
}

// guessTime takes the first time that never goes back within a series, else one that hardly
// ever does, as where a clock is set back: a new series begins there.
func (g *guesser) guessTime() {
	sure := g.surely()
	for _, goes := range []func(*order) bool{(*order).onward, (*order).mostlyOnward} {
		for i, t := range g.times {
			if !sure && g.profiles[t.column].onlyCounts() {
				continue
			}
			if !t.failed && t.column != g.label && goes(&g.order[i]) {
				g.takeTime(t, &g.order[i])
				return
			}
		}
	}
}

func (g *guesser) takeTime(t *timeLook, o *order) {
	g.time, g.parts = t.column, t.parts
	g.survey.Guess.Time = g.timeName()
	if p := g.profiles[t.column]; t.parts == nil && p.isSerial() {
		g.note("column %q %s", p.name, serialNote)
	}
	h := o.holes.settled()
	stamps := t.clock.stamps
	if high := g.columns[t.column].high.value; isRounded(high) && h.usual < 100*(math.Nextafter(high, math.Inf(1))-high) {
		g.note("column %q: %s", g.timeName(), roundedNote)
	}
	g.survey.Gaps = &Gaps{Usual: h.usual, Count: h.count, Length: lengthText(holeSteps*h.usual, stamps), Step: lengthText(h.usual, stamps)}
	if len(g.survey.Files) == 1 {
		g.survey.Gaps.Line = h.line
	}
	if h.uneven {
		g.note("column %q: steps of time differ, the usual one is %s; Options.Resample %s makes rows regular", g.timeName(), g.survey.Gaps.Step, g.survey.Gaps.Step)
	}
	if o.falls > 0 {
		g.survey.Guess.MaxGap = g.survey.Gaps.Length
		autumn := ""
		if stamps && t.clock.zone == nil {
			autumn = " (or does Options.TimeZone say when clocks are set back?)"
		}
		g.note("column %q goes back in time (rows: %d); with Options.MaxGap a new series begins there%s", g.timeName(), o.falls, autumn)
	}
}

// onward reports whether the time rises and never falls.
func (o *order) onward() bool { return o.rises > 0 && o.falls == 0 }

// mostlyOnward reports whether the time falls once in a hundred steps at most.
func (o *order) mostlyOnward() bool {
	return o.rises >= 100*o.falls && o.holes.settled().usual > 0
}

// guessFeatures takes the columns of numbers that are left, but for those that look like
// a second label, are another time, or hold what is no number.
func (g *guesser) guessFeatures() {
	guess, sure := &g.survey.Guess, g.surely()
	for i, c := range g.columns {
		p := g.profiles[i]
		name, why, nearly := p.name, p.noFeature(), p.nearlyNumbers()
		if g.open(i) && g.beside(i) {
			g.excluded = append(g.excluded, i) // as train does
		}
		if !g.open(i) || !p.number() && !p.isTime() && why == "" && nearly == "" {
			continue
		}
		switch {
		case nearly != "" && !p.number() && why == "":
			g.note("column %q: %s; Options.Exclude trains without it", name, nearly)
		case why != "" && sure && !p.isTime():
			g.note("column %q %s", name, why)
			continue
		case !p.number() && !p.isTime():
			continue
		case c.faults > 0 && g.maybeNA(c):
			g.note("column %q: %d values are no numbers, such as %s; Options.NAValues counts them as missing", name, c.faults, table.Excerpt([]byte(c.odd[0])))
			for _, text := range c.odd {
				if !slices.Contains(guess.NAValues, text) {
					guess.NAValues = append(guess.NAValues, text)
				}
			}
			continue
		case c.faults > 0:
			example := ""
			if len(c.odd) > 0 {
				example = ", such as " + table.Excerpt([]byte(c.odd[0]))
			}
			g.note("column %q: %d values are no 32-bit floats%s; Options.Exclude leaves it out", name, c.faults, example)
		case p.isTime() && !sure && p.onlyCounts():
			continue
		case p.isTime():
			g.note("column %q looks like a time, but goes back or is a second one; Options.Exclude leaves it out", name)
		case likeLabel.MatchString(name) && len(c.order) > 0:
			g.note("column %q looks like a second column of labels; Options.Exclude leaves it out", name)
		case g.sameRuns(&c):
			g.note("column %q has the runs of rows that the label has, so it may be the label in another form; Options.Exclude leaves it out", name)
		default:
			continue
		}
		g.excluded = append(g.excluded, i)
		guess.Exclude = append(guess.Exclude, name)
	}
	if err := g.takeNumbers(); err != nil {
		g.note("no column of numbers is left to be a feature")
	}
	guess.Features = []string{}
	for _, i := range g.features {
		guess.Features = append(guess.Features, g.profiles[i].name)
		c := &g.columns[i]
		if c.missing+c.faults > 0 {
			guess.Missing = MissingForward
		}
		if c.fractions == 0 && (isRounded(c.low.value) || isRounded(c.high.value)) {
			g.note("column %q: %s", g.profiles[i].name, roundedNote)
		}
		for _, note := range strayNotes(&c.low, &c.high) {
			g.note("column %q: %s", g.profiles[i].name, note)
		}
	}
}

// sameRuns reports whether a column's values have as many rows, in as many runs as short and as long, as the labels
// have, one by one in the order of their first rows.
func (g *guesser) sameRuns(c *columnLook) bool {
	return g.label >= 0 && len(c.order) > 1 && slices.EqualFunc(c.order, g.columns[g.label].order, func(a, b *ValueSurvey) bool {
		return a.Rows == b.Rows && a.Runs == b.Runs && a.Shortest == b.Shortest && a.Longest == b.Longest
	})
}

// maybeNA reports whether all faults of a column are a few texts, which no other column has a use for.
func (g *guesser) maybeNA(c columnLook) bool {
	isName := func(text string) bool { return slices.Contains(g.Columns(), text) } // where files have been put together
	if len(c.odd) == 0 || len(c.odd) > mostOdd || c.oddRows < c.faults || slices.ContainsFunc(c.odd, isName) {
		return false
	}
	label := g.label
	return label < 0 || !slices.ContainsFunc(g.columns[label].order, func(v *ValueSurvey) bool { return slices.Contains(c.odd, v.Value) })
}

func (g *guesser) note(format string, args ...any) {
	g.survey.Guess.Notes = append(g.survey.Guess.Notes, fmt.Sprintf(format, args...))
}

// describe fills in the columns.
func (g *guesser) describe() {
	for i := range g.columns {
		c := &g.columns[i]
		times := g.profiles[i].time || c.numbers == 0 && slices.ContainsFunc(g.times, func(t *timeLook) bool { return t.column == i && !t.failed })
		s := ColumnSurvey{Unit: g.unit(i), Name: g.profiles[i].name, Type: c.kind(times), Role: g.role(i), Missing: c.missing}
		switch {
		case s.Type == EmptyColumn:
		case g.profiles[i].time:
			s.First, s.Last = TimeText(c.low.value, true), TimeText(c.high.value, true)
		case c.numbers > 0:
			s.Low, s.High = &c.low.value, &c.high.value
		default:
			s.First, s.Last = c.first, shown(c.text)
		}
		for _, v := range c.order {
			s.Values = append(s.Values, *v)
		}
		g.survey.Columns = append(g.survey.Columns, s)
	}
}

func (g *guesser) role(i int) string {
	switch {
	case i == g.label:
		return "label"
	case i == g.series:
		return "series"
	case i == g.time || slices.Contains(g.parts, i):
		return "time"
	case slices.Contains(g.features, i):
		return "feature"
	case slices.Contains(g.survey.Guess.Exclude, g.profiles[i].name):
		return "excluded"
	case i == 0 && g.RowNames():
		return "row names"
	}
	return ""
}

// noLabelNote is the note about files in which no column looks like labels.
const noLabelNote = "no column looks like labels, which are 2 to %d values, each on several rows"

// DropLabel takes the label from the guess, as labels are somewhere else.
func (s *Survey) DropLabel() {
	g := &s.Guess
	before, _, _ := strings.Cut(noLabelNote, ",")
	g.Notes = slices.DeleteFunc(g.Notes, func(note string) bool {
		return strings.HasPrefix(note, before) || g.Classes != nil && strings.HasPrefix(note, fmt.Sprintf("column %q: ", g.Label))
	})
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role != "label" {
			continue
		}
		if c.Role = ""; c.Type == WholeNumbers || c.Type == Numbers {
			c.Role = "excluded"
			g.Exclude = append(g.Exclude, c.Name)
		}
	}
	g.Label, g.Classes = "", nil
}
