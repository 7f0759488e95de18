package kernels

import (
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// tensor gives values a shape.
func tensor(t *testing.T, values []float32, dims ...int64) *tf.Tensor {
	t.Helper()
	all, err := tf.NewTensor(values)
	if err == nil {
		err = all.Reshape(dims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runner builds a graph of one op fed by placeholders and runs it.
type runner struct {
	t       *testing.T
	scope   *op.Scope
	feeds   map[tf.Output]*tf.Tensor
	inputs  []tf.Input
	unknown bool // leaves the placeholders' shapes open, so that only the kernel can check them
}

func newRunner(t *testing.T, unknown bool) *runner {
	t.Helper()
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	return &runner{t: t, scope: op.NewScope(), feeds: map[tf.Output]*tf.Tensor{}, unknown: unknown}
}

func (r *runner) feed(name string, value *tf.Tensor, dims []int64) {
	shape := tf.MakeShape(dims...)
	if r.unknown {
		shape = tf.Shape{}
	}
	p := op.Placeholder(r.scope.SubScope(name), value.DataType(), op.PlaceholderShape(shape))
	r.feeds[p] = value
	r.inputs = append(r.inputs, p)
}

func (r *runner) input(name string, values []float32, dims ...int64) {
	r.t.Helper()
	r.feed(name, tensor(r.t, values, dims...), dims)
}

func (r *runner) ints(name string, values []int32, dims ...int64) {
	r.t.Helper()
	all, err := tf.NewTensor(values)
	if err == nil {
		err = all.Reshape(dims)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.feed(name, all, dims)
}

// run returns the outputs and their static shapes.
func (r *runner) run(opType string, attrs map[string]any) ([]*tf.Tensor, []tf.Shape, error) {
	node := r.scope.AddOperation(tf.OpSpec{Type: opType, Input: r.inputs, Attrs: attrs})
	if err := r.scope.Err(); err != nil {
		return nil, nil, err
	}
	graph, err := r.scope.Finalize()
	if err != nil {
		return nil, nil, err
	}
	session, err := tf.NewSession(graph, nil)
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	var outputs []tf.Output
	var shapes []tf.Shape
	for i := range node.NumOutputs() {
		outputs = append(outputs, node.Output(i))
		shapes = append(shapes, node.Output(i).Shape())
	}
	values, err := session.Run(r.feeds, outputs, nil)
	return values, shapes, err
}

func (r *runner) forward(c *call) {
	t, b, f, u := int64(c.steps), int64(c.batch), int64(c.inputs), int64(c.units)
	r.input("x", c.x, t, b, f)
	r.input("kernel", c.kernel, f+u, u)
	r.input("bias", c.bias, u)
	r.input("h0", c.h0, b, u)
}

func (r *runner) backward(c *call) {
	t, b, f, u := int64(c.steps), int64(c.batch), int64(c.inputs), int64(c.units)
	r.input("x", c.x, t, b, f)
	r.input("kernel", c.kernel, f+u, u)
	r.input("h0", c.h0, b, u)
	r.input("h", c.h, t, b, u)
	r.input("dh", c.dh, t, b, u)
	r.input("dlast", c.dlast, b, u)
}

func attrs(c *call, backward bool) map[string]any {
	a := map[string]any{AttrActivation: "relu", AttrThreads: int64(c.threads), AttrISA: c.isa}
	if c.tanh {
		a[AttrActivation] = "tanh"
	}
	if backward {
		a[AttrInputGradient] = c.dx != nil
	}
	return a
}

func flat(t *testing.T, v *tf.Tensor) []float32 {
	t.Helper()
	n := int64(1)
	for _, d := range v.Shape() {
		n *= d
	}
	if n == 0 {
		return nil
	}
	if err := v.Reshape([]int64{n}); err != nil {
		t.Fatal(err)
	}
	return v.Value().([]float32)
}

// The ops give what the C code gives, in every variant, and tell their shapes beforehand.
func TestSession(t *testing.T) {
	for _, dx := range []bool{true, false} {
		forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
			c := newCall(shape{6, 5, 3, 20}, isa, tanh, 2, dx)
			c.forward()
			c.backward()
			r := newRunner(t, false)
			r.forward(c)
			got, shapes, err := r.run(Forward, attrs(c, false))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range [][]float32{c.h, c.last} {
				if s := tf.MakeShape(got[i].Shape()...); s.String() != shapes[i].String() {
					t.Errorf("output %d has shape %v, announced %v", i, s, shapes[i])
				}
				if !sameBits(flat(t, got[i]), want) {
					t.Errorf("output %d differs", i)
				}
			}
			r = newRunner(t, false)
			r.backward(c)
			got, shapes, err = r.run(Backward, attrs(c, true))
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]string{true: "[6, 5, 3]", false: "[0, 5, 3]"}[dx]; tf.MakeShape(got[2].Shape()...).String() != want {
				t.Errorf("dx has shape %v, want %s", got[2].Shape(), want)
			}
			if s := shapes[2].String(); s != "[?, 5, 3]" {
				t.Errorf("announces shape %s of dx", s)
			}
			for i, want := range [][]float32{c.dkernel, c.dbias, c.dx, c.dh0} {
				if s := tf.MakeShape(got[i].Shape()...); i != 2 && s.String() != shapes[i].String() {
					t.Errorf("output %d has shape %v, announced %v", i, s, shapes[i])
				}
				if !sameBits(flat(t, got[i]), want) {
					t.Errorf("output %d differs", i)
				}
			}
		})
	}
}

// TestLargeOutputs has outputs whose memory is our own: what a run gave stays as it was when others follow, from a
// session that is closed by then.
func TestLargeOutputs(t *testing.T) {
	var kept []*tf.Tensor
	var want [][]float32
	for i := range 3 {
		c := newCall(shape{300 + i, 10, 90, 100}, ISAs()[0], true, 1, true)
		c.forward()
		c.backward()
		f, b := newRunner(t, false), newRunner(t, false)
		f.forward(c)
		b.backward(c)
		h, _, err := f.run(Forward, attrs(c, false))
		if err != nil {
			t.Fatal(err)
		}
		dx, _, err := b.run(Backward, attrs(c, true))
		if err != nil {
			t.Fatal(err)
		}
		kept, want = append(kept, h[0], dx[2]), append(want, c.h, c.dx)
	}
	for i := range kept {
		if !sameBits(flat(t, kept[i]), want[i]) {
			t.Errorf("output %d differs", i)
		}
	}
}

// Wrong shapes are errors with a text, while the graph is built where they are known then, and otherwise in the run.
func TestSessionBadShapes(t *testing.T) {
	for name, test := range map[string]struct {
		op     string
		change func(r *runner, c *call)
		want   string
	}{
		"x of rank 2": {Forward, func(r *runner, c *call) {
			r.input("x", c.x[:10], 5, 2)
			r.input("kernel", c.kernel, 23, 20)
			r.input("bias", c.bias, 20)
			r.input("h0", c.h0, 5, 20)
		}, "x has shape [5,2], want [steps, batch, inputs]"},
		"kernel": {Forward, func(r *runner, c *call) {
			r.input("x", c.x, 6, 5, 3)
			r.input("kernel", c.kernel[:440], 22, 20)
			r.input("bias", c.bias, 20)
			r.input("h0", c.h0, 5, 20)
		}, "kernel has shape [22,20], want [inputs+units, units] = [23,20]"},
		"bias": {Forward, func(r *runner, c *call) {
			r.input("x", c.x, 6, 5, 3)
			r.input("kernel", c.kernel, 23, 20)
			r.input("bias", c.bias[:19], 19)
			r.input("h0", c.h0, 5, 20)
		}, "bias has shape [19], want [units] = [20]"},
		"h0 a vector": {Forward, func(r *runner, c *call) {
			r.input("x", c.x, 6, 5, 3)
			r.input("kernel", c.kernel, 23, 20)
			r.input("bias", c.bias, 20)
			r.input("h0", c.h0[:20], 20)
		}, "h0 has shape [20], want [batch, units] = [5,20]"},
		"no inputs": {Forward, func(r *runner, c *call) {
			r.input("x", nil, 6, 5, 0)
			r.input("kernel", c.kernel[:400], 20, 20)
			r.input("bias", c.bias, 20)
			r.input("h0", c.h0, 5, 20)
		}, "x has no inputs"},
		"dh": {Backward, func(r *runner, c *call) {
			c.dh, c.steps = c.dh[:500], 6
			r.input("x", c.x, 6, 5, 3)
			r.input("kernel", c.kernel, 23, 20)
			r.input("h0", c.h0, 5, 20)
			r.input("h", c.h, 6, 5, 20)
			r.input("dh", c.dh, 5, 5, 20)
			r.input("dlast", c.dlast, 5, 20)
		}, "dh has shape [5,5,20], want [steps, batch, units] = [6,5,20]"},
		"h of rank 9": {Backward, func(r *runner, c *call) {
			r.input("x", c.x, 6, 5, 3)
			r.input("kernel", c.kernel, 23, 20)
			r.input("h0", c.h0, 5, 20)
			r.input("h", c.h, 6, 5, 20, 1, 1, 1, 1, 1, 1)
			r.input("dh", c.dh, 6, 5, 20)
			r.input("dlast", c.dlast, 5, 20)
		}, "h has shape rank 9, want [steps, batch, units] = [6,5,20]"},
	} {
		for _, unknown := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				c := newCall(shape{6, 5, 3, 20}, ISAAuto, false, 1, false)
				r := newRunner(t, unknown)
				test.change(r, c)
				_, _, err := r.run(test.op, attrs(c, test.op == Backward))
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
			})
		}
	}
}

func TestSessionBadAttributes(t *testing.T) {
	for _, test := range []struct {
		attr  string
		value any
		want  string
	}{
		{AttrISA, "mmx", "this machine has no instruction set called 'mmx', only auto, " + strings.Join(ISAs(), ", ")},
		{AttrISA, strings.Repeat("long", 100), "this machine has no instruction set called 'long"},
		{AttrActivation, "sigmoid", "sigmoid"},
		{AttrThreads, int64(0), "at least minimum 1"},
	} {
		c := newCall(shape{1, 1, 1, 1}, ISAAuto, false, 1, false)
		r := newRunner(t, false)
		r.forward(c)
		a := attrs(c, false)
		a[test.attr] = test.value
		if _, _, err := r.run(Forward, a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %v: error %v, want one with %q", test.attr, test.value, err, test.want)
		}
	}
}
