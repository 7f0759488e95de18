package plot

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestThinnedKeepsTheExtremes(t *testing.T) {
	for _, n := range []int{1, 5, most, most + 1, 2*most + 1, 100000} {
		var s thinned
		for i := range n {
			v := float32(math.Sin(float64(i)))
			if i == n/3 {
				v = 7
			}
			if i == n/2 {
				v = -7
			}
			s.add(v)
		}
		if len(s.buckets) > most || s.n != n || len(s.buckets) != (n+s.width-1)/s.width {
			t.Errorf("%d values: %d buckets of %d", n, len(s.buckets), s.width)
		}
		if n < 5 {
			continue
		}
		if b := s.buckets[n/3/s.width]; b.max != 7 {
			t.Errorf("%d values: the peak is lost, %v", n, b)
		}
		if b := s.buckets[n/2/s.width]; b.min != -7 {
			t.Errorf("%d values: the trough is lost, %v", n, b)
		}
	}
}

func TestRuns(t *testing.T) {
	var s thinned
	for i := range 3 * most {
		v := float32(0)
		if i >= 100 && i < 200 || i == 3*most-1 {
			v = 1
		}
		s.add(v)
	}
	if got, want := s.runs(), [][2]int{{100, 200}, {3*most - 4, 3 * most}}; !slices.Equal(got, want) {
		t.Errorf("runs of buckets of %d: %v, want %v", s.width, got, want)
	}
}

// answers is a picture of series of the given lengths.
func answers(lengths ...int) *Answers {
	a := NewAnswers([]string{"a", "b", "c", "d", "e"}, []string{"0", "1"}, 0.5)
	for s, n := range lengths {
		a.Begin(int32(s), fmt.Sprintf("series %d <&>", s))
		for i := range n {
			x := float32(math.Sin(float64(i) / 50))
			a.Add(int32(s), []float32{x, -x, x * x, 1, 0}, []float32{(1 - x) / 2, (x + 1) / 2}, int16(i/100%2), int16(i/150%2))
		}
	}
	return a
}

func TestWriteSVG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.svg")
	if err := answers(1000, 1, 30000, 10, 10, 10).Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "series 0", "(and 2 more series)", "probability", "true label 1", "label 1 if probability"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the picture has no %q", want)
		}
	}
}

// Of three classes the picture has their names, and the probability of each answer.
func TestWriteClasses(t *testing.T) {
	a := NewAnswers([]string{"x"}, []string{"sit", "run", "walk"}, 0.5)
	a.Begin(0, "s")
	for i := range 300 {
		a.Add(0, []float32{1}, []float32{0.5, 0.2, 0.3}, int16(i/100), int16(i/100-1))
	}
	if got, want := a.order[0].probability.buckets[150], (bucket{0.2, 0.2}); got != want {
		t.Errorf("the probability of the answer is drawn as %v, want %v", got, want)
	}
	path := filepath.Join(t.TempDir(), "p.svg")
	if err := a.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">sit<", ">run<", ">walk<", ">true label<", ">predicted label<", ">probability<"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the picture has no %q", want)
		}
	}
	if bytes.Contains(text, []byte("true label run")) {
		t.Error("a class is shaded")
	}
}

func TestWritePNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "P.PNG")
	if err := answers(1000).Write(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := png.Decode(file); err != nil {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.svg")
	nan := math.NaN()
	for _, epochs := range [][]Epoch{
		{{1, nan, nan}, {0.5, nan, nan}},
		{{1, 2, 0.1}, {math.Inf(1), 1, 0.7}},
		{{1, nan, nan}},
		{},
	} {
		if err := History(path, epochs); err != nil {
			t.Errorf("%v: %v", epochs, err)
		}
	}
}

func TestWriteSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "p.gif"):           "must end in .svg or .png",
		filepath.Join(dir, "nosuch", "p.svg"): "no such file or directory",
	} {
		if err := answers(10).Write(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := NewAnswers(nil, nil, 0.5).Write(filepath.Join(dir, "p.svg")); err == nil {
		t.Error("no series is drawn")
	}
}
