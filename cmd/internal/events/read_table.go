package events

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// Names of columns, in lower case. That of the start may be one of several, as a list of
// instants has no other time.
var (
	startColumns = []string{"start", "time", "timestamp", "sample"}
	endColumn    = "end"
	labelColumn  = "label"
	seriesColumn = "series"
)

// row is what a row of a table has, by the names of the columns in lower case.
type row func(column string) string

// addRow adds the event of a row, the start of which is in the given column.
func (l *List) addRow(line int, start string, of row) error {
	name := of(seriesColumn)
	l.about(name, line, "")
	return l.add(line, name, of(start), of(endColumn), of(labelColumn))
}

// findStart returns the first column there is that holds starts, "" if there is none.
func findStart(has func(column string) bool) string {
	for _, name := range startColumns {
		if has(name) {
			return name
		}
	}
	return ""
}

func (l *List) readTable(text *series.TextFile) error {
	table, err := text.Table()
	if err != nil {
		return err
	}
	l.Warnings = append(l.Warnings, table.Warnings...)
	index := map[string]int{}
	for i, name := range table.Columns {
		index[strings.ToLower(strings.TrimSpace(name))] = i
	}
	start := findStart(func(column string) bool { _, has := index[column]; return has })
	if start == "" {
		return l.at(1, "", "a list of events has a column start (or time, timestamp or sample) and, unless they are instants, end; columns: %s", series.List(table.Columns))
	}
	for _, r := range table.Rows {
		err := l.addRow(r.Line, start, func(column string) string {
			if i, has := index[column]; has {
				return r.Fields[i]
			}
			return ""
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readLines reads JSON lines. Each object has the columns that its event needs.
func (l *List) readLines(content []byte) error {
	line := 0
	for text := range bytes.Lines(content) {
		line++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if text[0] != '{' || !json.Valid(text) {
			return l.at(line, "", "it is neither a JSON object on one line nor part of one JSON document")
		}
		fields := map[string]string{}
		gjson.ParseBytes(text).ForEach(func(key, v gjson.Result) bool {
			fields[strings.ToLower(key.Str)] = strings.TrimSpace(textOf(v))
			return true
		})
		start := findStart(func(column string) bool { return fields[column] != "" })
		if start == "" {
			return l.at(line, "", "the event has no start (or time, timestamp or sample)")
		}
		if err := l.addRow(line, start, func(column string) string { return fields[column] }); err != nil {
			return err
		}
	}
	return nil
}

// textOf is a value as text; nothing for null.
func textOf(v gjson.Result) string {
	if v.Type == gjson.String || v.Type == gjson.Null {
		return v.Str
	}
	return v.Raw
}
