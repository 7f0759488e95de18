package kernels

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
)

// The C code alone, without a session: tests called TestC need nothing of TensorFlow but
// its symbols.

const (
	valueTolerance    = 3e-6
	gradientTolerance = 3e-5
)

var plainCells = []string{CellReLU, CellTanh}

func forEachVariant(t *testing.T, run func(t *testing.T, isa, cell string)) {
	for _, isa := range ISAs() {
		for _, cell := range []string{CellReLU, CellTanh, CellLSTM, CellGRU} {
			t.Run(isa+"/"+cell, func(t *testing.T) { run(t, isa, cell) })
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
	if c.dx != nil {
		check("dx", c.dx, want.dx, gradientTolerance)
	}
	for i := range c.initial {
		check(fmt.Sprint("last ", i), c.last[i], want.last[i], valueTolerance)
		check(fmt.Sprint("dinitial ", i), c.dinitial[i], want.dinitial[i], gradientTolerance)
	}
	for i := range c.weights {
		check(fmt.Sprint("dweights ", i), c.dweights[i], want.dweights[i], gradientTolerance)
	}
}

func TestCUnits(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		for units := 1; units <= 130; units++ {
			if (testing.Short() || !slices.Contains(plainCells, cell)) && units > 40 && units%9 != 0 {
				continue
			}
			compare(t, newCalls(shape{3, 1 + units%7, 1 + units%3, units}, isa, cell, 1+units/2%2, 1+units%2, units%2 == 0, units%5 > 2))
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
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		for i, s := range shapes {
			if (testing.Short() || !slices.Contains(plainCells, cell)) && i%5 != 0 {
				continue
			}
			if testing.Short() && s.steps*s.batch*s.units*(s.inputs+s.units) > 1e6 { // minutes, where each access is checked
				continue
			}
			directions, threads := 1+i/3%2, 1+i%3
			compare(t, newCalls(s, isa, cell, directions, threads, i%2 == 0, i%7 > 3))
			if t.Failed() {
				t.Fatalf("with %v in %d directions on %d threads", s, directions, threads)
			}
		}
	})
}

// What is left out is zeros: no initial states and no gradient of the last ones.
func TestCLeftOut(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		given := newCalls(shape{7, 5, 3, 21}, isa, cell, 2, 2, true, false)
		for i := range given.initial {
			clear(given.initial[i])
			clear(given.dlast[i])
		}
		compare(t, given)
		without := newCalls(shape{7, 5, 3, 21}, isa, cell, 2, 2, true, false)
		for i := range without.initial {
			without.initial[i], without.dlast[i] = nil, nil
		}
		without.forward()
		without.backward()
		checkSame(t, without, given)
	})
}

// checkSame compares all results of two calls, bit by bit.
func checkSame(t *testing.T, a, b *call) {
	t.Helper()
	results := func(c *call) [][]float32 {
		return slices.Concat([][]float32{c.h, c.dx}, c.last, c.dinitial, c.dweights)
	}
	if !slices.EqualFunc(results(a), results(b), sameBits) {
		t.Error("other bits")
	}
}

// Without saved, as in predictions, forward gives the same.
func TestCPrediction(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		s := shape{5, 4, 2, 33}
		a, b := newCalls(s, isa, cell, 2, 1, false, true), newCalls(s, isa, cell, 2, 1, false, true)
		b.saved = nil
		a.forward()
		b.forward()
		if !sameBits(a.h, b.h) || !slices.EqualFunc(a.last, b.last, sameBits) {
			t.Error("other bits")
		}
	})
}

// Two directions are two calls, the second with its steps turned round.
func TestCDirections(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		s := shape{9, 5, 3, 20}
		both := newCalls(s, isa, cell, 2, 2, true, false)
		both.forward()
		for d := range 2 {
			one := newCall(s, isa, cell, 1, true)
			states, variables := len(one.initial), len(one.weights)
			copy(one.initial, both.initial[d*states:])
			copy(one.weights, both.weights[d*variables:])
			for i := range s.steps {
				from := i
				if d == 1 {
					from = s.steps - 1 - i
				}
				copy(one.x[i*s.batch*s.inputs:], both.x[from*s.batch*s.inputs:][:s.batch*s.inputs])
			}
			one.forward()
			if !slices.EqualFunc(one.last, both.last[d*states:][:states], sameBits) {
				t.Errorf("direction %d differs", d)
			}
		}
	})
}

// What lies in x behind a row's length has no part in anything, not even a NaN.
func TestCLengths(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		for _, directions := range []int{1, 2} {
			c := newCalls(shape{8, 11, 3, 20}, isa, cell, directions, 2, true, true)
			for i := range c.x {
				if i/c.inputs/c.batch >= c.length(i/c.inputs%c.batch) {
					c.x[i] = float32(math.NaN())
				}
			}
			compare(t, c)
			for i, v := range c.h {
				width := directions * c.units
				if i/width/c.batch >= c.length(i/width%c.batch) && v != 0 {
					t.Fatalf("h[%d] is %v behind the length", i, v)
				}
			}
		}
	})
}

// No step, or no row, leaves the state as it was and the weights without gradient.
func TestCEmpty(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		compare(t, newCall(shape{0, 3, 2, 9}, isa, cell, 2, true))
		compare(t, newCall(shape{4, 0, 2, 9}, isa, cell, 2, true))
	})
}

// TestCDenormal has states of which each would be a denormal number, in whatever thread it is computed.
func TestCDenormal(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		c := newCall(shape{50, 64, 1, 20}, isa, cell, 3, false)
		for i := range c.weights {
			clear(c.weights[i])
		}
		for i := range c.initial {
			clear(c.initial[i])
		}
		bias := c.weights[1] // of LSTM's j alone: it is what h comes from
		if cell == CellLSTM {
			bias = bias[c.units:][:c.units]
		} else if cell == CellGRU {
			bias = c.weights[3]
		}
		for i := range bias {
			bias[i] = 1e-39
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
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		const step, row, input = 2, 3, 1
		c := newCall(shape{5, 6, 2, 37}, isa, cell, 1, true)
		c.x[(step*c.batch+row)*c.inputs+input] = float32(math.NaN())
		c.forward()
		c.backward()
		back := cell != CellReLU
		rowOf := func(i, width int) bool { return i/width%c.batch == row }
		check := func(name string, got []float32, want func(i int) bool) {
			for i, value := range got {
				if got, want := value != value, want(i); got != want {
					t.Fatalf("%s at %d is %v, NaN wanted: %t", name, i, value, want)
				}
			}
		}
		check("h", c.h, func(i int) bool { return rowOf(i, c.units) && i/c.units/c.batch >= step })
		check("dx", c.dx, func(i int) bool { return back && rowOf(i, c.inputs) })
		for i := range c.last {
			check("last", c.last[i], func(i int) bool { return rowOf(i, c.units) })
			check("dinitial", c.dinitial[i], func(i int) bool { return back && rowOf(i, c.units) })
		}
		for i := range c.dweights {
			check(fmt.Sprint("dweights ", i), c.dweights[i], func(k int) bool {
				return back || i == 0 && (k/c.units == input || k/c.units >= c.inputs)
			})
		}
	})
}

// Central differences of the loss sum(h*dh) + sum(last*dlast), in float64 by the reference.
func TestCFiniteDifferences(t *testing.T) {
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		c := newCalls(shape{4, 3, 2, 5}, isa, cell, 2, 2, true, true)
		loss := func() float64 {
			r := reference(c)
			var sum float64
			for i, h := range r.h {
				sum += h * float64(c.dh[i])
			}
			for k, last := range r.last {
				for i, h := range last {
					sum += h * float64(c.dlast[k][i])
				}
			}
			return sum
		}
		c.forward()
		c.backward()
		check := func(name string, value, got []float32) {
			for i := range value {
				const step = 1.0 / 4096
				was := value[i]
				value[i] = was + step
				up, above := loss(), value[i]
				value[i] = was - step
				down, below := loss(), value[i]
				value[i] = was
				want := (up - down) / (float64(above) - float64(below))
				if d := math.Abs(float64(got[i]) - want); !(d <= 1e-3*max(1, math.Abs(want))) {
					t.Errorf("d%s[%d] = %v, finite difference %v", name, i, got[i], want)
				}
			}
		}
		check("x", c.x, c.dx)
		for i := range c.weights {
			check(fmt.Sprint("weights ", i), c.weights[i], c.dweights[i])
		}
		for i := range c.initial {
			check(fmt.Sprint("initial ", i), c.initial[i], c.dinitial[i])
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// The same bits run after run, also while others run.
func TestCDeterministic(t *testing.T) {
	times := 5
	if testing.Short() {
		times = 1
	}
	forEachVariant(t, func(t *testing.T, isa, cell string) {
		for threads := 1; threads <= 3; threads++ {
			run := func() *call {
				c := newCalls(shape{20, 10, 1, 100}, isa, cell, 1+threads%2, threads, true, false)
				c.forward()
				c.backward()
				return c
			}
			want := run()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range times {
						checkSame(t, run(), want)
					}
				})
			}
			all.Wait()
		}
	})
}

// checkFunction compares f, tiny arguments to huge ones, with want: relative error at most 2e-7, or absolute 2e-38.
func checkFunction(t *testing.T, name string, f func(x float32) float32, want func(float64) float64) {
	t.Helper()
	worst := 0.0
	check := func(x float32) {
		got, want := float64(f(x)), want(float64(x))
		diff := math.Abs(got - want)
		if !(diff <= 2e-7*math.Abs(want) || diff <= 2e-38) {
			t.Fatalf("%s(%v) = %v, want %v", name, x, got, want)
		}
		if math.Abs(want) > 1e-37 {
			worst = max(worst, diff/math.Abs(want))
		}
	}
	for x := 1e-20; x < 3e38; x *= 1.01 {
		check(float32(x))
		check(float32(-x))
	}
	for x := -100.0; x < 100; x += 0.0173 {
		check(float32(x))
	}
	check(0)
	check(float32(math.Inf(1)))
	check(float32(math.Inf(-1)))
	if v := f(float32(math.NaN())); v == v {
		t.Errorf("%s(NaN) is %v", name, v)
	}
	t.Logf("%s is at most %.2e off", name, worst)
}

// tanh and sigmoid by themselves: with U = 1 and no kernel h is tanh(bias), and with LSTM's other gates open or shut c is
// sigmoid(bias i).
func TestCFunctions(t *testing.T) {
	for _, isa := range ISAs() {
		c := newCall(shape{1, 1, 1, 1}, isa, CellTanh, 1, false)
		clear(c.weights[0])
		checkFunction(t, isa+": tanh", func(x float32) float32 {
			c.weights[1][0] = x
			c.forward()
			return c.h[0]
		}, math.Tanh)
		l := newCall(shape{1, 1, 1, 1}, isa, CellLSTM, 1, false)
		clear(l.weights[0])
		clear(l.initial[0])
		checkFunction(t, isa+": sigmoid", func(x float32) float32 {
			copy(l.weights[1], []float32{x, 20, 0, 0})
			l.forward()
			return l.last[0][0]
		}, sigmoid)
	}
}
