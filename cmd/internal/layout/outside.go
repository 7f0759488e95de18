package layout

import "slices"

// Outside counts the rows whose features lie far outside those of the training rows: by
// more than the width of their range.
type Outside struct {
	profile *Profile
	Rows    int       // looked at
	Count   []int     // [F] of these, those that lie far outside
	Low     []float32 // [F] the least value of all rows
	High    []float32 // [F] the greatest
}

// NewOutside returns an Outside that has looked at no rows yet.
func NewOutside(p *Profile) *Outside {
	n := len(p.Mean)
	return &Outside{p, 0, make([]int, n), make([]float32, n), make([]float32, n)}
}

// Add looks at the rows x [n,F], of which nothing is missing.
func (o *Outside) Add(x []float32) {
	p := o.profile
	for row := range slices.Chunk(x, len(p.Mean)) {
		for k, v := range row {
			if o.Rows == 0 || v < o.Low[k] {
				o.Low[k] = v
			}
			if o.Rows == 0 || v > o.High[k] {
				o.High[k] = v
			}
			width := p.High[k] - p.Low[k]
			if v < p.Low[k]-width || v > p.High[k]+width {
				o.Count[k]++
			}
		}
		o.Rows++
	}
}
