package kernels

import (
	"math"
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
	starts                 []int32   // [K,B]
	at                     any       // an int32
}

// testPlan has 9 rows of 2 features and the windows of 3 steps, of which two in a step overlap.
func testPlan() *plan {
	p := &plan{
		features: 2, batch: 2, steps: 4, at: int32(1),
		w: []float32{1, 0, .3, 2, 1, 1, 0, .1, 5}, rates: []float32{.1, .2, .3},
		starts: []int32{0, 5, 1, 3, 2, 2},
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
	r.ints("starts", p.starts, k, int64(p.batch))
	r.input("rates", p.rates, k)
	at, err := tf.NewTensor(p.at)
	if err != nil {
		r.t.Fatal(err)
	}
	r.feed("at", at, at.Shape())
}

func (p *plan) attrs() map[string]any { return map[string]any{AttrSteps: int64(p.steps)} }

// want is what the op should give, but for the labels: their rows.
func (p *plan) want() (windows, share []float32, rows []int) {
	total := 0.0
	starts := p.starts[int(p.at.(int32))*p.batch:][:p.batch]
	for t := range p.steps {
		for _, start := range starts {
			row := int(start) + t
			rows = append(rows, row)
			windows = append(windows, p.x[row*p.features:][:p.features]...)
			total += float64(p.w[row])
		}
	}
	for _, row := range rows {
		if total == 0 {
			share = append(share, 0)
		} else {
			share = append(share, p.w[row]/float32(total))
		}
	}
	return windows, share, rows
}

func TestWindows(t *testing.T) {
	floats := testPlan()
	floats.values = []float32{.5, -1, 2, 3, 4, float32(math.Inf(1)), 6, 7, 8}
	weightless := testPlan()
	clear(weightless.w)
	for name, p := range map[string]*plan{"classes": testPlan(), "values": floats, "no weights": weightless} {
		t.Run(name, func(t *testing.T) {
			for _, unknown := range []bool{false, true} {
				r := newRunner(t, unknown)
				p.inputs(r)
				got, shapes, err := r.run(Windows, p.attrs())
				if err != nil {
					t.Fatal(err)
				}
				windows, share, rows := p.want()
				if s := tf.MakeShape(got[0].Shape()...).String(); s != "[4, 2, 2]" {
					t.Errorf("windows have shape %s", s)
				}
				if !sameBits(flat(t, got[0]), windows) || !sameBits(flat(t, got[2]), share) {
					t.Errorf("windows %v with shares %v, want %v with %v", flat(t, got[0]), flat(t, got[2]), windows, share)
				}
				for i, row := range rows {
					if p.values != nil && got[1].Value().([]float32)[i] != p.values[row] {
						t.Errorf("labels %v, want those of rows %v", got[1].Value(), rows)
					} else if p.values == nil && got[1].Value().([]int32)[i] != p.classes[row] {
						t.Errorf("labels %v, want those of rows %v", got[1].Value(), rows)
					}
				}
				if rate := got[3].Value().(float32); rate != p.rates[p.at.(int32)] {
					t.Errorf("rate %v", rate)
				}
				first := map[bool]string{false: "[?, 2, 2]", true: "[?, ?, ?]"}[unknown]
				for i, want := range []string{first, "[?]", "[?]", "[]"} {
					if s := shapes[i].String(); s != want {
						t.Errorf("announces shape %s of output %d, want %s", s, i, want)
					}
				}
			}
		})
	}
}

func TestWindowsRefuses(t *testing.T) {
	const sizes = "want x [rows, inputs], y and w [rows], starts [K, batch], rates [K], 0 <= at < K"
	for _, test := range []struct {
		name, want string
		spoil      func(p *plan)
	}{
		{"window behind the end", "a window of 4 steps at row 6 is not within 9 rows", func(p *plan) { p.starts[3] = 6 }},
		{"window before the start", "a window of 4 steps at row -1 is not within 9 rows", func(p *plan) { p.starts[2] = -1 }},
		{"window longer than the series", "a window of 10 steps at row 1 is not within 9 rows", func(p *plan) { p.steps = 10 }},
		{"at behind the plan", sizes, func(p *plan) { p.at = int32(3) }},
		{"at before the plan", sizes, func(p *plan) { p.at = int32(-1) }},
		{"at a vector", "want at as a scalar", func(p *plan) { p.at = []int32{1} }},
		{"more weights than rows", sizes, func(p *plan) { p.x, p.classes = p.x[:16], p.classes[:8] }},
		{"no features", sizes, func(p *plan) { p.x, p.features = nil, 0 }},
		{"no windows", sizes, func(p *plan) { p.starts, p.batch = nil, 0 }},
		{"no steps", "at least minimum 1", func(p *plan) { p.steps = 0 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, r := testPlan(), newRunner(t, true)
			test.spoil(p)
			p.inputs(r)
			if _, _, err := r.run(Windows, p.attrs()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
