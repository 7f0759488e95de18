package metrics

// Confusion counts steps by their label and the label predicted.
type Confusion struct {
	TrueNegative  int `json:"true_negative"`
	FalsePositive int `json:"false_positive"`
	FalseNegative int `json:"false_negative"`
	TruePositive  int `json:"true_positive"`
}

// count compares labels, all 0 or 1.
func count(predicted, label []int16) Confusion {
	var n [4]int
	for i, p := range predicted {
		n[label[i]<<1|p]++
	}
	return Confusion{n[0], n[1], n[2], n[3]}
}

func (c Confusion) negatives() int { return c.TrueNegative + c.FalsePositive }
func (c Confusion) positives() int { return c.TruePositive + c.FalseNegative }

func (c Confusion) accuracy() Number {
	return ratio(c.TruePositive+c.TrueNegative, c.negatives()+c.positives())
}

func (c Confusion) balancedAccuracy() Number {
	return (c.recall() + ratio(c.TrueNegative, c.negatives())) / 2
}

func (c Confusion) precision() Number { return ratio(c.TruePositive, c.TruePositive+c.FalsePositive) }
func (c Confusion) recall() Number    { return ratio(c.TruePositive, c.positives()) }

func (c Confusion) f1() Number {
	return ratio(2*c.TruePositive, 2*c.TruePositive+c.FalsePositive+c.FalseNegative)
}
