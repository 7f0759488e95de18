package series

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Survey is what files hold, and what their columns seem to be for.
type Survey struct {
	Files      []string        `json:"files"`
	Dialect    table.Dialect   `json:"dialect"` // of the first file
	Rows       int             `json:"rows"`
	Wide       bool            `json:"-"`                         // rows look like whole series
	Unreadable int             `json:"unreadable_rows,omitempty"` // which train stops at
	Series     int             `json:"series"`
	Columns    []ColumnSurvey  `json:"columns"`
	Gaps       *Gaps           `json:"gaps,omitempty"` // nil without a time column
	Guess      Guess           `json:"guess"`
	Warnings   []table.Warning `json:"-"`
}

// ColumnType is what the values of a column are.
type ColumnType string

const (
	EmptyColumn  ColumnType = "empty"
	WholeNumbers ColumnType = "whole numbers"
	Numbers      ColumnType = "numbers"
	Timestamps   ColumnType = "timestamps"
	Text         ColumnType = "text"
	Mixed        ColumnType = "numbers and text"
)

// ColumnSurvey is what a column holds.
type ColumnSurvey struct {
	Name    string        `json:"name"`
	Type    ColumnType    `json:"type"`
	Unit    string        `json:"unit,omitempty"`
	Role    string        `json:"role,omitempty"` // that Guess gives it: feature, label, series, time, excluded, row names; "" is none
	Low     *float64      `json:"low,omitempty"`  // of numbers that are finite
	High    *float64      `json:"high,omitempty"`
	First   string        `json:"first,omitempty"` // value, of timestamps and text
	Last    string        `json:"last,omitempty"`
	Missing int           `json:"missing"`
	Values  []ValueSurvey `json:"values,omitempty"` // in order of their first rows; nil if there are many
}

// ValueSurvey counts a value of a column. A run is consecutive rows of a file that have it.
type ValueSurvey struct {
	Value    string `json:"value"`
	Rows     int    `json:"rows"`
	Runs     int    `json:"runs"`
	Shortest int    `json:"shortest"` // run
	Longest  int    `json:"longest"`
}

// AddRun counts a run of so many rows.
func (v *ValueSurvey) AddRun(rows int) {
	if v.Runs == 0 || rows < v.Shortest {
		v.Shortest = rows
	}
	v.Longest = max(v.Longest, rows)
	v.Rows, v.Runs = v.Rows+rows, v.Runs+1
}

// Gaps are steps in time that are longer than ten times the usual one.
type Gaps struct {
	Usual float64 `json:"usual_step"` // seconds where times are timestamps; 0: too few rows to tell
	Count int     `json:"count"`
	Line  int     `json:"first_line,omitempty"` // behind the first of them, if there is one file

	Length string `json:"max_gap"` // ten times the usual step, as Options.MaxGap
	Step   string `json:"-"`       // the usual one, likewise
}

const (
	mostOdd     = 5       // texts among numbers, at most, that may mean that values are missing
	fewValues   = 20      // of a column, at most, are counted one by one
	manyOf      = 1000    // rows tell whether a column can name the series
	longText    = 64      // bytes; a longer value names nothing
	mostLooked  = 1 << 20 // values of a column that may name series
	sampledText = 40      // bytes of a value that are shown
)

// Look reads files, which patterns name as in Expand, from one end to the other, each once
// and in memory that does not grow with them, and says what they hold. All must have the
// same columns. Of the options it takes Format, Delimiter and NoHeader.
func Look(ctx context.Context, patterns []string, o Options) (*Survey, error) {
	return look(ctx, patterns, os.Stdin, o)
}

func look(ctx context.Context, patterns []string, stdin io.Reader, o Options) (*Survey, error) {
	paths, err := Expand(patterns)
	if err != nil {
		return nil, err
	}
	l := &looker{ctx: ctx, stdin: stdin, options: o, survey: &Survey{Files: paths}}
	for _, path := range paths {
		if err := l.read(path); err != nil {
			return nil, err
		}
	}
	l.finish()
	return l.survey, nil
}

// looker gathers what Look finds.
type looker struct {
	ctx     context.Context
	stdin   io.Reader
	options Options
	survey  *Survey

	*finder         // of the first file, which is closed
	fault     error // the first row that cannot be read
	columns   []columnLook
	times     []*timeLook
	groupings []*grouping // the first is by file
}

// read reads a file.
func (l *looker) read(path string) error {
	o := l.options
	if l.finder != nil && o.Layout == WideLayout { // so that series have other numbers
		o.before = len(l.groupings[1+slices.Index(l.Columns(), o.Series)].groups)
	}
	in, err := openInput(l.ctx, path, l.stdin, o)
	if err != nil {
		return err
	}
	defer in.Close()
	if l.finder == nil {
		if err := l.begin(in); err != nil {
			return err
		}
	} else if in.order = placesOf(l.Columns(), in.Columns()); slices.Contains(in.order, -1) {
		return &table.Error{File: in.Name(), Err: fmt.Errorf("it has other columns than %s: %s", l.survey.Files[0], table.List(in.Columns()))}
	}
	if err := l.readRows(in); err != nil {
		return err
	}
	if in == l.input {
		l.survey.Dialect, l.survey.Wide = in.Dialect(), table.LooksWide(in.Reader.Columns())
		l.survey.Dialect.DecimalComma = slices.Contains(in.decimals.marks, ',')
	}
	l.survey.Warnings = append(l.survey.Warnings, in.warnings()...)
	return nil
}

// placesOf are where names are among others, -1 for nowhere; nil if these are the same.
func placesOf(names, others []string) (places []int) {
	if slices.Equal(names, others) {
		return nil
	}
	for _, name := range names {
		places = append(places, slices.Index(others, name))
	}
	return places
}

// begin takes the columns from the first file.
func (l *looker) begin(in *input) (err error) {
	l.finder = newFinder(in)
	if l.profiles, err = in.profiles(l.options); err != nil {
		return err
	}
	l.columns = make([]columnLook, len(l.profiles))
	l.groupings = []*grouping{{column: -1, groups: map[string]*group{}}}
	if parts := l.findParts(true); parts != nil {
		clock := l.profiles[parts[0]].clock
		clock.known = false
		if format := l.partsFormat(parts); format != "" {
			clock.format, _ = parseTimeFormat(format)
		}
		l.times = append(l.times, &timeLook{column: parts[0], parts: parts[1:], clock: clock})
	}
	for i, p := range l.profiles {
		l.columns[i].tallies = map[string]*ValueSurvey{}
		l.groupings = append(l.groupings, &grouping{column: i, groups: map[string]*group{}})
		if p.name != "" && (p.time || p.isTime() || !p.number() || p.name == l.options.Time) {
			clock := p.clock // with its format, and the order of dates
			clock.known = false
			if p.isWholeTimes() && l.options.TimeFormat == "" {
				clock.format, _ = parseTimeFormat(p.whole)
			}
			l.times = append(l.times, &timeLook{column: i, clock: clock})
		}
	}
	slices.SortStableFunc(l.times, func(a, b *timeLook) int { // as train takes them
		rank := func(t *timeLook) int {
			if t.parts != nil {
				return partsRank
			}
			return l.profiles[t.column].timeRank()
		}
		return rank(a) - rank(b)
	})
	return nil
}

func (l *looker) readRows(in *input) error {
	some := false
	for b := new(table.Batch); ; {
		if l.ctx.Err() != nil {
			return l.ctx.Err()
		}
		err := in.next(b, chunkRows)
		if err == io.EOF && !some {
			return &table.Error{File: in.Name(), Err: errNoRows}
		}
		some = true
		if err == io.EOF {
			break
		}
		if err != nil && !table.OfRow(err) {
			return err
		}
		if err != nil {
			l.survey.Unreadable++
			l.fault = cmp.Or(l.fault, err)
		}
		for i := range b.Len() {
			in.at(b, i)
			l.add(in)
		}
	}
	if l.survey.Rows == 0 {
		return l.fault
	}
	for i := range l.columns {
		l.columns[i].endRun()
	}
	for _, g := range l.groupings {
		g.last = nil
	}
	return nil
}

// add takes a row into account.
func (l *looker) add(in *input) {
	l.survey.Rows++
	for k := range l.columns {
		v, c := in.value(k), &l.columns[k]
		if v.kind != numberKind || c.tallies != nil || l.groupings[1+k].groups != nil {
			c.text = v.appendText(c.text[:0])
		}
		c.add(v, l.profiles[k].number())
	}
	for _, t := range l.times {
		v := in.when(t.column, t.parts)
		t.read(&v)
	}
	l.groupings[0].add([]byte(in.Name()), l.survey.Rows, l.times, in.line())
	for _, g := range l.groupings[1:] {
		if g.groups == nil {
			continue
		}
		c := &l.columns[g.column]
		if c.missing > 0 || c.fractions > 0 || len(c.text) > longText {
			g.groups = nil
			continue
		}
		g.add(c.text, l.survey.Rows, l.times, in.line())
	}
}

// columnLook is what was seen of a column.
type columnLook struct {
	missing, numbers, words int
	fractions               int      // numbers that are not whole
	faults                  int      // values that no feature can have
	oddRows                 int      // those of them that are no numbers
	odd                     []string // the first few of these
	low, high               extreme
	first                   string
	text                    []byte                  // of the last value, if anybody asks
	tallies                 map[string]*ValueSurvey // nil when there are many values
	order                   []*ValueSurvey
	run                     *ValueSurvey // of the last rows
	length                  int          // of it
}

// add takes the next value, of a column of numbers or not, into account.
func (c *columnLook) add(v *value, number bool) {
	if v.missing() {
		if c.missing++; v.empty() || v.kind != textKind {
			c.endRun()
		} else {
			c.tally() // see settle
		}
		return
	}
	if c.first == "" {
		c.first = shown(c.text)
	}
	c.addNumber(v, number)
	c.tally()
}

func (c *columnLook) addNumber(v *value, number bool) {
	x, ok := v.float()
	if number && (!ok || math.Abs(x) > math.MaxFloat32) {
		c.faults++
		if !v.isNumber() || math.IsInf(x, 0) {
			c.oddRows++
			if text := string(c.text); len(c.odd) <= mostOdd && !slices.Contains(c.odd, text) {
				c.odd = append(c.odd, text)
			}
		}
	}
	if !ok || math.IsInf(x, 0) {
		c.words++
		return
	}
	c.low.add(x, x < c.low.value)
	c.high.add(x, x > c.high.value)
	if x != math.Trunc(x) {
		c.fractions++
	}
	c.numbers++
}

// extreme is the least number of a column, or the greatest, and the one that comes next to it.
type extreme struct {
	value, next float64
	rows        int // that have value; 0: there is no number
	others      int // rows
}

// add takes a number into account, which lies further out than value or not.
func (e *extreme) add(x float64, further bool) {
	switch {
	case e.rows == 0:
		e.value, e.rows = x, 1
	case x == e.value:
		e.rows++
	case further:
		e.next, e.value, e.others, e.rows = e.value, x, e.others+e.rows, 1
	default:
		if e.others == 0 || math.Abs(x-e.value) < math.Abs(e.next-e.value) {
			e.next = x
		}
		e.others++
	}
}

// text is the extreme in as few digits as tell 32-bit floats apart.
func (e *extreme) text() string { return strconv.FormatFloat(e.value, 'f', -1, 32) }

// strayNotes are about the extremes of a column that may stand for missing values.
func strayNotes(low, high *extreme) (notes []string) {
	for _, both := range [][2]*extreme{{low, high}, {high, low}} {
		if e := both[0]; e.stray(both[1].value) {
			notes = append(notes, fmt.Sprintf("%s in %d rows is far from all other values; if it means that one is missing, Options.NAValues %[1]s counts it so", e.text(), e.rows))
		}
	}
	return notes
}

// stray reports whether several rows have the extreme, a whole number or -999.9 and the like, that lies further from all others than three
// times these lie apart, as one does that stands for a missing value.
func (e *extreme) stray(opposite float64) bool {
	const several, times = 3, 3
	return e.rows >= several && e.others >= e.rows && (e.value == math.Trunc(e.value) || strings.Trim(e.text(), "-.9") == "") &&
		math.Abs(e.value-e.next) > times*math.Abs(e.next-opposite) && e.next != opposite
}

// tally counts the last value, as long as there are few.
func (c *columnLook) tally() {
	if c.tallies == nil {
		return
	}
	if c.run == nil || string(c.text) != c.run.Value {
		c.endRun()
		t := c.tallies[string(c.text)]
		if t == nil && len(c.tallies) == fewValues || len(c.text) > longText {
			c.tallies, c.order = nil, nil
			return
		}
		if t == nil {
			t = &ValueSurvey{Value: string(c.text)}
			c.tallies[t.Value] = t
			c.order = append(c.order, t)
		}
		c.run = t
	}
	c.length++
}

// endRun ends the run of equal values.
func (c *columnLook) endRun() {
	if c.run != nil {
		c.run.AddRun(c.length)
	}
	c.run, c.length = nil, 0
}

// settle takes NA and the like for values where the others are words, as it does that reads labels.
func (c *columnLook) settle() {
	var others []string
	missing := func(v *ValueSurvey) bool { return table.IsMissing([]byte(v.Value)) }
	for _, v := range c.order {
		if !missing(v) {
			others = append(others, v.Value)
		}
	}
	if isPlain(others) {
		c.order = slices.DeleteFunc(c.order, missing)
		return
	}
	for _, v := range c.order {
		if missing(v) {
			c.missing, c.words = c.missing-v.Rows, c.words+v.Rows
		}
	}
}

// kind is the type of the column, whose values are times or not.
func (c *columnLook) kind(times bool) ColumnType {
	switch {
	case c.numbers+c.words == 0:
		return EmptyColumn
	case times:
		return Timestamps
	case c.numbers == 0:
		return Text
	case c.words > 0:
		return Mixed
	case c.fractions == 0:
		return WholeNumbers
	}
	return Numbers
}

// timeLook reads a column that may be the time.
type timeLook struct {
	column int
	parts  []int // the columns that make the time with it
	clock  clock
	now    float64
	failed bool // a value is missing, or no time
}

func (t *timeLook) read(v *value) {
	if t.failed {
		return
	}
	t.clock.after = t.now
	now, err := t.clock.time(v)
	t.now, t.failed = now, err != nil
}

// grouping is the rows by the values of a column that may name the series, or by file.
type grouping struct {
	column int
	groups map[string]*group // nil when it names none
	key    []byte            // of last
	last   *group            // of the last row
	runs   int
	order  []order // [times]
}

// group is the rows of one series, if it is one.
type group struct {
	times []float64 // [times] of the last row
}

// order is how a time goes within series.
type order struct {
	rises, falls int
	holes        holes
}

func (g *grouping) add(key []byte, row int, times []*timeLook, line int) {
	if g.last == nil || !bytes.Equal(key, g.key) {
		if g.runs++; !g.find(key, row, len(times)) {
			return
		}
	}
	if g.order == nil {
		g.order = make([]order, len(times))
	}
	for i, t := range times {
		if t.failed {
			continue
		}
		step := t.now - g.last.times[i]
		switch {
		case step < 0:
			g.order[i].falls++
		case step > 0 && !math.IsInf(step, 0):
			g.order[i].rises++
		}
		g.order[i].holes.add(step, line)
		g.last.times[i] = t.now
	}
}

// find sets the last group to that of key. It gives up when there are too many groups for
// them to be series.
func (g *grouping) find(key []byte, row, times int) bool {
	g.key = append(g.key[:0], key...)
	if g.last = g.groups[string(key)]; g.last != nil {
		return true
	}
	if len(g.groups) == mostLooked || row > manyOf && 2*len(g.groups) > row {
		g.groups = nil
		return false
	}
	g.last = &group{slices.Repeat([]float64{math.Inf(-1)}, times)}
	g.groups[string(key)] = g.last
	return true
}

// shown is the beginning of a value, to be shown.
func shown(text []byte) string {
	return strings.ToValidUTF8(string(text[:min(len(text), sampledText)]), "")
}
