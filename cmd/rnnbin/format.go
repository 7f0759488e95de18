package main

import (
	"github.com/spf13/pflag"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// FormatSettings say how files of data are written. The name is exported for the library that reads YAML.
type FormatSettings struct {
	Format     table.Format  `json:"input_format,omitempty"`
	Delimiter  string        `json:"delimiter,omitempty"`
	NoHeader   bool          `json:"no_header,omitempty"`
	TimeFormat string        `json:"time_format,omitempty"`
	TimeZone   string        `json:"timezone,omitempty"`
	SkipRows   int           `json:"skip_rows,omitempty"`
	NAValues   []string      `json:"na_values,omitempty"`
	Layout     series.Layout `json:"layout,omitempty"`
}

func (s *FormatSettings) addFlags(f *pflag.FlagSet) {
	addFlag(f, "input-format", &s.Format, "`format` of the data: "+formatNames+", or\nwfdb or edf (default by name, then by content)", names(table.InputFormats)...)
	addFlag(f, "layout", &s.Layout, "`layout` of files: long, where a row is a step of a series, or wide, where each row is a series, in columns such\nas t0, t1, t2, beside its label; also .ts and .tsv of the UCR archive (default long)", names(series.Layouts)...)
	addFlag(f, "delimiter", &s.Delimiter, "the `character` between the fields of CSV, or tab, or blanks for runs of these (default a comma,\nsemicolon, tab, bar | or blanks, as the first rows have it)", delimiters...)
	addFlag(f, "no-header", &s.NoHeader, "the first line of CSV is a row, not names: columns are called 1, 2 and so on")
	addFlag(f, "time-format", &s.TimeFormat, "`format` of timestamps, as strftime has it, such as '%d.%m.%Y %H:%M' (default usual ones)")
	addFlag(f, "timezone", &s.TimeZone, "time `zone` of timestamps that name none, such as Europe/Berlin (default UTC)")
	addFlag(f, "skip-rows", &s.SkipRows, "leave out the first `n` lines of CSV, which come before the header")
	addFlag(f, "na-values", &s.NAValues, "`values`, separated by commas, that mean that one is missing, such as '?,-200,ERR', beside NA\nand the like")
}

// set has o read such files.
func (s FormatSettings) set(o *series.Options) {
	o.Format, o.Delimiter, o.NoHeader, o.TimeFormat, o.TimeZone, o.SkipRows, o.NAValues = s.Format, s.Delimiter, s.NoHeader, s.TimeFormat, s.TimeZone, s.SkipRows, s.NAValues
	o.SetLayout(s.Layout)
}
