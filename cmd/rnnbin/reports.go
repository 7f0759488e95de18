package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/graph/model"
)

// reports tell how a model was chosen and how good it is. A model folder carries them.
type reports struct {
	Rungs     []rungReport      `json:"rungs,omitempty"`    // the networks that were compared, from the simplest on
	Judged    *judgedReport     `json:"judged,omitempty"`   // by rows that took no part in the training
	Test      *metrics.Report   `json:"test,omitempty"`     // on rows that nothing was chosen by
	Positions metrics.Positions `json:"positions,omitzero"` // what a row's number in its series alone answers
}

// rungReport is one of the networks that were compared.
type rungReport struct {
	Name                string               `json:"name"`
	Candidate           bool                 `json:"candidate"` // it could have been chosen
	Chosen              bool                 `json:"chosen"`
	Epochs              int                  `json:"epochs"`          // made, the most of the folds'
	Seconds             float64              `json:"seconds"`         // of all folds together
	Error               string               `json:"error,omitempty"` // why it was not judged
	PerFold             []metrics.FoldScores `json:"per_fold,omitempty"`
	*metrics.FoldSpread                      // of one member; nil if it was not judged
}

// judgedReport is how good the members are, by the answers of such networks to rows that these
// were not trained on.
type judgedReport struct {
	Split string `json:"split"` // how the rows were divided into folds
	metrics.FoldSpread
	PerFold []metrics.FoldScores `json:"per_fold,omitempty"`
	Tuned   *fit.Tuned           `json:"tuned,omitempty"` // what the best threshold of the other folds would come to
	Report  *metrics.Report      `json:"report"`          // of all rows
}

// reportsOf reads those of the model in a folder.
func reportsOf(folder string, m *model.Model) (*reports, error) {
	r := new(reports)
	if len(m.Reports) == 0 {
		return r, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(m.Reports))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(r)
	if err == nil {
		err = r.validate(len(m.Classes))
	}
	if err != nil {
		return nil, &model.Error{Path: filepath.Join(folder, "model.json"), Err: fmt.Errorf("damaged: reports: %w", err)}
	}
	return r, nil
}

// validate finds what would make an index panic.
func (r *reports) validate(classes int) error {
	if r.Judged != nil && r.Judged.Report == nil {
		return errors.New("judged: there is no report")
	}
	if err := r.Positions.Validate(classes); err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	return nil
}
