// Package original holds what the original program fixes: its series, its two
// ways to label it, the order of its batches and the form of its lines.
package original

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rnnbin/rnnbin/graph"
)

// Samples is the length of the original's series; PredictFrom is the first of
// the samples that it predicts at its end.
// A window's labels are those Horizon steps ahead.
const (
	Samples     = 1000
	PredictFrom = 37
	Horizon     = 1

	frequency = 2 // Hz, at Samples samples a second
)

// Preset is one of the three programs.
type Preset struct {
	Name  string
	Loss  graph.Loss
	Label func(sine float64) float32
	About string
}

// Presets lists the programs, the default first.
var Presets = []Preset{
	{"answer", graph.OneHotXent, binary, "two outputs, one-hot labels, softmax cross-entropy"},
	{"question", graph.MSE, buggy, "one output, mean squared error, and labels that are 2 nearly everywhere"},
	{"attempt", graph.SparseXent, binary, "two outputs, sparse softmax cross-entropy"},
}

// Find returns the preset of a name.
func Find(name string) (Preset, error) {
	var names []string
	for _, p := range Presets {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("no preset %q, there are %s", name, strings.Join(names, ", "))
}

// binary is the answer's label: 1 in the wave's upper half.
func binary(sine float64) float32 {
	if sine > 0 {
		return 1
	}
	return 0
}

// buggy is the question's label. It first sets what is below 0 to 1 and then
// everything above 0, these included, to 2; only an exact 0 stays.
func buggy(sine float64) float32 {
	if sine == 0 {
		return 0
	}
	return 2
}

// sine is the original's feature at a sample, in float64: its sign at the
// zeros of the wave decides labels.
func sine(sample int) float64 {
	return math.Sin(2 * math.Pi * frequency * (float64(sample) / Samples))
}

// Series is the original's series as the engine takes it: each row has a
// sample and the label one step ahead, so that the last sample has no row.
func (p Preset) Series() graph.Series {
	var d graph.Series
	for i := range Samples - Horizon {
		d.X = append(d.X, float32(sine(i)))
		d.Y = append(d.Y, p.Label(sine(i+Horizon)))
	}
	return d
}

// Iterations is how many batches of the given number of samples the original
// makes in an epoch: as many as its series is longer than one.
func Iterations(batchSamples int) int { return Samples - batchSamples }

// Batches are the starts of an epoch's windows: the batch of iteration i is the
// samples from i on, cut into windows that follow each other.
func Batches(iterations, batch, steps int) [][]int32 {
	table := make([][]int32, iterations)
	for i := range table {
		table[i] = Windows(i, batch, steps)
	}
	return table
}

// Windows are the starts of batch windows that follow each other.
func Windows(from, batch, steps int) []int32 {
	starts := make([]int32, batch)
	for b := range starts {
		starts[b] = int32(from + b*steps)
	}
	return starts
}

// Line is what the original prints of an iteration. It calls every loss MSE.
func Line(epoch, iteration int, loss float32) string {
	return fmt.Sprintf("%d -- %d \tMSE: %s", iteration, epoch, FormatFloat(loss))
}

// FormatFloat writes v as NumPy prints a float32: the fewest digits that tell
// it from its neighbours, with an exponent below 1e-4 and from 1e16 on.
func FormatFloat(v float32) string {
	abs := math.Abs(float64(v))
	switch {
	case math.IsNaN(abs):
		return "nan"
	case math.IsInf(abs, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(float64(v), 'g', -1, 32)), "+")
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return strconv.FormatFloat(float64(v), 'e', -1, 32)
	}
	s := strconv.FormatFloat(float64(v), 'f', -1, 32)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
