package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// drawn is what an op of ours makes of x, a row of values, and of seeds.
func drawn(t *testing.T, kind string, attrs map[string]any, x []float32, seeds ...int64) []float32 {
	t.Helper()
	r := newRunner(t)
	r.input("x", x, int64(len(x)))
	of, err := tf.NewTensor(seeds)
	if err != nil {
		t.Fatal(err)
	}
	r.feed("seeds", of)
	got, err := r.run(kind, attrs)
	if err != nil {
		t.Fatal(err)
	}
	return flat(t, got[0])
}

// tensorFlows are the numbers that TensorFlow's op of a kind draws.
func tensorFlows(t *testing.T, kind string, n int, seeds ...int64) []float32 {
	t.Helper()
	s := op.NewScope()
	shape, of := op.Const(s.SubScope("shape"), []int32{int32(n)}), op.Const(s.SubScope("seeds"), seeds)
	out := s.AddOperation(tf.OpSpec{Type: kind, Input: []tf.Input{shape, of}}).Output(0)
	got, err := start(t, s).Run(nil, []tf.Output{out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return flat(t, got[0])
}

func noiseOf(isa string, deviation float32) map[string]any {
	return map[string]any{AttrDeviation: deviation, AttrISA: isa}
}

// TestCDrawsAsTensorFlow compares with TensorFlow's numbers: the uniform ones, which
// dropout compares with its rate, by which values they drop.
func TestCDrawsAsTensorFlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, isa := range ISAs() {
		for _, n := range []int{0, 1, 3, 4, 63, 64, 65, 1001, 200000} {
			for _, seeds := range [][]int64{{0, 0}, {-1, 1 << 40}, {math.MinInt64, math.MaxInt64}} {
				t.Run(fmt.Sprint(isa, "/", n, " ", seeds), func(t *testing.T) {
					got, want := drawn(t, Noise, noiseOf(isa, 1), make([]float32, n), seeds...), tensorFlows(t, "StatelessRandomNormal", n, seeds...)
					// TensorFlow rounds an angle of up to 2 pi, which a radius of up to 5.7 multiplies.
					closeTo(t, "normal", got, want, 2e-6)

					x := random(r, n, 1)
					plus := drawn(t, Noise, noiseOf(isa, 0.25), x, seeds...)
					for i := range x {
						want[i] = x[i] + 0.25*want[i]
					}
					closeTo(t, "noise", plus, want, 1e-6)

					const rate = 0.3
					kept, uniform := drawn(t, Dropout, map[string]any{AttrRate: float32(rate), AttrISA: isa}, x, seeds...), tensorFlows(t, "StatelessRandomUniform", n, seeds...)
					for i, u := range uniform {
						if uniform[i] = 0; u >= rate {
							uniform[i] = x[i] * (1 / (1 - float32(rate)))
						}
					}
					closeTo(t, "dropout", kept, uniform, 0)
				})
			}
		}
	}
}

// TestCNoiseIsNormal looks at 2^18 numbers of each of two steps: moments, tails and
// correlations, all within five standard deviations of their estimates.
func TestCNoiseIsNormal(t *testing.T) {
	const n = 1 << 18
	for _, isa := range ISAs() {
		t.Run(isa+"/moments", func(t *testing.T) {
			x, next := drawn(t, Noise, noiseOf(isa, 1), make([]float32, n), 7, 1), drawn(t, Noise, noiseOf(isa, 1), make([]float32, n), 7, 2)
			mean := func(what string, want, deviation float64, of func(i int) float64) {
				t.Helper()
				sum := 0.0
				for i := range x {
					sum += of(i)
				}
				if got := sum / n; !(math.Abs(got-want) <= 5*deviation/math.Sqrt(n)) {
					t.Errorf("%s is %v, want %v", what, got, want)
				}
			}
			power := func(k float64) func(int) float64 {
				return func(i int) float64 { return math.Pow(float64(x[i]), k) }
			}
			beyond := func(limit float64) func(int) float64 {
				return func(i int) float64 {
					if math.Abs(float64(x[i])) > limit {
						return 1
					}
					return 0
				}
			}
			mean("mean", 0, 1, power(1))
			mean("variance", 1, math.Sqrt2, power(2))
			mean("skewness", 0, math.Sqrt(15), power(3))
			mean("kurtosis", 3, math.Sqrt(96), power(4))
			for _, limit := range []float64{0.5, 1, 2, 3, 4} {
				p := math.Erfc(limit / math.Sqrt2)
				mean(fmt.Sprint("beyond ", limit), p, math.Sqrt(p*(1-p)), beyond(limit))
			}
			mean("correlation of steps", 0, 1, func(i int) float64 { return float64(x[i]) * float64(next[i]) })
			for _, apart := range []int{1, 2, 3, 4, 16, 64} {
				mean(fmt.Sprint("correlation of values ", apart, " apart"), 0, 1, func(i int) float64 { return float64(x[i]) * float64(x[(i+apart)%n]) })
				mean(fmt.Sprint("correlation of squares ", apart, " apart"), 1, math.Sqrt(8), func(i int) float64 { return math.Pow(float64(x[i])*float64(x[(i+apart)%n]), 2) })
			}
		})
	}
}

func TestDrawRefuses(t *testing.T) {
	const want = "want seeds [2] and x of at most 8 dimensions"
	for _, test := range []struct {
		name, want string
		dims       []int64
		seeds      any
		isa        string
	}{
		{"three seeds", want, []int64{4}, []int64{1, 2, 3}, ISAAuto},
		{"one seed", want, []int64{4}, int64(1), ISAAuto},
		{"nine dimensions", want, []int64{1, 1, 1, 1, 1, 1, 1, 1, 4}, []int64{1, 2}, ISAAuto},
		{"instruction set", "no instruction set called 'mmx'", []int64{4}, []int64{1, 2}, "mmx"},
	} {
		for kind, attr := range map[string]string{Noise: AttrDeviation, Dropout: AttrRate} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				r := newRunner(t)
				r.input("x", make([]float32, 4), test.dims...)
				seeds, err := tf.NewTensor(test.seeds)
				if err != nil {
					t.Fatal(err)
				}
				r.feed("seeds", seeds)
				if _, err := r.run(kind, map[string]any{attr: float32(0.5), AttrISA: test.isa}); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q", err, test.want)
				}
			})
		}
	}
}
