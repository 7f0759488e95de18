package graph

import (
	"fmt"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// checkpoint is the part of the graph that writes and reads TensorFlow's
// checkpoints, of the second version: the files prefix.index and
// prefix.data-00000-of-00001.
type checkpoint struct {
	prefix tf.Output // string, fed to both
	save   *tf.Operation

	name    tf.Output // [1] string, fed to restore
	restore tf.Output // the variable of that name
}

func (m *Member) addCheckpoint(s *op.Scope) checkpoint {
	text := func(name string, shape tf.Shape) tf.Output {
		return op.Placeholder(s.SubScope(name), tf.String, op.PlaceholderShape(shape))
	}
	c := checkpoint{prefix: text("prefix", tf.ScalarShape()), name: text("name", tf.MakeShape(1))}
	names := make([]string, len(m.state))
	values := make([]tf.Output, len(m.state))
	for i, v := range m.state {
		names[i], values[i] = v.name, m.vars[v.name].value
	}
	whole := op.Const(s.SubScope("whole"), make([]string, len(names))) // no slices of partitioned variables
	c.save = op.SaveV2(s, c.prefix, op.Const(s.SubScope("names"), names), whole, values)
	c.restore = nth(op.RestoreV2(s, c.prefix, c.name, op.Const(s.SubScope("all"), []string{""}), []tf.DataType{tf.Float}), 0)
	return c
}

// Save writes the whole state, see [Member.Variables], as a checkpoint of
// TensorFlow's: the files prefix.index and prefix.data-00000-of-00001, in a
// folder that exists. Files of these names are replaced.
func (m *Member) Save(prefix string) error {
	c := m.checkpoint
	if _, err := m.in.run([]feed{{c.prefix, prefix, nil}}, nil, []*tf.Operation{c.save}); err != nil {
		return fmt.Errorf("write the checkpoint %s: %w", prefix, err)
	}
	return nil
}

// Restore sets the whole state to a checkpoint's, which may hold other variables too:
// a [Predictor] takes the weights of what a [Session] has saved. One that has not all
// of the state in the right shapes, with values that can be used, is a *[CheckpointError],
// and nothing is changed.
func (m *Member) Restore(prefix string) error {
	read := make([]Variable, len(m.state))
	for i, v := range m.state {
		value, err := m.readCheckpoint(prefix, v)
		if err != nil {
			return err
		}
		read[i] = value
	}
	return m.SetVariables(read)
}

// readCheckpoint reads one variable: TensorFlow's error for several does not say
// of which it speaks.
func (m *Member) readCheckpoint(prefix string, v variable) (Variable, error) {
	fail := func(name, reason string, err error) (Variable, error) {
		return Variable{}, &CheckpointError{Prefix: prefix, Variable: name, Reason: reason, Err: err}
	}
	c := m.checkpoint
	got, err := m.in.run([]feed{{c.prefix, prefix, nil}, {c.name, []string{v.name}, nil}}, []tf.Output{c.restore}, nil)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "Failed to find any matching files"):
		return fail("", "there is no such file", err)
	case strings.Contains(err.Error(), "not found in checkpoint"):
		return fail(v.name, "is not in it", err)
	default:
		return fail(v.name, "cannot be read", err)
	}
	want, _ := v.shape.ToSlice()
	if shape := got[0].Shape(); !slices.Equal(shape, want) {
		return fail(v.name, fmt.Sprintf("has the shape %v, this network's %v", shape, want), nil)
	}
	values, err := flat(got[0])
	if err != nil {
		return fail(v.name, "cannot be read", err)
	}
	read := Variable{v.name, dims(v.shape), values}
	if err := checkNormalization(read); err != nil {
		return fail(v.name, "cannot be used", err)
	}
	return read, nil
}
