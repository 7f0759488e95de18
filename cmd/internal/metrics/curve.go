package metrics

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// curve is the steps in the order of one class's probability.
type curve struct {
	keys                 []uint32 // ascending; bits of the probability, the last bit 1 for a step of the class
	positives, negatives int
}

// point is a distinct probability. With the threshold there, these are the true
// and the false positives.
type point struct {
	probability   float32
	truePositive  int
	falsePositive int
}

// curve sorts the steps by the probability of a class. The bits of floats from 0
// to 1 sort as the floats do and leave room for one more, which makes for small
// keys.
func (s *steps) curve(class int16) *curve {
	c := &curve{keys: make([]uint32, len(s.label))}
	w := width(s.classes)
	column := int(class) - (s.classes - w)
	for i, l := range s.label {
		p := s.probability[i*w+column]
		key := math.Float32bits(p+0) << 1 // -0 + 0 is 0
		if l == class {
			key |= 1
			c.positives++
		}
		c.keys[i] = key
	}
	c.negatives = len(c.keys) - c.positives
	slices.Sort(c.keys)
	return c
}

// points are the curve's points, from the highest probability down.
func (c *curve) points() iter.Seq[point] {
	return func(yield func(point) bool) {
		var p point
		for i := len(c.keys) - 1; i >= 0; i-- {
			if c.keys[i]&1 == 1 {
				p.truePositive++
			} else {
				p.falsePositive++
			}
			if i > 0 && c.keys[i-1]>>1 == c.keys[i]>>1 {
				continue
			}
			p.probability = math.Float32frombits(c.keys[i] >> 1)
			if !yield(p) {
				return
			}
		}
	}
}

// areas are those under the curve.
//
// roc is the area under true over false positive rate, ties being straight
// lines: the chance that a positive step is ranked above a negative one, half of
// it where they tie. precision is scikit-learn's average precision: the
// precision at each probability, weighted by the recall gained there. rest is
// the average precision of the negative steps, ranked the other way round.
func (c *curve) areas() (roc, precision, rest Number) {
	var area, up, down float64
	var last point
	for p := range c.points() {
		tp, fp := p.truePositive-last.truePositive, p.falsePositive-last.falsePositive
		area += float64(fp) * float64(p.truePositive+last.truePositive) / 2
		up += float64(tp) * float64(p.truePositive) / float64(p.truePositive+p.falsePositive)
		// From the other end, this point and those below it have been found.
		tn, fn := c.negatives-last.falsePositive, c.positives-last.truePositive
		down += float64(fp) * float64(tn) / float64(tn+fn)
		last = p
	}
	positives, negatives := float64(c.positives), float64(c.negatives)
	return Number(area / positives / negatives), Number(up / positives), Number(down / negatives)
}

// BestThreshold returns the threshold with the highest F1 of the second of two
// classes, and that F1. It lies midway between the probabilities that it parts;
// of several it is the highest.
func BestThreshold(in Input) (threshold float64, f1 Number, err error) {
	s, err := gather(in)
	if err != nil {
		return 0, undefined, err
	}
	if s.classes != 2 {
		return 0, undefined, fmt.Errorf("a threshold is for two classes, not %d", s.classes)
	}
	c := s.curve(1)
	if c.positives == 0 {
		return 0, undefined, errors.New("no row is labelled 1, so no threshold is better than another")
	}
	f1 = undefined
	last := false // the best point so far is the one before
	for p := range c.points() {
		if last {
			threshold = (threshold + float64(p.probability)) / 2
		}
		at := ratio(2*p.truePositive, c.positives+p.truePositive+p.falsePositive)
		if last = !(at <= f1); last {
			threshold, f1 = float64(p.probability), at
		}
	}
	return threshold, f1, nil
}

// Curves are the curves of one class against the rest, to draw. Of many points those are left
// out that lie close to the one before.
type Curves struct {
	FalsePositive, TruePositive []float64 // ROC: rates, from 0 to 1
	Recall, Precision           []float64
	Probability, Share          []float64 // calibration: of each bin the mean probability, and of how many steps it came true
}

// Curves are those of a class, of two always of the second. Those are empty that are not defined.
func (in Input) Curves(class int) (*Curves, error) {
	s, err := gather(in)
	if err != nil {
		return nil, err
	}
	out := new(Curves)
	if s.classes == 2 {
		class = 1 // whose probabilities are kept
	}
	c := s.curve(int16(class))
	if c.positives > 0 && c.negatives > 0 {
		c.draw(out)
	}
	var n, right [bins]int
	var sum [bins]float64
	for i, l := range s.label {
		p := s.of(i, int16(class))
		b := min(int(p*bins), bins-1)
		n[b]++
		sum[b] += p
		if int(l) == class {
			right[b]++
		}
	}
	for b := range n {
		if n[b] > 0 {
			out.Probability = append(out.Probability, sum[b]/float64(n[b]))
			out.Share = append(out.Share, float64(right[b])/float64(n[b]))
		}
	}
	return out, nil
}

// draw adds the points of ROC, and of precision over recall.
func (c *curve) draw(out *Curves) {
	const close = 1.0 / 400
	out.FalsePositive, out.TruePositive = []float64{0}, []float64{0}
	for p := range c.points() {
		tp, fp := float64(p.truePositive)/float64(c.positives), float64(p.falsePositive)/float64(c.negatives)
		precision := float64(p.truePositive) / float64(p.truePositive+p.falsePositive)
		last := p.truePositive+p.falsePositive == len(c.keys)
		n := len(out.TruePositive)
		if last || tp-out.TruePositive[n-1] > close || fp-out.FalsePositive[n-1] > close {
			out.FalsePositive, out.TruePositive = append(out.FalsePositive, fp), append(out.TruePositive, tp)
		}
		n = len(out.Recall)
		if last || n == 0 || tp-out.Recall[n-1] > close || math.Abs(precision-out.Precision[n-1]) > close {
			out.Recall, out.Precision = append(out.Recall, tp), append(out.Precision, precision)
		}
	}
}
