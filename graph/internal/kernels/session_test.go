package kernels

import (
	"fmt"
	"slices"
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
	t      *testing.T
	scope  *op.Scope
	feeds  map[tf.Output]*tf.Tensor
	inputs []tf.Input
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	return &runner{t: t, scope: op.NewScope(), feeds: map[tf.Output]*tf.Tensor{}}
}

func (r *runner) feed(name string, value *tf.Tensor) {
	p := op.Placeholder(r.scope.SubScope(name), value.DataType())
	r.feeds[p] = value
	r.inputs = append(r.inputs, p)
}

func (r *runner) input(name string, values []float32, dims ...int64) {
	r.t.Helper()
	r.feed(name, tensor(r.t, values, dims...))
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
	r.feed(name, all)
}

func (r *runner) run(opType string, attrs map[string]any) ([]*tf.Tensor, error) {
	node := r.scope.AddOperation(tf.OpSpec{Type: opType, Input: r.inputs, Attrs: attrs})
	if err := r.scope.Err(); err != nil {
		return nil, err
	}
	graph, err := r.scope.Finalize()
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(graph, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	var outputs []tf.Output
	for i := range node.NumOutputs() {
		outputs = append(outputs, node.Output(i))
	}
	return session.Run(r.feeds, outputs, nil)
}

// list adds an input that is a list of tensors.
func (r *runner) list(name string, values [][]float32, dims func(i int) []int64) {
	r.t.Helper()
	at := len(r.inputs)
	for i, v := range values {
		r.input(fmt.Sprint(name, i), v, dims(i)...)
	}
	var all tf.OutputList
	for _, one := range r.inputs[at:] {
		all = append(all, one.(tf.Output))
	}
	r.inputs = append(r.inputs[:at], all)
}

// sequence adds the inputs that both ops begin with.
func (r *runner) sequence(c *call) {
	r.t.Helper()
	r.input("x", c.x, int64(c.steps), int64(c.batch), int64(c.inputs))
	r.ints("lengths", c.lengths, int64(len(c.lengths)))
	r.states("initial", c, c.initial)
	shapes, _ := weightShapes(c.cell, c.inputs, c.units)
	r.list("weights", c.weights, func(i int) []int64 { return shapes[i%len(shapes)] })
}

func (r *runner) states(name string, c *call, values [][]float32) {
	r.list(name, values, func(i int) []int64 { return []int64{int64(len(values[i]) / c.units), int64(c.units)} })
}

func (r *runner) backward(c *call) {
	r.sequence(c)
	h := []int64{int64(c.steps), int64(c.batch), int64(c.directions * c.units)}
	r.input("h", c.h, h...)
	r.input("saved", c.saved, int64(len(c.saved)))
	r.input("dh", c.dh, h...)
	r.states("dlast", c, c.dlast)
}

func attrs(c *call, backward bool) map[string]any {
	a := map[string]any{AttrCell: c.cell, AttrDirections: int64(c.directions), AttrThreads: int64(c.threads), AttrISA: c.isa}
	if backward {
		a[AttrInputGradient] = c.dx != nil
	} else {
		a[AttrTraining] = c.saved != nil
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

// The ops give what the C code gives, in every variant.
func TestSession(t *testing.T) {
	for _, dx := range []bool{true, false} {
		forEachVariant(t, func(t *testing.T, isa, cell string) {
			c := newCalls(shape{6, 5, 3, 20}, isa, cell, map[bool]int{false: 1, true: 2}[dx], 2, dx, dx)
			c.forward()
			c.backward()
			check := func(got []*tf.Tensor, want [][]float32) {
				t.Helper()
				if len(got) != len(want) {
					t.Fatalf("%d outputs, want %d", len(got), len(want))
				}
				for i := range want {
					if !sameBits(flat(t, got[i]), want[i]) {
						t.Errorf("output %d differs", i)
					}
				}
			}
			r := newRunner(t)
			r.sequence(c)
			got, err := r.run(Forward, attrs(c, false))
			if err != nil {
				t.Fatal(err)
			}
			// saved holds anything in its padding and behind lengths
			c.saved = flat(t, got[len(got)-1])
			if want := "[6, 5, 20]"; tf.MakeShape(got[0].Shape()...).String() != want && c.directions == 1 {
				t.Errorf("h has shape %v, want %s", got[0].Shape(), want)
			}
			check(got, slices.Concat([][]float32{c.h}, c.last, [][]float32{c.saved}))
			r = newRunner(t)
			r.backward(c)
			got, err = r.run(Backward, attrs(c, true))
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]string{true: "[6, 5, 3]", false: "[0, 5, 3]"}[dx]; tf.MakeShape(got[0].Shape()...).String() != want {
				t.Errorf("dx has shape %v, want %s", got[0].Shape(), want)
			}
			check(got, slices.Concat([][]float32{c.dx}, c.dinitial, c.dweights))
		})
	}
}

// TestSessionLeftOut has no lengths and no states, and saves nothing.
func TestSessionLeftOut(t *testing.T) {
	c := newCall(shape{6, 5, 3, 20}, ISAs()[0], CellLSTM, 2, true)
	clear(c.initial[0])
	clear(c.initial[1])
	c.forward()
	c.initial, c.saved = [][]float32{nil, nil}, nil
	r := newRunner(t)
	r.sequence(c)
	got, err := r.run(Forward, attrs(c, false))
	if err != nil {
		t.Fatal(err)
	}
	if !sameBits(flat(t, got[0]), c.h) || !sameBits(flat(t, got[1]), c.last[0]) || got[3].Shape()[0] != 0 {
		t.Error("outputs differ")
	}
}

// TestLargeOutputs has outputs whose memory is our own: what a run gave stays as it was when others follow, from a
// session that is closed by then.
func TestLargeOutputs(t *testing.T) {
	var kept []*tf.Tensor
	var want [][]float32
	for i := range 3 {
		c := newCall(shape{300 + i, 10, 90, 100}, ISAs()[0], CellTanh, 1, true)
		c.forward()
		c.backward()
		f, b := newRunner(t), newRunner(t)
		f.sequence(c)
		b.backward(c)
		h, err := f.run(Forward, attrs(c, false))
		if err != nil {
			t.Fatal(err)
		}
		dx, err := b.run(Backward, attrs(c, true))
		if err != nil {
			t.Fatal(err)
		}
		kept, want = append(kept, h[0], dx[0]), append(want, c.h, c.dx)
	}
	for i := range kept {
		if !sameBits(flat(t, kept[i]), want[i]) {
			t.Errorf("output %d differs", i)
		}
	}
}

// Wrong shapes are errors with a text.
func TestSessionBadShapes(t *testing.T) {
	plain := func(r *runner, c *call, x, kernel, bias, initial []int64) {
		size := func(dims []int64) int64 {
			n := int64(1)
			for _, d := range dims {
				n *= d
			}
			return n
		}
		r.input("x", make([]float32, size(x)), x...)
		r.ints("lengths", nil, 0)
		r.list("initial", [][]float32{make([]float32, size(initial))}, func(int) []int64 { return initial })
		r.list("weights", [][]float32{make([]float32, size(kernel)), make([]float32, size(bias))}, func(i int) []int64 {
			return [][]int64{kernel, bias}[i]
		})
	}
	x, kernel, bias, initial := []int64{6, 5, 3}, []int64{23, 20}, []int64{20}, []int64{5, 20}
	for name, test := range map[string]struct {
		op     string
		change func(r *runner, c *call)
		want   string
	}{
		"x of rank 2": {Forward, func(r *runner, c *call) {
			plain(r, c, []int64{5, 2}, kernel, bias, initial)
		}, "x has shape [5,2], want [steps, batch, inputs]"},
		"kernel": {Forward, func(r *runner, c *call) {
			plain(r, c, x, []int64{22, 20}, bias, initial)
		}, "weights[0] has shape [22,20], want [inputs+units, units] = [23,20]"},
		"bias": {Forward, func(r *runner, c *call) {
			plain(r, c, x, kernel, []int64{19}, initial)
		}, "weights[1] has shape [19], want [units] = [20]"},
		"initial a vector": {Forward, func(r *runner, c *call) {
			plain(r, c, x, kernel, bias, []int64{20})
		}, "initial[0] has shape [20], want [batch, units] = [5,20]"},
		"no inputs": {Forward, func(r *runner, c *call) {
			plain(r, c, []int64{6, 5, 0}, []int64{20, 20}, bias, initial)
		}, "x has no inputs"},
		"dh": {Backward, func(r *runner, c *call) {
			r.sequence(c)
			r.input("h", c.h, 6, 5, 20)
			r.input("saved", nil, 0)
			r.input("dh", c.dh[:500], 5, 5, 20)
			r.states("dlast", c, c.dlast)
		}, "dh has shape [5,5,20], want [steps, batch, units] = [6,5,20]"},
		"h of rank 9": {Backward, func(r *runner, c *call) {
			r.sequence(c)
			r.input("h", c.h, 6, 5, 20, 1, 1, 1, 1, 1, 1)
			r.input("saved", nil, 0)
			r.input("dh", c.dh, 6, 5, 20)
			r.states("dlast", c, c.dlast)
		}, "h has shape rank 9, want [steps, batch, units] = [6,5,20]"},
		"saved": {Backward, func(r *runner, c *call) {
			c.saved = []float32{1}
			r.backward(c)
		}, "saved has shape [1], want what forward saved for training = [0]"},
		"lengths": {Forward, func(r *runner, c *call) {
			c.lengths = []int32{6, 6}
			r.sequence(c)
		}, "lengths has shape [2], want [batch] = [5]"},
		"a length": {Forward, func(r *runner, c *call) {
			c.lengths = []int32{6, 6, 7, 0, 0}
			r.sequence(c)
		}, "lengths[2] is 7, want 0 to 6, the number of steps"},
		"a length below 0": {Backward, func(r *runner, c *call) {
			c.lengths = []int32{6, 6, 0, 0, -1}
			r.backward(c)
		}, "lengths[4] is -1, want 0 to 6, the number of steps"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCall(shape{6, 5, 3, 20}, ISAAuto, CellReLU, 1, false)
			r := newRunner(t)
			test.change(r, c)
			_, err := r.run(test.op, attrs(c, test.op == Backward))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
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
		{AttrCell, "sigmoid", "sigmoid"},
		{AttrCell, CellGRU, "1 directions of cell 'gru' have 1 states and 6 variables, not 1 and 2"},
		{AttrDirections, int64(2), "2 directions of cell 'relu' have 2 states and 4 variables, not 1 and 2"},
		{AttrDirections, int64(3), "there are at most 2 directions, not 3"},
		{AttrThreads, int64(0), "at least minimum 1"},
	} {
		c := newCall(shape{1, 1, 1, 1}, ISAAuto, CellReLU, 1, false)
		r := newRunner(t)
		r.sequence(c)
		a := attrs(c, false)
		a[test.attr] = test.value
		if _, err := r.run(Forward, a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %v: error %v, want one with %q", test.attr, test.value, err, test.want)
		}
	}
	c := newCall(shape{1, 1, 1, 1}, ISAAuto, CellReLU, 1, false)
	c.weights = append(c.weights, c.weights[1])
	r := newRunner(t)
	r.input("x", c.x, 1, 1, 1)
	r.ints("lengths", nil, 0)
	r.states("initial", c, c.initial)
	r.list("weights", c.weights, func(i int) []int64 { return []int64{int64(len(c.weights[i]))} })
	if _, err := r.run(Forward, attrs(c, false)); err == nil || !strings.Contains(err.Error(), "1 directions of cell 'relu' have 1 states and 2 variables, not 1 and 3") {
		t.Errorf("error %v for three variables", err)
	}
}
