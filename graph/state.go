package graph

import (
	"fmt"
	"slices"

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

// Member is one network of a [Predictor].
type Member struct {
	in         *runner
	state      []variable // what Variables returns
	vars       map[string]access
	checkpoint checkpoint
}

// access is how a variable is read and set from outside of the graph.
type access struct {
	value tf.Output
	feed  tf.Output
	set   *tf.Operation // to what feed is fed
}

// Variables returns the network's whole state: the weights under the original's
// names; offset and scale where it normalises, see Config.Normalize; of a [Session] then the optimizer's variables, under those that TensorFlow 1
// gives them: of Adam two moments for each weight, and the powers of both betas.
func (m *Member) Variables() ([]Variable, error) {
	outputs := make([]tf.Output, len(m.state))
	for i, v := range m.state {
		outputs[i] = m.vars[v.name].value
	}
	got, err := m.in.fetch(nil, outputs...)
	if err != nil {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	state := make([]Variable, len(got))
	for i, v := range m.state {
		state[i] = Variable{v.name, dims(v.shape), got[i]}
	}
	return state, nil
}

// SetVariables replaces those variables of the state that it is given. A name
// that is not in the state, or an array of another shape, is a *[ShapeError], an offset
// or scale that cannot be used a *[VariableError], and nothing is changed.
func (m *Member) SetVariables(vars []Variable) error {
	known := map[string][]int{}
	for _, v := range m.state {
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
		if err := checkNormalization(v); err != nil {
			return err
		}
		values[i] = value{v.Name, v.Value, int64s(shape)}
		if len(shape) == 0 {
			values[i].flat = v.Value[0]
		}
	}
	if err := m.set(values...); err != nil {
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

func (m *Member) set(values ...value) error {
	feeds := make([]feed, len(values))
	targets := make([]*tf.Operation, len(values))
	for i, v := range values {
		a := m.vars[v.name]
		feeds[i] = feed{a.feed, v.flat, v.shape}
		targets[i] = a.set
	}
	_, err := m.in.run(feeds, nil, targets)
	return err
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
