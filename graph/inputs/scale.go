package inputs

import (
	"fmt"
	"math"
	"slices"
)

// Scale brings columns to like sizes: x becomes (z - Offset) / Divisor, where z is x or, with
// Center, asinh((x - Center) / Spread), which keeps the order of outliers but not their
// distance.
type Scale struct {
	Center  []float32 `json:"center,omitempty"` // [F] finite, or nil
	Spread  []float32 `json:"spread,omitempty"` // [F] finite and above 0, nil if Center is
	Offset  []float32 `json:"offset"`           // [F] finite
	Divisor []float32 `json:"divisor"`          // [F] finite and not 0, nor closer to 0 than least
}

// least is float32's smallest normal number. Smaller divisors make nearly all values infinite.
const least = 0x1p-126

// validate returns an error that names the field that is wrong for so many columns.
func (s *Scale) validate(columns int) error {
	for _, field := range []struct {
		name   string
		values []float32
		absent bool
		want   string
		ok     func(float32) bool
	}{
		{"center", s.Center, s.Center == nil && s.Spread == nil, "a finite number", func(float32) bool { return true }},
		{"spread", s.Spread, s.Center == nil && s.Spread == nil, "a finite number above 0", func(v float32) bool { return v > 0 }},
		{"offset", s.Offset, false, "a finite number", func(float32) bool { return true }},
		{"divisor", s.Divisor, false, "a finite number that is not 0, nor closer to 0 than 1.2e-38", func(v float32) bool { return max(v, -v) >= least }},
	} {
		if n := len(field.values); n != columns && !field.absent {
			return fmt.Errorf("%s: %d values for %d columns", field.name, n, columns)
		}
		for i, v := range field.values {
			if v-v != 0 || !field.ok(v) {
				return fmt.Errorf("%s: value %d is %v, not %s", field.name, i, v, field.want)
			}
		}
	}
	return nil
}

// Apply scales rows x [n,F] in place. What is too far from the others for a float32 becomes
// infinite.
func (s *Scale) Apply(x []float32) {
	for row := range slices.Chunk(x, len(s.Offset)) {
		if s.Center == nil {
			s.standardize(row)
		} else {
			s.compress(row)
		}
	}
}

func (s *Scale) standardize(row []float32) {
	for k, v := range row {
		row[k] = (v - s.Offset[k]) / s.Divisor[k]
	}
}

func (s *Scale) compress(row []float32) {
	for k, v := range row {
		z := asinh(v, s.Center[k], s.Spread[k])
		row[k] = float32((z - float64(s.Offset[k])) / float64(s.Divisor[k]))
	}
}

// asinh is math.Asinh((x - center) / spread) to 1e-10 of its value, several times as fast.
func asinh(x, center, spread float32) float64 {
	v := (float64(x) - float64(center)) / float64(spread)
	a := math.Abs(v)
	if a < 1e-3 {
		return v * (1 - v*v/6)
	}
	return math.Copysign(log(a+math.Sqrt(a*a+1)), v)
}

// log is math.Log of a number that is not below 1, to 1e-10 of its value.
func log(y float64) float64 {
	// y = m * 2^e, m from sqrt(1/2) to sqrt(2); log(m) = 2 * artanh((m-1) / (m+1)).
	bits := math.Float64bits(y)
	e := (bits - 0x3fe6a09e667f3bcd) >> 52
	m := math.Float64frombits(bits - e<<52)
	t := (m - 1) / (m + 1)
	s := t * t
	return float64(int64(e))*math.Ln2 + 2*t*(1+s*(1./3+s*(1./5+s*(1./7+s*(1./9+s*(1./11))))))
}
