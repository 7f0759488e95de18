package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// checkpoint is the part of the graph that writes and reads TensorFlow checkpoints of the
// second version: the files prefix.index and
// prefix.data-00000-of-00001.
type checkpoint struct {
	in     *runner     // nil: newCheckpoint makes it
	fed    []tf.Output // of a graph of its own: what it saves
	prefix tf.Output   // string, fed to both
	save   *tf.Operation

	name        tf.Output // [1] string, fed to restore and restoreStep
	restore     tf.Output // the float32 variable of that name
	restoreStep tf.Output // the int64 variable of that name
}

// addCheckpoint adds the checkpoint of the values of all that is saved.
func (m *Member) addCheckpoint(in *runner, s *op.Scope, values []tf.Output) checkpoint {
	text := func(name string, shape tf.Shape) tf.Output {
		return op.Placeholder(s.SubScope(name), tf.String, op.PlaceholderShape(shape))
	}
	c := checkpoint{in: in, prefix: text("prefix", tf.ScalarShape()), name: text("name", tf.MakeShape(1))}
	var names []string
	for _, v := range m.saved() {
		names = append(names, v.name)
	}
	whole := op.Const(s.SubScope("whole"), make([]string, len(names))) // no slices of partitioned variables
	c.save = op.SaveV2(s, c.prefix, op.Const(s.SubScope("names"), names), whole, values)
	restore := func(s *op.Scope, dtype tf.DataType) tf.Output {
		return nth(op.RestoreV2(s, c.prefix, c.name, op.Const(s.SubScope("all"), []string{""}), []tf.DataType{dtype}), 0)
	}
	c.restore, c.restoreStep = restore(s.SubScope("variable"), tf.Float), restore(s.SubScope("step"), globalStep.dtype)
	return c
}

// values are those of all that is saved.
func (m *Member) values() []tf.Output {
	var values []tf.Output
	for _, v := range m.saved() {
		values = append(values, m.vars[v.name].value)
	}
	return values
}

// saved are the variables that a checkpoint has: the state, and the number of steps in a
// session.
func (m *Member) saved() []variable {
	if _, counts := m.vars[globalStep.name]; counts {
		return append(slices.Clone(m.state), globalStep)
	}
	return m.state
}

// Save writes the state, see [Member.Variables], and the number of steps of a session as a
// TensorFlow checkpoint: the files prefix.index and prefix.data-00000-of-00001, in a folder
// that exists. Files of these names are replaced.
func (m *Member) Save(prefix string) error {
	if err := m.known(); err != nil {
		return err
	}
	c, err := m.openCheckpoint()
	if err != nil {
		return err
	}
	feeds := []feed{{c.prefix, prefix, nil}}
	if len(c.fed) > 0 {
		values, err := m.run(nil, m.values(), nil)
		if err != nil {
			return fmt.Errorf("read the variables: %w", err)
		}
		for i, v := range values {
			feeds = append(feeds, feed{c.fed[i], v, nil})
		}
	}
	if _, err := c.in.run(feeds, nil, []*tf.Operation{c.save}); err != nil {
		return fmt.Errorf("write the checkpoint %s: %w", prefix, err)
	}
	return nil
}

// openCheckpoint is the checkpoint, which is made when it is first needed where the network is
// on a server.
func (m *Member) openCheckpoint() (*checkpoint, error) {
	if m.checkpoint.in != nil {
		return &m.checkpoint, nil
	}
	c, err := m.newCheckpoint()
	if err != nil {
		return nil, err
	}
	m.checkpoint = c
	return &m.checkpoint, nil
}

// Restore sets the state to a checkpoint's, which may have other variables too: a
// [Predictor] takes the weights of what a [Session] has saved. A session goes on from the
// checkpoint's number of steps, 0 if it has none. Restore returns a *[CheckpointError] if a
// variable of the state is missing or has another shape; then nothing is changed.
func (m *Member) Restore(prefix string) error {
	if _, err := m.openCheckpoint(); err != nil {
		return err
	}
	values := make([]value, 0, len(m.state)+1)
	for _, v := range m.state {
		read, err := m.readCheckpoint(prefix, v)
		if err != nil {
			return err
		}
		values = append(values, read)
	}
	if len(m.saved()) > len(m.state) {
		step, err := m.readStep(prefix)
		if err != nil {
			return err
		}
		values = append(values, value{globalStep.name, step, nil})
	}
	return m.change(values)
}

// readCheckpoint reads one variable of the state.
func (m *Member) readCheckpoint(prefix string, v variable) (value, error) {
	t, err := m.readTensor(prefix, v, m.checkpoint.restore)
	if err != nil {
		return value{}, err
	}
	values, err := flat(t)
	if err != nil {
		return value{}, &CheckpointError{prefix, v.name, "cannot be read", err}
	}
	return valueOf(Variable{v.name, dims(v.shape), values}), nil
}

// readStep reads the number of steps, 0 if the checkpoint has none, as the original's.
func (m *Member) readStep(prefix string) (int64, error) {
	t, err := m.readTensor(prefix, globalStep, m.checkpoint.restoreStep)
	var e *CheckpointError
	switch {
	case errors.As(err, &e) && e.Reason == notInCheckpoint:
		return 0, nil
	case err != nil:
		return 0, err
	}
	step := read[int64](t)
	if step < 0 {
		return 0, &CheckpointError{prefix, globalStep.name, fmt.Sprintf("is %d", step), nil}
	}
	return step, nil
}

const notInCheckpoint = "is not in it"

// readTensor reads one variable alone, because TensorFlow's error for several does not tell
// which one it is about.
func (m *Member) readTensor(prefix string, v variable, from tf.Output) (*tf.Tensor, error) {
	c := m.checkpoint
	got, err := c.in.run([]feed{{c.prefix, prefix, nil}, {c.name, []string{v.name}, nil}}, []tf.Output{from}, nil)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "Failed to find any matching files"):
		return nil, &CheckpointError{prefix, "", "there is no such file", err}
	case strings.Contains(err.Error(), "not found in checkpoint"):
		return nil, &CheckpointError{prefix, v.name, notInCheckpoint, err}
	default:
		return nil, &CheckpointError{prefix, v.name, "cannot be read", err}
	}
	want, _ := v.shape.ToSlice()
	if shape := got[0].Shape(); !slices.Equal(shape, want) {
		return nil, &CheckpointError{prefix, v.name, fmt.Sprintf("has the shape %v, this network's %v", shape, want), nil}
	}
	return got[0], nil
}
