package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// adamCase is one weight's update.
type adamCase struct{ weight, first, second, gradient []float32 }

// randomAdam has moments and gradients from next to nothing to large, some zero.
func randomAdam(n int) adamCase {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	c := adamCase{random(r, n, 0.3), random(r, n, 1), random(r, n, 1), random(r, n, 1)}
	for i := range n {
		size := float32(1)
		for range r.IntN(30) {
			size /= 3
		}
		if i%7 == 3 {
			size = 0
		}
		c.first[i] *= size
		c.second[i] *= c.second[i] * size * size
		c.gradient[i] *= size
	}
	return c
}

// start is a session of the scope's graph, for as long as the test.
func start(t *testing.T, s *op.Scope) *tf.Session {
	t.Helper()
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// updated runs an update of all cases, which add builds, and returns the weights
// and moments after it.
func updated(t *testing.T, cases []adamCase, add func(s *op.Scope, handles [3]tf.OutputList, grads tf.OutputList) *tf.Operation) [][]float32 {
	t.Helper()
	s := op.NewScope()
	var handles [3]tf.OutputList
	var grads tf.OutputList
	var assign []*tf.Operation
	var reads []tf.Output
	for i, c := range cases {
		for k, v := range [][]float32{c.weight, c.first, c.second} {
			h := op.VarHandleOp(s.SubScope("v"), tf.Float, tf.MakeShape(int64(len(v))), op.VarHandleOpSharedName(fmt.Sprintf("%s/%d/%d", t.Name(), i, k)))
			assign = append(assign, op.AssignVariableOp(s.SubScope("assign"), h, op.Const(s.SubScope("value"), v)))
			handles[k] = append(handles[k], h)
			reads = append(reads, op.ReadVariableOp(s.SubScope("read"), h, tf.Float))
		}
		grads = append(grads, op.Const(s.SubScope("gradient"), c.gradient))
	}
	update := add(s, handles, grads)
	session := start(t, s)
	for _, targets := range [][]*tf.Operation{assign, {update}} {
		if _, err := session.Run(nil, nil, targets); err != nil {
			t.Fatal(err)
		}
	}
	out, err := session.Run(nil, reads, nil)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, v := range out {
		values = append(values, v.Value().([]float32))
	}
	return values
}

// scalars are the inputs and attributes of both.
const (
	testPower1, testPower2, testRate  = float32(0.729), float32(0.997), float32(0.003)
	testBeta1, testBeta2, testEpsilon = float32(0.9), float32(0.999), float32(1e-8)
	testNorm, testClip                = float32(7.3), float32(1.7)
)

func adamAttrs(isa string, clip float32) map[string]any {
	return map[string]any{AttrBeta1: testBeta1, AttrBeta2: testBeta2, AttrEpsilon: testEpsilon, AttrClipNorm: clip, AttrISA: isa}
}

// TestAdamIsTensorFlows compares with ResourceApplyAdam, bit by bit.
func TestAdamIsTensorFlows(t *testing.T) {
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	cases := []adamCase{randomAdam(1), randomAdam(100), randomAdam(4111)}
	for _, isa := range ISAs() {
		for _, clip := range []float32{0, testClip} {
			t.Run(fmt.Sprint(isa, " clip ", clip), func(t *testing.T) {
				constant := func(s *op.Scope, v float32) tf.Output { return op.Const(s.SubScope("scalar"), v) }
				want := updated(t, cases, func(s *op.Scope, handles [3]tf.OutputList, grads tf.OutputList) *tf.Operation {
					for i := range cases {
						g := grads[i]
						if clip > 0 {
							g = op.Mul(s.SubScope("clipped"), g, constant(s, clip*min(1/testNorm, 1/clip)))
						}
						apply := op.ResourceApplyAdam(s.SubScope("apply"), handles[0][i], handles[1][i], handles[2][i],
							constant(s, testPower1), constant(s, testPower2), constant(s, testRate),
							constant(s, testBeta1), constant(s, testBeta2), constant(s, testEpsilon), g)
						s = s.WithControlDependencies(apply)
					}
					return op.NoOp(s.SubScope("all"))
				})
				got := updated(t, cases, func(s *op.Scope, handles [3]tf.OutputList, grads tf.OutputList) *tf.Operation {
					return s.AddOperation(tf.OpSpec{Type: Adam, Attrs: adamAttrs(isa, clip), Input: []tf.Input{
						handles[0], handles[1], handles[2], grads,
						constant(s, testPower1), constant(s, testPower2), constant(s, testRate), constant(s, testNorm)}})
				})
				for i := range want {
					for j := range want[i] {
						if math.Float32bits(got[i][j]) != math.Float32bits(want[i][j]) {
							t.Fatalf("array %d, value %d: %v, TensorFlow has %v", i, j, got[i][j], want[i][j])
						}
					}
				}
			})
		}
	}
}

// TestAdamRefuses gives a gradient of another size.
func TestAdamRefuses(t *testing.T) {
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	s := op.NewScope()
	h := op.VarHandleOp(s, tf.Float, tf.MakeShape(3), op.VarHandleOpSharedName(t.Name()))
	set := op.AssignVariableOp(s.SubScope("assign"), h, op.Const(s.SubScope("value"), []float32{1, 2, 3}))
	one := op.Const(s.SubScope("one"), float32(0.5))
	list := tf.OutputList{h}
	adam := s.WithControlDependencies(set).AddOperation(tf.OpSpec{Type: Adam, Attrs: adamAttrs(ISAAuto, 0), Input: []tf.Input{
		list, list, list, tf.OutputList{op.Const(s.SubScope("gradient"), []float32{1, 2})}, one, one, one, one}})
	if _, err := start(t, s).Run(nil, nil, []*tf.Operation{adam}); err == nil || !strings.Contains(err.Error(), "of one shape") {
		t.Errorf("error %v", err)
	}
}
