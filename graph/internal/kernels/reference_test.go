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

// newCall makes random inputs and outputs full of NaN, which the C code must overwrite.
func newCall(s shape, isa string, tanh bool, threads int, dx bool) *call {
	r := rand.New(rand.NewPCG(1, uint64(s.units)))
	t, b, f, u := s.steps, s.batch, s.inputs, s.units
	c := &call{
		isa: isa, tanh: tanh, threads: threads, steps: t, batch: b, inputs: f, units: u,
		x: random(r, t*b*f, 1), kernel: random(r, (f+u)*u, 1/math.Sqrt(float64(u))), bias: random(r, u, .1),
		h0: random(r, b*u, .5), dh: random(r, t*b*u, 1), dlast: random(r, b*u, 1),
		h: nans(t * b * u), last: nans(b * u), dkernel: nans((f + u) * u), dbias: nans(u), dh0: nans(b * u),
	}
	if dx {
		c.dx = nans(t * b * f)
	}
	return c
}

func nans(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// reference64 holds what a call should give.
type reference64 struct{ h, last, dkernel, dbias, dx, dh0 []float64 }

// reference computes a call in float64, straight from the definition. The backward pass starts from the call's own h,
// as the op does.
func reference(c *call) reference64 {
	t, b, f, u := c.steps, c.batch, c.inputs, c.units
	w := func(k, j int) float64 { return float64(c.kernel[k*u+j]) }
	r := reference64{
		h: make([]float64, t*b*u), last: make([]float64, b*u), dkernel: make([]float64, (f+u)*u),
		dbias: make([]float64, u), dx: make([]float64, t*b*f), dh0: make([]float64, b*u),
	}
	for n := range b {
		state, back := make([]float64, u), make([]float64, u)
		for j := range u {
			state[j], back[j] = float64(c.h0[n*u+j]), float64(c.dlast[n*u+j])
		}
		for s := range t {
			next := make([]float64, u)
			for j := range u {
				a := float64(c.bias[j])
				for k := range f {
					a += float64(c.x[(s*b+n)*f+k]) * w(k, j)
				}
				for k := range u {
					a += state[k] * w(f+k, j)
				}
				if c.tanh {
					next[j] = math.Tanh(a)
				} else if !(a < 0) {
					next[j] = a
				}
				r.h[(s*b+n)*u+j] = next[j]
			}
			state = next
		}
		copy(r.last[n*u:], state)

		for s := t - 1; s >= 0; s-- {
			da := make([]float64, u)
			for j := range u {
				h := float64(c.h[(s*b+n)*u+j])
				g := back[j] + float64(c.dh[(s*b+n)*u+j])
				if c.tanh {
					da[j] = g * (1 - h*h)
				} else if h > 0 {
					da[j] = g
				}
			}
			for j := range u {
				r.dbias[j] += da[j]
				back[j] = 0
				for k := range f {
					r.dkernel[k*u+j] += float64(c.x[(s*b+n)*f+k]) * da[j]
				}
				for k := range u {
					before := float64(c.h0[n*u+k])
					if s > 0 {
						before = float64(c.h[((s-1)*b+n)*u+k])
					}
					r.dkernel[(f+k)*u+j] += before * da[j]
					back[j] += da[k] * w(f+j, k)
				}
			}
			for k := range f {
				for j := range u {
					r.dx[(s*b+n)*f+k] += da[j] * w(k, j)
				}
			}
		}
		copy(r.dh0[n*u:], back)
	}
	return r
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
