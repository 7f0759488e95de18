package export

import (
	"github.com/rnnbin/rnnbin/graph"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// builder adds operations to a scope, each in a scope of its own so that names do not clash.
// Errors are the scope's, and operations after one are not added.
type builder struct{ s *op.Scope }

func (b builder) in(name string) builder { return builder{b.s.SubScope(name)} }

// constant is a scalar, a slice or a slice of slices.
func (b builder) constant(v any) tf.Output { return op.Const(b.s.SubScope("constant"), v) }

func (b builder) add(x, y tf.Output) tf.Output  { return op.AddV2(b.s.SubScope("add"), x, y) }
func (b builder) sub(x, y tf.Output) tf.Output  { return op.Sub(b.s.SubScope("sub"), x, y) }
func (b builder) mul(x, y tf.Output) tf.Output  { return op.Mul(b.s.SubScope("mul"), x, y) }
func (b builder) div(x, y tf.Output) tf.Output  { return op.RealDiv(b.s.SubScope("div"), x, y) }
func (b builder) max(x, y tf.Output) tf.Output  { return op.Maximum(b.s.SubScope("max"), x, y) }
func (b builder) min(x, y tf.Output) tf.Output  { return op.Minimum(b.s.SubScope("min"), x, y) }
func (b builder) sqrt(x tf.Output) tf.Output    { return op.Sqrt(b.s.SubScope("sqrt"), x) }
func (b builder) less(x, y tf.Output) tf.Output { return op.Less(b.s.SubScope("less"), x, y) }

// log is that of probabilities, with one in place of zero that has a logarithm.
func (b builder) log(p tf.Output) tf.Output {
	return op.Log(b.s.SubScope("log"), b.max(p, b.constant(float32(graph.LeastProbability))))
}

// floorDiv and floorMod are of whole numbers, rounded down.
func (b builder) floorDiv(x, y tf.Output) tf.Output {
	return op.FloorDiv(b.s.SubScope("floor_div"), x, y)
}

func (b builder) floorMod(x, y tf.Output) tf.Output {
	return op.FloorMod(b.s.SubScope("floor_mod"), x, y)
}

// divNoNan is x / y, 0 where y is.
func (b builder) divNoNan(x, y tf.Output) tf.Output { return op.DivNoNan(b.s.SubScope("div"), x, y) }

func (b builder) cast(x tf.Output, to tf.DataType) tf.Output {
	return op.Cast(b.s.SubScope("cast"), x, to)
}

func (b builder) double(x tf.Output) tf.Output { return b.cast(x, tf.Double) }
func (b builder) float(x tf.Output) tf.Output  { return b.cast(x, tf.Float) }

// choose is x where the condition holds and y elsewhere; graft has no function for it.
func (b builder) choose(condition, x, y tf.Output) tf.Output {
	s := b.s.SubScope("choose")
	if s.Err() != nil {
		return tf.Output{}
	}
	added := s.AddOperation(tf.OpSpec{Type: "SelectV2", Input: []tf.Input{condition, x, y}})
	if added == nil {
		return tf.Output{}
	}
	return added.Output(0)
}

// size is that of v along an axis, a scalar.
func (b builder) size(v tf.Output, axis int) tf.Output {
	b = b.in("size")
	return b.gather(op.Shape(b.s, v), b.constant(int32(axis)))
}

// gather takes rows of v, along its first axis.
func (b builder) gather(v, rows tf.Output) tf.Output {
	return op.GatherV2(b.s.SubScope("gather"), v, rows, b.constant(int32(0)))
}

// shape is of sizes, int or scalar outputs.
func (b builder) shape(sizes ...any) tf.Output {
	var fixed []int32
	list := make([]tf.Output, len(sizes))
	for i, size := range sizes {
		switch size := size.(type) {
		case int:
			fixed, list[i] = append(fixed, int32(size)), tf.Output{}
		case tf.Output:
			list[i] = size
		}
	}
	if len(fixed) == len(sizes) {
		return b.constant(fixed)
	}
	for i, size := range sizes {
		if n, ok := size.(int); ok {
			list[i] = b.constant(int32(n))
		}
	}
	return op.Pack(b.s.SubScope("shape"), list)
}

func (b builder) reshape(v tf.Output, sizes ...any) tf.Output {
	return op.Reshape(b.s.SubScope("reshape"), v, b.shape(sizes...))
}

// broadcast repeats v along axes of size 1.
func (b builder) broadcast(v tf.Output, sizes ...any) tf.Output {
	return op.BroadcastTo(b.s.SubScope("broadcast"), v, b.shape(sizes...))
}

func (b builder) join(axis int, list ...tf.Output) tf.Output {
	if len(list) == 1 {
		return list[0]
	}
	return op.ConcatV2(b.s.SubScope("join"), list, b.constant(int32(axis)))
}

// slice is n of the entries of v [B,T,E] or [B,T] along an axis, from one on; -1 for all that follow. from and n
// are int or scalar outputs.
func (b builder) slice(v tf.Output, axis int, from, n any) tf.Output {
	if b.s.Err() != nil {
		return tf.Output{}
	}
	rank := v.Shape().NumDimensions()
	begin, size := make([]any, rank), make([]any, rank)
	for i := range rank {
		begin[i], size[i] = 0, -1
	}
	begin[axis], size[axis] = from, n
	return op.Slice(b.s.SubScope("slice"), v, b.shape(begin...), b.shape(size...))
}

// transpose exchanges the first two axes of three.
func (b builder) transpose(v tf.Output) tf.Output {
	return op.Transpose(b.s.SubScope("transpose"), v, b.constant([]int32{1, 0, 2}))
}

// count is 0, 1 and so on, n numbers.
func (b builder) count(n tf.Output) tf.Output {
	b = b.in("count")
	return op.Range(b.s, b.constant(int32(0)), n, b.constant(int32(1)))
}

// clamp is v within low and high, the former where that is above the latter.
func (b builder) clamp(v, low, high tf.Output) tf.Output { return b.max(b.min(v, high), low) }

// int is a whole number.
func (b builder) int(n int) tf.Output { return b.constant(int32(n)) }

// real is a number of 64 bits.
func (b builder) real(x float64) tf.Output { return b.constant(x) }

// rowsOf takes rows [B,n] of each sequence of v [B,T,E], as [B,n,E].
func (b builder) rowsOf(v, rows tf.Output) tf.Output {
	b = b.in("rows")
	return op.GatherV2(b.s, v, rows, b.constant(int32(1)), op.GatherV2BatchDims(1))
}
