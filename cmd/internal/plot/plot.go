// Package plot draws what a network says about series, how good that is and how its training
// went, as SVG, for files and for pages, or as PNG.
package plot

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
)

// Check reports a file name that does not tell SVG or PNG, and one that no file
// can be made under.
func Check(path string) error {
	if _, err := format(path); err != nil {
		return err
	}
	file, err := outfile.Create(path)
	if err != nil {
		return err
	}
	file.Discard()
	return nil
}

func format(path string) (string, error) {
	ext := strings.ToLower(filepath.Ext(path))
	if ext != ".svg" && ext != ".png" {
		return "", fmt.Errorf("%s: the name must end in .svg or .png", path)
	}
	return ext[1:], nil
}

// Write draws figures to a file, below each other.
func Write(path string, figures ...*Figure) error {
	kind, err := format(path)
	if err != nil {
		return err
	}
	if len(figures) == 0 {
		return errors.New("there is nothing to draw")
	}
	file, err := outfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	draw := (*Figure).writeSVG
	if kind == "png" {
		draw = (*Figure).WritePNG
	}
	if err := draw(stack(figures), file); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return file.Commit()
}

func (f *Figure) writeSVG(w io.Writer) error {
	_, err := w.Write(f.svg(true))
	return err
}

// Figure is shapes on a plane whose units are pixels, y going down.
type Figure struct {
	Title         string // what it shows, for those who do not see it
	width, height float64
	shapes        []shape
	axis          *axis // of the panels, which all have the same; nil for a figure that has none
}

// point is a place: x, y.
type point [2]float64

// Wide reports whether the figure takes more space than charts do.
func (f *Figure) Wide() bool { return f.width > chartWidth+20 }

// shape is something drawn: lines, areas, a text, or a panel.
type shape struct {
	kind    kind
	paint   paint
	points  [][]point // of lines and areas; of text the place
	text    string
	size    float64 // of text; of lines their width
	align   string  // of text: start, middle or end
	opacity float64 // 0: opaque
	dashed  bool

	// Of a panel: what is in it, whose origin is its corner, and which is seen within its width.
	width, height float64
	inner         []shape
	tick          bool // it belongs to the time axis
}

type kind int

const (
	lines kind = iota
	areas
	words
	panel
)

// stack has figures below each other.
func stack(figures []*Figure) *Figure {
	if len(figures) == 1 {
		return figures[0]
	}
	all := &Figure{}
	for _, f := range figures {
		for _, s := range f.shapes {
			all.shapes = append(all.shapes, s.moved(all.height))
		}
		all.width, all.height = max(all.width, f.width), all.height+f.height
		if all.Title == "" {
			all.Title = f.Title
		}
	}
	return all
}

// moved is the same shape further down.
func (s shape) moved(by float64) shape {
	points := make([][]point, len(s.points))
	for i, part := range s.points {
		for _, p := range part {
			points[i] = append(points[i], point{p[0], p[1] + by})
		}
	}
	s.points = points
	return s
}

// canvas gathers shapes.
type canvas struct{ shapes []shape }

func (c *canvas) line(p paint, width float64, points ...point) {
	c.shapes = append(c.shapes, shape{kind: lines, paint: p, size: width, points: [][]point{points}})
}

func (c *canvas) dashed(p paint, points ...point) {
	c.shapes = append(c.shapes, shape{kind: lines, paint: p, size: 1, points: [][]point{points}, dashed: true})
}

// rect is a rectangle's corners.
func rect(left, top, right, bottom float64) []point {
	return []point{{left, top}, {right, top}, {right, bottom}, {left, bottom}}
}

func (c *canvas) area(p paint, opacity float64, parts ...[]point) {
	if len(parts) > 0 {
		c.shapes = append(c.shapes, shape{kind: areas, paint: p, opacity: opacity, points: parts})
	}
}

// Sizes of text.
const (
	small  = 11.0
	normal = 12.0
	large  = 15.0
)

func (c *canvas) text(p paint, size, x, y float64, align, text string) {
	c.shapes = append(c.shapes, shape{kind: words, paint: p, size: size, points: [][]point{{{x, y}}}, align: align, text: text})
}

// panel is an area of its own, which shows no more than fits its width.
func (c *canvas) panel(x, y, width, height float64, inner *canvas) {
	c.shapes = append(c.shapes, shape{kind: panel, points: [][]point{{{x, y}}}, width: width, height: height, inner: inner.shapes})
}

// entry is one of a legend.
type entry struct {
	name  string
	paint paint
}

// legend draws entries in lines from a place on, up to a width, and returns how high they are.
func (c *canvas) legend(entries []entry, x, y, width float64) float64 {
	const square, line = 10.0, 17.0
	at, top := x, y
	for _, e := range entries {
		wide := square + 5 + textWidth(e.name, small) + 14
		if at > x && at+wide > x+width {
			at, top = x, top+line
		}
		c.area(e.paint, 0, rect(at, top+2, at+square, top+2+square))
		c.text(ink, small, at+square+5, top+11, "start", e.name)
		at += wide
	}
	return top + line - y
}

// textWidth is about how wide a text is.
func textWidth(text string, size float64) float64 { return 0.55 * size * float64(len([]rune(text))) }

// short is a name that fits so many letters.
func short(name string, fits int) string {
	if r := []rune(name); len(r) > fits {
		return strings.TrimSpace(string(r[:fits-1])) + "…"
	}
	return name
}

// split divides a name that does not fit so many letters, at a space if there is one.
func split(name string, fits int) (first, rest string) {
	r := []rune(name)
	if len(r) <= fits {
		return name, ""
	}
	at := fits
	for i := fits; i > fits/2; i-- {
		if r[i] == ' ' || r[i] == '_' {
			at = i
			break
		}
	}
	return string(r[:at]), strings.TrimSpace(string(r[at:]))
}
