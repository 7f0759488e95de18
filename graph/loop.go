package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/graph/internal/function"
	"github.com/rnnbin/rnnbin/graph/internal/kernels"
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

// diverged is the step's number after a loss or a gradient that is not finite,
// as kernels.Record has it.
const diverged = math.MaxInt32

// carried is what goes from step to step by value. The weights and the
// optimizer's slots are in variables.
type carried struct {
	at     tf.Output   // scalar, the step's number
	report tf.Output   // [K,2]: loss before the update and gradient norm of each step
	plan   plan        // goes through unchanged
	shared []tf.Output // the optimizer's scalars
}

func (c carried) list() []tf.Output {
	return slices.Concat([]tf.Output{c.at, c.report}, c.plan.list(), c.shared)
}

// store keeps in variables what a later call of the loop begins with. It returns
// the operation that comes last.
func (c carried) store(s *op.Scope, h handles, shared []variable) *tf.Operation {
	last := c.at.Op
	for i, v := range shared {
		last = op.AssignVariableOp(s.SubScope("store").WithControlDependencies(last), h[v.name], c.shared[i])
	}
	return last
}

// addLoop adds the loop that trains on p from step 0 to the limit. What it
// returns has stopped at the limit, or at diverged.
func (c Config) addLoop(g *tf.Graph, s *op.Scope, h handles, p plan) (carried, error) {
	body, err := c.function(loopBody, c.step)
	if err != nil {
		return carried{}, err
	}
	cond, err := c.function(loopCond, func(s *op.Scope, in carried) []tf.Output {
		limit := op.ReadVariableOp(s.SubScope("value"), planLimit.handle(s), tf.Int32)
		return []tf.Output{op.Less(s, in.at, limit)}
	})
	if err != nil {
		return carried{}, err
	}
	node, opts := whileNode(c.begin(s.SubScope("begin"), h, p).list())
	def, err := proto.Marshal(&graphpb.GraphDef{
		Node:    []*nodepb.NodeDef{node},
		Library: &functionpb.FunctionDefLibrary{Function: []*functionpb.FunctionDef{body, cond}},
	})
	if err != nil {
		return carried{}, fmt.Errorf("write the training loop: %w", err)
	}
	if err := g.ImportWithOptions(def, opts); err != nil {
		return carried{}, fmt.Errorf("import the training loop: %w", err)
	}
	loop := g.Operation(loopNode)
	end := carried{at: loop.Output(0), report: loop.Output(1)}
	for i := range c.optimizer().scalars() {
		end.shared = append(end.shared, loop.Output(2+len(p.list())+i))
	}
	return end, nil
}

// begin is what the loop's first step is given.
func (c Config) begin(s *op.Scope, h handles, p plan) carried {
	lines := op.Pack(s.SubScope("lines"), []tf.Output{op.Size(s, p.rates), op.Const(s.SubScope("values"), int32(2))})
	return carried{
		at:     op.Const(s.SubScope("at"), int32(0)),
		report: op.Fill(s.SubScope("report"), lines, op.Const(s.SubScope("zero"), float32(0))),
		plan:   p,
		shared: h.readAll(s, c.optimizer().scalars()),
	}
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
		at:     argument("at", tf.Int32, scalar),
		report: argument("report", tf.Float, tf.MakeShape(-1, 2)),
		plan: plan{
			x:      argument("x", tf.Float, tf.MakeShape(-1, int64(c.Features))),
			y:      argument("y", c.Loss.labelType(), tf.MakeShape(-1)),
			w:      argument("w", tf.Float, tf.MakeShape(-1)),
			starts: argument("starts", tf.Int32, tf.MakeShape(-1, -1)),
			rates:  argument("rates", tf.Float, tf.MakeShape(-1)),
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

// step is the loop's body: it trains on the windows planned for the step, writes
// down the loss before the update and the gradient's norm, and returns what it
// was given for the next step.
func (c Config) step(s *op.Scope, in carried) []tf.Output {
	h := handles{}
	for _, v := range c.stateVariables() {
		h[v.name] = v.handle(s.SubScope("handle"))
	}
	t := c.train(s, h, in.plan, in.at)
	done, next := c.update(s.SubScope("update"), h, in.shared, t.rate, t.norm, t.grads)
	recorded := ourOp(s.WithControlDependencies(done...).SubScope("record"), kernels.Record, 2, nil, in.report, in.at, t.loss, t.norm)
	return carried{recorded[1], recorded[0], in.plan, next}.list()
}
