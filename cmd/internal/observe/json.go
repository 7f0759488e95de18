package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
)

// Version is that of the JSON lines that the program prints: it grows when a field goes or
// changes its meaning.
const Version = 1

// WriteJSON writes v, which must become an object, as a line that begins with its type and
// Version.
func WriteJSON(w io.Writer, kind string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, `{"type":%q,"version":%d`, kind, Version)
	if fields := text[1:]; len(fields) > 1 {
		line = append(line, ',')
	}
	_, err = w.Write(append(append(line, text[1:]...), '\n'))
	return err
}

// JSON writes a line for each network that is compared, once one is taken, for each training
// whose result is kept, when it is, for every so many epochs of the first network that all
// rows train, and for the iterations that are reported.
type JSON struct {
	out   io.Writer
	every int // epochs; 0: no lines of epochs
	rungs []*fit.Rung
}

// NewJSON writes to out.
func NewJSON(out io.Writer, every int) *JSON {
	return &JSON{out: out, every: every}
}

// Observe implements fit.Observer.
func (j *JSON) Observe(_ context.Context, e fit.Event) error {
	switch e := e.(type) {
	case fit.Iterated:
		return WriteJSON(j.out, "iteration", e.Line)
	case fit.EpochEnded:
		if !Shown(e, j.every) {
			return nil
		}
		return WriteJSON(j.out, "epoch", NewEpochLine(e))
	case fit.JobEnded:
		if e.Digest != "" {
			return WriteJSON(j.out, "job", e)
		}
	case fit.RungJudged:
		j.rungs = append(j.rungs, e.Rung)
	case fit.Taken:
		return j.networks(e.Rungs)
	}
	return nil
}

// networks writes the lines of the networks that were compared.
func (j *JSON) networks(taken []*fit.Rung) error {
	for _, g := range j.rungs {
		if err := WriteJSON(j.out, "network", RungLine{g.Name(), !g.Baseline, slices.Contains(taken, g), g.Stopped, g.Spread}); err != nil {
			return err
		}
	}
	return nil
}

// Shown reports whether an epoch has a line where every so many have one: those of the
// first network that all rows train.
func Shown(e fit.EpochEnded, every int) bool {
	return every > 0 && e.Job.Fold == 0 && e.Job.Member == 0 && !e.Beside && (e.Epoch.Epoch%every == 0 || e.Last)
}

// EpochLine is what is told and kept of an epoch.
type EpochLine struct {
	fit.Job
	fit.Epoch
	*ValidationLine // nil without validation data
}

// ValidationLine is how an epoch's weights do on the validation data.
type ValidationLine struct {
	Loss     metrics.Number `json:"validation_loss"`
	MacroF1  metrics.Number `json:"macro_f1"`
	F1       metrics.Number `json:"f1"`
	Accuracy metrics.Number `json:"accuracy"`
	PRAUC    metrics.Number `json:"pr_auc"`
	Best     bool           `json:"best"` // so far
}

// NewEpochLine is the line of an epoch.
func NewEpochLine(e fit.EpochEnded) EpochLine {
	l := EpochLine{Job: e.Job, Epoch: e.Epoch}
	if v := e.Validated; v != nil {
		r := v.Report
		l.ValidationLine = &ValidationLine{metrics.Number(v.Loss), r.MacroF1, r.F1, r.Accuracy, r.PRAUC, v.Best}
	}
	return l
}

// RungLine describes a network that is compared with others.
type RungLine struct {
	Network   string             `json:"network"`
	Candidate bool               `json:"candidate"` // else a baseline that cannot be chosen
	Chosen    bool               `json:"chosen"`
	Stopped   bool               `json:"stopped,omitempty"` // before the last folds, as others did at least as well
	Spread    metrics.FoldSpread `json:"folds"`             // of one member
}
