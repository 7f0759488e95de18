package kernels

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
)

// The C code alone, without a session: tests called TestC run where TensorFlow
// itself can't, as under AddressSanitizer.

const (
	valueTolerance    = 3e-6
	gradientTolerance = 3e-5
)

func forEachVariant(t *testing.T, run func(t *testing.T, isa string, tanh bool)) {
	for _, isa := range ISAs() {
		for _, tanh := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/tanh=%t", isa, tanh), func(t *testing.T) { run(t, isa, tanh) })
		}
	}
}

func compare(t *testing.T, c *call) {
	t.Helper()
	c.forward()
	c.backward()
	want := reference(c)
	check := func(name string, got []float32, want []float64, tolerance float64) {
		t.Helper()
		if d := distance(got, want); !(d <= tolerance) {
			t.Errorf("%s is %.1e from the float64 reference, want at most %.0e", name, d, tolerance)
		}
	}
	check("h", c.h, want.h, valueTolerance)
	check("last", c.last, want.last, valueTolerance)
	check("dkernel", c.dkernel, want.dkernel, gradientTolerance)
	check("dbias", c.dbias, want.dbias, gradientTolerance)
	check("dh0", c.dh0, want.dh0, gradientTolerance)
	if c.dx != nil {
		check("dx", c.dx, want.dx, gradientTolerance)
	}
}

func TestCUnits(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		for units := 1; units <= 130; units++ {
			if testing.Short() && units > 40 && units%9 != 0 {
				continue
			}
			compare(t, newCall(shape{3, 1 + units%7, 1 + units%3, units}, isa, tanh, 1+units%2, units%2 == 0))
			if t.Failed() {
				t.Fatalf("with %d units", units)
			}
		}
	})
}

func TestCShapes(t *testing.T) {
	var shapes []shape
	for _, steps := range []int{1, 2, 20} {
		for _, batch := range []int{1, 3, 10, 65, 131} {
			for _, inputs := range []int{1, 2, 17} {
				for _, units := range []int{1, 16, 33, 100} {
					shapes = append(shapes, shape{steps, batch, inputs, units})
				}
			}
		}
	}
	shapes = append(shapes, shape{70, 5, 1, 32}, shape{3, 300, 2, 40}, shape{2, 67, 3, 512}, shape{300, 1, 2, 64})
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		for i, s := range shapes {
			if testing.Short() && i%5 != 0 {
				continue
			}
			threads := 1 + i%3
			compare(t, newCall(s, isa, tanh, threads, i%2 == 0))
			if t.Failed() {
				t.Fatalf("with %v on %d threads", s, threads)
			}
		}
	})
}

// No step, or no row, leaves the state as it was and the weights without gradient.
func TestCEmpty(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		compare(t, newCall(shape{0, 3, 2, 9}, isa, tanh, 2, true))
		compare(t, newCall(shape{4, 0, 2, 9}, isa, tanh, 2, true))
	})
}

// TestCDenormal has states of which each would be a denormal number, in whatever thread it is computed.
func TestCDenormal(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		c := newCall(shape{50, 64, 1, 20}, isa, tanh, 3, false)
		clear(c.kernel)
		for i := range c.bias {
			c.bias[i] = 1e-39
		}
		c.forward()
		for i, v := range c.h {
			if v != 0 {
				t.Fatalf("h[%d] is %v, want 0", i, v)
			}
		}
	})
}

// TestCNaN puts one NaN into x, which must be found in everything it has a part in, and nowhere else. ReLU's gradient is
// zero where the state is NaN, as TensorFlow's, so that there it comes back only with the states themselves.
func TestCNaN(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		const step, row, input = 2, 3, 1
		c := newCall(shape{5, 6, 2, 37}, isa, tanh, 1, true)
		c.x[(step*c.batch+row)*c.inputs+input] = float32(math.NaN())
		c.forward()
		c.backward()
		rowOf := func(i, width int) bool { return i/width%c.batch == row }
		for _, v := range []struct {
			name string
			got  []float32
			want func(i int) bool
		}{
			{"h", c.h, func(i int) bool { return rowOf(i, c.units) && i/c.units/c.batch >= step }},
			{"last", c.last, func(i int) bool { return rowOf(i, c.units) }},
			{"dkernel", c.dkernel, func(i int) bool { return tanh || i/c.units == input || i/c.units >= c.inputs }},
			{"dbias", c.dbias, func(int) bool { return tanh }},
			{"dx", c.dx, func(i int) bool { return tanh && rowOf(i, c.inputs) }},
			{"dh0", c.dh0, func(i int) bool { return tanh && rowOf(i, c.units) }},
		} {
			for i, value := range v.got {
				if got, want := value != value, v.want(i); got != want {
					t.Fatalf("%s at %d is %v, NaN wanted: %t", v.name, i, value, want)
				}
			}
		}
	})
}

// Central differences of the loss sum(h*dh) + sum(last*dlast), in float64 by the reference.
func TestCFiniteDifferences(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		c := newCall(shape{4, 3, 2, 6}, isa, tanh, 2, true)
		loss := func() float64 {
			r := reference(c)
			var sum float64
			for i, h := range r.h {
				sum += h * float64(c.dh[i])
			}
			for i, h := range r.last {
				sum += h * float64(c.dlast[i])
			}
			return sum
		}
		c.forward()
		c.backward()
		for _, v := range []struct {
			name       string
			value, got []float32
		}{
			{"x", c.x, c.dx}, {"kernel", c.kernel, c.dkernel}, {"bias", c.bias, c.dbias}, {"h0", c.h0, c.dh0},
		} {
			for i := range v.value {
				const step = 1.0 / 4096
				was := v.value[i]
				v.value[i] = was + step
				up, above := loss(), v.value[i]
				v.value[i] = was - step
				down, below := loss(), v.value[i]
				v.value[i] = was
				want := (up - down) / (float64(above) - float64(below))
				if d := math.Abs(float64(v.got[i]) - want); !(d <= 1e-3*max(1, math.Abs(want))) {
					t.Errorf("d%s[%d] = %v, finite difference %v", v.name, i, v.got[i], want)
				}
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// The same bits run after run, also while others run.
func TestCDeterministic(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa string, tanh bool) {
		for threads := 1; threads <= 3; threads++ {
			s := shape{20, 10, 1, 100}
			want := newCall(s, isa, tanh, threads, false)
			want.forward()
			want.backward()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 10 {
						c := newCall(s, isa, tanh, threads, false)
						c.forward()
						c.backward()
						if !sameBits(c.h, want.h) || !sameBits(c.dkernel, want.dkernel) || !sameBits(c.dbias, want.dbias) ||
							!sameBits(c.dh0, want.dh0) {
							t.Errorf("other bits on %d threads", threads)
							return
						}
					}
				})
			}
			all.Wait()
		}
	})
}

// tanh itself, from tiny arguments to where it is 1: with U = 1 and no kernel h is tanh(bias).
func TestCTanh(t *testing.T) {
	for _, isa := range ISAs() {
		c := newCall(shape{1, 1, 1, 1}, isa, true, 1, false)
		c.kernel = []float32{0, 0}
		for x := 1e-20; x < 1e5; x *= 1.01 {
			for _, sign := range []float64{1, -1} {
				c.bias[0] = float32(sign * x)
				c.forward()
				want := math.Tanh(float64(c.bias[0]))
				if d := math.Abs(float64(c.h[0]) - want); !(d <= 4e-7*math.Abs(want)) {
					t.Fatalf("%s: tanh(%v) = %v, want %v", isa, c.bias[0], c.h[0], want)
				}
			}
		}
		for _, x := range []float64{math.Inf(1), math.Inf(-1), 0} {
			c.bias[0] = float32(x)
			if c.forward(); float64(c.h[0]) != math.Tanh(x) {
				t.Errorf("%s: tanh(%v) = %v", isa, x, c.h[0])
			}
		}
	}
}
