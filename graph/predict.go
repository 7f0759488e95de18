package graph

import (
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Prediction is what a network gives for a batch of sequences.
type Prediction struct {
	Outputs []float32 // [B,T,O], the projection's values

	// Probability [B,T] is that of label 1: the softmax's of two outputs, the value
	// of a single one within 0 and 1.
	Probability []float32

	State []float32 // [B,U], after the last step
}

// Predict runs the network over x, batch sequences of any number of steps T
// ([B,T,F], a sequence after the other), from the states state [B,U]; nil for
// zeros. T is what the size of x makes it, at least 1.
//
// Sequences can be divided into calls that hand on the state. With a fused
// kernel the results are the same bits however that is done, and whichever other
// sequences are in the call. Memory does not grow with T, but for x and the
// prediction.
//
// An output that is not finite is a *[NonFiniteError].
func (s *Session) Predict(x []float32, batch int, state []float32) (Prediction, error) {
	c := s.model.cfg
	if batch < 1 || len(x) == 0 || len(x)%(batch*c.Features) != 0 {
		return Prediction{}, &ShapeError{"x", fmt.Sprintf("%d x steps x %d values", batch, c.Features), fmt.Sprint(len(x))}
	}
	if state == nil {
		state = make([]float32, batch*c.Units)
	}
	if len(state) != batch*c.Units {
		return Prediction{}, &ShapeError{"state", fmt.Sprintf("%d x %d values", batch, c.Units), fmt.Sprint(len(state))}
	}
	rows := len(x) / c.Features
	p := Prediction{make([]float32, rows*c.Loss.Outputs()), make([]float32, rows), state}
	for from, to, steps := 0, 0, rows/batch; from < steps; from = to {
		part, n := s.model.predictorFor(batch, steps-from)
		to = from + n
		got, err := s.predictPart(part, timeMajor(x, batch, from, to, c.Features), p.State)
		if err != nil {
			return Prediction{}, fmt.Errorf("predict: %w", err)
		}
		toBatchMajor(p.Outputs, got.Outputs, batch, from, c.Loss.Outputs())
		toBatchMajor(p.Probability, got.Probability, batch, from, 1)
		p.State = got.State
	}
	if err := p.check(batch); err != nil {
		return Prediction{}, err
	}
	return p, nil
}

// check finds an output that is not finite.
func (p Prediction) check(batch int) error {
	rows := len(p.Probability)
	for i, v := range p.Outputs {
		if !finite(v) {
			row, steps := i*rows/len(p.Outputs), rows/batch
			return &NonFiniteError{Sequence: row / steps, Step: row % steps, Value: v}
		}
	}
	return nil
}

// predictPart runs x [T,B,F] through p. What it returns is time-major too.
//
// A lone row goes through twice: a matrix's product with one row alone takes its
// sums in another order than with more.
func (s *Session) predictPart(p predictor, x, state []float32) (Prediction, error) {
	c := s.model.cfg
	lone := len(x) == c.Features
	if lone {
		x, state = slices.Repeat(x, 2), slices.Repeat(state, 2)
	}
	batch := len(state) / c.Units
	steps := len(x) / (batch * c.Features)
	got, err := s.fetch([]feed{
		{p.input, x, []int64{int64(steps), int64(batch), int64(c.Features)}},
		{p.state, state, []int64{int64(batch), int64(c.Units)}},
	}, p.outputs, p.probability, p.last)
	if err != nil {
		return Prediction{}, err
	}
	if lone {
		for i, v := range got {
			got[i] = v[:len(v)/2]
		}
	}
	return Prediction{got[0], got[1], got[2]}, nil
}

// timeMajor is the steps from, to of x [B,T,F] as [to-from,B,F].
func timeMajor(x []float32, batch, from, to, features int) []float32 {
	steps := len(x) / (batch * features)
	part := make([]float32, 0, (to-from)*batch*features)
	for t := from; t < to; t++ {
		for b := range batch {
			at := (b*steps + t) * features
			part = append(part, x[at:at+features]...)
		}
	}
	return part
}

// toBatchMajor puts part [n,B,O] into whole [B,T,O], from step from on.
func toBatchMajor(whole, part []float32, batch, from, outputs int) {
	steps := len(whole) / (batch * outputs)
	for row := range len(part) / outputs {
		t, b := from+row/batch, row%batch
		copy(whole[(b*steps+t)*outputs:], part[row*outputs:(row+1)*outputs])
	}
}

// predictor is a part of the graph that runs the network over sequences.
type predictor struct {
	input tf.Output // [T,B,F]
	state tf.Output // [B,U]

	outputs     tf.Output // [T*B,O]
	probability tf.Output // [T*B]
	last        tf.Output // [B,U]
}

// partValues limits the states [T,B,U] of one run of a predictor, a megabyte
// or a few that stay in the processor's cache until they are projected.
const partValues = 1 << 20

// predictorFor chooses the predictor for the next steps of batch sequences, and
// how many of those left it takes.
func (m *model) predictorFor(batch, left int) (predictor, int) {
	switch c := m.cfg; {
	case !c.unrolls():
		return m.predictors[0], min(left, max(1, partValues/(batch*c.Units)))
	case left >= c.Steps:
		return m.predictors[0], c.Steps
	default:
		return m.predictors[1], 1
	}
}

// addPredictors makes the predictor for any number of steps; or, where a
// recurrence is unrolled, one for a window and one for a step.
func (c Config) addPredictors(s *op.Scope, h handles) []predictor {
	weights := h.readAll(s, c.weights())
	list := []predictor{c.addPredictor(s, weights)}
	if c.unrolls() {
		c.Steps = 1
		list = append(list, c.addPredictor(s.SubScope("step"), weights))
	}
	return list
}

func (c Config) addPredictor(s *op.Scope, weights []tf.Output) predictor {
	input := op.Placeholder(s.SubScope("input"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, -1, int64(c.Features))))
	state := op.Placeholder(s.SubScope("state"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(c.Units))))
	p := c.forward(s.SubScope("forward"), weights, input, state)
	return predictor{input, state, p.logits, c.Loss.probability(s.SubScope("probability"), p.logits), p.layer.last}
}

// probability is that of label 1, [T*B], for outputs [T*B,O].
//
// TensorFlow's softmax gives a row the same bits whatever the number of rows;
// its logistic function does not.
func (l Loss) probability(s *op.Scope, outputs tf.Output) tf.Output {
	if l.Outputs() == 1 {
		zero, one := op.Const(s.SubScope("zero"), float32(0)), op.Const(s.SubScope("one"), float32(1))
		return reshape(s, op.ClipByValue(s, outputs, zero, one), -1)
	}
	return op.Unpack(s, op.Softmax(s, outputs), 2, op.UnpackAxis(1))[1]
}
