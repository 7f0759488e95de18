package graph

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Names are the original's, so that either program can restore what the other
// has trained.
const (
	scopeName        = "rnn/output_projection_wrapper/"
	cellKernel       = "basic_rnn_cell/kernel" // [F+U,U]: the input's rows, then the state's
	cellBias         = "basic_rnn_cell/bias"   // [U]
	projectionKernel = scopeName + "kernel"    // [U,O]
	projectionBias   = scopeName + "bias"      // [O]
)

// The seeds that TensorFlow 1 derives for the two kernels from their place in
// the original's graph: the number of operations made before them. Those of further
// layers only have to differ.
const (
	cellKernelSeed       = 88
	projectionKernelSeed = 109
	seedsApart           = 1000
)

// variable is a resource variable of the graph.
type variable struct {
	name  string
	dtype tf.DataType
	shape tf.Shape // unknown for what a caller sizes
	init  func(s *op.Scope) tf.Output
}

// seeds are the two numbers from which TensorFlow draws: the graph's and an
// operation's.
type seeds struct{ graph, operation int64 }

// seeds takes the graph's from Config.Seed as tf.set_random_seed does: Python's
// remainder by 2^31-1, which is never negative.
func (c Config) seeds(operation int64) seeds {
	const modulus = math.MaxInt32
	return seeds{(c.Seed%modulus + modulus) % modulus, operation}
}

// glorot is a kernel [in,out] that starts uniform in ±sqrt(6/(in+out)), by the
// same float32 operations as TensorFlow 1's glorot_uniform_initializer.
func glorot(name string, from seeds, in, out int64) variable {
	limit := float32(math.Sqrt(6 / float64(in+out)))
	return variable{name, tf.Float, tf.MakeShape(in, out), func(s *op.Scope) tf.Output {
		shape := op.Const(s.SubScope("shape"), []int32{int32(in), int32(out)})
		unit := op.RandomUniform(s, shape, tf.Float, op.RandomUniformSeed(from.graph), op.RandomUniformSeed2(from.operation))
		wide := op.Mul(s.SubScope("scale"), unit, op.Const(s.SubScope("range"), limit-(-limit)))
		return op.AddV2(s.SubScope("shift"), wide, op.Const(s.SubScope("low"), -limit))
	}}
}

func zeros(name string, shape ...int64) variable { return filled(name, tf.MakeShape(shape...), 0) }

// filled starts with the same value everywhere.
func filled(name string, shape tf.Shape, value float32) variable {
	return variable{name, tf.Float, shape, func(s *op.Scope) tf.Output {
		var sizes []int32
		for _, d := range dims(shape) {
			sizes = append(sizes, int32(d))
		}
		return op.Fill(s, op.Const(s.SubScope("shape"), sizes), op.Const(s.SubScope("value"), value))
	}}
}

func scalar(name string, value float32) variable {
	return variable{name, tf.Float, tf.ScalarShape(), func(s *op.Scope) tf.Output {
		return op.Const(s, value)
	}}
}

// handle is the variable's resource, the same wherever in a session it is asked
// for.
func (v variable) handle(s *op.Scope) tf.Output {
	return op.VarHandleOp(s, v.dtype, v.shape, op.VarHandleOpSharedName(v.name))
}

// handles finds a variable's resource by its name.
type handles map[string]tf.Output

func (h handles) read(s *op.Scope, v variable) tf.Output {
	return op.ReadVariableOp(s.SubScope("read"), h[v.name], v.dtype)
}

func (h handles) readAll(s *op.Scope, vars []variable) []tf.Output {
	values := make([]tf.Output, len(vars))
	for i, v := range vars {
		values[i] = h.read(s, v)
	}
	return values
}
