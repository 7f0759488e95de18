package kernels

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// plan feeds the batch op: rows of two features, a plan of two steps with two
// windows each.
func (r *runner) plan(starts []int32, at int32) {
	r.input("x", []float32{0, 10, 1, 11, 2, 12, 3, 13, 4, 14}, 5, 2)
	r.input("y", []float32{0, 1, 2, 3, 4}, 5)
	r.input("w", []float32{5, 6, 7, 8, 9}, 5)
	r.ints("starts", starts, 2, 2)
	r.input("rates", []float32{.5, .25}, 2)
	r.ints("at", []int32{at})
}

func TestBatch(t *testing.T) {
	r := newRunner(t, false)
	r.plan([]int32{0, 0, 2, 0}, 1)
	got, _, err := r.run(Batch, map[string]any{AttrSteps: int64(3)})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float32{
		{2, 12, 0, 10, 3, 13, 1, 11, 4, 14, 2, 12},
		{2, 0, 3, 1, 4, 2},
		{7, 5, 8, 6, 9, 7},
		{.25},
	}
	if fmt.Sprint(got[0].Shape()) != "[3 2 2]" {
		t.Errorf("shape %v", got[0].Shape())
	}
	for i := range want {
		if v := flat(t, got[i]); !slices.Equal(v, want[i]) {
			t.Errorf("output %d: %v, want %v", i, v, want[i])
		}
	}
}

func TestBatchRefuses(t *testing.T) {
	for _, c := range []struct {
		starts []int32
		at     int32
		want   string
	}{
		{[]int32{0, 0, 3, 0}, 1, "a window of 3 steps at row 3 is not within 5 rows"},
		{[]int32{-1, 0, 0, 0}, 0, "at row -1"},
		{[]int32{0, 0, 0, 0}, 2, "0 <= at < K"},
	} {
		r := newRunner(t, false)
		r.plan(c.starts, c.at)
		if _, _, err := r.run(Batch, map[string]any{AttrSteps: int64(3)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("starts %v at %d: error %v", c.starts, c.at, err)
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
		r.ints("at", []int32{1})
		r.input("loss", []float32{c.loss})
		r.input("norm", []float32{c.norm})
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
