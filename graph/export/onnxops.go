package export

import (
	"fmt"
	"math"
	"strconv"

	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
)

// sameOf are operations that ONNX has with the same inputs.
var sameOf = map[string]string{
	"Abs": "Abs", "AddN": "Sum", "AddV2": "Add", "BiasAdd": "Add", "Equal": "Equal", "Exp": "Exp", "GreaterEqual": "GreaterOrEqual",
	"Identity": "Identity", "IsNan": "IsNaN", "Less": "Less", "Log": "Log", "LogicalAnd": "And", "Maximum": "Max", "Minimum": "Min",
	"Mul": "Mul", "Neg": "Neg", "Range": "Range", "RealDiv": "Div", "Relu": "Relu", "SelectV2": "Where", "Sigmoid": "Sigmoid",
	"Sign": "Sign", "Softmax": "Softmax", "Sqrt": "Sqrt", "Sub": "Sub", "Tanh": "Tanh",
}

// node is one of TensorFlow's that is being added.
type node struct {
	*translator
	*nodepb.NodeDef
	out string // the name of its first output
}

func (n node) in(i int) string { return n.value(n.Input[i]) }

// step is the name of a value between.
func (n node) step(what string) string { return n.prefix + n.Name + ":" + what }

// give adds an operation that gives the node's output.
func (n node) give(kind string, inputs []string, attributes ...pb) {
	n.node(kind, n.out, inputs, attributes...)
}

func (n node) cast(what, v string, to int64) string {
	return n.node("Cast", n.step(what), []string{v}, onnxAttribute("to", int(to)))
}

// long is an input as whole numbers of 64 bits, which shapes and places are in ONNX.
func (n node) long(what string, i int) string { return n.cast(what, n.in(i), onnxInt64) }

// zero is a 0 of the type that the node works on.
func (n node) zero() string {
	return n.initialise(n.step("zero"), &tensorpb.TensorProto{Dtype: n.Attr["T"].GetType()})
}

// floor is the first input divided by the second, rounded down. It is found in numbers of 64
// bits, as ONNX rounds whole ones towards 0.
func (n node) floor() string {
	kind, x, y := elementsOf(n.Attr["T"].GetType()), n.in(0), n.in(1)
	if kind == onnxDouble {
		return n.node("Floor", n.step("floor"), []string{n.node("Div", n.step("quotient"), []string{x, y})})
	}
	quotient := n.node("Div", n.step("quotient"), []string{n.cast("x", x, onnxDouble), n.cast("y", y, onnxDouble)})
	return n.cast("whole", n.node("Floor", n.step("floor"), []string{quotient}), kind)
}

// split divides the first of inputs along an axis.
func (n node) split(axis string, inputs ...string) {
	var outputs []string
	for i := range n.Attr["num_split"].GetI() {
		place := fmt.Sprintf(":%d", i)
		n.done[n.Name+place] = n.prefix + n.Name + place
		outputs = append(outputs, n.done[n.Name+place])
	}
	n.addNode("Split", inputs, outputs, onnxAttribute("axis", int(n.ints(axis)[0])))
}

// counterparts add what ONNX has for an operation.
var counterparts map[string]func(n node)

func init() { // they refer to translate
	counterparts = map[string]func(n node){
		"Const": func(n node) { n.initialise(n.out, n.Attr["value"].GetTensor()) },
		"ReadVariableOp": func(n node) {
			v := n.variables[n.Input[0]]
			n.floats(n.out, v.flat, v.shape...)
		},
		"ArgMax": func(n node) {
			v := n.node("ArgMax", n.step("place"), []string{n.in(0)}, onnxAttribute("axis", int(n.ints(n.Input[1])[0])), onnxAttribute("keepdims", 0))
			n.give("Cast", []string{v}, onnxAttribute("to", onnxInt32))
		},
		"BroadcastTo": func(n node) { n.give("Expand", []string{n.in(0), n.long("shape", 1)}) },
		"Cast": func(n node) {
			n.give("Cast", []string{n.in(0)}, onnxAttribute("to", int(elementsOf(n.Attr["DstT"].GetType()))))
		},
		"ClipByValue": func(n node) {
			n.give("Max", []string{n.node("Min", n.step("least"), []string{n.in(0), n.in(2)}), n.in(1)})
		},
		"ConcatV2": func(n node) {
			var list []string
			last := len(n.Input) - 1
			for i := range last {
				list = append(list, n.in(i))
			}
			n.give("Concat", list, onnxAttribute("axis", int(n.ints(n.Input[last])[0])))
		},
		"Cumsum": func(n node) {
			n.give("CumSum", []string{n.in(0), n.in(1)}, onnxAttribute("reverse", flag(n.Attr["reverse"].GetB())))
		},
		"DivNoNan": func(n node) {
			none := n.node("Equal", n.step("none"), []string{n.in(1), n.zero()})
			n.give("Where", []string{none, n.step("zero"), n.node("Div", n.step("quotient"), []string{n.in(0), n.in(1)})})
		},
		"ExpandDims": func(n node) { n.give("Unsqueeze", []string{n.in(0), n.int64s(n.step("axis"), n.ints(n.Input[1])...)}) },
		"Fill":       func(n node) { n.give("Expand", []string{n.in(1), n.long("shape", 0)}) },
		"FloorDiv":   func(n node) { n.give("Identity", []string{n.floor()}) },
		"FloorMod": func(n node) {
			n.give("Sub", []string{n.in(0), n.node("Mul", n.step("rest"), []string{n.floor(), n.in(1)})})
		},
		"GatherV2": func(n node) {
			if n.Attr["batch_dims"].GetI() == 0 {
				n.give("Gather", []string{n.in(0), n.in(1)}, onnxAttribute("axis", int(n.ints(n.Input[2])[0])))
				return
			}
			places := n.node("Unsqueeze", n.step("places"), []string{n.long("long", 1), n.int64s(n.step("axis"), 2)})
			n.give("GatherND", []string{n.in(0), places}, onnxAttribute("batch_dims", 1))
		},
		"MatMul": func(n node) {
			list := []string{n.in(0), n.in(1)}
			for i, name := range []string{"transpose_a", "transpose_b"} {
				if n.Attr[name].GetB() {
					list[i] = n.node("Transpose", n.step(name), list[i:i+1])
				}
			}
			n.give("MatMul", list)
		},
		"NotEqual": func(n node) { n.give("Not", []string{n.node("Equal", n.step("equal"), []string{n.in(0), n.in(1)})}) },
		"Pack": func(n node) {
			var list []string
			first := n.int64s(n.step("axis"), 0)
			for i := range n.Input {
				list = append(list, n.node("Unsqueeze", n.step(strconv.Itoa(i)+"_wide"), []string{n.in(i), first}))
			}
			n.give("Concat", list, onnxAttribute("axis", 0))
		},
		"Pad": func(n node) {
			pairs := n.ints(n.Input[1])
			var before, after []int64
			for i := 0; i < len(pairs); i += 2 {
				before, after = append(before, pairs[i]), append(after, pairs[i+1])
			}
			n.give("Pad", []string{n.in(0), n.int64s(n.step("pads"), append(before, after...)...)})
		},
		"Reshape": func(n node) { n.give("Reshape", []string{n.in(0), n.long("shape", 1)}) },
		"ReverseSequence": func(n node) {
			n.give("ReverseSequence", []string{n.in(0), n.long("lengths", 1)},
				onnxAttribute("time_axis", int(n.Attr["seq_dim"].GetI())), onnxAttribute("batch_axis", int(n.Attr["batch_dim"].GetI())))
		},
		"Shape": func(n node) {
			n.give("Cast", []string{n.node("Shape", n.step("long"), []string{n.in(0)})}, onnxAttribute("to", onnxInt32))
		},
		"Slice": func(n node) {
			from, size := n.long("from", 1), n.long("size", 2)
			all := n.node("Equal", n.step("all"), []string{size, n.int64s(n.step("minus"), -1)})
			to := n.node("Where", n.step("to"), []string{all, n.int64s(n.step("end"), math.MaxInt64), n.node("Add", n.step("sum"), []string{from, size})})
			n.give("Slice", []string{n.in(0), from, to})
		},
		"Split":  func(n node) { n.split(n.Input[0], n.in(1)) },
		"SplitV": func(n node) { n.split(n.Input[2], n.in(0), n.long("sizes", 1)) },
		"Squeeze": func(n node) {
			n.give("Squeeze", []string{n.in(0), n.int64s(n.step("axes"), n.Attr["squeeze_dims"].GetList().GetI()...)})
		},
		"Sum": func(n node) {
			n.give("ReduceSum", []string{n.in(0), n.int64s(n.step("axes"), n.ints(n.Input[1])...)}, onnxAttribute("keepdims", flag(n.Attr["keep_dims"].GetB())))
		},
		"TensorListStack": func(n node) {
			n.done[n.Name+":0"] = n.in(0) // of a loop, which stacks them itself
		},
		"Transpose": func(n node) { n.give("Transpose", []string{n.in(0)}, onnxAttribute("perm", n.ints(n.Input[1]))) },
		"Where":     func(n node) { n.give("Transpose", []string{n.node("NonZero", n.step("places"), []string{n.in(0)})}) },
		"While":     func(n node) { n.loop(n.NodeDef) },
	}
}
