// Package answer gives every row of whole series the probability of each class by a
// network, or several, that were trained on windows.
//
// # Windows
//
// A network trained on windows of T steps that start from zeros is to be
// trusted up to T steps of history; beyond, its state may grow without bounds.
// So a series is answered by overlapping windows: one starts every H rows, H
// being half of T, and answers the rows from its H-th on to the 2H-1-th, that
// is, after at least H and fewer than T steps. The first window also answers
// the H rows at its start. With T = 1 each row is a window. A network of two
// directions answers by the middle half of a window, so that a row has rows on either
// side; the first and the last window of a series answer its ends too. Windows never reach
// from one series into the next, and one that a series does not fill is padded
// behind, or short where there are two directions.
//
// # Horizon
//
// With horizon h the network gives at row i the label of row i+h. So that every
// row gets an answer, a series is extended: for h > 0 by h repetitions of its
// first row before it, for h < 0 by |h| repetitions of its last row behind it.
// The answers that rest on repetitions, those of the first h or the last |h|
// rows, are marked as padded.
//
// # Lags
//
// A network with lags also needs the rows before and behind a window that its
// inputs are taken from. At the ends of the extended series its first and its
// last row are repeated for that; such answers are not marked. A row of the extended
// series whose inputs lie behind it is answered when they have arrived, as with a
// horizon below 0.
//
// # Two ways
//
// [Labeler.Label] answers series in memory. A [Stream] answers the rows of any
// number of series, which may alternate, as they arrive, in bounded memory:
// many windows at once ([Labeler.Stream]), or row by row, carrying the states of
// the two windows that a row is in ([Labeler.Follow]). The answers agree to
// rounding.
//
// # Scale within a series
//
// A network may also take each feature scaled within its series, see [layout.Within].
// In memory that is for the caller to do with [layout.Expand], by whole series. A Stream
// takes features alone: it scales them as they come or, by whole series, by what a [Pipe] has
// learned of each in reading all rows once before.
//
// Comments give shapes in letters: N rows, R features, F features with those scaled
// within the series, S values of a state, B windows of a call, C classes.
package answer

import (
	"context"
	"errors"

	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Network is what a Labeler needs of a [graph.Predictor].
type Network interface {
	Config() graph.Config
	Members() []*graph.Member
	StateSize() int
	Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error)
}

// Labeler answers rows with a network. Several goroutines may use it, each with
// streams of its own.
type Labeler struct {
	network  Network
	within   layout.Within
	raw      int  // R
	features int  // F
	classes  int  // C
	state    int  // S
	block    int  // H
	warm     int  // steps before a window's answers count, except in the first: H, or 0 when T is 1
	span     int  // steps of a window that are of use
	reach    int  // steps after a window's start that it answers, but for the last of a series, which answers its end
	whole    bool // a window is of two directions: what is behind its rows would spoil its answers
	lead     int  // horizon above 0: repetitions before a series
	lag      int  // horizon below 0: repetitions behind it
	before   int  // rows before a window that its inputs are taken from
	behind   int  // rows behind it
	late     int  // rows that have to arrive after a position for the network to see it: behind but for those that lead has in hand
	batch    int  // windows in a call

	// Rows is told by Label of n more rows that have an answer, now and then; nil: nobody
	// asks.
	Rows func(n int)
}

const (
	batchSteps  = 1 << 14 // steps of the windows in a call, about
	batchLeast  = 64      // windows in a call, unless they are very long
	batchValues = 1 << 24 // features and states in a call, at most
)

// New returns a Labeler for windows of the network's Config.Window, whose
// Config.Features are those that within makes of a row.
func New(network Network, horizon int, within layout.Within) *Labeler {
	c := network.Config()
	l := &Labeler{
		network:  network,
		within:   within,
		raw:      c.Features / within.Columns(1),
		features: c.Features,
		classes:  c.Classes,
		state:    network.StateSize(),
		block:    max(1, c.Window/2),
		lead:     max(0, horizon),
		lag:      max(0, -horizon),
	}
	l.before, l.behind = c.Context()
	l.late = max(0, l.behind-l.lead)
	if c.Window > 1 {
		l.warm = l.block
	}
	l.span = l.warm + l.block
	l.reach = l.span
	if c.Bidirectional {
		l.whole, l.span, l.warm = true, c.Window, (c.Window-l.block)/2
		l.reach = l.warm + l.block
	}
	l.batch = Batch(c, len(network.Members()))
	return l
}

// Batch is how many windows one call of so many networks labels.
func Batch(c graph.Config, members int) int {
	width := c.Inputs()
	for _, l := range c.Layers {
		width += members * l.Units
	}
	before, behind := c.Context()
	n := max(batchLeast, batchSteps/c.Window)
	return max(1, min(n, batchValues/(c.Window*width+(before+behind)*c.Features)))
}

// wait is for how many rows after it, of its series, a position waits to be seen.
func (l *Labeler) wait() int { return l.lag + l.late }

// first is the first position that the window which begins at the given one
// answers.
func (l *Labeler) first(start int) int {
	if start == 0 {
		return 0
	}
	return start + l.warm
}

// Answers are those to N rows.
type Answers struct {
	Probability []float32 // [N,C] of each class; 0 for rows outside the parts
	Padded      []bool    // [N] the answer rests on repeated rows, or the row is outside the parts
}

// feed is how many rows Label hands over at a time.
const feed = 8192

// Label answers the rows of x [N,F], as the network takes them, that lie in the parts,
// each of which is a series of its own, or what [Labeler.Reach] gives of one.
func (l *Labeler) Label(ctx context.Context, x []float32, parts []series.Range) (Answers, error) {
	n := len(x) / l.features
	a := Answers{make([]float32, n*l.classes), make([]bool, n)}
	for i := range a.Padded {
		a.Padded[i] = true
	}
	s := l.Stream()
	part, row := 0, 0 // of the next answer
	take := func() {
		probability, padded := s.Take(s.Ready())
		if l.Rows != nil {
			l.Rows(len(padded))
		}
		for len(padded) > 0 {
			n := min(parts[part].Len()-row, len(padded))
			at := parts[part].Start + row
			copy(a.Probability[at*l.classes:], probability[:n*l.classes])
			copy(a.Padded[at:], padded[:n])
			probability, padded = probability[n*l.classes:], padded[n:]
			if row += n; row == parts[part].Len() {
				part, row = part+1, 0
			}
		}
	}
	for i, p := range parts {
		for at := p.Start; at < p.End; at += feed {
			end := min(at+feed, p.End)
			if err := s.push(ctx, int32(i), x[at*l.features:end*l.features]); err != nil {
				return Answers{}, inParts(err, parts)
			}
			take()
		}
		if err := s.End(ctx, int32(i)); err != nil {
			return Answers{}, inParts(err, parts)
		}
	}
	if err := s.Flush(ctx); err != nil {
		return Answers{}, inParts(err, parts)
	}
	take()
	return a, nil
}

// inParts makes the row of a RowError, which counts those of the parts, one of all.
func inParts(err error, parts []series.Range) error {
	var at *RowError
	if !errors.As(err, &at) {
		return err
	}
	row := at.Row
	for _, p := range parts {
		if row < p.Len() {
			return &RowError{p.Start + row, at.Err}
		}
		row -= p.Len()
	}
	return err
}

// Of is the class that a row's probabilities [C] give: of two classes 1 if its
// probability is at least the threshold, of more the first of the largest probability.
func Of(probability []float32, threshold float64) int16 {
	if len(probability) == 2 {
		if float64(probability[1]) >= threshold {
			return 1
		}
		return 0
	}
	class := 0
	for k, p := range probability {
		if p > probability[class] {
			class = k
		}
	}
	return int16(class)
}

// Input is what the metrics judge: the answers that are not padded, by the labels [N] of
// the classes [C], each part as a series.
func (a Answers) Input(labels []int16, classes []string, parts []series.Range, threshold float64) metrics.Input {
	in := metrics.Input{
		Probability: a.Probability, Label: labels, Classes: classes, Threshold: threshold,
		Include: make([]bool, len(a.Padded)),
	}
	for i, padded := range a.Padded {
		in.Include[i] = !padded
	}
	for _, p := range parts {
		in.Series = append(in.Series, metrics.Span{Name: p.Name, Start: p.Start, End: p.End})
	}
	return in
}
