package events

import (
	"cmp"
	"slices"

	"github.com/tidwall/gjson"
)

// isWindows reports whether a document is labels as the Numenta Anomaly Benchmark keeps them:
// an object with a list for each file, of windows or of times. Numbers that do not rise are a column of a table.
func isWindows(document gjson.Result) bool {
	if !document.IsObject() {
		return false
	}
	all, any := true, false
	document.ForEach(func(_, v gjson.Result) bool {
		any = true
		list := v.Array()
		all = v.IsArray() && slices.IsSortedFunc(list, func(a, b gjson.Result) int {
			if a.Type != gjson.Number || b.Type != gjson.Number {
				return 0
			}
			return cmp.Compare(a.Num, b.Num)
		})
		return all
	})
	return all && any
}

// readWindows reads, for each file, windows [start, end] or instants. They have no labels.
func (l *List) readWindows(document gjson.Result, lines *lines) error {
	l.catalog = true
	var err error
	document.ForEach(func(key, windows gjson.Result) bool {
		name := key.Str
		if name == "" {
			err = l.at(lines.of(windows), "", "the name of a file is empty")
			return false
		}
		l.about(name, lines.of(key), "")
		windows.ForEach(func(_, w gjson.Result) bool {
			err = l.addWindow(lines.of(w), name, w)
			return err == nil
		})
		return err == nil
	})
	return err
}

func (l *List) addWindow(line int, name string, w gjson.Result) error {
	if w.Type == gjson.String || w.Type == gjson.Number {
		return l.add(line, name, textOf(w), "", "")
	}
	ends := w.Array()
	if !w.IsArray() || len(ends) != 2 {
		return l.at(line, "", "%q has what is neither a time nor a window of two, [start, end]", name)
	}
	for _, t := range ends {
		if t.Type != gjson.String && t.Type != gjson.Number || textOf(t) == "" {
			return l.at(line, "", "%q has a window of which start or end is no time", name)
		}
	}
	return l.add(line, name, textOf(ends[0]), textOf(ends[1]), "")
}
