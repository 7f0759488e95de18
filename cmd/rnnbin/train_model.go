package main

import (
	"cmp"
	"encoding/json"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph/inputs"
	"github.com/rnnbin/rnnbin/graph/model"
)

// ownModel describes what was trained on own data, for a folder.
func (s *settings) ownModel(folder string, data fit.Data, r *fit.Result) (*model.Model, error) {
	m, err := s.modelOf(folder, r, r.Target)
	if err != nil {
		return nil, err
	}
	m.Columns, m.Classes = columnRoles(s.Data.options(), data.Train.Features), data.Train.Classes
	m.Run.Data = s.Data.Files
	m.Reports, err = json.Marshal(newReports(r))
	return m, err
}

// newReports are those of a run on own data.
func newReports(r *fit.Result) *reports {
	all := &reports{Positions: r.Positions, Test: r.Test}
	for i, g := range r.Rungs {
		all.Rungs = append(all.Rungs, rungReport{
			Name: g.Name(), Candidate: g.Candidate, Chosen: i == r.Chosen, Epochs: g.Made(), Seconds: g.Seconds(),
		})
		last := &all.Rungs[i]
		if last.Chosen && last.Epochs == 0 { // without folds
			last.Epochs = len(r.Members[0].History)
		}
		if g.Err != nil {
			last.Error = g.Err.Error()
		}
		if g.Report != nil {
			last.FoldSpread = &g.Spread
		}
	}
	if j := r.Judged; j != nil {
		all.Judged = &judgedReport{Split: string(j.Split), FoldSpread: j.Spread, Report: j.Report}
	}
	return all
}

// presetModel describes what was trained as it would be had the series come from
// `rnnbin data sine`.
func (s *settings) presetModel(folder string, r *fit.Result) (*model.Model, error) {
	m, err := s.modelOf(folder, r, original.Horizon)
	if err != nil {
		return nil, err
	}
	m.Columns = model.Columns{Label: "label", Features: []string{"x"}, Missing: string(series.MissingError)}
	m.Classes = []string{"0", "1"}
	return m, nil
}

// modelOf describes what was trained, but for the weights.
func (s *settings) modelOf(folder string, r *fit.Result, horizon int) (*model.Model, error) {
	text, err := s.effective(folder)
	if err != nil {
		return nil, err
	}
	first, in := r.Members[0], inputs.Inputs{SeriesScale: cmp.Or(r.Within, inputs.None)}
	m := &model.Model{
		Version:     programVersion(),
		Kinds:       []model.Kind{{Network: first.Config.Network, Training: first.Config.Training, Horizon: horizon, Inputs: in}},
		Lookahead:   r.Spec.Lookahead.String(),
		Profile:     model.Profile(*r.Profile),
		Threshold:   r.Threshold,
		ClassWeight: string(s.ClassWeight),
		Settings:    text,
		Run: model.Run{
			Rows: r.Rows, Members: s.Members, Epochs: len(first.History), Steps: first.Steps, Partial: string(r.Partial),
		},
	}
	for _, t := range r.Members {
		m.Run.Seconds += t.Seconds
	}
	if v := r.Rival; v != nil {
		m.Rival = &model.Rival{Kind: model.Kind{Network: v.Config.Network, Horizon: horizon, Inputs: in}, Threshold: r.Rungs[v.Job.Rung].Threshold}
	}
	return m, nil
}
