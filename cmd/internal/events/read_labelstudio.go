package events

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// regionKey is the type of Label Studio's regions of a time series, and the key of their labels.
const regionKey = "timeserieslabels"

// annotation is what a person has marked in the data of a task.
type annotation struct {
	name    string // of the data
	line    int
	regions []gjson.Result
}

// readTasks reads a Label Studio export of time series, in its form JSON or JSON_MIN.
func (l *List) readTasks(document gjson.Result, lines *lines) error {
	l.catalog, l.hashed, l.millis = true, true, true
	seen := map[string][]listed{}
	var err error
	tasks := 0
	document.ForEach(func(_, object gjson.Result) bool {
		line := lines.of(object)
		tasks++
		switch {
		case object.Get("annotations").IsArray() || object.Get("predictions").IsArray():
			err = l.addTask(line, object, lines, seen)
		case object.IsObject() && !isEventObject(object):
			err = l.addAnnotation(&annotation{name: dataName(object), line: line, regions: flatRegions(object)}, lines, seen)
		default:
			err = l.at(line, "", "it is no task of Label Studio (an export as JSON or JSON_MIN)")
		}
		return err == nil
	})
	if err == nil && tasks == 0 {
		err = l.at(0, "", "there is no task")
	}
	return err
}

// minimal is a table as an export in the form JSON_MIN, on the same lines, if it is one in the form CSV: regions are JSON in it.
func minimal(t *series.Table) []byte {
	regions := func(field string) bool {
		return strings.HasPrefix(field, "[{") && gjson.Get(field, "0."+regionKey).Exists() && gjson.Valid(field)
	}
	if !slices.ContainsFunc(t.Rows, func(r series.TableRow) bool { return slices.ContainsFunc(r.Fields, regions) }) {
		return nil
	}
	var export []byte
	line := 1
	for _, r := range t.Rows {
		task := map[string]any{}
		for k, field := range r.Fields {
			if task[t.Columns[k]] = field; regions(field) {
				task[t.Columns[k]] = json.RawMessage(field)
			}
		}
		object, err := json.Marshal(task)
		if err != nil {
			return nil
		}
		if export = append(export, ','); line < r.Line {
			export, line = append(export, strings.Repeat("\n", r.Line-line)...), r.Line
		}
		export = append(export, object...)
	}
	export[0] = '['
	return append(export, ']')
}

// isEventObject reports whether an object of a list looks like an event.
func isEventObject(object gjson.Result) bool {
	var names []string
	object.ForEach(func(key, _ gjson.Result) bool {
		names = append(names, key.Str)
		return true
	})
	return findColumns(names, "").start >= 0 && len(flatRegions(object)) == 0
}

// addTask adds the annotations of a task, which must not differ.
func (l *List) addTask(line int, object gjson.Result, lines *lines, seen map[string][]listed) error {
	name := dataName(object.Get("data"))
	predicted := len(object.Get("predictions").Array()) > 0
	count := 0
	var err error
	object.Get("annotations").ForEach(func(_, of gjson.Result) bool {
		if of.Get("was_cancelled").Bool() {
			return true
		}
		count++
		t := annotation{name: name, line: line}
		of.Get("result").ForEach(func(_, region gjson.Result) bool {
			if region.Get("type").Str == regionKey {
				t.regions = append(t.regions, region.Get("value"))
			}
			return true
		})
		err = l.addAnnotation(&t, lines, seen)
		return err == nil
	})
	if err != nil || count > 0 {
		return err
	}
	fault := "the task has no annotation"
	if predicted {
		fault += "; its predictions are no labels until someone has submitted them"
	}
	l.about(name, line, fault)
	return nil
}

// flatRegions are the regions of an object in JSON_MIN: the list of them under any key.
func flatRegions(object gjson.Result) []gjson.Result {
	var regions []gjson.Result
	object.ForEach(func(_, v gjson.Result) bool {
		if v.IsArray() && v.Get("0."+regionKey).Exists() {
			regions = append(regions, v.Array()...)
		}
		return true
	})
	return regions
}

// addAnnotation adds the events of an annotation, unless they are those of an earlier one of the
// same data.
func (l *List) addAnnotation(t *annotation, lines *lines, seen map[string][]listed) error {
	before := len(l.events)
	for _, region := range t.regions {
		if err := l.addRegion(lines.of(region), t.name, region); err != nil {
			return err
		}
	}
	added := slices.Clone(l.events[before:])
	earlier, again := seen[t.name]
	if !again {
		seen[t.name] = added
		l.about(t.name, t.line, "")
		return nil
	}
	if !sameEvents(earlier, added) {
		return l.at(t.line, "", "%q has two annotations that differ; export one of them alone, or cancel the other", t.name)
	}
	l.events = l.events[:before]
	return nil
}

func sameEvents(a, b []listed) bool {
	plain := func(all []listed) []Event {
		var events []Event
		for _, e := range all {
			events = append(events, e.Event)
		}
		slices.SortFunc(events, compareEvents)
		return events
	}
	return slices.Equal(plain(a), plain(b))
}

func compareEvents(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Label, b.Label))
}

func (l *List) addRegion(line int, name string, value gjson.Result) error {
	labels := value.Get(regionKey).Array()
	if len(labels) > 1 {
		return l.at(line, "", "a region has %d labels, and an event has one", len(labels))
	}
	label := ""
	if len(labels) == 1 {
		label = strings.TrimSpace(textOf(labels[0]))
	}
	start, end := textOf(value.Get("start")), textOf(value.Get("end"))
	if value.Get("instant").Bool() {
		end = ""
	}
	return l.add(line, name, start, end, label)
}

// dataName is the file that a task is about: its csv, or else the first value that looks like
// the name of a file with series; "" if there is none.
func dataName(data gjson.Result) string {
	if csv := data.Get("csv"); csv.Type == gjson.String {
		return pathOf(csv.Str)
	}
	name := ""
	data.ForEach(func(_, v gjson.Result) bool {
		if format, _ := table.FormatOf(pathOf(v.Str)); v.Type == gjson.String && format != "" {
			name = pathOf(v.Str)
		}
		return name == ""
	})
	return name
}

// pathOf is the path in a URL: that of a file in local storage is its parameter d.
func pathOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Path == "":
		return address
	case u.Query().Get("d") != "":
		return u.Query().Get("d")
	}
	return u.Path
}

// textOf is a value as text; nothing for null.
func textOf(v gjson.Result) string {
	if v.Type == gjson.String || v.Type == gjson.Null {
		return v.Str
	}
	return v.Raw
}
