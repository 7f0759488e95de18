package events

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// target is a series of the data, all its parts.
type target struct {
	name  string
	file  bool // it is called as its file
	parts []part

	unit  float64 // seconds of a unit of its times; 0: not known
	since bool    // they are since 1970
}

// part is consecutive rows of a target, as a gap in time divides them.
type part struct {
	data *series.Data
	series.Range
	byRow bool // events are by numbers of rows, whatever times are
	first int  // the number of its first row in the series
}

// at is when row i of p is, or its number.
func (p *part) at(i int) float64 {
	if p.data.Time != nil && !p.byRow {
		return p.data.Time[p.Start+i]
	}
	return float64(p.first + i)
}

var partNumber = regexp.MustCompile(` \([0-9]+\)$`)

// settle notes what the times of t are, and has events find its rows by their numbers, if that is what their times are.
func (m *marker) settle(t *target) {
	t.unit, t.since = unitOf(t.parts[0].data)
	for i := range t.parts {
		p := &t.parts[i]
		if p.byRow = m.byRow(p.data); p.byRow {
			whole := slices.IndexFunc(t.parts, func(other part) bool { return other.data == p.data })
			p.first = p.Start - t.parts[whole].Start
		}
	}
}

// targetsOf are the series of the data, in its order. Parts that a gap in time divides, if some
// are, and those of one name in several data, are one.
func targetsOf(all []*series.Data, divided bool) []*target {
	var targets []*target
	known := map[string]*target{}
	for _, d := range all {
		for _, r := range d.Series {
			name := r.Name
			if base := partNumber.ReplaceAllString(name, ""); divided && known[base] != nil {
				name = base
			}
			t := known[name]
			if t == nil {
				t = &target{name: name, file: name == r.File}
				known[name] = t
				targets = append(targets, t)
			}
			t.parts = append(t.parts, part{data: d, Range: r})
		}
	}
	return targets
}

// span is the first and the last time of t.
func (t *target) span() (first, last float64) {
	for i, p := range t.parts {
		from, to := p.at(0), p.at(p.Len()-1)
		if i == 0 || from < first {
			first = from
		}
		if i == 0 || to > last {
			last = to
		}
	}
	return first, last
}

// assign finds out which target each subject that is at hand means.
func (l *List) assign(targets []*target) (map[string]*target, error) {
	assigned := map[string]*target{}
	if _, nameless := l.known[""]; nameless {
		if len(l.subjects) > 1 {
			return nil, l.nameless()
		}
		only, err := l.soleTarget(targets)
		assigned[""] = only
		return assigned, err
	}
	how := map[string]int{}
	for _, t := range targets {
		s, likeness, err := l.subjectOf(t)
		switch {
		case err != nil:
			return nil, err
		case s == nil && l.catalog:
			return nil, l.noEntry(t)
		case s == nil || likeness < how[s.name]:
			continue
		case likeness == how[s.name]:
			return nil, l.at(s.line, "", "%q may be %q or %q", s.name, assigned[s.name].name, t.name)
		}
		assigned[s.name], how[s.name] = t, likeness
	}
	if l.catalog {
		return assigned, nil
	}
	for _, s := range l.subjects {
		if assigned[s.name] == nil {
			return nil, l.noSeries(s, targets)
		}
	}
	return assigned, nil
}

// nameless is the error for events some of which have a series and others not.
func (l *List) nameless() error {
	s := l.subjects[l.known[""]]
	if l.catalog {
		return l.at(s.line, "", "the task names no file of data, and others do")
	}
	return l.at(s.line, l.seriesColumn, "the event has no series, and others have one")
}

// soleTarget is what events without a series are about: the only one there is, or several that
// time tells apart.
func (l *List) soleTarget(targets []*target) (*target, error) {
	if s := l.subjects[l.known[""]]; s.fault != "" {
		return nil, l.at(s.line, "", "%s", s.fault)
	}
	if len(targets) == 1 {
		return targets[0], nil
	}
	ambiguous := l.at(0, "", "events have no series, and the data has %d whose times overlap: a column series says which (%s)", len(targets), table.List(namesOf(targets)))
	for _, t := range targets {
		if d := t.parts[0].data; d.Time == nil || l.byRow(d) {
			return nil, ambiguous
		}
	}
	ordered := slices.SortedFunc(slices.Values(targets), func(a, b *target) int {
		first, _ := a.span()
		other, _ := b.span()
		return cmp.Compare(first, other)
	})
	all := &target{name: fmt.Sprintf("%d in all", len(targets))}
	for i, t := range ordered {
		if first, _ := t.span(); i > 0 {
			if _, last := ordered[i-1].span(); first <= last {
				return nil, ambiguous
			}
		}
		all.parts = append(all.parts, t.parts...)
	}
	return all, nil
}

// exactly is the likeness of equal names.
const exactly = 1 << 30

// subjectOf is the subject whose name is the most like that of t, nil if none is like it.
func (l *List) subjectOf(t *target) (best *subject, likeness int, err error) {
	if i, known := l.known[t.name]; known {
		best, likeness = &l.subjects[i], exactly
	} else if t.file {
		tie := false
		for i := range l.subjects {
			switch n := l.likeness(l.subjects[i].name, t.name); {
			case n > likeness:
				best, likeness, tie = &l.subjects[i], n, false
			case n > 0 && n == likeness:
				tie = true
			}
		}
		if tie {
			return nil, 0, l.at(best.line, "", "%q may be %q, and so may others", t.name, best.name)
		}
	}
	if best != nil && best.fault != "" {
		return nil, 0, l.at(best.line, "", "%q: %s", best.name, best.fault)
	}
	return best, likeness, nil
}

// hash is what Label Studio puts before the name of a file that is uploaded.
var hash = regexp.MustCompile(`^[0-9a-f]{8}-`)

// likeness is how many of the last parts of two paths are the same.
func (l *List) likeness(subject, file string) int {
	a, b := splitPath(subject), splitPath(file)
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	if stem(a) == stem(b) && n == 0 {
		return 1
	}
	if n == 0 && l.hashed && hash.ReplaceAllString(a[len(a)-1], "") == b[len(b)-1] {
		return 1
	}
	return n
}

// stem is the last part of a path without its ending.
func stem(path []string) string {
	last := path[len(path)-1]
	return strings.TrimSuffix(last, filepath.Ext(last))
}

// splitPath is the parts of a path of any system in lower case, without what names a compression.
func splitPath(path string) []string {
	path = strings.ToLower(strings.ReplaceAll(path, `\`, "/"))
	if _, packed := table.FormatOf(path); packed != table.Plain {
		path = path[:strings.LastIndexByte(path, '.')]
	}
	return strings.Split(path, "/")
}

// noEntry is the error for data that the file does not know.
func (l *List) noEntry(t *target) error {
	return l.at(0, "", "there is no entry for %q; %s", t.name, nearNames(l.names(), t.name))
}

// noSeries is the error for a series that the data does not have.
func (l *List) noSeries(s subject, targets []*target) error {
	return l.at(s.line, l.seriesColumn, "the data has no series %q; %s", s.name, nearNames(namesOf(targets), s.name))
}

func namesOf(targets []*target) (names []string) {
	for _, t := range targets {
		names = append(names, t.name)
	}
	return names
}

func (l *List) names() []string {
	var names []string
	for _, s := range l.subjects {
		names = append(names, s.name)
	}
	return names
}

// nearNames says what there is in place of a name.
func nearNames(names []string, want string) string {
	base := filepath.Base(want)
	if near := table.Closest(names, want); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	for _, name := range names {
		if table.Closest([]string{filepath.Base(name)}, base) != "" {
			return fmt.Sprintf("did you mean %q?", name)
		}
	}
	return "there is: " + table.List(names)
}
