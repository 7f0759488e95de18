package metrics

import (
	"errors"
	"math"
	"slices"
)

// curve counts the steps at each distinct probability, from the highest down.
// Points hold what has been counted so far: with the threshold at that
// probability, these are the true and the false positives.
type curve struct {
	points               []point
	positives, negatives int
}

type point struct {
	probability   float32
	truePositive  int
	falsePositive int
}

// curve sorts the steps by probability. The bits of floats from 0 to 1 sort as
// the floats do and leave room for the label, which makes for small keys.
func (s *steps) curve() *curve {
	keys := make([]uint32, len(s.label))
	for i, p := range s.probability {
		keys[i] = math.Float32bits(p+0)<<1 | uint32(s.label[i]) // -0 + 0 is 0
	}
	slices.Sort(keys)
	c := &curve{}
	for i := len(keys) - 1; i >= 0; i-- {
		p := math.Float32frombits(keys[i] >> 1)
		if keys[i]&1 == 1 {
			c.positives++
		} else {
			c.negatives++
		}
		if i > 0 && keys[i-1]>>1 == keys[i]>>1 {
			continue
		}
		c.points = append(c.points, point{p, c.positives, c.negatives})
	}
	return c
}

// rocAUC is the area under the curve of true over false positive rate, ties
// being straight lines: the chance that a positive step is ranked above a
// negative one, half of it where they tie.
func (c *curve) rocAUC() Number {
	if c.positives == 0 || c.negatives == 0 {
		return undefined
	}
	area, last := 0.0, point{}
	for _, p := range c.points {
		area += float64(p.falsePositive-last.falsePositive) * float64(p.truePositive+last.truePositive) / 2
		last = p
	}
	return Number(area / float64(c.positives) / float64(c.negatives))
}

// averagePrecision is the precision at each probability, weighted by the recall
// gained there: scikit-learn's average_precision_score.
func (c *curve) averagePrecision() Number {
	if c.positives == 0 {
		return undefined
	}
	sum, last := 0.0, 0
	for _, p := range c.points {
		precision := float64(p.truePositive) / float64(p.truePositive+p.falsePositive)
		sum += precision * float64(p.truePositive-last)
		last = p.truePositive
	}
	return Number(sum / float64(c.positives))
}

// BestThreshold returns the threshold with the highest F1, and that F1. It lies
// midway between the probabilities that it parts; of several it is the highest.
func BestThreshold(in Input) (threshold float64, f1 Number, err error) {
	s, err := gather(in)
	if err != nil {
		return 0, undefined, err
	}
	c := s.curve()
	if c.positives == 0 {
		return 0, undefined, errors.New("no step is labelled 1, so no threshold is better than another")
	}
	best := -1
	for i, p := range c.points {
		at := ratio(2*p.truePositive, c.positives+p.truePositive+p.falsePositive)
		if best < 0 || at > f1 {
			best, f1 = i, at
		}
	}
	threshold = float64(c.points[best].probability)
	if best+1 < len(c.points) {
		threshold = (threshold + float64(c.points[best+1].probability)) / 2
	}
	return threshold, f1, nil
}
