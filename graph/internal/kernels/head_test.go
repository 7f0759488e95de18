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

// headCase is a head's input, and what float64 makes of it.
type headCase struct {
	steps, batch, units, outputs int
	h, kernel, bias, labels, w   []float32
}

func newHeadCase(steps, batch, units, outputs int) *headCase {
	r := rand.New(rand.NewPCG(3, 4))
	normal := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v
	}
	rows := steps * batch
	c := &headCase{steps: steps, batch: batch, units: units, outputs: outputs,
		h: normal(rows * units), kernel: normal(units * outputs), bias: normal(outputs)}
	for range rows {
		c.labels = append(c.labels, float32(r.IntN(max(2, outputs))))
		c.w = append(c.w, float32(r.IntN(3)))
	}
	return c
}

// reference is the head in float64: mean, dh, dkernel, dbias.
func (c *headCase) reference() [4][]float64 {
	rows, total := c.steps*c.batch, 0.0
	for _, w := range c.w {
		total += float64(w)
	}
	mean, dh := 0.0, make([]float64, len(c.h))
	dkernel, dbias := make([]float64, len(c.kernel)), make([]float64, c.outputs)
	for r := range rows {
		loss, d := c.row(r)
		share := 0.0
		if total > 0 {
			share = float64(c.w[r]) / total
		}
		mean += loss * share
		for o := range c.outputs {
			g := d[o] * share
			dbias[o] += g
			for k := range c.units {
				dkernel[k*c.outputs+o] += float64(c.h[r*c.units+k]) * g
				dh[r*c.units+k] += float64(c.kernel[k*c.outputs+o]) * g
			}
		}
	}
	return [4][]float64{{mean}, dh, dkernel, dbias}
}

// row is the loss of one row and its gradient by the logits.
func (c *headCase) row(r int) (loss float64, gradient []float64) {
	z := make([]float64, c.outputs)
	for o := range z {
		z[o] = float64(c.bias[o])
		for k := range c.units {
			z[o] += float64(c.h[r*c.units+k]) * float64(c.kernel[k*c.outputs+o])
		}
	}
	label := float64(c.labels[r])
	if c.outputs == 1 {
		return (z[0] - label) * (z[0] - label), []float64{2 * (z[0] - label)}
	}
	sum := 0.0
	for _, v := range z {
		sum += math.Exp(v)
	}
	gradient = make([]float64, c.outputs)
	for o := range z {
		gradient[o] = math.Exp(z[o]) / sum
	}
	gradient[int(label)]--
	return math.Log(sum) - z[int(label)], gradient
}

func (c *headCase) run(t *testing.T, isa string) ([]*tf.Tensor, error) {
	t.Helper()
	r := newRunner(t, false)
	s, b, u, o := int64(c.steps), int64(c.batch), int64(c.units), int64(c.outputs)
	r.input("h", c.h, s, b, u)
	r.input("kernel", c.kernel, u, o)
	r.input("bias", c.bias, o)
	if c.outputs == 1 {
		r.input("labels", c.labels, s*b)
	} else {
		r.classes(c.labels)
	}
	r.input("w", c.w, s*b)
	got, _, err := r.run(Head, map[string]any{AttrISA: isa})
	return got, err
}

// classes feeds labels as int32.
func (r *runner) classes(labels []float32) {
	r.t.Helper()
	v := make([]int32, len(labels))
	for i, l := range labels {
		v[i] = int32(l)
	}
	value, err := tf.NewTensor(v)
	if err != nil {
		r.t.Fatal(err)
	}
	p := op.Placeholder(r.scope.SubScope("labels"), tf.Int32, op.PlaceholderShape(tf.MakeShape(int64(len(v)))))
	r.feeds[p] = value
	r.inputs = append(r.inputs, p)
}

func TestHead(t *testing.T) {
	for _, c := range []*headCase{
		newHeadCase(20, 10, 100, 2),
		newHeadCase(20, 10, 100, 1),
		newHeadCase(1, 1, 1, 2),
		newHeadCase(3, 7, 17, 3),
		newHeadCase(5, 33, 130, 1),
	} {
		for _, isa := range ISAs() {
			t.Run(fmt.Sprintf("%dx%dx%dx%d/%s", c.steps, c.batch, c.units, c.outputs, isa), func(t *testing.T) {
				got, err := c.run(t, isa)
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range c.reference() {
					compareHead(t, []string{"mean", "dh", "dkernel", "dbias"}[i], flat(t, got[i]), want)
				}
			})
		}
	}
}

// compareHead allows what float32 sums of some hundred terms lose, on the scale of
// the largest value.
func compareHead(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= 5e-6*scale) {
			t.Fatalf("%s[%d] = %v, float64 has %v", name, i, got[i], w)
		}
	}
}

func TestHeadWithoutWeights(t *testing.T) {
	c := newHeadCase(2, 3, 5, 2)
	clear(c.w)
	got, err := c.run(t, ISAAuto)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		for _, x := range flat(t, v) {
			if x != 0 {
				t.Errorf("output %d has %v", i, x)
			}
		}
	}
}

func TestHeadSpreadsNaN(t *testing.T) {
	for _, outputs := range []int{1, 2} {
		c := newHeadCase(2, 3, 5, outputs)
		c.w[0], c.h[0] = 1, float32(math.NaN())
		got, err := c.run(t, ISAAuto)
		if err != nil {
			t.Fatal(err)
		}
		if mean := got[0].Value().(float32); !math.IsNaN(float64(mean)) {
			t.Errorf("%d outputs: mean %v", outputs, mean)
		}
	}
}

func TestHeadRefusesShapes(t *testing.T) {
	c := newHeadCase(2, 3, 5, 2)
	c.w = c.w[:5]
	r := newRunner(t, false)
	r.input("h", c.h, 2, 3, 5)
	r.input("kernel", c.kernel, 5, 2)
	r.input("bias", c.bias, 2)
	r.classes(c.labels)
	r.input("w", c.w, 5)
	if _, _, err := r.run(Head, map[string]any{AttrISA: ISAAuto}); err == nil || !strings.Contains(err.Error(), "labels and w [steps*batch]") {
		t.Errorf("error %v", err)
	}
}

func TestGlobalNorm(t *testing.T) {
	var squares float64
	a, b := make([]float32, 3000), make([]float32, 7)
	for i := range a {
		a[i] = float32(i%13) - 6
		squares += float64(a[i]) * float64(a[i])
	}
	for i := range b {
		b[i] = 100
		squares += 1e4
	}
	r := newRunner(t, false)
	r.input("a", a, 3000)
	r.input("b", b, 7)
	list := tf.OutputList{r.inputs[0].(tf.Output), r.inputs[1].(tf.Output)}
	r.inputs = []tf.Input{list}
	got, _, err := r.run(GlobalNorm, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := float64(got[0].Value().(float32)); math.Abs(v-math.Sqrt(squares)) > 1e-6*v {
		t.Errorf("norm %v, want %v", v, math.Sqrt(squares))
	}
}
