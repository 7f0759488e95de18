package graph

import (
	"fmt"
	"math"
	"slices"

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

// The training loop is a functional While: its body is one training step.
const (
	loopNode = "train/While"
	loopBody = "train_step"
	loopCond = "train_more"
)

// diverged is the number of the step after one whose loss or gradient is not finite.
const diverged = math.MaxInt32

// carried is what goes from step to step by value. The weights, the optimizer's
// slots and the report are in variables.
type carried struct {
	at     tf.Output   // scalar, the step's number in the plan
	plan   plan        // goes through unchanged
	shared []tf.Output // the optimizer's scalars
}

func (c carried) list() []tf.Output {
	return slices.Concat([]tf.Output{c.at}, c.plan.list(), c.shared)
}

// addLoop adds the loop that trains on p from step 0 on, and stops at the limit or
// at diverged.
func (c Config) addLoop(g *tf.Graph, s *op.Scope, h handles, p plan) (loop, error) {
	body, err := c.function(loopBody, c.step)
	if err != nil {
		return loop{}, err
	}
	cond, err := c.function(loopCond, func(s *op.Scope, in carried) []tf.Output {
		limit := op.ReadVariableOp(s.SubScope("value"), planLimit.handle(s), tf.Int32)
		return []tf.Output{op.Less(s, in.at, limit)}
	})
	if err != nil {
		return loop{}, err
	}
	begin := c.begin(s.SubScope("begin"), h, p).list()
	if err := s.Err(); err != nil {
		return loop{}, err
	}
	node, opts := whileNode(begin)
	def, err := proto.Marshal(&graphpb.GraphDef{
		Node:    []*nodepb.NodeDef{node},
		Library: &functionpb.FunctionDefLibrary{Function: []*functionpb.FunctionDef{body, cond}},
	})
	if err != nil {
		return loop{}, fmt.Errorf("write the training loop: %w", err)
	}
	if err := g.ImportWithOptions(def, opts); err != nil {
		return loop{}, fmt.Errorf("import the training loop: %w", err)
	}
	return c.end(s.SubScope("end"), h, g.Operation(loopNode)), nil
}

// loop is what a session fetches and runs of the training loop.
type loop struct {
	stopped tf.Output     // the step's number at which it stopped
	report  tf.Output     // [K,2]: loss before the update and gradient norm of each step
	keep    *tf.Operation // stores what a later call begins with
}

// begin is what the loop's first step is given. The report has been cleared by then.
func (c Config) begin(s *op.Scope, h handles, p plan) carried {
	lines := op.Pack(s.SubScope("lines"), []tf.Output{op.Size(s, p.rates), op.Const(s.SubScope("values"), int32(2))})
	empty := op.Fill(s.SubScope("report"), lines, op.Const(s.SubScope("zero"), float32(0)))
	cleared := op.AssignVariableOp(s.SubScope("clear"), h[planReport.name], empty)
	return carried{
		at:     op.Const(s.SubScope("at").WithControlDependencies(cleared), int32(0)),
		plan:   p,
		shared: h.readAll(s, c.optimizer().scalars()),
	}
}

// end follows the loop's node.
func (c Config) end(s *op.Scope, h handles, node *tf.Operation) loop {
	at := node.Output(0)
	report := op.ReadVariableOp(s.SubScope("report").WithControlDependencies(node), h[planReport.name], tf.Float)
	last := at.Op
	first := 1 + len(plan{}.list())
	for i, v := range c.optimizer().scalars() {
		last = op.AssignVariableOp(s.SubScope("store").WithControlDependencies(last), h[v.name], node.Output(first+i))
	}
	return loop{at, report, last}
}

// whileNode is the loop's node, which graft has no function for, and how its
// inputs are found when it is imported.
func whileNode(args []tf.Output) (*nodepb.NodeDef, tf.GraphImportOptions) {
	node := &nodepb.NodeDef{Name: loopNode, Op: "While"}
	opts := tf.GraphImportOptions{}
	types := &attrpb.AttrValue_ListValue{}
	for i, arg := range args {
		name := fmt.Sprintf("argument%d", i)
		node.Input = append(node.Input, name)
		types.Type = append(types.Type, typespb.DataType(arg.DataType()))
		opts.AddInputMapping(name, 0, arg)
	}
	node.Attr = map[string]*attrpb.AttrValue{
		"T":                   {Value: &attrpb.AttrValue_List{List: types}},
		"body":                functionAttr(loopBody),
		"cond":                functionAttr(loopCond),
		"parallel_iterations": {Value: &attrpb.AttrValue_I{I: 1}}, // a step needs the one before
	}
	return node, opts
}

func functionAttr(name string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: name}}}
}

// function builds a function of what the loop carries.
func (c Config) function(name string, build func(*op.Scope, carried) []tf.Output) (*functionpb.FunctionDef, error) {
	s := op.NewScope()
	argument := func(name string, dtype tf.DataType, shape tf.Shape) tf.Output {
		return op.Placeholder(s.SubScope(name), dtype, op.PlaceholderShape(shape))
	}
	scalar := tf.ScalarShape()
	in := carried{
		at: argument("at", tf.Int32, scalar),
		plan: plan{
			x:       argument("x", tf.Float, tf.MakeShape(-1, int64(c.Features))),
			y:       argument("y", c.Loss.labelType(), tf.MakeShape(-1)),
			w:       argument("w", tf.Float, tf.MakeShape(-1)),
			windows: argument("windows", tf.Int32, windowsShape),
			rates:   argument("rates", tf.Float, tf.MakeShape(-1)),
		},
	}
	for _, v := range c.optimizer().scalars() {
		in.shared = append(in.shared, argument("shared", v.dtype, scalar))
	}
	results := build(s, in)
	g, err := s.Finalize()
	if err != nil {
		return nil, fmt.Errorf("assemble %s: %w", name, err)
	}
	return function.FromGraph(g, name, in.list(), results)
}
