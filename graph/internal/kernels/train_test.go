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

func newHead(s shape, outputs int) *head {
	r := rand.New(rand.NewPCG(3, uint64(s.units)))
	h := &head{
		outputs: outputs, projection: random(r, s.units*outputs, 1/math.Sqrt(float64(s.units))), bias: random(r, outputs, .1),
		mean: nans(1), dkernel: nans((s.inputs + s.units) * s.units), dbias: nans(s.units),
		dprojection: nans(s.units * outputs), dprojbias: nans(outputs),
	}
	for range s.steps * s.batch {
		h.labels = append(h.labels, float32(r.IntN(max(2, outputs))))
		h.w = append(h.w, float32(r.IntN(3)))
	}
	return h
}

// newTraining is a call that starts from zeros, as training does.
func newTraining(s shape, isa string, tanh bool, threads int) *call {
	c := newCall(s, isa, tanh, threads, false)
	clear(c.h0)
	clear(c.dlast)
	return c
}

// headReference is the head in float64 over the states that the call's forward
// gave.
type headReference struct {
	mean, dh, dprojection, dbias []float64
}

func referenceHead(c *call, h *head) headReference {
	rows, u, o := c.steps*c.batch, c.units, h.outputs
	r := headReference{make([]float64, 1), make([]float64, rows*u), make([]float64, u*o), make([]float64, o)}
	total := 0.0
	for _, w := range h.w {
		total += float64(w)
	}
	for row := range rows {
		loss, d := h.row(c.h[row*u:(row+1)*u], h.labels[row])
		share := 0.0
		if total > 0 {
			share = float64(h.w[row]) / total
		}
		r.mean[0] += loss * share
		for i := range o {
			g := d[i] * share
			r.dbias[i] += g
			for k := range u {
				r.dprojection[k*o+i] += float64(c.h[row*u+k]) * g
				r.dh[row*u+k] += float64(h.projection[k*o+i]) * g
			}
		}
	}
	return r
}

// row is the loss of one state and its gradient by the outputs.
func (h *head) row(state []float32, label float32) (loss float64, gradient []float64) {
	z := make([]float64, h.outputs)
	sum := 0.0
	for o := range z {
		z[o] = float64(h.bias[o])
		for k, v := range state {
			z[o] += float64(v) * float64(h.projection[k*h.outputs+o])
		}
		sum += math.Exp(z[o])
	}
	if h.outputs == 1 {
		e := z[0] - float64(label)
		return e * e, []float64{2 * e}
	}
	gradient = make([]float64, h.outputs)
	for o := range z {
		gradient[o] = math.Exp(z[o]) / sum
	}
	gradient[int(label)]--
	return math.Log(sum) - z[int(label)], gradient
}

func compareTraining(t *testing.T, c *call, h *head) {
	t.Helper()
	c.forward()
	c.train(h)
	top := referenceHead(c, h)
	for i, v := range top.dh {
		c.dh[i] = float32(v)
	}
	below := reference(c)
	check := func(name string, got []float32, want []float64) {
		t.Helper()
		if d := relative(got, want); !(d <= gradientTolerance) {
			t.Errorf("%s is %.1e from the float64 reference, want at most %.0e", name, d, gradientTolerance)
		}
	}
	check("mean", h.mean, top.mean)
	check("dprojection", h.dprojection, top.dprojection)
	check("dprojection_bias", h.dprojbias, top.dbias)
	check("dkernel", h.dkernel, below.dkernel)
	check("dbias", h.dbias, below.dbias)
}

// relative is the greatest difference by the greatest value: gradients of a mean are
// small.
func relative(got []float32, want []float64) float64 {
	var diff, size float64
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		if !(d <= diff) {
			diff = d
		}
		size = max(size, math.Abs(w))
	}
	if size == 0 {
		return diff
	}
	return diff / size
}

func TestCTrain(t *testing.T) {
	for _, s := range []shape{{20, 10, 1, 100}, {1, 1, 1, 1}, {3, 7, 2, 17}, {40, 9, 3, 33}, {5, 33, 1, 130}} {
		for _, outputs := range []int{1, 2, 3} {
			for threads := 1; threads <= 3; threads++ {
				forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
					compareTraining(t, newTraining(s, isa, tanh, threads), newHead(s, outputs))
					if t.Failed() {
						t.Fatalf("%v, %d outputs, %d threads", s, outputs, threads)
					}
				})
			}
		}
	}
}

func TestCTrainWithoutWeights(t *testing.T) {
	s := shape{2, 3, 1, 5}
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		h := newHead(s, 2)
		clear(h.w)
		newTraining(s, isa, tanh, 1).train(h)
		for name, values := range map[string][]float32{"mean": h.mean, "dkernel": h.dkernel, "dprojection": h.dprojection} {
			for _, v := range values {
				if v != 0 {
					t.Fatalf("%s has %v", name, v)
				}
			}
		}
	})
}

func TestCTrainSpreadsNaN(t *testing.T) {
	s := shape{3, 3, 1, 5}
	for _, outputs := range []int{1, 2} {
		forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
			c, h := newTraining(s, isa, tanh, 1), newHead(s, outputs)
			h.w[0], c.x[0] = 1, float32(math.NaN())
			c.train(h)
			if !math.IsNaN(float64(h.mean[0])) {
				t.Errorf("%d outputs: mean %v", outputs, h.mean[0])
			}
		})
	}
}

// training feeds the op; labels are classes.
func (r *runner) training(c *call, h *head) {
	t, b, f, u, o := int64(c.steps), int64(c.batch), int64(c.inputs), int64(c.units), int64(h.outputs)
	r.input("x", c.x, t, b, f)
	r.input("kernel", c.kernel, f+u, u)
	r.input("bias", c.bias, u)
	r.input("projection", h.projection, u, o)
	r.input("projection_bias", h.bias, o)
	r.classes("labels", h.labels)
	r.input("w", h.w, int64(len(h.w)))
}

func (r *runner) classes(name string, values []float32) {
	r.t.Helper()
	v := make([]int32, len(values))
	for i, x := range values {
		v[i] = int32(x)
	}
	r.ints(name, v, int64(len(v)))
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
	p := op.Placeholder(r.scope.SubScope(name), tf.Int32, op.PlaceholderShape(tf.MakeShape(dims...)))
	r.feeds[p] = all
	r.inputs = append(r.inputs, p)
}

// The op gives what the C code does.
func TestTrain(t *testing.T) {
	s := shape{4, 3, 2, 9}
	c, h := newTraining(s, ISAs()[0], false, 1), newHead(s, 2)
	c.train(h)
	r := newRunner(t, false)
	r.training(c, h)
	got, _, err := r.run(Train, attrs(c, false))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{h.mean, h.dkernel, h.dbias, h.dprojection, h.dprojbias} {
		if fmt.Sprint(flat(t, got[i])) != fmt.Sprint(want) {
			t.Errorf("output %d: %v, want %v", i, flat(t, got[i]), want)
		}
	}
}

func TestTrainRefusesShapes(t *testing.T) {
	s := shape{4, 3, 2, 9}
	c, h := newTraining(s, ISAs()[0], false, 1), newHead(s, 2)
	h.w = h.w[:5]
	r := newRunner(t, false)
	r.training(c, h)
	if _, _, err := r.run(Train, attrs(c, false)); err == nil || !strings.Contains(err.Error(), "labels and w [steps*batch]") {
		t.Errorf("error %v", err)
	}
}
