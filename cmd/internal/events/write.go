package events

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Format is how events are written.
type Format string

const (
	CSV         Format = "csv"
	TSV         Format = "tsv"
	JSONL       Format = "jsonl"        // an object a line
	LabelStudio Format = "label-studio" // a task for each file, with predictions
)

// Formats lists every format, in the order in which help texts name them.
var Formats = []Format{CSV, TSV, JSONL, LabelStudio}

// FormatOf tells the format from the name of a file, "" when the name does not tell.
func FormatOf(name string) Format {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		return LabelStudio
	}
	format, _ := table.FormatOf(name)
	if f := Format(format); slices.Contains(Formats, f) {
		return f
	}
	return ""
}

// Columns are what is written of an event. A time is written as the data has it, if times
// are timestamps, else as the shortest number that reads back the same; the series' name is
// empty where no column names it.
var Columns = []string{"series", "start", "end", "rows", "label", "mean_probability", "peak_probability"}

// Writer writes events.
type Writer interface {
	Begin(file string) // whose events come now
	Write(e Found) error
	Close() error // completes what is written, and leaves open what it is written to
}

// NewWriter writes events to w, which is best buffered. The model is that which has found
// them, for LabelStudio alone.
func NewWriter(w io.Writer, f Format, model string) (Writer, error) {
	switch f {
	case CSV:
		return newTableWriter(w, ',')
	case TSV:
		return newTableWriter(w, '\t')
	case JSONL:
		return jsonWriter{w}, nil
	case LabelStudio:
		return &taskWriter{w: w, model: model}, nil
	}
	return nil, fmt.Errorf("format %q is none of %v", f, Formats)
}

// tableWriter writes CSV and TSV.
type tableWriter struct{ w *csv.Writer }

func newTableWriter(w io.Writer, comma rune) (Writer, error) {
	t := tableWriter{csv.NewWriter(w)}
	t.w.Comma = comma
	return t, t.write(Columns)
}

func (t tableWriter) write(row []string) error {
	if err := t.w.Write(row); err != nil {
		return err
	}
	t.w.Flush()
	return t.w.Error()
}

func (t tableWriter) Begin(string) {}

func (t tableWriter) Write(e Found) error {
	return t.write([]string{e.Series, e.start(), e.end(), strconv.Itoa(e.Rows), e.Label,
		shortest(e.MeanProbability), shortest(e.PeakProbability)})
}

func (t tableWriter) Close() error { return nil }

// The text of a timestamp, or else the number.
func (e *Found) start() string { return cmp.Or(e.StartText, series.TimeText(e.Start, false)) }
func (e *Found) end() string   { return cmp.Or(e.EndText, series.TimeText(e.End, false)) }

// shortest is a probability as a number of 32 bits.
func shortest(p float64) string { return strconv.FormatFloat(p, 'g', -1, 32) }

// jsonWriter writes JSON lines.
type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Begin(string) {}

func (j jsonWriter) Write(e Found) error {
	name := "null"
	if e.Series != "" {
		name = quote(e.Series)
	}
	line := "{"
	for i, v := range []string{name, jsonTime(e.Start, e.StartText), jsonTime(e.End, e.EndText),
		strconv.Itoa(e.Rows), quote(e.Label), shortest(e.MeanProbability), shortest(e.PeakProbability)} {
		if i > 0 {
			line += ","
		}
		line += quote(Columns[i]) + ":" + v
	}
	_, err := io.WriteString(j.w, line+"}\n")
	return err
}

func (j jsonWriter) Close() error { return nil }

func quote(text string) string { return string(gjson.AppendJSONString(nil, text)) }

// jsonTime is a string for a timestamp, or else the number.
func jsonTime(time float64, text string) string {
	if text != "" {
		return quote(text)
	}
	return series.TimeText(time, false)
}
