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
type adamCase struct {
	dims                            []int64
	weight, first, second, gradient []float32
}

// randomAdam has moments and gradients from next to nothing to large, some zero.
func randomAdam(dims ...int64) adamCase {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	c := adamCase{dims, random(r, n, 0.3), random(r, n, 1), random(r, n, 1), random(r, n, 1)}
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
func start(t testing.TB, s *op.Scope) *tf.Session {
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

// variables are float variables of a graph, by their names.
type variables struct {
	s      *op.Scope
	assign []*tf.Operation
	reads  []tf.Output
}

// add returns the handle of a variable, which run first gives the value, or leaves unset if that is nil.
func (v *variables) add(name string, value *tf.Tensor) tf.Output {
	s := v.s.SubScope(name)
	dtype := tf.Float
	if value != nil {
		dtype = value.DataType()
	}
	h := op.VarHandleOp(s, dtype, tf.Shape{}, op.VarHandleOpSharedName(name))
	if value != nil {
		v.assign = append(v.assign, op.AssignVariableOp(s, h, op.Const(s.SubScope("value"), value)))
	}
	if value != nil && dtype == tf.Float {
		v.reads = append(v.reads, op.ReadVariableOp(s, h, dtype))
	}
	return h
}

// run sets all variables and fetches outputs. It returns them, and the variables'
// values afterwards, also where there was an error.
func (v *variables) run(t *testing.T, outputs []tf.Output, targets ...*tf.Operation) (got []*tf.Tensor, values [][]float32, err error) {
	t.Helper()
	session := start(t, v.s)
	for _, assign := range v.assign {
		if _, err := session.Run(nil, nil, []*tf.Operation{assign}); err != nil {
			t.Fatal(err)
		}
	}
	got, err = session.Run(nil, outputs, targets)
	for _, read := range v.reads {
		value, err := session.Run(nil, []tf.Output{read}, nil)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, flat(t, value[0]))
	}
	return got, values, err
}

// adamGraph is an update to build.
type adamGraph struct {
	variables
	lists [4]tf.OutputList // weights, their moments, gradients
	rank  []int            // of each weight
	decay float32
}

func newAdamGraph(t *testing.T, cases []adamCase) *adamGraph {
	t.Helper()
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	g := &adamGraph{variables: variables{s: op.NewScope()}}
	for i, c := range cases {
		for k, v := range [][]float32{c.weight, c.first, c.second} {
			g.lists[k] = append(g.lists[k], g.add(fmt.Sprintf("v%d_%d", i, k), tensor(t, v, c.dims...)))
		}
		g.lists[3] = append(g.lists[3], op.Const(g.s.SubScope("gradient"), tensor(t, c.gradient, c.dims...)))
		g.rank = append(g.rank, len(c.dims))
	}
	return g
}

func (g *adamGraph) constant(v float32) tf.Output { return op.Const(g.s.SubScope("scalar"), v) }

// The inputs and attributes of all updates.
const (
	testPower1, testPower2, testRate  = float32(0.729), float32(0.997), float32(0.003)
	testBeta1, testBeta2, testEpsilon = float32(0.9), float32(0.999), float32(1e-8)
	testClip                          = float32(1.7)
)

// adam adds our op and returns its outputs.
func (g *adamGraph) adam(isa string, clip, loss float32) []tf.Output {
	return g.adamOf(isa, clip, g.constant(testRate), g.constant(loss))
}

func (g *adamGraph) adamOf(isa string, clip float32, rate, loss tf.Output) []tf.Output {
	added := g.s.AddOperation(tf.OpSpec{
		Type: Adam,
		Attrs: map[string]any{
			AttrBeta1: testBeta1, AttrBeta2: testBeta2, AttrEpsilon: testEpsilon, AttrClipNorm: clip,
			AttrWeightDecay: g.decay, AttrISA: isa,
		},
		Input: []tf.Input{
			g.lists[0], g.lists[1], g.lists[2], g.lists[3], g.constant(testPower1), g.constant(testPower2), rate, loss,
		},
	})
	return []tf.Output{added.Output(0), added.Output(1), added.Output(2)}
}

// tensorflow adds TensorFlow's ops for the same update, with clipping by a norm and
// decay of all weights but vectors.
func (g *adamGraph) tensorflow(clip, norm float32) *tf.Operation {
	s := g.s
	for i, gradient := range g.lists[3] {
		if clip > 0 {
			gradient = op.Mul(s.SubScope("clipped"), gradient, g.constant(clip*min(1/norm, 1/clip)))
		}
		if g.decay > 0 && g.rank[i] > 1 {
			share := op.Mul(s.SubScope("share"), g.constant(testRate), g.constant(g.decay))
			lost := op.Mul(s.SubScope("lost"), share, op.ReadVariableOp(s.SubScope("read"), g.lists[0][i], tf.Float))
			s = s.WithControlDependencies(op.AssignSubVariableOp(s.SubScope("decay"), g.lists[0][i], lost))
		}
		apply := op.ResourceApplyAdam(s.SubScope("apply"), g.lists[0][i], g.lists[1][i], g.lists[2][i],
			g.constant(testPower1), g.constant(testPower2), g.constant(testRate),
			g.constant(testBeta1), g.constant(testBeta2), g.constant(testEpsilon), gradient)
		s = s.WithControlDependencies(apply)
	}
	return op.NoOp(s.SubScope("all"))
}

// checkScalars compares next1, next2 and norm.
func checkScalars(t *testing.T, got []*tf.Tensor, want [3]float32) {
	t.Helper()
	for i, name := range []string{"next1", "next2", "norm"} {
		if v := got[i].Value().(float32); math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Errorf("%s is %v, want %v", name, v, want[i])
		}
	}
}

func checkBits(t *testing.T, got, want [][]float32) {
	t.Helper()
	for i := range want {
		if !sameBits(got[i], want[i]) {
			t.Errorf("variable %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// float64Norm is the Euclidean norm of all gradients.
func float64Norm(cases []adamCase) float64 {
	sum := 0.0
	for _, c := range cases {
		for _, g := range c.gradient {
			sum += float64(g) * float64(g)
		}
	}
	return math.Sqrt(sum)
}

// largeAdam has gradients whose squares leave float32's range, and so may their norm's reciprocal.
func largeAdam(scale float32) adamCase {
	c := randomAdam(40)
	for i := range c.gradient {
		c.gradient[i] = float32(i+1) * scale
	}
	return c
}

// TestAdamIsTensorFlows compares with ResourceApplyAdam, bit by bit, and the norm with float64.
func TestAdamIsTensorFlows(t *testing.T) {
	decays := map[string]float32{"decay": 0.3, "much decay": 200}
	for name, cases := range map[string][]adamCase{
		"usual":            {randomAdam(1), randomAdam(100), randomAdam(4111)},
		"large":            {largeAdam(1e35), randomAdam(5)},
		"largest":          {randomAdam(5), largeAdam(2e36)},
		"matrix, no decay": {randomAdam(7, 9)},
		"decay":            {randomAdam(1, 1), randomAdam(31), randomAdam(5, 37), randomAdam(3, 2, 11), randomAdam(100)},
		"much decay":       {randomAdam(19, 3), randomAdam(40)},
	} {
		for _, isa := range ISAs() {
			for _, clip := range []float32{0, testClip} {
				t.Run(fmt.Sprint(name, " ", isa, " clip ", clip), func(t *testing.T) {
					ours := newAdamGraph(t, cases)
					ours.decay = decays[name]
					out, got, err := ours.run(t, ours.adam(isa, clip, 1))
					if err != nil {
						t.Fatal(err)
					}
					norm := out[2].Value().(float32)
					if want := float64Norm(cases); !(math.Abs(float64(norm)-want) <= 2e-7*want) {
						t.Errorf("norm %v, want %v", norm, want)
					}
					checkScalars(t, out, [3]float32{testPower1 * testBeta1, testPower2 * testBeta2, norm})
					theirs := newAdamGraph(t, cases)
					theirs.decay = decays[name]
					_, want, err := theirs.run(t, nil, theirs.tensorflow(clip, norm))
					if err != nil {
						t.Fatal(err)
					}
					checkBits(t, got, want)
				})
			}
		}
	}
}

// TestAdamNotFinite has updates that must not change a bit.
func TestAdamNotFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, test := range []struct {
		name                 string
		loss, gradient, norm float32
	}{
		{"loss NaN", nan, .5, 2.5},
		{"loss infinite", inf, .5, 2.5},
		{"loss infinite below", -inf, .5, 2.5},
		{"gradient NaN", 1, nan, nan},
		{"gradient infinite", 1, -inf, inf},
		{"norm out of range", 1, 3e38, inf},
		{"both", nan, inf, inf},
	} {
		for _, isa := range ISAs() {
			for _, clip := range []float32{0, testClip} {
				t.Run(fmt.Sprint(test.name, " ", isa, " clip ", clip), func(t *testing.T) {
					first, last := randomAdam(3), randomAdam(5, 5)
					clear(first.gradient)
					for i := range last.gradient {
						last.gradient[i] = .5
					}
					last.gradient[24] = test.gradient
					if test.norm == inf {
						last.gradient[7] = test.gradient
					}
					g := newAdamGraph(t, []adamCase{first, last})
					g.decay = 0.3
					out, values, err := g.run(t, g.adam(isa, clip, test.loss))
					if err != nil {
						t.Fatal(err)
					}
					if norm := out[2].Value().(float32); test.norm != test.norm && norm != norm {
						test.norm = norm // any NaN will do
					}
					checkScalars(t, out, [3]float32{testPower1, testPower2, test.norm})
					checkBits(t, values, [][]float32{first.weight, first.first, first.second, last.weight, last.first, last.second})
				})
			}
		}
	}
}

// TestAdamRefuses spoils the last of several weights; none may have moved then.
func TestAdamRefuses(t *testing.T) {
	const sizes = "want a weight, its moments and its gradient to be of one size"
	spoilt := func(list int, replace func(g *adamGraph) tf.Output) func(*adamGraph) []tf.Output {
		return func(g *adamGraph) []tf.Output {
			g.lists[list][1] = replace(g)
			return g.adam(ISAAuto, 0, 1)
		}
	}
	short := []float32{1, 2}
	for _, test := range []struct {
		name, want string
		build      func(g *adamGraph) []tf.Output
	}{
		{"gradient", sizes, spoilt(3, func(g *adamGraph) tf.Output { return op.Const(g.s, short) })},
		{"moment", sizes, spoilt(2, func(g *adamGraph) tf.Output { return g.add("short", tensor(t, short, 2)) })},
		{"unset", "unset/N10tensorflow3VarE does not exist", spoilt(0, func(g *adamGraph) tf.Output { return g.add("unset", nil) })},
		{"rate", "want rate as a scalar", func(g *adamGraph) []tf.Output {
			return g.adamOf(ISAAuto, 0, op.Const(g.s, short), g.constant(1))
		}},
		{"loss", "want loss as a scalar", func(g *adamGraph) []tf.Output {
			return g.adamOf(ISAAuto, 0, g.constant(1), op.Const(g.s, short))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cases := []adamCase{randomAdam(3), randomAdam(4)}
			g := newAdamGraph(t, cases)
			_, values, err := g.run(t, test.build(g))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			for i, c := range cases {
				checkBits(t, values[3*i:], [][]float32{c.weight, c.first, c.second})
			}
		})
	}
}
