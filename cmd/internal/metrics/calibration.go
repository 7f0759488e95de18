package metrics

import "math"

// logLoss is the mean of -log of the probability given to the true label.
// Probabilities are kept 2^-23 away from 0 and 1, as scikit-learn does with
// 32-bit ones.
func (s *steps) logLoss() Number {
	const tiny = 0x1p-23
	sum := 0.0
	for i, p := range s.probability {
		p := min(max(float64(p), tiny), 1-tiny)
		if s.label[i] == 0 {
			p = 1 - p
		}
		sum -= math.Log(p)
	}
	return Number(sum / float64(len(s.label)))
}

// brier is the mean squared difference of probability and label.
func (s *steps) brier() Number {
	sum := 0.0
	for i, p := range s.probability {
		d := float64(p) - float64(s.label[i])
		sum += d * d
	}
	return Number(sum / float64(len(s.label)))
}

// bins is the number of bins of the calibration error, as in Guo et al., On
// Calibration of Modern Neural Networks (2017).
const bins = 15

// calibrationError is the expected calibration error of the probability of a 1:
// bins of equal width, bin b being [b/15, (b+1)/15) and the last one closed; in
// each the distance of mean probability and share of ones; their mean weighted
// by the steps in a bin.
func (s *steps) calibrationError() Number {
	var excess [bins]float64 // sum of probability minus label
	for i, p := range s.probability {
		b := min(int(float64(p)*bins), bins-1)
		excess[b] += float64(p) - float64(s.label[i])
	}
	sum := 0.0
	for _, e := range excess {
		sum += math.Abs(e)
	}
	return Number(sum / float64(len(s.label)))
}
