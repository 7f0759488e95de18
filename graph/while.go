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

// whileFunction builds a function of a loop's variables in a graph of its own.
type whileFunction func(s *op.Scope, variables []tf.Output) []tf.Output

// addWhile adds a functional While of that name to g: its variables start as initial and
// become what body makes of them, as long as cond, a scalar, is true. It returns their
// last values.
//
// graft has no function for such an operation, so that it is imported. Its functions
// belong to it alone, as converters expect.
func addWhile(g *tf.Graph, name string, initial []tf.Output, cond, body whileFunction) ([]tf.Output, error) {
	functions := strings.ReplaceAll(name, "/", "_")
	condFunction, err := functionOf(functions+condSuffix, initial, cond)
	if err != nil {
		return nil, err
	}
	bodyFunction, err := functionOf(functions+bodySuffix, initial, body)
	if err != nil {
		return nil, err
	}
	library := &functionpb.FunctionDefLibrary{Function: []*functionpb.FunctionDef{condFunction, bodyFunction}}
	node, opts := whileNode(name, functions, initial)
	def, err := proto.Marshal(&graphpb.GraphDef{Node: []*nodepb.NodeDef{node}, Library: library})
	if err != nil {
		return nil, fmt.Errorf("write the loop %s: %w", name, err)
	}
	if err := g.ImportWithOptions(def, opts); err != nil {
		return nil, fmt.Errorf("import the loop %s: %w", name, err)
	}
	last := make([]tf.Output, len(initial))
	for i := range last {
		last[i] = g.Operation(name).Output(i)
	}
	return last, nil
}

// whileNode is the loop's node, and how its inputs are found when it is imported.
func whileNode(name, functions string, initial []tf.Output) (*nodepb.NodeDef, tf.GraphImportOptions) {
	node := &nodepb.NodeDef{Name: name, Op: "While"}
	opts := tf.GraphImportOptions{}
	types := &attrpb.AttrValue_ListValue{}
	for i, v := range initial {
		input := fmt.Sprintf("initial%d", i)
		node.Input = append(node.Input, input)
		types.Type = append(types.Type, typespb.DataType(v.DataType()))
		opts.AddInputMapping(input, 0, v)
	}
	node.Attr = map[string]*attrpb.AttrValue{
		"T":                   {Value: &attrpb.AttrValue_List{List: types}},
		"body":                functionAttr(functions + bodySuffix),
		"cond":                functionAttr(functions + condSuffix),
		"parallel_iterations": {Value: &attrpb.AttrValue_I{I: 1}}, // each needs the one before
	}
	return node, opts
}

func functionAttr(name string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: name}}}
}

// functionOf is a function of arguments of the types and shapes of like.
func functionOf(name string, like []tf.Output, build whileFunction) (*functionpb.FunctionDef, error) {
	s := op.NewScope()
	arguments := make([]tf.Output, len(like))
	for i, v := range like {
		arguments[i] = op.Placeholder(s.SubScope("argument"), v.DataType(), op.PlaceholderShape(v.Shape()))
	}
	results := build(s, arguments)
	g, err := s.Finalize()
	if err != nil {
		return nil, fmt.Errorf("assemble %s: %w", name, err)
	}
	return function.FromGraph(g, name, arguments, results)
}
