package graph_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeberg.org/sbinet/npyio/npz"
	tf "github.com/wamuir/graft/tensorflow"
	configpb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"

	"github.com/rnnbin/rnnbin/graph"
)

// stepsACall is how many training steps a call of Session.Train makes here: as
// many as the program makes between two lines.
const stepsACall = 100

// BenchmarkTrainStep is the original's training, by form and threads. An
// operation is one training step.
func BenchmarkTrainStep(b *testing.B) {
	for _, f := range append(forms(), form{form: graph.FormFused}) {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", f, threads), func(b *testing.B) {
				sys := answer
				sys.form = f
				c := sys.config(0)
				c.Threads = threads
				s := newSession(b, c)
				if err := s.SetSeries(answer.series()); err != nil {
					b.Fatal(err)
				}
				trainOn(b, s, perEpoch)
				reportProcessorTime(b, func() { trainOn(b, s, b.N) })
			})
		}
	}
}

// BenchmarkComparedStep is a training step of one of the networks that the program
// compares by itself: GRU cells, AdamW, clipping and noise.
func BenchmarkComparedStep(b *testing.B) {
	c := graph.DefaultConfig()
	c.Layers = []graph.Layer{{Cell: graph.GRU, Units: 16}}
	c.Window, c.Features = 64, 4
	c.Optimizer, c.LearningRate, c.WeightDecay = graph.AdamW, 0.003, 0.3
	c.InputNoise, c.ClipNorm = 0.1, 1
	s := newSession(b, c)
	if err := s.SetSeries(randomSeries(1000, c.Features, c.Classes)); err != nil {
		b.Fatal(err)
	}
	plan := shapePlan(stepsACall, 8)
	steps(b, s, plan)
	reportProcessorTime(b, func() {
		for done := 0; done < b.N; done += stepsACall {
			steps(b, s, graph.Plan{Starts: plan.Starts[:min(stepsACall, b.N-done)]})
		}
	})
}

// reportProcessorTime runs b.N operations and reports what they take of all processors,
// which other programs on the machine disturb less than the time that passes.
func reportProcessorTime(b *testing.B, run func()) {
	begin := processorTime(b)
	b.ResetTimer()
	run()
	b.ReportMetric(float64(processorTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// processorTime is what this process has taken, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// trainOn makes n training steps, epoch after epoch.
func trainOn(b *testing.B, s *graph.Session, n int) {
	for done := 0; done < n; {
		from := done % perEpoch
		to := min(from+stepsACall, from+n-done, perEpoch)
		steps(b, s, iterations(from, to))
		done += to - from
	}
}

// BenchmarkPredict predicts windows of 20 steps with the original's network: a
// batch of the original, and what fills a processor.
func BenchmarkPredict(b *testing.B) {
	for _, batch := range []int{10, 512, 1024} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s := newPredictor(b, answer.config(0))
			x := randoms(batch * 20)
			for b.Loop() {
				predict(b, s, x, batch, nil)
			}
			b.ReportMetric(float64(len(x)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkNewSession is the time to assemble, start and close a session.
func BenchmarkNewSession(b *testing.B) {
	for b.Loop() {
		s, err := graph.NewSession(answer.config(0))
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}

// The shape that BenchmarkShape, BenchmarkLayers and BenchmarkProbability run, and
// threads of BenchmarkMatMul too.
var (
	shapeCell     = flag.String("shape.cell", "relu", "cell: relu, tanh, gru, gru-reset-before, lstm")
	shapeSteps    = flag.Int("shape.steps", 20, "steps in a window")
	shapeUnits    = flag.Int("shape.units", 100, "width of the recurrent state")
	shapeLayers   = flag.Int("shape.layers", 1, "number of layers")
	shapeBoth     = flag.Bool("shape.bidirectional", false, "two directions")
	shapeFeatures = flag.Int("shape.features", 1, "inputs")
	shapeBatch    = flag.Int("shape.batch", 10, "windows in a batch")
	shapeThreads  = flag.Int("shape.threads", 1, "threads")
	shapeForm     = flag.String("shape.form", "auto", "form of the graph")
	shapeSet      = flag.String("shape.set", "auto", "instruction set")
	shapeCall     = flag.Int("shape.call", 10, "training steps in a call")
	shapeFile     = flag.String("shape.file", "", "where BenchmarkProbability writes weights, inputs and probabilities (npz)")
)

// shapeConfig is the network of the flags.
func shapeConfig() graph.Config {
	c := graph.DefaultConfig()
	layer := graph.Layer{Cell: graph.Cell(*shapeCell), Units: *shapeUnits}
	if a := graph.Activation(*shapeCell); slices.Contains(graph.Activations(), a) {
		layer.Cell, layer.Activation = graph.Plain, a
	}
	c.Layers, c.Bidirectional = slices.Repeat([]graph.Layer{layer}, *shapeLayers), *shapeBoth
	c.Window, c.Features, c.Threads = *shapeSteps, *shapeFeatures, *shapeThreads
	c.Form, c.InstructionSet = graph.Form(*shapeForm), *shapeSet
	c.LearningRate = 1e-9 // at a common rate relu over many steps grows beyond any bound
	return c
}

// BenchmarkShape trains a network of the shape that the flags ask for, in a new
// session: run it alone, as memory and the first times are the process's. An
// operation is one call of Session.Train; the metrics are
//
//	ns/step   a training step
//	GFLOP/s   of its matrix products, 2 operations a multiplication
//	ms-build  to assemble the graph and start the session
//	ms-first  the first call
//	MB-peak   resident memory at most (Linux only)
func BenchmarkShape(b *testing.B) {
	c := shapeConfig()
	begin := time.Now()
	s := newSession(b, c)
	built := time.Since(begin)
	if err := s.SetSeries(shapeSeries(c.Window + *shapeBatch + *shapeCall)); err != nil {
		b.Fatal(err)
	}
	plan := shapePlan(*shapeCall, *shapeBatch)
	begin = time.Now()
	steps(b, s, graph.Plan{Starts: plan.Starts[:1]})
	first := time.Since(begin)
	steps(b, s, plan)

	for b.Loop() {
		steps(b, s, plan)
	}
	step := float64(b.Elapsed().Nanoseconds()) / float64(b.N**shapeCall)
	b.ReportMetric(step, "ns/step")
	b.ReportMetric(flop(c, *shapeBatch)/step, "GFLOP/s")
	b.ReportMetric(float64(built.Microseconds())/1e3, "ms-build")
	b.ReportMetric(float64(first.Microseconds())/1e3, "ms-first")
	b.ReportMetric(peakMemory(), "MB-peak")
}

func shapeSeries(rows int) graph.Series {
	d := graph.Series{X: make([]float32, rows**shapeFeatures), Y: make([]float32, rows)}
	for i := range d.X {
		d.X[i] = float32(sine(i))
	}
	for i := range d.Y {
		d.Y[i] = answer.label(i)
	}
	return d
}

// shapePlan slides by one: each step's windows and each window begin a row on.
func shapePlan(steps, batch int) graph.Plan {
	p := graph.Plan{Starts: make([][]int32, steps)}
	for k := range p.Starts {
		for w := range batch {
			p.Starts[k] = append(p.Starts[k], int32(k+w))
		}
	}
	return p
}

// flop is what the matrix products of a training step take: three a weight (forward, by
// the weights, by the input). That of the features has none by the input, which is little.
func flop(c graph.Config, batch int) float64 {
	products := 0
	for _, w := range c.Weights() {
		if len(w.Shape) == 2 {
			products += 3 * w.Size()
		}
	}
	return 2 * float64(c.Window*batch) * float64(products)
}

// BenchmarkLayers runs the layers alone, forward and backward, see [graph.Layers].
func BenchmarkLayers(b *testing.B) {
	c := shapeConfig()
	rows, width := c.Window**shapeBatch, *shapeUnits
	if c.Bidirectional {
		width *= 2
	}
	l, err := graph.NewLayers(c, randoms(rows*c.Features), randoms(rows*width))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		if err := l.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProbability predicts a batch of the shape, with weights that are all random.
func BenchmarkProbability(b *testing.B) {
	c := shapeConfig()
	p := newPredictor(b, c)
	weights := c.Weights()
	for i, w := range weights {
		weights[i].Value = randoms(w.Size())
		for k := range weights[i].Value {
			weights[i].Value[k] *= 0.1
		}
	}
	if err := only(p).SetVariables(weights); err != nil {
		b.Fatal(err)
	}
	x := randoms(c.Window * *shapeBatch * c.Features)
	if *shapeFile != "" {
		writeProbabilities(b, weights, x, predict(b, p, x, *shapeBatch, nil).Probability)
	}
	for b.Loop() {
		predict(b, p, x, *shapeBatch, nil)
	}
	b.ReportMetric(float64(c.Window**shapeBatch*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// writeProbabilities writes arrays without their shapes, for a program that is to
// predict the same.
func writeProbabilities(b *testing.B, weights []graph.Variable, x, probability []float32) {
	arrays := map[string]any{"x": x, "probability": probability}
	for _, w := range weights {
		arrays[strings.ReplaceAll(w.Name, "/", ".")] = w.Value
	}
	if err := npz.Write(*shapeFile, arrays); err != nil {
		b.Fatal(err)
	}
}

// peakMemory is this process's largest resident size in MB, 0 where /proc does
// not tell it.
func peakMemory() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseFloat(kb, 64)
	return n / 1024
}

// BenchmarkMatMul is a product of two 1024 x 1024 matrices in libtensorflow, on
// -shape.threads threads: what there is to reach.
func BenchmarkMatMul(b *testing.B) {
	const n = 1024
	scope := op.NewScope()
	left := op.Placeholder(scope.SubScope("left"), tf.Float, op.PlaceholderShape(tf.MakeShape(n, n)))
	right := op.Placeholder(scope.SubScope("right"), tf.Float, op.PlaceholderShape(tf.MakeShape(n, n)))
	product := op.MatMul(scope, left, right)
	g, err := scope.Finalize()
	if err != nil {
		b.Fatal(err)
	}
	config, err := proto.Marshal(&configpb.ConfigProto{
		IntraOpParallelismThreads: int32(*shapeThreads),
		InterOpParallelismThreads: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
	sess, err := tf.NewSession(g, &tf.SessionOptions{Config: config})
	if err != nil {
		b.Fatal(err)
	}
	defer sess.Close()

	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = make([]float32, n)
		for j := range rows[i] {
			rows[i][j] = float32(sine(i + j))
		}
	}
	values, err := tf.NewTensor(rows)
	if err != nil {
		b.Fatal(err)
	}
	feeds := map[tf.Output]*tf.Tensor{left: values, right: values}
	for b.Loop() {
		if _, err := sess.Run(feeds, nil, []*tf.Operation{product.Op}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*n*n*n/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "GFLOP/s")
	runtime.KeepAlive(values)
}
