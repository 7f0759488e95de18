package observe

import (
	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/layout"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
)

// ResultLine sums a run up.
type ResultLine struct {
	Network   string          `json:"network"`
	Members   int             `json:"members"`
	Rows      int             `json:"rows"`
	Seed      int64           `json:"seed"`
	Threshold float64         `json:"threshold"`
	Seconds   float64         `json:"seconds"`
	Folder    string          `json:"folder"` // of the model
	Judged    *JudgedLine     `json:"judged,omitempty"`
	Test      *metrics.Report `json:"test,omitempty"`
}

// JudgedLine is how good the network is by folds.
type JudgedLine struct {
	Split   layout.SplitKind   `json:"split"`
	Members int                `json:"members"` // networks of each fold, whose answers these are
	Spread  metrics.FoldSpread `json:"folds"`
	*metrics.Report
	Tuned *fit.Tuned `json:"tuned,omitempty"` // what the best threshold of the other folds would come to
}

// NewJudgedLine is nil without a judgement.
func NewJudgedLine(j *fit.Judged) *JudgedLine {
	if j == nil {
		return nil
	}
	return &JudgedLine{j.Split, j.Members, j.Spread, j.Report, j.Tuned}
}

// NewResultLine is the line of a result that took so many seconds and is in a folder.
func NewResultLine(r *fit.Result, seconds float64, folder string) ResultLine {
	return ResultLine{
		Network: fit.Names(r.Taken()), Members: len(r.Members), Rows: r.Rows, Seed: r.Spec.Seed, Threshold: r.Threshold,
		Seconds: seconds, Folder: folder, Judged: NewJudgedLine(r.Judged), Test: r.Test,
	}
}
