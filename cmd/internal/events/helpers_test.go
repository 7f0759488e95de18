package events

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// list reads events from a file of the given name and content.
func list(t *testing.T, name, content string) (*List, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, name, content)
	return Read(t.Context(), name)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// numbered is a series of n rows without a time column.
func numbered(name string, n int) *series.Data {
	return &series.Data{Features: []string{"x"}, X: make([]float32, n), Input: n, Series: []series.Range{{Name: name, File: name, End: n}}}
}

// timed is a series with numbers as times.
func timed(name string, times ...float64) *series.Data {
	d := numbered(name, len(times))
	d.Time, d.TimeColumn = times, "t"
	return d
}

// stamped is a series whose times are timestamps of a day: hours.
func stamped(t *testing.T, name string, hours ...string) *series.Data {
	t.Helper()
	d := timed(name)
	for _, h := range hours {
		at, _, err := series.ParseTime("2024-03-01 " + h)
		if err != nil {
			t.Fatal(err)
		}
		d.Time = append(d.Time, at)
	}
	n := len(hours)
	d.X, d.Input, d.Stamps, d.Series[0].End = make([]float32, n), n, true, n
	return d
}

// join makes one Data of several.
func join(all ...*series.Data) *series.Data {
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

// labels are the digits of a Data's labels.
func labels(d *series.Data) string {
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
