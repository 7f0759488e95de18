package series

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"time"
)

// TextFile is a text file that was read whole.
type TextFile struct {
	Name     string // for messages
	Content  []byte // decompressed, as UTF-8
	Warnings []Warning

	format Format
	comma  byte
}

// ReadText reads a text file, or standard input for Stdin.
func ReadText(ctx context.Context, path string) (*TextFile, error) {
	s, err := openSource(ctx, path, os.Stdin, Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	t := &TextFile{Name: s.name, format: s.format, comma: s.comma}
	if t.Content, err = io.ReadAll(s.body); err != nil {
		return nil, inFile(s.name, err)
	}
	t.Content = bytes.TrimPrefix(t.Content, []byte(utf8BOM))
	t.Warnings = s.warnings()
	return t, nil
}

// Format is the format of the file, by its name or else by its content.
func (t *TextFile) Format() Format { return t.format }

// Table is the rows of CSV or TSV as text.
type Table struct {
	Columns  []string
	Rows     []TableRow
	Warnings []Warning
}

// TableRow is a row of a Table.
type TableRow struct {
	Line   int
	Fields []string // [columns] without blanks around them
}

// Table reads CSV or TSV of any dialect.
func (t *TextFile) Table() (*Table, error) {
	s := &source{name: t.Name, format: t.format, comma: t.comma, body: bytes.NewReader(t.Content)}
	d, err := newDecoder(s, Options{})
	if err != nil {
		return nil, err
	}
	table := &Table{Columns: d.columns()}
	row, rec := make([]value, len(table.Columns)), record{}
	for {
		err := d.next(row, &rec)
		if err == io.EOF {
			table.Warnings = warningsOf(s, d)
			return table, nil
		}
		if err != nil {
			return nil, inFile(t.Name, err)
		}
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = string(bytes.TrimSpace(v.text))
		}
		table.Rows = append(table.Rows, TableRow{rec.line, fields})
	}
}

// ParseTime is a time as a column of times has it: a number, or the seconds since 1970 of a
// timestamp.
func ParseTime(text string) (t float64, stamp bool, err error) {
	var c clock
	t, err = c.time(value{text: []byte(text)})
	return t, c.stamps, err
}

// TimeText is a time as a column of times might have it: a timestamp or a number in full.
func TimeText(t float64, stamp bool) string {
	if stamp {
		return time.UnixMicro(int64(math.Round(t * 1e6))).UTC().Format(time.RFC3339Nano)
	}
	return strconv.FormatFloat(t, 'f', -1, 64)
}

// ClassOf is the number of the class that a label means, which is not empty; Unlabelled for
// NA and the like where classes are numbers or words for yes and no.
func ClassOf(classes []string, label string) (int16, error) {
	return newGivenClasses(classes).class(label)
}

// SortLabels returns labels in the order of classes, each once: numbers by value and in their
// shortest form, then words.
func SortLabels(labels []string) []string {
	var all []string
	for _, text := range labels {
		if x, ok := labelNumber(text); ok {
			text = strconv.FormatFloat(x, 'f', -1, 64)
		}
		all = append(all, text)
	}
	slices.SortFunc(all, compareLabels)
	return slices.Compact(all)
}

// AreNumbers reports whether all labels are numbers.
func AreNumbers(labels []string) bool { return isNumbers(labels) }

// Closest returns the name that a slip of the keyboard would turn into want, or "".
func Closest(names []string, want string) string { return closest(names, want) }
