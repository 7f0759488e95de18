package layout

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
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

// FitScale fits a scale to the rows x [N,F] of the parts, those for training. NaNs do not
// count; a feature of nothing else stays as it is, and a constant one has the divisor 1.
func FitScale(kind ScaleKind, x []float32, features int, parts []series.Range) *inputs.Scale {
	s := &inputs.Scale{Offset: make([]float32, features), Divisor: ones(features)}
	for k, m := range measure(x, features, parts) {
		switch {
		case m.n == 0 || kind == NoScale:
		case kind == MinMax:
			s.Offset[k], s.Divisor[k] = float32(m.min), divisor(m.max-m.min)
		default:
			s.Offset[k], s.Divisor[k] = float32(m.mean), divisor(m.deviation())
		}
	}
	return s
}

// sampled is how many rows, spread evenly, [FitRobust] takes quartiles of.
const sampled = 8192

// FitRobust fits a scale by quartiles to the rows x [N,F] of the parts, which have no NaN:
// asinh((x - median) / interquartile range), of which the mean is 0 and the deviation 1. So
// outliers are heard, and leave the others room. Where half of the rows and more are alike, the
// deviation stands in for the range.
func FitRobust(x []float32, features int, parts []series.Range) *inputs.Scale {
	s := &inputs.Scale{Center: make([]float32, features), Spread: ones(features), Offset: make([]float32, features), Divisor: ones(features)}
	all := sync.OnceValue(func() []moments { return measure(x, features, parts) }) // which few need
	rows := everyNth(parts, max(1, Rows(parts)/sampled))
	if len(rows) == 0 {
		return s
	}
	column := make([]float32, len(rows))
	for k := range features {
		for i, row := range rows {
			column[i] = x[row*features+k]
		}
		slices.Sort(column)
		at := func(quarters int) float64 { return float64(column[(len(column)-1)*quarters/4]) }
		s.Center[k] = float32(at(2))
		if s.Spread[k] = divisor(at(3) - at(1)); at(3) == at(1) {
			s.Spread[k] = divisor(all()[k].deviation())
		}
	}
	robust := make([]moments, features)
	scaled := make([]float32, features)
	for _, p := range parts {
		for row := p.Start; row < p.End; row++ {
			copy(scaled, x[row*features:])
			s.Apply(scaled)
			for k, v := range scaled {
				robust[k].add(float64(v))
			}
		}
	}
	for k, m := range robust {
		s.Offset[k], s.Divisor[k] = float32(m.mean), divisor(m.deviation())
	}
	return s
}

// everyNth are every n-th row of the parts.
func everyNth(parts []series.Range, n int) []int {
	var rows []int
	next := 0 // rows to pass over
	for _, p := range parts {
		at := p.Start + next
		for ; at < p.End; at += n {
			rows = append(rows, at)
		}
		next = at - p.End
	}
	return rows
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

// divisor is d as a float32 to divide by, 1 for what is too close to 0.
func divisor(d float64) float32 {
	const least = 0x1p-126 // the smallest normal number
	if d = min(d, math.MaxFloat32); d >= least {
		return float32(d)
	}
	return 1
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

// deviation is the standard deviation.
func (m *moments) deviation() float64 { return math.Sqrt(m.squares / max(1, m.n)) }

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
