// Package label gives every row of whole series its probability by a network
// that was trained on windows.
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
// Comments give shapes in letters: N rows, F features, S values of a state, B
// windows of a call.
package label

import (
	"context"
	"errors"

	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
)

// Network is what a Labeler needs of a [graph.Predictor].
type Network interface {
	Config() graph.Config
	Predict(ctx context.Context, x []float32, batch int, state []float32) (graph.Prediction, error)
}

// Labeler answers rows with a network of two classes. Several goroutines may use
// it, each with streams of its own.
type Labeler struct {
	network  Network
	features int  // F
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
}

const (
	batchSteps  = 1 << 14 // steps of the windows in a call, about
	batchLeast  = 64      // windows in a call, unless they are very long
	batchValues = 1 << 24 // features and states in a call, at most
)

// New returns a Labeler for windows of the network's Config.Window.
func New(network Network, horizon int) *Labeler {
	c := network.Config()
	l := &Labeler{
		network:  network,
		features: c.Features,
		state:    c.StateSize(),
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
	l.batch = Batch(c)
	return l
}

// Batch is how many windows one call of a network labels.
func Batch(c graph.Config) int {
	width := c.Inputs()
	for _, l := range c.Layers {
		width += l.Units
	}
	before, behind := c.Context()
	n := max(batchLeast, batchSteps/c.Window)
	return max(1, min(n, batchValues/(c.Window*width+(before+behind)*c.Features)))
}

// wait is for how many rows after it, of its series, a row waits.
func (l *Labeler) wait() int { return l.lag + l.late }

// predict is the network's, but for the probability: that of label 1 alone, [B,T].
func (l *Labeler) predict(ctx context.Context, x []float32, batch int, state []float32) (probability, last []float32, err error) {
	p, err := l.network.Predict(ctx, x, batch, state)
	if err != nil {
		return nil, nil, err
	}
	const classes = 2
	probability = make([]float32, len(p.Probability)/classes)
	for i := range probability {
		probability[i] = p.Probability[classes*i+1]
	}
	return probability, p.State, nil
}

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
	Probability []float32 // [N] of label 1; 0 for rows outside the parts
	Padded      []bool    // [N] the answer rests on repeated rows, or the row is outside the parts
}

// feed is how many rows Label hands over at a time.
const feed = 8192

// Label answers the rows of x [N,F], scaled, that lie in the parts, each of
// which is a series of its own.
func (l *Labeler) Label(ctx context.Context, x []float32, parts []series.Range) (Answers, error) {
	n := len(x) / l.features
	a := Answers{make([]float32, n), make([]bool, n)}
	for i := range a.Padded {
		a.Padded[i] = true
	}
	s := l.Stream()
	part, row := 0, 0 // of the next answer
	take := func() {
		probability, padded := s.Take(s.Ready())
		for i := range probability {
			for row == parts[part].Len() {
				part, row = part+1, 0
			}
			at := parts[part].Start + row
			a.Probability[at], a.Padded[at] = probability[i], padded[i]
			row++
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

// Of is the label that a probability gives: 1 if it is at least the threshold.
func Of(probability float32, threshold float64) int16 {
	if float64(probability) >= threshold {
		return 1
	}
	return 0
}

// ofBoth are the probabilities [N,2] of both labels, from those [N] of label 1.
func ofBoth(probability []float32) []float32 {
	out := make([]float32, 0, 2*len(probability))
	for _, p := range probability {
		out = append(out, 1-p, p)
	}
	return out
}

// Input is what the metrics judge: the answers that are not padded, by the
// labels [N], each part as a series.
func (a Answers) Input(labels []int16, parts []series.Range, threshold float64) metrics.Input {
	in := metrics.Input{
		Probability: ofBoth(a.Probability), Label: labels, Classes: []string{"0", "1"},
		Include: make([]bool, len(a.Padded)), Threshold: threshold,
	}
	for i, padded := range a.Padded {
		in.Include[i] = !padded
	}
	for _, p := range parts {
		in.Series = append(in.Series, metrics.Span{Name: p.Name, Start: p.Start, End: p.End})
	}
	return in
}
