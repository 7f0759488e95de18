package metrics

// Segments compare runs of equal labels instead of single steps, so that a net
// which flickers scores worse than one that is a little early or late. All are
// from 0 to 1 and count the runs of both labels.
//
// The definitions are those of Lea et al., Temporal Convolutional Networks for
// Action Segmentation and Detection (2017), as the evaluation of MS-TCN (Abu
// Farha and Gall 2019) computes them: the edit score is the mean over the
// series, F1 counts the segments of all series together. Steps that do not count
// are cut out, the steps around them becoming neighbours.
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

func compareSegments(predicted, label []int16, spans []Span) Segments {
	overlaps := [3]float64{.10, .25, .50}
	var counts [3]Confusion
	edit := 0.0
	for _, s := range spans {
		p, y := runs(predicted[s.Start:s.End]), runs(label[s.Start:s.End])
		edit += 1 - float64(editDistance(p, y))/float64(max(len(p), len(y)))
		for i, overlap := range overlaps {
			counts[i] = counts[i].plus(match(p, y, overlap))
		}
	}
	return Segments{Number(edit / float64(len(spans))), counts[0].f1(), counts[1].f1(), counts[2].f1()}
}

// editDistance is the Levenshtein distance of the labels of two sequences of
// segments. The labels alternate, so it is known without a table: the longer
// sequence loses the difference, at the end where it does not fit. Sequences of
// the same length that begin differently need one substitution, or a deletion at
// one end and an insertion at the other.
func editDistance(p, y []segment) int {
	switch {
	case len(p) != len(y):
		return max(len(p), len(y)) - min(len(p), len(y))
	case p[0].label == y[0].label:
		return 0
	}
	return min(len(p), 2)
}

// match pairs each predicted segment with the true segment of its label that it
// overlaps most. It is right when that overlap reaches the limit and no earlier
// segment was paired with the same one. What remains is false, or missed.
func match(p, y []segment, limit float64) Confusion {
	var c Confusion
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
			c.TruePositive++
		} else {
			c.FalsePositive++
		}
	}
	c.FalseNegative = len(y) - c.TruePositive
	return c
}

// overlap is intersection over union.
func overlap(a, b segment) float64 {
	return float64(min(a.end, b.end)-max(a.start, b.start)) / float64(max(a.end, b.end)-min(a.start, b.start))
}
