package kernels

import (
	"math"
	"slices"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// plan is what Windows is given.
type plan struct {
	features, batch, steps int
	x, w, rates            []float32
	classes                []int32   // these
	values                 []float32 // or those are the labels
	windows                []int32   // [K,B,3]
	lags                   []int32   // [L]
	at                     any       // an int32
}

// testPlan has 9 rows of 2 features in two series, the second from row 6 on, and windows
// of 3 steps; those of step 1 overlap.
func testPlan() *plan {
	p := &plan{
		features: 2, batch: 2, steps: 4, at: int32(1),
		w: []float32{1, 0, .3, 2, 1, 1, 0, .1, 5}, rates: []float32{.1, .2, .3},
		windows: []int32{0, 0, 6, 5, 0, 6, 1, 0, 6, 2, 0, 6, 6, 6, 9, 7, 6, 9},
		lags:    []int32{0},
	}
	for row := range 9 {
		p.x = append(p.x, float32(row), float32(-row))
		p.classes = append(p.classes, int32(10*row))
	}
	return p
}

func (p *plan) inputs(r *runner) {
	rows, k := int64(len(p.w)), int64(len(p.rates))
	r.input("x", p.x, int64(len(p.classes)), int64(p.features))
	if p.values != nil {
		r.input("y", p.values, rows)
	} else {
		r.ints("y", p.classes, int64(len(p.classes)))
	}
	r.input("w", p.w, rows)
	r.ints("windows", p.windows, k, int64(p.batch), 3)
	r.input("rates", p.rates, k)
	r.ints("lags", p.lags, int64(len(p.lags)))
	at, err := tf.NewTensor(p.at)
	if err != nil {
		r.t.Fatal(err)
	}
	r.feed("at", at)
}

func (p *plan) attrs() map[string]any { return map[string]any{AttrSteps: int64(p.steps)} }

// windowsWant is what the op should give, but for the labels: their rows.
type windowsWant struct {
	inputs, share []float32
	lengths       []int32
	rows          []int
}

func (p *plan) want() windowsWant {
	var w windowsWant
	count := 0
	windows := p.windows[3*int(p.at.(int32))*p.batch:][:3*p.batch]
	for v := range slices.Chunk(windows, 3) {
		n := min(p.steps, int(v[2]-v[0]))
		w.lengths = append(w.lengths, int32(n))
		for t := range n {
			if p.w[int(v[0])+t] > 0 {
				count++
			}
		}
	}
	for t := range p.steps {
		for b, v := range slices.Collect(slices.Chunk(windows, 3)) {
			within := func(row int) int { return max(int(v[1]), min(int(v[2])-1, row)) }
			row := int(v[0]) + t
			for _, lag := range p.lags {
				w.inputs = append(w.inputs, p.x[within(row+int(lag))*p.features:][:p.features]...)
			}
			w.rows = append(w.rows, within(row))
			share := float32(0)
			if t < int(w.lengths[b]) && count > 0 {
				share = p.w[row] / float32(count)
			}
			w.share = append(w.share, share)
		}
	}
	return w
}

func TestWindows(t *testing.T) {
	floats := testPlan()
	floats.values = []float32{.5, -1, 2, 3, 4, float32(math.Inf(1)), 6, 7, 8}
	weightless := testPlan()
	clear(weightless.w)
	short, lags := testPlan(), testPlan()
	short.at, short.steps = int32(2), 3
	lags.lags = []int32{-2, 0, 3}
	for name, p := range map[string]*plan{
		"classes": testPlan(), "values": floats, "no weights": weightless, "short": short, "lags": lags,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			p.inputs(r)
			got, err := r.run(Windows, p.attrs())
			if err != nil {
				t.Fatal(err)
			}
			want := p.want()
			if s, want := got[0].Shape(), []int64{int64(p.steps), 2, int64(2 * len(p.lags))}; !slices.Equal(s, want) {
				t.Errorf("inputs have shape %v, want %v", s, want)
			}
			if !sameBits(flat(t, got[0]), want.inputs) || !sameBits(flat(t, got[2]), want.share) {
				t.Errorf("inputs %v with shares %v, want %v with %v", flat(t, got[0]), flat(t, got[2]), want.inputs, want.share)
			}
			if lengths := got[3].Value().([]int32); !slices.Equal(lengths, want.lengths) {
				t.Errorf("lengths %v, want %v", lengths, want.lengths)
			}
			for i, row := range want.rows {
				if p.values != nil && got[1].Value().([]float32)[i] != p.values[row] {
					t.Errorf("labels %v, want those of rows %v", got[1].Value(), want.rows)
				} else if p.values == nil && got[1].Value().([]int32)[i] != p.classes[row] {
					t.Errorf("labels %v, want those of rows %v", got[1].Value(), want.rows)
				}
			}
			if rate := got[4].Value().(float32); rate != p.rates[p.at.(int32)] {
				t.Errorf("rate %v", rate)
			}
		})
	}
}

func TestWindowsRefuses(t *testing.T) {
	const sizes = "want x [rows, features], y and w [rows], windows [K, batch, 3], rates [K], lags [L], 0 <= at < K"
	for _, test := range []struct {
		name, want string
		spoil      func(p *plan)
	}{
		{"window behind its series", "a window at row 6 of the series from row 0 to 6 is not within 9 rows", func(p *plan) { p.windows[9] = 6 }},
		{"window before its series", "a window at row 1 of the series from row 2 to 6 is not within 9 rows", func(p *plan) { p.windows[7] = 2 }},
		{"series before the rows", "a window at row 1 of the series from row -1 to 6 is not within 9 rows", func(p *plan) { p.windows[7] = -1 }},
		{"series behind the rows", "a window at row 1 of the series from row 0 to 10 is not within 9 rows", func(p *plan) { p.windows[8] = 10 }},
		{"no lags", sizes, func(p *plan) { p.lags = nil }},
		{"at behind the plan", sizes, func(p *plan) { p.at = int32(3) }},
		{"at before the plan", sizes, func(p *plan) { p.at = int32(-1) }},
		{"at a vector", "want at as a scalar", func(p *plan) { p.at = []int32{1} }},
		{"more weights than rows", sizes, func(p *plan) { p.x, p.classes = p.x[:16], p.classes[:8] }},
		{"no features", sizes, func(p *plan) { p.x, p.features = nil, 0 }},
		{"no steps", "at least minimum 1", func(p *plan) { p.steps = 0 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, r := testPlan(), newRunner(t)
			test.spoil(p)
			p.inputs(r)
			if _, err := r.run(Windows, p.attrs()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
