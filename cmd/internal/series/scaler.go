package series

import (
	"fmt"
	"math"
	"slices"
)

// ScaleKind is how features are scaled.
type ScaleKind string

const (
	Standard ScaleKind = "standard" // mean 0, standard deviation 1
	MinMax   ScaleKind = "minmax"   // minimum 0, maximum 1
	NoScale  ScaleKind = "none"
)

// Scaler maps each feature x to (x - Offset) / Scale, having put Fill in the
// place of NaN. It is a plain value, to be stored as JSON with the model.
type Scaler struct {
	Kind    ScaleKind `json:"kind"`    // --scale
	Columns []string  `json:"columns"` // [F]
	Offset  []float64 `json:"offset"`  // [F]
	Scale   []float64 `json:"scale"`   // [F] 1 where the feature is constant
	Fill    []float64 `json:"fill"`    // [F] the mean
}

// Validate reports a kind that there is not.
func (k ScaleKind) Validate() error {
	if !slices.Contains([]ScaleKind{Standard, MinMax, NoScale}, k) {
		return fmt.Errorf("--scale %q is none of standard, minmax, none", k)
	}
	return nil
}

// FitScaler fits a scaler to the given rows of d, those for training. NaNs do
// not count. A feature without any value is an error.
func FitScaler(kind ScaleKind, d *Data, ranges []Range) (*Scaler, error) {
	if err := kind.Validate(); err != nil {
		return nil, err
	}
	s := &Scaler{Kind: kind, Columns: d.Features}
	for k, m := range measure(d, ranges) {
		if m.n == 0 {
			return nil, fmt.Errorf("column %q has no value in the training rows", d.Features[k])
		}
		offset, scale := 0.0, 1.0
		switch kind {
		case Standard:
			offset, scale = m.mean, math.Sqrt(m.squares/m.n)
		case MinMax:
			offset, scale = m.min, m.max-m.min
		}
		if m.min == m.max { // rounding can leave a constant a tiny deviation
			scale = 1
		}
		s.Offset = append(s.Offset, offset)
		s.Scale = append(s.Scale, scale)
		s.Fill = append(s.Fill, m.mean)
	}
	return s, nil
}

// moments describes the values of one feature.
type moments struct {
	n, mean  float64
	squares  float64 // sum of squared deviations from the mean
	min, max float64
}

// measure returns the moments of each feature, updated value by value
// (Welford 1962), which stays exact where sums of squares cancel.
func measure(d *Data, ranges []Range) []moments {
	F := len(d.Features)
	all := make([]moments, F)
	for k := range all {
		all[k].min, all[k].max = math.Inf(1), math.Inf(-1)
	}
	for _, r := range ranges {
		for i, x32 := range d.X[r.Start*F : r.End*F] {
			x, m := float64(x32), &all[i%F]
			if x != x {
				continue
			}
			m.n++
			delta := x - m.mean
			m.mean += delta / m.n
			m.squares += delta * (x - m.mean)
			m.min, m.max = min(m.min, x), max(m.max, x)
		}
	}
	return all
}

// OverflowError is returned for a value that is not finite once it is scaled: it is
// much further from the training rows than they are from each other.
type OverflowError struct {
	Row, Feature  int // from 0
	Value         float32
	Offset, Scale float64
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("%v is beyond 32-bit numbers when scaled as the training rows, (x - %.5g) / %.5g", e.Value, e.Offset, e.Scale)
}

// Apply scales x [n,F] in place. It returns an *[OverflowError] for the first value that
// cannot be scaled; the rows from that one on are then not of use.
func (s *Scaler) Apply(x []float32) error {
	F := len(s.Offset)
	for from := 0; from < len(x); from += F {
		row := x[from : from+F]
		for k, x := range row {
			v := float64(x)
			if v != v {
				v = s.Fill[k]
			}
			scaled := float32((v - s.Offset[k]) / s.Scale[k])
			if math.IsInf(float64(scaled), 0) {
				return &OverflowError{from / F, k, float32(v), s.Offset[k], s.Scale[k]}
			}
			row[k] = scaled
		}
	}
	return nil
}

// Undo is the reverse of Apply, but for what was missing.
func (s *Scaler) Undo(x []float32) {
	for i, v := range x {
		k := i % len(s.Offset)
		x[i] = float32(float64(v)*s.Scale[k] + s.Offset[k])
	}
}

// Check reports how features differ from the columns that the scaler was fitted
// to, in number, names or order.
func (s *Scaler) Check(features []string) error {
	if !slices.Equal(s.Columns, features) {
		return fmt.Errorf("the features are %q, but the model was trained on %q", features, s.Columns)
	}
	return nil
}
