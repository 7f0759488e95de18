package series

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"text.parquet":  "a,label\n1,0\n",
		"parquet.csv":   "PAR1PAR1PAR1",
		"empty.csv.gz":  "",
		"header.csv.gz": "\x1f\x8b\x08",
		"zip.csv":       "PK\x03\x04",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, want string }{
		{"none.csv", "no such file"},
		{"", "this is a folder"},
		{"text.parquet", "the content is not parquet but csv (Options.Format sets it)"},
		{"parquet.csv", "the content is not csv but parquet (Options.Format sets it)"},
		{"empty.csv.gz", "the file is empty"},
		{"header.csv.gz", "damaged gzip data"},
		{"zip.csv", "this is a zip archive"},
	}
	for _, test := range tests {
		_, err := Open(t.Context(), filepath.Join(dir, test.name), DefaultOptions())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Label = "" }, "Options.Label names no column"},
		{func(o *Options) { o.Missing = "ignore" }, `Options.Missing "ignore" is none of [error forward zero mean drop]`},
		{func(o *Options) { o.Format = "xls" }, `Options.Format "xls" is none of`},
		{func(o *Options) { o.Features = []string{"a", "label"} }, `Options.Label and Options.Features both name "label"`},
		{func(o *Options) { o.Features = []string{"a", "a"} }, `Options.Features lists "a" twice`},
		{func(o *Options) { o.Features = []string{"a", ""} }, "Options.Features holds an empty name"},
		{func(o *Options) { o.Exclude = []string{"label"} }, `Options.Label and Options.Exclude both name "label"`},
		{func(o *Options) { o.Exclude = []string{""} }, "Options.Exclude holds an empty name"},
		{func(o *Options) { o.Exclude, o.Features = []string{"a"}, []string{"b"} }, "Options.Exclude cannot be used with Options.Features"},
		{func(o *Options) { o.Series, o.Time = "t", "t" }, `Options.Series and Options.Time both name "t"`},
	}
	for _, test := range tests {
		o := DefaultOptions()
		test.change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if err := DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		text string
		want float64
	}{
		{"1970-01-01T01:00:00+0100", 0},
		{"1970-01-01 01:00:00.5 +0100", .5},
		{"1970/01/02", 86400},
		{"1970/1/1 0:01", 60},
		{"02.01.1970", 86400},
		{"01.01.1970 00:02", 120},
		{"1.1.1970 00:00:03.5", 3.5},
		{"1/15/1970 0:01", 14*86400 + 60},
		{"15/1/1970", 14 * 86400},
		{"1/1/1970 1:00 AM", 3600},
		{"19700101T000100", 60},
		{"19700101T000100Z", 60},
		{"12.5", 12.5},
		{" -3e2 ", -300},
		{"1970-01-01T00:01:00Z", 60},
		{"1970-01-01T01:00:00.25+01:00", .25},
		{"1970-01-01 00:00:01.5", 1.5},
		{"1970-01-01T00:02", 120},
		{"1970-01-02", 86400},
	}
	for _, test := range tests {
		c, _ := newClock(Times{})
		for range 2 { // the second time the layout is tried first
			if got, err := c.time(&value{text: []byte(test.text)}); got != test.want || err != nil {
				t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
			}
		}
	}
}
