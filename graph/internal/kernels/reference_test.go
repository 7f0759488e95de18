package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// shape is one case: T steps, B batch rows, F inputs, U units.
type shape struct{ steps, batch, inputs, units int }

func (s shape) String() string {
	return fmt.Sprintf("T%d_B%d_F%d_U%d", s.steps, s.batch, s.inputs, s.units)
}

func random(r *rand.Rand, n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * scale)
	}
	return v
}

func nans(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// weightShapes are those of a cell's variables as TensorFlow 1 has them, and its number of states.
func weightShapes(cell string, f, u int) (shapes [][]int64, states int) {
	in, n := int64(f), int64(u)
	switch cell {
	case CellLSTM:
		return [][]int64{{in + n, 4 * n}, {4 * n}}, 2
	case CellGRU:
		return [][]int64{{in + n, 2 * n}, {2 * n}, {in, n}, {n}, {n, n}, {n}}, 1
	default:
		return [][]int64{{in + n, n}, {n}}, 1
	}
}

// newCall makes random inputs and outputs full of NaN, which the C code must overwrite.
func newCall(s shape, isa, cell string, threads int, dx bool) *call {
	return newCalls(s, isa, cell, 1, threads, dx, false)
}

// newCalls has so many directions and, if lengths is true, rows of several lengths, none among them.
func newCalls(s shape, isa, cell string, directions, threads int, dx, lengths bool) *call {
	r := rand.New(rand.NewPCG(1, uint64(s.units)))
	t, b, f, u := s.steps, s.batch, s.inputs, s.units
	c := &call{
		isa: isa, cell: cell, directions: directions, threads: threads, steps: t, batch: b, inputs: f, units: u,
		x: random(r, t*b*f, 1), h: nans(t * b * u * directions),
	}
	shapes, states := weightShapes(cell, f, u)
	for range directions {
		for _, s := range shapes {
			n, scale := int(s[0]), .1
			if len(s) == 2 {
				n, scale = int(s[0]*s[1]), 1/math.Sqrt(float64(u))
			}
			c.weights, c.dweights = append(c.weights, random(r, n, scale)), append(c.dweights, nans(n))
		}
	}
	for range directions * states {
		c.initial, c.last, c.dinitial = append(c.initial, random(r, b*u, .5)), append(c.last, nans(b*u)), append(c.dinitial, nans(b*u))
	}
	c.dh = random(r, t*b*u*directions, 1)
	for range directions * states {
		c.dlast = append(c.dlast, random(r, b*u, 1))
	}
	if dx {
		c.dx = nans(t * b * f)
	}
	if lengths {
		for n := range b {
			c.lengths = append(c.lengths, int32((t+n*(t/2+1))%(t+1)))
		}
	}
	c.saved = nans(directions * c.savedFloats())
	return c
}

func (c *call) length(row int) int {
	if c.lengths == nil {
		return c.steps
	}
	return int(c.lengths[row])
}

// reference64 holds what a call should give.
type reference64 struct {
	h, dx                    []float64
	last, dinitial, dweights [][]float64
}

// affine is in kernel + bias. Back takes the gradient with respect to that, adds those of the variables to dkernel and
// dbias and returns that with respect to in.
func affine(in []float64, kernel, bias []float32, dkernel, dbias []float64) (out []float64, back func(d []float64) []float64) {
	n := len(bias)
	out = make([]float64, n)
	for j := range out {
		out[j] = float64(bias[j])
	}
	for k, v := range in {
		for j, w := range kernel[k*n:][:n] {
			out[j] += v * float64(w)
		}
	}
	return out, func(d []float64) []float64 {
		din := make([]float64, len(in))
		for j := range d {
			dbias[j] += d[j]
		}
		for k, v := range in {
			for j, w := range kernel[k*n:][:n] {
				dkernel[k*n+j] += v * d[j]
				din[k] += d[j] * float64(w)
			}
		}
		return din
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func join(a, b []float64) []float64 { return append(append([]float64(nil), a...), b...) }

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	return out
}

// stepBack takes the gradients with respect to the states after a step and returns those before it and that of x.
type stepBack func(g [][]float64) (before [][]float64, dx []float64)

// stepPlain is one row of one step of relu and tanh. Own is h as the call has it, from which backward starts, as the op
// does: ReLU's gradient jumps.
func stepPlain(cell string, x []float64, state [][]float64, own []float64, w [][]float32, dw [][]float64) ([][]float64, stepBack) {
	a, back := affine(join(x, state[0]), w[0], w[1], dw[0], dw[1])
	h := make([]float64, len(a))
	for j := range a {
		if cell == CellTanh {
			h[j] = math.Tanh(a[j])
		} else if !(a[j] < 0) {
			h[j] = a[j]
		}
	}
	return [][]float64{h}, func(g [][]float64) ([][]float64, []float64) {
		da := make([]float64, len(a))
		for j, h := range own {
			if cell == CellTanh {
				da[j] = g[0][j] * (1 - h*h)
			} else if h > 0 {
				da[j] = g[0][j]
			}
		}
		din := back(da)
		return [][]float64{din[len(x):]}, din[:len(x)]
	}
}

func stepLSTM(x []float64, state [][]float64, w [][]float32, dw [][]float64) ([][]float64, stepBack) {
	a, back := affine(join(x, state[1]), w[0], w[1], dw[0], dw[1])
	u := len(a) / 4
	c, h := make([]float64, u), make([]float64, u)
	gates := func(k int) (i, j, f, o float64) {
		return sigmoid(a[k]), math.Tanh(a[u+k]), sigmoid(a[2*u+k] + 1), sigmoid(a[3*u+k])
	}
	for k := range u {
		i, j, f, o := gates(k)
		c[k] = state[0][k]*f + i*j
		h[k] = math.Tanh(c[k]) * o
	}
	return [][]float64{c, h}, func(g [][]float64) ([][]float64, []float64) {
		da, dc := make([]float64, 4*u), make([]float64, u)
		for k := range u {
			i, j, f, o := gates(k)
			y := math.Tanh(c[k])
			d := g[0][k] + g[1][k]*o*(1-y*y)
			da[k], da[u+k] = d*j*i*(1-i), d*i*(1-j*j)
			da[2*u+k], da[3*u+k] = d*state[0][k]*f*(1-f), g[1][k]*y*o*(1-o)
			dc[k] = d * f
		}
		din := back(da)
		return [][]float64{dc, din[len(x):]}, din[:len(x)]
	}
}

func stepGRU(x []float64, state [][]float64, w [][]float32, dw [][]float64) ([][]float64, stepBack) {
	before := state[0]
	u := len(before)
	gates, backGates := affine(join(x, before), w[0], w[1], dw[0], dw[1])
	nx, backX := affine(x, w[2], w[3], dw[2], dw[3])
	nh, backH := affine(before, w[4], w[5], dw[4], dw[5])
	h := make([]float64, u)
	values := func(k int) (r, z, n float64) {
		r, z = sigmoid(gates[k]), sigmoid(gates[u+k])
		return r, z, math.Tanh(nx[k] + r*nh[k])
	}
	for k := range u {
		_, z, n := values(k)
		h[k] = (1-z)*n + z*before[k]
	}
	return [][]float64{h}, func(g [][]float64) ([][]float64, []float64) {
		dgates, dnx, dnh, dh := make([]float64, 2*u), make([]float64, u), make([]float64, u), make([]float64, u)
		for k := range u {
			r, z, n := values(k)
			dnx[k] = g[0][k] * (1 - z) * (1 - n*n)
			dnh[k] = dnx[k] * r
			dgates[k], dgates[u+k] = dnx[k]*nh[k]*r*(1-r), g[0][k]*(before[k]-n)*z*(1-z)
			dh[k] = g[0][k] * z
		}
		din, dx := backGates(dgates), backX(dnx)
		for k, v := range backH(dnh) {
			dh[k] += v + din[len(x)+k]
		}
		for k := range dx {
			dx[k] += din[k]
		}
		return [][]float64{dh}, dx
	}
}

// reference computes a call in float64, straight from the definition.
func reference(c *call) reference64 {
	r := reference64{h: make([]float64, len(c.h)), dx: make([]float64, c.steps*c.batch*c.inputs)}
	for _, w := range c.weights {
		r.dweights = append(r.dweights, make([]float64, len(w)))
	}
	for range c.initial {
		r.last, r.dinitial = append(r.last, make([]float64, c.batch*c.units)), append(r.dinitial, make([]float64, c.batch*c.units))
	}
	for d := range c.directions {
		for row := range c.batch {
			r.sequence(c, d, row)
		}
	}
	return r
}

// sequence adds one row of the batch in one direction.
func (r *reference64) sequence(c *call, d, row int) {
	states, variables := len(c.initial)/c.directions, len(c.weights)/c.directions
	w, dw := c.weights[d*variables:][:variables], r.dweights[d*variables:][:variables]
	var state, own, g [][]float64
	for i := range states {
		state = append(state, widen(c.initial[d*states+i][row*c.units:][:c.units]))
		g = append(g, widen(c.dlast[d*states+i][row*c.units:][:c.units]))
	}
	own = state
	length := c.length(row)
	back := make([]stepBack, length)
	time := func(i int) int {
		if d == 1 {
			return length - 1 - i
		}
		return i
	}
	hAt := func(i int) int { return ((time(i)*c.batch+row)*c.directions + d) * c.units }
	xAt := func(i int) int { return (time(i)*c.batch + row) * c.inputs }
	for i := range length {
		x := widen(c.x[xAt(i):][:c.inputs])
		switch c.cell {
		case CellLSTM:
			state, back[i] = stepLSTM(x, state, w, dw)
		case CellGRU:
			state, back[i] = stepGRU(x, state, w, dw)
		default:
			h := widen(c.h[hAt(i):][:c.units])
			_, back[i] = stepPlain(c.cell, x, own, h, w, dw)
			state, _ = stepPlain(c.cell, x, state, h, w, dw)
			own = [][]float64{h}
		}
		copy(r.h[hAt(i):], state[states-1])
	}
	for i := range states {
		copy(r.last[d*states+i][row*c.units:], state[i])
	}
	for i := length - 1; i >= 0; i-- {
		for k, v := range c.dh[hAt(i):][:c.units] {
			g[states-1][k] += float64(v)
		}
		var dx []float64
		g, dx = back[i](g)
		for k, v := range dx {
			r.dx[xAt(i)+k] += v
		}
	}
	for i := range states {
		copy(r.dinitial[d*states+i][row*c.units:], g[i])
	}
}

// distance is the greatest difference, relative to the greatest value (or 1: all inputs are about 1).
func distance(got []float32, want []float64) float64 {
	diff, size := extent(got, want)
	return diff / max(size, 1)
}

// extent is the greatest difference, NaN where there is one, and the greatest value.
func extent(got []float32, want []float64) (diff, size float64) {
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		if !(d <= diff) {
			diff = d
		}
		size = max(size, math.Abs(w))
	}
	return diff, size
}
