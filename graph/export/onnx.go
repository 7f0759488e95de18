package export

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/graph/label"
	functionpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// ONNX is a model as ONNX Runtime and others run it: its graph in ONNX's operations, which are
// made one by one of those of the SavedModel's.
type ONNX struct {
	// Files are model.onnx, which is the signature [Lengths], with lengths left out being all
	// rows; and stream.onnx, the signature [Stream], where that can be.
	Files      map[string][]byte
	Signatures []Signature // under the names of the files
}

// NewONNX makes ONNX's graphs of a model.
func NewONNX(m *label.Model, missing Missing) (*ONNX, error) {
	e, err := newExporter(m, missing)
	if err != nil {
		return nil, err
	}
	signatures := e.signatures()
	if err := e.s.Err(); err != nil {
		return nil, fmt.Errorf("assemble the graph: %w", err)
	}
	def, err := graphOf(e.g)
	if err != nil {
		return nil, err
	}
	o := &ONNX{Files: map[string][]byte{}}
	for _, of := range signatures {
		name := map[string]string{Lengths: "model.onnx", Stream: "stream.onnx"}[of.name]
		if name == "" { // which the one with lengths is, too
			continue
		}
		if o.Files[name], err = e.onnx(of, def); err != nil {
			return nil, err
		}
		o.Signatures = append(o.Signatures, Signature{name, described(of.inputs), described(of.outputs)})
	}
	return o, nil
}

// onnx is a ModelProto of a signature, in the graph def.
func (e *exporter) onnx(of signature, def *graphpb.GraphDef) ([]byte, error) {
	t := &translator{nodes: map[string]*nodepb.NodeDef{}, functions: map[string]*functionpb.FunctionDef{}, done: map[string]string{}, variables: map[string]variable{}}
	for _, n := range def.Node {
		t.nodes[n.Name] = n
	}
	for _, f := range def.Library.GetFunction() {
		t.functions[f.Signature.Name] = f
	}
	for _, v := range e.vars {
		t.variables[v.name] = v
	}
	for _, in := range of.inputs {
		t.graph = t.graph.bytes(11, onnxValueOf(in))
		t.done[in.at.Op.Name()+":0"] = in.key
		if n := t.nodes[in.at.Op.Name()]; n.Op == "PlaceholderWithDefault" { // an input with a value need not be given
			t.initialise(in.key, t.constants(n.Input[0]))
		}
	}
	for _, out := range of.outputs {
		t.node("Identity", out.key, []string{t.value(out.at.Op.Name())})
		t.graph = t.graph.bytes(12, onnxValueOf(out))
	}
	if t.err != nil {
		return nil, fmt.Errorf("write the model as ONNX: %w", t.err)
	}
	m := pb(nil).int(1, onnxRepresentation).text(2, "rnnbin").bytes(7, t.graph.text(2, "rnnbin"))
	m = m.bytes(8, pb(nil).text(1, "").int(2, onnxOperations))
	for _, about := range [][2]string{{"features", string(lines(e.task.Features))}, {"classes", string(lines(e.task.Classes))}} {
		m = m.bytes(14, pb(nil).text(1, about[0]).text(2, strings.TrimSpace(about[1])))
	}
	return m, nil
}

// onnxValueOf describes what a signature takes or gives.
func onnxValueOf(t tensor) pb {
	sizes, _ := t.at.Shape().ToSlice()
	dims := make([]any, len(sizes))
	for i, n := range sizes {
		if dims[i] = n; n < 0 {
			dims[i] = []string{"batch", "rows"}[i]
		}
	}
	return onnxValue(t.key, elementsOf(typespb.DataType(t.at.DataType())), dims)
}

func elementsOf(t typespb.DataType) int64 {
	return map[typespb.DataType]int64{
		typespb.DataType_DT_FLOAT: onnxFloat, typespb.DataType_DT_DOUBLE: onnxDouble, typespb.DataType_DT_INT32: onnxInt32,
		typespb.DataType_DT_INT64: onnxInt64, typespb.DataType_DT_STRING: onnxString,
	}[t]
}

// translator makes a GraphProto of nodes of TensorFlow's, of those that are asked for and what
// they depend on.
type translator struct {
	graph     pb
	nodes     map[string]*nodepb.NodeDef
	functions map[string]*functionpb.FunctionDef
	variables map[string]variable
	done      map[string]string // the names of values that are there, by TensorFlow's
	prefix    string            // of the names of values, in a loop's body
	err       error
}

// value is the name of an output, NAME:I or NAME for the first, or in a function NAME:LIST:I.
func (t *translator) value(of string) string {
	of = strings.TrimPrefix(of, "^")
	parts := strings.Split(of, ":")
	key := parts[0] + ":0"
	if len(parts) > 1 {
		key = parts[0] + ":" + parts[len(parts)-1]
	}
	if _, there := t.done[key]; !there {
		n := t.nodes[parts[0]]
		if n == nil {
			t.fail("there is no %s", of)
			return ""
		}
		t.translate(n)
	}
	return t.done[key]
}

func (t *translator) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// node adds an operation that gives one value.
func (t *translator) node(kind, output string, inputs []string, attributes ...pb) string {
	t.addNode(kind, inputs, []string{output}, attributes...)
	return output
}

func (t *translator) addNode(kind string, inputs, outputs []string, attributes ...pb) {
	var n pb
	for _, in := range inputs {
		n = n.text(1, in)
	}
	for _, out := range outputs {
		n = n.text(2, out)
	}
	n = n.text(4, kind)
	for _, a := range attributes {
		n = n.bytes(5, a)
	}
	t.graph = t.graph.bytes(1, n)
}

// constants are the value of a Const.
func (t *translator) constants(of string) *tensorpb.TensorProto {
	n := t.nodes[strings.Split(of, ":")[0]]
	if n == nil || n.Op != "Const" {
		t.fail("%s is no constant", of)
		return new(tensorpb.TensorProto)
	}
	return n.Attr["value"].GetTensor()
}

// ints are the values of a constant of whole numbers.
func (t *translator) ints(of string) []int64 {
	raw := rawOf(t.constants(of))
	all := make([]int64, len(raw)/4)
	for i := range all {
		all[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	return all
}

// initialise gives a value that is known.
func (t *translator) initialise(name string, v *tensorpb.TensorProto) string {
	var dims []int64
	for _, d := range v.TensorShape.GetDim() {
		dims = append(dims, d.Size)
	}
	t.graph = t.graph.bytes(5, onnxTensor(name, elementsOf(v.Dtype), dims, rawOf(v), textsOf(v)))
	return name
}

// int64s is a list of numbers, as operations want shapes, axes and places.
func (t *translator) int64s(name string, v ...int64) string {
	return t.numbers(name, onnxInt64, v, int64(len(v)))
}

// floats is an array that is known.
func (t *translator) floats(name string, v []float32, dims ...int64) string {
	return t.numbers(name, onnxFloat, v, dims...)
}

// numbers is an array of v, a slice of numbers of a type of elements.
func (t *translator) numbers(name string, kind int64, v any, dims ...int64) string {
	raw, _ := binary.Append(nil, binary.LittleEndian, v)
	t.graph = t.graph.bytes(5, onnxTensor(name, kind, dims, raw, nil))
	return name
}

// rawOf are the bytes of a tensor's values. One that has fewer than its shape takes repeats the last.
func rawOf(v *tensorpb.TensorProto) []byte {
	if len(v.TensorContent) > 0 {
		return v.TensorContent
	}
	size := 1
	for _, d := range v.TensorShape.GetDim() {
		size *= int(d.Size)
	}
	var list any
	switch v.Dtype {
	case typespb.DataType_DT_FLOAT:
		list = repeated(v.FloatVal, size)
	case typespb.DataType_DT_DOUBLE:
		list = repeated(v.DoubleVal, size)
	case typespb.DataType_DT_INT32:
		list = repeated(v.IntVal, size)
	default:
		return nil
	}
	raw, _ := binary.Append(nil, binary.LittleEndian, list)
	return raw
}

// textsOf are a tensor's strings: in one piece they are their lengths, then all of them.
func textsOf(v *tensorpb.TensorProto) [][]byte {
	if v.Dtype != typespb.DataType_DT_STRING || len(v.TensorContent) == 0 {
		return v.StringVal
	}
	rest := v.TensorContent
	texts := make([][]byte, v.TensorShape.GetDim()[0].Size)
	lengths := make([]uint64, len(texts))
	for i := range lengths {
		n, size := binary.Uvarint(rest)
		lengths[i], rest = n, rest[size:]
	}
	for i, n := range lengths {
		texts[i], rest = rest[:n], rest[n:]
	}
	return texts
}

func repeated[T any](v []T, size int) []T {
	if len(v) == 0 {
		return make([]T, size)
	}
	return append(slices.Clip(v), slices.Repeat(v[len(v)-1:], size-len(v))...)
}

// translate adds a node.
func (t *translator) translate(of *nodepb.NodeDef) {
	n := node{t, of, t.prefix + of.Name + ":0"}
	t.done[of.Name+":0"] = n.out
	if add := counterparts[of.Op]; add != nil {
		add(n)
		return
	}
	same := sameOf[of.Op]
	if same == "" {
		t.fail("%s: there is no counterpart of %s", of.Name, of.Op)
		return
	}
	var inputs []string
	for i := range of.Input {
		inputs = append(inputs, n.in(i))
	}
	t.node(same, n.out, inputs)
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// loop adds what runs a layer over time: see the order of variables in package graph.
func (t *translator) loop(n *nodepb.NodeDef) {
	f := t.functions[n.Attr["body"].GetFunc().GetName()]
	list := t.nodes[strings.Split(n.Input[3], ":")[0]]
	if f == nil || list == nil || list.Op != "TensorListFromTensor" {
		t.fail("%s is no loop over time", n.Name)
		return
	}
	if c, known := onnxCells[path.Base(n.Name)]; known {
		t.layer(n, c, t.value(list.Input[0]))
		return
	}
	t.scan(n, f, t.value(list.Input[0]))
}

// scan adds a Scan over x. Its body sees the weights of the graph around it.
func (t *translator) scan(n *nodepb.NodeDef, f *functionpb.FunctionDef, x string) {
	prefix := n.Name + "/body/"
	body := &translator{nodes: map[string]*nodepb.NodeDef{}, done: map[string]string{}, prefix: prefix}
	var written string
	for _, of := range f.NodeDef {
		body.nodes[of.Name] = of
		if of.Op == "TensorListSetItem" {
			written = of.Input[2]
		}
	}
	args := f.Signature.InputArg
	row := prefix + "row"
	for _, of := range f.NodeDef {
		if of.Op == "TensorListGetItem" {
			body.done[of.Name+":0"] = row
		}
	}
	var initial, next, outputs []string
	for i := 4; i < len(args); i++ {
		name := f.Signature.OutputArg[i].Name
		if f.Ret[name] == args[i].Name { // stays the same: a weight
			body.done[args[i].Name+":0"] = t.value(n.Input[i])
			continue
		}
		state := prefix + args[i].Name
		body.done[args[i].Name+":0"] = state
		body.graph = body.graph.bytes(11, onnxValue(state, 0, nil))
		initial, next = append(initial, t.value(n.Input[i])), append(next, f.Ret[name])
		t.done[n.Name+":"+strconv.Itoa(i)] = n.Name + ":" + strconv.Itoa(i)
		outputs = append(outputs, n.Name+":"+strconv.Itoa(i))
	}
	body.graph = body.graph.bytes(11, onnxValue(row, 0, nil))
	for i, of := range append(next, written) {
		name := prefix + "result_" + strconv.Itoa(i)
		body.node("Identity", name, []string{body.value(of)})
		body.graph = body.graph.bytes(12, onnxValue(name, 0, nil))
	}
	if body.err != nil {
		t.fail("%s: %w", n.Name, body.err)
	}
	t.done[n.Name+":2"] = n.Name + ":2"
	t.addNode("Scan", append(initial, x), append(outputs, n.Name+":2"), onnxAttribute("body", body.graph.text(2, prefix)), onnxAttribute("num_scan_inputs", 1))
}
