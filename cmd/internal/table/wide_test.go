package table

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestWide(t *testing.T) {
	const ts = "# archive\n@problemName Walk\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n1,2.5,?:a\n4,5,6:b\n"
	for _, test := range []struct {
		name, text string
		keep       []string
		want       string // rows, a semicolon apart
		fault      string
	}{
		{"x.csv", "id,label,t0,t1,t2\n7,a,1,2,3\n8,b,4,,\n", nil, "series,step,value,id,label;1,0,1,7,a;1,1,2,7,a;1,2,3,7,a;2,0,4,8,b", ""},
		{"x.csv", "t0,t1,t2,class\n1,,3,x\n", nil, "series,step,value,class;1,0,1,x;1,1,,x;1,2,3,x", ""},
		{"x.csv", "series,0,1,2\nA,1,2,3\n", nil, "step,value,series;0,1,A;1,2,A;2,3,A", ""},
		{"x.csv", "x_0,x_1,y_0,y_1,label\n1,2,3,4,k\n", nil, "series,step,x,y,label;1,0,1,3,k;1,1,2,4,k", ""},
		{"x.csv", "label1,t0,t1\n5,1,2\n", []string{"label1"}, "series,step,value,label1;1,0,1,5;1,1,2,5", ""},
		{"X_TRAIN.tsv", "1\t0.5\t-0.25\n2\t1.5\tNaN\n", nil, "series,step,value,label;1,0,0.5,1;1,1,-0.25,1;2,0,1.5,2", ""},
		{"X_TRAIN.tsv", "0.5\t-0.25\t1\n1.5\t2.5\t2\n", []string{"3"}, "series,step,value,3;1,0,0.5,1;1,1,-0.25,1;2,0,1.5,2;2,1,2.5,2", ""},
		{"x.jsonl", `{"t0":1,"t1":2,"label":"a"}` + "\n", nil, "series,step,value,label;1,0,1,a;1,1,2,a", ""},
		{"x.ts", ts, nil, "series,step,value,label;1,0,1,a;1,1,2.5,a;2,0,4,b;2,1,5,b;2,2,6,b", ""},
		{"x.ts", "@univariate false\n@classLabel true a\n@data\n1,2:3,4:a\n", nil, "series,step,dim_0,dim_1,label;1,0,1,3,a;1,1,2,4,a", ""},
		{"x.ts", "@univariate true\n@classLabel false\n@data\n1,2\n", nil, "series,step,value;1,0,1;1,1,2", ""},
		{"x.ts", "@univariate false\n@classLabel true a\n@data\n1,2:3,4:a\n1,2:a\n", nil, "", "x.ts:5: the series has 1 dimensions, and others have 2"},
		{"x.ts", "@timeStamps true\n@data\n(1,2):a\n", nil, "", "x.ts:1: values with times are not read"},
		{"x.ts", "@univariate true\n1,2:a\n", nil, "", "the file ends before @data"},
		{"x.csv", "t0,t1,label\n1,2,a\n1,x,b\n", nil, "", `x.csv:3: column "t1": "x" is not a number`},
		{"x.csv", "time,x,label\n1,2,a\n", nil, "", "no columns look like the steps of a series in each row, as t0, t1, t2 and so on do (Options.Layout); columns: time, x, label"},
	} {
		r, err := Open(t.Context(), writeFile(t, test.name, []byte(test.text)), nil, Options{Wide: true, Keep: test.keep})
		var got string
		if err == nil {
			got, err = rowsText(r)
			r.Close()
		}
		if test.fault != "" {
			if err == nil || !strings.HasSuffix(err.Error(), test.fault) {
				t.Errorf("%q: %v, not %q", test.text, err, test.fault)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q: %v, %s, not %s", test.text, err, got, test.want)
		}
	}
	if _, err := Open(t.Context(), writeFile(t, "x.ts", []byte(ts)), nil, Options{}); err == nil || !strings.HasSuffix(err.Error(), ErrWide.Error()) {
		t.Errorf("read as rows: %v", err)
	}
}

// rowsText is the columns and the rows as CSV has them, with semicolons between.
func rowsText(r *Reader) (string, error) {
	lines := []string{strings.Join(r.Columns(), ",")}
	for b := new(Batch); ; {
		err := r.Next(b, 3)
		if err == io.EOF {
			return strings.Join(lines, ";"), nil
		}
		if err != nil {
			return "", err
		}
		for i := range b.Len() {
			var fields []string
			for k := range b.Columns {
				fields = append(fields, string(b.Columns[k].AppendText(nil, i)))
			}
			lines = append(lines, strings.Join(fields, ","))
		}
	}
}

func TestLooksWide(t *testing.T) {
	numbered := func(format string, n int, others ...string) []string {
		for i := range n {
			others = append(others, fmt.Sprintf(format, i))
		}
		return others
	}
	for _, test := range []struct {
		names []string
		want  bool
	}{
		{numbered("t%d", 30, "label"), true},
		{numbered("%d", 30, "id", "label"), true},
		{numbered("t%d", 10, "label"), false},
		{numbered("sensor%d", 30, "label"), false},
		{numbered("t%d", 30, "time", "label"), false},
	} {
		if got := LooksWide(test.names); got != test.want {
			t.Errorf("%q: %t", test.names[:3], got)
		}
	}
}

func FuzzWide(f *testing.F) {
	f.Add("x.csv", "id,label,t0,t1,t2\n7,a,1,2,3\n8,b,4,,\n")
	f.Add("x.tsv", "1\t0.5\t-0.25\n2\t1.5\tNaN\n")
	f.Add("x.ts", "@univariate false\n@classLabel true a\n@data\n1,2:3,4:a\n")
	f.Add("x.jsonl", `{"t0":1,"t1":2,"label":"a"}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		if strings.ContainsAny(name, "/\x00") || len(name) > 20 || !strings.HasPrefix(name, "x.") {
			return
		}
		r, err := Open(t.Context(), writeFile(t, name, []byte(text)), nil, Options{Wide: true})
		if err == nil {
			_, _ = rowsText(r)
			r.Close()
		}
	})
}
