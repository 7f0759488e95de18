package metrics

import (
	"math/rand/v2"
	"testing"
)

// The closed form is the Levenshtein distance.
func TestAlternating(t *testing.T) {
	alternating := func(first int16, n int) (out []segment) {
		for i := range n {
			out = append(out, segment{label: first ^ int16(i&1)})
		}
		return out
	}
	for n := 1; n < 9; n++ {
		for m := 1; m < 9; m++ {
			for first := range int16(2) {
				p, y := alternating(0, n), alternating(first, m)
				if got, want := editDistance(p, y, 2), Number(textbook(p, y)); got != want {
					t.Errorf("%d and %d segments, the second beginning with %d: %v, want %v", n, m, first, got, want)
				}
			}
		}
	}
}

func FuzzLevenshtein(f *testing.F) {
	f.Add([]byte("a"), []byte("b"))
	f.Add([]byte("abcb"), []byte("cbc"))
	random := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{63, 64, 65, 128, 200} { // around whole words
		text := make([]byte, n)
		for i := range text {
			text[i] = byte(random.IntN(4))
		}
		other := append([]byte{7}, text[:n-random.IntN(9)]...)
		other[n/2] = 1
		f.Add(text, other)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p, y := segmentsOf(a), segmentsOf(b)
		if len(p) == 0 || len(y) == 0 || len(p)*len(y) > 1<<20 {
			return
		}
		if got, want := editDistance(p, y, 256), Number(textbook(p, y)); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func segmentsOf(labels []byte) (out []segment) {
	for _, l := range labels {
		out = append(out, segment{label: int16(l)})
	}
	return out
}

// textbook is the recursion with one row of the table.
func textbook(p, y []segment) int {
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range p {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if p[i].label != y[j].label {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)]
}

// More segments than can be compared in time leave the edit score out, not the rest.
func TestTooManySegments(t *testing.T) {
	const n = 200_000 // n² > mostPairs
	in := Input{Classes: []string{"a", "b", "c"}}
	for i := range n {
		in.Label = append(in.Label, int16(i%3))
		row := [3]float32{}
		row[i%3] = 1
		in.Probability = append(in.Probability, row[:]...)
	}
	if s := evaluate(t, in).Segments; s.Edit == s.Edit || s.F150 != 1 {
		t.Errorf("%v", s)
	}
}
