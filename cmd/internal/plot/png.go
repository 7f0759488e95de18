package plot

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// WritePNG draws two dots for each pixel, on a light face.
func (f *Figure) WritePNG(w io.Writer) error {
	img := vgimg.NewWith(vgimg.UseWH(points(f.width), points(f.height)), vgimg.UseDPI(192))
	d := raster{Canvas: img, height: f.height, fonts: font.NewCache(liberation.Collection())}
	d.draw(f.shapes, point{})
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}

// points is a length, of which an inch has 96 pixels and 72 points.
func points(pixels float64) vg.Length { return vg.Points(0.75 * pixels) }

// raster draws shapes as dots.
type raster struct {
	*vgimg.Canvas
	height float64
	fonts  *font.Cache
}

// at is a place, y going up.
func (d *raster) at(p, origin point) vg.Point {
	return vg.Point{X: points(origin[0] + p[0]), Y: points(d.height - origin[1] - p[1])}
}

func (d *raster) draw(shapes []shape, origin point) {
	for _, s := range shapes {
		d.SetColor(colourOf(s.paint, s.opacity))
		switch s.kind {
		case lines:
			d.SetLineWidth(points(s.size))
			d.SetLineDash(nil, 0)
			if s.dashed {
				d.SetLineDash([]vg.Length{points(4), points(3)}, 0)
			}
			for _, part := range s.points {
				if len(part) > 1 {
					d.Stroke(d.path(part, origin))
				}
			}
		case areas:
			for _, part := range s.points {
				path := d.path(part, origin)
				path.Close()
				d.Fill(path)
			}
		case words:
			face := d.fonts.Lookup(font.Font{Typeface: "Liberation", Variant: "Sans"}, points(s.size))
			at := d.at(s.points[0][0], origin)
			switch s.align {
			case "middle":
				at.X -= face.Width(s.text) / 2
			case "end":
				at.X -= face.Width(s.text)
			}
			d.FillString(face, at, s.text)
		case panel:
			at := s.points[0][0]
			d.draw(s.inner, point{origin[0] + at[0], origin[1] + at[1]})
		}
	}
}

func (d *raster) path(part []point, origin point) (path vg.Path) {
	for i, p := range part {
		if i == 0 {
			path.Move(d.at(p, origin))
		} else {
			path.Line(d.at(p, origin))
		}
	}
	return path
}

// colourOf is a colour on a light face.
func colourOf(p paint, opacity float64) color.Color {
	c := color.NRGBA{A: 0xff}
	_, _ = fmt.Sscanf(colours[p].light, "#%02x%02x%02x", &c.R, &c.G, &c.B) // a constant
	if opacity > 0 {
		c.A = uint8(opacity * 0xff)
	}
	return c
}
