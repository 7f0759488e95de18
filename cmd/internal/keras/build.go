package keras

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/hdf5"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// builder makes our network of Keras's layers, one after the other.
type builder struct {
	weights *hdf5.File
	model   *Model
	width   int         // columns that the layer before gives; 0: nobody has said yet
	values  [][]float32 // of our weights, in the order of Network.Weights
}

func build(layers []layer, weights *hdf5.File) (*Model, error) {
	b := &builder{weights: weights, model: &Model{Network: graph.DefaultConfig().Network}}
	c := &b.model.Network
	c.Window, c.Layers = 0, nil
	if err := joinActivations(layers); err != nil {
		return nil, err
	}
	last := lastOfUse(layers)
	if l := layers[last]; l.class != "Dense" && l.class != "TimeDistributed" {
		return nil, l.errorf("this layer is the last, but a Dense layer has to give the answers")
	}
	for i, l := range layers {
		role, err := b.add(l, i == last)
		if err != nil {
			return nil, err
		}
		if l.class != "InputLayer" {
			b.model.Layers = append(b.model.Layers, Layer{l.name, l.class, role})
		}
	}
	return b.model, b.setWeights()
}

// setWeights names the values, and checks the network but for a Window that is not known.
func (b *builder) setWeights() error {
	c := b.model.Network
	c.Window = max(c.Window, 1)
	if err := c.Validate(); err != nil {
		return fmt.Errorf("the network is not supported: %w", err)
	}
	vars := c.Weights()
	if len(vars) != len(b.values) {
		return fmt.Errorf("%d arrays for a network of %d", len(b.values), len(vars))
	}
	for i := range vars {
		vars[i].Value = b.values[i]
	}
	b.model.Variables = vars
	return nil
}

// add adds a layer, and says what has become of it.
func (b *builder) add(l layer, last bool) (role string, err error) {
	switch {
	case slices.Contains(idle, l.class):
		return "none when predicting", nil
	case l.joined != "":
		return fmt.Sprintf("the activation of %q", l.joined), nil
	}
	switch l.class {
	case "InputLayer":
		return "", b.input(l)
	case "Normalization":
		return "scales the features", b.normalization(l)
	case "SimpleRNN", "LSTM", "GRU":
		return b.recurrent(l, l)
	case "Bidirectional":
		forward, backward, err := l.directions()
		if err != nil {
			return "", err
		}
		return b.recurrent(l, forward, backward)
	case "TimeDistributed":
		return b.timeDistributed(l, last)
	case "Dense":
		return b.dense(l, last)
	}
	return "", l.errorf("layers of this kind are not supported")
}

// input reads the shape [batch, steps, features], in which null is any number.
func (b *builder) input(l layer) error {
	if err := l.check(nil); err != nil {
		return err
	}
	shape := l.settings["batch_shape"]
	if shape == nil {
		shape = l.settings["batch_input_shape"] // Keras 2
	}
	if shape == nil {
		return nil
	}
	sizes, ok := shape.([]any)
	if !ok || len(sizes) != 3 {
		return l.errorf("inputs of shape %s are not supported, only [batch, steps, features]", text(shape))
	}
	for i, to := range []*int{&b.model.Network.Window, &b.width} {
		if v, ok := sizes[1+i].(float64); ok && v >= 1 && v <= math.MaxInt32 {
			*to = int(v)
		}
	}
	b.model.Network.Features = b.width
	return nil
}

// takes checks that what a layer takes is what the one before gives.
func (b *builder) takes(l layer, inputs int) error {
	if b.width == 0 {
		b.width, b.model.Network.Features = inputs, inputs
	}
	if b.width != inputs {
		return l.errorf("takes %d values a step, but the layer before gives %d", inputs, b.width)
	}
	return nil
}

// normalization reads mean and variance, which are weights once Keras has found them in
// data.
func (b *builder) normalization(l layer) error {
	if len(b.model.Network.Layers) > 0 || b.model.Scale != nil {
		return l.errorf("is only supported as the first layer")
	}
	if err := l.check(normalizationAllowed); err != nil {
		return err
	}
	if l.settings["mean"] != nil || l.settings["variance"] != nil {
		return l.errorf("mean and variance as arguments are not supported, only those that adapt() has found")
	}
	mean, err := b.array(l, "vars/0")
	if err != nil {
		return err
	}
	variance, err := b.array(l, "vars/1")
	if err != nil {
		return err
	}
	if mean.rows != 1 || variance.rows != 1 || variance.columns != mean.columns {
		return l.errorf("mean and variance are no two rows of numbers")
	}
	const least = 1e-7 // Keras's epsilon
	deviation := make([]float32, variance.columns)
	for i, v := range variance.values {
		deviation[i] = max(float32(math.Sqrt(float64(v))), least)
	}
	b.model.Scale = &inputs.Scale{Offset: mean.values, Divisor: deviation}
	return b.takes(l, mean.columns)
}

// recurrent adds a recurrent layer of one direction or two.
func (b *builder) recurrent(l layer, directions ...layer) (role string, err error) {
	n := &b.model.Network
	both := len(directions) == 2
	if slices.ContainsFunc(n.Layers, isRecurrent) && n.Bidirectional != both {
		return "", l.errorf("mixing unidirectional and bidirectional layers is not supported")
	}
	var own graph.Layer
	for i, d := range directions {
		c, err := b.cell(d, i == 1)
		if err != nil {
			return "", err
		}
		if i == 1 && c.layer != own {
			return "", l.errorf("directions that differ are not supported")
		}
		if err := b.takes(d, c.kernel.rows); err != nil {
			return "", err
		}
		own = c.layer
		b.values = append(b.values, c.variables()...)
	}
	n.Layers, n.Bidirectional = append(n.Layers, own), n.Bidirectional || both
	b.width = len(directions) * own.Units
	role = fmt.Sprintf("%s, %d units", own.Cell, own.Units)
	if both {
		role += " in each direction"
	}
	return role, nil
}

func isRecurrent(l graph.Layer) bool { return l.Cell != graph.Dense }

// timeDistributed adds a Dense layer that is applied to each step, as it is anyway.
func (b *builder) timeDistributed(l layer, last bool) (role string, err error) {
	if err := l.check(nil); err != nil {
		return "", err
	}
	in, err := l.inner("layer")
	if err != nil {
		return "", err
	}
	if in.class != "Dense" {
		return "", l.errorf("layer %s is not supported, only Dense", in.class)
	}
	return b.dense(in, last)
}

// dense adds a layer that is applied to each step by itself: the last one gives the answers.
func (b *builder) dense(l layer, last bool) (role string, err error) {
	rules := hiddenAllowed
	if last {
		rules = answersAllowed
	}
	if err := l.check(rules); err != nil {
		return "", err
	}
	units, err := l.number("units")
	if err != nil {
		return "", err
	}
	kernel, err := b.array(l, "vars/0")
	if err != nil {
		return "", err
	}
	bias, err := b.bias(l, "vars/1", 1, units)
	if err != nil {
		return "", err
	}
	if kernel.columns != units {
		return "", l.errorf("the kernel has %d columns, not %d", kernel.columns, units)
	}
	if err := b.takes(l, kernel.rows); err != nil {
		return "", err
	}
	if last {
		return b.projection(l, kernel, bias)
	}
	activation := text(l.settings["activation"])
	n := &b.model.Network
	n.Layers = append(n.Layers, graph.Layer{Cell: graph.Dense, Units: units, Activation: graph.Activation(activation)})
	b.values = append(b.values, kernel.values, bias.values)
	b.width = units
	return fmt.Sprintf("dense, %d units, %s", units, activation), nil
}

// projection adds the last layer, a class for each of its units. A single sigmoid z
// becomes two logits, 0 and z, whose softmax is the same.
func (b *builder) projection(l layer, kernel, bias array) (role string, err error) {
	units, activation := kernel.columns, l.settings["activation"]
	switch {
	case units == 1 && activation != "sigmoid":
		return "", l.errorf("activation %s with units 1 is not supported, only sigmoid", text(activation))
	case units > 1 && activation == "sigmoid":
		return "", l.errorf("activation sigmoid with units %d is not supported, only softmax or linear (logits)", units)
	case units == 1:
		kernel, bias = beside(zeros(kernel.rows, 1), kernel), beside(zeros(1, 1), bias)
	}
	b.values = append(b.values, kernel.values, bias.values)
	b.model.Network.Classes = kernel.columns
	return fmt.Sprintf("projection, %s", text(activation)), nil
}

// array reads one of a layer's arrays.
func (b *builder) array(l layer, name string) (array, error) {
	d := b.weights.Dataset(l.path + "/" + name)
	if d == nil {
		return array{}, l.errorf("the file has no weights %s/%s: has the model been built?", l.path, name)
	}
	values, err := d.Float32s()
	if err != nil {
		return array{}, l.errorf("weights %s/%s: %w", l.path, name, err)
	}
	for _, v := range values {
		if v != v || math.IsInf(float64(v), 0) {
			return array{}, l.errorf("weights %s/%s: %v is not a finite number", l.path, name, v)
		}
	}
	if len(values) > 0 {
		switch shape := d.Shape; len(shape) {
		case 1:
			return array{1, shape[0], values}, nil
		case 2:
			return array{shape[0], shape[1], values}, nil
		}
	}
	return array{}, l.errorf("weights %s/%s: the shape %v is not that of a matrix or a bias", l.path, name, d.Shape)
}

// bias reads an array that a layer may do without.
func (b *builder) bias(l layer, name string, rows, columns int) (array, error) {
	if !l.settings.flag("use_bias") {
		return zeros(rows, columns), nil
	}
	a, err := b.array(l, name)
	if err == nil && (a.rows != rows || a.columns != columns) {
		err = l.errorf("the bias has %d x %d values, not %d x %d", a.rows, a.columns, rows, columns)
	}
	return a, err
}
