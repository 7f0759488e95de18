package plot

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
)

// How much a picture shows.
const (
	shownSeries   = 4
	shownFeatures = 4
)

// Answers is a picture of series with what a network says of them. Of each of
// the first series it shows the features, with the stretches labelled 1, and the
// probabilities, with the stretches answered 1. Series of any length take the
// same memory.
type Answers struct {
	features  []string
	threshold float64
	order     []*track
	tracks    map[int32]*track // those of order by the number of the series
	more      int              // series not shown
}

// track is one series.
type track struct {
	name        string
	features    []thinned
	probability thinned
	answer      thinned
	label       thinned
}

// NewAnswers begins a picture.
func NewAnswers(features []string, threshold float64) *Answers {
	return &Answers{
		features:  features[:min(len(features), shownFeatures)],
		threshold: threshold,
		tracks:    map[int32]*track{},
	}
}

// Begin begins a series.
func (a *Answers) Begin(series int32, name string) {
	if len(a.order) == shownSeries {
		a.more++
		return
	}
	t := &track{name: name, features: make([]thinned, len(a.features))}
	a.tracks[series], a.order = t, append(a.order, t)
}

// Add adds the next row of a series that has begun: its features, the answer, and its label,
// which is neither 0 nor 1 where there is none.
func (a *Answers) Add(series int32, x []float32, probability float32, answer, label int16) {
	t := a.tracks[series]
	if t == nil { // not shown
		return
	}
	for k := range t.features {
		t.features[k].add(x[k])
	}
	t.probability.add(probability)
	t.answer.add(float32(answer))
	t.label.add(float32(label))
}

// Write draws the picture to a file.
func (a *Answers) Write(path string) error {
	var panels []*plot.Plot
	for i, t := range a.order {
		title := t.name
		if a.more > 0 && i == len(a.order)-1 {
			title += fmt.Sprintf(" (and %d more series)", a.more)
		}
		panels = append(panels, t.panels(title, a.features, a.threshold)...)
	}
	return write(path, panels)
}

func (t *track) panels(title string, features []string, threshold float64) []*plot.Plot {
	var panels []*plot.Plot
	labels := bands{t.label.runs(), green}
	for k := range t.features {
		p := newPanel("", short(features[k]), 0, t.probability.n)
		if k == 0 {
			p.Title.Text = title
		}
		p.Add(labels, line(&t.features[k], blue))
		if k == 0 && len(labels.runs) > 0 {
			p.Legend.Add("label 1", labels)
		}
		panels = append(panels, p)
	}
	p := newPanel(" ", "probability", 0, t.probability.n)
	p.X.Label.Text = "row"
	answers := bands{t.answer.runs(), yellow}
	p.Add(answers, level(threshold, t.probability.n), line(&t.probability, orange))
	p.Legend.Add(fmt.Sprintf("answer 1, from %.3g on", threshold), answers)
	p.Y.Min, p.Y.Max = 0, 1
	return append(panels, p)
}

// short is a name that fits the height of a panel.
func short(name string) string {
	const fits = 18
	if r := []rune(name); len(r) > fits {
		return strings.TrimSpace(string(r[:fits-1])) + "…"
	}
	return name
}
