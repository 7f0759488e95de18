package plot

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
)

// SVG is the figure as an element of a page, which has Style.
func (f *Figure) SVG() string { return string(f.svg(false)) }

// svg is the figure as an element, or as a file.
func (f *Figure) svg(file bool) []byte {
	var b bytes.Buffer
	w, h := number(f.width), number(f.height)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" font-family="system-ui, 'Liberation Sans', Helvetica, Arial, sans-serif" role="img"`, w, h)
	if file {
		fmt.Fprintf(&b, ` width="%s" height="%s"`, w, h)
	} else {
		fmt.Fprintf(&b, ` style="max-width:%spx"`, w)
	}
	if f.axis != nil {
		f.axis.data(&b)
	}
	fmt.Fprintf(&b, "><title>%s</title>", html.EscapeString(f.Title))
	if file {
		fmt.Fprintf(&b, "<style>%s</style>", Style())
		writeShape(&b, &shape{kind: areas, paint: back, points: [][]point{rect(0, 0, f.width, f.height)}})
	}
	writeShapes(&b, f.shapes, false)
	b.WriteString(`<g class="ticks">`)
	writeShapes(&b, f.shapes, true)
	b.WriteString("</g></svg>")
	return b.Bytes()
}

// writeShapes writes those that belong to the time axis, or the others.
func writeShapes(b *bytes.Buffer, all []shape, ticks bool) {
	for i := range all {
		if all[i].tick == ticks {
			writeShape(b, &all[i])
		}
	}
}

func writeShape(b *bytes.Buffer, s *shape) {
	colour := colours[s.paint]
	switch s.kind {
	case lines:
		fmt.Fprintf(b, `<path class="l %s" fill="none" stroke="%s" stroke-width="%s" vector-effect="non-scaling-stroke"`, colour.name, colour.light, number(s.size))
		if s.dashed {
			b.WriteString(` stroke-dasharray="4 3"`)
		}
		writePath(b, s, "")
	case areas:
		fmt.Fprintf(b, `<path class="a %s" fill="%s"`, colour.name, colour.light)
		if s.opacity > 0 {
			fmt.Fprintf(b, ` fill-opacity="%s"`, strconv.FormatFloat(s.opacity, 'f', 2, 64))
		}
		writePath(b, s, "z")
	case words:
		at := s.points[0][0]
		fmt.Fprintf(b, `<text class="t %s" fill="%s" x="%s" y="%s" font-size="%s"`, colour.name, colour.light, number(at[0]), number(at[1]), number(s.size))
		if s.align != "start" {
			fmt.Fprintf(b, ` text-anchor="%s"`, s.align)
		}
		fmt.Fprintf(b, ">%s</text>", html.EscapeString(s.text))
	case panel:
		at := s.points[0][0]
		fmt.Fprintf(b, `<svg class="pan" x="%s" y="%s" width="%[3]s" height="%[4]s" viewBox="0 0 %[3]s %[4]s" preserveAspectRatio="none">`,
			number(at[0]), number(at[1]), number(s.width), number(s.height))
		writeShapes(b, s.inner, false)
		b.WriteString("</svg>")
	}
}

// writePath writes the points of a shape, but for those on a level with both neighbours.
func writePath(b *bytes.Buffer, s *shape, end string) {
	b.WriteString(` d="`)
	for _, part := range s.points {
		for i, p := range part {
			y := math.Round(10 * p[1])
			if i > 0 && i < len(part)-1 && y == math.Round(10*part[i-1][1]) && y == math.Round(10*part[i+1][1]) &&
				(p[0] >= part[i-1][0]) == (part[i+1][0] >= p[0]) {
				continue
			}
			b.WriteByte("ML"[min(i, 1)])
			b.WriteString(number(p[0]))
			b.WriteByte(' ')
			b.WriteString(number(p[1]))
		}
		b.WriteString(end)
	}
	b.WriteString(`"/>`)
}

// number is a coordinate, to a tenth.
func number(v float64) string { return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64) }
