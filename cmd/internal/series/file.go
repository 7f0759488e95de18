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

	"github.com/tidwall/gjson"
)

// File is a file that was read whole.
type File struct {
	Name     string // for messages
	Content  []byte // decompressed; text as UTF-8
	Warnings []Warning

	format Format
	comma  byte
}

// ReadFile reads a file, or standard input for Stdin.
func ReadFile(ctx context.Context, path string) (*File, error) {
	s, err := openSource(ctx, path, os.Stdin, Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f := &File{Name: s.name, format: s.format, comma: s.comma}
	if f.Content, err = io.ReadAll(s.body); err != nil {
		return nil, inFile(s.name, err)
	}
	if !f.format.typed() {
		f.Content = bytes.TrimPrefix(f.Content, []byte(utf8BOM))
	}
	f.Warnings = s.warnings()
	return f, nil
}

// Table is rows as text.
type Table struct {
	Columns  []string
	Rows     []TableRow
	Warnings []Warning
}

// TableRow is a row of a Table.
type TableRow struct {
	Line   int
	Fields []string // [columns] without blanks around them; "" where a value is missing
}

// Table reads the rows of any format. Without a header CSV and TSV have the columns 1, 2 and so on. With
// an error come the rows before it.
func (f *File) Table(noHeader bool) (*Table, error) {
	if f.format == JSONL {
		return f.objects()
	}
	content := bytes.NewReader(f.Content)
	s := &source{name: f.Name, format: f.format, comma: f.comma, body: content, stored: content, size: content.Size(), plain: true}
	d, err := newDecoder(s, Options{NoHeader: noHeader})
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
			return table, inFile(f.Name, err)
		}
		d.split(&rec, row) // as text
		table.Rows = append(table.Rows, TableRow{rec.line, fieldTexts(row)})
	}
}

func fieldTexts(row []value) []string {
	fields := make([]string, len(row))
	for i, v := range row {
		fields[i] = string(bytes.TrimSpace(v.appendText(nil)))
	}
	return fields
}

// objects reads JSON lines, whose columns are the keys of all of them.
func (f *File) objects() (*Table, error) {
	d := jsonDecoder{buf: newLineBuffer(bytes.NewReader(f.Content)), index: map[string]int{}}
	table := &Table{}
	for {
		object, err := d.peekObject()
		if err == io.EOF {
			break
		}
		if err != nil {
			return table, inFile(f.Name, err)
		}
		d.buf.consume(len(object), 1)
		row := make([]value, len(table.Columns))
		gjson.ParseBytes(object).ForEach(func(key, v gjson.Result) bool {
			i, known := d.index[key.Str]
			if !known {
				i, d.index[key.Str] = len(row), len(row)
				table.Columns, row = append(table.Columns, key.Str), append(row, value{})
			}
			row[i] = jsonValue(v)
			return true
		})
		table.Rows = append(table.Rows, TableRow{d.buf.line, fieldTexts(row)})
	}
	for i, r := range table.Rows { // whose objects came before some keys
		table.Rows[i].Fields = append(r.Fields, make([]string, len(table.Columns)-len(r.Fields))...)
	}
	return table, nil
}

// ParseTime is a time as a column of times has it: a number, or the seconds since 1970 of a
// timestamp, of a format of strftime unless that is "".
func ParseTime(text, format string) (t float64, stamp bool, err error) {
	var c clock
	if c.format, err = parseTimeFormat(format); err != nil {
		return 0, false, err
	}
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
