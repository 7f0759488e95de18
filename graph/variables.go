package graph

import (
	"fmt"
	"math"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Names are TensorFlow 1's for networks that it has, so that either program can restore
// what the other has trained: OutputProjectionWrapper's for one direction,
// bidirectional_dynamic_rnn's for two, and with several recurrent layers MultiRNNCell's and
// stack_bidirectional_dynamic_rnn's; tf.layers.dense's for dense layers.
const wrapperScope = "rnn/output_projection_wrapper/"

// layerScope stands before the names of a recurrent layer's variables in a direction, 0
// forward.
func (n Network) layerScope(layer, direction int) string {
	at := recurrent(n.Layers[:layer])
	switch deep := recurrent(n.Layers) > 1; {
	case n.Bidirectional && deep:
		return fmt.Sprintf("stack_bidirectional_rnn/cell_%d/bidirectional_rnn/%s/", at, directionNames[direction])
	case n.Bidirectional:
		return fmt.Sprintf("bidirectional_rnn/%s/", directionNames[direction])
	case deep:
		return fmt.Sprintf("%smulti_rnn_cell/cell_%d/", wrapperScope, at)
	default:
		return wrapperScope
	}
}

var directionNames = [...]string{"fw", "bw"}

// denseScope stands before the names of a dense layer's variables.
func (n Network) denseScope(layer int) string {
	if at := layer - recurrent(n.Layers[:layer]); at > 0 {
		return fmt.Sprintf("dense_%d/", at)
	}
	return "dense/"
}

// projectionScope stands before the names of the projection's variables. Without a
// wrapper TensorFlow 1 leaves them to the program.
func (n Network) projectionScope() string {
	if n.Bidirectional || recurrent(n.Layers) == 0 {
		return "projection/"
	}
	return wrapperScope
}

// The seeds that TensorFlow 1 derives for the two kernels from their place in
// the original's graph: the number of operations made before them. Those of further
// layers and directions only have to differ.
const (
	cellSeed       = 88
	projectionSeed = 109
	seedsApart     = 1000
)

// variable is a resource variable of the graph.
type variable struct {
	name      string
	container string // keeps equal names of several networks apart; "" for the default one
	dtype     tf.DataType
	shape     tf.Shape // unknown for what a caller sizes
	init      func(s *op.Scope) tf.Output
}

// initialised is a variable with a value from the start.
func initialised(name string, shape tf.Shape, init func(s *op.Scope) tf.Output) variable {
	return variable{name: name, dtype: tf.Float, shape: shape, init: init}
}

// seeds are the two numbers from which TensorFlow draws: the graph's and an
// operation's.
type seeds struct{ graph, operation int64 }

// seeds takes the graph's from Training.Seed as tf.set_random_seed does: Python's
// remainder by 2^31-1, which is never negative.
func (c Config) seeds(operation int64) seeds {
	const modulus = math.MaxInt32
	return seeds{(c.Seed%modulus + modulus) % modulus, operation}
}

// layerSeeds are those of a layer in a direction.
func (c Config) layerSeeds(layer, direction int) seeds {
	return c.seeds(cellSeed + seedsApart*int64(2*layer+direction))
}

// next are the seeds of another operation of the same cell.
func (s seeds) next(n int64) seeds { return seeds{s.graph, s.operation + n} }

// glorot is a kernel [in,out] that starts uniform in ±sqrt(6/(in+out)), by the
// same float32 operations as TensorFlow 1's glorot_uniform_initializer.
func glorot(name string, from seeds, in, out int64) variable {
	limit := float32(math.Sqrt(6 / float64(in+out)))
	return initialised(name, tf.MakeShape(in, out), func(s *op.Scope) tf.Output { return uniform(s, from, limit, in, out) })
}

// uniform is [in,out] within ±limit.
func uniform(s *op.Scope, from seeds, limit float32, in, out int64) tf.Output {
	shape := op.Const(s.SubScope("shape"), []int32{int32(in), int32(out)})
	unit := op.RandomUniform(s, shape, tf.Float, op.RandomUniformSeed(from.graph), op.RandomUniformSeed2(from.operation))
	wide := op.Mul(s.SubScope("scale"), unit, op.Const(s.SubScope("range"), limit-(-limit)))
	return op.AddV2(s.SubScope("shift"), wide, op.Const(s.SubScope("low"), -limit))
}

// gates is a kernel [inputs+units,n*units] of n gates, whose rows for the input start as
// Glorot has it, gate by gate, and those for the state orthogonal (Saxe and others,
// Exact solutions to the nonlinear dynamics of learning, 2014), as Keras has it.
func gates(name string, from seeds, inputs, units, n int) variable {
	in, u, wide := int64(inputs), int64(units), int64(n*units)
	return initialised(name, tf.MakeShape(in+u, wide), func(s *op.Scope) tf.Output {
		state := orthogonal(s.SubScope("orthogonal"), from.next(1), u, wide)
		if inputs == 0 {
			return state
		}
		input := uniform(s.SubScope("glorot"), from, float32(math.Sqrt(6/float64(in+u))), in, wide)
		return joined(s, []tf.Output{input, state}, 0)
	})
}

// orthogonal is [rows,columns], not higher than wide, whose rows are orthogonal and of
// length 1: the Q of a random matrix's decomposition, with R's diagonal made positive.
func orthogonal(s *op.Scope, from seeds, rows, columns int64) tf.Output {
	shape := op.Const(s.SubScope("shape"), []int32{int32(columns), int32(rows)})
	q, r := op.Qr(s, op.RandomStandardNormal(s, shape, tf.Float,
		op.RandomStandardNormalSeed(from.graph), op.RandomStandardNormalSeed2(from.operation)))
	positive := op.Mul(s.SubScope("positive"), q, op.Sign(s, op.MatrixDiagPart(s, r)))
	return op.Transpose(s, positive, op.Const(s.SubScope("swap"), []int32{1, 0}))
}

func zeros(name string, shape ...int64) variable { return filled(name, tf.MakeShape(shape...), 0) }
func ones(name string, shape ...int64) variable  { return filled(name, tf.MakeShape(shape...), 1) }

// filled starts with the same value everywhere.
func filled(name string, shape tf.Shape, value float32) variable {
	return initialised(name, shape, func(s *op.Scope) tf.Output {
		var sizes []int32
		for _, d := range dims(shape) {
			sizes = append(sizes, int32(d))
		}
		return op.Fill(s, op.Const(s.SubScope("shape"), sizes), op.Const(s.SubScope("value"), value))
	})
}

func scalar(name string, value float32) variable {
	return initialised(name, tf.ScalarShape(), func(s *op.Scope) tf.Output { return op.Const(s, value) })
}

// handle is the variable's resource, the same wherever in a session it is asked
// for.
func (v variable) handle(s *op.Scope) tf.Output {
	return op.VarHandleOp(s, v.dtype, v.shape, op.VarHandleOpSharedName(v.name), op.VarHandleOpContainer(v.container))
}

// handles finds a variable's resource by its name.
type handles map[string]tf.Output

func (h handles) read(s *op.Scope, v variable) tf.Output {
	return op.ReadVariableOp(s.SubScope("read"), h[v.name], v.dtype)
}

// reading gives the values of variables.
type reading func(s *op.Scope, vars []variable) []tf.Output

func (h handles) readAll(s *op.Scope, vars []variable) []tf.Output {
	values := make([]tf.Output, len(vars))
	for i, v := range vars {
		values[i] = h.read(s, v)
	}
	return values
}
