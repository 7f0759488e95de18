package graph

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	tf "github.com/wamuir/graft/tensorflow"
)

// Prediction is what a Predictor gives for a batch of sequences.
type Prediction struct {
	Outputs []float32 // [B,T,O], the projection's values; of several networks their mean

	// Probability [B,T,C] is that of each class: the outputs' softmax; for MSE 1-v and
	// v, v the single output's value within 0 and 1. Of several networks it is the mean.
	Probability []float32

	State []float32 // [B,S], after the last step
}

// Predict runs the networks over x, batch sequences of T steps each ([B,T,F], one sequence
// after the other), starting from the states state [B,S], see [Predictor.StateSize]; nil
// for zeros. T is any number of at least 1, and follows from the size of x. With
// [Network.Lags] each sequence also has the rows before its first step and after its last
// one that [Network.Context] asks for.
//
// Sequences can be divided into calls that hand on the state, except for networks of two
// directions, which need whole sequences. Results agree to rounding however that is done
// and whichever other sequences are in the call; the states of a fused layer are the same
// bits.
//
// Besides x and the prediction, each of Machine.Threads works on a few megabytes at a time,
// and on about 64 MB at most for a batch of many sequences. Only networks of two directions
// need more, for long sequences: in each network a step takes 4 bytes for every output of
// every layer, 16 for every class, and 8 for every input, 16 with Lags; layers that no
// operation of ours runs take as much again. Arrays that TensorFlow is done with are freed
// when Go's garbage collector finds them.
//
// A value of x that is not finite is a *[ValueError] that counts the rows of x from the
// sequence's first; an output that is not finite is a *[NonFiniteError]. When ctx ends, its
// error is returned after the steps that TensorFlow is working on: whole sequences where
// there are two directions.
func (p *Predictor) Predict(ctx context.Context, x []float32, batch int, state []float32) (Prediction, error) {
	c := p.cfg
	steps, err := c.stepsOf(x, batch)
	if err != nil {
		return Prediction{}, err
	}
	if err := cmp.Or(p.statesKnown(), c.checkSequences(x, batch)); err != nil {
		return Prediction{}, err
	}
	if state == nil {
		state = make([]float32, batch*p.StateSize())
	}
	if len(state) != batch*p.StateSize() {
		return Prediction{}, &ShapeError{"state", fmt.Sprintf("%d x %d values", batch, p.StateSize()), fmt.Sprint(len(state))}
	}
	all := Prediction{
		Outputs:     make([]float32, batch*steps*c.Outputs()),
		Probability: make([]float32, batch*steps*c.Classes),
		State:       slices.Clone(state),
	}
	n := p.parts(batch, steps)
	errs := make([]error, n)
	var parts sync.WaitGroup
	for i := range n {
		from, to := i*batch/n, (i+1)*batch/n
		parts.Go(func() {
			errs[i] = p.predictPart(ctx, part(x, batch, from, to), to-from, steps, all.part(batch, from, to))
		})
	}
	parts.Wait()
	if err := cmp.Or(errs...); err != nil {
		return Prediction{}, err
	}
	if err := all.check(batch, steps); err != nil {
		return Prediction{}, err
	}
	return all, nil
}

// parts is how many parts of a batch are run at the same time, each on a thread of its own. Few rows, such as one of each of some
// streams, take less time than what a run of the graph takes besides.
func (p *Predictor) parts(batch, steps int) int {
	windows := (batch*steps + p.cfg.Window - 1) / p.cfg.Window
	return min(batch, p.cfg.SuggestThreads(windows*len(p.members), p.cfg.Threads))
}

// part cuts sequences from, to out of a batch's values.
func part(values []float32, batch, from, to int) []float32 {
	each := len(values) / batch
	return values[from*each : to*each]
}

func (p Prediction) part(batch, from, to int) Prediction {
	return Prediction{part(p.Outputs, batch, from, to), part(p.Probability, batch, from, to), part(p.State, batch, from, to)}
}

// predictPart predicts batch sequences x into a prediction, which holds the states that
// they start from, a chunk at a time.
func (p *Predictor) predictPart(ctx context.Context, x []float32, batch, steps int, into Prediction) error {
	chunk := p.cfg.chunk(len(p.members), batch, steps)
	for from := 0; from < batch; from += chunk.sequences {
		to := min(from+chunk.sequences, batch)
		if err := p.predictOverTime(ctx, part(x, batch, from, to), to-from, steps, chunk.steps, into.part(batch, from, to)); err != nil {
			return err
		}
	}
	return nil
}

// predictOverTime is predictPart for the sequences of a chunk, at most so many of their
// steps at a time.
func (p *Predictor) predictOverTime(ctx context.Context, x []float32, batch, steps, most int, into Prediction) error {
	c := p.cfg
	before, behind := c.Context()
	for from := 0; from < steps; from += most {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+most, steps)
		outputs, probability, err := p.predictSteps(timeMajor(x, batch, from, to+before+behind, c.Features), batch, into.State)
		if err != nil {
			return fmt.Errorf("predict: %w", err)
		}
		toBatchMajor(into.Outputs, outputs, batch, from, c.Outputs())
		toBatchMajor(into.Probability, probability, batch, from, c.Classes)
	}
	return nil
}

// stepsOf is the number of steps of batch sequences x, without the rows around them.
func (c Config) stepsOf(x []float32, batch int) (int, error) {
	before, behind := c.Context()
	around := before + behind
	row := batch * c.Features
	if batch < 1 || len(x)%row != 0 || len(x)/row <= around {
		steps := "steps"
		if around > 0 {
			steps = fmt.Sprintf("(steps + %d)", around)
		}
		return 0, &ShapeError{"x", fmt.Sprintf("%d x %s x %d values", batch, steps, c.Features), fmt.Sprint(len(x))}
	}
	return len(x)/row - around, nil
}

// checkSequences returns an error for the first value of batch sequences x that is not
// finite.
func (c Config) checkSequences(x []float32, batch int) error {
	for b := range batch {
		if err := checkInputs("x", part(x, batch, b, b+1), c.Features); err != nil {
			return fmt.Errorf("sequence %d: %w", b, err)
		}
	}
	return nil
}

// check returns an error for the first output that is not finite.
func (p Prediction) check(batch, steps int) error {
	for i, v := range p.Outputs {
		if !finite(v) {
			row := i / (len(p.Outputs) / (batch * steps))
			return &NonFiniteError{Sequence: row / steps, Step: row % steps, Value: v}
		}
	}
	return nil
}

// predictSteps predicts x, the rows around the steps included, in one run of the graph, and has state become the last one. What it
// takes and returns is time-major.
func (p *Predictor) predictSteps(x []float32, batch int, state []float32) (outputs, probability []float32, err error) {
	features := p.cfg.Features
	rows := len(x) / (batch * features)
	g := p.predicting
	got, err := p.in.run([]feed{
		{g.input, x, []int64{int64(rows), int64(batch), int64(features)}},
		{g.state, state, []int64{int64(batch), int64(p.StateSize())}},
	}, []tf.Output{g.outputs, g.probability, g.last}, nil)
	if err == nil {
		outputs, err = flat(got[0])
	}
	if err == nil {
		probability, err = flat(got[1])
	}
	if err == nil {
		err = fill(state, got[2])
	}
	return outputs, probability, err
}

// timeMajor cuts the steps from, to out of x [B,T,F], as [to-from,B,F].
func timeMajor(x []float32, batch, from, to, features int) []float32 {
	part := make([]float32, (to-from)*batch*features)
	row := len(x) / batch
	for t := from; t < to; t++ {
		for b := range batch {
			copyRow(part[((t-from)*batch+b)*features:], x[b*row+t*features:], features)
		}
	}
	return part
}

// toBatchMajor copies part [n,B,O] into whole [B,T,O], starting at step from.
func toBatchMajor(whole, part []float32, batch, from, outputs int) {
	row := len(whole) / batch
	for t := range len(part) / (batch * outputs) {
		for b := range batch {
			copyRow(whole[b*row+(from+t)*outputs:], part[(t*batch+b)*outputs:], outputs)
		}
	}
}

// copyRow copies n values, mostly too few to be worth a call of copy.
func copyRow(to, from []float32, n int) {
	if n > 16 {
		copy(to[:n], from)
		return
	}
	for i := range n {
		to[i] = from[i]
	}
}

// Limits of the number of values that one run of the graph holds.
const (
	cacheValues  = 1 << 20 // so that they stay in the processor's cache until the projection reads them
	memoryValues = 1 << 24 // where that would leave too few sequences in a run
)

// chunk is the number of sequences in one run of the graph, and of their steps.
type chunk struct{ sequences, steps int }

// chunk divides batch sequences of a number of steps among runs of the graph: into few
// steps of many sequences or, where a network needs whole sequences, into few sequences.
func (c Config) chunk(members, batch, steps int) chunk {
	row, fixed := c.valuesHeld(members)
	if c.network().whole() {
		return chunk{clamp(memoryValues/(fixed+steps*row), 1, batch), steps}
	}
	least := min(steps, 1+fixed/row) // so that at most half of a run is what it holds besides its rows
	sequences := clamp(memoryValues/(fixed+least*row), 1, batch)
	return chunk{sequences, clamp((cacheValues/sequences-fixed)/row, least, steps)}
}

// valuesHeld is about how many values a run of the graph holds for each row of a sequence,
// and for each sequence however few its rows.
func (c Config) valuesHeld(members int) (row, fixed int) {
	fed := 2 * c.Features // in Go's memory and in TensorFlow's
	before, behind := c.Context()
	row = fed + members*c.network().values()
	if len(c.Lags) > 0 {
		row += 2 * c.Inputs() // each lag by itself, and side by side
	}
	return row, fed*(before+behind) + 2*members*c.StateSize()
}

func clamp(v, low, high int) int { return min(max(v, low), high) }
