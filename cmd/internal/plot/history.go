package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Epoch is what the picture of a training run shows of an epoch. What is not
// known is NaN.
type Epoch struct {
	Loss           float64 // mean over the epoch's training steps
	ValidationLoss float64
	F1             float64 // on the validation part
}

// History draws the losses and the F1 of the epochs, counted from 1, to a file.
func History(path string, epochs []Epoch) error {
	losses := newPanel("training", "loss", 1, max(2, len(epochs)))
	addCurve(losses, "training", epochs, blue, func(e Epoch) float64 { return e.Loss })
	addCurve(losses, "validation", epochs, orange, func(e Epoch) float64 { return e.ValidationLoss })
	panels := []*plot.Plot{losses}
	f1 := newPanel(" ", "F1", 1, max(2, len(epochs)))
	if addCurve(f1, "validation", epochs, orange, func(e Epoch) float64 { return e.F1 }) {
		f1.Y.Min, f1.Y.Max = 0, 1
		panels = append(panels, f1)
	}
	panels[len(panels)-1].X.Label.Text = "epoch"
	return write(path, panels)
}

// addCurve adds what is known of the epochs and reports whether anything is.
func addCurve(p *plot.Plot, name string, epochs []Epoch, c color.Color, value func(Epoch) float64) bool {
	var points plotter.XYs
	for i, e := range epochs {
		if v := value(e); !math.IsNaN(v) && !math.IsInf(v, 0) {
			points = append(points, plotter.XY{X: float64(i + 1), Y: v})
		}
	}
	if len(points) == 0 {
		return false
	}
	curve := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: vg.Points(1.5)}}
	dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c, Radius: vg.Points(2), Shape: draw.CircleGlyph{}}}
	p.Add(curve, dots)
	p.Legend.Add(name, curve)
	return true
}
