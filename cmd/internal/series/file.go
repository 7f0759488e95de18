package series

import (
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Table is rows as text.
type Table struct {
	Columns  []string
	Rows     []TableRow
	Warnings []table.Warning
}

// TableRow is a row of a Table.
type TableRow struct {
	Line   int
	Fields []string // [columns] without blanks around them; "" where a value is missing
}

// NewTable reads the rows of a file of any format, with the keys of all objects of JSON lines. Without a header CSV
// and TSV have the columns 1, 2 and so on. With an error come the rows before it.
func NewTable(f *table.File, noHeader bool) (*Table, error) {
	r, err := f.Open(table.Options{NoHeader: noHeader, AllKeys: true})
	if err != nil {
		return nil, err
	}
	in := newInput(r, Options{})
	t := &Table{}
	for b := new(table.Batch); err == nil; {
		err = in.Next(b, chunkRows)
		for i := range b.Len() {
			in.at(b, i)
			row := TableRow{Line: in.line()}
			for k := range b.Columns {
				row.Fields = append(row.Fields, string(in.value(k).appendText(nil)))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Columns, t.Warnings = in.Columns(), in.warnings()
	for i, r := range t.Rows { // whose objects came before some keys
		t.Rows[i].Fields = append(r.Fields, make([]string, len(t.Columns)-len(r.Fields))...)
	}
	if err == io.EOF {
		err = nil
	}
	return t, err
}

// ParseTime is a time as a column of times has it: a number, or the seconds since 1970 of a
// timestamp, either of which it may be.
func ParseTime(text string, of Times) (t float64, stamp bool, err error) {
	of.TimeKind = ""
	c, err := newClock(of)
	if err != nil {
		return 0, false, err
	}
	t, err = c.time(&value{text: []byte(text)})
	return t, c.stamps, err
}

// TimeText is a time as a column of times might have it: a timestamp or a number in full.
func TimeText(t float64, stamp bool) string {
	if stamp {
		return time.UnixMicro(int64(math.Round(t * 1e6))).UTC().Format(time.RFC3339Nano)
	}
	return strconv.FormatFloat(t, 'f', -1, 64)
}

// ClassesOf are the classes of labels, which come so often each, and which is the background of words.
func ClassesOf(labels []string, count []int) (names []string, note string, err error) {
	var o openClasses
	var rows []int
	for k, text := range labels {
		i, err := o.class(text)
		if err != nil {
			return nil, "", err
		}
		if int(i) == len(rows) {
			rows = append(rows, 0)
		}
		rows[i] += count[k]
	}
	names, _, reason, err := o.settle(rows)
	if err == nil && reason != "" {
		note = backgroundNote(names, reason)
	}
	return names, note, err
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
