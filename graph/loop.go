package graph

import (
	"fmt"
	"math"

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

// The training loop is a functional While: its body is one training step. It
// carries the step's number alone; everything else it reaches through resource
// handles, which the runtime passes to every iteration at no cost.
const (
	loopNode = "train/loop"
	loopBody = "train_step"
	loopCond = "train_more"
)

// diverged is the step's number after a loss or a gradient that is not finite.
const diverged = math.MaxInt32

// addLoop adds to g the loop that trains from step begin to the limit, and
// returns the number at which it stopped: the limit, or diverged.
func (c Config) addLoop(g *tf.Graph, begin tf.Output, h handles, vars []variable) (tf.Output, error) {
	body, err := c.function(loopBody, vars, c.step)
	if err != nil {
		return tf.Output{}, err
	}
	cond, err := c.function(loopCond, vars, func(s *op.Scope, at tf.Output, h handles) []tf.Output {
		s = s.WithControlDependencies(at.Op) // else it would be read once for all iterations
		return []tf.Output{op.Less(s, at, op.ReadVariableOp(s.SubScope("limit"), h[planLimit.name], tf.Int32))}
	})
	if err != nil {
		return tf.Output{}, err
	}

	node := &nodepb.NodeDef{Name: loopNode, Op: "While"}
	types := &attrpb.AttrValue_ListValue{}
	opts := tf.GraphImportOptions{}
	for i, arg := range append([]tf.Output{begin}, h.list(vars)...) {
		name := fmt.Sprintf("argument%d", i)
		node.Input = append(node.Input, name)
		types.Type = append(types.Type, typespb.DataType(arg.DataType()))
		opts.AddInputMapping(name, 0, arg)
	}
	node.Attr = map[string]*attrpb.AttrValue{
		"T":    {Value: &attrpb.AttrValue_List{List: types}},
		"body": functionAttr(loopBody),
		"cond": functionAttr(loopCond),
		// One step after the other; as dataflow control flow rather than as calls.
		"parallel_iterations":       {Value: &attrpb.AttrValue_I{I: 1}},
		"_lower_using_switch_merge": {Value: &attrpb.AttrValue_B{B: true}},
	}
	def, err := proto.Marshal(&graphpb.GraphDef{
		Node:    []*nodepb.NodeDef{node},
		Library: &functionpb.FunctionDefLibrary{Function: []*functionpb.FunctionDef{body, cond}},
	})
	if err != nil {
		return tf.Output{}, fmt.Errorf("write the training loop: %w", err)
	}
	if err := g.ImportWithOptions(def, opts); err != nil {
		return tf.Output{}, fmt.Errorf("import the training loop: %w", err)
	}
	return g.Operation(loopNode).Output(0), nil
}

func functionAttr(name string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: name}}}
}

// function builds a function of the step's number and the handles of vars.
func (c Config) function(name string, vars []variable, build func(*op.Scope, tf.Output, handles) []tf.Output) (*functionpb.FunctionDef, error) {
	s := op.NewScope()
	at := op.Placeholder(s.SubScope("at"), tf.Int32, op.PlaceholderShape(tf.ScalarShape()))
	args := []tf.Output{at}
	h := handles{}
	for _, v := range vars {
		h[v.name] = op.Placeholder(s.SubScope("handle"), resource, op.PlaceholderShape(tf.ScalarShape()))
		args = append(args, h[v.name])
	}
	results := build(s, at, h)
	g, err := s.Finalize()
	if err != nil {
		return nil, fmt.Errorf("assemble %s: %w", name, err)
	}
	return function.FromGraph(g, name, args, results)
}

// step is the loop's body: it trains on the windows planned for step at, writes
// down the loss before the update and the gradient's norm, and returns the next
// step's number and the handles.
func (c Config) step(s *op.Scope, at tf.Output, h handles) []tf.Output {
	starts := op.ResourceGather(s.SubScope("starts"), h[planStarts.name], at, tf.Int32)
	// What a step reads must wait until the step before has written: at does.
	reads := s.WithControlDependencies(at.Op)
	l := c.trainOn(s, reads, h, starts, true)
	norm := globalNorm(s.SubScope("norm"), l.grads)

	rate := op.ResourceGather(s.SubScope("rate"), h[planRates.name], at, tf.Float)
	done := c.applyAdam(reads.SubScope("adam"), h, c.weights(), rate, l.grads)
	line := op.Pack(s.SubScope("line"), []tf.Output{l.mean, norm})
	done = append(done, op.ResourceScatterUpdate(s.SubScope("report"), h[planReport.name], at, line))

	after := op.AddV2(s.SubScope("after"), at, op.Const(s.SubScope("one"), int32(1)))
	sound := op.IsFinite(s.SubScope("finite"), op.AddV2(s.SubScope("both"), l.mean, norm))
	next := op.Select(s.WithControlDependencies(done...).SubScope("next"), sound, after,
		op.Const(s.SubScope("diverged"), int32(diverged)))
	return append([]tf.Output{next}, h.list(c.variables())...)
}

// globalNorm is the Euclidean norm of all values together.
func globalNorm(s *op.Scope, values []tf.Output) tf.Output {
	halves := make([]tf.Output, len(values))
	for i, v := range values {
		halves[i] = op.L2Loss(s.SubScope("half_square"), v)
	}
	sum := op.AddN(s.SubScope("sum"), halves)
	return op.Sqrt(s, op.AddV2(s.SubScope("double"), sum, sum))
}
