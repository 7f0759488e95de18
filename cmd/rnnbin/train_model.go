package main

import (
	"encoding/json"
	"slices"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/cmd/internal/original"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
	"github.com/rnnbin/rnnbin/graph"
	"github.com/rnnbin/rnnbin/graph/model"
)

// ownModel describes what was trained on own data, for a folder.
func (s *settings) ownModel(folder string, data fit.Data, r *fit.Result) (*model.Model, error) {
	m, err := s.modelOf(folder, r)
	if err != nil {
		return nil, err
	}
	m.Columns = columnRoles(s.Data.options(), data.Train)
	m.Classes = data.Train.Classes
	m.Run.Data = s.Data.Files
	m.Reports, err = json.Marshal(newReports(r))
	return m, err
}

// newReports are those of a run on own data.
func newReports(r *fit.Result) *reports {
	all := &reports{Positions: r.Positions, Test: r.Test}
	for i, g := range r.Rungs {
		all.Rungs = append(all.Rungs, rungReport{
			Name: g.Name(), Candidate: !g.Baseline, Chosen: slices.Contains(r.Chosen, i), Epochs: g.Made(), Seconds: g.Seconds(),
		})
		last := &all.Rungs[i]
		if last.Chosen && last.Epochs == 0 { // without folds
			last.Epochs = len(r.Members[0].History)
		}
		if g.Err != nil {
			last.Error = g.Err.Error()
		}
		if g.Report != nil {
			last.FoldSpread, last.PerFold = &g.Spread, perFold(g.Folds)
		}
	}
	if j := r.Judged; j != nil {
		all.Judged = &judgedReport{Split: string(j.Split), FoldSpread: j.Spread, PerFold: perFold(j.Folds), Tuned: j.Tuned, Report: j.Report}
	}
	return all
}

// perFold are the scores of each fold.
func perFold(folds []*metrics.Report) []metrics.FoldScores {
	var all []metrics.FoldScores
	for _, f := range folds {
		all = append(all, f.Compared())
	}
	return all
}

// presetModel describes what was trained as it would be had the series come from
// `rnnbin data sine`.
func (s *settings) presetModel(folder string, r *fit.Result) (*model.Model, error) {
	m, err := s.modelOf(folder, r)
	if err != nil {
		return nil, err
	}
	m.Columns = model.Columns{Label: "label", Features: []string{"x"}, Missing: string(series.MissingError)}
	m.Classes, m.Kinds[0].Horizon = []string{"0", "1"}, original.Horizon
	return m, nil
}

// modelOf describes what was trained.
func (s *settings) modelOf(folder string, r *fit.Result) (*model.Model, error) {
	text, err := s.effective(folder)
	if err != nil {
		return nil, err
	}
	first := r.Members[0]
	m := &model.Model{
		Version:     programVersion(),
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
	for _, of := range kindsOf(r) {
		m.Kinds = append(m.Kinds, newKind(of[0]))
	}
	if v := r.Rival; v != nil {
		m.Rival = &model.Rival{Kind: newKind(v), Threshold: r.Rungs[v.Job.Rung].Threshold}
		m.Rival.Training = graph.Training{}
	}
	return m, nil
}

// kindsOf brings the members of one shape and one scale together.
func kindsOf(r *fit.Result) [][]*fit.Trained {
	var all [][]*fit.Trained
	for _, t := range r.Members {
		n := len(all)
		if n == 0 || all[n-1][0].Job.Rung != t.Job.Rung || all[n-1][0].Job.Fold != t.Job.Fold {
			all = append(all, nil)
			n++
		}
		all[n-1] = append(all[n-1], t)
	}
	return all
}

// newKind describes the kind that a network is of, but for its weights.
func newKind(t *fit.Trained) model.Kind {
	return model.Kind{Network: t.Config.Network.WithDefaults(), Training: t.Config.Training, Horizon: t.Horizon, Inputs: t.Inputs}
}
