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
	diff, size := extent(got, want)
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

// TestCTrainLogits gives all rows the same two logits, by the projection's bias,
// from ties to differences that leave float32's range.
func TestCTrainLogits(t *testing.T) {
	const rounding = 3e-7
	pairs := [][2]float32{{0, 0}, {1, 1}, {0.3, -0.2}, {-3, 4}, {10, -6}, {-20, 20}, {60, -50}, {-90, 90}, {1e4, 0}, {-1e30, 1e30}, {-3e38, 3e38}}
	for _, isa := range ISAs() {
		for _, z := range pairs {
			for label := range 2 {
				c := newTraining(shape{3, 7, 2, 5}, isa, false, 1)
				h := newHead(shape{3, 7, 2, 5}, 2)
				clear(h.projection)
				copy(h.bias, z[:])
				for i := range h.labels {
					h.labels[i], h.w[i] = float32(label), 1
				}
				c.forward()
				c.train(h)
				gap := float64(z[1-label]) - float64(z[label]) // by which the other is ahead
				loss, wrong := max(gap, 0)+math.Log1p(math.Exp(-math.Abs(gap))), 1/(1+math.Exp(-gap))
				if math.Abs(gap) > math.MaxFloat32 {
					loss = float64(float32(loss)) // infinite, too
				}
				gradient := []float64{wrong, wrong}
				gradient[label] = -wrong
				for i, want := range append(gradient, loss) {
					got := float64(append(h.dprojbias, h.mean[0])[i])
					if d := math.Abs(got - want); got != want && !(d <= rounding*max(1, math.Abs(want))) {
						t.Errorf("%s, logits %v, label %d: value %d is %v, want %v", isa, z, label, i, got, want)
					}
				}
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

// training feeds the op with a plan of one step.
func (r *runner) training(c *call, h *head) {
	f, u, o := int64(c.inputs), int64(c.units), int64(h.outputs)
	x, y, w, starts := h.series(c)
	r.input("x", x, int64(len(x))/f, f)
	r.ints("y", classesOf(y), int64(len(y)))
	r.input("w", w, int64(len(w)))
	r.ints("starts", starts, 1, int64(len(starts)))
	r.input("rates", []float32{.25}, 1)
	r.ints("at", []int32{0}, 1)
	r.input("kernel", c.kernel, f+u, u)
	r.input("bias", c.bias, u)
	r.input("projection", h.projection, u, o)
	r.input("projection_bias", h.bias, o)
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

func trainAttrs(c *call) map[string]any {
	a := attrs(c, false)
	a[AttrSteps] = int64(c.steps)
	return a
}

// The op gives what the C code does, the norm and the plan's rate.
func TestTrain(t *testing.T) {
	s := shape{4, 3, 2, 9}
	c, h := newTraining(s, ISAs()[0], false, 1), newHead(s, 2)
	c.train(h)
	r := newRunner(t, false)
	r.training(c, h)
	got, _, err := r.run(Train, trainAttrs(c))
	if err != nil {
		t.Fatal(err)
	}
	squares := 0.0
	for _, grad := range [][]float32{h.dkernel, h.dbias, h.dprojection, h.dprojbias} {
		for _, v := range grad {
			squares += float64(v) * float64(v)
		}
	}
	if norm := float64(got[1].Value().(float32)); math.Abs(norm-math.Sqrt(squares)) > 1e-6*norm {
		t.Errorf("norm %v, want %v", norm, math.Sqrt(squares))
	}
	if got[2].Value().(float32) != .25 {
		t.Errorf("rate %v", got[2].Value())
	}
	for i, want := range map[int][]float32{0: h.mean, 3: h.dkernel, 4: h.dbias, 5: h.dprojection, 6: h.dprojbias} {
		if fmt.Sprint(flat(t, got[i])) != fmt.Sprint(want) {
			t.Errorf("output %d: %v, want %v", i, flat(t, got[i]), want)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	s := shape{4, 3, 2, 9}
	for want, spoil := range map[string]func(c *call, r *runner){
		"want kernel [inputs+units, units]":                  func(c *call, r *runner) { r.inputs[6], r.inputs[8] = r.inputs[8], r.inputs[6] },
		"y and w [rows]":                                     func(c *call, r *runner) { r.inputs[2] = r.inputs[4] },
		"a window of 5 steps at row 8 is not within 12 rows": func(c *call, r *runner) { c.steps = 5 },
		"steps": func(c *call, r *runner) { c.steps = 0 },
		"bias [units]": func(c *call, r *runner) {
			r.input("deep", c.bias, 1, 1, int64(c.units))
			r.inputs[7], r.inputs = r.inputs[10], r.inputs[:10]
		},
	} {
		c, h := newTraining(s, ISAs()[0], false, 1), newHead(s, 2)
		r := newRunner(t, false)
		r.training(c, h)
		spoil(c, r)
		if _, _, err := r.run(Train, trainAttrs(c)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRecord(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		loss, norm float32
		next       int32
	}{{.5, 2, 2}, {inf, 2, math.MaxInt32}, {.5, float32(math.NaN()), math.MaxInt32}} {
		r := newRunner(t, false)
		r.input("report", []float32{1, 2, 3, 4, 5, 6}, 3, 2)
		r.ints("at", []int32{1}, 1)
		r.input("loss", []float32{c.loss}, 1)
		r.input("norm", []float32{c.norm}, 1)
		got, _, err := r.run(Record, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint([]float32{1, 2, c.loss, c.norm, 5, 6})
		if v := flat(t, got[0]); fmt.Sprint(v) != want {
			t.Errorf("report %v, want %v", v, want)
		}
		if next := got[1].Value().(int32); next != c.next {
			t.Errorf("next %d, want %d", next, c.next)
		}
	}
}
