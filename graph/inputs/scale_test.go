package inputs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Without a centre the arithmetic is that of 32 bits, as in a network.
func TestScale(t *testing.T) {
	const columns = 5
	s, x := scaleOf(columns, false), walk(1000, columns)
	got := slices.Clone(x)
	s.Apply(got)
	for i, v := range x {
		if want := (v - s.Offset[i%columns]) / s.Divisor[i%columns]; got[i] != want {
			t.Fatalf("value %d: %v, want %v", i, got[i], want)
		}
	}
}

// With a centre, values are as exact as 32 bits can be, however small or large they are.
func TestScaleWithCenter(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var x []float32
	for exponent := -44.0; exponent <= 38; exponent += 0.01 {
		v := float32(math.Pow(10, exponent) * (1 + r.Float64()))
		x = append(x, min(v, math.MaxFloat32), max(-v, -math.MaxFloat32))
	}
	x = append(x, 0, 1, 1e-3, 0.999e-3, 1.001e-3)
	for _, s := range []*Scale{
		{Center: []float32{0}, Spread: []float32{1}, Offset: []float32{0}, Divisor: []float32{1}},
		{Center: []float32{0}, Spread: []float32{1e-20}, Offset: []float32{0}, Divisor: []float32{-3}},
		{Center: []float32{0}, Spread: []float32{1e30}, Offset: []float32{0}, Divisor: []float32{1e-3}},
		{Center: []float32{0.5}, Spread: []float32{2}, Offset: []float32{0}, Divisor: []float32{7}},
		{Center: []float32{-2}, Spread: []float32{0.1}, Offset: []float32{3}, Divisor: []float32{7}},
	} {
		got := slices.Clone(x)
		s.Apply(got)
		for i, v := range x {
			z := math.Asinh((float64(v) - float64(s.Center[0])) / float64(s.Spread[0]))
			want := (z - float64(s.Offset[0])) / float64(s.Divisor[0])
			if !(math.Abs(float64(got[i])-want) <= 1.5e-7*math.Abs(want)+1e-9*math.Abs(float64(s.Offset[0]/s.Divisor[0]))+0x1p-149) {
				t.Errorf("%+v of %v: %v, want %v", *s, v, got[i], want)
			}
		}
	}
}
