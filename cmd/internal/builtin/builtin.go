// Package builtin has series made by formulas, to show the format and to try things.
package builtin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// formula makes a series.
type formula struct {
	name, about string
	rows        int
	columns     []string
	row         func(n noise, i int) []float64
	classes     []string // names of the labels; nil for numbers
}

// builtins are deterministic: with the same seed of their noise the same rows on every machine.
var builtins = []formula{
	{"sine", "two periods of a sine, labelled 1 where it is positive", 1000,
		[]string{"sample", "x", "label"}, func(_ noise, i int) []float64 { return []float64{float64(i), sine(i), positive(sine(i))} }, nil},
	{"sine-question", "the same with the labels of the question that started this: 2 everywhere but on the first row", 1000,
		[]string{"sample", "x", "label"}, questionRow, nil},
	{"noisy-sine", "ten periods of a sine in noise, labelled by the sine alone", 5000,
		[]string{"sample", "x", "label"}, noisyRow, nil},
	{"two-series", "two series called a and b, of other frequencies", 2000,
		[]string{"series", "sample", "x", "label"}, twoRow, nil},
	{"bursts", "rare bursts of vibration in noise, 4 % of the rows, a fifth of the labels missing", 10000,
		[]string{"sample", "x", "y", "label"}, burstRow, nil},
	{"activities", "what eight people, a to h, do with an accelerometer at the hip: five classes", 8 * personRows,
		[]string{"series", "sample", "x", "y", "z", "label"}, activityRow, []string{"lying", "running", "stairs", "standing", "walking"}},
}

// sine is sample i of the original program's series: 2 Hz at 1000 samples a
// second, in float64, so that at rows 250, 500 and 750 it is not quite 0.
func sine(i int) float64 { return math.Sin(2 * math.Pi * 2 * (float64(i) / 1000)) }

func positive(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

// questionRow has the question's labels. Its program set negative samples to 1
// and then everything positive, those ones included, to 2.
func questionRow(_ noise, i int) []float64 {
	label := 2.0
	if sine(i) == 0 {
		label = 0
	}
	return []float64{float64(i), sine(i), label}
}

// noise is a seed of normal deviates.
type noise uint64

// at is a deviate that depends on the seed, i and the stream, below 256, and on nothing else.
func (n noise) at(i, stream int) float64 {
	return rand.New(rand.NewPCG(uint64(i), uint64(n)<<8|uint64(stream))).NormFloat64()
}

func noisyRow(n noise, i int) []float64 {
	clean := sine(i)
	return []float64{float64(i), round(clean + 0.3*n.at(i, 1)), positive(clean)}
}

func twoRow(n noise, i int) []float64 {
	s, i := i/1000, i%1000
	x := sine(i * (s + 1))
	return []float64{float64(s), float64(i), round(x + 0.1*n.at(i, 2+s)), positive(x)}
}

func burstRow(n noise, i int) []float64 {
	const period, length = 1000, 40
	label, loud := 0.0, 0.2
	if at := (i + 137*(i/period)) % period; at >= 300 && at < 300+length {
		label, loud = 1, 1
	}
	if i/500%5 == 4 {
		label = math.NaN()
	}
	return []float64{float64(i), round(loud * n.at(i, 4)), round(loud * n.at(i, 5)), label}
}

// A person of activities is 48 seconds at 20 samples a second: eight bouts of six seconds, in
// an order of its own, which begin with half a second that nobody has labelled.
const (
	personRows = 960
	boutRows   = 120
	unlabelled = 10
)

// gait is what an activity does to the sensor, in g along three axes: where down is, and how
// it swings, so many times a second.
type gait struct{ downX, downY, downZ, swingX, swingY, swingZ, pace float64 }

var gaits = []gait{
	{0.95, 0.15, 0.20, 0.01, 0.01, 0.01, 0.25}, // lying, breathing
	{0.05, 0.20, 0.97, 0.35, 0.40, 0.90, 2.7},  // running
	{0.08, 0.35, 0.92, 0.18, 0.12, 0.28, 1.4},  // stairs, leaning forward
	{0.03, 0.12, 0.98, 0.02, 0.02, 0.01, 0.3},  // standing
	{0.04, 0.15, 0.97, 0.15, 0.20, 0.32, 1.9},  // walking
}

func activityRow(n noise, i int) []float64 {
	person, sample := i/personRows, i%personRows
	bout := person*personRows/boutRows + sample/boutRows
	activity := (bout*3 + bout/5 + person) % len(gaits)
	label := float64(activity)
	if sample%boutRows < unlabelled {
		label = math.NaN()
	}
	g := gaits[activity]
	pace := g.pace * (1 + 0.06*n.at(person, 6) + 0.04*n.at(bout, 7))
	vigour := math.Exp(0.15*n.at(person, 8) + 0.1*n.at(bout, 9))
	tilt := 0.06 * n.at(person, 10)
	phase := 2 * math.Pi * pace * float64(sample) / 20
	step := math.Sin(phase) + 0.4*math.Sin(2*phase+1)
	return []float64{float64(person), float64(sample),
		round(g.downX + tilt + vigour*g.swingX*math.Sin(phase/2) + 0.05*n.at(i, 11)),
		round(g.downY - tilt + vigour*g.swingY*math.Cos(phase) + 0.05*n.at(i, 12)),
		round(g.downZ + vigour*g.swingZ*step + 0.05*n.at(i, 13)), label}
}

// round keeps six decimals, as a sensor's file would.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// List lists the built-in series, a line of name and explanation each.
func List() []string {
	var lines []string
	for _, b := range builtins {
		lines = append(lines, fmt.Sprintf("%-14s %s", b.name, b.about))
	}
	return lines
}

// ErrNone is returned for a name that no built-in series has.
var ErrNone = errors.New("there is no built-in series")

// Write writes a built-in series, with noise of the given seed, as CSV.
func Write(w io.Writer, name string, seed int64) error {
	for _, b := range builtins {
		if b.name == name {
			return b.writeCSV(w, noise(seed))
		}
	}
	var names []string
	for _, b := range builtins {
		names = append(names, b.name)
	}
	return fmt.Errorf("%w %q; there are %s", ErrNone, name, strings.Join(names, ", "))
}

func (b formula) writeCSV(w io.Writer, n noise) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, strings.Join(b.columns, ","))
	var line []byte
	for i := range b.rows {
		line = line[:0]
		for k, x := range b.row(n, i) {
			if k > 0 {
				line = append(line, ',')
			}
			line = b.appendValue(line, b.columns[k], x)
		}
		out.Write(append(line, '\n'))
	}
	return out.Flush()
}

// appendValue appends x as a field: NaN as nothing, a series as a letter, a class by its
// name, else as many digits as a 32-bit float has, which is what a feature is read as.
func (b formula) appendValue(line []byte, column string, x float64) []byte {
	switch {
	case x != x:
		return line
	case column == "series":
		return append(line, 'a'+byte(x))
	case column == "label" && b.classes != nil:
		return append(line, b.classes[int(x)]...)
	}
	return strconv.AppendFloat(line, x, 'g', -1, 32)
}
