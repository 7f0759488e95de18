// Package plot draws what a network says about series, and how its training
// went, as SVG or PNG.
package plot

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

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

// Colours that people who see few colours can tell apart (Okabe and Ito).
var (
	blue   = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	orange = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	green  = color.NRGBA{0x00, 0x9e, 0x73, 0x50}
	yellow = color.NRGBA{0xe6, 0x9f, 0x00, 0x50}
	grey   = color.NRGBA{0x80, 0x80, 0x80, 0xff}
)

const (
	width       = 12 * vg.Inch
	panelHeight = 1.7 * vg.Inch
)

// write draws the panels below each other.
func write(path string, panels []*plot.Plot) (err error) {
	kind, err := format(path)
	if err != nil {
		return err
	}
	if len(panels) == 0 {
		return errors.New("there is nothing to draw")
	}
	file, err := outfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	canvas, err := draw.NewFormattedCanvas(width, panelHeight*vg.Length(len(panels)), kind)
	if err != nil {
		return err
	}
	rows := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		rows[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 12, PadY: 6}
	at := draw.New(canvas)
	for i, cells := range plot.Align(rows, tiles, at) {
		panels[i].Draw(cells[0])
	}
	if _, err := canvas.WriteTo(file); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return file.Commit()
}

// newPanel is an empty one, from first to last across.
func newPanel(title, y string, first, last int) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text = title, y
	p.Legend.Top, p.Legend.YOffs = true, p.Title.TextStyle.FontExtents().Height // beside the title
	p.X.Min, p.X.Max = float64(first), float64(last)
	p.X.Tick.Marker = counts{}
	return p
}

// counts are ticks at whole numbers, at most a dozen.
type counts struct{}

// Ticks implements plot.Ticker.
func (counts) Ticks(from, to float64) []plot.Tick {
	step := 1.0
	for i := 0; (to-from)/step > 12; i++ {
		step *= []float64{2, 2.5, 2}[i%3] // 1, 2, 5, 10 …
	}
	var ticks []plot.Tick
	for v := math.Ceil(from/step) * step; v <= to; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return ticks
}

// line draws t as a line, each bucket as a stroke from its least to its
// greatest value.
func line(t *thinned, c color.Color) *plotter.Line {
	points := make(plotter.XYs, 0, 2*len(t.buckets))
	for i, b := range t.buckets {
		x := float64(i * t.width)
		points = append(points, plotter.XY{X: x, Y: float64(b.min)})
		if b.max > b.min {
			points = append(points, plotter.XY{X: x, Y: float64(b.max)})
		}
	}
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: vg.Points(0.8)}}
}

// level draws a dashed line across.
func level(y float64, end int) *plotter.Line {
	style := draw.LineStyle{Color: grey, Width: vg.Points(0.8), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
	return &plotter.Line{XYs: plotter.XYs{{X: 0, Y: y}, {X: float64(end), Y: y}}, LineStyle: style}
}

// bands shades stretches of rows from the bottom to the top.
type bands struct {
	runs  [][2]int
	color color.Color
}

// Plot implements plot.Plotter.
func (b bands) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, r := range b.runs {
		left, right := x(float64(r[0])), x(float64(r[1]))
		right = max(right, left+vg.Points(0.3)) // so that one row among millions is seen
		c.FillPolygon(b.color, c.ClipPolygonXY([]vg.Point{
			{X: left, Y: c.Min.Y}, {X: right, Y: c.Min.Y}, {X: right, Y: c.Max.Y}, {X: left, Y: c.Max.Y},
		}))
	}
}

// Thumbnail implements plot.Thumbnailer, for the legend.
func (b bands) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(b.color, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}
