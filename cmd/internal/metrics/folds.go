package metrics

import "gonum.org/v1/gonum/stat"

// FoldScores are the metrics that are compared over folds.
type FoldScores struct {
	Accuracy Number `json:"accuracy"`
	F1       Number `json:"f1"`
	MacroF1  Number `json:"macro_f1"`
	PRAUC    Number `json:"pr_auc"`
	ROCAUC   Number `json:"roc_auc"`
	LogLoss  Number `json:"log_loss"`
}

// FoldSpread is mean and standard deviation (n-1) of metrics over folds. A
// metric that is not defined in each of them has neither; one fold has no
// deviation.
type FoldSpread struct {
	Folds int        `json:"folds"`
	Mean  FoldScores `json:"mean"`
	Std   FoldScores `json:"std"`
}

// Spread compares the reports of folds.
func Spread(reports []*Report) FoldSpread {
	s := FoldSpread{Folds: len(reports)}
	values := make([][]float64, len(s.Mean.fields()))
	for _, r := range reports {
		scores := FoldScores{r.Accuracy, r.F1, r.MacroF1, r.PRAUC, r.ROCAUC, r.LogLoss}
		for i, v := range scores.fields() {
			values[i] = append(values[i], float64(*v))
		}
	}
	for i := range values {
		mean, std := stat.MeanStdDev(values[i], nil)
		*s.Mean.fields()[i], *s.Std.fields()[i] = Number(mean), Number(std)
	}
	return s
}

func (s *FoldScores) fields() []*Number {
	return []*Number{&s.Accuracy, &s.F1, &s.MacroF1, &s.PRAUC, &s.ROCAUC, &s.LogLoss}
}
