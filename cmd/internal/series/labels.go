package series

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

// Unlabelled marks a step without a label.
const Unlabelled = -1

// labeler turns label values into numbers of classes, or Unlabelled.
type labeler struct {
	classifier
	known map[string]int16 // what texts are
	text  []byte           // of the last label
	last  int16            // its class; unknown before the first
}

// classifier decides once for each text, which is not empty.
type classifier interface {
	class(text string) (int16, error)
}

const (
	unknown   = math.MinInt16
	mostKnown = 1000 // texts that a labeler remembers
)

// newLabeler returns one for Options.Positive or Options.Classes or, without either, for
// classes that are still to be found out.
func newLabeler(o Options) *labeler {
	l := &labeler{known: map[string]int16{}, last: unknown}
	switch {
	case o.Positive != "":
		l.classifier = &positiveClass{value: o.Positive}
	case len(o.Classes) > 0:
		l.classifier = newGivenClasses(o.Classes)
	default:
		l.classifier = &openClasses{}
	}
	return l
}

// label returns the class of v.
func (l *labeler) label(v *value) (int16, error) {
	if l.last != unknown && v.kind != numberKind && bytes.Equal(v.text, l.text) {
		return l.last, nil
	}
	l.last = unknown
	if l.text = v.appendText(l.text[:0]); len(l.text) == 0 {
		return Unlabelled, nil
	}
	class, known := l.known[string(l.text)]
	if !known {
		var err error
		if class, err = l.class(string(l.text)); err != nil {
			return 0, err
		}
		if len(l.known) < mostKnown {
			l.known[string(l.text)] = class
		}
	}
	l.last = class
	return class, nil
}

// settle returns the classes of all labels, which it gives their final numbers. Classes that are words have
// a reason for their order.
func (l *labeler) settle(labels []int16) (names []string, reason string, err error) {
	switch c := l.classifier.(type) {
	case *givenClasses:
		return c.names, "", nil
	case *openClasses:
		names, numbers, reason, err := c.settle(c.count(labels))
		if err != nil {
			return nil, "", err
		}
		for i, provisional := range labels {
			if provisional != Unlabelled {
				labels[i] = numbers[provisional]
			}
		}
		return names, reason, nil
	}
	return zeroOne, "", nil
}

// zeroOne are the classes of labels that mean no and yes.
var zeroOne = []string{"0", "1"}

// PositiveLabels are those that Options.Positive makes 1: several with commas between, or a label that has commas itself.
func PositiveLabels(positive string) []string {
	labels := []string{positive}
	for label := range strings.SplitSeq(positive, ",") {
		if label = strings.TrimSpace(label); label != "" && label != positive {
			labels = append(labels, label)
		}
	}
	return labels
}

// positiveClass makes some values 1 and every other 0.
type positiveClass struct {
	value  string
	others []string // the first few
}

// mostOthers is how many other values there are to name in an error.
const mostOthers = 20

func (p *positiveClass) class(text string) (int16, error) {
	values := PositiveLabels(p.value)
	switch {
	case slices.ContainsFunc(values, func(value string) bool { return text == value || sameNumber(text, value) }):
		return 1, nil
	case isPlain(values[min(1, len(values)-1):]) && table.IsMissing([]byte(text)):
		return Unlabelled, nil
	}
	if len(p.others) < mostOthers && !slices.Contains(p.others, text) {
		p.others = append(p.others, text)
	}
	return 0, nil
}

// givenClasses are those of Options.Classes.
type givenClasses struct {
	names []string
	plain bool // NA and the like mean that there is no label
	yesNo bool // a word for yes or no means the class that does
}

func newGivenClasses(names []string) *givenClasses {
	g := &givenClasses{names: names, plain: isPlain(names)}
	if len(names) == 2 {
		a, b := meaning(names[0]), meaning(names[1])
		g.yesNo = min(a, b) == no && max(a, b) == yes
	}
	return g
}

func (g *givenClasses) class(text string) (int16, error) {
	for _, same := range []func(name string) bool{
		func(name string) bool { return name == text },
		func(name string) bool { return sameNumber(name, text) },
		func(name string) bool { return g.yesNo && meaning(name) == meaning(text) },
	} {
		if i := slices.IndexFunc(g.names, same); i >= 0 {
			return int16(i), nil
		}
	}
	if g.plain && table.IsMissing([]byte(text)) {
		return Unlabelled, nil
	}
	return 0, g.noClass(text)
}

// noClass is the error for a label that is none of the classes.
func (g *givenClasses) noClass(text string) error {
	reason := fmt.Sprintf("the label is %s, which is none of the classes %s", table.Excerpt([]byte(text)), table.List(g.names))
	similar := table.Closest(g.names, text)
	switch {
	case table.IsMissing([]byte(text)):
		reason += "; an empty one leaves the row unlabelled"
	case slices.Equal(g.names, zeroOne):
		reason += fmt.Sprintf(" (with Options.Positive %s that value means 1 and every other 0)", text)
	case similar != "":
		reason += fmt.Sprintf("; did you mean %q?", similar)
	}
	return errors.New(reason)
}

// openClasses are those of all labels that come, numbered in that order.
type openClasses struct {
	labels []string // numbers in their shortest form
}

// mostClasses is how many classes are found out: with more, labels look like something else.
const mostClasses = 100

func (o *openClasses) class(text string) (int16, error) {
	if x, ok := labelNumber(text); ok {
		if x != math.Trunc(x) {
			return 0, fmt.Errorf("the label is %s, a number with a fraction: the column looks like a measurement (Options.Label names another)", table.Excerpt([]byte(text)))
		}
		text = strconv.FormatFloat(x, 'f', -1, 64)
	}
	if i := slices.Index(o.labels, text); i >= 0 {
		return int16(i), nil
	}
	if len(o.labels) == mostClasses {
		return 0, fmt.Errorf("the label is %s, and %d others came before it: the column looks like a measurement (Options.Label names another; Options.Classes lists classes of any number)",
			table.Excerpt([]byte(text)), mostClasses)
	}
	o.labels = append(o.labels, text)
	return int16(len(o.labels) - 1), nil
}

// settle returns the classes in their order, the reason for it if they are words, and the number there of
// each label, which has so many rows.
func (o *openClasses) settle(rows []int) (names []string, numbers []int16, reason string, err error) {
	said := slices.DeleteFunc(slices.Clone(o.labels), func(text string) bool { return table.IsMissing([]byte(text)) })
	names = yesNoNames(said)
	if names == nil && AreNumbers(said) {
		names = slices.SortedFunc(slices.Values(said), compareLabels)
	}
	if names == nil {
		names, reason = orderWords(o.labels, rows)
	}
	if len(names) == 1 {
		return nil, nil, "", fmt.Errorf("every label is %s, so there is nothing to tell apart (Options.Classes names others that there may be)", table.Excerpt([]byte(names[0])))
	}
	given := newGivenClasses(names)
	for _, text := range o.labels {
		number, err := given.class(text)
		if err != nil {
			return nil, nil, "", err
		}
		numbers = append(numbers, number)
	}
	return names, numbers, reason, nil
}

// count is how many rows have each label.
func (o *openClasses) count(labels []int16) []int {
	rows := make([]int, len(o.labels))
	for _, provisional := range labels {
		if provisional != Unlabelled {
			rows[provisional]++
		}
	}
	return rows
}

// backgrounds are what the class of uneventful rows is called, in lower case.
var backgrounds = []string{"ok", "normal", "none", "background", "nominal", "running", "rest", "inactive", "0"}

// IsBackground reports whether a label is a word for uneventful rows.
func IsBackground(label string) bool { return slices.Contains(backgrounds, strings.ToLower(label)) }

// alsoRuns are what those do that run as people do, not as machines, in lower case.
var alsoRuns = []string{"walking", "walk", "standing", "sitting", "lying", "jogging", "cycling"}

// orderWords returns words, the labels of so many rows each, in the order of classes: first the background, which is
// one that is called so or else the most frequent, then the others by the alphabet. The reason tells which.
func orderWords(labels []string, rows []int) (names []string, reason string) {
	names = slices.SortedFunc(slices.Values(labels), compareLabels)
	of := func(name string) int { return rows[slices.Index(labels, name)] }
	first := 0
	person := slices.ContainsFunc(labels, func(text string) bool { return slices.Contains(alsoRuns, strings.ToLower(text)) })
	uneventful := func(name string) bool { return IsBackground(name) && !(person && strings.EqualFold(name, "running")) }
	for i, name := range names {
		called, than := uneventful(name), uneventful(names[first])
		if called && !than || called == than && of(name) > of(names[first]) {
			first = i
		}
	}
	background := names[first]
	names = slices.Insert(slices.Delete(names, first, first+1), 0, background)
	reason = "the most frequent"
	if uneventful(background) {
		reason = "by its name"
	}
	return names, reason
}

// backgroundNote says which class is the background, and how to say otherwise.
func backgroundNote(classes []string, reason string) string {
	return fmt.Sprintf("%s is the background class, %s; the others make events (Options.Classes with another one first says otherwise)", table.Excerpt([]byte(classes[0])), reason)
}

// classNotes name the classes that seem to be one, and numbers that may stand for no label, and tell of rows that lack one if they are many.
func classNotes(classes []string, unlabelled, rows int) (notes []string) {
	const part = 3
	if part*unlabelled >= rows && unlabelled > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d rows have no label, and nothing is learned from them (if they are of a class, such as none, or that of the row before, it must be written there)", unlabelled, rows))
	}
	plain := func(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), "")) }
	for i, name := range classes {
		if k := slices.IndexFunc(classes[:i], func(other string) bool { return plain(name) == plain(other) }); k >= 0 {
			notes = append(notes, fmt.Sprintf("%s and %s are two classes, which differ in capital letters or blanks only", table.Excerpt([]byte(classes[k])), table.Excerpt([]byte(name))))
		} else if k := slices.IndexFunc(classes[:i], func(other string) bool {
			return meaning(name) != neither && meaning(name) == meaning(other) && plain(name)[0] == plain(other)[0]
		}); k >= 0 {
			notes = append(notes, fmt.Sprintf("%s and %s are two classes, as other labels mean neither yes nor no", table.Excerpt([]byte(classes[k])), table.Excerpt([]byte(name))))
		}
		if nines.MatchString(name) || strings.HasPrefix(name, "#") || name != "" && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			notes = append(notes, fmt.Sprintf("%s is a class; if it means that there is no label, Options.NAValues %[1]s counts it so", table.ShellWord(name)))
		}
	}
	return notes
}

// nines are numbers that often stand for a missing value.
var nines = regexp.MustCompile(`^-99+(\.9+)?$`)

// compareLabels orders numbers by value and before text.
func compareLabels(a, b string) int {
	x, isNumber := labelNumber(a)
	y, other := labelNumber(b)
	switch {
	case isNumber && other:
		return cmp.Compare(x, y)
	case isNumber:
		return -1
	case other:
		return 1
	}
	return strings.Compare(a, b)
}

// What a word may mean. The order is that of the classes.
const (
	neither = iota
	no
	yes
)

// yesNoWords are words for no and yes, in lower case.
var yesNoWords = [][2]string{{"0", "1"}, {"no", "yes"}, {"false", "true"}, {"n", "y"}, {"f", "t"}, {"off", "on"}, {"nein", "ja"}, {"non", "oui"}}

func meaning(text string) int {
	for _, pair := range yesNoWords {
		if strings.EqualFold(text, pair[0]) {
			return no
		}
		if strings.EqualFold(text, pair[1]) {
			return yes
		}
	}
	return neither
}

// yesNoNames are the names of the two classes if all labels are words for no and yes: those
// words where they are of one pair, else 0 and 1; nil if they are not. A single letter means
// that only beside its own other.
func yesNoNames(labels []string) []string {
	var lower, long []string
	for _, text := range labels {
		lower = append(lower, strings.ToLower(text))
	}
	for _, pair := range yesNoWords {
		if subset(lower, pair[:]) {
			return namesOfPair(labels, lower, pair)
		}
		if len(pair[0]) > 1 || pair[0] == "0" {
			long = append(long, pair[:]...)
		}
	}
	if subset(lower, long) {
		return zeroOne
	}
	return nil
}

// namesOfPair are the words of a pair as the labels have them, in their letters where there
// is only one of them.
func namesOfPair(labels, lower []string, pair [2]string) []string {
	names := make([]string, 2)
	for i, word := range pair {
		if at := slices.Index(lower, word); at >= 0 {
			names[i] = labels[at]
		}
	}
	for i, word := range pair {
		switch other := names[1-i]; {
		case names[i] != "":
		case other == strings.ToUpper(other):
			names[i] = strings.ToUpper(word)
		case other != strings.ToLower(other):
			names[i] = strings.ToUpper(word[:1]) + word[1:]
		default:
			names[i] = word
		}
	}
	return names
}

// isPlain reports whether all labels are numbers, or all words for yes and no: NA among them
// then is no label but a missing one, as R writes it.
func isPlain(labels []string) bool {
	return AreNumbers(labels) || !slices.ContainsFunc(labels, func(text string) bool { return meaning(text) == neither })
}

// AreNumbers reports whether all labels are numbers.
func AreNumbers(labels []string) bool {
	return !slices.ContainsFunc(labels, func(text string) bool { _, ok := labelNumber(text); return !ok })
}

// labelNumber is a label as a number, if it is one that float64 holds exactly enough to tell
// it from others.
func labelNumber(text string) (float64, bool) {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false // words for infinity, hexadecimal numbers
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && math.Abs(x) <= table.ExactInt
}

func sameNumber(a, b string) bool {
	x, ok := labelNumber(a)
	y, other := labelNumber(b)
	return ok && other && x == y
}

// subset reports whether all of a are in b.
func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(text string) bool { return !slices.Contains(b, text) })
}
