package layout

import (
	"fmt"
	"math"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

// ScaleKind is how features are scaled.
type ScaleKind string

const (
	Standard ScaleKind = "standard" // mean 0, standard deviation 1
	MinMax   ScaleKind = "minmax"   // minimum 0, maximum 1
	NoScale  ScaleKind = "none"
)

// ScaleKinds lists all of them.
var ScaleKinds = []ScaleKind{Standard, MinMax, NoScale}

// Scale maps feature k of a row to (x - Offset[k]) / Divisor[k].
type Scale struct {
	Offset  []float32 // [F]
	Divisor []float32 // [F] 1 where the feature is constant
}

// FitScale fits a scale to the rows x [N,F] of the parts, those for training. NaNs do not
// count; a feature of nothing else stays as it is.
func FitScale(kind ScaleKind, x []float32, features int, parts []series.Range) Scale {
	s := Scale{make([]float32, features), slices.Repeat([]float32{1}, features)}
	for k, m := range measure(x, features, parts) {
		var offset, divisor float64
		switch {
		case m.n == 0 || kind == NoScale:
			continue
		case kind == MinMax:
			offset, divisor = m.min, m.max-m.min
		default:
			offset, divisor = m.mean, math.Sqrt(m.squares/m.n)
		}
		s.Offset[k] = float32(offset)
		if d := float32(min(divisor, math.MaxFloat32)); d > 0 {
			s.Divisor[k] = d
		}
	}
	return s
}

// moments describes the values of one feature.
type moments struct {
	n, mean  float64
	squares  float64 // sum of squared deviations from the mean
	min, max float64
}

// measure returns the moments of each feature in the parts. NaNs do not count.
func measure(x []float32, features int, parts []series.Range) []moments {
	all := make([]moments, features)
	for k := range all {
		all[k].min, all[k].max = math.Inf(1), math.Inf(-1)
	}
	for _, p := range parts {
		for i, v := range x[p.Start*features : p.End*features] {
			if v == v {
				all[i%features].add(float64(v))
			}
		}
	}
	return all
}

// add counts a value (Welford 1962), which stays exact where sums of squares cancel.
func (m *moments) add(x float64) {
	m.n++
	delta := x - m.mean
	m.mean += delta / m.n
	m.squares += delta * (x - m.mean)
	m.min, m.max = min(m.min, x), max(m.max, x)
}

// Profile describes each feature in the training rows.
type Profile struct {
	Mean []float32 // [F] stands in for a value that is missing
	Low  []float32 // [F]
	High []float32 // [F]
}

// Means are those of the features of d in the parts, 0 for a feature without any value there.
func Means(d *series.Data, parts []series.Range) []float32 {
	var all []float32
	for _, m := range measure(d.X, len(d.Features), parts) {
		all = append(all, float32(m.mean))
	}
	return all
}

// Describe profiles the features of d in the parts. A feature without any value there is
// an error.
func Describe(d *series.Data, parts []series.Range) (*Profile, error) {
	p := new(Profile)
	for k, m := range measure(d.X, len(d.Features), parts) {
		if m.n == 0 {
			return nil, fmt.Errorf("column %q has no value in the training rows", d.Features[k])
		}
		p.Mean = append(p.Mean, float32(m.mean))
		p.Low = append(p.Low, float32(m.min))
		p.High = append(p.High, float32(m.max))
	}
	return p, nil
}
