package series

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestResample(t *testing.T) {
	const text = "time,x,label\n10.2,1,0\n10.7,3,1\n11.5,4,1\n11.6,8,0\n14,6,0\n"
	for _, test := range []struct {
		every  string
		by     ResampleBy
		time   string
		x      string
		labels string
	}{
		{"1", ResampleMean, "[10 11 12 13 14]", "[2 6 6 6 6]", "[1 0 -1 -1 0]"}, // of as many rows, the later label
		{"1", ResampleLast, "[10 11 12 13 14]", "[3 8 8 8 6]", "[1 0 -1 -1 0]"},
		{"1", ResampleLinear, "[10 11 12 13 14]", "[1 3.375 7.6666665 6.8333335 6]", "[1 0 -1 -1 0]"},
		{"0.5", ResampleMean, "[10 10.5 11 11.5 12 12.5 13 13.5 14]", "[1 3 3 6 6 6 6 6 6]", "[0 1 -1 0 -1 -1 -1 -1 0]"},
		{"100", ResampleMean, "[0]", "[4.4]", "[0]"},
	} {
		o := DefaultOptions()
		o.Time = "time"
		o.SetResample(test.every, test.by)
		d, err := readText(text, o)
		if err != nil {
			t.Fatal(err)
		}
		note, err := d.Resample(o)
		if err != nil || !strings.Contains(note, fmt.Sprintf("5 rows became %d", d.Len())) {
			t.Errorf("%v %q", err, note)
		}
		if got := fmt.Sprint(d.Time, d.X, d.Labels); got != test.time+" "+test.x+" "+test.labels {
			t.Errorf("%s %s: %s", test.every, test.by, got)
		}
	}
}

// TestResampleRounding has rows at multiples of an interval that float64 does not hold.
func TestResampleRounding(t *testing.T) {
	g := grid{0.1, ResampleMean}
	for _, first := range []float64{0, 1.7e9} {
		for i := range 1000 {
			if time := first + float64(i)/10; math.Abs(g.cell(time)-(first*10+float64(i))) > 0 {
				t.Fatalf("%v is in %v", time, g.cell(time))
			}
		}
	}
}

func TestResampleGaps(t *testing.T) {
	o := DefaultOptions()
	o.Time = "time"
	o.SetResample("1m", ResampleMean)
	d, err := readText("time,x,label\n2024-01-01 00:00:10,1,0\n2024-01-01 00:03:50,2,1\n2024-01-01 01:00:00,3,1\n", o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Resample(o); err != nil || len(d.Series) != 2 || d.Series[0].Len() != 4 || d.Series[1].Len() != 1 || d.Series[1].Group != d.Series[0].Group {
		t.Errorf("%v %+v", err, d.Series)
	}
}

func TestResampleFaults(t *testing.T) {
	for _, test := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.SetResample("1x", ResampleMean) }, "Options.Resample must be a duration"},
		{func(o *Options) { o.SetResample("0", ResampleMean) }, "Options.Resample must be more than 0"},
		{func(o *Options) { o.SetResample("1", "most") }, `Options.ResampleBy "most" is none of`},
		{func(o *Options) { o.Time = ""; o.SetResample("1", ResampleMean) }, "Options.Resample 1 needs Options.Time"},
		{func(o *Options) { o.Elapsed = true; o.SetResample("1", ResampleMean) }, "Options.Elapsed cannot be used with"},
		{func(o *Options) { o.SetResample("1m", ResampleMean) }, "is a duration, and times are numbers"},
	} {
		o := DefaultOptions()
		o.Time = "time"
		test.change(&o)
		_, err := readText("time,x,label\n1,1,0\n2,2,1\n", o)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, not %q", err, test.want)
		}
	}
}

func TestElapsed(t *testing.T) {
	o := DefaultOptions()
	o.Time, o.Elapsed, o.Series = "time", true, "s"
	d, err := readText("s,time,x,label\na,1,5,0\nb,10,6,1\na,3.5,7,1\nb,10,8,0\n", o)
	if err != nil || fmt.Sprint(d.Features, d.X) != "[x elapsed] [5 0 7 2.5 6 0 8 0]" {
		t.Errorf("%v %v %v", err, d.Features, d.X)
	}
	o.Features = d.Features // as a model has them
	if again, err := readText("s,time,x,label\na,1,5,0\nb,10,6,1\n", o); err != nil || fmt.Sprint(again.X) != "[5 0 6 0]" {
		t.Errorf("%v %v", err, again)
	}
	o.Features, o.Time = []string{"x"}, ""
	if _, err := readText("s,when,x,label\na,1,5,0\nb,10,6,1\n", o); err == nil || !strings.Contains(err.Error(), "Options.Elapsed needs Options.Time") {
		t.Error(err)
	}
	o.Features, o.Time = nil, "time"
	if _, err := readText("s,time,elapsed,label\na,1,5,0\nb,10,6,1\n", o); err == nil || !strings.Contains(err.Error(), "there is a column of that name") {
		t.Error(err)
	}
}

func TestCut(t *testing.T) {
	o := DefaultOptions()
	o.Series, o.Time = "s", "time"
	d, err := readText("s,time,x,label\na,1,1,0\na,2,2,1\na,3,3,0\nb,1,4,1\n", o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Cut(func(n int) (int, int) { return 1, n }); err != nil || fmt.Sprint(d.X, d.Labels, d.Time) != "[2 3] [1 0] [2 3]" || len(d.Series) != 1 || d.Len() != 2 || d.Input != 2 {
		t.Errorf("%v %+v", err, d)
	}
	if err := d.At(1, "", io.EOF); !strings.Contains(err.Error(), `row 2 (from 0) of series "a"`) {
		t.Error(err)
	}
	if err := d.Cut(func(n int) (int, int) { return 5, n }); err == nil || !strings.Contains(err.Error(), "no series has such rows (Options.Cut)") {
		t.Error(err)
	}
}

func TestSeveralPositive(t *testing.T) {
	o := DefaultOptions()
	o.Positive = "V, 2"
	d, err := readText("x,label\n1,N\n1,V\n1,2.0\n1,A\n", o)
	if err != nil || fmt.Sprint(d.Labels) != "[0 1 1 0]" {
		t.Errorf("%v %v", err, d)
	}
	o.Positive = "1,2" // NA is no label beside numbers
	if d, err = readText("x,label\n1,0\n1,1\n1,2\n1,NA\n", o); err != nil || fmt.Sprint(d.Labels) != "[0 1 1 -1]" {
		t.Errorf("%v %v", err, d)
	}
}

// TestResampleAsPandas compares with pandas, see testdata/resample.py.
func TestResampleAsPandas(t *testing.T) {
	for _, by := range ResampleMethods {
		o := DefaultOptions()
		o.LabelOptional, o.Time = true, "time"
		want, err := Read(t.Context(), []string{fmt.Sprintf("testdata/resample_%s.csv", by)}, o)
		if err != nil {
			t.Fatal(err)
		}
		o.SetResample("2s", by)
		d, err := Read(t.Context(), []string{"testdata/resample.csv"}, o)
		if err == nil {
			_, err = d.Resample(o)
		}
		if err != nil || !slices.Equal(d.Time, want.Time) {
			t.Fatalf("%s: %v, times %v, not %v", by, err, d.Time, want.Time)
		}
		for i, x := range d.X {
			if slack := 1e-6 * max(1, math.Abs(float64(want.X[i]))); !(math.Abs(float64(x-want.X[i])) <= slack) { // of 32-bit floats
				t.Errorf("%s: value %d is %v, not %v", by, i, x, want.X[i])
			}
		}
	}
}
