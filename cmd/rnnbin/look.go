package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/events"
	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// lookOptions are the flags of look.
type lookOptions struct {
	format    FormatSettings
	data      series.Options
	events    string // a file
	tolerance string
	json      bool
}

func newLook() *cobra.Command {
	var o lookOptions
	cmd := &cobra.Command{
		Use:   "look FILE...",
		Short: "Show what is in a file before any training",
		Long: `Show what is in a file before any training: how it is written, its rows, series and
columns, with the range and the missing values of each, how long labels stay the same,
and gaps in time. A guess of what the columns are for ends in a command line that trains
on the file. With --label-events, labels are the events of that file; annotations of a
recording, in it or beside it, are found. A list of events by itself is shown as one.

Several files, or a pattern such as 'days/*.csv', must have the same columns. - is
standard input. A run of a label is consecutive rows of a file that have it.`,
		Example: `  rnnbin look heart.csv
  rnnbin look heart.csv --label-events beats.csv
  rnnbin look 'days/*.csv' --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s needs a file to look at, or - for standard input", cmd.CommandPath())}
			}
			return o.run(cmd, args)
		},
	}
	f := cmd.Flags()
	o.format.addFlags(f)
	addLabelEvents(f, &o.events)
	addEventTolerance(f, &o.tolerance)
	addFlag(f, "json", &o.json, jsonUsage)
	f.SortFlags = false
	return cmd
}

func (o *lookOptions) run(cmd *cobra.Command, files []string) error {
	o.format.set(&o.data)
	o.data.LabelOptional, o.data.Missing = true, series.MissingError
	if err := o.data.Validate(); err != nil {
		return usageError{err}
	}
	patterns := files
	files, err := series.Expand(patterns)
	if err != nil {
		return err
	}
	if o.events == "" && len(files) == 1 && strings.EqualFold(filepath.Ext(files[0]), ".json") {
		if list, err := events.Read(cmd.Context(), files[0], o.data); err == nil && list.Catalog() {
			return o.showEvents(list, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}
	}
	list, only, err := o.annotations(cmd.Context(), files)
	if err != nil {
		return err
	}
	if only {
		return o.showEvents(list, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	s, err := o.look(cmd.Context(), files)
	if err != nil {
		return err
	}
	if list != nil {
		o.takeAnnotations(list, s)
	}
	if o.events == "" && files[0] != table.Stdin && events.Holds(s) {
		list, err := events.Read(cmd.Context(), files[0], o.data)
		if err != nil {
			return err
		}
		return o.showEvents(list, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	var marked []series.ValueSurvey
	if o.events != "" {
		if marked, err = o.markSurvey(cmd.Context(), files, s); err != nil && list == nil {
			return err
		} else if err != nil {
			s.Guess.Notes = append(s.Guess.Notes, err.Error())
		}
	}
	for i, note := range s.Guess.Notes {
		s.Guess.Notes[i] = withFlags(note)
	}
	command := o.trainOn(patterns, &s.Guess, s.Unreadable)
	if o.json {
		return observe.WriteJSON(cmd.OutOrStdout(), "file", struct {
			*series.Survey
			Classes []series.ValueSurvey `json:"classes,omitempty"` // of --label-events
			Command []string             `json:"command,omitempty"`
		}{s, marked, command})
	}
	printWarnings(cmd.ErrOrStderr(), s.Warnings)
	return printSurvey(cmd.OutOrStdout(), s, o.events, marked, command)
}

// look looks at files, whose rows may turn out to be series.
func (o *lookOptions) look(ctx context.Context, files []string) (*series.Survey, error) {
	s, err := series.Look(ctx, files, o.data)
	wide := err == nil && s.Wide || errors.Is(err, table.ErrWide) || err != nil && table.LooksArchived(files[0])
	if o.data.Layout != "" || files[0] == table.Stdin || !wide {
		return s, err
	}
	o.data.SetLayout(series.WideLayout)
	if s, err = series.Look(ctx, files, o.data); err == nil {
		s.Guess.Notes = append(s.Guess.Notes, "each row seems to be a series, of which rows are made here, a step each (Options.Layout long says otherwise)")
	}
	return s, err
}

// trainOn is the command line that trains as g has it, nil if it would not, as where rows cannot be read.
func (o *lookOptions) trainOn(files []string, g *series.Guess, unreadable int) []string {
	if g.Label == "" && o.events == "" || len(g.Features) == 0 || unreadable > 0 {
		return nil
	}
	skip := ""
	if o.format.SkipRows > 0 {
		skip = strconv.Itoa(o.format.SkipRows)
	}
	args := append([]string{"rnnbin", "train"}, files...)
	for _, f := range [][2]string{
		{"layout", string(o.data.Layout)}, {"input-format", string(o.data.Format)}, {"delimiter", o.data.Delimiter}, {"skip-rows", skip}, {"time-format", o.data.TimeFormat}, {"timezone", o.data.TimeZone},
		{"label", g.Label}, {"classes", listValue(g.Classes)}, {"label-events", o.events}, {"event-tolerance", o.tolerance}, {"series", g.Series}, {"time", g.Time}, {"max-gap", g.MaxGap},
		{"exclude", listValue(g.Exclude)}, {"na-values", listValue(slices.Concat(o.format.NAValues, g.NAValues))}, {"missing", string(g.Missing)},
	} {
		if f[1] != "" {
			args = append(args, "--"+f[0], f[1])
		}
	}
	if o.data.NoHeader {
		args = append(args, "--no-header")
	}
	return args
}

// listValue is names as a flag takes them: a record of CSV.
func listValue(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(names) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// quoteAll is a command line for a shell.
func quoteAll(args []string) string {
	var words []string
	for _, a := range args {
		words = append(words, table.ShellWord(a))
	}
	return strings.Join(words, " ")
}

// printSurvey prints a page. The classes of events, in a file, take the place of a column's.
func printSurvey(out io.Writer, s *series.Survey, file string, marked []series.ValueSurvey, command []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "files\t%s\n", table.List(s.Files))
	fmt.Fprintf(w, "format\t%s\n", dialectText(s.Dialect))
	fmt.Fprintf(w, "rows\t%d\n", s.Rows)
	fmt.Fprintf(w, "series\t%s\n", seriesText(s))
	fmt.Fprintf(w, "gaps\t%s\n", gapsText(s))
	fmt.Fprint(w, "\ncolumn\ttype\trange\tmissing\tguess\n")
	for _, c := range s.Columns {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", cmp.Or(table.List([]string{c.Name}), "(no name)"), c.Type, rangeText(c), c.Missing, cmp.Or(c.Role, "-"))
	}
	if file != "" {
		printValues(w, file, marked)
	}
	for _, c := range s.Columns {
		if c.Role == "label" {
			printValues(w, c.Name, c.Values)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, note := range s.Guess.Notes {
		if i == 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "note: %s\n", note)
	}
	if command == nil {
		_, err := fmt.Fprintln(out, "\nNo command line is suggested; `rnnbin train --help` lists the flags that say what columns are for.")
		return err
	}
	_, err := fmt.Fprintf(out, "\nTo train on it:\n\n  %s\n", quoteAll(command))
	return err
}

func dialectText(d table.Dialect) string {
	parts := []string{string(d.Format)}
	if d.Compression != "" {
		parts = append(parts, "compressed with "+string(d.Compression))
	}
	if d.Encoding != "" {
		parts = append(parts, d.Encoding)
	}
	if d.Delimiter != "" {
		by := fmt.Sprintf("%q", d.Delimiter)
		if d.Delimiter == " " {
			by = "blanks"
		}
		parts = append(parts, "fields separated by "+by)
		switch {
		case !d.Header:
			parts = append(parts, "no header")
		case d.RowNames:
			parts = append(parts, "a header, row names")
		default:
			parts = append(parts, "a header")
		}
	}
	if d.DecimalComma {
		parts = append(parts, "decimal commas")
	}
	return strings.Join(parts, ", ")
}

func seriesText(s *series.Survey) string {
	if s.Guess.Series != "" {
		return fmt.Sprintf("%d, named by column %q", s.Series, s.Guess.Series)
	}
	return fmt.Sprintf("%d, each file one", s.Series)
}

// gapsText describes gaps in time.
func gapsText(s *series.Survey) string {
	g := s.Gaps
	if g == nil {
		return "not known: no column looks like the time"
	}
	switch {
	case g.Usual == 0:
		return "not known: too few rows"
	case g.Count == 0:
		return fmt.Sprintf("none; the usual step of column %q is %s", s.Guess.Time, g.Step)
	}
	first := ""
	if g.Line > 0 {
		first = fmt.Sprintf(", the first at line %d", g.Line)
	}
	return fmt.Sprintf("%d of more than 10 times the usual step of %s%s (--max-gap %s begins a new series at each)", g.Count, g.Step, first, g.Length)
}

// apart are two numbers in as many digits as it takes to see where between them others may lie.
func apart(low, high float64) (string, string) {
	digits := 6
	if span := high - low; span > 0 {
		digits = min(max(digits, 3+int(math.Log10(max(math.Abs(low), math.Abs(high))/span))), 17)
	}
	return strconv.FormatFloat(low, 'g', digits, 64), strconv.FormatFloat(high, 'g', digits, 64)
}

// rangeText is the range of numbers, else the first and the last value.
func rangeText(c series.ColumnSurvey) string {
	switch {
	case c.Low != nil && c.Type == series.WholeNumbers:
		return strings.TrimSpace(fmt.Sprintf("%.17g to %.17g %s", *c.Low, *c.High, c.Unit))
	case c.Low != nil:
		low, high := apart(*c.Low, *c.High)
		return strings.TrimSpace(fmt.Sprintf("%s to %s %s", low, high, c.Unit))
	case c.First == "":
		return "-"
	case c.Type == series.Text && c.Values != nil:
		return count(len(c.Values), "value")
	case c.Type == series.Text:
		return fmt.Sprintf("such as %q", c.First)
	}
	return fmt.Sprintf("%s to %s", c.First, c.Last)
}

// printValues prints a line for each value.
func printValues(w io.Writer, of string, values []series.ValueSurvey) {
	fmt.Fprintf(w, "\nvalue of %s\trows\truns\tshortest\tlongest\n", table.List([]string{of}))
	for _, v := range values {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", table.List([]string{v.Value}), v.Rows, v.Runs, v.Shortest, v.Longest)
	}
}
