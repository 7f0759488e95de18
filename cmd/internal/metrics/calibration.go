package metrics

import "math"

// logLoss is the mean of -log of the probability given to the true label.
// Probabilities are kept 2^-23 away from 0 and 1, as scikit-learn does with
// 32-bit ones.
func (s *steps) logLoss() Number {
	const tiny = 0x1p-23
	sum := 0.0
	for i, l := range s.label {
		sum -= math.Log(min(max(s.of(i, l), tiny), 1-tiny))
	}
	return Number(sum / float64(len(s.label)))
}

// brier is the mean squared distance of the probabilities from the label's, 1
// for the true class and 0 for the others. As in scikit-learn it is summed over
// the classes, and of two only one counts, since their distances are equal.
func (s *steps) brier() Number {
	sum := 0.0
	for i, l := range s.label {
		for k := int16(s.classes - width(s.classes)); k < int16(s.classes); k++ {
			d := s.of(i, k)
			if k == l {
				d--
			}
			sum += d * d
		}
	}
	return Number(sum / float64(len(s.label)))
}

// bins is the number of bins of the calibration error, as in Guo et al., On
// Calibration of Modern Neural Networks (2017).
const bins = 15

// calibrationError is the expected calibration error: bins of equal width, bin
// b being [b/15, (b+1)/15) and the last one closed; in each the distance between
// mean probability and the share of steps that it came true for; their mean
// weighted by the steps in a bin. The probability is that of the second of two
// classes, and of more that of the class answered, as in Guo et al.
func (s *steps) calibrationError() Number {
	var excess [bins]float64 // sum of probability minus 1 where it came true
	class := int16(1)
	for i, l := range s.label {
		if s.classes > 2 {
			class = s.answer[i]
		}
		p := s.of(i, class)
		b := min(int(p*bins), bins-1)
		excess[b] += p
		if l == class {
			excess[b]--
		}
	}
	sum := 0.0
	for _, e := range excess {
		sum += math.Abs(e)
	}
	return Number(sum / float64(len(s.label)))
}
