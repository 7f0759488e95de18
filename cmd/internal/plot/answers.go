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
// the first series it shows the features and the answers. Of two classes those are the
// probabilities of the second one, and the stretches are shaded that are labelled so and
// answered so. Of more they are the classes answered, with those labelled, and the
// probability of each answer. Series of any length take the same memory.
type Answers struct {
	features  []string
	classes   []string
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
func NewAnswers(features, classes []string, threshold float64) *Answers {
	return &Answers{
		features:  features[:min(len(features), shownFeatures)],
		classes:   classes,
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

// Add adds the next row of a series that has begun: its features, the probabilities [C], the
// answer, and its label, which is below 0 where there is none.
func (a *Answers) Add(series int32, x, probability []float32, answer, label int16) {
	t := a.tracks[series]
	if t == nil { // not shown
		return
	}
	for k := range t.features {
		t.features[k].add(x[k])
	}
	if len(a.classes) == 2 {
		t.probability.add(probability[1])
	} else {
		t.probability.add(probability[answer])
	}
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
		panels = append(panels, a.panels(t, title)...)
	}
	return write(path, panels)
}

// panels are those of a series, below each other.
func (a *Answers) panels(t *track, title string) []*plot.Plot {
	two := len(a.classes) == 2
	labels := bands{t.label.runs(), green}
	var panels []*plot.Plot
	for k := range t.features {
		p := newPanel("", short(a.features[k]), 0, t.probability.n)
		if k == 0 {
			p.Title.Text = title
		}
		if two {
			p.Add(labels)
		}
		p.Add(line(&t.features[k], blue))
		if two && k == 0 && len(labels.runs) > 0 {
			p.Legend.Add("true label "+short(a.classes[1]), labels)
		}
		panels = append(panels, p)
	}
	if two {
		panels = append(panels, a.probabilityOfSecond(t))
	} else {
		panels = append(panels, a.classesOf(t), a.probabilityOfAnswer(t))
	}
	panels[len(panels)-1].X.Label.Text = "row"
	return panels
}

// probabilityOfSecond is the panel of answers of two classes.
func (a *Answers) probabilityOfSecond(t *track) *plot.Plot {
	p := newPanel(" ", "probability", 0, t.probability.n)
	answers := bands{t.answer.runs(), yellow}
	p.Add(answers, level(a.threshold, t.probability.n), line(&t.probability, orange))
	p.Legend.Add(fmt.Sprintf("label %s if probability >= %.3g", short(a.classes[1]), a.threshold), answers)
	p.Y.Min, p.Y.Max = 0, 1
	return p
}

// classesOf is the panel of the classes that rows have and are answered, of more than two.
func (a *Answers) classesOf(t *track) *plot.Plot {
	p := newPanel(" ", "class", 0, t.probability.n)
	labels, answers := line(&t.label, green), line(&t.answer, orange)
	labels.Width *= 4
	p.Add(labels, answers)
	p.Legend.Add("true label", labels)
	p.Legend.Add("predicted label", answers)
	var ticks []plot.Tick
	for k, name := range a.classes {
		ticks = append(ticks, plot.Tick{Value: float64(k), Label: short(name)})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Min, p.Y.Max = -0.5, float64(len(a.classes))-0.5 // rows without a label are below
	return p
}

// probabilityOfAnswer is the panel of how probable the answers are.
func (a *Answers) probabilityOfAnswer(t *track) *plot.Plot {
	p := newPanel("", "probability", 0, t.probability.n)
	p.Add(line(&t.probability, orange))
	p.Y.Min, p.Y.Max = 0, 1
	return p
}

// short is a name that fits the height of a panel.
func short(name string) string {
	const fits = 18
	if r := []rune(name); len(r) > fits {
		return strings.TrimSpace(string(r[:fits-1])) + "…"
	}
	return name
}
