package graph

import (
	"fmt"
	"math"

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

// diverged is the step's number after a loss or a gradient that is not finite.
const diverged = math.MaxInt32

// carried is what goes from step to step by value. All else is in variables.
type carried struct {
	at     tf.Output // scalar, the step's number
	powers powers
}

func (c carried) list() []tf.Output { return []tf.Output{c.at, c.powers.beta1, c.powers.beta2} }

// store keeps in variables what a later call of the loop begins with.
func (c carried) store(s *op.Scope, h handles) *tf.Operation {
	first := op.AssignVariableOp(s.SubScope("store1"), h[beta1Power], c.powers.beta1)
	return op.AssignVariableOp(s.SubScope("store2").WithControlDependencies(first), h[beta2Power], c.powers.beta2)
}

// addLoop adds the loop that trains from step 0 to the limit. What it returns
// has stopped at the limit, or at diverged.
func (c Config) addLoop(g *tf.Graph, s *op.Scope, h handles, vars []variable) (carried, error) {
	body, err := c.function(loopBody, vars, c.step)
	if err != nil {
		return carried{}, err
	}
	cond, err := c.function(loopCond, vars, func(s *op.Scope, in carried, h handles) []tf.Output {
		return []tf.Output{op.Less(s, in.at, op.ReadVariableOp(s.SubScope("limit"), h[planLimit.name], tf.Int32))}
	})
	if err != nil {
		return carried{}, err
	}
	begin := carried{op.Const(s.SubScope("begin"), int32(0)), h.readPowers(s.SubScope("begin"))}
	node, opts := whileNode(append(begin.list(), h.list(vars)...))
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
	return carried{loop.Output(0), powers{loop.Output(1), loop.Output(2)}}, nil
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

// function builds a function of what the loop carries and the handles of vars.
func (c Config) function(name string, vars []variable, build func(*op.Scope, carried, handles) []tf.Output) (*functionpb.FunctionDef, error) {
	s := op.NewScope()
	scalar := func(name string, dtype tf.DataType) tf.Output {
		return op.Placeholder(s.SubScope(name), dtype, op.PlaceholderShape(tf.ScalarShape()))
	}
	in := carried{scalar("at", tf.Int32), powers{scalar("power1", tf.Float), scalar("power2", tf.Float)}}
	h := handles{}
	for _, v := range vars {
		h[v.name] = scalar("handle", resource)
	}
	results := build(s, in, h)
	g, err := s.Finalize()
	if err != nil {
		return nil, fmt.Errorf("assemble %s: %w", name, err)
	}
	return function.FromGraph(g, name, append(in.list(), h.list(vars)...), results)
}

// step is the loop's body: it trains on the windows planned for the step, writes
// down the loss before the update and the gradient's norm, and returns what it
// was given for the next step.
func (c Config) step(s *op.Scope, in carried, h handles) []tf.Output {
	starts := op.ResourceGather(s.SubScope("starts"), h[planStarts.name], in.at, tf.Int32)
	l := c.trainOn(s, h, starts)
	norm := globalNorm(s.SubScope("norm"), l.grads)

	rate := op.ResourceGather(s.SubScope("rate"), h[planRates.name], in.at, tf.Float)
	done, next := c.applyAdam(s.SubScope("adam"), h, in.powers, rate, l.grads)
	line := op.Pack(s.SubScope("line"), []tf.Output{l.mean, norm})
	done = append(done, op.ResourceScatterUpdate(s.SubScope("report"), h[planReport.name], in.at, line))

	after := op.AddV2(s.SubScope("after"), in.at, op.Const(s.SubScope("one"), int32(1)))
	sound := op.IsFinite(s.SubScope("finite"), op.AddV2(s.SubScope("both"), l.mean, norm))
	at := op.Select(s.WithControlDependencies(done...).SubScope("next"), sound, after,
		op.Const(s.SubScope("diverged"), int32(diverged)))
	return append(carried{at, next}.list(), h.list(c.variables())...)
}

// globalNorm is the Euclidean norm of all values together.
func globalNorm(s *op.Scope, values []tf.Output) tf.Output {
	added := s.AddOperation(tf.OpSpec{Type: kernels.GlobalNorm, Input: []tf.Input{tf.OutputList(values)}})
	if added == nil { // the scope holds the error
		return tf.Output{}
	}
	return added.Output(0)
}
