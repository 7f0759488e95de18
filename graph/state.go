package graph

import (
	"fmt"
	"slices"

	"github.com/rnnbin/rnnbin/graph/internal/denormal"
	tf "github.com/wamuir/graft/tensorflow"
)

// Variable is one named array of a session's state.
type Variable struct {
	Name  string
	Shape []int // empty for a scalar
	Value []float32
}

// Weights describes the trained variables of such a network, in the order in
// which the original makes them: names and shapes, no values.
func (c Config) Weights() []Variable {
	var weights []Variable
	for _, v := range c.network().weights() {
		weights = append(weights, Variable{Name: v.name, Shape: dims(v.shape)})
	}
	return weights
}

// Size is the number of values that the shape has room for.
func (v Variable) Size() int { return product(v.Shape) }

// Parameters is the number of values in all weights.
func (c Config) Parameters() int {
	n := 0
	for _, w := range c.Weights() {
		n += w.Size()
	}
	return n
}

// Variables returns the network's whole state: the weights under the original's
// names; of a [Session] then the optimizer's variables, under those that TensorFlow 1
// gives them: of Adam two moments for each weight, and the powers of both betas.
func (p *Predictor) Variables() ([]Variable, error) {
	outputs := make([]tf.Output, len(p.state))
	for i, v := range p.state {
		outputs[i] = p.vars[v.name].value
	}
	got, err := p.fetch(nil, outputs...)
	if err != nil {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	state := make([]Variable, len(got))
	for i, v := range p.state {
		state[i] = Variable{v.name, dims(v.shape), got[i]}
	}
	return state, nil
}

// SetVariables replaces those variables of the state that it is given. A name
// that is not in the state, or an array of another shape, is a *[ShapeError],
// and nothing is changed.
func (p *Predictor) SetVariables(vars []Variable) error {
	known := map[string][]int{}
	for _, v := range p.state {
		known[v.name] = dims(v.shape)
	}
	values := make([]value, len(vars))
	for i, v := range vars {
		shape, ok := known[v.Name]
		if !ok {
			return &ShapeError{v.Name, "a variable of this network", "an unknown name"}
		}
		if !slices.Equal(shape, v.Shape) || len(v.Value) != product(shape) {
			return &ShapeError{v.Name, fmt.Sprint(shape), fmt.Sprintf("%v with %d values", v.Shape, len(v.Value))}
		}
		values[i] = value{v.Name, v.Value, int64s(shape)}
		if len(shape) == 0 {
			values[i].flat = v.Value[0]
		}
	}
	if err := p.set(values...); err != nil {
		return fmt.Errorf("set the variables: %w", err)
	}
	return nil
}

// value is what a variable is set to: a scalar, or a slice in row-major order.
type value struct {
	name  string
	flat  any
	shape []int64
}

func (p *Predictor) set(values ...value) error {
	feeds := make([]feed, len(values))
	targets := make([]*tf.Operation, len(values))
	for i, v := range values {
		a := p.vars[v.name]
		feeds[i] = feed{a.feed, v.flat, v.shape}
		targets[i] = a.set
	}
	_, err := p.run(feeds, nil, targets)
	return err
}

// feed is the value of a placeholder for one call.
type feed struct {
	at    tf.Output
	flat  any
	shape []int64
}

// fetch runs what is needed for float32 outputs and returns their values flat,
// in row-major order.
func (p *Predictor) fetch(feeds []feed, outputs ...tf.Output) ([][]float32, error) {
	got, err := p.run(feeds, outputs, nil)
	if err != nil {
		return nil, err
	}
	values := make([][]float32, len(got))
	for i, t := range got {
		if values[i], err = flat(t); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// flat is a float32 tensor's values in row-major order.
func flat(t *tf.Tensor) ([]float32, error) {
	if len(t.Shape()) == 0 {
		return []float32{t.Value().(float32)}, nil
	}
	if err := t.Reshape([]int64{elements(t.Shape())}); err != nil {
		return nil, err
	}
	return t.Value().([]float32), nil
}

func (p *Predictor) run(feeds []feed, fetches []tf.Output, targets []*tf.Operation) ([]*tf.Tensor, error) {
	tensors := map[tf.Output]*tf.Tensor{}
	for _, f := range feeds {
		t, err := tf.NewTensor(f.flat)
		if err != nil {
			return nil, err
		}
		if len(f.shape) > 1 {
			if err := t.Reshape(f.shape); err != nil {
				return nil, err
			}
		}
		tensors[f.at] = t
	}
	return p.runHere(tensors, fetches, targets)
}

// runHere runs in the caller's thread, as sessionOptions asks, set up as
// TensorFlow's own threads are.
func (p *Predictor) runHere(feeds map[tf.Output]*tf.Tensor, fetches []tf.Output, targets []*tf.Operation) (got []*tf.Tensor, err error) {
	denormal.Flush(func() { got, err = p.tf.Run(feeds, fetches, targets) })
	return got, err
}

func dims(shape tf.Shape) []int {
	sizes, _ := shape.ToSlice()
	d := make([]int, len(sizes))
	for i, n := range sizes {
		d[i] = int(n)
	}
	return d
}

func int64s(shape []int) []int64 {
	sizes := make([]int64, len(shape))
	for i, n := range shape {
		sizes[i] = int64(n)
	}
	return sizes
}

func product(shape []int) int { return int(elements(int64s(shape))) }

func elements(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}
