package metrics

import "iter"

// Segments compare runs of equal labels instead of single steps, so that a net
// which flickers scores worse than one that is a little early or late. All are
// from 0 to 1 and count the runs of every class.
//
// The definitions are those of Lea et al., Temporal Convolutional Networks for
// Action Segmentation and Detection (2017), as the evaluation of MS-TCN (Abu
// Farha and Gall 2019) computes them: the edit score is the mean over the
// series, F1 counts the segments of all series together. Where steps that do not
// count lie between others, a segment ends and no two are compared across: the
// edit distance and the length of such a series are the sums over its stretches.
type Segments struct {
	Edit Number `json:"edit"`  // 1 - edit distance of the segments' labels / the longer number of segments
	F110 Number `json:"f1_10"` // a segment is right when it overlaps a true one by 10 % (intersection over union)
	F125 Number `json:"f1_25"`
	F150 Number `json:"f1_50"`
}

// segment is a run of equal labels.
type segment struct {
	label      int16
	start, end int
}

// runs returns the segments of label.
func runs(label []int16) []segment {
	var out []segment
	for i, l := range label {
		if i == 0 || l != label[i-1] {
			out = append(out, segment{l, i, i})
		}
		out[len(out)-1].end++
	}
	return out
}

// stretches are the series' parts without a gap, as starts and ends among all
// steps.
func (p part) stretches() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		start := p.Start
		for _, gap := range p.gaps {
			if !yield(start, p.Start+gap) {
				return
			}
			start = p.Start + gap
		}
		yield(start, p.End)
	}
}

// hits counts segments.
type hits struct {
	right, predicted, labelled int
}

func compareSegments(predicted, label []int16, series []part, classes int) Segments {
	overlaps := [3]float64{.10, .25, .50}
	var count [3]hits
	edit := 0.0
	for _, s := range series {
		distance, longer := 0.0, 0
		for start, end := range s.stretches() {
			p, y := runs(predicted[start:end]), runs(label[start:end])
			longer += max(len(p), len(y))
			distance += float64(editDistance(p, y, classes))
			for i, overlap := range overlaps {
				count[i].right += match(p, y, overlap)
				count[i].predicted += len(p)
				count[i].labelled += len(y)
			}
		}
		edit += 1 - distance/float64(longer)
	}
	return Segments{Number(edit / float64(len(series))), count[0].f1(), count[1].f1(), count[2].f1()}
}

func (h hits) f1() Number { return ratio(2*h.right, h.predicted+h.labelled) }

// mostPairs is how many pairs of segments the edit distance compares, a second's
// work; a stretch that has more leaves the edit score undefined.
const mostPairs = 1 << 35

// editDistance is the Levenshtein distance of the labels of two sequences of
// segments.
func editDistance(p, y []segment, classes int) Number {
	switch {
	case classes == 2:
		return Number(alternating(p, y))
	case len(p)*len(y) > mostPairs:
		return undefined
	case len(p) > len(y):
		return Number(levenshtein(y, p))
	}
	return Number(levenshtein(p, y))
}

// alternating is the distance of sequences of two labels, which alternate. It
// needs no table: the longer one loses the difference, at the end where it does
// not fit. Sequences of the same length that begin differently need one
// substitution, or a deletion at one end and an insertion at the other.
func alternating(p, y []segment) int {
	switch {
	case len(p) != len(y):
		return max(len(p), len(y)) - min(len(p), len(y))
	case p[0].label == y[0].label:
		return 0
	}
	return min(len(p), 2)
}

// levenshtein is the distance by bit vectors, 64 cells of a column of the table
// at a time: Myers, A Fast Bit-Vector Algorithm for Approximate String Matching
// (1999), with the blocks and names of Hyyrö (2003). It takes p down the column.
func levenshtein(p, y []segment) int {
	words := (len(p) + 63) / 64
	rows := rowsOf(p, words)
	none := make([]uint64, words)
	vp, vn := make([]uint64, words), make([]uint64, words) // rows where the column steps up, down
	for w := range vp {
		vp[w] = ^uint64(0)
	}
	last := uint(len(p)-1) % 64
	distance := len(p)
	for _, s := range y {
		equal, found := rows[s.label]
		if !found {
			equal = none
		}
		hpIn, hnIn := uint64(1), uint64(0) // the table's first row steps up
		var hp, hn uint64
		for w, eq := range equal {
			eq |= hnIn
			d0 := (eq&vp[w] + vp[w]) ^ vp[w] | eq | vn[w] // rows where the diagonal does not step up
			hp, hn = vn[w]|^(d0|vp[w]), d0&vp[w]
			up, down := hp<<1|hpIn, hn<<1|hnIn
			vp[w], vn[w] = down|^(d0|up), d0&up
			hpIn, hnIn = hp>>63, hn>>63
		}
		distance += int(hp>>last&1) - int(hn>>last&1)
	}
	return distance
}

// rowsOf marks the places of each label in p, a bit each.
func rowsOf(p []segment, words int) map[int16][]uint64 {
	rows := map[int16][]uint64{}
	for i, s := range p {
		if rows[s.label] == nil {
			rows[s.label] = make([]uint64, words)
		}
		rows[s.label][i/64] |= 1 << (i % 64)
	}
	return rows
}

// match pairs each predicted segment with the true segment of its label that it
// overlaps most. It is right when that overlap reaches the limit and no earlier
// segment was paired with the same one. match returns how many are right.
func match(p, y []segment, limit float64) int {
	right := 0
	taken := make([]bool, len(y))
	first := 0 // of y that reaches into or behind the current one
	for _, s := range p {
		for y[first].end <= s.start {
			first++
		}
		best, most := -1, 0.0
		for j := first; j < len(y) && y[j].start < s.end; j++ {
			if o := overlap(s, y[j]); y[j].label == s.label && o > most {
				best, most = j, o
			}
		}
		if best >= 0 && most >= limit && !taken[best] {
			taken[best] = true
			right++
		}
	}
	return right
}

// overlap is intersection over union.
func overlap(a, b segment) float64 {
	return float64(min(a.end, b.end)-max(a.start, b.start)) / float64(max(a.end, b.end)-min(a.start, b.start))
}
