package htmlreport

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/browsertest"
	"github.com/rnnbin/rnnbin/cmd/internal/plot"
)

const nasty = `<script>alert("x")</script> & 'y'`

// example is a page with everything, all names of which are nasty.
func example() *Page {
	classes := []string{nasty, "b"}
	a := plot.NewAnswers(plot.Shown{Features: []string{nasty, "y"}, Classes: classes, Threshold: 0.5, Bare: true})
	a.Begin(0, nasty)
	for i := range 1000 {
		x := float32(math.Sin(float64(i) / 20))
		a.Add(0, plot.Row{At: float64(i), X: []float32{x, -x}, Probability: []float32{(1 - x) / 2, (1 + x) / 2}, Answer: int16(i / 100 % 2), Label: int16(i / 150 % 2)})
	}
	a.View(0, 400, 600)
	return &Page{
		Title: nasty, Lead: []string{nasty},
		Sections: []Section{
			{Title: nasty, Text: []string{nasty}, Facts: [][2]string{{nasty, strings.Repeat("long", 100)}}, Commands: []string{"rnnbin predict " + nasty + strings.Repeat(" word", 50)}, Code: nasty},
			{Title: "tables", Tables: []Table{{Title: nasty, Head: []string{"", "a", "b", "c", "d", "e", "f", "g"}, Rows: [][]string{{nasty, "1", "2", "3", "4", "5", "6", "7"}}, Bold: 1}}},
			{Title: "figures", Charts: append(plot.History([]plot.Epoch{{Loss: 1, ValidationLoss: 2, F1: 0.5}, {Loss: 0.5, ValidationLoss: 1, F1: 0.7}}),
				plot.Confusion(classes, [][]int{{3, 1}, {0, 2}}), plot.Bars(nasty, []string{"F1"}, []plot.Bar{{Name: nasty, Values: []float64{0.5}}})),
				Classes: classes, Figures: []Figure{{a.Figures()[0], nasty}}},
		},
	}
}

// opened is the example in a browser, in a window of a width.
func opened(t *testing.T, width int) *browsertest.Browser {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	var text strings.Builder
	if err := example().Write(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t, "file://"+path, width)
	b.Wait("document.readyState", "complete")
	return b
}

func TestNamesAreEscaped(t *testing.T) {
	var text strings.Builder
	if err := example().Write(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "<script>alert") || strings.Count(text.String(), "<script") != 1 {
		t.Error("a name is taken for markup")
	}
	if n := strings.Count(text.String(), "alert("); n < 12 {
		t.Errorf("the names are there %d times", n)
	}
}

// The page asks for nothing but itself, its script has no fault, and nothing is wider than the
// window, in whichever light.
func TestInABrowser(t *testing.T) {
	for _, width := range []int{390, 1200} {
		b := opened(t, width)
		backs := map[string]bool{}
		for _, scheme := range []string{"light", "dark"} {
			b.Call("Emulation.setEmulatedMedia", map[string]any{"media": "screen", "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
			if got := b.Value("document.documentElement.scrollWidth - document.documentElement.clientWidth"); got != "0" {
				t.Errorf("%d, %s: the page is %s pixels too wide", width, scheme, got)
			}
			backs[b.Value("getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('text.ink')).fill")] = true
		}
		if len(backs) != 2 {
			t.Errorf("light and dark are %v", backs)
		}
		b.Call("Emulation.setEmulatedMedia", map[string]any{"media": "print", "features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}}, nil)
		if back := b.Value("getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.buttons')).display"); back != "rgb(255, 255, 255)none" {
			t.Errorf("in print the page is %s", back)
		}
		for _, asked := range b.Asked() {
			if !strings.HasPrefix(asked, "file://") {
				t.Errorf("the page asks for %s", asked)
			}
		}
		if faults := b.Faults(); len(faults) > 0 {
			t.Errorf("%q", faults)
		}
	}
}

// The figure of a series fills the page, shows a part of the rows first, and by its buttons another.
func TestZoom(t *testing.T) {
	b := opened(t, 800)
	ticks := "[...document.querySelectorAll('.zoom .ticks text')].map(t => t.textContent).join(' ')"
	press := func(label string) { b.Value("document.querySelector('button[aria-label=\"" + label + "\"]').click()") }
	b.Wait(ticks, "row 400 450 500 550 600")
	b.Wait("document.querySelector('.zoom').viewBox.baseVal.width === document.querySelector('.zoom').clientWidth", "true")
	press("show less, larger")
	b.Wait(ticks, "row 460 480 500 520 540")
	press("later")
	b.Wait(ticks, "row 500 520 540 560 580 600")
	for range 9 {
		press("show more")
	}
	b.Wait(ticks, "row 0 200 400 600 800 1000")
	press("as it was")
	b.Wait(ticks, "row 400 450 500 550 600")
	if faults := b.Faults(); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
}

var tickText = regexp.MustCompile(`>([^<>]+)</text>`)

// The script draws the axes as the program has drawn them, of rows, of numbers and of timestamps.
func TestTheScriptDrawsAsTheProgram(t *testing.T) {
	const rows = 500
	p := &Page{Sections: []Section{{Title: "axes"}}}
	var want []string
	for _, axis := range []struct {
		scale       plot.Scale
		first, step float64
	}{{plot.Rows, 0, 1}, {plot.Times, -3, 0.0125}, {plot.Times, 1e6, 250}, {plot.Stamps, 1.7e9, 0.002}, {plot.Stamps, 1.7e9, 1}, {plot.Stamps, 1.7e9, 300}, {plot.Stamps, 1.7e9, 1e4}, {plot.Stamps, 1.7e9, 1e6}} {
		a := plot.NewAnswers(plot.Shown{Classes: []string{"a", "b"}, Scale: axis.scale, Bare: true})
		a.Begin(0, "s")
		for i := range rows {
			a.Add(0, plot.Row{At: axis.first + float64(i)*axis.step, Probability: []float32{0, 1}, Label: -1})
		}
		f := a.Figures()[0]
		p.Sections[0].Figures = append(p.Sections[0].Figures, Figure{f, ""})
		_, ticks, _ := strings.Cut(f.SVG(), `<g class="ticks">`)
		var all []string
		for _, found := range tickText.FindAllStringSubmatch(ticks, -1) {
			all = append(all, found[1])
		}
		want = append(want, strings.Join(all, " "))
	}
	path := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := p.Write(file); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t, "file://"+path, 1032) // less the margins this is as wide as figures are
	b.Wait("document.readyState", "complete")
	b.Value("document.documentElement.style.scrollbarWidth = 'none'")
	b.Wait("document.querySelector('.zoom').clientWidth", "1000")
	b.Wait("[...document.querySelectorAll('.ticks')].map(g => [...g.querySelectorAll('text')].map(t => t.textContent).join(' ')).join('\\n')", strings.Join(want, "\n"))
}
