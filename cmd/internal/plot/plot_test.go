package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// drawn is a series of rows whose feature is a wave with a peak and a trough, wrong from row 100 to 199
// and in the last one.
func drawn(n int) *track {
	t := &track{name: "s"}
	for i := range n {
		r := Row{At: float64(i), X: []float32{float32(math.Sin(float64(i)))}, Probability: []float32{0.5, 0.5}}
		if i == n/3 {
			r.X[0] = 7
		}
		if i == n/2 {
			r.X[0], r.Probability = -7, []float32{0, 1}
		}
		if i >= 100 && i < 200 || i == n-1 {
			r.Label = 1
		}
		t.add(&r)
	}
	return t
}

func TestATrackKeepsWhatIsRare(t *testing.T) {
	for _, n := range []int{5, most, most + 1, 2*most + 1, 100000} {
		s := drawn(n)
		if len(s.buckets) > most || s.n != n || len(s.buckets) != (n+s.width-1)/s.width {
			t.Errorf("%d rows: %d buckets of %d", n, len(s.buckets), s.width)
		}
		if b := s.buckets[n/3/s.width]; b.high[0] != 7 {
			t.Errorf("%d rows: the peak is lost, %v", n, b)
		}
		if b := s.buckets[n/2/s.width]; b.low[0] != -7 || b.best != 1 || b.sum[0]+b.sum[1] != float64(b.answered) {
			t.Errorf("%d rows: the trough is lost, %v", n, b)
		}
		if b := s.buckets[len(s.buckets)-1]; !b.wrong || b.label != 1 || s.known != n {
			t.Errorf("%d rows: the last mistake is lost, %v", n, b)
		}
	}
	s := drawn(3 * most)
	if s.wrong != 101 {
		t.Errorf("%d rows wrong", s.wrong)
	}
	a := s.axis(Rows, 3*most) // a pixel for each row
	if got := s.runs(a, 1, wrongness)[0]; len(got) != 2 || got[0][0][0] != 100 || got[0][1][0] != 200 || got[1][1][0] != 3*most {
		t.Errorf("mistakes at %v", got)
	}
}

// Lines and stretches of colour end where rows are missing.
func TestGaps(t *testing.T) {
	s := &track{}
	for _, at := range []float64{0, 1, 2, 3, 100, 101, 102} {
		s.add(&Row{At: at, Label: 1})
	}
	if got := s.stretches(func(*bucket) bool { return true }); !slices.Equal(got, [][2]int{{0, 4}, {4, 7}}) {
		t.Errorf("stretches %v", got)
	}
	if got := s.runs(s.axis(Times, 103), 1, func(b *bucket) int16 { return b.label })[1]; len(got) != 2 || math.Round(got[0][1][0]) != 4 || got[1][0][0] != 100 {
		t.Errorf("stretches of colour %v", got)
	}
}

func TestTicks(t *testing.T) {
	day := float64(time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC).Unix())
	for _, test := range []struct {
		scale    Scale
		from, to float64
		want     string
	}{
		{Rows, 0, 5, "0 1 2 3 4 5"},
		{Rows, 0, 3000, "0 500 1000 1500 2000 2500 3000"},
		{Rows, 0, 1, "0 1"},
		{Times, -0.3, 0.3, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3"},
		{Times, 1e9, 1e9 + 20, "1000000000 1000000005 1000000010 1000000015 1000000020"},
		{Stamps, day, day + 7200, "23:00 23:30 2026-02-01 00:30 01:00"},
		{Stamps, day, day + 4, "23:00:00 23:00:01 23:00:02 23:00:03 23:00:04"},
		{Stamps, day, day + 0.301, "23:00:00.000 23:00:00.100 23:00:00.200 23:00:00.300"},
		{Stamps, day + 3600, day + 3600 + 3*86400, "2026-02-01 12:00 2026-02-02 12:00 2026-02-03 12:00 2026-02-04"},
		{Stamps, day + 3600, day + 3600 + 12*86400, "2026-02-02 2026-02-04 2026-02-06 2026-02-08 2026-02-10 2026-02-12"},
		{Times, 1, 1, ""},
		{Times, math.NaN(), 1, ""},
		{Times, 0, math.Inf(1), ""},
	} {
		var got []string
		for _, tick := range test.scale.ticks(test.from, test.to, 6) {
			got = append(got, tick.text)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v from %v to %v: %q, want %q", test.scale, test.from, test.to, got, test.want)
		}
	}
}

// answers is a picture of series of the given lengths.
func answers(s Shown, lengths ...int) *Answers {
	if s.Features == nil {
		s.Features = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}
	}
	if s.Classes == nil {
		s.Classes, s.Threshold = []string{"0", "1"}, 0.5
	}
	a := NewAnswers(s)
	for k, n := range lengths {
		a.Begin(int32(k), fmt.Sprintf("series %d <&>\"'", k))
		for i := range n {
			x := float32(math.Sin(float64(i) / 50))
			p := make([]float32, len(s.Classes))
			p[0], p[1] = (1-x)/2, (x+1)/2
			a.Add(int32(k), Row{At: float64(i), X: slices.Repeat([]float32{x}, len(s.Features)), Probability: p, Answer: int16(i / 100 % 2), Label: int16(i/150%3 - 1)})
		}
	}
	return a
}

// text is what a picture is written as.
func text(t *testing.T, a *Answers) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.svg")
	if err := a.Write(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkXML(t, content)
	return string(content)
}

func checkXML(t *testing.T, content []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(content)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func checkHas(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the picture has no %q", w)
		}
	}
}

func TestWriteSVG(t *testing.T) {
	got := text(t, answers(Shown{}, 1000, 1, 30000, 10, 10, 10))
	checkHas(t, got, "<svg", "series 0 &lt;&amp;&gt;&#34;&#39;: 250 of 600 rows wrong", "this shows 4 of 6 series, the first 8 of 9 features",
		">label<", ">predicted<", ">wrong<", ">of 1<", "prefers-color-scheme")
	if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
		t.Error("a place is no number")
	}
}

// A picture of the series that are named, which says nothing where it shows all.
func TestSeriesAreChosen(t *testing.T) {
	name := `series 4 <&>"'`
	a := answers(Shown{Features: []string{"x"}, Series: []string{name}}, 10, 10, 10, 10, 10)
	if n := len(a.Figures()); n != 2 || a.LeftOut() != "1 of 5 series" {
		t.Errorf("%d figures; left out %q", n, a.LeftOut())
	}
	if unknown, _ := a.Unknown(); unknown != "" {
		t.Errorf("%q is not known", unknown)
	}
	a = answers(Shown{Features: []string{"x"}, Series: []string{name, "nosuch"}}, 10, 10)
	if unknown, all := a.Unknown(); unknown != name || len(all) != 2 {
		t.Errorf("%q of %q", unknown, all)
	}
	if text := answers(Shown{Features: []string{"x"}}, 10, 10).LeftOut(); text != "" {
		t.Error(text)
	}
}

// Of three classes the picture has the layers of their probabilities, in their colours.
func TestWriteClasses(t *testing.T) {
	got := text(t, answers(Shown{Features: []string{"x"}, Classes: []string{"sit", "run", "walk"}}, 900))
	checkHas(t, got, ">sit<", ">run<", ">walk<", ">probability<", `class="a c2" fill="#0072b2" fill-opacity="0.85"`)
	if strings.Contains(got, "dasharray") {
		t.Error("there is a threshold")
	}
}

// A long name has two lines, of which the second is cut where it must be.
func TestNames(t *testing.T) {
	checkHas(t, text(t, answers(Shown{Features: []string{"Accelerometer 1 (Volume Flow Rate RMS)", "Temperature", "abcdefghijklmnopqr"}}, 10)),
		">Accelerometer 1<", ">(Volume Flow R…<", ">Temperature<", ">abcdefghijklmno<", ">pqr<")
}

// Without labels nothing is said of them, and with times these are below.
func TestWriteWithoutLabels(t *testing.T) {
	a := NewAnswers(Shown{Features: []string{"x"}, Classes: []string{"0", "1"}, Scale: Stamps})
	a.Begin(0, "s")
	for i := range 100 {
		a.Add(0, Row{At: 1.6e9 + float64(i), X: []float32{float32(i)}, Probability: []float32{1, 0}, Label: -1})
	}
	got := text(t, a)
	checkHas(t, got, ">2020-09-13<", ">12:27:00<")
	for _, not := range []string{">label<", "wrong"} {
		if strings.Contains(got, not) {
			t.Errorf("the picture has %q", not)
		}
	}
}

// A page can show more of a series than what it shows first.
func TestView(t *testing.T) {
	a := answers(Shown{Features: []string{"x"}}, 1000)
	a.View(0, 500, 600)
	got := a.Figures()[0].SVG()
	checkXML(t, []byte(got))
	checkHas(t, got, `class="zoom" data-scale="0" data-from="500" data-to="600" data-left="-4330" data-right="4330" data-width="866" data-margin="104"`, ">510<")
	if strings.Contains(got, ">200<") {
		t.Error("there is a tick that is not in view")
	}
}

func TestWritePNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "P.PNG")
	if err := answers(Shown{}, 1000).Write(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := img.At(3, 3).RGBA(); r>>8 != 0xff || g>>8 != 0xff || b>>8 != 0xff {
		t.Errorf("the face is %d, %d, %d", r>>8, g>>8, b>>8)
	}
}

func TestCharts(t *testing.T) {
	nan := math.NaN()
	for _, epochs := range [][]Epoch{{{1, nan, nan}, {0.5, nan, nan}}, {{1, 2, 0.1}, {math.Inf(1), 1, 0.7}}, {{1, nan, nan}}, {}} {
		for _, f := range History(epochs, epochs) {
			checkXML(t, []byte(f.SVG()))
			if strings.Contains(f.SVG(), "NaN") || strings.Contains(f.SVG(), "Inf") {
				t.Errorf("%v: a place is no number", epochs)
			}
		}
	}
	checkHas(t, History([]Epoch{{1, 2, 0.1}, {2, 1, 0.2}})[0].SVG(), ">1</text>", ">2</text>") // epochs are whole
	c := Confusion([]string{"a<b", "c"}, [][]int{{3, 1}, {0, 0}}).SVG()
	checkXML(t, []byte(c))
	checkHas(t, c, ">a&lt;b<", ">75 %<", ">0 %<")
	b := Bars("by class", []string{"F1"}, []Bar{{"a", []float64{nan}}, {"b", []float64{0.5}}}).SVG()
	checkXML(t, []byte(b))
	checkHas(t, b, ">n/a<", ">0.5000<")
}

func TestWriteSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "p.gif"):           "must end in .svg or .png",
		filepath.Join(dir, "nosuch", "p.svg"): "no such file or directory",
	} {
		if err := answers(Shown{}, 10).Write(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := NewAnswers(Shown{}).Write(filepath.Join(dir, "p.svg")); err == nil {
		t.Error("no series is drawn")
	}
}
