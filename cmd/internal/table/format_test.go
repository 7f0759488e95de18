package table

import (
	"strings"
	"testing"
)

func TestFormatOf(t *testing.T) {
	tests := []struct {
		name        string
		format      Format
		compression Compression
	}{
		{"x.csv", CSV, Plain},
		{"a.b/X.CSV.GZ", CSV, Gzip},
		{"x.tab.zst", TSV, Zstd},
		{"x.ndjson", JSONL, Plain},
		{"x.pq", Parquet, Plain},
		{"x.gz", "", Gzip},
		{"csv", "", Plain},
		{"-", "", Plain},
	}
	for _, test := range tests {
		if f, c := FormatOf(test.name); f != test.format || c != test.compression {
			t.Errorf("%s: %q and %q, want %q and %q", test.name, f, c, test.format, test.compression)
		}
	}
}

func TestSniff(t *testing.T) {
	tests := []struct {
		head string
		want Format
	}{
		{"a,b\n", CSV},
		{"a\tb\n1\t2", TSV},
		{"a\tb,c\n", CSV},
		{"\ufeff {\"a\":1}", JSONL},
		{"PAR1....", Parquet},
		// headers that begin as other things do
		{"begin,end,label\n0,1,a\n", CSV},
		{"begin;end;label\n0;1;a\n", CSV},
		{"Set temperature,Actual,label\n", CSV},
		{"set_point,set to,label\n", CSV},
		{"copy,a,label\n", CSV},
		{"pragma x,label\n", CSV},
		{"- x,y\n1,2\n", CSV},
		{"a=x,b=y,label\n", CSV},
		{"[0],[1],label\n", CSV},
		{"# HELP,TYPE,label\n", CSV},
		{"-- x,label\n", CSV},
	}
	for _, test := range tests {
		if got, err := sniff([]byte(test.head)); got != test.want || err != nil {
			t.Errorf("%q: %q, %v, want %q", test.head, got, err, test.want)
		}
	}
	for _, f := range foreign {
		if _, err := sniff([]byte(f.magic + "...")); err == nil || !strings.Contains(err.Error(), f.what) {
			t.Errorf("%q: error %v, want %q", f.magic, err, f.what)
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"", "sample", "mlii_mv", "v5_mv", "qrs"}
	for want, typed := range map[string]string{"qrs": "qsr", "mlii_mv": "MLII_MV", "v5_mv": "v5mv", "": "label"} {
		if got := Closest(names, typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
