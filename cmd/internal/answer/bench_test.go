package answer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/inputs"
)

// benchFeatures are those of the file of BenchmarkPipe.
var benchFeatures = []string{"a", "b", "c", "d"}

// benchEnsemble is so many networks of GRU 16, to be used on windows of 64 steps.
func benchEnsemble(b *testing.B, members int, within inputs.Within) *graph.Predictor {
	c := graph.DefaultConfig()
	c.Window, c.Features = 64, within.Columns(len(benchFeatures))
	c.Layers = []graph.Layer{{Cell: graph.GRU, Units: 16}}
	c.Threads = runtime.GOMAXPROCS(0)
	p, err := graph.NewEnsemble(c.Network, members, c.Machine)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	return p
}

// benchFile is a CSV file of rows with the features, of three decimals.
func benchFile(b *testing.B, rows int) string {
	path := filepath.Join(b.TempDir(), "in.csv")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "sample,a,b,c,d")
	r := rand.New(rand.NewPCG(1, 2))
	var line []byte
	for i := range rows {
		line = strconv.AppendInt(line[:0], int64(i), 10)
		for range benchFeatures {
			line = strconv.AppendFloat(append(line, ','), r.NormFloat64(), 'f', 3, 64)
		}
		w.Write(append(line, '\n'))
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkPipe answers a CSV file of a million rows by one network and by five, on all
// processors.
func BenchmarkPipe(b *testing.B) {
	const rows = 1_000_000
	path := benchFile(b, rows)
	for _, members := range []int{1, 5} {
		for _, within := range []inputs.Within{inputs.None, inputs.Running, inputs.Whole} {
			b.Run(fmt.Sprintf("members=%d/within=%s", members, within), func(b *testing.B) {
				m := modelOf(benchEnsemble(b, members, within), 0, within)
				o := series.Options{LabelOptional: true, Features: benchFeatures, Missing: series.MissingError, Twice: within == inputs.Whole}
				for b.Loop() {
					r, err := series.Open(context.Background(), path, o)
					if err != nil {
						b.Fatal(err)
					}
					w, err := series.NewWriter(io.Discard, "", r, zeroOrOne)
					if err != nil {
						b.Fatal(err)
					}
					p := Pipe{Model: m, Reader: r, Writer: w}
					if err := p.Run(context.Background()); err != nil {
						b.Fatal(err)
					}
					r.Close()
				}
				b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
