package metrics

// Confusion [C,C] counts steps by label (row) and answer (column).
type Confusion [][]int

func newConfusion(classes int) Confusion {
	n := make([]int, classes*classes)
	c := make(Confusion, classes)
	for k := range c {
		c[k] = n[k*classes : (k+1)*classes : (k+1)*classes]
	}
	return c
}

// count compares answers with labels.
func count(predicted, label []int16, classes int) Confusion {
	c := newConfusion(classes)
	for i, p := range predicted {
		c[label[i]][p]++
	}
	return c
}

// support is the number of steps of a class.
func (c Confusion) support(class int) int {
	sum := 0
	for _, n := range c[class] {
		sum += n
	}
	return sum
}

// predicted is the number of steps answered with a class.
func (c Confusion) predicted(class int) int {
	sum := 0
	for _, row := range c {
		sum += row[class]
	}
	return sum
}

func (c Confusion) steps() int {
	sum := 0
	for k := range c {
		sum += c.support(k)
	}
	return sum
}

func (c Confusion) accuracy() Number {
	right := 0
	for k := range c {
		right += c[k][k]
	}
	return ratio(right, c.steps())
}

// scores are the metrics that need nothing but the counts.
func (c Confusion) scores(names []string) Scores {
	classes := make([]ClassScores, len(c))
	for k := range c {
		classes[k] = c.class(k, names[k])
	}
	s := Scores{
		Steps:             c.steps(),
		Accuracy:          c.accuracy(),
		BalancedAccuracy:  balancedAccuracy(classes),
		Precision:         undefined,
		Recall:            undefined,
		F1:                undefined,
		MacroPrecision:    mean(classes, precision, occurs),
		MacroRecall:       mean(classes, recall, occurs),
		MacroF1:           mean(classes, f1, occurs),
		WeightedPrecision: mean(classes, precision, support),
		WeightedRecall:    mean(classes, recall, support),
		WeightedF1:        mean(classes, f1, support),
		Classes:           classes,
		Confusion:         c,
	}
	if len(c) == 2 {
		s.Precision, s.Recall, s.F1 = classes[1].Precision, classes[1].Recall, classes[1].F1
	}
	return s
}
