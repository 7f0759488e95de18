package graph

import (
	"fmt"
	"strings"

	"github.com/rnnbin/rnnbin/graph/internal/function"
	tf "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	functionpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"
)

// Suffixes of the functions' names, which begin with the loop's.
const (
	condSuffix = "_cond"
	bodySuffix = "_body"
)

// buildFunction builds a function of arguments in a graph of its own.
type buildFunction func(g *tf.Graph, s *op.Scope, arguments []tf.Output) []tf.Output

// addWhile adds a functional While of that name to g, on a device: its variables start as
// initial and become what body makes of them, as long as cond, a scalar, is true. It returns
// their last values. Its functions belong to it alone, as converters expect, and are run by an
// executor of TensorFlow's, "" for the one that it takes itself.
func addWhile(g *tf.Graph, name, device, executor string, initial []tf.Output, cond, body buildFunction) ([]tf.Output, error) {
	functions := strings.ReplaceAll(name, "/", "_")
	condFunction, err := functionOf(functions+condSuffix, initial, cond)
	if err != nil {
		return nil, err
	}
	bodyFunction, err := functionOf(functions+bodySuffix, initial, body)
	if err != nil {
		return nil, err
	}
	node := whileNode(name, functions, executor, initial)
	node.Device = device
	if err := importOp(g, node, initial, condFunction, bodyFunction); err != nil {
		return nil, err
	}
	last := make([]tf.Output, len(initial))
	for i := range last {
		last[i] = g.Operation(name).Output(i)
	}
	return last, nil
}

func whileNode(name, functions, executor string, initial []tf.Output) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: name, Op: "While", Attr: map[string]*attrpb.AttrValue{
		"T":                   typesAttr(initial),
		"body":                functionAttr(functions+bodySuffix, executor),
		"cond":                functionAttr(functions+condSuffix, executor),
		"parallel_iterations": {Value: &attrpb.AttrValue_I{I: 1}}, // each needs the one before
	}}
}

// importOp adds an operation to g, and functions to its library: graft has no way to set an
// attribute that is a function.
func importOp(g *tf.Graph, node *nodepb.NodeDef, inputs []tf.Output, functions ...*functionpb.FunctionDef) error {
	opts := tf.GraphImportOptions{}
	for i, v := range inputs {
		input := fmt.Sprintf("input%d", i)
		node.Input = append(node.Input, input)
		opts.AddInputMapping(input, 0, v)
	}
	return importDef(g, []*nodepb.NodeDef{node}, functions, opts)
}

func importDef(g *tf.Graph, nodes []*nodepb.NodeDef, functions []*functionpb.FunctionDef, opts tf.GraphImportOptions) error {
	def, err := proto.Marshal(&graphpb.GraphDef{Node: nodes, Library: &functionpb.FunctionDefLibrary{Function: functions}})
	if err == nil {
		err = g.ImportWithOptions(def, opts)
	}
	if err != nil {
		return fmt.Errorf("import %v: %w", nodes, err)
	}
	return nil
}

// typesAttr are the types of values.
func typesAttr(of []tf.Output) *attrpb.AttrValue {
	types := &attrpb.AttrValue_ListValue{}
	for _, v := range of {
		types.Type = append(types.Type, typespb.DataType(v.DataType()))
	}
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: types}}
}

func functionAttr(name, executor string) *attrpb.AttrValue {
	f := &attrpb.NameAttrList{Name: name}
	if executor != "" {
		f.Attr = map[string]*attrpb.AttrValue{"_executor": {Value: &attrpb.AttrValue_S{S: []byte(executor)}}}
	}
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: f}}
}

// functionOf is a function of arguments of the types and shapes of like.
func functionOf(name string, like []tf.Output, build buildFunction) (*functionpb.FunctionDef, error) {
	g := tf.NewGraph()
	s := op.NewScopeWithGraph(g)
	arguments := make([]tf.Output, len(like))
	for i, v := range like {
		arguments[i] = op.Placeholder(s.SubScope("argument"), v.DataType(), op.PlaceholderShape(v.Shape()))
	}
	results := build(g, s, arguments)
	if _, err := s.Finalize(); err != nil {
		return nil, fmt.Errorf("assemble %s: %w", name, err)
	}
	return function.FromGraph(g, name, arguments, results)
}
