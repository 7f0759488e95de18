package metrics

// Baseline is what one reaches without a model.
type Baseline struct {
	Majority  Majority  `json:"majority"`
	LastLabel LastLabel `json:"last_label"`
}

// Majority always answers with the more frequent label of the steps judged.
type Majority struct {
	Label    int16  `json:"label"`
	Accuracy Number `json:"accuracy"`
	F1       Number `json:"f1"`
}

// LastLabel answers with the true label of the step before. It has no answer,
// and is not judged, on the first step of a series.
type LastLabel struct {
	Steps    int    `json:"steps"`
	Accuracy Number `json:"accuracy"`
	F1       Number `json:"f1"`
}

func (s *steps) baseline() Baseline {
	ones := 0
	for _, l := range s.label {
		ones += int(l)
	}
	zeros := len(s.label) - ones
	always := Confusion{TrueNegative: zeros, FalseNegative: ones}
	b := Baseline{}
	if ones > zeros {
		b.Majority.Label = 1
		always = Confusion{TruePositive: ones, FalsePositive: zeros}
	}
	b.Majority.Accuracy, b.Majority.F1 = always.accuracy(), always.f1()

	var c Confusion
	for _, span := range s.spans {
		label := s.label[span.Start:span.End]
		c = c.plus(count(label[:len(label)-1], label[1:]))
	}
	b.LastLabel = LastLabel{c.negatives() + c.positives(), c.accuracy(), c.f1()}
	return b
}

func (c Confusion) plus(d Confusion) Confusion {
	return Confusion{
		c.TrueNegative + d.TrueNegative, c.FalsePositive + d.FalsePositive,
		c.FalseNegative + d.FalseNegative, c.TruePositive + d.TruePositive,
	}
}
