package events

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// readList reads events from a file of the given name and content.
func readList(t *testing.T, name, content string) (*List, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	writeFile(t, name, content)
	return Read(t.Context(), name, series.Options{Series: "machine"})
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// rowsOf is a series of n rows without a time column.
func rowsOf(name string, n int) *series.Data {
	return &series.Data{Features: []string{"x"}, X: make([]float32, n), Input: n, Series: []series.Range{{Name: name, File: name, End: n}}}
}

// timesOf is a series with numbers as times.
func timesOf(name string, times ...float64) *series.Data {
	d := rowsOf(name, len(times))
	d.Time, d.TimeColumn = times, "t"
	return d
}

// hoursOf is a series whose times are timestamps of a day: hours.
func hoursOf(t *testing.T, name string, hours ...string) *series.Data {
	t.Helper()
	d := timesOf(name)
	for _, h := range hours {
		at, _, err := series.ParseTime("2024-03-01 "+h, series.Times{})
		if err != nil {
			t.Fatal(err)
		}
		d.Time = append(d.Time, at)
	}
	n := len(hours)
	d.X, d.Input, d.Stamps, d.Series[0].End = make([]float32, n), n, true, n
	return d
}

// joined makes one Data of several.
func joined(all ...*series.Data) *series.Data {
	d := *all[0]
	d.Series, d.X, d.Time, d.Input = nil, nil, nil, 0
	for _, a := range all {
		for _, r := range a.Series {
			r.Start, r.End = r.Start+d.Input, r.End+d.Input
			d.Series = append(d.Series, r)
		}
		d.X, d.Time, d.Input = append(d.X, a.X...), append(d.Time, a.Time...), d.Input+a.Input
	}
	return &d
}

// labelsOf are the digits of a Data's labels.
func labelsOf(d *series.Data) string {
	var b strings.Builder
	for _, l := range d.Labels {
		b.WriteByte("0123456789"[l])
	}
	return b.String()
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %q", want)
	case err.Error() != want:
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func length(t *testing.T, text string) series.Length {
	t.Helper()
	l, err := series.ParseLength("Options.Tolerance", text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
