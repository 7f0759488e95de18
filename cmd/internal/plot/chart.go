package plot

import (
	"fmt"
	"math"
	"strconv"
)

// Line is one of a chart.
type Line struct {
	Name  string
	Class int  // whose colour it has
	Plain bool // in the colour of text instead
	Dots  bool // at its points
	Loose bool // points that no line joins
	Dash  bool // broken, as what it is compared with
	X, Y  []float64
}

func (l *Line) paint() paint {
	if l.Plain {
		return ink
	}
	return classPaint(l.Class)
}

// Chart is lines over two axes.
type Chart struct {
	Title, X, Y string
	Unit        bool  // both axes go from 0 to 1
	Scale       Scale // of the axis across
	Lines       []Line
}

// Places in a chart.
const (
	chartWidth  = 340.0
	chartHeight = 260.0
	chartLeft   = 50.0
	chartTop    = 28.0
)

// Figure draws the chart.
func (c Chart) Figure() *Figure {
	d := &canvas{}
	x, y := c.ranges()
	const w, h = chartWidth - chartLeft - 10, chartHeight - chartTop - 40
	place := func(u, v float64) point {
		return point{chartLeft + w*(u-x[0])/(x[1]-x[0]), chartTop + h*(y[1]-v)/(y[1]-y[0])}
	}
	d.text(ink, large, 4, 17, "start", c.Title)
	for _, t := range c.Scale.ticks(x[0], x[1], 5) {
		at := place(t.value, y[0])
		d.line(grid, 1, at, point{at[0], chartTop})
		d.text(quiet, small, at[0], at[1]+15, "middle", t.text)
	}
	for _, t := range Times.ticks(y[0], y[1], 5) {
		at := place(x[0], t.value)
		d.line(grid, 1, at, point{chartLeft + w, at[1]})
		d.text(quiet, small, at[0]-6, at[1]+4, "end", t.text)
	}
	d.text(quiet, small, chartLeft+w, chartTop+h+31, "end", c.X)
	d.text(quiet, small, 4, chartTop+h+31, "start", "↑ "+c.Y)
	var entries []entry
	for _, l := range c.Lines {
		l.draw(d, place)
		if l.Name != "" {
			entries = append(entries, entry{short(l.Name, 30), l.paint()})
		}
	}
	height := chartHeight
	if len(entries) > 1 {
		height += d.legend(entries, 4, chartHeight, chartWidth-8) + 4
	}
	return &Figure{Title: c.Title, width: chartWidth, height: height, shapes: d.shapes}
}

// ranges are what the axes show.
func (c *Chart) ranges() (x, y [2]float64) {
	if c.Unit {
		return [2]float64{0, 1}, [2]float64{0, 1}
	}
	x, y = [2]float64{math.Inf(1), math.Inf(-1)}, [2]float64{math.Inf(1), math.Inf(-1)}
	for _, l := range c.Lines {
		for i := range l.X {
			if finite(l.Y[i]) {
				x[0], x[1] = min(x[0], l.X[i]), max(x[1], l.X[i])
				y[0], y[1] = min(y[0], l.Y[i]), max(y[1], l.Y[i])
			}
		}
	}
	for _, r := range []*[2]float64{&x, &y} {
		switch {
		case !(r[1] >= r[0]): // of nothing
			*r = [2]float64{0, 1}
		case r[0] == r[1]:
			r[0], r[1] = r[0]-0.5, r[1]+0.5
		}
	}
	margin := (y[1] - y[0]) / 20
	return x, [2]float64{y[0] - margin, y[1] + margin}
}

func (l *Line) draw(d *canvas, place func(u, v float64) point) {
	var points []point
	var dots [][]point
	for i := range l.X {
		if finite(l.Y[i]) {
			p := place(l.X[i], l.Y[i])
			points, dots = append(points, p), append(dots, rect(p[0]-2.5, p[1]-2.5, p[0]+2.5, p[1]+2.5))
		}
	}
	switch {
	case len(points) == 0:
		return
	case l.Loose:
	case l.Dash:
		d.dashed(l.paint(), points...)
	default:
		d.line(l.paint(), 1.7, points...)
	}
	if l.Loose || l.Dots && len(dots) <= 60 {
		d.area(l.paint(), 0, dots...)
	}
}

// Epoch is what the picture of a training run shows of an epoch. What is not
// known is NaN.
type Epoch struct {
	Loss           float64 // mean over the epoch's training steps
	ValidationLoss float64
	F1             float64 // on the validation part
}

// History is the losses, and the F1, of the epochs of networks, counted from 1.
func History(networks ...[]Epoch) []*Figure {
	loss := Chart{Title: "training", X: "epoch", Y: "loss", Scale: Rows}
	f1 := Chart{Title: "validation", X: "epoch", Y: "macro F1"}
	for i, epochs := range networks {
		train, valid, score := Line{Name: "training", Class: 2, Dots: true}, Line{Name: "validation", Class: 1, Dots: true}, Line{Class: 1, Dots: true}
		if i > 0 {
			train.Name, valid.Name = "", ""
		}
		for k, e := range epochs {
			train.add(k+1, e.Loss)
			valid.add(k+1, e.ValidationLoss)
			score.add(k+1, e.F1)
		}
		loss.Lines = append(loss.Lines, train)
		if len(valid.X) > 0 {
			loss.Lines, f1.Lines = append(loss.Lines, valid), append(f1.Lines, score)
		}
	}
	figures := []*Figure{loss.Figure()}
	if len(f1.Lines) > 0 {
		figures = append(figures, f1.Figure())
	}
	return figures
}

// add adds a point if its value is known.
func (l *Line) add(x int, y float64) {
	if finite(y) {
		l.X, l.Y = append(l.X, float64(x)), append(l.Y, y)
	}
}

// Confusion is the counts of rows by label (down) and answer (across), [C,C].
func Confusion(classes []string, counts [][]int) *Figure {
	d := &canvas{}
	C := float64(len(classes))
	cell := min(76, max(44, (chartWidth-2*chartLeft-8)/C))
	d.text(ink, large, 4, 17, "start", "label (down), predicted (across)")
	const top = 46.0
	for k, name := range classes {
		fits := int(cell / 6.4)
		d.text(ink, small, chartLeft*2+cell*(float64(k)+0.5), top-6, "middle", short(name, fits))
		d.text(ink, small, chartLeft*2-6, top+cell*(float64(k)+0.5)+4, "end", short(name, 14))
		total := 0
		for _, n := range counts[k] {
			total += n
		}
		for a, n := range counts[k] {
			x, y := chartLeft*2+cell*float64(a), top+cell*float64(k)
			share := float64(n) / float64(max(total, 1))
			colour, most := ink, 0.3 // a mistake
			if a == k {
				colour, most = classPaint(2), 0.55
			}
			d.area(colour, max(0.03, most*share), rect(x+1, y+1, x+cell-1, y+cell-1))
			d.text(ink, small, x+cell/2, y+cell/2, "middle", strconv.Itoa(n))
			d.text(ink, 9, x+cell/2, y+cell/2+13, "middle", fmt.Sprintf("%.3g %%", 100*share))
		}
	}
	return &Figure{Title: "confusion", width: max(chartLeft*2+cell*C+8, 250), height: top + cell*C + 8, shapes: d.shapes}
}

// Bar is a class with values from 0 to 1, NaN for one that is not defined.
type Bar struct {
	Name   string
	Values []float64
}

// Bars is values of each class, in the class's colour, with the names of the values.
func Bars(title string, names []string, bars []Bar) *Figure {
	d := &canvas{}
	const height, gap, from = 13.0, 6.0, 70.0
	const wide = chartWidth - from - 50
	d.text(ink, large, 4, 17, "start", title)
	y := 26.0
	for k, b := range bars {
		d.text(ink, normal, 4, y+12, "start", short(b.Name, 40))
		y += 17
		for i, v := range b.Values {
			d.text(quiet, small, from-8, y+10, "end", names[i])
			d.area(grid, 0, rect(from, y, from+wide, y+height-2))
			text := "n/a"
			if finite(v) {
				d.area(classPaint(k), 0, rect(from, y, from+wide*v, y+height-2))
				text = strconv.FormatFloat(v, 'f', 4, 64)
			}
			d.text(ink, small, from+wide+6, y+10, "start", text)
			y += height
		}
		y += gap
	}
	return &Figure{Title: title, width: chartWidth, height: y, shapes: d.shapes}
}
