// Package export makes of a trained model what programs run that know nothing of rnnbin: a
// graph of TensorFlow's own operations, as a SavedModel, which Python's TensorFlow, TensorFlow
// Serving and others load; or the same in ONNX's operations, for ONNX Runtime and others.
//
// What is exported is the model, not only its networks. As [label.Model.Label] does, it takes
// series as they were measured, fills what is missing, makes the networks' inputs, cuts
// windows, runs the networks of all kinds, takes the mean of their answers and decides. It agrees
// with that to rounding. Values that are infinite, or too far from those of the training rows,
// give answers that are no numbers, where [label.Model.Label] returns an error.
//
// Comments give shapes in letters: B series of T rows, R features as measured, E of them with
// those scaled within the series, F columns that a network gets of a row, W windows, C classes,
// S values of a state.
package export

import (
	"fmt"
	"math"
	"reflect"

	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/internal/cut"
	"github.com/rnnbin/rnnbin/graph/label"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Missing is what stands in for values that are NaN.
type Missing string

const (
	Mean    Missing = "mean"    // the feature's mean over the training rows: [label.Task.Fill]
	Zero    Missing = "zero"    // 0
	Forward Missing = "forward" // the feature's last value in the series; before its first one, the mean
)

// exporter assembles the graph of a model.
type exporter struct {
	task    label.Task
	missing Missing
	kinds   []kind
	g       *tf.Graph
	s       *op.Scope
	vars    []variable
}

// newExporter begins a graph with the variables of all networks.
func newExporter(m *label.Model, missing Missing) (*exporter, error) {
	e := &exporter{task: m.Task(), missing: missing, g: tf.NewGraph()}
	e.s = op.NewScopeWithGraph(e.g)
	for i, k := range m.Kinds() {
		n := k.Networks.Network()
		own := kind{Kind: k, Cut: cut.Of(n, k.Horizon), network: n}
		for j, member := range k.Networks.Members() {
			scope := fmt.Sprintf("member_%d", j)
			if len(m.Kinds()) > 1 {
				scope = fmt.Sprintf("kind_%d/%s", i, scope)
			}
			variables, err := e.addVariables(scope, member)
			if err != nil {
				return nil, err
			}
			own.members = append(own.members, variables)
		}
		e.kinds = append(e.kinds, own)
	}
	return e, e.s.Err()
}

// named adds an operation of exactly that name, and returns its first output.
func (e *exporter) named(name, kind string, attrs map[string]any, inputs ...tf.Input) tf.Output {
	if e.s.Err() != nil {
		return tf.Output{}
	}
	if added := e.s.AddOperation(tf.OpSpec{Type: kind, Name: name, Attrs: attrs, Input: inputs}); added != nil {
		return added.Output(0)
	}
	return tf.Output{}
}

// check makes an error one of the graph's.
func (e *exporter) check(what string, err error) {
	if err != nil {
		e.s.UpdateErr(what, err)
	}
}

func (e *exporter) placeholder(name string, of tf.DataType, shape ...int64) tf.Output {
	return e.named(name, "Placeholder", map[string]any{"dtype": of, "shape": tf.MakeShape(shape...)})
}

// signatures adds the model as it labels whole series, and as it labels rows as they arrive
// where it can.
func (e *exporter) signatures() []signature {
	b := builder{e.s.SubScope("model")}
	series, x := e.series(b, SeriesInput)
	// What a call does not feed is a constant of one row: a default that is computed from the
	// series is too much for tf2onnx.
	lengths := e.named(LengthsInput, "PlaceholderWithDefault", map[string]any{"shape": tf.MakeShape(-1)}, b.constant([]int32{math.MaxInt32}))
	batch, steps := b.size(series, 0), b.size(series, 1)
	q := sequences{
		x:     e.filled(b, x, e.standIn(b)),
		steps: steps,
		first: b.broadcast(b.constant([]int32{0}), batch),
		end:   b.min(b.broadcast(lengths, batch), steps),
		width: len(e.task.Features),
	}
	answers := e.labelled("", b, e.probabilities(b, q))
	signatures := []signature{
		{ServingDefault, []tensor{{SeriesInput, series}}, answers},
		{Lengths, []tensor{{SeriesInput, series}, {LengthsInput, lengths}}, answers},
	}
	if e.streams() {
		signatures = append(signatures, e.stream())
	}
	return signatures
}

// series adds an input of rows as they were measured, and returns them less the shift, [B,T,R].
func (e *exporter) series(b builder, name string) (input, x tf.Output) {
	R := int64(len(e.task.Features))
	if e.task.Shift == nil {
		input = e.placeholder(name, tf.Float, -1, -1, R)
		return input, input
	}
	input = e.placeholder(name, tf.Double, -1, -1, R)
	return input, b.float(b.sub(input, b.constant(e.task.Shift)))
}

// standIn is what stands in for the first values of a series that are NaN, [R].
func (e *exporter) standIn(b builder) tf.Output {
	if e.missing == Zero {
		zero := make([]float32, len(e.task.Fill))
		for k, s := range e.task.Shift {
			zero[k] = float32(-s)
		}
		return b.constant(zero)
	}
	return b.constant(e.task.Fill)
}

// filled is x [B,T,R] without NaN. last are the features' values before, [R] or [B,1,R].
func (e *exporter) filled(b builder, x, last tf.Output) tf.Output {
	if e.missing == Forward {
		return b.forward(x, last, len(e.task.Fill))
	}
	return b.fill(x, last)
}

// probabilities are those that the kinds come to together, [B,T,C].
func (e *exporter) probabilities(b builder, q sequences) tf.Output {
	list := make([]tf.Output, len(e.kinds))
	columns := make([]tf.Output, len(e.kinds))
	for i, k := range e.kinds {
		kb := b.in("kind")
		for j, other := range e.kinds[:i] {
			if reflect.DeepEqual(other.Inputs, k.Inputs) {
				columns[i] = columns[j]
			}
		}
		if columns[i] == (tf.Output{}) {
			columns[i] = k.columns(kb.in("columns"), q)
		}
		list[i] = k.answers(kb, e.g, q, columns[i])
	}
	return together(b, list)
}

// together are the probabilities [B,T,C] that the kinds come to, see [graph.Loss.Mean].
func together(b builder, kinds []tf.Output) tf.Output {
	if len(kinds) == 1 {
		return kinds[0]
	}
	sum := b.log(kinds[0])
	for _, p := range kinds[1:] {
		sum = b.add(sum, b.log(p))
	}
	return op.Softmax(b.s, b.div(sum, b.constant(float32(len(kinds)))))
}

// labelled are the probabilities, under the names that callers see, and the names of the
// classes that they decide on: of two the second if its probability is at least the threshold,
// of more the most probable one. A float32 is at least a float64 if it is at least the first
// float32 that is not below it.
func (e *exporter) labelled(scope string, b builder, p tf.Output) []tensor {
	b = b.in("labels")
	var class tf.Output
	if len(e.task.Classes) == 2 {
		least := float32(e.task.Threshold)
		if float64(least) < e.task.Threshold {
			least = math.Nextafter32(least, math.MaxFloat32)
		}
		second := op.Squeeze(b.s.SubScope("second"), b.slice(p, 2, 1, 1), op.SqueezeAxis([]int64{2}))
		class = b.cast(op.GreaterEqual(b.s, second, b.constant(least)), tf.Int32)
	} else {
		class = op.ArgMax(b.s, p, b.int(2), op.ArgMaxOutputType(tf.Int32))
	}
	names := b.gather(b.constant(e.task.Classes), class)
	return []tensor{
		{ProbabilitiesOutput, e.named(scope+ProbabilitiesOutput, "Identity", nil, p)},
		{LabelsOutput, e.named(scope+LabelsOutput, "Identity", nil, names)},
	}
}

// columns are what the networks get of each row, [B,T,F].
func (k kind) columns(b builder, q sequences) tf.Output {
	switch k.Inputs.SeriesScale {
	case inputs.Whole:
		q = q.whole(b, k.Inputs)
	case inputs.Running:
		q, _ = q.running(b, k.Inputs, nil)
	}
	return q.rolled(b, k.Inputs)
}
