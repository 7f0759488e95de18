package export

import (
	"slices"
	"strconv"
	"strings"

	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// onnxCell is a cell that ONNX has an operation for.
type onnxCell struct {
	kind       string
	states     []int    // which of the operation's outputs, from 1 on, is each of the loop's states
	gates      []gate   // in ONNX's order
	biases     [2][]int // which of the weights are the gates' biases, beside the inputs' and the state's kernels; -1 for none
	forget     int      // the gate whose bias is 1 more, -1 for none
	attributes []pb
}

// gate tells which of a layer's weights a gate's kernels for the inputs and for the state are in,
// which may be one, and which block of U columns it has there, and in its biases.
type gate struct{ inputs, state, column int }

// onnxCells are by the names of loops. TensorFlow has an LSTM's gates as i, j, f and o, a GRU's
// as r and u; ONNX as i, o, f and c, and as z, r and h.
var onnxCells = map[string]onnxCell{
	"relu": {"RNN", []int{1}, []gate{{0, 0, 0}}, [2][]int{{1}, {-1}}, -1, []pb{onnxAttribute("activations", []string{"Relu"})}},
	"tanh": {"RNN", []int{1}, []gate{{0, 0, 0}}, [2][]int{{1}, {-1}}, -1, []pb{onnxAttribute("activations", []string{"Tanh"})}},
	"lstm": {"LSTM", []int{2, 1}, []gate{{0, 0, 0}, {0, 0, 3}, {0, 0, 2}, {0, 0, 1}}, [2][]int{{1, 1, 1, 1}, {-1, -1, -1, -1}}, 2, nil},
	"gru":  {"GRU", []int{1}, []gate{{0, 0, 1}, {0, 0, 0}, {2, 4, 0}}, [2][]int{{1, 1, 3}, {-1, -1, 5}}, -1, []pb{onnxAttribute("linear_before_reset", 1)}},
}

// layer adds the operation of a layer over x [T,B,F] in one direction.
func (t *translator) layer(n *nodepb.NodeDef, c onnxCell, x string) {
	first := 4 + len(c.states) // of the loop's variables, the first weight
	var weights []variable
	for _, of := range n.Input[first:] {
		read := t.nodes[strings.Split(of, ":")[0]]
		if read.Op != "ReadVariableOp" {
			t.fail("%s: %s is no variable", n.Name, of)
			return
		}
		weights = append(weights, t.variables[read.Input[0]])
	}
	units := int(weights[0].shape[1]) / (1 + c.most())
	var inputs, state, bias []float32
	for _, g := range c.gates {
		above, below := weights[g.inputs], weights[g.state]
		end, begin := above.rows(), 0
		if g.inputs == g.state { // in one kernel, the inputs' rows above the state's
			end -= units
			begin = end
		}
		inputs = append(inputs, above.block(g.column, units, 0, end)...)
		state = append(state, below.block(g.column, units, begin, below.rows())...)
	}
	for _, side := range c.biases {
		for i, of := range side {
			part := make([]float32, units)
			if of >= 0 {
				copy(part, weights[of].flat[c.gates[i].column*units:])
			}
			if of >= 0 && i == c.forget {
				for k := range part {
					part[k]++
				}
			}
			bias = append(bias, part...)
		}
	}
	step := func(what string) string { return n.Name + ":" + what }
	axis := t.int64s(step("first"), 0)
	rows := int64(len(c.gates) * units)
	in := []string{x,
		t.floats(step("inputs"), inputs, 1, rows, int64(len(inputs))/rows),
		t.floats(step("state"), state, 1, rows, int64(units)),
		t.floats(step("bias"), bias, 1, 2*rows), "", "", "",
	}
	outputs := make([]string, 1+len(c.states))
	outputs[0] = step("y")
	for i, at := range c.states {
		in[4+at] = t.node("Unsqueeze", step("before_"+strconv.Itoa(i)), []string{t.value(n.Input[4+i]), axis})
		outputs[at] = step("after_" + strconv.Itoa(i))
	}
	t.addNode(c.kind, in[:5+len(c.states)], outputs, append(slices.Clone(c.attributes), onnxAttribute("hidden_size", units))...)
	out := func(i int, from, axes string) {
		name := step(strconv.Itoa(i))
		t.done[name] = t.node("Squeeze", name, []string{from, axes})
	}
	out(2, step("y"), t.int64s(step("direction"), 1))
	for i, at := range c.states {
		out(4+i, outputs[at], axis)
	}
}

// most is the last block of the first kernel.
func (c onnxCell) most() int {
	last := 0
	for _, g := range c.gates {
		if g.inputs == 0 {
			last = max(last, g.column)
		}
	}
	return last
}

func (v variable) rows() int { return int(v.shape[0]) }

// block is one of a kernel's, [N,n*U], its rows from, to: transposed, [U,to-from].
func (v variable) block(number, units, from, to int) []float32 {
	all := make([]float32, 0, units*(to-from))
	for k := number * units; k < (number+1)*units; k++ {
		for row := from; row < to; row++ {
			all = append(all, v.flat[row*int(v.shape[1])+k])
		}
	}
	return all
}
