package table

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Format is the layout of a file, compression aside.
type Format string

const (
	CSV     Format = "csv"     // RFC 4180 with a header line
	TSV     Format = "tsv"     // the same with tabs
	JSONL   Format = "jsonl"   // one JSON object a line, or an array of objects
	Parquet Format = "parquet" // flat columns

	Arrow       Format = "arrow"  // Arrow's IPC format in a file, which is Feather version 2
	ArrowStream Format = "arrows" // the same as a stream

	WFDB Format = "wfdb" // a record of PhysioNet, of which this is the header
	EDF  Format = "edf"  // the European Data Format, EDF+ and BDF

	wide Format = "wide" // of any other format whose rows are series
)

// Formats lists every format that is written, in the order in which help texts name them.
var Formats = []Format{CSV, TSV, JSONL, Parquet, Arrow, ArrowStream}

// InputFormats lists every format that is read.
var InputFormats = append(slices.Clone(Formats), WFDB, EDF)

// Output is the format of answers to files of a format.
func (f Format) Output() Format {
	if f.Recording() {
		return CSV
	}
	return f
}

// Recording reports whether the format has a time for each row.
func (f Format) Recording() bool { return f == WFDB || f == EDF || f == wide }

// typed reports whether a format has types for its columns, and no text.
func (f Format) typed() bool { return f == Parquet || f.arrow() || f.Recording() }

// ByRow reports whether each row of a format can be written as soon as it is there.
func (f Format) ByRow() bool { return !f.typed() }

func (f Format) arrow() bool { return f == Arrow || f == ArrowStream }

// Compression is what a file is wrapped in.
type Compression string

const (
	Plain Compression = ""
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
)

var (
	endings = map[string]Format{
		".csv": CSV, ".tsv": TSV, ".tab": TSV, ".jsonl": JSONL, ".ndjson": JSONL, ".parquet": Parquet, ".pq": Parquet,
		".arrow": Arrow, ".feather": Arrow, ".ipc": Arrow, ".arrows": ArrowStream,
		".hea": WFDB, ".edf": EDF, ".bdf": EDF,
	}
	packings = map[string]Compression{".gz": Gzip, ".gzip": Gzip, ".zst": Zstd, ".zstd": Zstd}
)

// FormatOf tells format and compression from the name of a file. The format is
// "" when the name does not tell.
func FormatOf(name string) (Format, Compression) {
	name = strings.ToLower(name)
	ext := filepath.Ext(name)
	compression := packings[ext]
	if compression != Plain {
		ext = filepath.Ext(strings.TrimSuffix(name, ext))
	}
	return endings[ext], compression
}

// Rename is the name of a file with the ending of another format, not compressed; the name
// itself if that is "".
func Rename(name string, f Format) string {
	if f == "" {
		return name
	}
	named, compression := FormatOf(name)
	if compression != Plain {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	if named != "" {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return name + "." + string(f)
}

const (
	gzipMagic    = "\x1f\x8b"
	zstdMagic    = "\x28\xb5\x2f\xfd"
	parquetMagic = "PAR1"
	arrowMagic   = "ARROW1"
	arrowMessage = "\xff\xff\xff\xff" // what a message of a stream begins with
	arrowEnd     = arrowMessage + "\x00\x00\x00\x00"
	utf8BOM      = "\xef\xbb\xbf"
)

// compressionOf tells the compression from the first bytes of a file.
func compressionOf(head []byte) Compression {
	switch {
	case bytes.HasPrefix(head, []byte(gzipMagic)):
		return Gzip
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		return Zstd
	}
	return Plain
}

// foreign lists first bytes of what people hand over by mistake.
var foreign = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive or a spreadsheet: unpack it, or save it as CSV"},
	{"BZh", "bzip2 data: unpack it, or use gzip or zstd"},
	{"\xfd7zX", "xz data: unpack it, or use gzip or zstd"},
	{"\x89HDF", "an HDF5 file: convert it to Parquet or CSV"},
	{"FEA1", "a Feather file of version 1: write it as version 2, or as Parquet"},
	{"[[", "a JSON array of arrays: write its rows as lines (jq -r '.[]|@csv') or as objects"},
	{"<?xml", "XML: convert it to CSV or JSON lines"},
	{"version https://git-lfs", "a pointer of Git LFS: `git lfs pull` fetches the file"},
	{"File type = \"ooTextFile", "a TextGrid of Praat: save it as a table (Down to Table) with tmin, text and tmax"},
	{"WEBVTT", "subtitles: write them as a table with start, end and label"},
	{"\x93NUM", "a NumPy file: convert it to Parquet or CSV"},
}

// foreignText is likewise, by how text begins.
var foreignText = []struct {
	begin *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`(?i)^\s*<(?:!doctype|html|table|head|body)\b`), "a web page, perhaps in place of the file"},
	{regexp.MustCompile(`^[\w.]+=(?:"[^"\n]*"|[^\s,"]+)(?: +[\w.]+=(?:"[^"\n]*"|[^\s,"]*))+\s*\n`), "logfmt, key=value in each line: write CSV or JSON lines (Miller does, mlr --idkvp --ifs ' ' --ojsonl cat)"},
	{regexp.MustCompile(`^[^\s,="]+(?:,[^\s=]+=\S+)? [^\s=]+=\S+(?: [0-9]{10,19})?\r?\n`), "line protocol of InfluxDB: query the database, with CSV as the output"},
	{regexp.MustCompile(`^# (?:HELP|TYPE) \w+ `), "what an exporter tells Prometheus, metrics of one moment: a range query gives their course (promtool query range)"},
	{regexp.MustCompile(`(?i)^(?:--[^\n]*\n|/\*[^\n]*\n|\s)*(?:set \w+ ?(?:=|to )|set \w+ '|pragma \w+ ?=|begin(?: transaction)?;\s*\n|drop table|create table|insert into|copy \S+ ?\([^\n]* from stdin)`), "a dump of a database: have the database write CSV"},
	{regexp.MustCompile(`^-\[ RECORD 1 \]`), "a table of psql with a line for each value: \\copy writes CSV"},
	{regexp.MustCompile(`^[$!](?:G[APLNB]|BD|AI)[A-Z]{3},`), "NMEA 0183: gpsbabel -i nmea -o unicsv makes CSV of it"},
	{regexp.MustCompile(`^(?:---\s*\n)?- \w+: `), "YAML: convert it to JSON lines"},
	{regexp.MustCompile(`^\[\s*[-0-9"][^\[{\n]*\]\s*\n`), "a JSON array in each line: jq -r @csv makes CSV of them (Options.NoHeader)"},
}

// sniff tells the format of decompressed data from its first bytes.
func sniff(head []byte) (Format, error) {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return "", fmt.Errorf("this is %s", f.what)
		}
	}
	if isEDF(head) {
		return EDF, nil
	}
	if bytes.HasPrefix(head, []byte(parquetMagic)) {
		return Parquet, nil
	}
	if bytes.HasPrefix(head, []byte(arrowMagic)) {
		return Arrow, nil
	}
	if bytes.HasPrefix(head, []byte(arrowMessage)) {
		return ArrowStream, nil
	}
	head = bytes.TrimPrefix(head, []byte(utf8BOM))
	for _, f := range foreignText {
		if f.begin.Match(head) {
			return "", fmt.Errorf("this is %s", f.what)
		}
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n\x1e"), []byte("\n"))
	switch {
	case bytes.HasPrefix(line, []byte("{")), bytes.HasPrefix(line, []byte("[{")), string(bytes.TrimSpace(line)) == "[", bytes.HasPrefix(line, []byte("[ {")):
		return JSONL, nil
	case slices.Contains(line, '\t') && !slices.Contains(line, ','):
		return TSV, nil
	}
	return CSV, nil
}
