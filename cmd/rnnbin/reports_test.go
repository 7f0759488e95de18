package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
	"github.com/rnnbin/rnnbin/cmd/internal/metrics"
	"github.com/rnnbin/rnnbin/graph/model"
)

// What reports hold that cannot be is an error that names the file and the field.
func TestReportsOf(t *testing.T) {
	for text, want := range map[string]string{
		``: "",
		`{"rungs":[{"name":"GRU 16","chosen":true}],"positions":{"runs":[{"end":5,"class":0},{"end":9,"class":1}],"beyond":1}}`: "",
		`{"positions":{"runs":[{"end":5,"class":0},{"end":5,"class":1}],"beyond":1}}`:                                           "positions: a run to row 5 comes after one to row 5",
		`{"positions":{"runs":[{"end":5,"class":2}],"beyond":1}}`:                                                               "positions: class 2 of 2",
		`{"positions":{"runs":[{"end":5,"class":1}],"beyond":-1}}`:                                                              "positions: class -1 of 2",
		`{"judged":{"split":"series"}}`:                                                                                         "judged: there is no report",
		`{"jugded":{}}`:                                                                                                         `json: unknown field "jugded"`,
		`[]`:                                                                                                                    "json: cannot unmarshal array",
	} {
		_, err := reportsOf("m", &model.Model{Classes: []string{"0", "1"}, Reports: json.RawMessage(text)})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), "m/model.json: damaged: reports: "+want)):
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}

// Scores by fewer folds than there are, for lack of time or as others were better, say so.
func TestFewerFolds(t *testing.T) {
	two := make([]*metrics.Report, 2)
	kept, slow := &fit.Rung{Recipe: &fit.Recipe{Trial: "kept"}, Folds: two}, &fit.Rung{Recipe: &fit.Recipe{Trial: "slow"}, Folds: two}
	var out strings.Builder
	r := &reporter{out: &out, scores: scores, rungs: []*fit.Rung{kept, slow}, folds: 4}
	if err := r.table([]*fit.Rung{kept}); err != nil || !strings.Contains(out.String(), "  chosen by 2 folds\n") || !strings.Contains(out.String(), "  by 2 folds\n") {
		t.Errorf("%v:\n%s", err, out.String())
	}
	out.Reset()
	all := &reports{Rungs: []rungReport{{Name: "kept", Candidate: true, Chosen: true, FoldSpread: &metrics.FoldSpread{Folds: 4}},
		{Name: "slow", Candidate: true, FoldSpread: &metrics.FoldSpread{Folds: 2}}}}
	if err := printRungs(&out, scores, all); err != nil || !strings.HasSuffix(out.String(), "  stopped after 2 folds\n") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// The line of held-back rows counts the networks that labelled them, not those that are kept.
func TestMembersThatJudged(t *testing.T) {
	var out strings.Builder
	r := &reporter{out: &out, errOut: io.Discard, scores: scores}
	judged := &fit.Judged{Members: 2, Report: &metrics.Report{Baselines: []metrics.Baseline{{Name: "majority", Folds: &metrics.FoldComparison{}}}}}
	if err := r.result(&fit.Result{Members: make([]*fit.Trained, 6), Judged: judged}, ""); err != nil || !strings.Contains(out.String(), "\nmean of 2 networks ") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// A threshold that finds no more than predicting the positive class in each row is no advice.
func TestThresholdAdvice(t *testing.T) {
	for f1, want := range map[metrics.Number]bool{.79: false, .81: true} { // 2/3 of the rows are positive: 0.8
		var notes strings.Builder
		r := &reporter{out: io.Discard, errOut: &notes, scores: scores}
		j := &fit.Judged{Tuned: &fit.Tuned{F1: f1}, Report: &metrics.Report{Baselines: []metrics.Baseline{{Folds: &metrics.FoldComparison{}}}}}
		j.Report.Steps, j.Report.Classes, j.Spread.Mean.F1 = 300, []metrics.ClassScores{{Support: 100}, {Support: 200}}, .5
		if err := r.result(&fit.Result{Judged: j}, ""); err != nil || strings.Contains(notes.String(), "--threshold auto") != want {
			t.Errorf("F1 %v: %v:\n%s", f1, err, notes.String())
		}
	}
}

// The best baseline of a page is that of the folds, whose mean it shows.
func TestLead(t *testing.T) {
	baseline := func(name string, pooled, mean metrics.Number) metrics.Baseline {
		b := metrics.Baseline{Name: name, MacroF1: pooled, Folds: &metrics.FoldComparison{}}
		b.Folds.Mean.MacroF1 = mean
		return b
	}
	r := &reported{model: &model.Model{Classes: []string{"0", "1"}}, reports: &reports{Judged: &judgedReport{
		Report: &metrics.Report{Baselines: []metrics.Baseline{baseline("pooled", .9, .4), baseline("mean", .8, .5)}}}}}
	if text := r.lead()[0]; !strings.Contains(text, "best baseline, mean, 0.5000") {
		t.Error(text)
	}
}
