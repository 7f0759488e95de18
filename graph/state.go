package graph

import (
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
)

// Variable is one named array of a network's state.
type Variable struct {
	Name  string
	Shape []int // empty for a scalar
	Value []float32
}

// Size is the number of values in an array of the shape.
func (v Variable) Size() int { return product(v.Shape) }

// Weights lists the names and shapes of the trained variables, without values, in the order
// in which the original makes them.
func (n Network) Weights() []Variable {
	var weights []Variable
	for _, v := range (Config{Network: n}).network().weights() {
		weights = append(weights, Variable{Name: v.name, Shape: dims(v.shape)})
	}
	return weights
}

// Parameters is the number of values in all weights.
func (n Network) Parameters() int {
	total := 0
	for _, w := range n.Weights() {
		total += w.Size()
	}
	return total
}

// Member is one network of a [Predictor], or that of a [Session], with its state.
type Member struct {
	*runner
	state      []variable // what Variables returns
	vars       map[string]access
	checkpoint checkpoint
	unknown    bool // the state, see ErrUnknownState
}

// access is how a variable is read and set from outside of the graph.
type access struct {
	value tf.Output
	feed  tf.Output
	set   *tf.Operation // to what feed is fed
}

// known returns ErrUnknownState unless the state is known.
func (m *Member) known() error {
	if m.unknown {
		return ErrUnknownState
	}
	return nil
}

// Variables returns the state of the network: the weights, under the original's names; in a
// [Session], the optimizer's variables under TensorFlow 1's names: for Adam two moments of
// each weight, and the powers of both betas. The number of a session's steps is not among
// them, see [Session.Step].
func (m *Member) Variables() ([]Variable, error) {
	if err := m.known(); err != nil {
		return nil, err
	}
	got, err := m.run(nil, m.values(), nil) // as Save does: a server gets ready for each kind of call
	if err != nil {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	state := make([]Variable, len(m.state))
	for i, v := range m.state {
		values, err := flat(got[i])
		if err != nil {
			return nil, err
		}
		state[i] = Variable{v.name, dims(v.shape), values}
	}
	return state, nil
}

// SetVariables sets the given variables of the state, and leaves the others and the number
// of steps as they are. It returns a *[ShapeError] for an unknown name or an array of the
// wrong shape; then nothing is changed.
func (m *Member) SetVariables(vars []Variable) error {
	values, err := m.checked(vars)
	if err != nil {
		return err
	}
	return m.change(values)
}

// checked are the given variables as set takes them.
func (m *Member) checked(vars []Variable) ([]value, error) {
	shapes := map[string][]int{}
	for _, v := range m.state {
		shapes[v.name] = dims(v.shape)
	}
	values := make([]value, len(vars))
	for i, v := range vars {
		shape, ok := shapes[v.Name]
		if !ok {
			return nil, &ShapeError{v.Name, "a variable of this network", "an unknown name"}
		}
		if !slices.Equal(shape, v.Shape) || len(v.Value) != product(shape) {
			return nil, &ShapeError{v.Name, fmt.Sprint(shape), fmt.Sprintf("%v with %d values", v.Shape, len(v.Value))}
		}
		values[i] = valueOf(v)
	}
	return values, nil
}

// change sets variables of the state, which is known after all of them were set.
func (m *Member) change(values []value) error {
	if err := m.set(values...); err != nil {
		m.unknown = true
		return fmt.Errorf("set the variables: %w", err)
	}
	given := map[string]bool{}
	for _, v := range values {
		given[v.name] = true
	}
	if !slices.ContainsFunc(m.state, func(v variable) bool { return !given[v.name] }) {
		m.unknown = false
	}
	return nil
}

// value is what a variable is set to: a scalar, or a slice in row-major order.
type value struct {
	name  string
	flat  any
	shape []int64
}

// valueOf is v as set takes it.
func valueOf(v Variable) value {
	if len(v.Shape) == 0 {
		return value{v.Name, v.Value[0], nil}
	}
	return value{v.Name, v.Value, int64s(v.Shape)}
}

func (m *Member) set(values ...value) error {
	feeds, targets := m.setting(values)
	_, err := m.run(feeds, nil, targets)
	return err
}

// setting is what sets variables to values.
func (m *Member) setting(values []value) ([]feed, []*tf.Operation) {
	feeds := make([]feed, len(values))
	targets := make([]*tf.Operation, len(values))
	for i, v := range values {
		a := m.vars[v.name]
		feeds[i] = feed{a.feed, v.flat, v.shape}
		targets[i] = a.set
	}
	return feeds, targets
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
