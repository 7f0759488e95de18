package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// xentCase are logits [N,C] and what they are to be: a class each, and, for the op that
// takes them, probabilities [N,C].
type xentCase struct {
	classes         int
	logits, targets []float32
	labels          []int32
}

// randomXent has logits of the size scale, and targets of a class in half of the rows.
func randomXent(rows, classes int, scale float64) xentCase {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(classes)))
	c := xentCase{classes, random(r, rows*classes, scale), make([]float32, rows*classes), make([]int32, rows)}
	for i := range rows {
		c.labels[i] = r.Int32N(int32(classes))
		if c.targets[i*classes+int(c.labels[i])] = 1; i%2 == 1 {
			for k := range classes {
				c.targets[i*classes+k] = r.Float32() / float32(classes)
			}
		}
	}
	return c
}

// run is the loss and the gradient of TensorFlow's op of a kind, by its own kernel where
// attrs are nil.
func (c xentCase) run(t *testing.T, kind string, attrs map[string]any) (loss, gradient []float32) {
	t.Helper()
	out, err := c.try(t, kind, attrs)
	if err != nil {
		t.Fatal(err)
	}
	return flat(t, out[0]), flat(t, out[1])
}

func (c xentCase) try(t *testing.T, kind string, attrs map[string]any) ([]*tf.Tensor, error) {
	t.Helper()
	r := newRunner(t)
	dims := []int64{int64(len(c.labels)), int64(c.classes)}
	r.input("logits", c.logits, dims...)
	if kind == Xent {
		r.input("targets", c.targets, dims...)
	} else {
		r.ints("labels", c.labels, dims[0])
	}
	return r.run(kind, attrs)
}

// forEachXent runs a test for both ops, on each instruction set.
func forEachXent(t *testing.T, test func(t *testing.T, kind, isa string)) {
	for _, kind := range []string{Xent, SparseXent} {
		for _, isa := range ISAs() {
			t.Run(kind+"/"+isa, func(t *testing.T) { test(t, kind, isa) })
		}
	}
}

// TestXentIsTensorFlows compares with TensorFlow's kernels, to the rounding of sums over
// the classes, and asks which have run.
func TestXentIsTensorFlows(t *testing.T) {
	forEachXent(t, func(t *testing.T, kind, isa string) {
		for _, classes := range []int{1, 2, 3, 7, 16, 33, 200} {
			for _, rows := range []int{0, 1, 15, 16, 17, 65} {
				for _, scale := range []float64{1e-3, 1, 30, 1e4} {
					c := randomXent(rows, classes, scale)
					before := XentRuns()
					loss, gradient := c.run(t, kind, Labelled(isa))
					if n := XentRuns() - before; n != 1 {
						t.Fatalf("our kernel has run %d times", n)
					}
					wantLoss, wantGradient := c.run(t, kind, nil)
					if n := XentRuns() - before; n != 1 {
						t.Fatalf("our kernel has run without being chosen")
					}
					what := fmt.Sprintf("%d rows of %d classes, size %v", rows, classes, scale)
					closeTo(t, what+": loss", loss, wantLoss, 3e-7*max(1, math.Sqrt(float64(classes))/2))
					closeTo(t, what+": gradient", gradient, wantGradient, 3e-7)
				}
			}
		}
	})
}

// closeTo compares to a tolerance, relative above 1.
func closeTo(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - float64(w)); !(d <= tolerance*max(1, math.Abs(float64(w)))) {
			t.Fatalf("%s: value %d is %v, TensorFlow's %v", what, i, got[i], w)
		}
	}
}

// TestXentNotFinite: what is infinite or not a number in TensorFlow is so here, for a
// training that diverges must show.
func TestXentNotFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, 1, -1, 88, -88, 3e38, -3e38, inf, -inf, nan}
	for _, classes := range []int{2, 3} {
		c := xentCase{classes: classes}
		for _, a := range values {
			for _, b := range values {
				for label := range classes {
					row, target := make([]float32, classes), make([]float32, classes)
					row[0], row[classes-1], target[label] = a, b, 1
					c.logits, c.targets = append(c.logits, row...), append(c.targets, target...)
					c.labels = append(c.labels, int32(label))
				}
			}
		}
		forEachXent(t, func(t *testing.T, kind, isa string) {
			loss, gradient := c.run(t, kind, Labelled(isa))
			wantLoss, wantGradient := c.run(t, kind, nil)
			for i := range loss {
				what := fmt.Sprint("logits ", c.logits[i*classes:][:classes], ", label ", c.labels[i])
				sameKind(t, what+": loss", loss[i], wantLoss[i])
				for k := range classes {
					sameKind(t, what+": gradient", gradient[i*classes+k], wantGradient[i*classes+k])
				}
			}
		})
	}
}

// sameKind wants got to be infinite or not a number where want is, and near it elsewhere.
func sameKind(t *testing.T, what string, got, want float32) {
	t.Helper()
	switch g, w := float64(got), float64(want); {
	case math.IsNaN(w), math.IsInf(w, 0):
		if g != w && !(math.IsNaN(g) && math.IsNaN(w)) {
			t.Errorf("%s is %v, TensorFlow's %v", what, got, want)
		}
	case !(math.Abs(g-w) <= 3e-7*max(1, math.Abs(w))):
		t.Errorf("%s is %v, TensorFlow's %v", what, got, want)
	}
}

func TestXentRefuses(t *testing.T) {
	labelled := func(c xentCase, labels ...int32) xentCase {
		c.labels = labels
		return c
	}
	const shape = ", as many as logits [3, 2] has"
	good := randomXent(3, 2, 1)
	for _, test := range []struct {
		name, kind, want string
		c                xentCase
		attrs            map[string]any
	}{
		{"label above", SparseXent, "label 2 of row 1 is not from 0 to 1", labelled(good, 0, 2, 1), Labelled(ISAAuto)},
		{"label below", SparseXent, "label -1 of row 2 is not from 0 to 1", labelled(good, 0, 0, -1), Labelled(ISAAuto)},
		{"no class", Xent, "of at least one class", xentCase{labels: make([]int32, 3)}, Labelled(ISAAuto)},
		{"instruction set", Xent, "no instruction set called 'mmx'", good, Labelled("mmx")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.c.try(t, test.kind, test.attrs); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	for _, test := range []struct {
		kind, want string
		labels     func(r *runner)
	}{
		{Xent, "want labels [rows, classes]" + shape, func(r *runner) { r.input("labels", []float32{0, 1}, 1, 2) }},
		{Xent, "want labels [rows, classes]" + shape, func(r *runner) { r.input("labels", []float32{0, 1, 1}, 3, 1) }},
		{SparseXent, "want labels [rows]" + shape, func(r *runner) { r.ints("labels", []int32{0, 1}, 2) }},
	} {
		r := newRunner(t)
		r.input("logits", good.logits, 3, 2)
		test.labels(r)
		if _, err := r.run(test.kind, Labelled(ISAAuto)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}
