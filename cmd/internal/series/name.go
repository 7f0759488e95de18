package series

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Name is what the name of a column says, above all of times.
type Name struct {
	Plain string  // its words in lower case, with _ between
	Rest  string  // likewise, without those about times
	Time  bool    // it has a word for times
	Rows  bool    // or for numbers of rows
	Unit  float64 // of times, in seconds; 0: not known
}

// Words about times.
var (
	timeWords  = []string{"time", "stamp", "date", "ts", "t"}
	rowWords   = []string{"sample", "samples", "frame", "row", "idx", "index"}
	otherWords = []string{"event", "utc", "local", "valid", "relative"}
	unitWords  = map[string]float64{"ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1, "sec": 1, "secs": 1, "seconds": 1, "ss": 1, "sf": 1, "min": 60, "mins": 60, "minutes": 60, "h": 3600, "hours": 3600, "days": 86400, "hh": 1, "mm": 1}
)

var betweenWords = regexp.MustCompile(`(\p{Ll})(\p{Lu})`)

// ParseName takes a name apart, such as startTime_ms or Date Time (s).
func ParseName(name string) (n Name) {
	name = strings.ReplaceAll(strings.ToLower(betweenWords.ReplaceAllString(name, "${1}_${2}")), "time", "_time_")
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	n.Plain = strings.Join(words, "_")
	var rest []string
	for i, word := range words {
		unit := unitWords[word]
		switch {
		case slices.Contains(timeWords, word):
			n.Time = true
		case slices.Contains(rowWords, word):
			n.Rows = true
		case unit > 0 && i > 0 && n.Plain != "t_min": // which is a temperature
			n.Unit = cmp.Or(n.Unit, unit) // the first of several, as in ss.msec
		case !slices.Contains(otherWords, word):
			rest = append(rest, word)
		}
	}
	n.Rest = strings.Join(rest, "_")
	return n
}
