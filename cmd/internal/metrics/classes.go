package metrics

// ClassScores are the metrics of one class against the rest.
type ClassScores struct {
	Name      string `json:"name"`
	Support   int    `json:"support"`   // steps labelled so
	Predicted int    `json:"predicted"` // steps answered so
	Precision Number `json:"precision"`
	Recall    Number `json:"recall"`
	F1        Number `json:"f1"`
	ROCAUC    Number `json:"roc_auc"`
	PRAUC     Number `json:"pr_auc"` // average precision
}

// class is a class's metrics, but for the areas under curves.
func (c Confusion) class(k int, name string) ClassScores {
	support, predicted := c.support(k), c.predicted(k)
	return ClassScores{
		Name:      name,
		Support:   support,
		Predicted: predicted,
		Precision: ratio(c[k][k], predicted),
		Recall:    ratio(c[k][k], support),
		F1:        ratio(2*c[k][k], support+predicted),
		ROCAUC:    undefined,
		PRAUC:     undefined,
	}
}

func precision(c *ClassScores) Number { return c.Precision }
func recall(c *ClassScores) Number    { return c.Recall }
func f1(c *ClassScores) Number        { return c.F1 }
func rocAUC(c *ClassScores) Number    { return c.ROCAUC }
func prAUC(c *ClassScores) Number     { return c.PRAUC }

func support(c *ClassScores) int { return c.Support }

// occurs is 1 for a class that is a label or an answer.
func occurs(c *ClassScores) int { return min(c.Support+c.Predicted, 1) }

// labelled is 1 for a class that is a label.
func labelled(c *ClassScores) int { return min(c.Support, 1) }

// mean is the weighted mean of a metric over the classes. Where the metric of a
// class that has a weight is not defined, it counts as 0.
func mean(classes []ClassScores, metric func(*ClassScores) Number, weight func(*ClassScores) int) Number {
	sum, weights := 0.0, 0
	for i := range classes {
		v, w := metric(&classes[i]), weight(&classes[i])
		if v == v {
			sum += float64(v) * float64(w)
		}
		weights += w
	}
	return Number(sum / float64(weights))
}

// balancedAccuracy is the mean recall of the classes that are labels. With one
// of them there is nothing to balance.
func balancedAccuracy(classes []ClassScores) Number {
	if occurring(classes) < 2 {
		return undefined
	}
	return mean(classes, recall, labelled)
}

// occurring is how many classes are labels.
func occurring(classes []ClassScores) int {
	n := 0
	for i := range classes {
		n += labelled(&classes[i])
	}
	return n
}

// rank adds the areas under curves.
func (s *steps) rank(out *Scores) {
	classes := out.Classes
	if s.classes == 2 {
		zero, one := &classes[0], &classes[1]
		one.ROCAUC, one.PRAUC, zero.PRAUC = s.curve(1).areas()
		zero.ROCAUC = one.ROCAUC
		out.ROCAUC, out.PRAUC = one.ROCAUC, one.PRAUC
		return
	}
	for k := range classes {
		classes[k].ROCAUC, classes[k].PRAUC, _ = s.curve(int16(k)).areas()
	}
	out.ROCAUC, out.PRAUC = undefined, mean(classes, prAUC, labelled)
	if occurring(classes) > 1 { // else there is nothing to rank it above
		out.ROCAUC = mean(classes, rocAUC, labelled)
	}
}
