package table

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// List joins names for people to read on one line: the first and the last when
// there are many, and of long or unprintable ones an excerpt.
func List(names []string) string {
	const most, long = 20, 60
	var shown []string
	for _, name := range names {
		if len(name) > long || strings.ContainsFunc(name, unicode.IsControl) {
			name = Excerpt([]byte(name))
		}
		shown = append(shown, name)
	}
	if n := len(shown); n > most {
		return fmt.Sprintf("%s, … %s (%d in all)", strings.Join(shown[:most/2], ", "), shown[n-1], n)
	}
	return strings.Join(shown, ", ")
}

// Closest returns the name that a slip of the keyboard would turn into want, or
// "".
func Closest(names []string, want string) string {
	best, least := "", (1+len(want))/3
	for _, name := range names {
		if n := edits(strings.ToLower(name), strings.ToLower(want)); name != "" && n <= least {
			best, least = name, n-1
		}
	}
	return best
}

// edits is the number of single-byte insertions, deletions, substitutions and
// swaps of neighbours between a and b (optimal string alignment).
func edits(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,+@%-]+$`)

// ShellWord is text as a shell takes it for one word.
func ShellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
