package layout

import (
	"math/rand/v2"
	"slices"
)

// A Sampler says which windows each training step works on. It depends on nothing but what
// it was made of, and what it gives for an epoch on nothing but the epoch.
type Sampler interface {
	// Steps is the number of training steps in an epoch.
	Steps() int
	// Epoch gives the first row of each of a step's windows, for all steps of an epoch.
	Epoch(epoch int) [][]int32
}

// Table is a Sampler with the same windows in every epoch.
type Table [][]int32

// Steps is the number of rows.
func (t Table) Steps() int { return len(t) }

// Epoch is the table.
func (t Table) Epoch(int) [][]int32 { return t }

// grid deals the windows of a grid anew to the batches of each epoch.
type grid struct {
	starts []int32
	batch  int
	seed   int64
}

// NewGrid returns a Sampler of windows that begin every stride rows, and one more at the
// end of a part where the rest would be left out. A part shorter than a window is one short
// window. Windows in which nothing is to be learned are left out.
func NewGrid(s *Set, window, stride, batch int, seed int64) Sampler {
	g := &grid{batch: batch, seed: seed}
	learns := s.learns()
	for _, p := range s.Parts {
		last := max(p.Start, p.End-window)
		for at := p.Start; ; at = min(at+stride, last) {
			if learns(at, min(at+window, p.End)) {
				g.starts = append(g.starts, int32(at))
			}
			if at == last {
				break
			}
		}
	}
	return g
}

func (g *grid) Steps() int { return (len(g.starts) + g.batch - 1) / g.batch }

func (g *grid) Epoch(epoch int) [][]int32 {
	starts := slices.Clone(g.starts)
	r := random(g.seed, epoch)
	r.Shuffle(len(starts), func(i, j int) { starts[i], starts[j] = starts[j], starts[i] })
	return slices.Collect(slices.Chunk(starts, g.batch))
}

// scatter draws windows at random offsets.
type scatter struct {
	runs  []run
	upTo  []float64 // weight of the runs up to each one's end
	batch int
	steps int
	seed  int64
}

// run is consecutive rows at which windows may begin.
type run struct{ start, rows int32 }

// NewScatter returns a Sampler of windows that begin at random rows, each with something to
// learn. An epoch's windows have about as many rows as the parts that have any of these; how
// many begin in a part goes by its rows. A part shorter than a window is one short window.
func NewScatter(s *Set, window, batch int, seed int64) Sampler {
	c := &scatter{batch: batch, seed: seed}
	learns := s.learns()
	rows, weight := 0, 0.0
	for _, p := range s.Parts {
		if !learns(p.Start, p.End) {
			continue
		}
		rows += p.Len()
		end := max(p.Start, p.End-window) + 1
		each := float64(p.Len()) / float64(end-p.Start)
		for at := p.Start; at < end; at++ {
			from := at
			for at < end && learns(at, min(at+window, p.End)) {
				at++
			}
			if n := at - from; n > 0 {
				weight += each * float64(n)
				c.runs, c.upTo = append(c.runs, run{int32(from), int32(n)}), append(c.upTo, weight)
			}
		}
	}
	if rows > 0 {
		c.steps = max(1, rows/(window*batch))
	}
	return c
}

func (c *scatter) Steps() int { return c.steps }

func (c *scatter) Epoch(epoch int) [][]int32 {
	r := random(c.seed, epoch)
	table := make([][]int32, c.steps)
	for i := range table {
		table[i] = make([]int32, c.batch)
		for b := range table[i] {
			table[i][b] = c.draw(r)
		}
	}
	return table
}

// draw chooses a run by its weight, and a row of it.
func (c *scatter) draw(r *rand.Rand) int32 {
	i, _ := slices.BinarySearch(c.upTo, r.Float64()*c.upTo[len(c.upTo)-1])
	return c.runs[i].start + r.Int32N(c.runs[i].rows)
}

// random is the generator of an epoch.
func random(seed int64, epoch int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), uint64(epoch)))
}
