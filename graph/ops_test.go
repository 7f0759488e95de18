package graph

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/graph/internal/kernels"
	tf "github.com/wamuir/graft/tensorflow"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"google.golang.org/protobuf/proto"
)

// The types of the operations that each form's graphs run for the original's network:
// none more, none less.
var opTypes = map[Form]map[string]string{
	FormFused: {
		"training": `RnnbinWindows RnnbinRNNForward Reshape MatMul BiasAdd OneHot SoftmaxCrossEntropyWithLogits
			ExpandDims MulNoNan Sum BiasAddGrad RnnbinRNNBackward RnnbinAdam RnnbinRecord
			Transpose Const ReadVariableOp VarHandleOp`,
		"evaluating": `UpperBound Shape Sub GatherV2 Pack RnnbinWindows RnnbinRNNForward Reshape MatMul BiasAdd OneHot SoftmaxCrossEntropyWithLogits
			MulNoNan Sum Transpose Const Placeholder ReadVariableOp VarHandleOp`,
		"predicting": `RnnbinRNNForward Reshape MatMul BiasAdd Softmax
			Transpose Const Placeholder ReadVariableOp VarHandleOp`,
	},
	FormPortable: {
		"training": `GatherV2 AddV2 Sub Maximum Minimum Less Sign Reshape Sum DivNoNan Shape Slice ConcatV2 Fill Unpack MatMul BiasAdd Relu Pack
			OneHot SoftmaxCrossEntropyWithLogits ExpandDims MulNoNan
			BiasAddGrad ReluGrad ShapeN ConcatOffset AddN
			Cast L2Loss Mul Sqrt IsFinite LogicalAnd All Select ResourceApplyAdam ResourceScatterUpdate
			Transpose Const Identity ReadVariableOp VarHandleOp`,
		"evaluating": `UpperBound Pack GatherV2 AddV2 Sub Maximum Minimum Less Sign Cast Mul Reshape Sum DivNoNan Shape Slice ConcatV2 Fill Unpack MatMul BiasAdd Relu
			While TensorListReserve TensorListFromTensor TensorListGetItem TensorListSetItem TensorListStack
			OneHot SoftmaxCrossEntropyWithLogits MulNoNan Transpose Const Placeholder ReadVariableOp VarHandleOp`,
		"predicting": `Shape GatherV2 ConcatV2 MatMul BiasAdd Relu Reshape Softmax AddV2 Less
			While TensorListReserve TensorListFromTensor TensorListGetItem TensorListSetItem TensorListStack
			Transpose Const Placeholder ReadVariableOp VarHandleOp`,
	},
}

// TestOps prints, with -v, and checks the types.
func TestOps(t *testing.T) {
	for _, form := range []Form{FormFused, FormPortable} {
		c := DefaultConfig()
		c.Form = form
		s, err := NewSession(c)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, g := range graphsOf(t, s) {
			t.Logf("%s, %s: %s", form, g.name, strings.Join(g.types, " "))
			want := strings.Fields(opTypes[form][g.name])
			slices.Sort(want)
			if !slices.Equal(g.types, want) {
				t.Errorf("%s, %s: want %s", form, g.name, strings.Join(want, " "))
			}
		}
	}
}

// TestOpsOfEverySetting: the operations that a setting names are there in both forms,
// and the portable one has none of ours.
func TestOpsOfEverySetting(t *testing.T) {
	losses := map[Loss]string{MSE: "Square", SparseXent: "SparseSoftmaxCrossEntropyWithLogits",
		OneHotXent: "SoftmaxCrossEntropyWithLogits", Focal: "Pow"}
	optimizers := map[Optimizer]string{Adam: "ResourceApplyAdam", AdamW: "ResourceApplyAdam",
		RMSProp: "ResourceApplyRMSProp", SGD: "ResourceApplyGradientDescent"}
	random := map[Form][]string{FormFused: {kernels.Noise, kernels.Dropout}, FormPortable: {"StatelessRandomNormal", "StatelessRandomUniform"}}
	for _, form := range []Form{FormFused, FormPortable} {
		for _, loss := range Losses() {
			for _, optimizer := range Optimizers() {
				c := DefaultConfig()
				c.Form, c.Loss, c.Optimizer, c.ClipNorm, c.InputNoise, c.Dropout = form, loss, optimizer, 1, 0.1, 0.1
				s, err := NewSession(c)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				for _, g := range graphsOf(t, s) {
					wanted := []string{"MatMul", "BiasAdd"}
					if g.name != "predicting" {
						wanted = append(wanted, losses[loss])
					}
					if g.name == "training" {
						wanted = append(wanted, random[form]...)
					}
					if g.name == "training" && form == FormFused && (optimizer == Adam || optimizer == AdamW) {
						wanted = append(wanted, kernels.Adam)
					} else if g.name == "training" {
						wanted = append(wanted, optimizers[optimizer])
					}
					for _, want := range wanted {
						if !slices.Contains(g.types, want) {
							t.Errorf("%s, %s, %s, %s: no %s", form, loss, optimizer, g.name, want)
						}
					}
					ours := slices.ContainsFunc(g.types, func(name string) bool { return strings.HasPrefix(name, "Rnnbin") })
					if ours != (form == FormFused) {
						t.Errorf("%s, %s, %s, %s: operations of ours: %t", form, loss, optimizer, g.name, ours)
					}
				}
			}
		}
	}
}

// typedGraph is a part of a session's graph, with the types of its operations in order.
type typedGraph struct {
	name  string
	types []string
}

// graphsOf are the graphs that run when a session trains a step, evaluates and
// predicts: what their results depend on, and the functions of loops among that. TensorFlow's gradients leave nodes beside
// that, which nothing runs.
func graphsOf(t *testing.T, s *Session) []typedGraph {
	t.Helper()
	text, err := s.GraphDef()
	if err != nil {
		t.Fatal(err)
	}
	def := new(graphpb.GraphDef)
	if err := proto.Unmarshal(text, def); err != nil {
		t.Fatal(err)
	}
	functions := map[string][]*nodepb.NodeDef{}
	for _, f := range def.Library.Function {
		functions[f.Signature.Name] = reachable(f.NodeDef, slices.Collect(maps.Values(f.Ret)))
	}
	list := []typedGraph{{"training", types(functions["train_While"+bodySuffix], functions)}}
	w := s.predicting
	for name, outputs := range map[string][]tf.Output{
		"evaluating": {s.evaluated.loss}, "predicting": {w.outputs, w.probability, w.last},
	} {
		var results []string
		for _, o := range outputs {
			results = append(results, o.Op.Name())
		}
		list = append(list, typedGraph{name, types(reachable(def.Node, results), functions)})
	}
	slices.SortFunc(list, func(a, b typedGraph) int { return -strings.Compare(a.name, b.name) })
	return list
}

// reachable are the nodes that the results, named as inputs are, depend on by value or
// by control.
func reachable(nodes []*nodepb.NodeDef, results []string) []*nodepb.NodeDef {
	byName := map[string]*nodepb.NodeDef{}
	for _, n := range nodes {
		byName[n.Name] = n
	}
	var reached []*nodepb.NodeDef
	for todo := results; len(todo) > 0; {
		name, _, _ := strings.Cut(strings.TrimPrefix(todo[0], "^"), ":")
		todo = todo[1:]
		if n := byName[name]; n != nil && !slices.Contains(reached, n) { // else an argument
			reached = append(reached, n)
			todo = append(todo, n.Input...)
		}
	}
	return reached
}

func types(nodes []*nodepb.NodeDef, functions map[string][]*nodepb.NodeDef) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Op)
		for _, attr := range n.Attr {
			names = append(names, types(functions[attr.GetFunc().GetName()], functions)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
