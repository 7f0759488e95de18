package graph_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/rnnbin/rnnbin/graph"
)

// system is one of the original's three programs, run in one of our forms.
type system struct {
	name string // in the golden files
	loss graph.Loss
	form form
}

var (
	question = system{"mse", graph.MSE, form{}}
	attempt  = system{"sparse", graph.SparseXent, form{}}
	answer   = system{"xent", graph.OneHotXent, form{}}
)

// form is a [graph.Form], and an instruction set for the fused one. The zero value
// stands for the defaults.
type form struct {
	form graph.Form
	set  string
}

var portable = form{form: graph.FormPortable}

func (f form) String() string {
	if f.set != "" {
		return f.set
	}
	return string(f.form)
}

// fusesMultiplyAdd reports whether the form rounds a layer's sums as the original does.
func (f form) fusesMultiplyAdd() bool { return f.set != "" && f.set != "generic" || f == form{} }

func (f form) apply(c *graph.Config) {
	if f.form != "" {
		c.Form = f.form
	}
	if f.set != "" {
		c.InstructionSet = f.set
	}
}

// forms are the portable form, and the fused one on each instruction set of this
// machine.
func forms() []form { return append([]form{portable}, fusedForms()...) }

// fusedForms has a form for each instruction set. Where TensorFlow's kernels are those of a
// lesser processor it is the one that such a processor has: the others are as they were.
func fusedForms() []form {
	lesser := strings.ToLower(os.Getenv("ONEDNN_MAX_CPU_ISA"))
	if lesser != "" && lesser != "avx2" {
		lesser = "generic"
	}
	var forms []form
	for _, set := range graph.InstructionSets() {
		if lesser == "" || set == lesser {
			forms = append(forms, form{graph.FormFused, set})
		}
	}
	return forms
}

// inEachForm tests systems in each of the forms.
func inEachForm(t *testing.T, test func(*testing.T, system), systems ...system) {
	for _, form := range forms() {
		for _, sys := range systems {
			sys.form = form
			t.Run(sys.name+"/"+form.String(), func(t *testing.T) { test(t, sys) })
		}
	}
}

func (sys system) config(seed int64) graph.Config {
	c := graph.DefaultConfig()
	c.Loss = sys.loss
	c.Seed = seed
	sys.form.apply(&c)
	return c
}

// The original's series and schedule.
const (
	samples   = 1000
	horizon   = 1   // labels are one step ahead
	perBatch  = 200 // samples in a batch, cut into windows of 20
	perEpoch  = 800
	variables = "rnn/output_projection_wrapper/"
)

// sine is the original's feature, computed in float64 as it does: 2 Hz at 1000
// samples a second.
func sine(i int) float64 {
	return math.Sin(2 * math.Pi * 2 * (float64(i) / samples))
}

// label is the original's: the answer's 0 and 1, or the question's, which its
// two assignments turn into 2 everywhere but at index 0.
func (sys system) label(i int) float32 {
	switch {
	case sys.loss != graph.MSE:
		if sine(i) > 0 {
			return 1
		}
		return 0
	case i == 0:
		return 0
	default:
		return 2
	}
}

func (sys system) series() graph.Series {
	var d graph.Series
	for i := range samples - horizon {
		d.X = append(d.X, float32(sine(i)))
		d.Y = append(d.Y, sys.label(i+horizon))
	}
	return d
}

// windows are the starts of the batch of one iteration.
func windows(iteration, steps int) []int32 {
	var starts []int32
	for at := 0; at < perBatch; at += steps {
		starts = append(starts, int32(iteration+at))
	}
	return starts
}

func iterations(from, to int) graph.Plan {
	var p graph.Plan
	for i := from; i < to; i++ {
		p.Starts = append(p.Starts, windows(i, 20))
	}
	return p
}

func newSession(t testing.TB, c graph.Config) *graph.Session {
	t.Helper()
	s, err := graph.NewSession(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newPredictor(t testing.TB, c graph.Config) *graph.Predictor {
	t.Helper()
	p, err := graph.NewPredictor(c.Network, c.Machine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func (sys system) session(t testing.TB, seed int64) *graph.Session {
	t.Helper()
	s := newSession(t, sys.config(seed))
	if err := s.SetSeries(sys.series()); err != nil {
		t.Fatal(err)
	}
	return s
}

func steps(t testing.TB, s *graph.Session, p graph.Plan) graph.Report {
	t.Helper()
	r, err := s.Train(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func state(t testing.TB, s stateful) map[string][]float32 {
	t.Helper()
	vars, err := s.Variables()
	if err != nil {
		t.Fatal(err)
	}
	return byName(vars)
}

// only is the network of a predictor of one.
func only(p *graph.Predictor) *graph.Member { return p.Members()[0] }

// stateful is a Session or a Member.
type stateful interface {
	Variables() ([]graph.Variable, error)
}

func byName(vars []graph.Variable) map[string][]float32 {
	m := map[string][]float32{}
	for _, v := range vars {
		m[v.Name] = v.Value
	}
	return m
}

// weights are a session's variables but for the optimizer's.
func weights(t testing.TB, s *graph.Session) map[string][]float32 {
	t.Helper()
	all, only := state(t, s), map[string][]float32{}
	for _, w := range s.Config().Weights() {
		only[w.Name] = all[w.Name]
	}
	return only
}

// golden is an open file of the original's arrays.
type golden struct {
	t    testing.TB
	file *npz.Reader
}

func openGolden(t testing.TB, name string) golden {
	t.Helper()
	f, err := npz.Open(filepath.Join("testdata", "original", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return golden{t, f}
}

func (g golden) array(key string) []float32 {
	g.t.Helper()
	var v []float32
	if h := g.file.Header(key + ".npy"); h != nil && len(h.Descr.Shape) == 0 {
		v = make([]float32, 1)
		if err := g.file.Read(key+".npy", &v[0]); err != nil {
			g.t.Fatalf("%s: %v", key, err)
		}
		return v
	}
	if err := g.file.Read(key+".npy", &v); err != nil {
		g.t.Fatalf("%s: %v", key, err)
	}
	return v
}

// weights are the golden arrays that stand for the network's weights.
func (g golden) weights(prefix string) map[string][]float32 {
	g.t.Helper()
	m := map[string][]float32{}
	for _, name := range []string{"basic_rnn_cell/kernel", "basic_rnn_cell/bias", "kernel", "bias"} {
		m[variables+name] = g.array(prefix + "|" + strings.ReplaceAll(name, "/", "."))
	}
	return m
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// absolute and relative are differences between a value and the original's.
func absolute(got, want float32) float64 { return math.Abs(float64(got) - float64(want)) }
func relative(got, want float32) float64 { return absolute(got, want) / math.Abs(float64(want)) }

// near fails when any of got is further than tolerance from want, which counts
// in units of want's largest value: that is the scale on which float32 sums
// round.
func near(t testing.TB, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, the original has %d", what, len(got), len(want))
	}
	var scale, worst float64
	at := 0
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		if d := absolute(got[i], want[i]); d > worst || math.IsNaN(d) {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance*scale) {
		t.Errorf("%s[%d] = %v, the original has %v: off by %.2g of the largest value %.3g, at most %.2g is rounding",
			what, at, got[at], want[at], worst/scale, scale, tolerance)
	}
}

func nearAll(t testing.TB, what string, got, want map[string][]float32, tolerance float64) {
	t.Helper()
	for name, w := range want {
		near(t, what+" "+name, got[name], w, tolerance)
	}
}
