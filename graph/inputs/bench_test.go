package inputs

import (
	"fmt"
	"testing"
)

func BenchmarkRolling(b *testing.B) {
	for _, features := range []int{1, 40} {
		for _, rolling := range [][]int{{8}, {32}, {128}, {8, 32, 128}} {
			b.Run(fmt.Sprintf("features=%d/rows=%v", features, rolling), func(b *testing.B) {
				rows := 200000 / features
				in := Inputs{SeriesScale: None, Rolling: rolling, Ahead: Centred}
				x := walk(rows, features)
				dst := make([]float32, rows*in.Columns(features))
				for b.Loop() {
					s := in.NewStream(features, nil)
					s.Rest(s.Append(dst[:0], x))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows*features*len(rolling)), "ns/value/window")
			})
		}
	}
}

func BenchmarkScale(b *testing.B) {
	for _, centre := range []bool{false, true} {
		b.Run(fmt.Sprintf("centre=%v", centre), func(b *testing.B) {
			const columns, rows = 16, 10000
			s, x := scaleOf(columns, centre), walk(rows, columns)
			dst := make([]float32, len(x))
			for b.Loop() {
				copy(dst, x)
				s.Apply(dst)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows*columns), "ns/value")
		})
	}
}
