package series

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Missing says what becomes of an empty or NaN feature.
type Missing string

const (
	MissingError   Missing = "error"   // an error naming file, line and column
	MissingForward Missing = "forward" // the series' last value; before its first one, the mean
	MissingZero    Missing = "zero"    // 0, before scaling
	MissingMean    Missing = "mean"    // the mean of the training rows: NaN, for the model to fill
	MissingDrop    Missing = "drop"    // the row is left out
)

// MissingActions lists all of them.
var MissingActions = []Missing{MissingError, MissingForward, MissingZero, MissingMean, MissingDrop}

// Layout is what a row of a file is.
type Layout string

const (
	LongLayout Layout = "long" // a step of a series
	WideLayout Layout = "wide" // a series; rows are made of its steps, with the columns table.SeriesColumn and table.StepColumn
)

// Layouts lists all of them.
var Layouts = []Layout{LongLayout, WideLayout}

// SetLayout sets a layout, with the columns of series and time that wide rows get.
func (o *Options) SetLayout(l Layout) {
	if o.Layout = l; l == WideLayout {
		o.Series, o.Time = cmp.Or(o.Series, table.SeriesColumn), cmp.Or(o.Time, table.StepColumn)
	}
}

// Options says how files are read, and which columns play which role.
type Options struct {
	Label    string    // the column of labels
	Features []string  // number columns in the model's order; empty: every numeric column without another role
	Exclude  []string  // columns that are no features, in place of Features
	Shift    []float64 // [F] is taken off the features before they become 32-bit floats; nil: Read finds out, a Reader takes off nothing
	Series   string    // names the series of a row; "": each file is one series
	Group    string    // names what several series have in common; "": the parts that MaxGap makes of a series have that
	Time     string    // numbers or timestamps that never go back within a series, or two columns with a comma between, of dates and of times of the day; "": without Features, or with Events, a column whose name and values say so
	MaxGap   string    // a new series begins behind a longer time between rows: a duration where times are timestamps, else a number; "" or "0": none
	Elapsed  bool      // the time since the series' row before, 0 at its first, is a feature behind the others, ElapsedFeature
	Resample string    // the interval at which rows are to be, as Data.Resample makes them: a duration or a number, like MaxGap; "": as they are
	ResampleBy
	Classes  []string // the labels there may be, in their order; empty: those that there are
	Positive string   // the label value that is class 1, or several with commas between, all others being 0; "": Classes
	Missing  Missing
	Times
	Format table.Format // "": by name, then by content

	Delimiter string   // the character between the fields of CSV, or "tab", or "blanks" for runs of these; "": as the first rows have it
	Layout    Layout   // "": LongLayout
	Keep      []string // columns that are no steps of WideLayout, beside those with a role
	NoHeader  bool     // the first line of CSV and TSV is a row, and columns are called 1, 2 and so on
	SkipRows  int      // lines of CSV and TSV before all others that are not read
	NAValues  []string // what else than NA and the like means that a value is missing, in any column

	Events        bool // labels or answers are events: the default label column is no feature, and the time is found beside Features, too
	LabelOptional bool // the label column may be absent, as in data to predict
	TimeOptional  bool // likewise the time column, unless MaxGap asks for it
	Follow        bool // hand over each row as soon as it has arrived
	Twice         bool // rows will be read twice, see Reader.Again: what is no regular file is copied to a temporary one before the first

	before int // series of files before this one

	Rows func(n int)        // Read tells it of n more rows, now and then; nil: nobody asks
	Skip func(*table.Error) // is called for each row that cannot be read, which a Reader then leaves out; nil: it is an error
}

// DefaultOptions returns the options that most files are read with.
func DefaultOptions() Options {
	return Options{Label: "label", Missing: MissingError}
}

// file says how files are written and read.
func (o Options) file() table.Options {
	return table.Options{Format: o.Format, Delimiter: o.Delimiter, NoHeader: o.NoHeader, SkipRows: o.SkipRows, Follow: o.Follow, Twice: o.Twice,
		Wide: o.Layout == WideLayout, Keep: append(slices.Clone(o.Keep), o.Label, o.Series, o.Group, o.Time), From: o.before}
}

// Validate reports the first setting that cannot be, naming its field.
func (o Options) Validate() error {
	if o.Label == "" && !o.LabelOptional {
		return fmt.Errorf("Options.Label names no column")
	}
	if !slices.Contains(MissingActions, o.Missing) {
		return fmt.Errorf("Options.Missing %q is none of %v", o.Missing, MissingActions)
	}
	if o.Layout != "" && !slices.Contains(Layouts, o.Layout) {
		return fmt.Errorf("Options.Layout %q is none of %v", o.Layout, Layouts)
	}
	if o.Format != "" && !slices.Contains(table.InputFormats, o.Format) {
		return fmt.Errorf("Options.Format %q is none of %v", o.Format, table.InputFormats)
	}
	if err := o.validateResample(); err != nil {
		return err
	}
	maxGap, err := ParseLength("Options.MaxGap", o.MaxGap)
	if err != nil {
		return err
	}
	if maxGap.Value > 0 && o.Time == "" {
		return fmt.Errorf("Options.MaxGap %s needs Options.Time", o.MaxGap)
	}
	comma, err := table.ParseDelimiter(o.Delimiter)
	if err != nil {
		return err
	}
	if _, err := newClock(o.Times); err != nil {
		return err
	}
	if o.SkipRows < 0 {
		return fmt.Errorf("Options.SkipRows must be 0 or more, not %d", o.SkipRows)
	}
	if o.Format == table.TSV && comma != 0 && comma != '\t' {
		return fmt.Errorf("Options.Delimiter %q cannot be used with Options.Format tsv (csv reads that)", o.Delimiter)
	}
	if err := o.validateClasses(); err != nil {
		return err
	}
	return o.validateRoles()
}

func (o Options) validateClasses() error {
	seen := map[string]bool{}
	for _, name := range o.Classes {
		switch {
		case name == "":
			return fmt.Errorf("Options.Classes holds an empty name")
		case seen[name]:
			return fmt.Errorf("Options.Classes lists %q twice", name)
		}
		seen[name] = true
	}
	switch {
	case len(o.Classes) == 1:
		return fmt.Errorf("Options.Classes lists %q alone, but there must be two classes at least", o.Classes[0])
	case len(o.Classes) > math.MaxInt16:
		return fmt.Errorf("Options.Classes lists more than %d classes", math.MaxInt16)
	case len(o.Classes) > 0 && o.Positive != "":
		return fmt.Errorf("Options.Positive makes the classes 0 and 1, so Options.Classes cannot be used with it")
	}
	return nil
}

// validateRoles checks that no column plays two roles.
func (o Options) validateRoles() error {
	if len(o.Features) > 0 && len(o.Exclude) > 0 {
		return fmt.Errorf("Options.Exclude cannot be used with Options.Features, which leaves out all others")
	}
	type claim struct{ column, flag string }
	claims := []claim{{o.Label, "Options.Label"}, {o.Series, "Options.Series"}, {o.Group, "Options.Group"}, {o.Time, "Options.Time"}}
	claims = slices.DeleteFunc(claims, func(c claim) bool { return c.column == "" })
	for _, name := range o.Features {
		claims = append(claims, claim{name, "Options.Features"})
	}
	for _, name := range o.Exclude {
		claims = append(claims, claim{name, "Options.Exclude"})
	}
	role := map[string]string{}
	for _, c := range claims {
		switch other := role[c.column]; {
		case c.column == "":
			return fmt.Errorf("%s holds an empty name", c.flag)
		case other == c.flag:
			return fmt.Errorf("%s lists %q twice", c.flag, c.column)
		case other != "":
			return fmt.Errorf("%s and %s both name %q", other, c.flag, c.column)
		}
		role[c.column] = c.flag
	}
	return nil
}
