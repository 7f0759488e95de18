package series

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	littered  = strings.NewReplacer("\u200e", "", "\u200f", "", "\u00a0", " ", "\u202f", " ", "年", "-", "月", "-", "日", " ", "時", ":", "分", ":", "秒", "", " @ ", " ", ", ", " ", "_", " ", "'", "", "[", "", "]", "")
	halfOfDay = regexp.MustCompile(`(?i)([0-9]) ?([ap])(?:\.? ?m)?\.?( UTC)?$`)
	wordIn    = regexp.MustCompile(`[-. /]*\p{L}+[-. /]*`)
	spaced    = regexp.MustCompile(`([0-9]\.) +`) // as in 15. 1. 2024
	partOf    = regexp.MustCompile(`^([0-9]{4})-?([WQMwqm])([0-9]{1,2})(?:-?([1-7]))?$`)
	firstWord = regexp.MustCompile(`^\p{L}[^0-9]*`)
	dateFirst = regexp.MustCompile(`^([0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{8}|[0-9]{1,2}[-./](?:[0-9]{1,2}|[A-Z][a-z]{2})[-./][0-9]{2,4}|[A-Z][a-z]{2}-[0-9]{1,2} [0-9]{4})` +
		`(?:[-_ T:]+([0-9][-0-9.:,H]*?))?( [AP]M)?( ?Z| UTC| ?[-+][0-9]{2}:?[0-9]{2}| ?\+[0-9]{2})?$`)
)

// monthNames are those of the months in English, German, French, Italian, Spanish and languages like these.
var monthNames = [12]string{"january januar janvier gennaio enero janeiro", "february februar février fevrier febbraio febrero fevereiro",
	"march märz mrz mars marzo março maart", "april avril aprile abril", "may mai maggio mayo maio mei maj", "june juni juin giugno junho",
	"july juli juillet luglio julho", "august août aout agosto", "september settembre setembro", "october oktober ottobre outubro",
	"november", "december dezember décembre dicembre desember"}

// partOfYear is the first day of a week, a quarter or a month as in 2024-W03-1, 1990Q1 and 1990m1; text if it is none.
func partOfYear(text string) string {
	m := partOf.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	year, _ := strconv.Atoi(m[1])
	n, _ := strconv.Atoi(m[3])
	day, _ := strconv.Atoi(m[4])
	switch letter := m[2][0] &^ 0x20; {
	case letter == 'W' && n >= 1 && n <= 53:
		fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // which is in the first week
		return fourth.AddDate(0, 0, 7*(n-1)+max(day-1, 0)-int(fourth.Weekday()+6)%7).Format("2006/1/2")
	case letter == 'Q' && n >= 1 && n <= 4 && m[4] == "":
		return fmt.Sprintf("%d/%d/1", year, 3*n-2)
	case letter == 'M' && n >= 1 && n <= 12 && m[4] == "":
		return fmt.Sprintf("%d/%d/1", year, n)
	}
	return text
}

// tidied is a timestamp that people and programs write in other ways, such as 15JAN2024:08.00.00 or January 15th, 2024 @ 8:00 a.m., as
// timeLayouts have it.
func tidied(text string) string {
	if rest := firstWord.ReplaceAllString(text, ""); rest != text { // perhaps a day of the week
		if date := tidied(rest); dateFirst.MatchString(date) {
			return date
		}
	}
	if begin, end, is := strings.Cut(text, " - "); is && strings.Contains(begin, ":") && strings.Contains(end, ":") { // of an interval
		text = begin
	}
	text = spaced.ReplaceAllString(littered.Replace(partOfYear(text)), "$1")
	text = halfOfDay.ReplaceAllString(text, "$1 ${2}M$3")
	text = wordIn.ReplaceAllStringFunc(text, func(w string) string {
		word := strings.ToLower(strings.Trim(w, "-. /"))
		begins := func(name fmt.Stringer) bool {
			return len(word) >= 3 && strings.HasPrefix(strings.ToLower(name.String()), word)
		}
		for i, names := range monthNames {
			if strings.Contains(" "+names, " "+word) && len(word) >= 3 {
				return "-" + time.Month(i + 1).String()[:3] + "-"
			}
		}
		for d := time.Sunday; d <= time.Saturday; d++ {
			if begins(d) {
				return " "
			}
		}
		if slices.Contains([]string{"st", "nd", "rd", "th", "d", "de", "uhr"}, word) {
			return " "
		}
		return strings.ToUpper(w)
	})
	m := dateFirst.FindStringSubmatch(strings.Trim(strings.NewReplacer(" -", "-", "- ", "-").Replace(text), "- :"))
	if m == nil {
		return text
	}
	date, clock := m[1], m[2]
	if strings.IndexAny(date, "-.") == len("2006") {
		date = strings.NewReplacer("-", "/", ".", "/").Replace(date)
	}
	if clock != "" {
		clock = " " + string(withColons([]byte(clock)))
	}
	return date + clock + m[3] + m[4]
}

// withColons puts a time of the day as timeLayouts have it.
func withColons(clock []byte) []byte {
	for i, marks := 0, 0; i < len(clock); i++ {
		if strings.IndexByte(".:,-H", clock[i]) >= 0 {
			clock[i] = "::."[min(marks, 2)]
			marks++
		}
	}
	return clock
}
