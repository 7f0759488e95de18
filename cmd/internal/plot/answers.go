package plot

import (
	"fmt"
	"slices"
	"strings"
)

// How much a picture shows.
const (
	shownSeries   = 4
	shownFeatures = 8
)

// Shown says what a picture of answers shows.
type Shown struct {
	Features  []string
	Classes   []string
	Threshold float64  // of two classes
	Scale     Scale    // of Row.At
	Series    []string // names of those to draw; none: the first few
	Brief     bool     // labels and answers alone
	Bare      bool     // the title and the legend are beside the picture
}

// Answers is a picture of series with what a network says of them: below the features the
// labels, the answers, marks where these differ, and the probability of each class. Series of
// any length take the same memory.
type Answers struct {
	Shown
	order   []*track
	tracks  map[int32]*track // those of order by the number of the series
	names   []string         // of all series that were to be drawn or not
	columns int              // features
}

// NewAnswers begins a picture.
func NewAnswers(s Shown) *Answers {
	a := &Answers{Shown: s, tracks: map[int32]*track{}, columns: len(s.Features)}
	a.Features = a.Features[:min(len(s.Features), shownFeatures)]
	return a
}

// Begin begins a series.
func (a *Answers) Begin(series int32, name string) {
	a.names = append(a.names, name)
	if len(a.Series) > 0 && !slices.Contains(a.Series, name) || len(a.Series) == 0 && len(a.order) == shownSeries {
		return
	}
	t := &track{name: name}
	a.tracks[series], a.order = t, append(a.order, t)
}

// Add adds the next row of a series that has begun.
func (a *Answers) Add(series int32, r Row) {
	if t := a.tracks[series]; t != nil {
		r.X = r.X[:len(a.Features)]
		t.add(&r)
	}
}

// View has the picture of a series show a part first; a page can show the rest.
func (a *Answers) View(series int32, from, to float64) { a.tracks[series].view = [2]float64{from, to} }

// Unknown is a name that Shown.Series has and no series, "" for none, with those there are.
func (a *Answers) Unknown() (name string, names []string) {
	for _, want := range a.Series {
		if !slices.Contains(a.names, want) {
			return want, a.names
		}
	}
	return "", nil
}

// LeftOut says what the picture does not show, "" if it shows all.
func (a *Answers) LeftOut() string {
	var parts []string
	if n := len(a.names); n > len(a.order) {
		parts = append(parts, fmt.Sprintf("%d of %d series", len(a.order), n))
	}
	if n := len(a.Features); n < a.columns && !a.Brief {
		parts = append(parts, fmt.Sprintf("the first %d of %d features", n, a.columns))
	}
	return strings.Join(parts, ", ")
}

// Places in a figure.
const (
	pageWidth     = 1000.0
	leftMargin    = 104.0
	rightMargin   = 30.0
	panelWidth    = pageWidth - leftMargin - rightMargin
	featureHeight = 54.0
	chanceHeight  = 76.0
	stripHeight   = 14.0
	between       = 8.0
	nameFits      = 15 // letters
)

// Figures are those of the series, each with a legend.
func (a *Answers) Figures() []*Figure {
	var all []*Figure
	for _, t := range a.order {
		if t.n > 0 {
			all = append(all, a.figure(t))
		}
	}
	if text := a.LeftOut(); text != "" && len(all) > 0 && !a.Bare {
		c := canvas{}
		c.text(quiet, normal, leftMargin, 18, "start", "this shows "+text)
		all = append(all, &Figure{width: pageWidth, height: 30, shapes: c.shapes})
	}
	return all
}

// Write draws the picture to a file.
func (a *Answers) Write(path string) error { return Write(path, a.Figures()...) }

// figure is that of a series.
func (a *Answers) figure(t *track) *Figure {
	d := &drawing{Answers: a, track: t, axis: t.axis(a.Scale, panelWidth), y: between}
	title := t.name
	if t.known > 0 {
		title += fmt.Sprintf(": %d of %d rows wrong", t.wrong, t.known)
	}
	if !a.Bare {
		d.text(ink, large, leftMargin, 18, "start", short(title, 110))
		d.y = 24 + d.legend(a.entries(t), leftMargin, 26, panelWidth) + between
	}
	if !a.Brief {
		for k, name := range a.Features {
			d.feature(k, name)
		}
	}
	if t.known > 0 || slices.ContainsFunc(t.buckets, func(b *bucket) bool { return b.label >= 0 }) {
		d.strip("label", func(b *bucket) int16 { return b.label }, classPaint)
	}
	d.strip("predicted", func(b *bucket) int16 { return b.answer }, classPaint)
	if t.known > 0 {
		d.strip("wrong", wrongness, func(int) paint { return ink })
	}
	if !a.Brief {
		d.probability()
	}
	d.axis.draw(&d.canvas, leftMargin, d.y-between+2)
	return &Figure{Title: title, width: pageWidth, height: d.y + 26, shapes: d.shapes, axis: d.axis}
}

// entries are those of the legend.
func (a *Answers) entries(t *track) []entry {
	var all []entry
	for k, name := range a.Classes {
		all = append(all, entry{short(name, 24), classPaint(k)})
	}
	if t.known > 0 {
		all = append(all, entry{"wrong", ink})
	}
	return all
}

// wrongness is 0 where an answer is wrong.
func wrongness(b *bucket) int16 {
	if b.wrong {
		return 0
	}
	return -1
}

// drawing is a figure that is being drawn, down to y.
type drawing struct {
	*Answers
	*track
	canvas
	axis *axis
	y    float64
}

// put puts a panel of a height with a name.
func (d *drawing) put(name string, height float64, inner *canvas) {
	at := d.y + min(height/2+4, height-2)
	if first, rest := split(name, nameFits); rest != "" && height > 3*normal {
		d.text(ink, normal, leftMargin-8, at-normal/2, "end", first)
		d.text(ink, normal, leftMargin-8, at+normal/2+1, "end", short(rest, nameFits))
	} else {
		d.text(ink, normal, leftMargin-8, at, "end", short(name, nameFits))
	}
	d.panel(leftMargin, d.y, panelWidth, height, inner)
	d.y += height + between
}

// scale writes the least and the greatest value beside a panel.
func (d *drawing) scale(height float64, low, high string) {
	d.text(quiet, 9, leftMargin-8, d.y+8, "end", high)
	d.text(quiet, 9, leftMargin-8, d.y+height, "end", low)
}

// level is a line across a panel.
func (d *drawing) level(y float64) []point {
	return []point{{d.axis.x(d.axis.first), y}, {d.axis.x(d.axis.last), y}}
}

// feature draws a feature, each bucket as a stroke from its least to its greatest value.
func (d *drawing) feature(k int, name string) {
	low, high := d.buckets[0].low[k], d.buckets[0].high[k]
	for _, b := range d.buckets {
		low, high = min(low, b.low[k]), max(high, b.high[k])
	}
	inner := &canvas{}
	inner.area(ink, 0.12, d.runs(d.axis, featureHeight, wrongness)[0]...)
	inner.line(grid, 1, d.level(featureHeight-0.5)...)
	y := func(v float32) float64 {
		if high == low {
			return featureHeight / 2
		}
		return 2 + (featureHeight-4)*(float64(high)-float64(v))/(float64(high)-float64(low))
	}
	for _, s := range d.stretches(func(b *bucket) bool { return finite(float64(b.low[k])) }) {
		inner.line(ink, 1, d.strokes(s, func(b *bucket) (float64, float64) { return y(b.low[k]), y(b.high[k]) })...)
	}
	d.scale(featureHeight, fmt.Sprintf("%.4g", low), fmt.Sprintf("%.4g", high))
	d.put(name, featureHeight, inner)
}

// strokes are the points of a line through a stretch.
func (d *drawing) strokes(s [2]int, between func(*bucket) (low, high float64)) []point {
	var all []point
	for i, b := range d.buckets[s[0]:s[1]] {
		x := d.axis.x((b.from + d.end(s[0]+i)) / 2)
		low, high := between(b)
		all = append(all, point{x, low})
		if low != high {
			all = append(all, point{x, high})
		}
	}
	if len(all) == 1 { // of a row alone
		all = append(all, point{all[0][0] + 1, all[0][1]})
	}
	return all
}

// strip draws classes as stretches of colour.
func (d *drawing) strip(name string, class func(*bucket) int16, colour func(int) paint) {
	inner := &canvas{}
	inner.line(grid, 1, d.level(stripHeight-0.5)...)
	runs := d.runs(d.axis, stripHeight, class)
	for k := range d.Classes {
		inner.area(colour(k), 0, runs[int16(k)]...)
	}
	d.y -= between / 2
	d.put(name, stripHeight, inner)
}

// probability draws the probability of the second of two classes, as a line, or those of more,
// as layers.
func (d *drawing) probability() {
	const h = chanceHeight
	inner := &canvas{}
	inner.area(ink, 0.12, d.runs(d.axis, h, wrongness)[0]...)
	inner.line(grid, 1, d.level(0.5)...)
	inner.line(grid, 1, d.level(h-0.5)...)
	name := "probability"
	for _, s := range d.stretches(func(b *bucket) bool { return b.answered > 0 }) {
		if len(d.Classes) == 2 {
			inner.line(classPaint(1), 1.2, d.strokes(s, func(b *bucket) (float64, float64) { return h * (1 - float64(b.least)), h * (1 - float64(b.best)) })...)
			continue
		}
		below := d.layer(s, -1)
		for k := range d.Classes {
			above := d.layer(s, k)
			outline := slices.Clone(below)
			slices.Reverse(outline)
			inner.area(classPaint(k), 0.85, slices.Concat(above, outline))
			below = above
		}
	}
	if len(d.Classes) == 2 {
		inner.dashed(quiet, d.level(h*(1-d.Threshold))...)
		name = "of " + d.Classes[1]
		d.text(quiet, 9, leftMargin-8, d.y+h/2-10, "end", "probability")
	}
	d.scale(h, "0", "1")
	d.put(name, h, inner)
}

// layer is the upper edge of a class's share in a stretch, which lies on those before it.
func (d *drawing) layer(s [2]int, class int) []point {
	var all []point
	for i, b := range d.buckets[s[0]:s[1]] {
		share := 0.0
		for _, sum := range b.sum[:class+1] {
			share += sum / float64(b.answered)
		}
		y := chanceHeight * (1 - share)
		all = append(all, point{d.axis.x(b.from), y})
		if s[0]+i+1 == s[1] {
			all = append(all, point{d.axis.x(d.end(s[0] + i)), y})
		}
	}
	return all
}
