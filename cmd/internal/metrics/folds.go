package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// FoldScores are the metrics that are compared over folds.
type FoldScores struct {
	Accuracy Number `json:"accuracy"`
	F1       Number `json:"f1"`
	MacroF1  Number `json:"macro_f1"`
	PRAUC    Number `json:"pr_auc"`
	ROCAUC   Number `json:"roc_auc"`
	LogLoss  Number `json:"log_loss"`
}

// Compared are the metrics that are compared over folds.
func (s *Scores) Compared() FoldScores {
	return FoldScores{s.Accuracy, s.F1, s.MacroF1, s.PRAUC, s.ROCAUC, s.LogLoss}
}

// Compared are the metrics that are compared over folds. Those of probabilities are not defined.
func (b *Baseline) Compared() FoldScores {
	return FoldScores{b.Accuracy, b.F1, b.MacroF1, undefined, undefined, undefined}
}

// FoldSpread is mean and standard deviation (n-1) of metrics over folds. A
// metric that is not defined in each of them has neither; one fold has no
// deviation.
type FoldSpread struct {
	Folds int        `json:"folds"`
	Mean  FoldScores `json:"mean"`
	Std   FoldScores `json:"std"`
}

// Spread is that of the folds' scores.
func Spread(folds []FoldScores) FoldSpread {
	s := FoldSpread{Folds: len(folds)}
	values := make([][]float64, len(s.Mean.fields()))
	for _, scores := range folds {
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

// StandardErrors are those of the means, not defined for one fold.
func (s *FoldSpread) StandardErrors() FoldScores {
	e := s.Std
	for _, v := range e.fields() {
		*v /= Number(math.Sqrt(float64(s.Folds)))
	}
	return e
}

// Ahead is by how much the scores of one model are higher than those of another on the same folds.
func Ahead(of, than []FoldScores) FoldSpread {
	var all []FoldScores
	for i, s := range of {
		all = append(all, s.minus(than[i]))
	}
	return Spread(all)
}

// InFolds compares the model with its baselines fold by fold. The folds' reports are of parts of
// the steps, and have the same baselines in the same order. It returns the model's spread.
func (r *Report) InFolds(folds []*Report) FoldSpread {
	var model []FoldScores
	for _, f := range folds {
		model = append(model, f.Compared())
	}
	for k := range r.Baselines {
		var rival []FoldScores
		for _, f := range folds {
			rival = append(rival, f.Baselines[k].Compared())
		}
		r.Baselines[k].Folds = &FoldComparison{Spread(rival), Ahead(model, rival)}
	}
	return Spread(model)
}

// FoldComparison compares a baseline with the model over folds.
type FoldComparison struct {
	FoldSpread
	Ahead FoldSpread `json:"model_ahead"` // by how much the model's scores are higher, fold by fold
}

func (s FoldScores) minus(t FoldScores) FoldScores {
	for i, v := range t.fields() {
		*s.fields()[i] -= *v
	}
	return s
}

func (s *FoldScores) fields() []*Number {
	return []*Number{&s.Accuracy, &s.F1, &s.MacroF1, &s.PRAUC, &s.ROCAUC, &s.LogLoss}
}
