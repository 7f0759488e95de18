package kernels

import (
	"fmt"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// BenchmarkRecurrence counts every product as if nothing were passed over: 2 B U (F+U) operations a step forward,
// twice that backward. Random weights and inputs leave half of the states zero, without a pattern in neighbouring rows.
func BenchmarkRecurrence(b *testing.B) {
	for _, s := range []shape{{20, 10, 1, 100}, {2000, 10, 1, 100}, {20, 64, 1, 512}, {20, 256, 1, 512}, {2000, 1, 1, 64}} {
		for _, isa := range ISAs() {
			for _, cell := range plainCells {
				for threads := 1; threads <= 2; threads++ {
					c := newCall(s, isa, cell, threads, false)
					forward := 2 * float64(s.steps*s.batch*s.units) * float64(s.inputs+s.units)
					name := fmt.Sprintf("%v/%s/%s/threads=%d", s, isa, cell, threads)
					run := func(kind string, f func(), flops float64) {
						b.Run(kind+"/"+name, func(b *testing.B) {
							for b.Loop() {
								f()
							}
							b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
						})
					}
					run("forward", c.forward, forward)
					run("backward", c.backward, 2*forward)
				}
			}
		}
	}
}

// BenchmarkCells trains a layer: forward and backward, in one direction on one thread and in two on two.
func BenchmarkCells(b *testing.B) {
	for _, isa := range ISAs() {
		for _, cell := range []string{CellTanh, CellGRU, CellLSTM} {
			for directions := 1; directions <= 2; directions++ {
				c := newCalls(shape{180, 32, 2, 64}, isa, cell, directions, directions, false, false)
				b.Run(fmt.Sprintf("forward/%s/%s/directions=%d", isa, cell, directions), func(b *testing.B) {
					for b.Loop() {
						c.forward()
					}
				})
				b.Run(fmt.Sprintf("both/%s/%s/directions=%d", isa, cell, directions), func(b *testing.B) {
					for b.Loop() {
						c.forward()
						c.backward()
					}
				})
			}
		}
	}
}

// BenchmarkXent runs cross-entropies of 100,000 rows, by TensorFlow's kernel and by ours.
func BenchmarkXent(b *testing.B) {
	if err := Register(); err != nil {
		b.Fatal(err)
	}
	const rows = 100000
	for _, classes := range []int{2, 5, 50} {
		for _, isa := range append([]string{"tensorflow"}, ISAs()...) {
			attrs := Labelled(isa)
			if isa == "tensorflow" {
				attrs = nil
			}
			b.Run(fmt.Sprintf("%d/%s", classes, isa), func(b *testing.B) { benchmarkXent(b, rows, classes, attrs) })
		}
	}
}

func benchmarkXent(b *testing.B, rows, classes int, attrs map[string]any) {
	s := op.NewScope()
	c := randomXent(rows, classes, 1)
	logits := op.Const(s.SubScope("logits"), slices.Collect(slices.Chunk(c.logits, classes)))
	labels := op.Const(s.SubScope("labels"), c.labels)
	xent := s.AddOperation(tf.OpSpec{Type: SparseXent, Attrs: attrs, Input: []tf.Input{logits, labels}})
	session := start(b, s)
	for b.Loop() {
		if _, err := session.Run(nil, nil, []*tf.Operation{xent}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

// BenchmarkNoise adds noise to a million values: TensorFlow's numbers alone, and our op.
func BenchmarkNoise(b *testing.B) {
	if err := Register(); err != nil {
		b.Fatal(err)
	}
	const n = 1 << 20
	for _, isa := range append([]string{"tensorflow"}, ISAs()...) {
		b.Run(isa, func(b *testing.B) {
			s := op.NewScope()
			x := op.Fill(s, op.Const(s.SubScope("shape"), []int32{n}), op.Const(s.SubScope("zero"), float32(0)))
			seeds := op.Placeholder(s.SubScope("seeds"), tf.Int64) // a constant would be drawn from once
			drawn := op.StatelessRandomNormal(s, op.Shape(s, x), seeds).Op
			if isa != "tensorflow" {
				drawn = s.AddOperation(tf.OpSpec{Type: Noise, Attrs: noiseOf(isa, 1), Input: []tf.Input{x, seeds}})
			}
			session := start(b, s)
			of, err := tf.NewTensor([]int64{1, 2})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := session.Run(map[tf.Output]*tf.Tensor{seeds: of}, nil, []*tf.Operation{drawn}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
		})
	}
}
