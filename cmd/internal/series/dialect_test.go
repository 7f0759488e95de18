package series

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func TestDialects(t *testing.T) {
	plain := DefaultOptions()
	numbered := Options{Label: "3", NoHeader: true, Missing: MissingError}
	by := func(delimiter string) Options {
		return Options{Label: "label", Delimiter: delimiter, Missing: MissingError}
	}
	const decimal = "commas in numbers are taken as decimal commas"
	tests := []struct {
		name, text string
		options    Options
		features   string
		x          []float32
		labels     []int16
		warning    string // part of the only one
	}{
		{"semicolons", "a;b;label\n1;2.5;0\n3;4;1\n", plain, "a|b", []float32{1, 2.5, 3, 4}, []int16{0, 1}, ""},
		{"bars", "a|b|label\n1|2|0\n", plain, "a|b", []float32{1, 2}, []int16{0}, "no label is 1"},
		{"tabs, and commas in a name", "a\t\"b, c\"\tlabel\n1\t2\t0\n1\t2\t1\n", plain, "a|b, c", []float32{1, 2, 1, 2}, []int16{0, 1}, ""},
		{"commas, and semicolons in a name", "a,b;c;d;e,label\n1,2,0\n1,2,1\n", plain, "a|b;c;d;e", []float32{1, 2, 1, 2}, []int16{0, 1}, ""},
		{"a quoted semicolon", "\"a;b\";label\n1;0\n2;1\n", plain, "a;b", []float32{1, 2}, []int16{0, 1}, ""},
		{"a comma in every name and number", "t, s;a, V;label\n1,5;2,5;0\n3,0;4;1\n", plain, "t, s|a, V", []float32{1.5, 2.5, 3, 4}, []int16{0, 1}, `standard input:2: column "t, s": ` + decimal + `, as in "1,5"`},
		{"a mark for each column", "t;fw;x;label\n0;2.1;0,5;0\n1;2.1;0,25;1\n", plain, "t|fw|x", []float32{0, 2.1, .5, 1, 2.1, .25}, []int16{0, 1}, `column "x": ` + decimal},
		{"a clock beside decimal commas", "clock;x;label\n08.30;0,5;0\n08.45;0,25;1\n", plain, "clock|x", []float32{8.3, .5, 8.45, .25}, []int16{0, 1}, `column "x": ` + decimal},
		{"groups beside decimal commas", "p;q;label\n1.027;20,5;0\n1.250,5;1.234.567;1\n", plain, "p|q", []float32{1027, 20.5, 1250.5, 1234567}, []int16{0, 1}, ""},
		{"groups that another column tells", "p;q;label\n1.027;20,5;0\n1.250;3,5;1\n", plain, "p|q", []float32{1027, 20.5, 1250, 3.5}, []int16{0, 1}, ""},
		{"groups and points", "p|label\n1,027|0\n20.5|1\n", plain, "p", []float32{1027, 20.5}, []int16{0, 1}, "marks between groups of three digits are left out of numbers, as in \"1,027\""},
		{"quoted groups between commas", "p,q,label\n\"1,234.5\",3,0\n\"1,250\",4,1\n", plain, "p|q", []float32{1234.5, 3, 1250, 4}, []int16{0, 1}, "marks between groups"},
		{"quoted decimal commas between commas", "p,q,label\n\"0,12\",\"1,5\",0\n\"1,250\",\"2,5\",1\n", plain, "p|q", []float32{.12, 1.5, 1.25, 2.5}, []int16{0, 1}, decimal},
		{"points alone", "p;label\n1.027;0\n2.345;1\n", plain, "p", []float32{1.027, 2.345}, []int16{0, 1}, ""},
		{"another minus", "a,b,label\n\u22121.5,1,0\n2,\u22123,1\n", plain, "a|b", []float32{-1.5, 1, 2, -3}, []int16{0, 1}, ""},
		{"booleans", "a,b,label\nTrue,true,0\nFalse,FALSE,1\n", plain, "a|b", []float32{1, 1, 0, 0}, []int16{0, 1}, ""},
		{"booleans of JSON", `{"a":true,"b":"True","label":0}` + "\n" + `{"a":false,"b":"false","label":1}`, plain, "a|b", []float32{1, 1, 0, 0}, []int16{0, 1}, ""},
		{"quoted decimal commas", "a;label\n\"-0,5\";0\n\"1,5e1\";1\n", plain, "a", []float32{-.5, 15}, []int16{0, 1}, `column "a": ` + decimal},
		{"tabs and decimal commas", "a\tlabel\n0,5\t0\n1\t1,0\n", plain, "a", []float32{.5, 1}, []int16{0, 1}, decimal},
		{"decimal commas in a later row", "a;label\n" + strings.Repeat("1;0\n", sampleRows) + "0,5;1\n", Options{Label: "label", Missing: MissingError}, "a",
			append(slices.Repeat([]float32{1}, sampleRows), .5), append(make([]int16, sampleRows), 1), fmt.Sprintf("standard input:%d: ", sampleRows+2)},
		{"a comma in text beside points", "a;who;label\n0.5;1,5;0\n1.5;x;1\n", Options{Label: "label", Features: []string{"a"}, Missing: MissingError}, "a", []float32{.5, 1.5}, []int16{0, 1}, ""},
		{"said to be a bar", "a;b|label\n1|0\n2|1\n", by("|"), "a;b", []float32{1, 2}, []int16{0, 1}, ""},
		{"said to be a tab", "a\tlabel\n1\t0\n2\t1\n", by("tab"), "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"said to be a blank", "a label\n1 0\n2 1\n", by(" "), "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"row names", "a;label\nx;1;0\ny;2;1\n", plain, "a", []float32{1, 2}, []int16{0, 1}, "standard input:1: the header is one column short"},
		{"no header", "1,2,0\n3,4,1\n", numbered, "1|2", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"no header, semicolons and decimal commas", "\n1,5;2,5;0,0\n3,5;4,5;1,0\n", numbered, "1|2", []float32{1.5, 2.5, 3.5, 4.5}, []int16{0, 1}, ""},
		{"no header, and text with semicolons", "1,a;b;c,0\n3,d;e;f,1\n", numbered, "1", []float32{1, 3}, []int16{0, 1}, ""},
		{"comments", "# a, b and \"c\n#\n\n# more\na;label\n1;0\n2;1\n", plain, "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"comments without a header", "# from a, b\n1,2,0\n3,4,1\n", numbered, "1|2", []float32{1, 2, 3, 4}, []int16{0, 1}, "standard input:1: lines that begin with # before the header are skipped (1 in all)"},
		{"a header that is a comment", "# from here\n# a;b c;label\n1;2;0\n3;4;1\n", plain, "a|b c", []float32{1, 2, 3, 4}, []int16{0, 1}, "(1 in all)"},
		{"a column called #", "#,a,label\n1,2,0\n3,5,1\n", plain, "#|a", []float32{1, 2, 3, 5}, []int16{0, 1}, ""},
		{"runs of blanks", "y  x     label\n 0.5    2.5   0 \n10.5  -1\t1\n", plain, "y|x", []float32{.5, 2.5, 10.5, -1}, []int16{0, 1}, ""},
		{"single blanks", "x y label\n2.5 1 0\n-1 2 1\n", plain, "x|y", []float32{2.5, 1, -1, 2}, []int16{0, 1}, ""},
		{"blanks and quotes", "\"x 1\" label\n2.5 0\n-1 1\n", plain, "x 1", []float32{2.5, -1}, []int16{0, 1}, ""},
		{"blanks, no header", "  1.5e+00   2 0\n -3.0e+00  4 1\n", numbered, "1|2", []float32{1.5, 2, -3, 4}, []int16{0, 1}, ""},
		{"said to be blanks", "x,y label\n1 0\n2 1\n", by("blanks"), "x,y", []float32{1, 2}, []int16{0, 1}, ""},
		{"Excel's line", "sep=;\na;b;label\n1;2;0\n3;4;1\n", plain, "a|b", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"Excel's line, quoted", "\"SEP=|\"\r\na|label\r\n1|0\r\n3|1\r\n", plain, "a", []float32{1, 3}, []int16{0, 1}, ""},
		{"a preamble", "Logger 5\nStation; north\n\na;b;label\n1;2;0\n3;4;1\n5;6;0\n", plain, "a|b", []float32{1, 2, 3, 4, 5, 6}, []int16{0, 1, 0}, "standard input:1: lines up to 3 are skipped as a preamble"},
		{"titles above several columns", ",Temperature,,State\ntime,in,out,label\n0,1,2,0\n1,3,4,1\n2,5,6,0\n", Options{Label: "label", Time: "time", Missing: MissingError}, "in|out", []float32{1, 2, 3, 4, 5, 6}, []int16{0, 1, 0}, "standard input:1: lines up to 1 are skipped as a preamble"},
		{"a preamble that a spreadsheet has filled up", "Run 7,,\nby,me,\n,,\na,b,label\n1,2,0\n3,4,1\n5,6,0\n", plain, "a|b", []float32{1, 2, 3, 4, 5, 6}, []int16{0, 1, 0}, "standard input:1: lines up to 3 are skipped as a preamble"},
		{"a preamble of tables, one as wide as the rows", "unit,volt\nHost:,h,,User:,u\n\nsystem,,disk,,\nusr,sys,read,writ,label\n1,2,3,4,0\n5,6,7,8,1\n9,1,2,3,0\n", plain, "usr|sys|read|writ", []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}, []int16{0, 1, 0}, "standard input:1: lines up to 4 are skipped as a preamble"},
		{"a preamble in front of names with a delimiter at the end", "Logger 5\nDelta: 0,1 s\n\na[V];label;\n1,5;0;\n3,5;1;\n5,5;0;\n", Options{Label: "label", Features: []string{"a[V]"}, Missing: MissingError}, "a[V]", []float32{1.5, 3.5, 5.5}, []int16{0, 1, 0}, ""},
		{"delimiters alone in front of names", ",,\na,b,label\n1,2,0\n3,4,1\n5,6,0\n", plain, "a|b", []float32{1, 2, 3, 4, 5, 6}, []int16{0, 1, 0}, "standard input:1: lines with nothing in them are skipped (1 in all)"},
		{"a row of words below names, one of them empty", ",note,a,label\nx,y,ERR,0\nx,z,2,1\nx,y,3,0\n", Options{Label: "label", NAValues: []string{"ERR"}, Missing: MissingZero}, "a", []float32{0, 2, 3}, []int16{0, 1, 0}, ""},
		{"a delimiter at the end of the header alone", "a,b,label,\n1,2,0\n3,4,1\n", plain, "a|b", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"carets", "a^b c^label\n1^2^0\n3^4^1\n", plain, "a|b c", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"a blank behind each comma, and in names and numbers", "t, gpu [%], label\n2024/01/15 08:00:00, 5 %, 0\n2024/01/15 08:00:01, 7 %, 1\n", Options{Label: "label", Time: "t", Missing: MissingError}, "gpu [%]", []float32{5, 7}, []int16{0, 1}, "read as numbers of the unit %"},
		{"a blank within times", "time                 a    label\n-------------------  ---  -----\n2024-01-15 08:00:00  1.5  0\n2024-01-15 08:00:01  2.5  1\n\n(2 rows affected)\n", Options{Label: "label", Features: []string{"a"}, Time: "date,time", Missing: MissingError}, "a", []float32{1.5, 2.5}, []int16{0, 1}, ""},
		{"counts of rows", " a | label \n---+-------\n 1 | 0\n 2 | 1\n(2 rows)\n\n", plain, "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"comments among rows", "a,label\n1,0\n# gain is 5 now\n2,1\n# end\n", plain, "a", []float32{1, 2}, []int16{0, 1}, "standard input:3: comments among rows, preambles and footers are skipped (2 in all)"},
		{"the end of a file of DOS", "a,label\r\n1,0\r\n2,1\r\n\x1a", plain, "a", []float32{1, 2}, []int16{0, 1}, "standard input:4: comments among rows, preambles and footers"},
		{"what a logger had not written", "a,label\n1,0\n2,1\n" + strings.Repeat("\x00", 512), plain, "a", []float32{1, 2}, []int16{0, 1}, "standard input:4: comments among rows, preambles and footers"},
		{"two marks of the byte order, and one between files", "\ufeff\ufeffa,label\n1,0\n\ufeffa,label\n2,1\n", plain, "a", []float32{1, 2}, []int16{0, 1}, "standard input:3: the header comes again"},
		{"exponents of Fortran", "a,b,label\n1.5D+01,1,0\n-2d-1, 1.0D+00,1\n", plain, "a|b", []float32{15, 1, -.2, 1}, []int16{0, 1}, ""},
		{"blanks in front of quotes", "\"a, b\", \"c\", \"label\"\n\"1\", \"2\", \"0\"\n\"3\",  \"4\", \"1\"\n", plain, "a, b|c", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"files with preambles and units put together", strings.Repeat("Logger 5\na;label\nV;-\n1;0\n2;1\n3;0\n4;1\n", 2), plain, "a", []float32{1, 2, 3, 4, 1, 2, 3, 4}, []int16{0, 1, 0, 1, 0, 1, 0, 1}, ""},
		{"names in single quotes", "'a b','label'\n1,0\n2,1\n", plain, "a b", []float32{1, 2}, []int16{0, 1}, ""},
		{"JSON with commas behind objects", "{\"a\":1,\"label\":0},\n{\"a\":2,\"label\":1}\n", plain, "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"a sequence of JSON", "\x1e{\"a\":1,\"label\":0}\n\x1e{\"a\":2,\"label\":1}\n", plain, "a", []float32{1, 2}, []int16{0, 1}, ""},
		{"a delimiter at the end of rows", "a;label\n1;0;\n3;1;\n", plain, "a", []float32{1, 3}, []int16{0, 1}, ""},
		{"another mark at the end of lines", "1,2,0;\n3,4,1;\n", numbered, "1|2", []float32{1, 2, 3, 4}, []int16{0, 1}, ""},
		{"rows of delimiters alone", "a,b,label\n1,2,0\n,,\n3,4,1\n , ,\n", plain, "a|b", []float32{1, 2, 3, 4}, []int16{0, 1}, "standard input:3: lines with nothing in them are skipped (2 in all)"},
		{"two carriage returns", "a,label\r\r\n1,0\r\r\n3,1\r\r\n", plain, "a", []float32{1, 3}, []int16{0, 1}, ""},
		{"NaN in JSON", `{"a":NaN,"b":"NaN, \" -Infinity","label":0}` + "\n" + `{"a":3,"b":"x","label":1}`, Options{Label: "label", Missing: MissingZero}, "a", []float32{0, 3}, []int16{0, 1}, ""},
		{"an array of objects", `[{"a":1,"b":"],[{","label":0}, {"a":3,"label":1}]`, plain, "a", []float32{1, 3}, []int16{0, 1}, `column "b": not numbers`},
		{"an array over lines", "\n [\n {\n  \"a\": 1,\n  \"label\": 0 },\n {\"a\":\n3,\"label\":1}\n]\n", plain, "a", []float32{1, 3}, []int16{0, 1}, ""},
		{"ARFF", "% x\n@RELATION r\n\n@attribute 'a b' numeric\n@attribute label {'at rest', up}\n@data\n1,'at rest'\n% y\n?,up\n3,up\n", Options{Label: "label", Missing: MissingForward}, "a b", []float32{1, 1, 3}, []int16{1, 0, 0}, ""},
		{"columns of one name", "a,x,a,label\n1,2,3,0\n4,5,6,1\n", plain, "x", []float32{2, 5}, []int16{0, 1}, `column "a": columns 1 and 3 are both called so, and not used`},
		{"a header that breaks lines", "\"a\n;b\";label\n1;0\n2;1\n", plain, "a\n;b", []float32{1, 2}, []int16{0, 1}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := readText(test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Features, "|"); got != test.features {
				t.Errorf("features %q, want %q", got, test.features)
			}
			if !slices.Equal(d.X, test.x) || !slices.Equal(d.Labels, test.labels) {
				t.Errorf("X %v, labels %v, want %v, %v", d.X, d.Labels, test.x, test.labels)
			}
			if test.warning != "" && (len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].String(), test.warning)) {
				t.Errorf("warnings %v, want %q", d.Warnings, test.warning)
			}
		})
	}
}

func TestDialectErrors(t *testing.T) {
	plain := DefaultOptions()
	with := func(change func(*Options)) Options {
		o := DefaultOptions()
		change(&o)
		return o
	}
	tests := []struct {
		name, text string
		options    Options
		want       string
	}{
		{"a point among decimal commas", "a;b;label\n1;0,5;0\n1;1,5;0\n1;4.7;1\n", plain, `standard input:4: column "b": "4.7" has not the decimal mark of other numbers of its column, or may be read as two`},
		{"what may be two numbers", "a,label\n\"1,234\",0\n\"2,345\",1\n", plain, `standard input:2: column "a": "1,234" has not the decimal mark of other numbers of its column, or may be read as two`},
		{"what may be two numbers beside both marks", "a;b;c;label\n1.234;0,5;0.5;0\n2.345;1,5;1.5;1\n", plain, `standard input:2: column "a": "1.234" has not the decimal mark of other numbers of its column, or may be read as two`},
		{"a _ between digits", "a,b,label\n1,1,0\n1_2,2,1\n", plain, `standard input:3: column "a": "1_2" is not a number`},
		{"a _ between digits of JSON", `{"a":1,"label":0}` + "\n" + `{"a":"1_2","label":1}`, plain, `standard input:2: column "a": "1_2" is not a number`},
		{"a later point among decimal commas", "a;label\n" + strings.Repeat("0,5;0\n", sampleRows) + "1.25;1\n", plain,
			fmt.Sprintf(`standard input:%d: column "a": "1.25" has not the decimal mark of other numbers of its column, or may be read as two`, sampleRows+2)},
		{"a comma among decimal points", "a;label\n0.5;0\n0,5;1\n", plain, `standard input:3: column "a": "0,5" has not the decimal mark of other numbers of its column, or may be read as two`},
		{"no groups", "a;label\n1.25,5;0\n", with(func(o *Options) { o.Features = []string{"a"} }), `standard input:2: column "a": "1.25,5" is not a number`},
		{"an infinite number", "a,label\n1,0\nInfinity,1\n", plain, `standard input:3: column "a": "Infinity" is outside the range of a 32-bit float (Options.NAValues "Infinity" counts it as missing)`},
		{"the header once more in another order", "a,b,label\n1,2,0\nb,a,label\n4,3,1\n", plain, `standard input:3: column "a": "b" is not a number (names of columns come again, perhaps in another order, as where files have been put together)`},
		{"nothing but doubled columns", "a,a,label\n1,2,0\n3,4,1\n", plain, "no column of numbers is left to be a feature; columns: a, a, label"},
		{"a row too long", "a;label\n1;0\n1;0;0;0\n2;1\n", plain, "standard input:3: 4 fields, expected 2 as in the header"},
		{"the first row too long", "a;label\n1;0;0;0\n", plain, `the fields seem to be separated by ";" (Options.Delimiter ";" reads that)`},
		{"the first row too long among commas", "a,label\n1,0,0,0\n", plain, "standard input:2: 4 fields, expected 2 as in the header"},
		{"a row too long without a header", "1;0\n1;0;0\n", Options{Label: "2", NoHeader: true, Missing: MissingError}, "standard input:2: 3 fields, expected 2 as in the first row"},
		{"no header, which is not said", "# x\n1;2\n3;4\n", plain, "standard input:2: the first line holds only numbers; it must name the columns (Options.NoHeader"},
		{"a comment among rows", "a;label\n1;0\n# 5;1\n", plain, `standard input:3: column "a": "# 5" is not a number`},
		{"no header of blanks, which is not said", "1 2 NaN\n3 4 5\n", plain, "standard input:1: the first line holds only numbers; it must name the columns (Options.NoHeader"},
		{"a row for a header", "5,walk,0.5\n6,run,0.25\n", plain, "Options.NoHeader"},
		{"a column of one name", "a,x,a,label\n1,2,3,0\n4,5,6,1\n", with(func(o *Options) { o.Features = []string{"a"} }), `column "a": columns 1 and 3 are both called so, and not used`},
		{"Infinity in JSON", `{"a":1,"label":0}` + "\n" + `{"a":-Infinity,"label":1}`, plain, `standard input:2: column "a": "-Infinity" is outside the range of a 32-bit float`},
		{"an array without an end", `[{"a":1,"label":0},{"a":2,"label":1}`, plain, "the array of objects has no end"},
		{"an array of numbers", `[{"a":1,"label":0},2]`, plain, `standard input:2: "2" is not a JSON object`},
		{"ARFF without rows", "@relation x\n@attribute a numeric\n", plain, "the file ends before @data"},
		{"only comments", "# a\n# b\n", plain, "standard input: the file is empty"},
		{"a column of a file without names", "1;2\n3;4\n", Options{Label: "label", NoHeader: true, Missing: MissingError}, `there is no column "label" (Options.Label); columns: 1, 2`},
		{"delimiter of JSON", "{\"a\":1}", with(func(o *Options) { o.Delimiter = ";" }), "standard input: Options.Delimiter is for CSV, and this is jsonl"},
		{"no header of JSON", "{\"a\":1}", with(func(o *Options) { o.NoHeader = true }), "standard input: Options.NoHeader is for CSV and TSV, and this is jsonl"},
		{"a long delimiter", "", with(func(o *Options) { o.Delimiter = "; " }), `Options.Delimiter must be one character`},
		{"a delimiter that is in numbers", "", with(func(o *Options) { o.Delimiter = "." }), `Options.Delimiter must be one character`},
		{"a letter for a delimiter", "", with(func(o *Options) { o.Delimiter = "z" }), `Options.Delimiter must be one character`},
		{"two delimiters", "", with(func(o *Options) { o.Delimiter, o.Format = ";", table.TSV }), `Options.Delimiter ";" cannot be used with Options.Format tsv`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := readText(test.text, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// What is written has the input's delimiter, decimal mark and header, or none.
func TestDialectsOfOutput(t *testing.T) {
	plain := Options{LabelOptional: true, Missing: MissingError}
	numbered := Options{NoHeader: true, LabelOptional: true, Missing: MissingError}
	const commas = "\"a\"; who ;n\n+1,50;x,y;\"0,5\"\n2;;1\n"
	tests := []struct {
		name, file, text string
		options          Options
		format           table.Format
		want             string
	}{
		{"the same", "x.csv", commas, plain, "", "\"a\"; who ;n;predicted_label;predicted_probability\n+1,50;x,y;\"0,5\";0;0,75\n2;;1;1;0,75\n"},
		{"points", "x.csv", "a;b\n1;2.50\n", plain, table.CSV, "a;b;predicted_label;predicted_probability\n1;2.50;0;0.75\n"},
		{"JSON", "x.csv", commas, plain, table.JSONL, `{"a":"+1.50","who":"x,y","n":0.5,"predicted_label":0,"predicted_probability":0.75}` + "\n" + `{"a":2,"who":null,"n":1,"predicted_label":1,"predicted_probability":0.75}` + "\n"},
		{"tabs", "x.csv", commas, plain, table.TSV, "a\twho\tn\tpredicted_label\tpredicted_probability\n+1.50\tx,y\t0.5\t0\t0.75\n2\t\t1\t1\t0.75\n"},
		{"tabs to commas", "x.tsv", "a\tb\n1,5\t2\n", plain, table.CSV, "a,b,predicted_label,predicted_probability\n1.5,2,0,0.75\n"},
		{"semicolons in TSV", "x.tsv", "a;b\n1;2\n", Options{Delimiter: ";", LabelOptional: true, Missing: MissingError}, "", "a;b;predicted_label;predicted_probability\n1;2;0;0.75\n"},
		{"no header", "x.csv", "1;2\n", numbered, "", "1;2;0;0.75\n"},
		{"no header, tabs", "x.csv", "1;2\n", numbered, table.TSV, "1\t2\t0\t0.75\n"},
		{"no header, JSON", "x.csv", "1;2\n", numbered, table.JSONL, `{"1":1,"2":2,"predicted_label":0,"predicted_probability":0.75}` + "\n"},
		{"blanks", "x.txt", " a   b\n1.5  2\n", plain, "", "a,b,predicted_label,predicted_probability\n1.5,2,0,0.75\n"},
		{"ARFF", "x.arff", "@relation r\n@attribute a numeric\n@attribute \"b,c\" numeric\n@data\n1,?\n", Options{Features: []string{"a"}, LabelOptional: true, Missing: MissingError}, "", "a,\"b,c\",predicted_label,predicted_probability\n1,?,0,0.75\n"},
		{"an array", "x.json", "[{\"a\":\n1}, {\"a\":2,\"b\":NaN}]", plain, "", `{"a": 1,"predicted_label":0,"predicted_probability":0.75}` + "\n" + `{"a":2,"b":null,"predicted_label":1,"predicted_probability":0.75}` + "\n"},
		{"a header that is a comment", "x.csv", "# by me\n# a;b\n1;2\n", plain, "", "# a;b;predicted_label;predicted_probability\n1;2;0;0.75\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			answerAll(t, writeFile(t, test.file, test.text), test.options, func(r *Reader) (*Writer, error) { return NewWriter(&out, test.format, r, zeroOrOne) })
			if out.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", &out, test.want)
			}
		})
	}
	path := t.TempDir() + "/x.parquet"
	answerAll(t, writeFile(t, "x.csv", commas), plain, func(r *Reader) (*Writer, error) { return Create(path, "", r, zeroOrOne) })
	d, err := Read(context.Background(), []string{path}, Options{Features: []string{"a", "n"}, LabelOptional: true, Missing: MissingError})
	if err != nil || !slices.Equal(d.X, []float32{1.5, .5, 2, 1}) {
		t.Errorf("from Parquet: %v, %v", d, err)
	}
}

// A stream that is followed shows its dialect by the row that has arrived.
func TestFollowedDialect(t *testing.T) {
	in, feed := io.Pipe()
	go io.WriteString(feed, "# live\na;b\n1;2\n")
	r, err := open(context.Background(), table.Stdin, in, Options{LabelOptional: true, Follow: true, Missing: MissingError}, newRoster(MaxOpen))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := new(Chunk)
	for i, line := range []string{"1,5;2\n", "1;2,5\n", "", ""} {
		if err := r.Next(c); err != nil {
			t.Fatal(err)
		}
		if want := [][]float32{{1, 2}, {1.5, 2}, {1, 2.5}, {3, 4}}[i]; !slices.Equal(c.X, want) {
			t.Errorf("row %d is %v, want %v", i, c.X, want)
		}
		if i == 2 {
			line = "3;4\n"
		}
		if line == "" {
			feed.Close()
		} else {
			io.WriteString(feed, line)
		}
	}
}

// A sample of long rows does not end in the error for one that is too long.
func TestSampleOfLongRows(t *testing.T) {
	const rows = 2 * sampleRows
	pad := strings.Repeat("x", (16<<20)/sampleRows)
	d, err := readText("a,pad,label\n"+strings.Repeat("1,"+pad+",0\n", rows), DefaultOptions())
	if err != nil || d.Len() != rows {
		t.Errorf("%v", err)
	}
}
