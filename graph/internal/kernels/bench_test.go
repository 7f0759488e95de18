package kernels

import (
	"fmt"
	"testing"
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
